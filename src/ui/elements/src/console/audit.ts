// <lockstep-audit>: who did what, searched by project, actor and action.
import { css, html, LitElement, nothing } from "lit";
import { state } from "lit/decorators.js";
import { Feed } from "../live/feed.js";
import { exact, when } from "../parts/time.js";
import { problemView, skeleton } from "../parts/views.js";
import { controls } from "../styles/controls.js";
import { tokens } from "../styles/tokens.js";
import * as api from "./api.js";
import { overviewStyles, table } from "./overview.js";
import { ACTIONS, c } from "./texts.js";

class LockstepAudit extends LitElement {
  static override styles = [tokens, controls, overviewStyles, css`
    form { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-end; margin-bottom: 16px; }
    form label { flex: 1 1 170px; }
    form input, form select { margin-top: 6px; }
    form button { min-height: 35px; }
  `];

  @state() private query: Record<string, string> = {};
  private readonly rows = new Feed((cursor) => api.audit({ ...this.query, cursor: cursor ?? "" }), () => this.requestUpdate());

  override connectedCallback(): void {
    super.connectedCallback();
    void this.rows.refresh();
  }

  private search(event: SubmitEvent): void {
    event.preventDefault();
    this.query = Object.fromEntries([...new FormData(event.target as HTMLFormElement)].map(([name, value]) => [name, String(value).trim()]));
    this.rows.items = [];
    void this.rows.refresh();
  }

  protected override render() {
    const { rows } = this;
    const cells = rows.items.map((row) => [html`<span title=${exact(row.at)}>${when(row.at)}</span>`, html`${row.actor.type} <span class="mono small muted">${row.actor.id}</span>`,
      html`<span class="mono">${row.action}</span>`, row.project && html`<span class="mono">${row.project}</span>`, row.target && html`<span class="path">${row.target}</span>`, row.request_id && html`<span class="mono small muted">${row.request_id}</span>`]);
    return html`<form role="search" @submit=${this.search}>
        <label>${c.filterProject}<input name="project" autocomplete="off" spellcheck="false" /></label><label>${c.filterActor}<input name="actor" autocomplete="off" spellcheck="false" /></label>
        <label>${c.filterAction}<select name="action"><option value="">${c.any}</option>${ACTIONS.map((action) => html`<option>${action}</option>`)}</select></label><button class="primary">${c.search}</button></form>
      ${problemView(rows.problem)}${rows.loaded ? table(c.audit, [c.when, c.actor, c.action, c.project, c.target, c.request], cells, c.auditEmpty) : skeleton()}
      ${rows.hasMore ? html`<div class="actions"><button type="button" @click=${() => rows.more()}>${c.more}</button></div>` : nothing}`;
  }
}
customElements.define("lockstep-audit", LockstepAudit);
