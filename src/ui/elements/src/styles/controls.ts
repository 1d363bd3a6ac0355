// What every element is made of: cards, buttons, fields, notices, badges, rows.
import { css } from "lit";

export const controls = css`
  h2, h3, h4, p, ul, ol, dl, dd, fieldset, legend { margin: 0; padding: 0; border: 0; }
  ul, ol { list-style: none; }
  h2 { font-size: 15px; font-weight: 600; line-height: 1.4; }
  h3 { font-size: 14px; font-weight: 600; }
  a { color: var(--accent); text-decoration: none; border-radius: 3px; }
  a:hover { text-decoration: underline; }
  p a, .underlined { text-decoration: underline; text-underline-offset: 2px; }
  code, .mono { font-family: var(--mono); font-size: 12.5px; }
  svg.icon { width: 16px; height: 16px; flex: none; display: block; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
  :focus:not(:focus-visible) { outline: none; }

  .card { background: var(--surface); border: 1px solid var(--border); border-radius: var(--radius); }
  .card + .card, .stack > * + * { margin-top: 16px; }
  .head { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; padding: 14px 16px; }
  .head > :first-child { margin-inline-end: auto; }
  .body { padding: 16px; }
  .head + .body { padding-top: 0; }
  .row { display: flex; align-items: center; gap: 8px; min-width: 0; }
  .wrap { flex-wrap: wrap; }
  .between { justify-content: space-between; }
  .end { justify-content: flex-end; }
  .grow { flex: 1; min-width: 0; }
  /* Dots stand before each part; those at the beginning of a line are cut off. */
  .meta { display: flex; flex-wrap: wrap; row-gap: 2px; margin-inline-start: -15px; clip-path: inset(0 0 0 15px); color: var(--muted); font-size: 12.5px; }
  .meta:dir(rtl) { clip-path: inset(0 15px 0 0); }
  .meta > * { position: relative; min-width: 0; padding-inline-start: 15px; }
  .meta > ::before { content: "·"; content: "·" / ""; position: absolute; inset-inline-start: 0; width: 15px; text-align: center; color: var(--muted); }
  .muted { color: var(--muted); }
  .small { font-size: 12.5px; }
  .truncate { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .path { font-family: var(--mono); font-size: 12.5px; overflow-wrap: anywhere; }
  .nowrap { white-space: nowrap; }
  .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .success { color: var(--success); } .danger { color: var(--danger); } .warning { color: var(--warning); }
  .merged { color: var(--merged); } .accent { color: var(--accent); }

  button, .button {
    display: inline-flex; align-items: center; justify-content: center; gap: 6px; min-height: 32px; padding: 5px 12px;
    font: 500 13.5px/20px var(--font); color: var(--text); background: var(--surface); border: 1px solid var(--border);
    border-radius: min(var(--radius), 6px); cursor: pointer; text-decoration: none; white-space: nowrap;
    transition: background-color 0.12s, border-color 0.12s;
  }
  button:hover, .button:hover { background: var(--hover); text-decoration: none; }
  button.primary, .button.primary { background: var(--accent-fill); border-color: transparent; color: var(--on-accent); }
  button.primary:hover, .button.primary:hover { background: var(--accent-hover); }
  button.destructive { background: var(--danger-fill); border-color: transparent; color: #fff; }
  button.outline-danger { color: var(--danger); }
  button.quiet { border-color: transparent; background: transparent; color: var(--muted); }
  button.quiet:hover { background: var(--hover); color: var(--text); }
  button.icon-only { padding: 5px 7px; min-width: 32px; }
  button.link { min-height: 0; padding: 0; border: 0; background: none; color: var(--accent); font: inherit; font-weight: 500; }
  button.link:hover { text-decoration: underline; background: none; }
  button[disabled], button[aria-disabled="true"] { opacity: 0.55; cursor: not-allowed; }
  .large { min-height: 40px; padding: 8px 18px; font-size: 14.5px; }

  label, .label { display: block; font-weight: 500; }
  .optional { color: var(--muted); font-weight: 400; }
  .field + .field { margin-top: 16px; }
  .field > input, .field > select, .field > textarea, .field > .row { margin-top: 6px; }
  .hint { margin-top: 4px; color: var(--muted); font-size: 12.5px; }
  .hint, .small, .empty p { text-wrap-style: pretty; }
  .error-text { display: flex; gap: 6px; margin-top: 6px; color: var(--danger); font-size: 12.5px; }
  .error-text svg { margin-top: 1px; }
  input:not([type="checkbox"], [type="radio"]), select, textarea {
    width: 100%; min-height: 35px; padding: 6px 10px; font: inherit; color: var(--text); background: var(--surface);
    border: 1px solid var(--field-border); border-radius: min(var(--radius), 6px);
  }
  textarea { min-height: 84px; resize: vertical; line-height: 1.5; }
  textarea.mono { font-size: 12.5px; }
  input::placeholder, textarea::placeholder { color: var(--muted); opacity: 1; }
  input[aria-invalid="true"], textarea[aria-invalid="true"] { border-color: var(--danger); }
  input[type="checkbox"], input[type="radio"] { width: 16px; height: 16px; margin: 2px 0 0; flex: none; accent-color: var(--accent-fill); }
  .check { display: flex; gap: 10px; align-items: flex-start; font-weight: 400; }
  .check strong { display: block; font-weight: 500; }
  .check .small { display: block; }
  .actions { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin-top: 16px; }
  .actions:empty { display: none; }

  .switch { position: relative; width: 34px; height: 20px; min-height: 0; padding: 0; flex: none; border-radius: 10px; border: 1px solid var(--field-border); background: var(--subtle); }
  .switch::after { content: ""; position: absolute; top: 2px; inset-inline-start: 2px; width: 14px; height: 14px; border-radius: 50%; background: var(--field-border); transition: inset-inline-start 0.15s, background-color 0.15s; }
  .switch[aria-checked="true"] { background: var(--accent-fill); border-color: var(--accent-fill); }
  .switch[aria-checked="true"]::after { inset-inline-start: 16px; background: #fff; }

  .notice { display: flex; gap: 10px; padding: 12px 14px; border: 1px solid var(--border); border-radius: var(--radius); background: var(--subtle); overflow-wrap: anywhere; }
  .notice > svg { margin-top: 2px; }
  .notice .actions { margin-top: 10px; }
  .notice strong { display: block; font-weight: 600; }
  .notice.is-danger { background: var(--danger-soft); border-color: color-mix(in srgb, var(--danger) 30%, transparent); }
  .notice.is-warning { background: var(--warning-soft); border-color: color-mix(in srgb, var(--warning) 30%, transparent); }
  .notice.is-success { background: var(--success-soft); border-color: color-mix(in srgb, var(--success) 30%, transparent); }
  .notice.is-info { background: var(--accent-soft); border-color: color-mix(in srgb, var(--accent) 25%, transparent); }
  .is-danger > svg { color: var(--danger); } .is-warning > svg { color: var(--warning); }
  .is-success > svg { color: var(--success); } .is-info > svg { color: var(--accent); }

  .badge { display: inline-flex; align-items: center; gap: 5px; padding: 1px 8px; border-radius: 999px; font-size: 12px; font-weight: 500; line-height: 18px; white-space: nowrap; background: var(--subtle); color: var(--muted); border: 1px solid var(--border); }
  .badge svg { width: 12px; height: 12px; }
  .badge.success { background: var(--success-soft); color: var(--success); border-color: transparent; }
  .badge.danger { background: var(--danger-soft); color: var(--danger); border-color: transparent; }
  .badge.warning { background: var(--warning-soft); color: var(--warning); border-color: transparent; }
  .badge.merged { background: var(--merged-soft); color: var(--merged); border-color: transparent; }
  .badge.accent { background: var(--accent-soft); color: var(--accent); border-color: transparent; }

  .change { flex: none; width: 62px; font-size: 12.5px; font-weight: 500; }

  .list > li { border-top: 1px solid var(--border); }
  .empty { padding: 36px 20px; text-align: center; color: var(--muted); }
  .empty > svg { width: 28px; height: 28px; margin: 0 auto 10px; opacity: 0.75; }
  .empty h2, .empty h3 { color: var(--text); margin-bottom: 4px; }
  .empty p { max-width: 44ch; margin: 0 auto; }
  .empty .actions { justify-content: center; }
  .skeleton { height: 14px; border-radius: 4px; background: var(--hover); animation: pulse 1.4s ease-in-out infinite; }
  .skeleton + .skeleton { margin-top: 12px; width: 62%; }
  @keyframes pulse { 50% { opacity: 0.45; } }
  .spin { animation: spin 0.9s linear infinite; }
  @keyframes spin { to { rotate: 360deg; } }
  progress { display: block; width: 100%; height: 6px; border: 0; border-radius: 3px; overflow: hidden; background: var(--hover); accent-color: var(--accent-fill); appearance: none; }
  progress::-webkit-progress-bar { background: var(--hover); border-radius: 3px; }
  progress::-webkit-progress-value { background: var(--accent-fill); border-radius: 3px; transition: width 0.3s; }
  progress::-moz-progress-bar { background: var(--accent-fill); }
  progress:indeterminate { background: linear-gradient(90deg, var(--hover) 30%, var(--accent-fill) 50%, var(--hover) 70%) 0 / 200% 100%; animation: slide 1.6s linear infinite; }
  progress:indeterminate::-webkit-progress-bar { background: transparent; }
  @keyframes slide { from { background-position: 200% 0; } to { background-position: 0 0; } }
`;
