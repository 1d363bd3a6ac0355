// <lockstep-settings>: how the project is kept in step. Switches apply at once, texts when saved.
import { css, html, LockstepElement, define, nothing, state } from "./base.js";
import { fieldMessage } from "./api/problem.js";
import type { Preview } from "./api/client.js";
import type { Integration, Problem, Settings } from "./api/types.js";
import "./disconnect.js";
import { icon } from "./parts/icons.js";
import { busyLabel, errorText, notice, problemView, skeleton, switchControl } from "./parts/views.js";
import { QUICK_EXCLUDES, t } from "./texts.js";

type Field = keyof Settings;
const PREVIEW_AFTER_MS = 350;
const PATHS_SHOWN = 12;

export class LockstepSettings extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    .item { display: flex; gap: 16px; align-items: center; justify-content: space-between; padding: 14px 16px; border-top: 1px solid var(--border); }
    .item > :first-child { flex: 1; min-width: 0; }
    .item select, .item input { width: auto; max-width: 100%; }
    .item input[type="number"] { width: 84px; }
    .block { padding: 16px; border-top: 1px solid var(--border); }
    .block textarea { margin-top: 10px; }
    .policies { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 10px; margin-top: 10px; }
    .policies label { padding: 10px 12px; border: 1px solid var(--border); border-radius: 8px; cursor: pointer; }
    .policies label:has(:checked) { border-color: var(--accent); background: var(--accent-soft); }
    .chips { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 10px; align-items: center; }
    .chips button { min-height: 26px; padding: 2px 10px; font-size: 12.5px; border-radius: 999px; }
    .chips [aria-pressed="true"] { background: var(--accent-soft); border-color: var(--accent); color: var(--accent); }
    .preview { margin-top: 10px; padding: 10px 12px; border: 1px dashed var(--border); border-radius: 6px; background: var(--subtle); }
    .preview pre { margin: 4px 0 0; font: 12.5px/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
    .saved { display: inline-flex; gap: 4px; align-items: center; color: var(--success); font-size: 12.5px; }
    .problem { padding: 0 16px 14px; }
    @media (max-width: 480px) { .item { flex-wrap: wrap; justify-content: flex-start; } .item:not(.tight) > :first-child { flex-basis: 100%; } }
  `];
  override readonly needs = ["integration", "excluded"] as const;

  @state() private wanted: Partial<Settings> = {}; // what is on its way to the server
  @state() private template: string | undefined;
  @state() private exclude: string | undefined;
  @state() private branch: string | undefined;
  @state() private savedField = "";
  @state() private failedField = "";
  @state() private preview: Preview | undefined;
  @state() private previewProblem: Problem | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  private async save(changes: Partial<Settings>): Promise<boolean> {
    const field = Object.keys(changes)[0]!;
    [this.wanted, this.savedField, this.failedField] = [changes, "", ""];
    const settings = await this.run(field, () => this.store.client.patchSettings(changes));
    this.wanted = {};
    if (!settings) {
      this.failedField = field;
      return false;
    }
    if (this.integration) this.store.take({ ...this.integration, settings, branch: settings.branch });
    this.store.refresh(["integration", "pending", "excluded"]);
    this.savedField = field;
    return true;
  }

  private get settings(): Settings {
    return { ...this.integration!.settings, ...this.wanted };
  }

  /** Asks the server what a draft would do: only it knows the template language and the files. */
  private draft(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const exclude = this.exclude === undefined ? undefined : lines(this.exclude);
      const { store } = this;
      try {
        this.preview = await store.client.preview({ commit_template: this.template, exclude });
        this.previewProblem = undefined;
      } catch (error) {
        this.preview = undefined;
        this.previewProblem = (error as { problem?: Problem }).problem;
      }
    }, PREVIEW_AFTER_MS);
  }

  private async saveTemplate(text: string): Promise<void> {
    if (await this.save({ commit_template: text })) this.template = undefined;
  }

  private async saveExclude(): Promise<void> {
    if (await this.save({ exclude: lines(this.exclude ?? "") })) [this.exclude, this.preview] = [undefined, undefined];
  }

  private toggleType(patterns: string[], on: boolean): void {
    const now = lines(this.exclude ?? this.settings.exclude.join("\n"));
    const next = on ? [...now, ...patterns.filter((pattern) => !now.includes(pattern))] : now.filter((pattern) => !patterns.includes(pattern));
    this.exclude = next.join("\n");
    this.draft();
  }

  private get locked(): boolean {
    return !this.may("owner");
  }

  protected override render() {
    const { integration, expired, problem } = this.store;
    if (expired) return nothing;
    if (!integration) return html`<div class="card">${problem ? html`<div class="body">${problemView(problem, () => this.store.refresh())}</div>` : skeleton(6)}</div>`;
    const { settings } = this;
    return html`<div class="stack">
      ${this.locked ? notice("info", t.settings.readOnly) : nothing}
      <section class="card" aria-labelledby="sync"><div class="head"><h2 id="sync">${t.settings.sync}</h2></div>
        ${this.toggle("auto_sync", t.settings.auto, t.settings.autoHint, settings.auto_sync)}
        ${this.toggle("pull", t.settings.pull, t.settings.pullHint, settings.pull)}
        ${this.renderWindow(settings)}${integration.state === "disconnected" ? nothing : this.renderBranch(integration)}${this.renderGuard(settings)}
        ${this.renderPolicy(settings)}</section>
      <section class="card" aria-labelledby="template"><div class="head"><h2 id="template">${t.settings.template}</h2>${this.saved("commit_template")}</div>${this.renderTemplate(settings)}</section>
      <section class="card" aria-labelledby="exclude"><div class="head"><h2 id="exclude">${t.settings.exclude}</h2>${this.saved("exclude")}</div>${this.renderExclude(settings)}</section>
      ${integration.state === "disconnected" ? nothing : html`<lockstep-disconnect .project=${this.project} .session=${this.session} .api=${this.api}></lockstep-disconnect>`}
    </div>`;
  }

  private saved(field: Field) {
    return html`<span role="status">${this.savedField === field ? html`<span class="saved">${icon("check")}${t.common.saved}</span>` : nothing}</span>`;
  }

  /** What the server says about a field: its own message, or the whole problem. */
  private wrong(field: Field) {
    if (this.failedField !== field) return nothing;
    const message = fieldMessage(this.failure, field);
    return message ? errorText(`${field}-error`, message) : problemView(this.failure);
  }

  private toggle(field: "auto_sync" | "pull", label: string, hint: string, on: boolean) {
    return html`<div class="item tight"><div><div class="label">${label}</div><p class="hint" id="${field}-hint">${hint}</p>${this.wrong(field)}</div>
      ${this.saved(field)}${switchControl(on, label, () => void this.save({ [field]: !on }), { hint: `${field}-hint`, disabled: this.locked })}</div>`;
  }

  private renderWindow({ batch_seconds: now }: Settings) {
    const options = [...new Set([...t.settings.windowOptions, now])].sort((a, b) => a - b);
    return html`<div class="item"><div><label for="window">${t.settings.window}</label><p class="hint" id="window-hint">${t.settings.windowHint}</p>${this.wrong("batch_seconds")}</div>
      ${this.saved("batch_seconds")}<select id="window" aria-describedby="window-hint" ?disabled=${this.locked} @change=${(e: Event) => void this.save({ batch_seconds: Number(value(e)) })}>
        ${options.map((seconds) => html`<option value=${seconds} ?selected=${seconds === now}>${t.settings.windowOption(seconds)}</option>`)}</select></div>`;
  }

  private renderBranch(integration: Integration) {
    const now = integration.branch ?? "";
    const wanted = this.branch ?? now;
    const submit = async (event: Event) => {
      event.preventDefault();
      if (await this.save({ branch: wanted })) this.branch = undefined;
    };
    return html`<form class="item" novalidate @submit=${submit}><div><label for="branch">${t.settings.branch}</label><p class="hint" id="branch-hint">${t.settings.branchHint}</p>${this.wrong("branch")}</div>
      ${this.saved("branch")}<div class="row wrap"><input id="branch" class="mono" size="16" spellcheck="false" autocomplete="off" aria-describedby="branch-hint" ?disabled=${this.locked} .value=${wanted} @input=${(e: Event) => (this.branch = value(e).trim())} />
      ${wanted !== now && wanted ? html`<button ?disabled=${this.busy !== ""}>${busyLabel(this.busy === "branch", t.settings.branchChange, t.common.saving)}</button>` : nothing}</div></form>`;
  }

  private renderGuard({ max_delete_percent: now }: Settings) {
    const change = (event: Event) => {
      const input = event.target as HTMLInputElement;
      if (input.value !== "" && Number(input.value) !== now) void this.save({ max_delete_percent: Number(input.value) });
    };
    return html`<div class="item"><div><label for="guard">${t.settings.guard}</label><p class="hint" id="guard-hint">${t.settings.guardHint}</p>${this.wrong("max_delete_percent")}</div>
      ${this.saved("max_delete_percent")}<div class="row"><input id="guard" type="number" min="0" max="100" inputmode="numeric" aria-describedby="guard-hint" ?disabled=${this.locked} .value=${String(now)} @change=${change} /><span class="muted">${t.settings.percent}</span></div></div>`;
  }

  private renderPolicy({ conflict_policy: now }: Settings) {
    return html`<fieldset class="block"><legend class="sr">${t.settings.policy}</legend><div class="row between"><span class="label" aria-hidden="true">${t.settings.policy}</span>${this.saved("conflict_policy")}</div>
      <div class="policies">${Object.entries(t.settings.policies).map(([policy, [label, hint]]) => html`<label class="check"><input type="radio" name="policy" value=${policy} .checked=${policy === now} ?disabled=${this.locked}
        @change=${() => void this.save({ conflict_policy: policy as Settings["conflict_policy"] })} /><span><strong>${label}</strong><span class="muted small">${hint}</span></span></label>`)}</div>${this.wrong("conflict_policy")}</fieldset>`;
  }

  private renderTemplate({ commit_template: saved }: Settings) {
    const text = this.template ?? saved;
    const dirty = text !== saved;
    const set = (next: string) => ((this.template = next), this.draft());
    const insert = (name: string) => {
      const area = this.renderRoot.querySelector<HTMLTextAreaElement>("#template-text")!;
      area.setRangeText(`{{ ${name} }}`, area.selectionStart, area.selectionEnd, "end");
      set(area.value);
      area.focus();
    };
    const wrong = dirty ? fieldMessage(this.previewProblem, "commit_template") : "";
    return html`<form class="block" novalidate @submit=${(e: Event) => (e.preventDefault(), void this.saveTemplate(text))}>
      <p class="hint" id="template-hint">${t.settings.templateHint}</p>
      <textarea id="template-text" class="mono" rows="3" spellcheck="false" aria-labelledby="template" aria-describedby="template-hint template-error" aria-invalid=${wrong || this.failedField === "commit_template" ? "true" : "false"} placeholder=${t.settings.templatePlaceholder} ?disabled=${this.locked}
        .value=${text} @input=${(e: Event) => set(value(e))} @focus=${() => this.preview || this.draft()}></textarea>
      ${wrong ? errorText("template-error", wrong) : this.wrong("commit_template")}
      <div class="chips"><span class="muted small">${t.settings.insert}</span>${Object.entries(t.settings.variables).map(([name, hint]) => html`<button type="button" class="mono" title=${hint} ?disabled=${this.locked} @click=${() => insert(name)}>${name}</button>`)}</div>
      ${this.preview?.message ? html`<div class="preview" role="status"><span class="small muted">${t.settings.preview}</span><pre>${this.preview.message}</pre></div>` : nothing}
      ${dirty ? html`<div class="actions"><button class="primary" ?disabled=${this.busy !== "" || wrong !== ""}>${busyLabel(this.busy === "commit_template", t.common.save, t.common.saving)}</button>
        <button type="button" class="quiet" @click=${() => ([this.template, this.previewProblem, this.failedField] = [undefined, undefined, ""])}>${t.common.undo}</button></div>`
        : saved && !this.locked ? html`<div class="actions"><button type="button" @click=${() => void this.saveTemplate("")}>${t.settings.templateDefault}</button></div>` : nothing}</form>`;
  }

  private renderExclude({ exclude }: Settings) {
    const saved = exclude.join("\n");
    const text = this.exclude ?? saved;
    const dirty = lines(text).join("\n") !== saved;
    const now = lines(text);
    const wrong = dirty ? excludeMessage(this.previewProblem) : "";
    return html`<form class="block" novalidate @submit=${(e: Event) => (e.preventDefault(), void this.saveExclude())}>
      <p class="hint" id="exclude-hint">${t.settings.excludeHint}</p>
      <div class="chips" role="group" aria-label=${t.settings.excludeTypes}>${QUICK_EXCLUDES.map(({ label, patterns }) => {
        const on = patterns.every((pattern) => now.includes(pattern));
        return html`<button type="button" aria-pressed=${on ? "true" : "false"} title=${patterns.join("  ")} ?disabled=${this.locked} @click=${() => this.toggleType(patterns, !on)}>${label}</button>`;
      })}</div>
      <textarea class="mono" rows=${Math.min(Math.max(now.length + 1, 4), 14)} spellcheck="false" aria-labelledby="exclude" aria-describedby="exclude-hint exclude-error" aria-invalid=${wrong ? "true" : "false"} ?disabled=${this.locked}
        .value=${text} @input=${(e: Event) => ((this.exclude = value(e)), this.draft())}></textarea>
      ${wrong ? errorText("exclude-error", wrong) : this.failedField === "exclude" && this.failure?.errors?.length ? errorText("exclude-error", excludeMessage(this.failure)) : this.wrong("exclude")}
      ${this.renderExcluded(dirty)}
      ${dirty ? html`<div class="actions"><button class="primary" ?disabled=${this.busy !== "" || wrong !== ""}>${busyLabel(this.busy === "exclude", t.common.save, t.common.saving)}</button>
        <button type="button" class="quiet" @click=${() => ([this.exclude, this.previewProblem, this.failedField] = [undefined, undefined, ""])}>${t.common.undo}</button></div>` : nothing}</form>`;
  }

  private renderExcluded(dirty: boolean) {
    const { preview } = this;
    if (dirty && !preview) return nothing;
    const paths = dirty && preview ? preview.paths : this.store.excluded.items.map((change) => change.path);
    const count = dirty && preview ? preview.excluded : paths.length;
    return html`<div class="preview" role="status"><span class="small muted">${dirty && preview ? t.settings.excludeDraft(count, preview.included) : t.settings.excludePreview(count)}</span>
      <ul>${paths.slice(0, PATHS_SHOWN).map((path) => html`<li class="path">${path}</li>`)}
      ${count > PATHS_SHOWN ? html`<li class="small muted">${t.settings.excludeMore(count - PATHS_SHOWN)}</li>` : nothing}</ul></div>`;
  }
}

/** Patterns as the API wants them: one a line, blank lines left out. */
export function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trimEnd()).filter(Boolean);
}

/** `exclude[3]` counts from zero; people count lines from one. */
function excludeMessage(problem: Problem | undefined): string {
  return (problem?.errors ?? []).filter(({ field }) => field.startsWith("exclude"))
    .map(({ field, message }) => [/\[(\d+)\]/.exec(field)?.[1], message])
    .map(([index, message]) => (index === undefined ? message : `${t.settings.line(Number(index) + 1)}: ${message}`)).join(" ");
}

function value(event: Event): string {
  return (event.target as HTMLInputElement).value;
}

define("lockstep-settings", LockstepSettings);
