// <lockstep-dialog>: the browser's own modal dialog with a heading; Escape and the close button close it, the
// browser keeps focus inside and gives it back.
import { css, html, LitElement, type PropertyValues } from "lit";
import { property, query } from "lit/decorators.js";
import { controls } from "../styles/controls.js";
import { tokens } from "../styles/tokens.js";
import { t } from "../texts.js";
import { icon } from "./icons.js";

export class LockstepDialog extends LitElement {
  static override styles = [tokens, controls, css`
    :host { display: contents; }
    dialog { width: min(560px, calc(100vw - 24px)); max-height: calc(100dvh - 32px); padding: 0; color: var(--text); background: var(--surface); border: 1px solid var(--border); border-radius: calc(var(--radius) + 4px); box-shadow: var(--shadow); }
    dialog::backdrop { background: rgb(10 14 20 / 45%); }
    dialog[open] { animation: rise 0.16s ease-out; }
    @keyframes rise { from { opacity: 0; transform: translateY(8px); } }
    header { display: flex; align-items: flex-start; gap: 12px; padding: 18px 20px 0; }
    h2 { flex: 1; font-size: 16px; overflow-wrap: anywhere; }
    header button { margin: -5px -8px -5px 0; }
    .content { padding: 12px 20px 4px; }
    footer { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 8px; padding: 16px 20px 20px; }
  `];

  @property({ type: Boolean }) open = false;
  @property() heading = "";
  @query("dialog") private dialog!: HTMLDialogElement;

  protected override updated(changed: PropertyValues): void {
    if (!changed.has("open")) return;
    if (this.open && !this.dialog.open) this.dialog.showModal();
    if (!this.open && this.dialog.open) this.dialog.close();
  }

  private closed(event: Event): void {
    event.stopPropagation();
    if (this.open) this.dispatchEvent(new CustomEvent("dismissed"));
  }

  protected override render() {
    return html`<dialog aria-labelledby="heading" @close=${this.closed}>
      ${this.open ? html`
        <header><h2 id="heading">${this.heading}</h2>
          <button type="button" class="quiet icon-only" aria-label=${t.common.close} @click=${() => this.dialog.close()}>${icon("cross")}</button></header>
        <div class="content"><slot></slot></div>
        <footer><slot name="actions"></slot></footer>` : ""}
    </dialog>`;
  }
}
customElements.get("lockstep-dialog") ?? customElements.define("lockstep-dialog", LockstepDialog);
