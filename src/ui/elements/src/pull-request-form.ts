// <lockstep-pull-request-form>: the dialog that takes pending changes to a pull request. Used by the elements
// that offer one.
import { html, LockstepElement, css, define, nothing, property, state } from "./base.js";
import { fieldMessage } from "./api/problem.js";
import "./parts/dialog.js";
import { reviewOf } from "./parts/review.js";
import { busyLabel, changeWord, errorText, problemView } from "./parts/views.js";
import { t } from "./texts.js";

const SHOWN = 6;

export class LockstepPullRequestForm extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    :host { display: contents; }
    .paths { margin-top: 12px; padding: 8px 12px; border: 1px solid var(--border); border-radius: 6px; background: var(--subtle); }
    .paths li { display: flex; gap: 10px; }
    form { margin-top: 14px; }
    .field.check { margin-top: 16px; }
  `];
  override readonly needs = ["integration", "pending", "pulls"] as const;

  @property({ type: Boolean }) open = false;
  @state() private tried = false;
  @state() private draft = { title: "", body: "", base: "", draft: false };

  private set(part: Partial<typeof this.draft>): void {
    this.draft = { ...this.draft, ...part };
  }

  private dismiss(): void {
    [this.tried, this.failure] = [false, undefined];
    this.dispatchEvent(new CustomEvent("dismissed"));
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    this.tried = true;
    const { title, body, base, draft } = this.draft;
    if (!title.trim()) return this.renderRoot.querySelector<HTMLElement>("#pr-title")?.focus();
    const wanted = { title: title.trim(), draft, ...(body && { body }), ...(base && { base }) };
    const pull = await this.run("open", () => this.store.client.openPull(wanted));
    if (!pull) return;
    this.draft = { title: "", body: "", base: "", draft: false };
    this.store.toast({ key: `pull-${pull.number}`, tone: "success", text: t.pulls.created(pull.number), link: { href: pull.url, label: t.toast.viewPull } });
    this.store.refresh();
    this.dismiss();
    this.tell("lockstep-go", "pulls");
  }

  protected override render() {
    const { draft, failure } = this;
    const missing = this.tried && !draft.title.trim() ? t.pulls.titleMissing : fieldMessage(failure, "title");
    const free = this.store.pending.items.filter((change) => !change.held || (change.held.code === "pull_request_exists" && !reviewOf(change, this.store.pulls.items)));
    return html`<lockstep-dialog .open=${this.open} .heading=${t.pulls.formTitle} @dismissed=${this.dismiss}>${this.open ? html`
      <p class="muted">${t.pulls.formText(free.length)}</p>
      <ul class="paths">${free.slice(0, SHOWN).map((change) => html`<li>${changeWord(change.change)}<span class="path">${change.path}</span></li>`)}
        ${free.length > SHOWN ? html`<li class="muted small">${t.settings.excludeMore(free.length - SHOWN)}</li>` : ""}</ul>
      <form id="form" novalidate @submit=${this.submit}>
        <div class="field"><label for="pr-title">${t.pulls.fieldTitle}</label>
          <input id="pr-title" autofocus required maxlength="256" .value=${draft.title} aria-invalid=${missing ? "true" : "false"} aria-describedby="title-error" @input=${(e: Event) => this.set({ title: value(e) })} />${errorText("title-error", missing)}</div>
        <div class="field"><label for="pr-body">${t.pulls.fieldBody} <span class="optional">${t.form.optional}</span></label>
          <textarea id="pr-body" .value=${draft.body} @input=${(e: Event) => this.set({ body: value(e) })}></textarea></div>
        <div class="field"><label for="pr-base">${t.pulls.fieldBase}</label>
          <input id="pr-base" spellcheck="false" autocomplete="off" placeholder=${this.integration?.branch ?? ""} .value=${draft.base} aria-describedby="base-error" @input=${(e: Event) => this.set({ base: value(e).trim() })} />${errorText("base-error", fieldMessage(failure, "base"))}</div>
        <label class="field check"><input type="checkbox" .checked=${draft.draft} @change=${(e: Event) => this.set({ draft: (e.target as HTMLInputElement).checked })} /><span><strong>${t.pulls.draft}</strong><span class="muted small">${t.pulls.draftHint}</span></span></label>
      </form>
      <div class="actions">${problemView(failure)}</div>
      <button slot="actions" type="button" @click=${this.dismiss}>${t.common.cancel}</button>
      <button slot="actions" form="form" class="primary" aria-disabled=${this.stays}>${busyLabel(this.busy !== "", t.pulls.submit, t.pulls.submitting)}</button>` : nothing}
    </lockstep-dialog>`;
  }
}

function value(event: Event): string {
  return (event.target as HTMLInputElement | HTMLTextAreaElement).value;
}

define("lockstep-pull-request-form", LockstepPullRequestForm);
