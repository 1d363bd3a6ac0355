// What the elements of the settings share: how a change is saved and what became of it, and drafts, which the
// server tries before they are saved: only it knows the template language and the files.
import { css, html, LockstepElement, nothing, state } from "./base.js";
import { fieldMessage } from "./api/problem.js";
import type { Preview, Problem, Settings } from "./api/types.js";
import { icon } from "./parts/icons.js";
import { busyLabel, errorText, problemView } from "./parts/views.js";
import { t } from "./texts.js";

type Field = keyof Settings;
export type Draft = { commit_template?: string; exclude?: string[] };
const PREVIEW_AFTER_MS = 300;

export abstract class SettingsElement extends LockstepElement {
  @state() protected wanted: Partial<Settings> = {}; // what is on its way to the server
  @state() protected savedField = "";
  @state() protected failedField = "";
  @state() protected preview: Preview | undefined;
  @state() protected previewProblem: Problem | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;
  private saves: Promise<boolean> = Promise.resolve(true);

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  /** True once it is saved; otherwise [`wrong`] says why not. What is changed meanwhile waits its turn. */
  protected save(changes: Partial<Settings>): Promise<boolean> {
    this.wanted = { ...this.wanted, ...changes };
    this.saves = this.saves.then(() => this.send(changes));
    return this.saves;
  }

  private async send(changes: Partial<Settings>): Promise<boolean> {
    const field = Object.keys(changes)[0] as Field;
    [this.savedField, this.failedField] = ["", ""];
    const settings = await this.run(field, () => this.store.client.patchSettings(changes));
    if (this.wanted[field] === changes[field]) {
      const { [field]: _sent, ...others } = this.wanted;
      this.wanted = others;
    }
    if (!settings) {
      this.failedField = field;
      return false;
    }
    if (this.integration) this.store.take({ ...this.integration, settings, branch: settings.branch });
    this.store.refresh(["integration", "pending", "excluded"]);
    this.savedField = field;
    return true;
  }

  protected get settings(): Settings {
    return { ...this.integration!.settings, ...this.wanted };
  }

  protected get locked(): boolean {
    return !this.may("owner");
  }

  /** Asks the server what a draft would do, once a person pauses. Later answers win over earlier ones. */
  protected try(draft: Draft, after = PREVIEW_AFTER_MS): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const mine = ++this.tries;
      try {
        const preview = await this.store.client.preview(draft);
        if (mine === this.tries) [this.preview, this.previewProblem] = [preview, undefined];
      } catch (error) {
        if (mine === this.tries) [this.preview, this.previewProblem] = [undefined, (error as { problem?: Problem }).problem];
      }
    }, after);
  }

  protected saved(field: Field) {
    return html`<span role="status">${this.savedField === field ? html`<span class="saved">${icon("check")}${t.common.saved}</span>` : nothing}</span>`;
  }

  /** What the server says about a field, or `instead` of it; the whole problem where it is not about the field. */
  protected wrong(field: Field, instead = "") {
    if (this.failedField !== field) return nothing;
    const message = fieldMessage(this.failure, field);
    return message ? errorText(`${field}-error`, instead || message) : problemView(this.failure);
  }

  /** The buttons of a draft that differs from what is saved. */
  protected saveOrDiscard(field: Field, refused: boolean, discard: () => void) {
    return html`<div class="actions"><button class="primary" ?disabled=${refused} aria-disabled=${this.stays}>${busyLabel(this.busy === field, t.common.save, t.common.saving)}</button>
      <button type="button" class="quiet" @click=${discard}>${t.common.undo}</button></div>`;
  }
}

export const settingsStyles = css`
  .item { display: flex; gap: 16px; align-items: center; justify-content: space-between; padding: 14px 16px; border-top: 1px solid var(--border); }
  .item > span:empty { margin-inline-end: -16px; }
  .item > :first-child { flex: 1; min-width: 0; }
  .item select, .item input { width: auto; max-width: 100%; }
  .item input[type="number"] { width: 84px; }
  .block { padding: 16px; border-top: 1px solid var(--border); }
  .block textarea { margin-top: 10px; }
  .chips { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 10px; align-items: center; }
  .chips button { min-height: 26px; padding: 2px 10px; font-size: 12.5px; border-radius: 999px; }
  .chips [aria-pressed="true"] { background: var(--accent-soft); border-color: var(--accent); color: var(--accent); }
  .preview { margin-top: 12px; padding: 10px 12px; border: 1px solid var(--border); border-radius: 6px; background: var(--subtle); }
  .preview pre { margin: 4px 0 0; font: 12.5px/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
  .preview ul { margin-top: 4px; }
  .saved { display: inline-flex; gap: 4px; align-items: center; color: var(--success); font-size: 12.5px; }
`;
