// <lockstep-conflicts>: what changed on both sides, side by side, and the ways to decide.
import { css, html, LockstepElement, define, nothing, repeat, state } from "./base.js";
import type { Conflict, ConflictSide, Resolution } from "./api/types.js";
import "./parts/dialog.js";
import { icon } from "./parts/icons.js";
import { changedLines } from "./parts/lines.js";
import { bytes } from "./parts/time.js";
import { busyLabel, empty, problemView, skeleton } from "./parts/views.js";
import { t } from "./texts.js";

type Side = "base" | "project" | "github";
type Strategy = "project" | "github" | "pull_request";
const SIDES: Side[] = ["base", "project", "github"];
const WIDE = 700;
const MARKS = /^(<{7}|\|{7}|={7}|>{7})( |$)/m;

export class LockstepConflicts extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    .intro { padding: 0 16px 14px; }
    .file { padding: 14px 16px; }
    .title { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; margin-bottom: 10px; }
    .columns { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); border: 1px solid var(--border); border-radius: 6px; overflow: hidden; }
    .columns > * + * { border-inline-start: 1px solid var(--border); }
    .side h4 { padding: 6px 10px; font-size: 12.5px; background: var(--subtle); border-bottom: 1px solid var(--border); }
    .tabs { display: flex; gap: 2px; border-bottom: 1px solid var(--border); margin-bottom: 0; }
    .tabs button { border: 0; border-radius: 0; border-bottom: 2px solid transparent; background: none; color: var(--muted); }
    .tabs [aria-selected="true"] { color: var(--text); border-color: var(--accent); }
    .tabpanel { border: 1px solid var(--border); border-top: 0; border-radius: 0 0 6px 6px; overflow: hidden; }
    .text { max-height: 320px; overflow: auto; padding: 6px 0; font: 12px/1.6 var(--mono); }
    .text:focus-visible { outline-offset: -2px; }
    .text span { display: block; padding: 0 10px; white-space: pre; width: max-content; min-width: 100%; }
    .text .changed { background: var(--accent-soft); box-shadow: inset 2px 0 var(--accent); }
    .text .gone { background: var(--danger-soft); box-shadow: inset 2px 0 var(--danger); }
    .nothing { padding: 14px 10px; color: var(--muted); font-size: 12.5px; }
    textarea { min-height: 180px; margin-top: 6px; }
    .bar { position: sticky; bottom: 0; display: flex; flex-wrap: wrap; gap: 10px; align-items: center; padding: 12px 16px; background: var(--surface); border-top: 1px solid var(--border); border-radius: 0 0 var(--radius) var(--radius); }
    .problem { padding: 0 16px 14px; }
  `];
  override readonly needs = ["integration", "conflicts"] as const;

  @state() private wide = true;
  @state() private tab: Record<string, Side> = {};
  @state() private choices: Record<string, Resolution> = {};
  @state() private editing = "";
  @state() private text = "";
  @state() private asking: Strategy | undefined;
  private readonly observer = new ResizeObserver(([entry]) => (this.wide = (entry?.contentRect.width ?? WIDE) >= WIDE));

  override connectedCallback(): void {
    super.connectedCallback();
    this.observer.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.observer.disconnect();
  }

  private choose(path: string, choice: Resolution | undefined): void {
    const { [path]: _, ...others } = this.choices;
    this.choices = choice ? { ...others, [path]: choice } : others;
    this.editing = "";
  }

  private edit({ path, merged, project }: Conflict): void {
    this.editing = path;
    this.text = merged ?? project?.text ?? "";
    void this.updateComplete.then(() => this.renderRoot.querySelector("textarea")?.focus());
  }

  /** What was decided about paths that are still in conflict. */
  private get decided(): Resolution[] {
    const paths = new Set(this.store.conflicts.items.map((conflict) => conflict.path));
    return Object.values(this.choices).filter((choice) => paths.has(choice.path));
  }

  private async resolve(answer: Parameters<typeof this.store.client.resolve>[0]): Promise<void> {
    const sync = await this.run("resolve", () => this.store.client.resolve(answer));
    if (!sync) return;
    [this.choices, this.asking] = [{}, undefined];
    this.store.refresh();
  }

  protected override render() {
    const { conflicts, expired } = this.store;
    if (expired) return nothing;
    const { items } = conflicts;
    return html`<section class="card" aria-labelledby="title">
      <div class="head"><h2 id="title">${t.conflicts.title}</h2>${items.length ? this.renderAll() : nothing}</div>
      ${conflicts.problem ? html`<div class="problem">${problemView(conflicts.problem, () => conflicts.refresh())}</div>` : nothing}
      ${!conflicts.loaded && !conflicts.problem ? skeleton() : nothing}
      ${conflicts.loaded && !items.length ? empty("check", t.conflicts.none, t.conflicts.noneText) : nothing}
      ${items.length ? html`<p class="intro muted">${t.conflicts.intro}</p>
        <ul class="list">${repeat(items, ({ path }) => path, (conflict) => this.renderConflict(conflict))}</ul>
        ${conflicts.hasMore ? html`<div class="file"><button type="button" @click=${() => conflicts.more()}>${t.common.more}</button></div>` : nothing}
        ${this.renderBar(items.length)}` : nothing}
      ${this.renderSure()}
    </section>`;
  }

  private renderAll() {
    const options: [Strategy, string][] = [["project", t.conflicts.allProject], ["github", t.conflicts.allGithub], ["pull_request", t.conflicts.allPull]];
    return html`<label class="row small"><span class="sr">${t.conflicts.all}</span><select ?disabled=${!this.may("editor")} @change=${(event: Event) => {
      const select = event.target as HTMLSelectElement;
      this.asking = select.value as Strategy;
      select.value = "";
    }}><option value="" selected>${t.conflicts.all}…</option>${options.map(([value, label]) => html`<option value=${value}>${label}</option>`)}</select></label>`;
  }

  private renderConflict(conflict: Conflict) {
    const choice = this.choices[conflict.path];
    return html`<li class="file"><div class="title"><h3 class="path">${conflict.path}</h3><span class="badge warning">${icon("alert")}${t.conflicts.kind[conflict.kind]}</span></div>
      ${conflict.detail ? html`<p class="hint">${conflict.detail}</p>` : nothing}
      ${this.wide ? html`<div class="columns">${SIDES.map((side) => html`<div class="side"><h4>${t.conflicts[side]}</h4>${this.renderSide(conflict, side)}</div>`)}</div>` : this.renderTabs(conflict)}
      ${this.editing === conflict.path ? this.renderEditor(conflict) : html`<div class="actions">
        ${choice ? html`<span class="badge success">${icon("check")}${t.conflicts.chosen[choice.take]}</span><button type="button" class="link small" @click=${() => this.choose(conflict.path, undefined)}>${t.conflicts.unchoose}</button>` : this.renderChoices(conflict)}</div>`}
    </li>`;
  }

  private renderChoices(conflict: Conflict) {
    const { path, project, github, merged } = conflict;
    const disabled = !this.may("editor");
    return html`
      <button type="button" ?disabled=${disabled} @click=${() => this.choose(path, { path, take: "project" })}>${project ? t.conflicts.takeProject : t.conflicts.deleteIt}</button>
      <button type="button" ?disabled=${disabled} @click=${() => this.choose(path, { path, take: "github" })}>${github ? t.conflicts.takeGithub : t.conflicts.deleteIt}</button>
      ${merged !== null ? html`<button type="button" ?disabled=${disabled} @click=${() => this.edit(conflict)}>${t.conflicts.merge}</button>` : nothing}`;
  }

  private renderTabs(conflict: Conflict) {
    const current = this.tab[conflict.path] ?? "project";
    const select = (side: Side) => (this.tab = { ...this.tab, [conflict.path]: side });
    const keys = (event: KeyboardEvent) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      select(SIDES[(SIDES.indexOf(current) + step + 3) % 3]!);
      void this.updateComplete.then(() => ((event.target as HTMLElement).parentElement?.querySelector("[aria-selected='true']") as HTMLElement | null)?.focus());
    };
    return html`<div class="tabs" role="tablist" aria-label=${t.conflicts.sides} @keydown=${keys}>${SIDES.map((side) => html`
        <button type="button" role="tab" aria-selected=${side === current ? "true" : "false"} tabindex=${side === current ? 0 : -1} @click=${() => select(side)}>${t.conflicts[side]}</button>`)}</div>
      <div class="tabpanel" role="tabpanel" aria-label=${t.conflicts[current]}>${this.renderSide(conflict, current)}</div>`;
  }

  private renderSide(conflict: Conflict, side: Side) {
    const content = conflict[side];
    if (!content) return html`<p class="nothing">${side === "base" || conflict.kind === "both_added" ? t.conflicts.missing : t.conflicts.deleted}</p>`;
    if (content.text == null) return html`<p class="nothing">${content.size === null ? t.conflicts.notShown : t.conflicts.binary(bytes(content.size))}</p>`;
    return this.renderText(conflict, side, content);
  }

  /** A side's lines, those marked that it does not share with the base; the base's, those that either side lost. */
  private renderText(conflict: Conflict, side: Side, { text }: ConflictSide) {
    const own = (text ?? "").replace(/\n$/, "");
    const base = conflict.base?.text?.replace(/\n$/, "");
    const against = (other: string | null | undefined) => changedLines((other ?? "").replace(/\n$/, ""), own);
    const marks = side !== "base" ? (base === undefined ? [] : against(base))
      : against(conflict.project?.text).map((mark, at) => mark || against(conflict.github?.text)[at]!);
    return html`<div class="text" tabindex="0" role="region" aria-label="${conflict.path}: ${t.conflicts[side]}">${own.split("\n").map((line, at) => html`<span class=${marks[at] ? (side === "base" ? "gone" : "changed") : ""}>${line || " "}</span>`)}</div>`;
  }

  private renderEditor(conflict: Conflict) {
    const marked = MARKS.test(this.text);
    const take = () => this.choose(conflict.path, { path: conflict.path, take: "content", content: this.text });
    return html`<div class="actions"><div class="grow"><label for="merged">${t.conflicts.mergeLabel(conflict.path)}</label>
      <textarea id="merged" class="mono" spellcheck="false" rows="12" .value=${this.text} aria-describedby="merged-hint" @input=${(e: Event) => (this.text = (e.target as HTMLTextAreaElement).value)}></textarea>
      <p class="hint" id="merged-hint">${marked ? t.conflicts.marks : t.conflicts.mergeHint}</p></div></div>
      <div class="actions"><button type="button" class="primary" ?disabled=${marked} @click=${take}>${t.conflicts.useText}</button><button type="button" class="quiet" @click=${() => (this.editing = "")}>${t.common.cancel}</button></div>`;
  }

  private renderBar(all: number) {
    const { decided } = this;
    if (!decided.length) return this.failure && !this.asking ? html`<div class="bar">${problemView(this.failure)}</div>` : nothing;
    return html`<div class="bar">${this.asking ? nothing : problemView(this.failure)}<span class="grow muted" role="status">${t.conflicts.progress(decided.length, all)}</span>
      <button type="button" class="primary" aria-disabled=${this.stays} @click=${() => this.resolve({ resolutions: decided })}>${busyLabel(this.busy === "resolve", t.conflicts.apply(decided.length), t.conflicts.applying)}</button></div>`;
  }

  private renderSure() {
    const strategy = this.asking;
    return html`<lockstep-dialog .open=${strategy !== undefined} .heading=${strategy ? t.conflicts.sure[strategy] : ""} @dismissed=${() => (this.asking = undefined)}>
      <p>${strategy ? t.conflicts.sureText[strategy] : ""}</p><div class="actions">${problemView(this.failure)}</div>
      <button slot="actions" type="button" autofocus @click=${() => (this.asking = undefined)}>${t.common.cancel}</button>
      <button slot="actions" type="button" class="primary" aria-disabled=${this.stays} @click=${() => strategy && this.resolve({ strategy })}>${busyLabel(this.busy === "resolve", t.conflicts.sureDo, t.conflicts.applying)}</button>
    </lockstep-dialog>`;
  }
}
define("lockstep-conflicts", LockstepConflicts);
