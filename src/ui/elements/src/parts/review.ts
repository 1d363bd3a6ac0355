// What of the pending changes an open pull request carries: it comes in with the merge, and nobody needs to act.
import type { PendingChange, PullRequest } from "../api/types.js";

/** The open pull request that carries a change. A hold by one that ended names it too, but waits for a person. */
export function reviewOf(change: PendingChange, pulls: readonly PullRequest[]): PullRequest | undefined {
  if (change.held?.code !== "pull_request_exists") return undefined;
  return pulls.find((pull) => (pull.state === "open" || pull.state === "draft") && pull.paths.includes(change.path));
}

/** How many of `count` pending changes no open pull request carries, as far as the lists are known. */
export function leftOf(count: number, changes: readonly PendingChange[], pulls: readonly PullRequest[]): number {
  return Math.max(0, count - changes.filter((change) => reviewOf(change, pulls)).length);
}
