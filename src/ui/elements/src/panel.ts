// <lockstep-panel>: everything about a project and GitHub, composed of the other elements.
import { css, html, LockstepElement, define, nothing, property, state } from "./base.js";
import "./connection.js";
import "./conflicts.js";
import "./history.js";
import "./pull-requests.js";
import "./settings.js";
import "./sync-controls.js";
import { icon } from "./parts/icons.js";
import { linked, notice, safe } from "./parts/views.js";
import type { Toast } from "./live/toasts.js";
import { t } from "./texts.js";

const TABS = ["overview", "history", "pulls", "settings"] as const;
type Tab = (typeof TABS)[number];
const TOAST_MS = 7_000;

export class LockstepPanel extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    :host { container-type: inline-size; }
    nav { position: relative; display: flex; gap: 4px; overflow-x: auto; border-bottom: 1px solid var(--border); margin-bottom: 16px; scrollbar-width: none; }
    nav button { border: 0; border-bottom: 2px solid transparent; border-radius: 0; background: none; color: var(--muted); padding: 8px 12px; min-height: 40px; }
    nav button:hover { background: none; color: var(--text); }
    nav button:focus-visible { outline-offset: -3px; border-radius: 6px; }
    nav [aria-selected="true"] { color: var(--text); border-color: var(--accent); }
    nav .badge { padding: 0 6px; }
    @container (max-width: 420px) { nav { gap: 0; } nav button { padding-inline: 7px; font-size: 13px; } }
    @container (max-width: 300px) { nav button { gap: 3px; padding-inline: 4px; font-size: 12px; } nav .badge { padding: 0 4px; font-size: 11px; } }
    .toasts { position: fixed; z-index: 10; inset-block-end: 16px; inset-inline-end: 16px; display: grid; gap: 8px; width: min(380px, calc(100vw - 32px)); pointer-events: none; }
    .toast { pointer-events: auto; display: flex; gap: 10px; align-items: flex-start; padding: 12px 10px 12px 14px; background: var(--surface); border: 1px solid var(--border); border-radius: 10px; box-shadow: var(--shadow); animation: in 0.2s ease-out; overflow-wrap: anywhere; }
    .toast > svg { margin-top: 2px; }
    .toast button { min-height: 24px; min-width: 24px; padding: 3px; }
    @keyframes in { from { opacity: 0; transform: translateY(10px); } }
    .role { margin-top: 16px; }
    .live { display: flex; gap: 8px; align-items: center; margin-bottom: 12px; font-size: 12.5px; color: var(--muted); }
  `];
  override readonly needs = ["integration"] as const;

  /** Which part is shown: `overview`, `history`, `pulls` or `settings`. */
  @property({ reflect: true }) tab: string = "overview";
  /** See `lockstep-connection`. */
  @property({ attribute: "return-to" }) returnTo = "";
  @property() outcome = "";

  @state() private visited = new Set<Tab>();
  private readonly timers = new Map<Toast, ReturnType<typeof setTimeout>>();

  private get current(): Tab {
    return TABS.find((tab) => tab === this.tab) ?? "overview";
  }

  private select(tab: Tab, focus = false): void {
    this.tab = tab;
    this.tell("lockstep-tab", { tab });
    if (focus) this.focusOn("[aria-selected='true']");
  }

  /** Once everything inside is up to date: a dialog that closes meanwhile gives its focus back first. */
  private focusOn(selector: string): void {
    requestAnimationFrame(() => this.renderRoot.querySelector<HTMLElement>(selector)?.focus());
  }

  /** Where not all of them fit, the tabs move so that the chosen one is seen; the page does not. */
  protected override updated(): void {
    const chosen = this.renderRoot.querySelector<HTMLElement>("nav [aria-selected='true']");
    if (chosen?.parentElement) chosen.parentElement.scrollLeft = chosen.offsetLeft + chosen.offsetWidth - chosen.parentElement.clientWidth;
  }

  private keys(event: KeyboardEvent): void {
    const at = TABS.indexOf(this.current);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + TABS.length, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.select(TABS[to % TABS.length]!, true);
  }

  /** An element inside asks for another part. */
  private go({ detail }: CustomEvent<string>): void {
    const tab = TABS.find((candidate) => candidate === detail);
    this.select(tab ?? "overview", tab !== undefined);
    if (!tab) this.focusOn("lockstep-conflicts");
  }

  protected override render() {
    const { expired, integration } = this.store;
    if (expired) return notice("warning", t.problem.expiredTitle, html`<p>${t.problem.expired}</p><p>${t.problem.expiredAction}</p>`);
    this.visited.add(this.current);
    return html`<div @lockstep-go=${this.go}>
      <nav role="tablist" aria-label=${t.panel.label} @keydown=${this.keys}>${TABS.map((tab) => this.renderTab(tab))}</nav>
      ${this.renderLive()}
      ${TABS.filter((tab) => this.visited.has(tab)).map((tab) => html`<div role="tabpanel" id="panel-${tab}" aria-labelledby="tab-${tab}" class="stack" ?hidden=${tab !== this.current}>${this.renderPart(tab)}</div>`)}
      ${integration && this.store.role && this.store.role !== "owner" ? html`<p class="hint role">${t.role[this.store.role]}</p>` : nothing}
      ${this.renderToasts()}</div>`;
  }

  /** What is shown may be out of date, and why. */
  private renderLive() {
    const { connection, problem, integration } = this.store;
    const lost = integration !== undefined && problem !== undefined;
    if (connection !== "polling" && !lost) return nothing;
    return html`<div class="live" role="status">${icon("alert", "warning")}${!navigator.onLine ? t.live.offline : lost ? t.live.unreachable : t.live.polling}</div>`;
  }

  private renderTab(tab: Tab) {
    const count = tab === "overview" ? (this.integration?.conflicts ?? 0) : 0;
    return html`<button type="button" role="tab" id="tab-${tab}" aria-controls=${this.visited.has(tab) ? `panel-${tab}` : nothing} aria-selected=${tab === this.current ? "true" : "false"} tabindex=${tab === this.current ? 0 : -1}
      @click=${() => this.select(tab)}>${t.panel.tabs[tab]}${count ? html`<span class="badge warning">${count}</span>` : nothing}</button>`;
  }

  private renderPart(tab: Tab) {
    const { project, session, api } = this;
    if (tab === "history") return html`<lockstep-history .project=${project} .session=${session} .api=${api}></lockstep-history>`;
    if (tab === "pulls") return html`<lockstep-pull-requests .project=${project} .session=${session} .api=${api}></lockstep-pull-requests>`;
    if (tab === "settings") return html`<lockstep-settings .project=${project} .session=${session} .api=${api}></lockstep-settings>`;
    return html`
      <lockstep-connection .project=${project} .session=${session} .api=${api} .returnTo=${this.returnTo} .outcome=${this.outcome}></lockstep-connection>
      ${this.connected ? html`<lockstep-sync-controls .project=${project} .session=${session} .api=${api}></lockstep-sync-controls>
        ${this.integration?.conflicts ? html`<lockstep-conflicts .project=${project} .session=${session} .api=${api}></lockstep-conflicts>` : nothing}
        <lockstep-history limit="5" .project=${project} .session=${session} .api=${api}></lockstep-history>` : nothing}`;
  }

  private renderToasts() {
    this.store.toasts.forEach((toast) => this.keep(toast));
    return html`<div class="toasts" role="region" aria-label=${t.toast.label} aria-live="polite">${this.store.toasts.map((toast) => this.renderToast(toast))}</div>`;
  }

  private renderToast(toast: Toast) {
    const name = toast.tone === "success" ? "check" : toast.tone === "danger" ? "error" : toast.tone === "warning" ? "alert" : "info";
    return html`<div class="toast is-${toast.tone}" @pointerenter=${() => this.hold(toast)} @pointerleave=${() => this.keep(toast)} @focusin=${() => this.hold(toast)} @focusout=${() => this.keep(toast)}>
      ${icon(name)}<div class="grow"><strong>${toast.text}</strong>${toast.detail ? html`<div class="small muted">${linked(toast.detail)}</div>` : nothing}
      ${toast.link ? html`<div><a href=${safe(toast.link.href)} target="_blank" rel="noopener noreferrer">${toast.link.label}</a></div>` : nothing}</div>
      <button type="button" class="quiet" aria-label=${t.common.dismiss} @click=${() => this.store.dismiss(toast)}>${icon("cross")}</button></div>`;
  }

  /** Toasts go by themselves, errors stay until dismissed. */
  private keep(toast: Toast): void {
    if (toast.tone === "danger" || this.timers.has(toast)) return;
    this.timers.set(toast, setTimeout(() => this.store.dismiss(toast), TOAST_MS));
  }

  private hold(toast: Toast): void {
    clearTimeout(this.timers.get(toast));
    this.timers.delete(toast);
  }
}
define("lockstep-panel", LockstepPanel);
