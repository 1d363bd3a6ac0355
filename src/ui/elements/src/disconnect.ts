// <lockstep-disconnect>: the end of a connection, after a warning that says what stays and what goes.
import { css, html, LockstepElement, define, nothing, property, state } from "./base.js";
import "./parts/dialog.js";
import { icon } from "./parts/icons.js";
import { busyLabel, problemView } from "./parts/views.js";
import { t } from "./texts.js";

export class LockstepDisconnect extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    .card { border-color: color-mix(in srgb, var(--danger) 35%, var(--border)); }
    .card > div { display: flex; flex-wrap: wrap; gap: 12px; justify-content: space-between; align-items: center; padding: 16px; }
    .sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px; margin-bottom: 12px; }
    .sides h3 { margin-bottom: 6px; }
    .sides li { display: flex; gap: 8px; padding: 3px 0; }
    .sides svg { margin-top: 3px; }
  `];
  override readonly needs = ["integration"] as const;

  /** Only a button, for somebody who wants another repository. */
  @property({ type: Boolean }) another = false;
  @state() private asking = false;

  private async disconnect(): Promise<void> {
    if (!(await this.run("disconnect", () => this.store.client.disconnect()))) return;
    this.asking = false;
    this.store.toast({ key: "integration", tone: "info", text: t.settings.disconnected });
    await this.store.readIntegration();
    this.store.refresh();
    this.tell("lockstep-go", "overview");
  }

  private renderCard() {
    return html`<section class="card" aria-labelledby="title"><div><div><h2 id="title">${t.settings.danger}</h2><p class="muted">${t.settings.dangerText}</p></div>
      <button type="button" class="outline-danger" ?disabled=${!this.may("owner")} @click=${() => (this.asking = true)}>${t.settings.disconnect}…</button></div></section>`;
  }

  protected override render() {
    if (!this.connected) return nothing;
    const name = this.integration?.repository?.full_name ?? "GitHub";
    return html`${this.another ? html`<button type="button" @click=${() => (this.asking = true)}>${t.connection.another}</button>` : this.renderCard()}
      <lockstep-dialog .open=${this.asking} .heading=${t.settings.disconnectTitle(name)} @dismissed=${() => (this.asking = false)}>
        <div class="sides">${side(t.settings.stays, t.settings.staysItems, "check")}${side(t.settings.goes, t.settings.goesItems, "cross")}</div>
        <p class="muted">${t.settings.later}</p><div class="actions">${problemView(this.failure)}</div>
        <button slot="actions" type="button" autofocus @click=${() => (this.asking = false)}>${t.common.cancel}</button>
        <button slot="actions" type="button" class="destructive" aria-disabled=${this.stays} @click=${this.disconnect}>${busyLabel(this.busy !== "", t.settings.disconnect, t.settings.disconnecting)}</button>
      </lockstep-dialog>`;
  }
}

function side(title: string, items: string[], mark: "check" | "cross") {
  return html`<div><h3>${title}</h3><ul>${items.map((item) => html`<li>${icon(mark, mark === "check" ? "success" : "danger")}<span>${item}</span></li>`)}</ul></div>`;
}

define("lockstep-disconnect", LockstepDisconnect);
