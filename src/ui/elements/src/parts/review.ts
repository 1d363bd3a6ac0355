// What of the pending changes an open pull request carries: it comes in with the merge, and nobody needs to act.
import type { PendingChange, PullRequest } from "../api/types.js";

/** The open pull request that carries a change. A hold by one that ended names it too, but waits for a person. */
export function reviewOf(change: PendingChange, pulls: readonly PullRequest[]): PullRequest | undefined {
  if (change.held?.code !== "pull_request_exists") return undefined;
  return pulls.find((pull) => isOpen(pull) && pull.paths.includes(change.path));
}

/**
 * How many of `count` pending changes no open pull request carries, as far as the lists are known. Of a long list only
 * the beginning is: when all of that is in review, the pull requests say how much more is.
 */
export function leftOf(count: number, changes: readonly PendingChange[], pulls: readonly PullRequest[]): number {
  const reviewed = changes.filter((change) => reviewOf(change, pulls)).length;
  const carried = reviewed === 0 || reviewed < changes.length ? 0 : new Set(pulls.filter(isOpen).flatMap((pull) => pull.paths)).size;
  return Math.max(0, count - (changes.length < count ? Math.max(reviewed, carried) : reviewed));
}

function isOpen({ state }: PullRequest): boolean {
  return state === "open" || state === "draft";
}
