// Small views that several elements show alike.
import { html, nothing, type TemplateResult } from "lit";
import { sentence } from "../api/problem.js";
import type { ChangeKind, Problem } from "../api/types.js";
import { t } from "../texts.js";
import { icon, spinner, type IconName } from "./icons.js";

type Tone = "danger" | "warning" | "success" | "info";
type Content = TemplateResult | string | typeof nothing;

const TONE_ICON: Record<Tone, IconName> = { danger: "error", warning: "alert", success: "check", info: "info" };

export function notice(tone: Tone, title: Content, text: Content = nothing, actions: Content = nothing): TemplateResult {
  return html`<div class="notice is-${tone}" role=${tone === "danger" ? "alert" : "status"}>
    ${icon(TONE_ICON[tone])}
    <div class="grow">
      <strong>${title}</strong>
      ${text === nothing ? nothing : html`<div>${text}</div>`}
      ${actions === nothing ? nothing : html`<div class="actions">${actions}</div>`}
    </div>
  </div>`;
}

/** A problem in plain words: what happened, what to do next, and a way to try again. */
export function problemView(problem: Problem | null | undefined, retry?: () => void, tone: Tone = "danger"): Content {
  if (!problem) return nothing;
  const { title, detail, action } = problem.code === "forbidden" ? forbidden() : problem;
  const button = retry ? html`<button type="button" @click=${retry}>${icon("sync")}${t.common.retry}</button>` : nothing;
  const id = problem.code === "internal" && problem.request_id
    ? html`<p class="small muted">${t.problem.requestId(problem.request_id)}</p>` : nothing;
  return notice(tone, title, html`<p>${linked(sentence(detail))}</p><p>${linked(action)}</p>${id}`, button);
}

function forbidden(): Pick<Problem, "title" | "detail" | "action"> {
  return { title: t.problem.forbiddenTitle, detail: t.problem.forbidden, action: t.problem.forbiddenAction };
}

/** Text whose addresses can be followed. Only http and https become links. */
export function linked(text: string): TemplateResult[] {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])/).map((part, index) =>
    index % 2 ? html`<a href=${part} target="_blank" rel="noopener noreferrer">${part}</a>` : html`${part}`);
}

export function external(href: string, content: Content, className = ""): TemplateResult {
  return html`<a class=${className} href=${safe(href)} target="_blank" rel="noopener noreferrer">${content}<span class="sr">
    (${t.common.opensNew})</span></a>`;
}

/** Addresses come from GitHub through the API; anything but http(s) is not followed. */
export function safe(href: string): string {
  return /^https?:\/\//i.test(href) ? href : "#";
}

export function errorText(id: string, message: string): Content {
  return message ? html`<p class="error-text" id=${id}>${icon("error")}<span>${message}</span></p>` : nothing;
}

export function busyLabel(busy: boolean, label: string, busyText: string): TemplateResult {
  return busy ? html`${spinner()}${busyText}` : html`${label}`;
}

export function skeleton(lines = 3): TemplateResult {
  return html`<div class="body" role="status"><span class="sr">${t.common.loading}</span>
    ${Array.from({ length: lines }, () => html`<div class="skeleton"></div>`)}</div>`;
}

export function empty(name: IconName, title: string, text: string, actions: Content = nothing): TemplateResult {
  return html`<div class="empty">${icon(name)}<h3>${title}</h3><p>${text}</p>
    ${actions === nothing ? nothing : html`<div class="actions">${actions}</div>`}</div>`;
}

const CHANGE: Record<ChangeKind, string> = { added: "success", modified: "warning", deleted: "danger", renamed: "accent", mode_changed: "warning" };

/** What happened to a file, in a word: not everybody knows git's letters. */
export function changeWord(change: ChangeKind): TemplateResult {
  return html`<span class="change ${CHANGE[change]}">${t.controls.change[change]}</span>`;
}

export function switchControl(on: boolean, label: string, toggle: () => void, options: { disabled?: boolean; hint?: string } = {}): TemplateResult {
  return html`<button type="button" class="switch" role="switch" aria-checked=${on ? "true" : "false"} aria-label=${label}
    aria-describedby=${options.hint ?? nothing} ?disabled=${options.disabled ?? false} @click=${toggle}></button>`;
}
