// <lockstep-pull-requests>: those Lockstep opened, with their state, checks and review; and a new one.
import { css, html, LockstepElement, define, nothing, repeat, state } from "./base.js";
import type { PullRequest } from "./api/types.js";
import "./pull-request-form.js";
import { icon, spinner, type IconName } from "./parts/icons.js";
import { leftOf } from "./parts/review.js";
import { when } from "./parts/time.js";
import { empty, external, problemView, skeleton } from "./parts/views.js";
import { t } from "./texts.js";

const STATE: Record<PullRequest["state"], string> = { open: "success", draft: "", merged: "merged", closed: "danger" };
const CHECKS: Record<PullRequest["checks"], [IconName, string]> = { none: ["minus", "muted"], pending: ["clock", "warning"], success: ["check", "success"], failure: ["cross", "danger"] };
const REVIEW: Record<PullRequest["review"], [IconName, string]> = { none: ["minus", "muted"], required: ["clock", "warning"], approved: ["check", "success"], changes_requested: ["alert", "danger"] };

export class LockstepPullRequests extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    .entry { display: flex; gap: 12px; padding: 12px 16px; align-items: flex-start; }
    .title { font-weight: 500; color: var(--text); overflow-wrap: anywhere; }
    .state { flex: none; width: 82px; }
    .meta { margin-top: 3px; }
    .meta > span:not(.path) { display: inline-flex; align-items: center; gap: 4px; }
    @media (max-width: 480px) { .state { width: auto; } .entry { flex-wrap: wrap; gap: 4px 12px; align-items: center; } .entry > .grow { order: 3; flex-basis: 100%; } .entry > button { margin-inline-start: auto; } }
    .meta svg { width: 13px; height: 13px; }
    .auto { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; }
    .auto > .grow { flex-basis: 260px; }
    .foot { padding: 10px 16px; border-top: 1px solid var(--border); }
  `];
  override readonly needs = ["integration", "pending", "pulls"] as const;

  @state() private proposing = false;

  private async refresh(pull: PullRequest): Promise<void> {
    const fresh = await this.run(`refresh ${pull.number}`, () => this.store.client.refreshPull(pull.number));
    if (fresh) this.store.refresh(["pulls", "pending", "integration"]);
  }

  private async autoOff(): Promise<void> {
    const settings = await this.run("auto", () => this.store.client.patchSettings({ auto_sync: false }));
    if (settings && this.integration) this.store.take({ ...this.integration, settings });
  }

  protected override render() {
    const { pulls, pending, expired } = this.store;
    if (expired) return nothing;
    const count = this.integration?.pending_changes ?? 0;
    const offered = this.connected && leftOf(count, pending.items, pulls.items) > 0;
    const auto = this.connected && count === 0 && this.integration?.settings.auto_sync;
    const button = html`<button type="button" class="primary" ?disabled=${!this.may("editor")} aria-disabled=${offered ? "false" : "true"} @click=${() => (this.proposing = offered)}>${icon("plus")}${t.pulls.create}</button>`;
    const why = !this.connected ? t.pulls.notConnected : count ? t.pulls.allInReview : t.pulls.nothing;
    return html`<section class="card" aria-labelledby="title">
      <div class="head"><h2 id="title">${t.pulls.title}</h2>${offered || auto || !this.integration ? nothing : html`<span class="small muted">${why}</span>`}${button}</div>
      ${auto ? this.renderAuto(this.integration!.branch ?? "") : nothing}
      ${pulls.problem || this.failure ? html`<div class="body">${problemView(this.failure ?? pulls.problem, () => pulls.refresh())}</div>` : nothing}
      ${!pulls.loaded && !pulls.problem ? skeleton() : nothing}
      ${pulls.loaded && !pulls.items.length ? empty("pull", t.pulls.empty, t.pulls.emptyText) : nothing}
      <ul class="list">${repeat(pulls.items, ({ number }) => number, (pull) => this.renderPull(pull))}</ul>
      ${pulls.hasMore ? html`<div class="foot"><button type="button" @click=${() => pulls.more()}>${t.common.more}</button></div>` : nothing}
      <lockstep-pull-request-form .project=${this.project} .session=${this.session} .api=${this.api} .open=${this.proposing}
        @dismissed=${() => (this.proposing = false)}></lockstep-pull-request-form>
    </section>`;
  }

  /** Why there is nothing to propose, and the way out. */
  private renderAuto(branch: string) {
    return html`<div class="body auto"><span class="muted grow">${t.pulls.auto(branch)}</span>
      ${this.may("owner") ? html`<button type="button" aria-disabled=${this.stays} @click=${this.autoOff}>${t.pulls.autoOff}</button>` : nothing}</div>`;
  }

  private renderPull(pull: PullRequest) {
    const living = pull.state === "open" || pull.state === "draft";
    return html`<li class="entry">
      <span class="state"><span class="badge ${STATE[pull.state]}">${icon(pull.state === "merged" ? "branch" : "pull")}${t.pulls.state[pull.state]}</span></span>
      <div class="grow">${external(pull.url, html`${pull.title} <span class="muted">#${pull.number}</span>`, "title")}
        <div class="meta">
          <span class="path">${t.pulls.into(pull.branch, pull.base)}</span><span>${t.pulls.paths(pull.paths.length)}</span>
          ${living ? html`${indicator(CHECKS[pull.checks], t.pulls.checks[pull.checks])}${indicator(REVIEW[pull.review], t.pulls.review[pull.review])}` : nothing}
          ${living && pull.mergeable === false ? html`<span class="danger">${icon("alert")}${t.pulls.mergeConflict}</span>` : nothing}
          <span>${t.pulls.updatedAt} ${when(pull.updated_at)}</span></div></div>
      <button type="button" class="quiet icon-only" aria-label=${t.pulls.refresh(pull.number)} title=${t.pulls.refresh(pull.number)} ?disabled=${!this.may("editor")} aria-disabled=${this.stays} @click=${() => this.refresh(pull)}>
        ${this.busy === `refresh ${pull.number}` ? spinner() : icon("sync")}</button></li>`;
  }
}

function indicator([name, tone]: [IconName, string], label: string) {
  return html`<span class=${tone}>${icon(name)}${label}</span>`;
}

define("lockstep-pull-requests", LockstepPullRequests);
