// <lockstep-dead-letters>: what failed for good, to be tried again or deleted.
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { property, state } from "lit/decorators.js";
import { asProblem } from "../api/problem.js";
import type { Problem } from "../api/types.js";
import { Feed } from "../live/feed.js";
import "../parts/dialog.js";
import { focusInside } from "../parts/focus.js";
import { when } from "../parts/time.js";
import { empty, problemView, skeleton } from "../parts/views.js";
import { controls } from "../styles/controls.js";
import { tokens } from "../styles/tokens.js";
import * as api from "./api.js";
import { overviewStyles, table } from "./overview.js";
import { c } from "./texts.js";

class LockstepDeadLetters extends LitElement {
  static override styles = [tokens, controls, overviewStyles];

  /** How many there are by now: another number is a reason to look again. */
  @property({ type: Number }) count = 0;
  @state() private problem: Problem | undefined;
  @state() private removing: api.DeadLetter | undefined;
  @state() private done = "";
  private busy = false;
  private readonly letters = new Feed((cursor) => api.deadLetters(cursor), () => this.requestUpdate());

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("count")) void this.letters.refresh();
  }

  /** One at a time. The row goes, and with it the button: the heading takes the focus. */
  private async act(work: () => Promise<unknown>, done: string): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await work();
      [this.problem, this.done, this.removing] = [undefined, done, undefined];
    } catch (error) {
      this.problem = asProblem(error);
    }
    await this.letters.refresh();
    this.busy = false;
    await this.updateComplete;
    requestAnimationFrame(() => focusInside(this.renderRoot));
  }

  private removeIt(): Promise<void> | undefined {
    const letter = this.removing;
    return letter && this.act(() => api.remove(letter.id), c.removed(letter.kind, letter.project));
  }

  protected override render() {
    const { letters } = this;
    const problem = this.problem ?? letters.problem;
    const rows = letters.items.map((letter) => [letter.kind, html`<span class="mono">${letter.project ?? "–"}</span>`, letter.attempts,
      html`<strong>${letter.error?.title}</strong><div class="small">${letter.error?.detail}</div>`, when(letter.created_at),
      html`<div class="row"><button type="button" aria-label=${c.retryOf(letter.kind, letter.project)} @click=${() => this.act(() => api.retry(letter.id), c.retried(letter.kind, letter.project))}>${c.retry}</button><button type="button" class="quiet" aria-label=${c.removeOf(letter.kind, letter.project)} @click=${() => (this.removing = letter)}>${c.remove}</button></div>`]);
    return html`${problemView(problem)}<p role="status" class="small success">${this.done}</p>
      ${!letters.loaded ? skeleton() : rows.length ? html`${table(c.dead, [c.kind, c.project, c.attempts, c.error, c.since, c.actions], rows, "", html`<span class="small muted">${c.deadText}</span>`)}
        ${letters.hasMore ? html`<div class="actions"><button type="button" @click=${() => letters.more()}>${c.more}</button></div>` : nothing}` : html`<div class="card">${empty("check", c.deadEmpty, c.deadEmptyText)}</div>`}
      <lockstep-dialog .open=${this.removing !== undefined} .heading=${c.removeTitle} @dismissed=${() => (this.removing = undefined)}><p>${c.removeText}</p>
        <button slot="actions" type="button" @click=${() => (this.removing = undefined)}>${c.cancel}</button>
        <button slot="actions" type="button" class="destructive" @click=${() => this.removeIt()}>${c.remove}</button></lockstep-dialog>`;
  }
}
customElements.define("lockstep-dead-letters", LockstepDeadLetters);
