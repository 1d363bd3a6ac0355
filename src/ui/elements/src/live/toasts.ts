// Which events are worth a toast, and what it says.
import { sentence } from "../api/problem.js";
import type { Integration, Problem, PullRequest, Sync } from "../api/types.js";
import { t } from "../texts.js";

export interface Toast {
  /** A newer toast with the same key replaces the older one. */
  key: string;
  tone: "success" | "danger" | "warning" | "info";
  text: string;
  detail?: string;
  link?: { href: string; label: string };
}

export function toastFor(event: string, data: Record<string, unknown>): Toast | undefined {
  if (event.startsWith("sync.")) return syncToast(event, (data["sync"] ?? {}) as Partial<Sync>);
  if (event.startsWith("pull_request.")) return pullToast(event, (data["pull_request"] ?? {}) as Partial<PullRequest>);
  if (event.startsWith("integration.")) return integrationToast(event, (data["integration"] ?? {}) as Partial<Integration>);
  return undefined;
}

function syncToast(event: string, sync: Partial<Sync>): Toast | undefined {
  const key = "sync";
  if (event === "sync.succeeded") {
    const text = sync.direction === "pull" ? t.toast.pulled(sync.files_changed ?? 0) : t.toast.synced(sync.files_changed ?? 0);
    const link = sync.commit_url ? { href: sync.commit_url, label: t.toast.viewCommit } : undefined;
    return { key, tone: "success", text, link };
  }
  if (event === "sync.failed") return { key, tone: "danger", text: t.toast.failed, detail: detailOf(sync.error) };
  if (event === "sync.conflict") {
    const deletion = sync.error?.code === "confirmation_required";
    return { key, tone: "warning", text: deletion ? t.toast.confirm : t.toast.conflict };
  }
  return undefined;
}

function pullToast(event: string, pull: Partial<PullRequest>): Toast | undefined {
  const key = `pull-${pull.number}`;
  const link = pull.url ? { href: pull.url, label: t.toast.viewPull } : undefined;
  if (event === "pull_request.opened") return { key, tone: "success", text: t.toast.pullOpened(pull.number ?? 0), link };
  if (pull.state === "merged") return { key, tone: "success", text: t.toast.pullMerged(pull.number ?? 0), link };
  if (pull.state === "closed") return { key, tone: "info", text: t.toast.pullClosed(pull.number ?? 0), link };
  return undefined;
}

function integrationToast(event: string, integration: Partial<Integration>): Toast | undefined {
  const key = "integration";
  const name = integration.repository?.full_name ?? "GitHub";
  if (event === "integration.connected") return { key, tone: "success", text: t.toast.connected(name) };
  if (event === "integration.disconnected") return { key, tone: "info", text: t.toast.disconnected };
  if (event === "integration.restored") return { key, tone: "success", text: t.toast.restored };
  if (event === "integration.suspended" || event === "integration.broken") {
    return { key, tone: "danger", text: t.toast.broken, detail: detailOf(integration.error) };
  }
  return undefined;
}

function detailOf(problem: Problem | null | undefined): string | undefined {
  return problem ? `${sentence(problem.detail)} ${problem.action}` : undefined;
}
