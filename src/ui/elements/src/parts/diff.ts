// Reads git's unified diffs and shows them, file by file, with line numbers.
import { css, html, nothing, type TemplateResult } from "lit";
import { t } from "../texts.js";

export interface DiffLine {
  sign: "+" | "-" | " " | "@";
  text: string;
  old?: number;
  new?: number;
}

export interface DiffFile {
  path: string;
  binary: boolean;
  lines: DiffLine[];
}

const SHOWN = 400; // lines, until a person asks for the rest

export function parseDiff(text: string): DiffFile[] {
  const files: DiffFile[] = [];
  let [before, after, inHunk] = [0, 0, false];
  for (const line of text.split("\n")) {
    const file = files.at(-1);
    if (line.startsWith("diff --git ")) {
      files.push({ path: headerPath(line), binary: false, lines: [] });
      inHunk = false;
    } else if (!file) continue;
    else if (line.startsWith("@@")) {
      const [, from, to] = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line) ?? [];
      [before, after, inHunk] = [Number(from), Number(to), true];
      // A gap is worth a word only where lines were left out.
      if (file.lines.length || Math.max(before, after) > 1) file.lines.push({ sign: "@", text: t.diff.from(Math.max(after, 1)) });
    } else if (!inHunk) readHeader(file, line);
    else if (line.startsWith("+")) file.lines.push({ sign: "+", text: line.slice(1), new: after++ });
    else if (line.startsWith("-")) file.lines.push({ sign: "-", text: line.slice(1), old: before++ });
    else if (line.startsWith(" ")) file.lines.push({ sign: " ", text: line.slice(1), old: before++, new: after++ });
  }
  return files;
}

function readHeader(file: DiffFile, line: string): void {
  if (line.startsWith("Binary files ")) file.binary = true;
  else if (line.startsWith("+++ ") && !line.endsWith("/dev/null")) file.path = unquote(line.slice(4)).replace(/^b\//, "");
}

function headerPath(line: string): string {
  const half = line.slice("diff --git ".length);
  const quoted = /("b\/.*")$/.exec(half)?.[1];
  if (quoted) return unquote(quoted).replace(/^b\//, "");
  return half.slice(half.length / 2 + 0.5).replace(/^b\//, "") || half;
}

/** git writes unusual names in quotes, their bytes in octal. */
function unquote(name: string): string {
  const plain = name.replace(/\t$/, "");
  if (!plain.startsWith('"')) return plain;
  const bytes: number[] = [];
  const inner = plain.slice(1, -1);
  for (let at = 0; at < inner.length; at++) {
    const octal = /^\\([0-7]{3})/.exec(inner.slice(at));
    if (octal) (bytes.push(parseInt(octal[1]!, 8)), (at += 3));
    else if (inner[at] === "\\") bytes.push(({ n: 10, t: 9, r: 13 } as Record<string, number>)[inner[++at]!] ?? inner.charCodeAt(at));
    else bytes.push(...new TextEncoder().encode(inner[at]));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

export function diffView(files: DiffFile[], all: boolean, showAll: () => void, withNames = true): TemplateResult {
  if (!files.length) return html`<p class="muted small">${t.diff.empty}</p>`;
  let left = all ? Infinity : SHOWN;
  const total = files.reduce((sum, file) => sum + file.lines.length, 0);
  const shown = files.map((file) => {
    const lines = file.lines.slice(0, Math.max(left, 0));
    left -= file.lines.length;
    return html`<section class="diff">
      ${withNames ? html`<div class="name path">${file.path}</div>` : nothing}
      ${file.binary ? html`<p class="muted small">${t.diff.binary}</p>` : codeView(file.path, lines)}
    </section>`;
  });
  return html`${shown}${left < 0 ? html`<button type="button" class="link" @click=${showAll}>${t.diff.large(total)}</button>` : nothing}`;
}

function codeView(path: string, lines: DiffLine[]): TemplateResult | typeof nothing {
  if (!lines.length) return nothing;
  return html`<div class="code" tabindex="0" role="region" aria-label=${t.controls.viewDiff(path)}><table><tbody>
    ${lines.map((line) => html`<tr class=${CLASS[line.sign]}><td class="no">${line.old ?? ""}</td><td class="no">${line.new ?? ""}</td><td
      class="sign">${line.sign === "@" ? "" : line.sign}</td><td class="line">${line.text || " "}</td></tr>`)}</tbody></table></div>`;
}

const CLASS = { "+": "added", "-": "removed", " ": "", "@": "hunk" } as const;

export const diffStyles = css`
  .diff { border: 1px solid var(--border); border-radius: 6px; overflow: hidden; background: var(--surface); }
  .diff + .diff { margin-top: 10px; }
  .diff .name { padding: 7px 10px; background: var(--subtle); border-bottom: 1px solid var(--border); font-weight: 500; }
  .diff > p { padding: 8px 10px; }
  .code { overflow-x: auto; max-height: 460px; overflow-y: auto; }
  .code:focus-visible { outline-offset: -2px; }
  .code table { border-collapse: collapse; min-width: 100%; font: 12px/1.6 var(--mono); }
  .code td { padding: 0 8px; white-space: pre; vertical-align: top; }
  .code .no { width: 1%; color: var(--muted); text-align: end; user-select: none; padding-inline: 8px 2px; }
  .code .sign { width: 1%; padding-inline: 8px 4px; user-select: none; }
  .code .line { padding-inline-start: 2px; }
  .code .added td { background: var(--success-soft); }
  .code .added .sign { color: var(--success); }
  .code .removed td { background: var(--danger-soft); }
  .code .removed .sign { color: var(--danger); }
  .code .added .no, .code .removed .no { color: var(--text); opacity: 0.75; }
  .code .hunk td { background: var(--subtle); color: var(--muted); padding-block: 2px; }
`;
