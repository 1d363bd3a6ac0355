// <lockstep-status>: one pill for a project's header. Says in a word or two how the project stands.
import { css, html, LockstepElement, define } from "./base.js";
import type { Integration } from "./api/types.js";
import type { Need } from "./live/store.js";
import { githubMark, icon, spinner, type IconName } from "./parts/icons.js";
import { leftOf } from "./parts/review.js";
import { exact } from "./parts/time.js";
import { t } from "./texts.js";

type Tone = "" | "success" | "danger" | "warning" | "accent";
export interface Standing {
  tone: Tone;
  icon: IconName | "spinner";
  text: string;
}

/** How a project stands, the most pressing thing first. `left`: what of the pending changes no pull request carries. */
export function standing(integration: Integration, left: number): Standing {
  const { state, sync_status: status, error, pending_changes: pending, conflicts } = integration;
  if (state === "disconnected") return { tone: "", icon: "minus", text: t.status.disconnected };
  if (state === "suspended") return { tone: "danger", icon: "pause", text: t.status.suspended };
  if (state === "broken") return { tone: "danger", icon: "error", text: t.status.broken };
  if (error?.code === "confirmation_required") return { tone: "warning", icon: "alert", text: t.status.confirm };
  if (conflicts > 0) return { tone: "warning", icon: "alert", text: t.status.conflict(conflicts) };
  if (status === "error" && error?.retryable) return { tone: "warning", icon: "clock", text: t.status.retrying };
  if (status === "error") return { tone: "danger", icon: "error", text: t.status.error };
  if (status === "syncing") return { tone: "accent", icon: "spinner", text: t.status.syncing };
  if (left > 0) return { tone: "accent", icon: "clock", text: t.status.pending(left) };
  if (pending > 0) return { tone: "accent", icon: "pull", text: t.status.review(pending) };
  return { tone: "success", icon: "check", text: t.status.synced };
}

export class LockstepStatus extends LockstepElement {
  static override styles = [...LockstepElement.styles, css`
    :host { display: inline-block; vertical-align: middle; }
    .badge { padding: 2px 10px; font-size: 12.5px; line-height: 20px; }
    .badge .icon { width: 13px; height: 13px; }
  `];

  /** The lists only while something is pending: they tell what waits here from what is in review. */
  override get needs(): readonly Need[] {
    return this.connected && this.integration?.pending_changes ? ["integration", "pending", "pulls"] : ["integration"];
  }

  override integrationChanged(integration: Integration): void {
    super.integrationChanged(integration);
    if (this.needs.includes("pulls") && !this.store.pulls.loaded) this.store.refresh(["pending", "pulls"]);
  }

  protected override render() {
    const { expired, problem, integration } = this.store;
    const now: Standing = expired ? { tone: "", icon: "clock", text: t.status.expired }
      : integration ? standing(integration, leftOf(integration.pending_changes, this.store.pending.items, this.store.pulls.items))
      : problem ? { tone: "", icon: "error", text: t.status.unknown }
      : { tone: "", icon: "spinner", text: t.status.loading };
    const title = integration?.last_sync_at ? `${t.connection.lastSync}: ${exact(integration.last_sync_at)}` : "";
    return html`<span class="badge ${now.tone}" role="status" title=${title}>
      ${githubMark()}<span class="sr">${t.status.label("")}</span>${now.icon === "spinner" ? spinner() : icon(now.icon)}${now.text}
    </span>`;
  }
}
define("lockstep-status", LockstepStatus);
