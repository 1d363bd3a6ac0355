// <lockstep-console>: how the installation stands, what failed, who did what. For operators.
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { state } from "lit/decorators.js";
import { asProblem } from "../api/problem.js";
import type { Problem } from "../api/types.js";
import { keepFocus } from "../parts/focus.js";
import { icon } from "../parts/icons.js";
import { problemView, skeleton } from "../parts/views.js";
import { controls } from "../styles/controls.js";
import { tokens } from "../styles/tokens.js";
import * as api from "./api.js";
import "./audit.js";
import "./dead-letters.js";
import { health, overviewStyles, overviewView } from "./overview.js";
import { plotStyles } from "./plots.js";
import { c } from "./texts.js";

const LOOK_MS = 3_000;
const TABS = ["overview", "dead-letters", "audit"] as const;
type Tab = (typeof TABS)[number];

class LockstepConsole extends LitElement {
  static override styles = [tokens, controls, overviewStyles, plotStyles, css`
    :host { max-width: 1240px; margin: 0 auto; padding: 20px 16px 80px; }
    header { display: flex; flex-wrap: wrap; gap: 10px 14px; align-items: center; margin-bottom: 12px; }
    h1 { margin: 0; font-size: 18px; font-weight: 600; }
    header .grow { display: flex; flex-wrap: wrap; gap: 6px; }
    @media (max-width: 600px) { header { justify-content: space-between; } header .grow { order: 1; flex-basis: 100%; } }
    nav { display: flex; gap: 4px; border-bottom: 1px solid var(--border); margin-bottom: 16px; }
    nav button { border: 0; border-bottom: 2px solid transparent; border-radius: 0; background: none; color: var(--muted); min-height: 40px; }
    nav button:hover { background: none; color: var(--text); }
    nav [aria-selected="true"] { color: var(--text); border-color: var(--accent); }
    nav .badge { padding: 0 6px; }
    header .quiet { margin-inline-end: -12px; }
    @media (max-width: 400px) { nav button { padding-inline: 8px; } }
  `];

  @state() private tab: Tab = TABS.find((tab) => location.hash === `#${tab}`) ?? "overview";
  @state() private seen: api.Overview | undefined;
  @state() private problem: Problem | undefined;
  @state() private width = 0;
  private readonly observer = new ResizeObserver(([entry]) => (this.width = Math.round(entry?.contentRect.width ?? 0)));
  private timer: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.observer.observe(this);
    void this.look();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.observer.disconnect();
    clearTimeout(this.timer);
  }

  protected override update(changed: PropertyValues): void {
    keepFocus(this.renderRoot, () => super.update(changed));
  }

  private async look(): Promise<void> {
    if (!document.hidden) {
      try {
        [this.seen, this.problem] = [await api.overview(), undefined];
      } catch (error) {
        this.problem = asProblem(error);
        if (this.problem.code === "unauthorized") return location.reload();
      }
    }
    this.timer = setTimeout(() => void this.look(), LOOK_MS);
  }

  private select(tab: Tab): void {
    this.tab = tab;
    history.replaceState(null, "", tab === "overview" ? location.pathname : `#${tab}`);
  }

  private keys(event: KeyboardEvent): void {
    const at = TABS.indexOf(this.tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + TABS.length, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.select(TABS[to % TABS.length]!);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>("[aria-selected='true']")?.focus());
  }

  private async signOut(): Promise<void> {
    await api.signOut().catch(() => undefined);
    location.reload();
  }

  protected override render() {
    const { seen } = this;
    return html`<header><h1>Lockstep</h1><div class="grow">${seen ? health(seen) : nothing}</div>
        <button type="button" class="quiet" @click=${this.signOut}>${c.signOut}</button></header>
      <main><nav role="tablist" aria-label=${c.label} @keydown=${this.keys}>${TABS.map((tab) => html`<button type="button" role="tab" id="tab-${tab}" aria-selected=${tab === this.tab ? "true" : "false"} aria-controls=${tab === this.tab ? "shown" : nothing}
        tabindex=${tab === this.tab ? 0 : -1} @click=${() => this.select(tab)}>${c.tabs[tab]}${tab === "dead-letters" && seen?.counts.dead_letters ? html`<span class="badge danger">${seen.counts.dead_letters}</span>` : nothing}</button>`)}</nav>
      <div role="tabpanel" id="shown" aria-labelledby="tab-${this.tab}" class="stack">
        ${this.problem ? problemView(this.problem) : nothing}${this.renderTab()}</div></main>`;
  }

  private renderTab() {
    if (this.tab === "dead-letters") return html`<lockstep-dead-letters .count=${this.seen?.counts.dead_letters ?? 0}></lockstep-dead-letters>`;
    if (this.tab === "audit") return html`<lockstep-audit></lockstep-audit>`;
    return this.seen ? overviewView(this.seen, this.width) : this.problem ? icon("minus") : skeleton(6);
  }
}
customElements.define("lockstep-console", LockstepConsole);
