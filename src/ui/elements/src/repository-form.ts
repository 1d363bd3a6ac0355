// <lockstep-repository-form>: makes a new repository for the project, or takes one that is there.
import { css, html, LockstepElement, define, nothing, state } from "./base.js";
import { asProblem, fieldMessage } from "./api/problem.js";
import type { AccessibleRepository, Installation, Problem, Repositories } from "./api/types.js";
import { icon } from "./parts/icons.js";
import { busyLabel, errorText, external, problemView, safe, skeleton } from "./parts/views.js";
import { t } from "./texts.js";

const MAX_DESCRIPTION = 350; // GitHub's

/** Why GitHub would refuse this name, or an empty string. */
export function nameProblem(name: string): string {
  if (!name) return t.form.nameMissing;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return t.form.nameChars;
  if (name.length > 100) return t.form.nameLong;
  return name === "." || name === ".." || /\.(git|wiki)$/i.test(name) ? t.form.nameReserved : "";
}

export class LockstepRepositoryForm extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    .segments { display: inline-flex; padding: 3px; gap: 2px; border-radius: 8px; background: var(--subtle); border: 1px solid var(--border); margin-bottom: 18px; }
    .segments label { position: relative; padding: 4px 14px; border-radius: 6px; cursor: pointer; font-weight: 500; color: var(--muted); }
    .segments input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; width: 100%; height: 100%; }
    .segments label:has(:checked) { background: light-dark(#ffffff, #363d47); color: var(--text); box-shadow: 0 1px 2px rgb(0 0 0 / 15%); }
    .segments label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 1px; }
    .pair { display: grid; grid-template-columns: minmax(130px, 2fr) 3fr; gap: 16px 12px; }
    .pair .field { margin: 0; }
    form > * + *, .field { margin-top: 16px; }
    form > :first-child { margin-top: 0; }
    .choices { display: grid; gap: 10px; margin-top: 6px; }
    .choices svg { margin-top: 2px; color: var(--muted); }
    .repos { max-height: 300px; overflow-y: auto; border: 1px solid var(--border); border-radius: 8px; margin-top: 8px; }
    .repos li + li { border-top: 1px solid var(--border); }
    .repos label { display: flex; gap: 10px; align-items: center; padding: 9px 12px; font-weight: 400; cursor: pointer; }
    .repos label:hover { background: var(--hover); }
    .repos label:has(:checked) { background: var(--accent-soft); }
    .repos label:has(:disabled) { cursor: not-allowed; color: var(--muted); background: none; }
    .repos input { margin: 0; }
    .search { position: relative; }
    .search svg { position: absolute; inset-inline-start: 10px; top: 9px; color: var(--muted); }
    .search { margin-top: 6px; } .search input { padding-inline-start: 32px; }
    .foot { display: flex; flex-wrap: wrap; gap: 10px 16px; align-items: center; }
    @container (max-width: 460px) { .pair { grid-template-columns: 1fr; } }
    .box { container-type: inline-size; padding: 18px 16px; max-width: 680px; }
  `];
  override readonly needs = ["integration", "pending"] as const;

  @state() private mode: "create" | "existing" = "create";
  @state() private found: AccessibleRepository[] = [];
  @state() private installations: Installation[] = [];
  @state() private installUrl = "";
  @state() private loading = true;
  @state() private listProblem: Problem | undefined;
  @state() private tried = false;
  @state() private search = "";
  @state() private chosen: AccessibleRepository | undefined;
  @state() private draft = { owner: "", name: "", description: "", visibility: "private" as "private" | "public", branch: "" };
  @state() private taken = "";
  private asked: object | undefined;
  private wantsFocus = false;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("focus", this.look);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("focus", this.look);
  }

  /** On the name, as soon as there is one to fill in. */
  override focus(): void {
    this.wantsFocus = this.loading;
    this.renderRoot.querySelector<HTMLElement>("#name, input:checked, .actions a")?.focus();
  }

  /** Somebody may come back from installing the App in another window. */
  private readonly look = (): void => void (this.store && this.load());

  private async load(): Promise<void> {
    try {
      let page: Repositories = await this.store.client.repositories({ limit: 100 });
      const found = page.items;
      [this.installations, this.installUrl] = [page.installations, page.install_url];
      while (page.next_cursor && found.length < 1000) {
        page = await this.store.client.repositories({ limit: 100, cursor: page.next_cursor });
        found.push(...page.items);
      }
      [this.found, this.listProblem] = [found, undefined];
      this.draft = { ...this.draft, owner: this.draft.owner || this.owners[0]?.account.login || "", name: this.draft.name || suggest(this.project) };
    } catch (error) {
      this.listProblem = asProblem(error);
      if (["authorization_required", "token_expired"].includes(this.listProblem.code)) this.tell("lockstep-reauthorize");
    }
    this.loading = false;
    await this.updateComplete;
    if (this.wantsFocus) this.focus();
  }

  private get owners(): Installation[] {
    return this.installations.filter((installation) => !installation.suspended);
  }

  private set(part: Partial<typeof this.draft>): void {
    this.draft = { ...this.draft, ...part };
  }

  private get nameMessage(): string {
    const { owner, name } = this.draft;
    const full = `${owner}/${name}`.toLowerCase();
    const known = this.found.some((repository) => repository.full_name.toLowerCase() === full) || this.taken === full;
    const problem = nameProblem(name) || (known ? t.form.nameTaken : "") || fieldMessage(this.failure, "name");
    return this.tried || name ? problem : "";
  }

  private async create(event: Event): Promise<void> {
    event.preventDefault();
    this.tried = true;
    const { owner, name, description, visibility, branch } = this.draft;
    if (!owner || nameProblem(name) || this.nameMessage || description.length > MAX_DESCRIPTION) return this.focusInvalid();
    const wanted = { owner, name, visibility, ...(description && { description }), ...(branch && { branch }) };
    const integration = await this.run("create", () => this.store.client.create(wanted));
    if (this.failure?.code === "repository_name_taken") this.taken = `${owner}/${name}`.toLowerCase();
    this.done(integration);
  }

  private async choose(event: Event): Promise<void> {
    event.preventDefault();
    this.tried = true;
    const { chosen } = this;
    if (!chosen) return;
    const wanted = { installation_id: chosen.installation_id, repository: chosen.full_name, ...(this.draft.branch && { branch: this.draft.branch }) };
    this.done(await this.run("choose", () => this.store.client.choose(wanted)));
  }

  private done(integration: Parameters<typeof this.store.take>[0] | undefined): void {
    if (!integration) return void this.focusInvalid();
    this.store.take(integration);
    this.store.refresh();
  }

  private focusInvalid(): void {
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>("[aria-invalid='true']")?.focus());
  }

  protected override render() {
    if (this.store.expired) return nothing;
    if (this.asked !== this.store) {
      this.asked = this.store;
      void this.load();
    }
    if (this.loading) return skeleton(5);
    if (this.listProblem) return html`<div class="box">${problemView(this.listProblem, this.look)}</div>`;
    if (!this.owners.length) return this.renderInstall();
    return html`<div class="box">
      <div class="segments" role="radiogroup" aria-label=${t.form.mode}>${this.segment("create", t.form.create)}${this.segment("existing", t.form.existing)}</div>
      ${this.mode === "create" ? this.renderCreate() : this.renderExisting()}</div>`;
  }

  private segment(mode: "create" | "existing", label: string) {
    return html`<label><input type="radio" name="mode" .checked=${this.mode === mode} @change=${() => ([this.mode, this.failure] = [mode, undefined])} />${label}</label>`;
  }

  private renderInstall() {
    const suspended = this.installations.filter((installation) => installation.suspended).map(({ account }) => `${account.login} (${t.form.suspended})`);
    return html`<div class="empty">${icon("link")}<h2>${t.form.installTitle}</h2><p>${t.form.installText}</p>
      ${suspended.length ? html`<p class="small">${suspended.join(", ")}</p>` : nothing}
      <div class="actions"><a class="button primary" href=${safe(this.installUrl)} target="_blank" rel="noopener">${t.form.installFirst}${icon("external")}</a>
      <button type="button" @click=${this.look}>${icon("sync")}${t.form.refresh}</button></div></div>`;
  }

  private renderCreate() {
    const { draft, nameMessage } = this;
    const long = draft.description.length > MAX_DESCRIPTION ? t.form.descriptionLong : fieldMessage(this.failure, "description");
    return html`<form novalidate @submit=${this.create}>
      <div class="pair">
        <div class="field"><label for="owner">${t.form.owner}</label>
          <select id="owner" @change=${(e: Event) => this.set({ owner: value(e) })}>${this.owners.map(({ account }) => html`
            <option value=${account.login} ?selected=${account.login === draft.owner}>${account.login}</option>`)}</select>
          <p class="hint">${external(this.installUrl, t.form.otherOwner, "underlined")}</p></div>
        <div class="field"><label for="name">${t.form.name}</label>
          <input id="name" required maxlength="120" autocomplete="off" spellcheck="false" autocapitalize="off" .value=${draft.name} aria-invalid=${nameMessage ? "true" : "false"}
            aria-describedby="name-hint" @input=${(e: Event) => this.set({ name: value(e).replace(/\s/g, "-") })} />
          <div id="name-hint" aria-live="polite">${nameMessage ? errorText("name-error", nameMessage) : html`<p class="hint">${t.form.nameHint}</p>`}</div></div>
      </div>
      <div class="field"><label for="description">${t.form.description} <span class="optional">${t.form.optional}</span></label>
        <input id="description" .value=${draft.description} aria-invalid=${long ? "true" : "false"} aria-describedby="description-error" @input=${(e: Event) => this.set({ description: value(e) })} />
        ${errorText("description-error", long)}</div>
      <fieldset><legend class="label">${t.form.visibility}</legend><div class="choices">
        ${this.visibility("private", t.form.private, t.form.privateHint)}${this.visibility("public", t.form.public, t.form.publicHint)}</div></fieldset>
      ${problemView(this.failure && !nameMessage ? this.failure : undefined, this.failure?.retryable ? () => this.retry() : undefined)}
      <div class="foot"><button class="primary" aria-disabled=${this.stays}>${busyLabel(this.busy === "create", t.form.submitCreate, t.form.submitting)}</button>
        <span class="muted small">${this.pushes()}</span></div>
    </form>`;
  }

  private retry(): void {
    this.renderRoot.querySelector("form")?.requestSubmit();
  }

  private visibility(which: "private" | "public", label: string, hint: string) {
    return html`<label class="check"><input type="radio" name="visibility" value=${which} .checked=${this.draft.visibility === which} @change=${() => this.set({ visibility: which })} />
      ${icon(which === "private" ? "lock" : "globe")}<span><strong>${label}</strong><span class="muted small">${hint}</span></span></label>`;
  }

  private pushes(): string {
    const count = this.integration?.pending_changes ?? 0;
    return count ? t.form.push(count) : t.form.pushNothing;
  }

  private renderExisting() {
    const wanted = this.search.trim().toLowerCase();
    const matches = this.found.filter((repository) => repository.full_name.toLowerCase().includes(wanted));
    return html`<form novalidate @submit=${this.choose}>
      <div class="field"><label for="search">${t.form.search}</label>
        <div class="search">${icon("search")}<input id="search" type="search" autocomplete="off" placeholder=${t.form.searchPlaceholder} @input=${(e: Event) => (this.search = value(e))} /></div>
        <ul class="repos" role="radiogroup" aria-label=${t.form.search}>${matches.length ? matches.map((repository) => this.renderRepository(repository))
          : html`<li class="body muted">${this.found.length ? t.form.none : t.form.noneAtAll}</li>`}</ul>
        ${errorText("pick-error", this.tried && !this.chosen ? t.form.pick : "")}</div>
      ${this.elsewhere()}
      <div class="field"><label for="branch">${t.form.branch} <span class="optional">${t.form.optional}</span></label>
        <input id="branch" autocomplete="off" spellcheck="false" placeholder=${this.chosen?.default_branch ?? "main"} .value=${this.draft.branch} aria-describedby="branch-hint" @input=${(e: Event) => this.set({ branch: value(e).trim() })} />
        <p class="hint" id="branch-hint">${t.form.branchHint} ${t.form.merge}</p></div>
      ${problemView(this.failure, this.failure?.retryable ? () => this.retry() : undefined)}
      <div class="foot"><button class="primary" aria-disabled=${this.stays}>${busyLabel(this.busy === "choose", t.form.submitConnect, t.form.connecting)}</button></div>
    </form>`;
  }

  private renderRepository(repository: AccessibleRepository) {
    return html`<li role="presentation"><label><input type="radio" name="repository" .checked=${this.chosen?.id === repository.id} ?disabled=${!repository.connectable} @change=${() => (this.chosen = repository)} />
      ${icon(repository.private ? "lock" : "globe", "muted")}<span class="grow path">${repository.full_name}</span>
      ${repository.connectable ? nothing : html`<span class="badge">${t.form.reason(repository.reason ?? "")}</span>`}</label></li>`;
  }

  private elsewhere() {
    return html`<p class="small muted">${t.form.notListed} ${external(this.installUrl, t.form.install, "underlined")}</p>`;
  }
}

function value(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}

/** A name to begin with: the project's id, as far as GitHub takes it. */
function suggest(project: string): string {
  const name = project.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 100);
  return nameProblem(name) ? "" : name;
}

define("lockstep-repository-form", LockstepRepositoryForm);
