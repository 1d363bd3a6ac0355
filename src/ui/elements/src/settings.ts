// <lockstep-settings>: how the project is kept in step. Switches and choices apply at once, texts when saved.
import { css, html, define, nothing, state } from "./base.js";
import type { Integration, Settings } from "./api/types.js";
import "./commit-template.js";
import "./disconnect.js";
import "./exclude-patterns.js";
import { busyLabel, notice, problemView, skeleton, switchControl } from "./parts/views.js";
import { SettingsElement, settingsStyles } from "./settings-base.js";
import { t } from "./texts.js";

export class LockstepSettings extends SettingsElement {
  static override styles = [...SettingsElement.styles, settingsStyles, css`
    .policies { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)); gap: 10px; margin-top: 10px; }
    .policies label { padding: 10px 12px; border: 1px solid var(--border); border-radius: 8px; cursor: pointer; }
    .policies label:has(:checked) { border-color: var(--accent); background: var(--accent-soft); }
    @media (max-width: 480px) { .item { flex-wrap: wrap; justify-content: flex-start; } .item:not(.tight) > :first-child { flex-basis: 100%; } }
  `];
  override readonly needs = ["integration"] as const;

  @state() private branch: string | undefined;

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
      <lockstep-commit-template .project=${this.project} .session=${this.session} .api=${this.api}></lockstep-commit-template>
      <lockstep-exclude-patterns .project=${this.project} .session=${this.session} .api=${this.api}></lockstep-exclude-patterns>
      ${integration.state === "disconnected" ? nothing : html`<lockstep-disconnect .project=${this.project} .session=${this.session} .api=${this.api}></lockstep-disconnect>`}
    </div>`;
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
      if (!this.busy && (await this.save({ branch: wanted }))) this.branch = undefined;
    };
    return html`<form class="item" novalidate @submit=${submit}><div><label for="branch">${t.settings.branch}</label><p class="hint" id="branch-hint">${t.settings.branchHint}</p>${this.wrong("branch")}</div>
      ${this.saved("branch")}<div class="row wrap"><input id="branch" class="mono" size="16" spellcheck="false" autocomplete="off" aria-describedby="branch-hint" ?disabled=${this.locked} .value=${wanted} @input=${(e: Event) => (this.branch = value(e).trim())} />
      ${wanted !== now && wanted ? html`<button aria-disabled=${this.stays}>${busyLabel(this.busy === "branch", t.settings.branchChange, t.common.saving)}</button>` : nothing}</div></form>`;
  }

  private renderGuard({ max_delete_percent: now }: Settings) {
    const change = (event: Event) => {
      const input = event.target as HTMLInputElement;
      if (input.value !== "" && Number(input.value) !== now) void this.save({ max_delete_percent: Number(input.value) });
    };
    return html`<div class="item"><div><label for="guard">${t.settings.guard}</label><p class="hint" id="guard-hint">${t.settings.guardHint}</p>${this.wrong("max_delete_percent", t.settings.range(0, 100))}</div>
      ${this.saved("max_delete_percent")}<div class="row"><input id="guard" type="number" min="0" max="100" inputmode="numeric" aria-describedby="guard-hint" ?disabled=${this.locked} .value=${String(now)} @change=${change} /><span class="muted">${t.settings.percent}</span></div></div>`;
  }

  private renderPolicy({ conflict_policy: now }: Settings) {
    return html`<fieldset class="block"><legend class="sr">${t.settings.policy}</legend><div class="row between"><span class="label" aria-hidden="true">${t.settings.policy}</span>${this.saved("conflict_policy")}</div>
      <div class="policies">${Object.entries(t.settings.policies).map(([policy, [label, hint]]) => html`<label class="check"><input type="radio" name="policy" value=${policy} .checked=${policy === now} ?disabled=${this.locked}
        @change=${() => void this.save({ conflict_policy: policy as Settings["conflict_policy"] })} /><span><strong>${label}</strong><span class="muted small">${hint}</span></span></label>`)}</div>${this.wrong("conflict_policy")}</fieldset>`;
  }
}

function value(event: Event): string {
  return (event.target as HTMLInputElement).value;
}

define("lockstep-settings", LockstepSettings);
