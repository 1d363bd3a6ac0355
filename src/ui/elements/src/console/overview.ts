// The console's first page: tiles, plots, budgets, projects in trouble, deliveries.
import { css, html, nothing, type TemplateResult } from "lit";
import { icon } from "../parts/icons.js";
import { ago, exact, when } from "../parts/time.js";
import type { Budget, Overview, Primary, Troubled } from "./api.js";
import { latency, outcomes, seconds } from "./plots.js";
import { c } from "./texts.js";

const SHOWN = 12;
const PLOT = 420; // no plot beside another is less wide

/** Those with the least left first. */
function scarcest(budgets: Budget[]): Budget[] {
  const left = ({ standing }: Budget) => Math.min(...[standing?.rest, standing?.graphql].map((of) => (of ? of.remaining / of.limit : 1)), standing?.blocked_until ? 0 : 1);
  return [...budgets].sort((a, b) => left(a) - left(b)).slice(0, SHOWN);
}

export function health({ health }: Overview): TemplateResult {
  const badges = (Object.keys(c.names) as (keyof typeof c.names)[]).map((name) => {
    const tone = health[name] === "ok" ? "success" : health[name] === "unavailable" ? "danger" : "";
    return html`<span class="badge ${tone}">${icon(tone === "success" ? "check" : tone ? "error" : "minus")}${c.health(c.names[name], health[name])}</span>`;
  });
  const [, error, at] = /^(.*?)(?: \(([^()]+)\))?$/s.exec(health.github_error ?? "") ?? [];
  return html`${badges}${error ? html`<span class="small said ${health.github === "ok" ? "muted" : "warning"}" title=${at ? exact(at) : nothing}>${c.githubError(error, at ? ago(at) : "")}</span>` : nothing}`;
}

/** Two plots beside each other where there is room. `content`: how wide all is. */
function plotWidth(content: number): number {
  const [gap, padding] = [16, 34];
  return Math.max((content >= 2 * PLOT + gap ? (content - gap) / 2 : content) - padding, 240);
}

/** `width`: how wide all is, so that what plots say is as large as other text. */
export function overviewView(seen: Overview, width: number): TemplateResult {
  const wide = plotWidth(width);
  return html`${tiles(seen)}
    <div class="pair"><section class="card"><div class="head"><h2>${c.outcomes}</h2></div><div class="body">${outcomes(seen.steps, seen.now, c.outcomes, wide)}${legend([["success", c.ok], ["warning", c.conflict], ["danger", c.failed]])}</div></section>
      <section class="card"><div class="head"><h2>${c.latency}</h2></div><div class="body">${latency(seen.steps, seen.now, c.latency, wide)}${legend([["accent", c.p50], ["merged", c.p95]])}</div></section></div>
    ${table(c.trouble, [c.project, c.repository, c.reason, c.next, c.pending], seen.troubled.map(troubled), c.troubleEmpty)}
    ${table(c.budgets, [c.installation, c.projects, c.rest, c.graphql, c.content], scarcest(seen.budgets).map(budget), c.budgetsEmpty)}
    ${table(c.deliveries, [c.event, c.outcome, c.received, c.took, c.delivery], seen.deliveries.slice(0, SHOWN).map((one) => [html`<span class="mono">${one.event}</span>`, one.outcome, when(one.received_at),
      seconds((Date.parse(one.done_at) - Date.parse(one.received_at)) / 1000), html`<span class="mono small muted">${one.id}</span>`]), c.deliveriesEmpty)}`;
}

function tiles({ queue, counts, latency: took, steps }: Overview): TemplateResult {
  const sum = (name: "succeeded" | "failed" | "conflict") => steps.reduce((all, step) => all + step[name], 0);
  const [ended, failed] = [sum("succeeded") + sum("failed") + sum("conflict"), sum("failed")];
  const rate = ended ? `${(((ended - failed) / ended) * 100).toLocaleString(undefined, { maximumFractionDigits: 1 })} %` : c.tiles.none;
  const trouble = counts.suspended + counts.broken;
  return html`<dl class="tiles">
    ${tile(c.tiles.queue, queue ? queue.depth.toLocaleString() : c.tiles.none, !queue ? c.tiles.queueAway : queue.depth ? c.tiles.queueHint(seconds(queue.oldest_seconds)) : c.tiles.queueEmpty, !queue || queue.oldest_seconds > 60)}
    ${tile(c.tiles.due, counts.due.toLocaleString(), counts.due ? c.tiles.dueHint(seconds(counts.due_seconds)) : c.tiles.queueEmpty, counts.due_seconds > 60)}
    ${tile(c.tiles.connected, counts.connected.toLocaleString(), c.tiles.connectedHint(counts.projects))}
    ${tile(c.tiles.trouble, trouble.toLocaleString(), c.tiles.troubleHint(counts.suspended, counts.broken), trouble > 0)}
    ${tile(c.tiles.rate, rate, c.tiles.rateHint(failed), failed > 0)}
    ${tile(c.tiles.latency, seconds(took.p50), c.tiles.latencyHint(seconds(took.p95), seconds(took.p99)))}
  </dl>`;
}

function tile(label: string, value: string, hint: string, warn = false): TemplateResult {
  return html`<div class="card tile"><dt>${label}</dt><dd class="value">${value}</dd><dd class="small ${warn ? "warning" : "muted"}">${hint}</dd></div>`;
}

function legend(entries: [string, string][]): TemplateResult {
  return html`<ul class="legend">${entries.map(([tone, label]) => html`<li><span class="swatch ${tone}" aria-hidden="true">■</span>${label}</li>`)}</ul>`;
}

function troubled(one: Troubled): unknown[] {
  const retryable = one.error?.retryable ?? one.due_at !== null;
  return [html`<span class="mono">${one.project}</span>`, html`<span class="path">${one.repository}</span> <span class="muted small">${one.branch}</span>`,
    html`<span class="badge ${one.state === "connected" ? "warning" : "danger"}">${one.error?.code ?? one.state}</span><div class="small">${one.error?.detail ?? nothing}</div>`,
    one.due_at && retryable ? html`${when(one.due_at)} <span class="muted small">${c.attempt(one.attempts)}</span>` : html`<span class="muted">${c.person}</span>`, one.pending.toLocaleString()];
}

function budget({ installation, owner, projects, standing }: Budget): unknown[] {
  const name = html`${owner} <span class="muted small mono">${installation}</span>${standing?.blocked_until ? html`<div class="small warning">${c.blocked(ago(standing.blocked_until))}</div>` : nothing}`;
  if (!standing) return [name, projects, c.tiles.none, c.tiles.none, c.tiles.none];
  return [name, projects, primary(standing.rest), primary(standing.graphql), `${standing.content_minute} / ${standing.per_minute}, ${standing.content_hour} / ${standing.per_hour}`];
}

function primary(of: Primary | null): unknown {
  if (!of) return html`<span class="muted">${c.unused}</span>`;
  const label = c.left(of.remaining, of.limit);
  return html`<progress max=${of.limit} .value=${of.remaining} aria-label=${label}></progress><span class="small">${label}</span> <span class="small muted">${c.resets(ago(of.reset))}</span>`;
}

export function table(title: string, heads: string[], rows: unknown[][], none: string, extra: unknown = nothing): TemplateResult {
  return html`<section class="card"><div class="head"><h2>${title}</h2>${extra}</div>
    ${rows.length ? html`<div class="scroll" tabindex="0" role="region" aria-label=${c.table(title)}><table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${rows.map((cells) => html`<tr>${cells.map((cell, at) => html`<td data-label=${heads[at] ?? ""}><div>${cell ?? c.tiles.none}</div></td>`)}</tr>`)}</tbody></table></div>` : html`<p class="body muted">${none}</p>`}</section>`;
}

export const overviewStyles = css`
  .said { overflow-wrap: anywhere; align-self: center; }
  .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(150px, 40%), 1fr)); gap: 12px; }
  .tile { margin: 0 !important; padding: 12px 14px; }
  .tile dt { color: var(--muted); font-size: 12.5px; }
  .tile .value { font-size: 24px; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
  .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(${PLOT}px, 100%), 1fr)); gap: 16px; }
  .pair .card { margin: 0; min-width: 0; }
  .legend { display: flex; flex-wrap: wrap; gap: 4px 14px; margin-top: 8px; font-size: 12.5px; color: var(--muted); }
  .legend li { display: flex; gap: 6px; align-items: center; }
  .swatch.success { color: var(--ended-well); } .swatch.warning { color: var(--ended-torn); } .swatch.danger { color: var(--ended-badly); }
  .scroll { overflow-x: auto; }
  table { width: 100%; border-collapse: collapse; }
  th { text-align: start; font-size: 12.5px; font-weight: 500; color: var(--muted); white-space: nowrap; }
  th, td { padding: 8px 16px; border-top: 1px solid var(--border); vertical-align: top; }
  td { font-variant-numeric: tabular-nums; }
  td time { white-space: nowrap; }
  td progress { min-width: 120px; margin: 6px 0 4px; }
  /* A row is a sheet of its own where it does not fit: each cell says what it is. */
  @media (max-width: 700px) {
    thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    table, tbody, tr { display: block; }
    tr { padding: 8px 0; border-top: 1px solid var(--border); }
    td { display: grid; grid-template-columns: 96px minmax(0, 1fr); gap: 12px; padding: 3px 16px; border: 0; overflow-wrap: anywhere; }
    td::before { content: attr(data-label); color: var(--muted); font-size: 12.5px; }
  }
`;
