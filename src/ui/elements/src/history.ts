// <lockstep-history>: every sync with its outcome; what changed, what went wrong, and the way back.
import { css, html, LockstepElement, define, nothing, property, repeat, state } from "./base.js";
import type { Sync, SyncStatus } from "./api/types.js";
import "./parts/dialog.js";
import { asProblem } from "./api/problem.js";
import { diffStyles, diffView, parseDiff, type DiffFile } from "./parts/diff.js";
import { icon, spinner, type IconName } from "./parts/icons.js";
import { exact, when } from "./parts/time.js";
import { busyLabel, changeWord, empty, external, notice, problemView, skeleton } from "./parts/views.js";
import { t } from "./texts.js";

const LOOK: Record<SyncStatus, [IconName, string]> = {
  queued: ["clock", "muted"], running: ["sync", "accent"], succeeded: ["check", "success"], no_changes: ["minus", "muted"],
  conflict: ["alert", "warning"], failed: ["error", "danger"], canceled: ["cross", "muted"],
};
const FILTERS = ["", "succeeded", "failed", "conflict", "no_changes", "canceled"] as const;
const FILES_SHOWN = 50;

export class LockstepHistory extends LockstepElement {
  static override styles = [...LockstepElement.styles, diffStyles, css`
    .card { container-type: inline-size; }
    .head select { width: auto; }
    .entry { display: flex; gap: 12px; align-items: flex-start; padding: 11px 16px; }
    .entry > .outcome { margin-top: 3px; }
    .what { display: block; width: 100%; min-height: 0; padding: 0; border: 0; background: none; color: var(--text); text-align: start; font: inherit; font-weight: 500; overflow-wrap: anywhere; white-space: normal; }
    .what:hover { background: none; text-decoration: underline; }
    .side { display: flex; align-items: center; gap: 10px; white-space: nowrap; }
    .detail { padding: 0 16px 16px 44px; }
    .detail > * + * { margin-top: 12px; }
    .message { padding: 10px 12px; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 6px; background: var(--subtle); border: 1px solid var(--border); font: 12.5px/1.5 var(--mono); }
    .paths li { display: flex; gap: 10px; padding: 2px 0; }
    .foot { padding: 10px 16px; border-top: 1px solid var(--border); }
    .note { padding: 0 16px 12px; }
    @container (max-width: 480px) { .detail { padding-inline-start: 16px; } .entry { flex-wrap: wrap; row-gap: 2px; } .side { width: 100%; padding-inline-start: 28px; } }
  `];
  override readonly needs = ["integration", "syncs"] as const;

  /** Shows only so many, without the filter. */
  @property({ type: Number }) limit = 0;
  @state() private open = "";
  @state() private diff: DiffFile[] | undefined;
  @state() private diffProblem: unknown;
  @state() private wholeDiff = false;
  @state() private diffOpen = false;
  @state() private restoring: Sync | undefined;
  @state() private restored = false;

  private toggle(sync: Sync): void {
    this.open = this.open === sync.id ? "" : sync.id;
    [this.diff, this.diffProblem, this.diffOpen, this.wholeDiff, this.failure] = [undefined, undefined, false, false, undefined];
  }

  private async toggleDiff(sync: Sync): Promise<void> {
    this.diffOpen = !this.diffOpen;
    if (!this.diffOpen || this.diff) return;
    try {
      const text = await this.store.client.diff(sync.id);
      if (this.open === sync.id) this.diff = parseDiff(text);
    } catch (error) {
      this.diffProblem = error;
    }
  }

  private async restore(): Promise<void> {
    const sync = this.restoring;
    const answer = sync && (await this.run("restore", () => this.store.client.restore(sync.id)));
    if (!answer) return;
    this.restoring = undefined;
    this.restored = true;
    this.store.toast({ key: "restore", tone: "success", text: t.history.restored });
    this.store.refresh();
  }

  private async retry(): Promise<void> {
    if (await this.run("retry", () => this.store.client.syncNow())) this.store.refresh();
  }

  protected override render() {
    const { syncs, expired, filter } = this.store;
    if (expired) return nothing;
    const shown = this.limit ? syncs.items.slice(0, this.limit) : syncs.items;
    return html`<section class="card" aria-labelledby="title">
      <div class="head"><h2 id="title">${this.limit ? t.panel.recent : t.history.title}</h2>
        ${this.limit ? html`<button type="button" class="link small" @click=${() => this.tell("lockstep-go", "history")}>${t.panel.all}</button>` : this.renderFilter()}</div>
      ${this.restored && this.limit === 0 ? html`<div class="note">${notice("success", t.history.restored)}</div>` : nothing}
      ${syncs.problem ? html`<div class="body">${problemView(syncs.problem, () => syncs.refresh())}</div>` : nothing}
      ${!syncs.loaded && !syncs.problem ? skeleton() : nothing}
      ${syncs.loaded && !shown.length ? (filter ? html`<div class="empty">${t.history.emptyFilter}</div>` : empty("commit", t.history.empty, t.history.emptyText)) : nothing}
      <ul class="list">${repeat(shown, ({ id }) => id, (sync) => this.renderEntry(sync))}</ul>
      ${syncs.hasMore && !this.limit ? html`<div class="foot"><button type="button" aria-disabled=${syncs.loading ? "true" : "false"} @click=${() => syncs.more()}>${t.common.more}</button></div>` : nothing}
      ${this.renderRestore()}
    </section>`;
  }

  private renderFilter() {
    return html`<label class="row small"><span class="muted">${t.history.filter}</span><select @change=${(e: Event) => (this.store.filter = (e.target as HTMLSelectElement).value)}>
      ${FILTERS.map((status) => html`<option value=${status} ?selected=${status === this.store.filter}>${status ? t.history.status[status] : t.history.all}</option>`)}</select></label>`;
  }

  private renderEntry(sync: Sync) {
    const [name, tone] = LOOK[sync.status];
    const title = sync.message?.split("\n")[0] || (sync.direction === "pull" ? t.history.pulledTitle(sync.files_changed) : sync.error?.title || t.history.noMessage[sync.kind]);
    const status = sync.error?.code === "confirmation_required" ? t.status.confirm : t.history.status[sync.status];
    const open = this.open === sync.id;
    return html`<li>
      <div class="entry"><span class="outcome ${tone}">${sync.status === "running" ? spinner() : icon(name)}</span>
        <div class="grow"><button type="button" class="what" aria-expanded=${open ? "true" : "false"} aria-label=${t.history.details(title)} @click=${() => this.toggle(sync)}>${title}</button>
          <div class="meta"><span class=${tone}>${status}</span><span>${sync.direction === "pull" ? t.history.pulled : t.history.kind[sync.kind]}</span>
            ${sync.files_changed ? html`<span>${t.history.files(sync.files_changed)}</span>` : nothing}
            ${sync.author?.name ? html`<span>${t.history.by(sync.author.name)}</span>` : nothing}
            <span>${when(sync.finished_at ?? sync.queued_at)}</span></div>
          ${sync.error && !open && sync.error.title !== title ? html`<div class="small ${sync.status === "failed" ? "danger" : "warning"}">${sync.error.title}</div>` : nothing}</div>
        <div class="side">${this.commit(sync)}</div></div>
      ${open ? this.renderDetail(sync) : nothing}</li>`;
  }

  private commit({ commit_sha: sha, commit_url: url }: Sync) {
    if (!sha) return nothing;
    const short = html`<span class="mono" aria-hidden="true">${sha.slice(0, 7)}</span><span class="sr">${t.connection.viewCommit(sha.slice(0, 7))}</span>`;
    return url ? external(url, short) : short;
  }

  private renderDetail(sync: Sync) {
    const retry = sync.status === "failed" && this.may("editor") && this.connected ? () => void this.retry() : undefined;
    const finished = sync.status === "succeeded" || sync.status === "conflict";
    return html`<div class="detail">
      ${problemView(sync.error, retry, sync.status === "failed" ? "danger" : "warning")}${problemView(this.failure)}
      ${sync.message?.includes("\n") ? html`<div class="message">${sync.message}</div>` : nothing}
      ${this.renderPaths(sync)}
      <div class="meta"><span>${t.history.revision(sync.revision)}</span>${sync.started_at ? html`<span>${t.history.started} ${exact(sync.started_at)}</span>` : nothing}
        ${sync.attempts > 1 ? html`<span>${t.history.attempts(sync.attempts)}</span>` : nothing}${sync.pull_request ? html`<span>${t.history.pullRequest(sync.pull_request)}</span>` : nothing}</div>
      ${finished ? html`<div class="row wrap">
        ${sync.files_changed ? html`<button type="button" aria-expanded=${this.diffOpen ? "true" : "false"} @click=${() => this.toggleDiff(sync)}>${this.diffOpen ? t.history.hideDiff : t.history.showDiff}</button>` : nothing}
        <button type="button" ?disabled=${!this.may("editor")} @click=${() => (this.restoring = sync)}>${icon("undo")}${t.history.restore}</button></div>` : nothing}
      ${this.diffOpen ? (this.diff ? html`<div>${diffView(this.diff, this.wholeDiff, () => (this.wholeDiff = true))}</div>`
        : this.diffProblem ? problemView(asProblem(this.diffProblem)) : html`<div class="skeleton"></div>`) : nothing}
    </div>`;
  }

  private renderPaths({ files, files_changed: count }: Sync) {
    if (!files?.length) return nothing;
    return html`<ul class="paths">${files.slice(0, FILES_SHOWN).map((file) => html`<li>${changeWord(file.change)}<span class="path">${file.path}${file.from ? html` <span class="muted">${t.controls.from(file.from)}</span>` : nothing}</span></li>`)}
      ${count > FILES_SHOWN ? html`<li class="muted small">${t.settings.excludeMore(count - FILES_SHOWN)}</li>` : nothing}</ul>`;
  }

  private renderRestore() {
    const sync = this.restoring;
    return html`<lockstep-dialog .open=${sync !== undefined} .heading=${t.history.restoreTitle} @dismissed=${() => (this.restoring = undefined)}>
      <p>${sync ? t.history.restoreText(exact(sync.finished_at ?? sync.queued_at)) : ""}</p>
      ${this.integration?.settings.auto_sync && this.connected ? html`<p class="hint">${t.history.restoreSync}</p>` : nothing}
      <div class="actions">${problemView(this.failure)}</div>
      <button slot="actions" type="button" autofocus @click=${() => (this.restoring = undefined)}>${t.common.cancel}</button>
      <button slot="actions" type="button" class="primary" aria-disabled=${this.stays} @click=${this.restore}>${busyLabel(this.busy === "restore", t.history.restoreDo, t.common.saving)}</button>
    </lockstep-dialog>`;
  }
}
define("lockstep-history", LockstepHistory);
