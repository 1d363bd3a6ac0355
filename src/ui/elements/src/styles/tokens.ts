// Colours, sizes and type. Hosts theme through the --lockstep-* properties; light and dark follow the page's
// color-scheme, or the element's theme attribute.
import { css } from "lit";

export const tokens = css`
  :host {
    --text: var(--lockstep-text, light-dark(#1c2024, #e8eaed));
    --muted: var(--lockstep-muted, light-dark(#5b6470, #9ba5b1));
    --surface: var(--lockstep-surface, light-dark(#ffffff, #16191d));
    --subtle: var(--lockstep-subtle, light-dark(#f6f7f9, #1d2126));
    --hover: light-dark(#eff1f4, #252a31);
    --border: var(--lockstep-border, light-dark(#dfe3e8, #2d333b));
    --field-border: light-dark(#8b95a1, #6a7480);
    --accent: var(--lockstep-accent, light-dark(#2459d3, #7ea8ff));
    --accent-fill: var(--lockstep-accent-fill, light-dark(#2459d3, #2f66e0));
    --accent-hover: light-dark(#1d4ab4, #3669e0);
    --accent-soft: light-dark(#edf2fd, #1b2740);
    --on-accent: var(--lockstep-on-accent, #ffffff);
    --success: var(--lockstep-success, light-dark(#136b31, #58c97b));
    --success-soft: light-dark(#e8f6ec, #14291b);
    --danger: var(--lockstep-danger, light-dark(#b42318, #ff8e85));
    --danger-fill: light-dark(#b42318, #c03a30);
    --danger-soft: light-dark(#fdf0ef, #331a19);
    --warning: var(--lockstep-warning, light-dark(#845300, #e3b04b));
    --warning-soft: light-dark(#fdf5e3, #2d2412);
    --merged: light-dark(#6e40c9, #b89aff);
    --merged-soft: light-dark(#f3eefc, #261f3a);
    --radius: var(--lockstep-radius, 8px);
    --shadow: 0 8px 30px light-dark(rgb(20 28 40 / 16%), rgb(0 0 0 / 60%));
    --font: var(--lockstep-font, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif);
    --mono: var(--lockstep-mono, ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace);

    display: block;
    /* Against what a page says of all its elements, or of its body. */
    color: var(--text) !important;
    font: 14px/1.5 var(--font) !important;
    text-align: start !important;
    text-transform: none !important;
    text-indent: 0 !important;
    text-shadow: none !important;
    letter-spacing: normal !important;
    word-spacing: normal !important;
    word-break: normal !important;
    white-space: normal !important;
    cursor: auto !important;
    -webkit-font-smoothing: antialiased;
  }
  :host([hidden]) {
    display: none;
  }
  :host([theme="light"]) {
    color-scheme: light;
  }
  :host([theme="dark"]) {
    color-scheme: dark;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after,
    progress::-webkit-progress-value {
      animation: none !important;
      transition: none !important;
    }
  }
`;
