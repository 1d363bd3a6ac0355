// <lockstep-exclude-patterns>: which files are left out, by type or by pattern, with what that matches now.
import { html, define, nothing, state } from "./base.js";
import type { Problem } from "./api/types.js";
import { errorText } from "./parts/views.js";
import { SettingsElement, settingsStyles } from "./settings-base.js";
import { QUICK_EXCLUDES, t } from "./texts.js";

const PATHS_SHOWN = 12;

export class LockstepExcludePatterns extends SettingsElement {
  static override styles = [...SettingsElement.styles, settingsStyles];
  override readonly needs = ["integration"] as const;

  /** The draft, while it differs from what is saved. */
  @state() private draft: string | undefined;
  private shown = "";

  private set(next: string): void {
    this.draft = next;
    this.try({ exclude: lines(next) });
  }

  private toggle(patterns: string[], on: boolean): void {
    const now = lines(this.draft ?? this.settings.exclude.join("\n"));
    const next = on ? [...now, ...patterns.filter((pattern) => !now.includes(pattern))] : now.filter((pattern) => !patterns.includes(pattern));
    this.set(next.join("\n"));
  }

  private async keep(): Promise<void> {
    if (!this.busy && (await this.save({ exclude: lines(this.draft ?? "") }))) this.draft = undefined;
  }

  private discard(): void {
    [this.draft, this.previewProblem, this.failedField, this.shown] = [undefined, undefined, "", ""];
  }

  /** What is saved matches other files when those change: looked at again then. */
  private look(saved: string): void {
    const { pending_changes: pending, last_commit_sha: sha } = this.integration!;
    const now = `${saved}\n${pending} ${sha}`;
    if (this.draft !== undefined || this.shown === now || this.store.role !== "owner") return;
    this.shown = now;
    this.try({}, 0);
  }

  protected override render() {
    if (this.store.expired || !this.integration) return nothing;
    const saved = this.settings.exclude.join("\n");
    this.look(saved);
    return html`<section class="card" aria-labelledby="exclude"><div class="head"><h2 id="exclude">${t.settings.exclude}</h2>${this.saved("exclude")}</div>
      <form class="block" novalidate @submit=${(e: Event) => (e.preventDefault(), void this.keep())}>${this.renderFields(this.draft ?? saved, saved)}</form></section>`;
  }

  private renderFields(text: string, saved: string) {
    const now = lines(text);
    const dirty = now.join("\n") !== saved;
    const wrong = dirty ? messageOf(this.previewProblem) || (this.failedField ? messageOf(this.failure) : "") : "";
    return html`<p class="hint" id="exclude-hint">${t.settings.excludeHint}</p>
      <div class="chips" role="group" aria-label=${t.settings.excludeTypes}><span class="muted small">${t.settings.excludeTypes}</span>${QUICK_EXCLUDES.map(({ label, patterns }) => {
        const on = patterns.every((pattern) => now.includes(pattern));
        return html`<button type="button" aria-pressed=${on ? "true" : "false"} title=${patterns.join("  ")} ?disabled=${this.locked} @click=${() => this.toggle(patterns, !on)}>${t.settings.quickExcludes[label]}</button>`;
      })}</div>
      <textarea class="mono" rows=${Math.min(Math.max(now.length + 1, 4), 14)} spellcheck="false" aria-labelledby="exclude" aria-describedby="exclude-hint exclude-error" aria-invalid=${wrong ? "true" : "false"} ?disabled=${this.locked}
        .value=${text} @input=${(e: Event) => this.set((e.target as HTMLTextAreaElement).value)}></textarea>
      ${wrong ? errorText("exclude-error", wrong) : this.wrong("exclude")}
      ${this.renderMatches(dirty)}
      ${dirty ? this.saveOrDiscard("exclude", wrong !== "", () => this.discard()) : nothing}`;
  }

  private renderMatches(dirty: boolean) {
    if (!this.preview) return nothing;
    const { excluded, included, paths } = this.preview;
    return html`<div class="preview" role="status"><span class="small muted">${dirty ? t.settings.excludeDraft(excluded, included) : t.settings.excludePreview(excluded)}</span>
      ${paths.length ? html`<ul>${paths.slice(0, PATHS_SHOWN).map((path) => html`<li class="path">${path}</li>`)}
      ${excluded > PATHS_SHOWN ? html`<li class="small muted">${t.settings.excludeMore(excluded - PATHS_SHOWN)}</li>` : nothing}</ul>` : nothing}</div>`;
  }
}

/** Patterns as the API wants them: one a line, blank lines left out. */
export function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trimEnd()).filter(Boolean);
}

/** `exclude[3]` counts from zero; people count lines from one. */
function messageOf(problem: Problem | undefined): string {
  return (problem?.errors ?? []).filter(({ field }) => field.startsWith("exclude"))
    .map(({ field, message }) => [/\[(\d+)\]/.exec(field)?.[1], message])
    .map(([index, message]) => (index === undefined ? message : `${t.settings.line(Number(index) + 1)}: ${message}`)).join(" ");
}

define("lockstep-exclude-patterns", LockstepExcludePatterns);
