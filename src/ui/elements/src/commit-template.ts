// <lockstep-commit-template>: the editor of the commit message's template, with what it makes of the changes that
// wait now.
import { css, html, define, nothing, state } from "./base.js";
import { fieldMessage } from "./api/problem.js";
import { errorText } from "./parts/views.js";
import { SettingsElement, settingsStyles } from "./settings-base.js";
import { t } from "./texts.js";

export class LockstepCommitTemplate extends SettingsElement {
  static override styles = [...SettingsElement.styles, settingsStyles, css`
    .preview .first { color: var(--text); font-weight: 600; }
  `];
  override readonly needs = ["integration"] as const;

  /** The draft, while it differs from what is saved. */
  @state() private draft: string | undefined;
  private shown = false;

  private set(next: string): void {
    this.draft = next;
    this.try({ commit_template: next });
  }

  private insert(name: string): void {
    const area = this.renderRoot.querySelector("textarea")!;
    area.setRangeText(`{{ ${name} }}`, area.selectionStart, area.selectionEnd, "end");
    this.set(area.value);
    area.focus();
  }

  private async keep(text: string): Promise<void> {
    if (this.busy || !(await this.save({ commit_template: text }))) return;
    this.draft = undefined;
    this.try({ commit_template: text }, 0);
  }

  private discard(): void {
    [this.draft, this.previewProblem, this.failedField] = [undefined, undefined, ""];
    this.try({}, 0);
  }

  protected override render() {
    if (this.store.expired || !this.integration) return nothing;
    if (!this.shown && this.store.role === "owner") {
      this.shown = true;
      this.try({}, 0);
    }
    const saved = this.settings.commit_template;
    const text = this.draft ?? saved;
    return html`<section class="card" aria-labelledby="template"><div class="head"><h2 id="template">${t.settings.template}</h2>${this.saved("commit_template")}</div>
      <form class="block" novalidate @submit=${(e: Event) => (e.preventDefault(), void this.keep(text))}>${this.renderFields(text, saved)}</form></section>`;
  }

  private renderFields(text: string, saved: string) {
    const dirty = text !== saved;
    const wrong = dirty ? fieldMessage(this.previewProblem, "commit_template") : "";
    return html`<p class="hint" id="template-hint">${t.settings.templateHint}</p>
      <textarea class="mono" rows="3" spellcheck="false" aria-labelledby="template" aria-describedby="template-hint template-error" aria-invalid=${wrong || this.failedField ? "true" : "false"} placeholder=${t.settings.templatePlaceholder} ?disabled=${this.locked}
        .value=${text} @input=${(e: Event) => this.set((e.target as HTMLTextAreaElement).value)}></textarea>
      ${wrong ? errorText("template-error", wrong) : this.wrong("commit_template")}
      <div class="chips" role="group" aria-label=${t.settings.insertLabel}><span class="muted small">${t.settings.insert}</span>${Object.entries(t.settings.variables).map(([name, hint]) =>
        html`<button type="button" class="mono" title=${hint} ?disabled=${this.locked} @click=${() => this.insert(name)}>${name}</button>`)}</div>
      ${this.renderPreview()}
      ${dirty ? this.saveOrDiscard("commit_template", wrong !== "", () => this.discard())
        : saved && !this.locked ? html`<div class="actions"><button type="button" @click=${() => void this.keep("")}>${t.settings.templateDefault}</button></div>` : nothing}`;
  }

  private renderPreview() {
    if (!this.preview?.message) return nothing;
    const [first = "", ...rest] = this.preview.message.split("\n");
    return html`<div class="preview" role="status"><span class="small muted">${t.settings.preview}</span><pre><span class="first">${first}</span>${rest.length ? `\n${rest.join("\n")}` : ""}</pre></div>`;
  }
}
define("lockstep-commit-template", LockstepCommitTemplate);
