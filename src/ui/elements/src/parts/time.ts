// Times, as people say them, with the exact one at hand.
import { html, type TemplateResult } from "lit";
import { t } from "../texts.js";

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60],
];

export function ago(iso: string): string {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang || undefined, { numeric: "auto" });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return t.common.justNow;
}

export function when(iso: string | null | undefined): TemplateResult | string {
  if (!iso) return t.common.never;
  return html`<time datetime=${iso} title=${exact(iso)}>${ago(iso)}</time>`;
}

export function exact(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  const unit = size < 1e6 ? "kB" : "MB";
  return `${(size / (size < 1e6 ? 1e3 : 1e6)).toLocaleString(undefined, { maximumFractionDigits: 1 })} ${unit}`;
}
