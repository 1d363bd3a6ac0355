// <lockstep-connection>: how the project is connected, and the way there: authorize, then choose a repository.
import { css, html, LockstepElement, define, nothing, property, state } from "./base.js";
import type { Integration, Problem } from "./api/types.js";
import "./disconnect.js";
import "./repository-form.js";
import { githubMark, icon, spinner } from "./parts/icons.js";
import { when } from "./parts/time.js";
import { external, notice, problemView, safe, skeleton } from "./parts/views.js";
import { t } from "./texts.js";

const LOOK_MS = 2_000;
const LOOK_FOR_MS = 10 * 60_000; // as long as a ticket is good

/** What an owner can do about a connection that does not work. */
const WAYS_OUT: Partial<Record<Problem["code"], "authorize" | "install" | "another" | "settings">> = {
  token_expired: "authorize", authorization_required: "authorize", installation_suspended: "install", installation_removed: "install", repository_not_accessible: "install",
  permission_missing: "install", repository_gone: "another", repository_archived: "another", branch_not_found: "settings",
};

export class LockstepConnection extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    .card { container-type: inline-size; }
    .hero { padding: 40px 16px; text-align: center; }
    .hero h2 { font-size: 19px; margin-bottom: 6px; text-wrap: balance; }
    .hero > p { max-width: 48ch; margin: 0 auto; text-wrap: balance; }
    .art { width: 168px; height: 56px; margin: 0 auto 20px; display: block; color: var(--muted); }
    .art .line { stroke: var(--accent); }
    .points { display: inline-grid; gap: 6px; margin: 20px 0 24px; text-align: start; }
    .points li { display: flex; gap: 8px; align-items: center; }
    .points svg { color: var(--success); }
    .hero .small { margin-top: 12px; }
    .hero .notice { text-align: start; max-width: 480px; margin: 0 auto 20px; }
    .steps { display: flex; flex-wrap: wrap; gap: 6px 18px; padding: 12px 16px; border-bottom: 1px solid var(--border); font-size: 12.5px; color: var(--muted); }
    .steps li { display: flex; align-items: center; gap: 7px; }
    .steps .no { display: grid; place-items: center; width: 20px; height: 20px; border-radius: 50%; border: 1px solid var(--field-border); font-size: 11px; font-weight: 600; }
    .steps .now { color: var(--text); font-weight: 500; }
    .steps .now .no { background: var(--accent-fill); border-color: transparent; color: var(--on-accent); }
    .steps .done .no { background: var(--success-soft); border-color: transparent; color: var(--success); }
    .steps .no svg { width: 12px; height: 12px; }
    .repo { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 12px; padding: 14px 16px; }
    .repo > .grow { flex-basis: 190px; }
    .repo .mark { display: grid; place-items: center; width: 38px; height: 38px; border-radius: 8px; background: var(--subtle); border: 1px solid var(--border); flex: none; }
    .repo .mark svg { width: 20px; height: 20px; }
    .name { font-size: 15px; font-weight: 600; overflow-wrap: anywhere; }
    .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(88px, 1fr)); gap: 8px; padding: 10px 16px; border-top: 1px solid var(--border); }
    .facts dt { color: var(--muted); font-size: 12.5px; }
    .facts dd { overflow-wrap: anywhere; }
    .pad { padding: 0 16px 16px; }
    @container (max-width: 440px) {
      .repo > .badge { margin-inline-start: 50px; }
      .steps { gap: 6px 14px; }
      .steps li:not(.now) .step { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    }
    @container (max-width: 300px) {
      .repo .mark { display: none; }
      .repo > .badge { margin-inline-start: 0; }
      .facts { grid-template-columns: 1fr; gap: 4px; }
      .facts div { display: flex; justify-content: space-between; align-items: center; gap: 12px; }
    }
  `];
  override readonly needs = ["integration", "pending"] as const;

  /** Go to GitHub in this tab and come back to this address; otherwise a new window does it. */
  @property({ attribute: "return-to" }) returnTo = "";
  /** What GitHub's redirect said: `connected` or `denied`. */
  @property() outcome = "";

  @state() private authorizeUrl = "";
  @state() private waiting = false;
  private window: Window | null = null;
  private looking: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.looking);
  }

  private arrived(): void {
    this.waiting = false;
    this.window?.close();
    this.window = null;
    clearTimeout(this.looking);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>("lockstep-repository-form")?.focus());
  }

  private lookAgain(until = Date.now() + LOOK_FOR_MS): void {
    clearTimeout(this.looking);
    this.looking = setTimeout(async () => {
      if (!this.waiting) return;
      await this.store.readSession();
      if (this.store.authorized) this.arrived();
      else if (Date.now() < until) this.lookAgain(until);
      else this.waiting = false;
    }, LOOK_MS);
  }

  private async connect(): Promise<void> {
    if (this.busy) return;
    // Opened before anything is awaited: browsers only allow it as the answer to a click.
    this.window = this.returnTo ? null : window.open("", "_blank", "popup,width=980,height=780");
    const answer = await this.run("connect", () => this.store.client.connect(this.returnTo || undefined));
    if (!answer) return this.window?.close();
    if (this.returnTo) return location.assign(answer.authorize_url);
    this.authorizeUrl = answer.authorize_url;
    this.waiting = true;
    if (this.window) this.window.location.href = answer.authorize_url;
    this.lookAgain();
  }

  protected override render() {
    const { integration, problem, expired } = this.store;
    if (expired) return nothing;
    if (!integration) return html`<div class="card">${problem ? html`<div class="body">${problemView(problem, () => this.store.refresh())}</div>` : skeleton()}</div>`;
    if (integration.state !== "disconnected") return this.renderConnected(integration);
    if (!this.may("owner")) return this.renderOwnerOnly();
    if (this.store.authorized === undefined) return html`<div class="card">${skeleton(4)}</div>`;
    return this.store.authorized && !this.waiting ? this.renderChoose() : this.renderHero();
  }

  private renderOwnerOnly() {
    return html`<div class="card"><div class="empty">${icon("link")}<h2>${t.connection.ownerOnly}</h2><p>${t.connection.ownerOnlyAction}</p></div></div>`;
  }

  /** GitHub no longer takes this person's authorization: the first step again. */
  private reauthorize(): void {
    this.store.authorized = false;
    this.requestUpdate();
  }

  private steps(now: number) {
    return html`<ol class="steps" aria-label=${t.connection.stepsLabel}>${t.connection.steps.map((step, index) => html`
      <li class=${index < now ? "done" : index === now ? "now" : ""} aria-current=${index === now ? "step" : nothing}>
        <span class="no" aria-hidden="true">${index < now ? icon("check") : index + 1}</span><span class="step">${step}</span></li>`)}</ol>`;
  }

  private renderHero() {
    const { connection: c } = t;
    return html`<section class="card" aria-labelledby="hero">${this.steps(0)}<div class="hero">
      ${art}
      ${this.outcome === "denied" && !this.waiting ? notice("warning", c.denied) : nothing}
      <h2 id="hero">${this.waiting ? c.waitingTitle : c.emptyTitle}</h2>
      <p class="muted">${this.waiting ? c.waiting : c.emptyText}</p>
      ${this.waiting ? this.renderWaiting() : html`
        <ul class="points">${c.points.map((point) => html`<li>${icon("check")}${point}</li>`)}</ul>
        ${problemView(this.failure)}
        <div><button type="button" class="primary large" aria-disabled=${this.stays} @click=${this.connect}>
          ${this.busy ? html`${spinner()}${c.opening}` : html`${githubMark()}${c.connect}`}</button></div>
        <p class="muted small">${c.note}</p>`}
    </div></section>`;
  }

  private renderWaiting() {
    return html`<div class="actions row end">
      <span class="grow"></span>${spinner()}
      <a class="button" href=${this.authorizeUrl} target="_blank" rel="noopener">${t.connection.openHere}</a>
      <button type="button" class="quiet" @click=${() => (this.waiting = false)}>${t.common.cancel}</button><span class="grow"></span>
    </div>`;
  }

  private renderChoose() {
    return html`<section class="card">${this.steps(1)}
      <lockstep-repository-form .project=${this.project} .session=${this.session} .api=${this.api}
        @lockstep-reauthorize=${() => this.reauthorize()}></lockstep-repository-form></section>`;
  }

  private renderConnected(integration: Integration) {
    const { repository, branch, error, state } = integration;
    const first = integration.last_sync_at === null && integration.sync_status === "syncing";
    return html`<section class="card" aria-label=${t.connection.title}>
      ${first ? this.steps(2) : nothing}
      <div class="repo">
        <span class="mark">${githubMark()}</span>
        <div class="grow">
          <div class="row wrap">
            ${repository ? external(repository.url, repository.full_name, "name") : nothing}
            ${repository ? html`<span class="badge">${icon(repository.private ? "lock" : "globe")}${repository.private ? t.connection.private : t.connection.public}</span>` : nothing}
          </div>
          <div class="muted small">${this.origin(integration)}</div>
        </div>
        ${this.badge(integration)}
      </div>
      ${state !== "connected" && error ? html`<div class="pad">${this.renderBroken(integration)}</div>` : nothing}
      <dl class="facts">
        <div><dt>${t.connection.branch}</dt><dd class="row">${icon("branch", "muted")}<span class="path">${branch}</span></dd></div>
        <div><dt>${t.connection.lastSync}</dt><dd>${integration.last_sync_at ? when(integration.last_sync_at) : t.connection.neverSynced}</dd></div>
        <div><dt>${t.connection.lastCommit}</dt><dd>${this.commit(integration)}</dd></div>
      </dl></section>`;
  }

  private renderBroken({ error }: Integration) {
    return html`${problemView(error)}${problemView(this.failure)}
      ${this.waiting ? this.renderWaiting() : html`<div class="actions">${error && this.may("owner") ? this.renderWayOut(error) : nothing}<span class="muted small">${t.connection.pendingError}</span></div>`}`;
  }

  private renderWayOut({ code }: Problem) {
    const { connection: c } = t;
    const authorize = html`<button type="button" aria-disabled=${this.stays} @click=${this.connect}>${githubMark()}${c.reauthorize}</button>`;
    switch (this.failure?.code === "authorization_required" ? "authorize" : WAYS_OUT[code]) {
      case "authorize": return authorize;
      case "install": return html`<button type="button" aria-disabled=${this.stays} @click=${this.install}>${githubMark()}${c.install}</button>`;
      case "another": return html`<lockstep-disconnect another .project=${this.project} .session=${this.session} .api=${this.api}></lockstep-disconnect>`;
      case "settings": return html`<button type="button" @click=${() => this.tell("lockstep-go", "settings")}>${icon("branch")}${c.chooseBranch}</button>`;
      default: return nothing;
    }
  }

  /** To the page where GitHub's people say what the App may reach. */
  private async install(): Promise<void> {
    if (this.busy) return;
    const page = window.open("", "_blank");
    const answer = await this.run("install", () => this.store.client.repositories({ limit: 1 }));
    if (!answer) return page?.close();
    if (page) page.location.href = safe(answer.install_url);
  }

  private origin({ connected_by: who, connected_at: at }: Integration) {
    if (!at) return nothing;
    const name = who === this.store.me?.id ? t.common.you : who;
    const [before, after] = (name ? t.connection.by(name, "\u0000") : t.connection.since("\u0000")).split("\u0000");
    return html`${before}${when(at)}${after}`;
  }

  private badge({ state }: Integration) {
    if (state === "connected") return html`<span class="badge success">${icon("check")}${t.connection.connected}</span>`;
    const suspended = state === "suspended";
    return html`<span class="badge danger">${icon(suspended ? "pause" : "error")}${suspended ? t.connection.suspended : t.connection.broken}</span>`;
  }

  private commit({ last_commit_sha: sha, last_commit_url: url }: Integration) {
    if (!sha) return "–";
    const short = html`<span class="mono" aria-hidden="true">${sha.slice(0, 7)}</span><span class="sr">${t.connection.viewCommit(sha.slice(0, 7))}</span>`;
    return url ? external(url, short) : short;
  }
}

const art = html`<svg class="art" viewBox="0 0 168 56" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
  <rect x="1" y="5" width="46" height="46" rx="10" /><path d="M15 19h18M15 28h18M15 37h10" />
  <path class="line" d="M58 23h50M104 18l5 5-5 5M110 34H60M64 29l-5 5 5 5" />
  <rect x="121" y="5" width="46" height="46" rx="10" /><path d="M137 23v10M137 22a3 3 0 100-6 3 3 0 000 6zM137 39a3 3 0 100-6 3 3 0 000 6zM151 24a3 3 0 100-6 3 3 0 000 6zM151 24v1a6 6 0 01-6 6h-2a6 6 0 00-6 3" /></svg>`;

define("lockstep-connection", LockstepConnection);
