// <lockstep-sync-controls>: the switch, the button, progress, and what is pending.
import type { TemplateResult } from "lit";
import { css, html, LockstepElement, define, nothing, repeat, state } from "./base.js";
import { sentence } from "./api/problem.js";
import type { Integration, PendingChange, Problem, Sync } from "./api/types.js";
import "./parts/dialog.js";
import "./pull-request-form.js";
import { diffStyles, diffView, parseDiff, type DiffFile } from "./parts/diff.js";
import { icon, spinner, type IconName } from "./parts/icons.js";
import { leftOf, reviewOf } from "./parts/review.js";
import { ago } from "./parts/time.js";
import { busyLabel, changeWord, external, notice, problemView, skeleton, switchControl } from "./parts/views.js";
import { t } from "./texts.js";

/** Why GitHub did not take a file, by code. */
const REFUSALS = new Set(["push_protection", "validation_failed", "file_too_large", "permission_missing"]);
const FOLDED = 8; // pending changes shown until a person asks for all

export class LockstepSyncControls extends LockstepElement {
  static override styles = [...LockstepElement.styles, diffStyles, css`
    .card { container-type: inline-size; }
    .auto { display: flex; align-items: center; gap: 10px; font-weight: 500; }
    .state { display: flex; gap: 12px 16px; align-items: center; flex-wrap: wrap; padding: 16px; border-top: 1px solid var(--border); }
    .state .grow { min-width: 200px; }
    .mark { display: grid; place-items: center; width: 34px; height: 34px; border-radius: 50%; flex: none; background: var(--subtle); color: var(--muted); }
    .mark.success { background: var(--success-soft); color: var(--success); }
    .mark.warning { background: var(--warning-soft); color: var(--warning); }
    .mark.accent { background: var(--accent-soft); color: var(--accent); }
    .bar { display: flex; align-items: center; gap: 10px; margin-top: 8px; }
    .pads > * { margin: 0 16px 16px; }
    .files .sub { display: flex; gap: 8px; justify-content: space-between; align-items: center; padding: 8px 16px; background: var(--subtle); border-top: 1px solid var(--border); font-size: 12.5px; font-weight: 500; }
    .file { display: flex; gap: 10px; align-items: center; width: 100%; padding: 7px 16px; border: 0; border-radius: 0; background: none; text-align: start; justify-content: flex-start; font-weight: 400; white-space: normal; }
    .file:focus-visible { outline-offset: -2px; }
    .counts { margin-inline-start: auto; display: inline-flex; gap: 8px; font: 12px var(--mono); white-space: nowrap; }
    .chevron { color: var(--muted); transition: transform 0.12s; }
    [aria-expanded="true"] > .chevron { transform: rotate(90deg); }
    .detail { padding: 0 16px 12px 40px; }
    .held { padding: 0 16px 10px 42px; font-size: 12.5px; color: var(--muted); }
    .foot { padding: 10px 16px; border-top: 1px solid var(--border); }
    .buttons { display: flex; flex-wrap: wrap; gap: 8px; }
    @container (max-width: 480px) { .buttons { width: 100%; } .buttons > * { flex: 1; } .detail { padding-inline-start: 16px; } .file { flex-wrap: wrap; } .file .path { flex: 1 1 110px; } .file .change { width: auto; } .file .badge { order: 1; margin-inline-start: 26px; } }
  `];
  override readonly needs = ["integration", "pending", "excluded", "syncs", "pulls"] as const;

  @state() private showExcluded = false;
  @state() private showAll = false;
  @state() private open = "";
  @state() private diff: DiffFile[] | undefined;
  @state() private wholeDiff = false;
  @state() private confirming = false;
  @state() private proposing = false;
  @state() private wanted: boolean | undefined; // the switch, until the server has answered

  private async toggleAuto(on: boolean): Promise<void> {
    this.wanted = on;
    const settings = await this.run("auto", () => this.store.client.patchSettings({ auto_sync: on }));
    if (settings && this.integration) this.store.take({ ...this.integration, settings });
    this.wanted = undefined;
  }

  private async syncNow(): Promise<void> {
    if (this.resting) return;
    const sync = await this.run("sync", () => this.store.client.syncNow());
    if (sync) this.store.refresh();
  }

  private async confirm(): Promise<void> {
    const done = await this.run("confirm", () => this.store.client.confirm());
    if (!done) return;
    this.confirming = false;
    this.store.refresh();
  }

  private async toggle(change: PendingChange): Promise<void> {
    this.open = this.open === change.path ? "" : change.path;
    [this.diff, this.wholeDiff] = [undefined, false];
    if (!this.open) return;
    const text = await this.store.client.pendingDiff(change).catch(() => undefined);
    if (this.open === change.path) this.diff = text === undefined ? [] : parseDiff(text);
  }

  protected override render() {
    const { integration, expired, problem } = this.store;
    if (expired) return nothing;
    if (!integration) return html`<div class="card">${problem ? html`<div class="body">${problemView(problem, () => this.store.refresh())}</div>` : skeleton()}</div>`;
    if (integration.state === "disconnected") return nothing;
    return html`<section class="card" aria-labelledby="title">
      <div class="head"><h2 id="title">${t.controls.title}</h2>${this.renderSwitch(integration)}</div>
      ${this.renderState(integration)}
      <div class="pads">${this.renderNotices(integration)}${problemView(this.failure)}</div>
      ${this.renderFiles()}
      ${this.renderConfirm(integration)}
      <lockstep-pull-request-form .project=${this.project} .session=${this.session} .api=${this.api} .open=${this.proposing}
        @dismissed=${() => (this.proposing = false)}></lockstep-pull-request-form>
    </section>`;
  }

  private renderSwitch({ settings }: Integration) {
    const on = this.wanted ?? settings.auto_sync;
    return html`<span class="auto"><span>${t.controls.auto}</span>
      ${switchControl(on, t.controls.auto, () => void this.toggleAuto(!on), { disabled: !this.may("owner") })}</span>`;
  }

  private renderState(integration: Integration) {
    return html`<div class="state">
      ${this.running || integration.sync_status === "syncing" ? this.renderProgress(this.store.active) : this.renderRest(integration)}
      <div class="buttons">${this.torn && !this.running ? html`<button type="button" class="primary" @click=${() => this.tell("lockstep-go", "conflicts")}>${t.controls.conflictGo}</button>` : this.renderButtons(integration)}</div></div>`;
  }

  private renderButtons(integration: Integration) {
    const asked = integration.error?.code === "confirmation_required";
    const proposes = integration.error?.code === "branch_protected"; // pushing again would be refused again
    const { refused, left } = this;
    return html`
        ${left > 0 && !refused ? html`<button type="button" class=${proposes ? "primary" : ""} ?disabled=${!this.may("editor") || integration.state !== "connected"} @click=${() => (this.proposing = true)}>${icon("pull")}${t.controls.pull}</button>` : nothing}
        <button type="button" class=${left && !asked && !proposes && !refused ? "primary" : ""} ?disabled=${!this.may("editor")} aria-disabled=${this.busy || this.resting ? "true" : "false"} @click=${this.syncNow}>
          ${this.busy === "sync" ? busyLabel(true, "", t.controls.starting) : html`${icon("sync")}${t.controls.syncNow}`}</button>`;
  }

  private renderProgress(sync: Sync | undefined) {
    const { done, total } = sync?.progress ?? { done: 0, total: 0 };
    const what = sync?.status === "queued" ? t.controls.queued : sync?.kind === "initial" ? t.controls.first : t.controls.syncing;
    return html`<span class="mark accent">${spinner()}</span><div class="grow"><strong>${what}</strong>
      <div class="bar">${total ? html`<progress aria-label=${t.controls.progressLabel} max=${total} .value=${done}></progress><span class="small muted nowrap">${t.controls.progress(done, total)}</span>`
        : html`<progress aria-label=${t.controls.progressLabel}></progress>`}</div></div>`;
  }

  private renderRest({ pending_changes: count, conflicts, settings, last_sync_at: last, sync_status: status, state, error }: Integration) {
    if (this.torn) return standing("alert", "warning", t.controls.conflictTitle(conflicts), t.controls.conflictText);
    if (count === 0 && state === "connected") return standing(status === "error" ? "minus" : "check", status === "error" ? "" : "success", t.controls.inStep, last ? t.controls.inStepHint(ago(last)) : t.controls.inStepNever);
    const { left, others } = this;
    if (left === 0 && state !== "connected") return standing("pause", "", t.controls.paused, t.controls.pausedHint);
    if (left === 0) return standing("pull", "accent", t.controls.inReview(count), html`${this.renderReviews()} ${t.controls.reviewRest}`);
    const held = others.length > 0 && others.every((change) => change.held);
    const stuck = state !== "connected" || (error !== null && !error.retryable);
    const hint = held ? t.controls.waitingHeld : stuck ? t.controls.waitingStuck : error ? t.controls.waitingRetry : settings.auto_sync ? t.controls.waitingAuto(settings.batch_seconds) : this.may("editor") ? t.controls.waitingManual : t.controls.waitingOthers;
    const reviews = left < count ? html`<div>${t.controls.inReview(count - left)}. ${this.renderReviews()}</div>` : nothing;
    return standing(held ? "pause" : "clock", held ? "warning" : "accent", t.controls.waiting(left), html`${hint}${reviews}`);
  }

  /** Where the changes are that need nobody here. */
  private renderReviews() {
    const pulls = [...new Set(this.store.pending.items.map((change) => reviewOf(change, this.store.pulls.items)))].filter((pull) => pull !== undefined);
    const [before, after] = t.controls.reviewHint("\u0000", pulls.length).split("\u0000");
    return html`${before}${pulls.map((pull, at) => html`${at ? ", " : ""}${external(pull.url, `#${pull.number}`, "underlined")}`)}${after}`;
  }

  private get running(): boolean {
    const { active } = this.store;
    return active !== undefined && (active.status === "running" || !active.error);
  }

  /** A sync would not do anything now. */
  private get resting(): boolean {
    const { pending_changes: pending, settings, state } = this.integration!;
    const reviewed = pending > 0 && this.left === 0 && settings.pull; // GitHub's commits come by themselves
    return this.running || reviewed || state !== "connected";
  }

  /** How many changes wait here; those in review wait at GitHub. */
  private get left(): number {
    return leftOf(this.integration?.pending_changes ?? 0, this.store.pending.items, this.store.pulls.items);
  }

  private get others(): PendingChange[] {
    return this.store.pending.items.filter((change) => !reviewOf(change, this.store.pulls.items));
  }

  /** Nothing is pending but what GitHub refused: only another version of the file helps. */
  private get refused(): boolean {
    const { others } = this;
    return others.length > 0 && others.every((change) => change.held && REFUSALS.has(change.held.code));
  }

  /** Nothing is pending but what waits for a decision. */
  private get torn(): boolean {
    return (this.integration?.conflicts ?? 0) > 0 && this.others.every((change) => change.held?.code === "sync_conflict");
  }

  private renderNotices({ error, conflicts, state }: Integration) {
    if (state !== "connected") return nothing;
    if (error?.code === "confirmation_required") {
      return notice("warning", t.controls.confirmTitle, html`<p>${error.detail}</p><p>${t.controls.confirmText}</p>`, html`
        <button type="button" class="primary" ?disabled=${!this.may("editor")} @click=${() => (this.confirming = true)}>${t.controls.confirm}</button>`);
    }
    const attempts = this.store.active?.attempts ?? 0;
    const shown = error && error.code !== "sync_conflict" ? html`${problemView(error, undefined, error.retryable ? "warning" : "danger")}
      ${error.retryable && attempts ? html`<p class="hint">${t.controls.retrying(attempts)}</p>` : nothing}` : nothing;
    const torn = conflicts > 0 && !this.torn ? notice("warning", t.controls.conflictTitle(conflicts), t.controls.conflictText, html`
      <button type="button" @click=${() => this.tell("lockstep-go", "conflicts")}>${t.controls.conflictGo}</button>`) : nothing;
    return html`${shown}${torn}`;
  }

  private renderFiles() {
    const { pending, excluded } = this.store;
    return html`<div class="files">
      ${pending.items.length ? html`<div class="sub"><h3 class="small">${t.controls.pending}</h3></div>${this.list(this.showAll ? pending.items : pending.items.slice(0, FOLDED))}
        ${!this.showAll && pending.items.length > FOLDED ? html`<div class="foot"><button type="button" class="link small" @click=${() => (this.showAll = true)}>${t.controls.showAll(this.integration?.pending_changes ?? pending.items.length)}</button></div>` : nothing}
        ${this.showAll && pending.hasMore ? html`<div class="foot"><button type="button" @click=${() => pending.more()}>${t.common.more}</button></div>` : nothing}` : nothing}
      ${excluded.items.length ? html`<div class="foot"><button type="button" class="link small" aria-expanded=${this.showExcluded ? "true" : "false"} @click=${() => (this.showExcluded = !this.showExcluded)}>
        ${this.showExcluded ? t.controls.hideExcluded : t.controls.showExcluded} (${excluded.items.length}${excluded.hasMore ? "+" : ""})</button></div>
        ${this.showExcluded ? this.list(excluded.items) : nothing}` : nothing}
    </div>`;
  }

  private list(changes: PendingChange[]) {
    return html`<ul class="list">${repeat(changes, ({ path }) => path, (change) => this.renderChange(change))}</ul>`;
  }

  private renderChange(change: PendingChange) {
    const open = this.open === change.path;
    const torn = change.held?.code === "sync_conflict"; // shown below, side by side
    const review = reviewOf(change, this.store.pulls.items);
    return html`<li>
      <button type="button" class="file" aria-expanded=${open ? "true" : "false"} @click=${() => this.toggle(change)}>
        ${icon("chevron", "chevron")}${changeWord(change.change)}
        <span class="path">${change.path}${change.from ? html` <span class="muted">${t.controls.from(change.from)}</span>` : nothing}</span>
        ${review ? html`<span class="badge accent">${icon("pull")}${t.controls.reviewIn} #${review.number}</span>` : change.held ? html`<span class="badge warning">${icon("pause")}${torn ? t.controls.torn : t.controls.held}</span>` : nothing}
        ${this.counts(change)}</button>
      ${change.held && !torn && !review ? this.renderHeld(change.held) : nothing}
      ${open ? html`<div class="detail">${this.diff ? diffView(this.diff, this.wholeDiff, () => (this.wholeDiff = true), false) : html`<div class="skeleton"></div>`}</div>` : nothing}
    </li>`;
  }

  /** What to do next; of a refusal, GitHub's own words under it. */
  private renderHeld({ code, title, detail, action }: Problem) {
    if (!REFUSALS.has(code)) return html`<p class="held">${detail} ${action}</p>`;
    const what = code === "validation_failed" ? t.controls.refused : `${title}.`;
    return html`<div class="held"><p>${what} ${action}</p><p>${t.controls.said(sentence(detail))}</p></div>`;
  }

  private counts({ additions, deletions }: PendingChange) {
    if (additions === null || deletions === null) return html`<span class="counts muted">${t.controls.binary}</span>`;
    if (!additions && !deletions) return nothing;
    return html`<span class="counts">${additions ? html`<span class="success" aria-hidden="true">+${additions}</span>` : nothing}${deletions ? html`<span class="danger" aria-hidden="true">−${deletions}</span>` : nothing}
      <span class="sr">${t.controls.additions(additions)}, ${t.controls.deletions(deletions)}</span></span>`;
  }

  private renderConfirm({ error }: Integration) {
    const gone = this.store.pending.items.filter((change) => change.change === "deleted").slice(0, 8);
    return html`<lockstep-dialog .open=${this.confirming} .heading=${t.controls.confirmDialog} @dismissed=${() => (this.confirming = false)}>
      <p>${error?.detail}</p>
      ${gone.length ? html`<p class="hint">${t.controls.deletedList}</p><ul>${gone.map((change) => html`<li class="path">${change.path}</li>`)}</ul>` : nothing}
      ${problemView(this.failure)}
      <button slot="actions" type="button" autofocus @click=${() => (this.confirming = false)}>${t.common.cancel}</button>
      <button slot="actions" type="button" class="destructive" aria-disabled=${this.stays} @click=${this.confirm}>${busyLabel(this.busy === "confirm", t.controls.confirmDelete, t.controls.starting)}</button>
    </lockstep-dialog>`;
  }
}

function standing(name: IconName, tone: string, title: string, hint: TemplateResult | string) {
  return html`<span class="mark ${tone}">${icon(name)}</span><div class="grow"><strong>${title}</strong><div class="muted">${hint}</div></div>`;
}

define("lockstep-sync-controls", LockstepSyncControls);
