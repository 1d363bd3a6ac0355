// The icons: strokes on a grid of 16, in the colour of the text around them. Decoration only: hidden from readers.
import { html, svg, type TemplateResult } from "lit";

const strokes = {
  check: "M3 8.5l3.2 3.2L13 5",
  cross: "M4 4l8 8M12 4l-8 8",
  alert: "M8 2L1.6 13.5h12.8zM8 6.5v3.2M8 11.6v.1",
  error: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 5v3.6M8 10.9v.1",
  info: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 7.4V11M8 5v.1",
  clock: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 4.5V8l2.4 1.6",
  sync: "M13.5 6.5A5.8 5.8 0 003 5.2M2.5 9.5A5.8 5.8 0 0013 10.8M3 2v3.2h3.2M13 14v-3.2H9.8",
  branch: "M4.5 5.2v5.6M4.5 5a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4zM4.5 14.4a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4zM11.5 6.4a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4zM11.5 6.4v.4a2.6 2.6 0 01-2.6 2.6H7.1a2.6 2.6 0 00-2.6 1.6",
  pull: "M4 5v6M4 5a1.7 1.7 0 100-3.4A1.7 1.7 0 004 5zM4 14.4a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4zM12 14.4a1.7 1.7 0 100-3.4 1.7 1.7 0 000 3.4zM12 11V6a2 2 0 00-2-2H7.8M9.8 1.8L7.6 4l2.2 2.2",
  lock: "M4 7h8v6.5H4zM5.5 7V5a2.5 2.5 0 015 0v2",
  globe: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM1.8 8h12.4M8 1.8c2 1.8 2.6 4 2.6 6.2S10 12.4 8 14.2C6 12.4 5.4 10.2 5.4 8S6 3.6 8 1.8z",
  chevron: "M6 3.5L10.5 8 6 12.5",
  down: "M3.5 6L8 10.5 12.5 6",
  external: "M6.5 3H3v10h10V9.5M9.5 2.5h4v4M13.5 2.5L7.5 8.5",
  search: "M7 12A5 5 0 107 2a5 5 0 000 10zM10.7 10.7L14 14",
  file: "M3.5 1.8h5.7l3.3 3.3v9.1h-9zM9 1.8v3.5h3.5",
  plus: "M8 3v10M3 8h10",
  undo: "M3 3v4h4M3.3 7A5.3 5.3 0 118 13.3a5.3 5.3 0 01-4.2-2",
  link: "M6.8 9.2a2.6 2.6 0 003.7 0l2.2-2.2a2.6 2.6 0 00-3.7-3.7L8 4.3M9.2 6.8a2.6 2.6 0 00-3.7 0L3.3 9a2.6 2.6 0 003.7 3.7L8 11.7",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  commit: "M8 10.6a2.6 2.6 0 100-5.2 2.6 2.6 0 000 5.2zM1.5 8h3.9M10.6 8h3.9",
  minus: "M3.5 8h9",
  dot: "M8 9.5a1.5 1.5 0 100-3 1.5 1.5 0 000 3z",
} as const;

export type IconName = keyof typeof strokes;

export function icon(name: IconName, className = ""): TemplateResult {
  return html`<svg class="icon ${className}" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${svg`<path d=${strokes[name]} />`}</svg>`;
}

export function spinner(): TemplateResult {
  return html`<svg class="icon spin" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="2"
    stroke-linecap="round" aria-hidden="true"><path d="M8 2a6 6 0 106 6" /></svg>`;
}

/** GitHub's mark, for what leads there. */
export function githubMark(): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true"><path
    d="M8 0C3.58 0 0 3.58 0 8c0 3.54 2.29 6.53 5.47 7.59.4.07.55-.17.55-.38 0-.19-.01-.82-.01-1.49-2.01.37-2.53-.49-2.69-.94-.09-.23-.48-.94-.82-1.13-.28-.15-.68-.52-.01-.53.63-.01 1.08.58 1.23.82.72 1.21 1.87.87 2.33.66.07-.52.28-.87.51-1.07-1.78-.2-3.64-.89-3.64-3.95 0-.87.31-1.59.82-2.15-.08-.2-.36-1.02.08-2.12 0 0 .67-.21 2.2.82.64-.18 1.32-.27 2-.27s1.36.09 2 .27c1.53-1.04 2.2-.82 2.2-.82.44 1.1.16 1.92.08 2.12.51.56.82 1.27.82 2.15 0 3.07-1.87 3.75-3.65 3.95.29.25.54.73.54 1.48 0 1.07-.01 1.93-.01 2.2 0 .21.15.46.55.38A8.01 8.01 0 0016 8c0-4.42-3.58-8-8-8z" /></svg>`;
}
