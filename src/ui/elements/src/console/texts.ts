// What operators read in the console.
const letter = (kind: string, project: string | null) => (project ? `${kind} of ${project}` : kind);

export const c = {
  label: "Console", signOut: "Sign out", tabs: { overview: "Overview", "dead-letters": "Dead letters", audit: "Audit" },
  health: (name: string, state: string) => `${name}: ${state}`, names: { postgres: "PostgreSQL", redis: "Redis", github: "GitHub" }, githubError: (error: string, when: string) => `GitHub’s last error: ${error}${when && `, ${when}`}`,
  tiles: {
    queue: "Queue", queueHint: (age: string) => `oldest ${age}`, queueEmpty: "nothing waits", queueAway: "Redis does not answer", due: "Projects due", dueHint: (age: string) => `overdue by ${age}`,
    connected: "Connected projects", connectedHint: (all: number) => `of ${all.toLocaleString()}`, trouble: "Lost connections", troubleHint: (suspended: number, broken: number) => `${suspended} suspended, ${broken} broken`,
    rate: "Success, 24 h", rateHint: (failed: number) => `${failed.toLocaleString()} failed`, latency: "Change to commit", latencyHint: (p95: string, p99: string) => `p95 ${p95}, p99 ${p99}`,
    notifications: "Notifications waiting", none: "–",
  },
  outcomes: "Syncs by outcome, last 24 hours", latency: "From asking to the commit, last 24 hours", ok: "Succeeded", conflict: "Conflict", failed: "Failed", p50: "median", p95: "95th percentile",
  budgets: "GitHub budget", budgetsEmpty: "No installation is in use yet.", installation: "Installation", projects: "Projects", rest: "REST, this hour", graphql: "GraphQL, this hour", content: "Writes, minute / hour", blocked: (when: string) => `paused until ${when}`, resets: (when: string) => `resets ${when}`, unused: "not used", left: (left: number, of: number) => `${left.toLocaleString()} of ${of.toLocaleString()} left`,
  trouble: "Projects in trouble", troubleEmpty: "Every connection works.", project: "Project", repository: "Repository", reason: "Reason", next: "Next attempt", pending: "Pending", attempt: (n: number) => (n ? `after attempt ${n}` : ""), person: "needs a person",
  deliveries: "Recent webhook deliveries", deliveriesEmpty: "No delivery yet.", event: "Event", outcome: "Outcome", received: "Received", took: "Took", delivery: "Delivery",
  dead: "Dead letters", deadText: "Work that failed for good. Retrying puts it back in the queue.", deadEmpty: "No dead letters", deadEmptyText: "Nothing has failed for good.", kind: "Kind", attempts: "Attempts", error: "Error", since: "Since", retry: "Retry", remove: "Delete", removeTitle: "Delete this dead letter?", removeText: "What it stood for will not be tried again.", cancel: "Cancel", retried: (kind: string, project: string | null) => `Back in the queue: ${letter(kind, project)}.`, removed: (kind: string, project: string | null) => `Deleted: ${letter(kind, project)}.`,
  retryOf: (kind: string, project: string | null) => `Retry ${letter(kind, project)}`, removeOf: (kind: string, project: string | null) => `Delete ${letter(kind, project)}`, actions: "Actions",
  audit: "Audit trail", auditEmpty: "Nothing matches.", when: "When", actor: "Actor", action: "Action", target: "Target", request: "Request", search: "Search", filterProject: "Project", filterActor: "Actor", filterAction: "Action", any: "Any", more: "Show more",
  table: (name: string) => `${name}, table`,
};

export const ACTIONS = [
  "project.changed", "project.deleted", "settings.updated", "connect.started", "user.authorized", "integration.connected", "integration.disconnected", "repository.created", "sync.requested",
  "conflict.resolved", "sync.confirmed", "project.restored", "pull_request.created", "panel_session.created", "dead_letter.retried", "dead_letter.deleted", "app.created", "key.created", "key.revoked", "console.signed_in",
];
