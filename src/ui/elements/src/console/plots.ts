// Plots as inline SVG: attributes and classes only, so that no style stands in the markup.
import { css, svg, html, type TemplateResult } from "lit";
import type { Step } from "./api.js";

const [HEIGHT, LEFT, BOTTOM] = [150, 52, 20];
const LABEL = 84; // the least room for a time on the axis
const STEP_MS = 30 * 60_000;
const STEPS = 48;

/** Every step of the last day, those without a sync included. */
function day(steps: Step[], now: string): Step[] {
  const known = new Map(steps.map((step) => [Math.round(Date.parse(step.at) / STEP_MS), step]));
  const last = Math.max(...known.keys(), Math.floor(Date.parse(now) / STEP_MS));
  const offset = steps.length ? Math.round((Date.parse(steps[0]!.at) % STEP_MS) / STEP_MS) : 0;
  return Array.from({ length: STEPS }, (_, at) => {
    const slot = last - STEPS + 1 + at + offset;
    const none = { at: new Date(slot * STEP_MS).toISOString(), succeeded: 0, failed: 0, conflict: 0, p50: null, p95: null };
    return known.get(slot) ?? none;
  });
}

/** A round number at or above the highest value. */
function ceiling(highest: number): number {
  if (highest <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((candidate) => candidate >= highest)!;
}

const hour = (iso: string) => new Date(iso).toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });

function frame(title: string, all: Step[], top: string, content: unknown, width: number): TemplateResult {
  const plot = HEIGHT - BOTTOM;
  const times = (width - LEFT) / LABEL >= 5 ? [0, 12, 24, 36, 47] : [0, 24, 47];
  const labels = times.map((at) => svg`<text x=${LEFT + ((at + 0.5) * (width - LEFT)) / STEPS} y=${HEIGHT - 4} text-anchor=${at === 0 ? "start" : at === 47 ? "end" : "middle"}>${hour(all[at]!.at)}</text>`);
  return html`<svg class="plot" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label=${title}>
    <line class="grid" x1=${LEFT} x2=${width} y1="10" y2="10" /><line class="grid" x1=${LEFT} x2=${width} y1=${(plot + 10) / 2} y2=${(plot + 10) / 2} /><line class="axis" x1=${LEFT} x2=${width} y1=${plot} y2=${plot} />
    <text x=${LEFT - 6} y="14" text-anchor="end">${top}</text><text x=${LEFT - 6} y=${plot} text-anchor="end">0</text>${labels}${content}</svg>`;
}

/** Syncs that ended, stacked by outcome. */
export function outcomes(steps: Step[], now: string, title: string, wide: number): TemplateResult {
  const all = day(steps, now);
  const most = ceiling(Math.max(...all.map((step) => step.succeeded + step.failed + step.conflict)));
  const [plot, width] = [HEIGHT - BOTTOM - 10, (wide - LEFT) / STEPS];
  const bars = all.map((step, at) => {
    let y = HEIGHT - BOTTOM;
    const tip = `${hour(step.at)}: ${step.succeeded} ok, ${step.conflict} conflicts, ${step.failed} failed`;
    const parts = (["succeeded", "conflict", "failed"] as const).map((name) => {
      const height = (step[name] / most) * plot;
      y -= height;
      return height ? svg`<rect class=${name} x=${LEFT + at * width + 1} y=${y} width=${width - 2} height=${height} rx="1" />` : svg``;
    });
    return svg`<g><title>${tip}</title>${parts}</g>`;
  });
  return frame(title, all, most.toLocaleString(), bars, wide);
}

/** From asking to the commit: the middle and the slowest twentieth. */
export function latency(steps: Step[], now: string, title: string, wide: number): TemplateResult {
  const all = day(steps, now);
  const most = ceiling(Math.max(...all.map((step) => step.p95 ?? 0)));
  const [plot, width] = [HEIGHT - BOTTOM - 10, (wide - LEFT) / STEPS];
  const lines = (["p95", "p50"] as const).map((name) => {
    const points = all.flatMap((step, at) => (step[name] === null ? [] : [[LEFT + (at + 0.5) * width, HEIGHT - BOTTOM - (step[name]! / most) * plot] as const]));
    const dots = points.map(([x, y]) => svg`<circle class=${name} cx=${x} cy=${y} r="2.5" />`);
    return svg`<polyline class=${name} points=${points.map((point) => point.join(",")).join(" ")} />${dots}`;
  });
  return frame(title, all, seconds(most), lines, wide);
}

export function seconds(value: number | null): string {
  if (value === null) return "–";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 120) return `${value.toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
  return value < 7200 ? `${Math.round(value / 60)} min` : `${Math.round(value / 3600)} h`;
}

export const plotStyles = css`
  .plot { display: block; width: 100%; height: auto; }
  .plot text { font: 11px var(--font); fill: var(--muted); }
  .grid { stroke: var(--border); stroke-dasharray: 2 3; } .axis { stroke: var(--border); }
  :host { --ended-well: light-dark(#2a8a4a, #58c97b); --ended-torn: light-dark(#c07f00, #e3b04b); --ended-badly: light-dark(#cf2f26, #ff8e85); }
  rect.succeeded { fill: var(--ended-well); } rect.conflict { fill: var(--ended-torn); } rect.failed { fill: var(--ended-badly); }
  polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round; } polyline.p50 { stroke: var(--accent); } polyline.p95 { stroke: var(--merged); stroke-dasharray: 4 3; }
  circle.p50 { fill: var(--accent); } circle.p95 { fill: var(--merged); }
`;
