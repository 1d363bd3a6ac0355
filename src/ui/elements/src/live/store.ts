// The live state of one project in one session, shared by all elements that show it.
import { Client } from "../api/client.js";
import { ApiError, asProblem } from "../api/problem.js";
import type { Conflict, Integration, PendingChange, Problem, PullRequest, Role, Session, Sync } from "../api/types.js";
import { Feed } from "./feed.js";
import type { ServerEvent } from "./sse.js";
import { Stream, type StreamState } from "./stream.js";
import { toastFor, type Toast } from "./toasts.js";

/** What an element shows, and so what is kept fresh. */
export type Need = "integration" | "pending" | "excluded" | "syncs" | "pulls" | "conflicts";

const ALL: Need[] = ["integration", "pending", "excluded", "syncs", "pulls", "conflicts"];
const POLL_MS = 3_000;
const LOOK_MS = 3_000; // while events arrive: another replica says nothing of a change, and ages of times go on
const SETTLE_MS = 120;

export interface Watcher {
  needs: readonly Need[];
  storeChanged(): void;
  sessionExpired(): void;
  integrationChanged(integration: Integration): void;
}

export class Store {
  readonly client: Client;
  integration: Integration | undefined;
  problem: Problem | undefined;
  /** The session's person. */
  me: Session["user"] | undefined;
  role: Role | undefined;
  authorized: boolean | undefined;
  expired = false;
  connection: StreamState = "connecting";
  toasts: Toast[] = [];
  readonly pending: Feed<PendingChange>;
  readonly excluded: Feed<PendingChange>;
  readonly syncs: Feed<Sync>;
  readonly pulls: Feed<PullRequest>;
  readonly conflicts: Feed<Conflict>;

  private readonly watchers = new Set<Watcher>();
  private readonly stream: Stream;
  private readonly stale = new Set<Need>();
  private settle: ReturnType<typeof setTimeout> | undefined;
  private poll: ReturnType<typeof setTimeout> | undefined;
  private notifying = false;
  private statusFilter = "";

  constructor(api: string, project: string, session: string) {
    const client = (this.client = new Client(api, project, session));
    const changed = () => this.notify();
    this.pending = new Feed((cursor) => client.pending({ cursor, limit: 100 }), changed);
    this.excluded = new Feed((cursor) => client.pending({ cursor, excluded: true, limit: 100 }), changed);
    this.syncs = new Feed((cursor) => client.syncs({ cursor, status: this.statusFilter, limit: 20 }), changed);
    this.pulls = new Feed((cursor) => client.pulls({ cursor, limit: 20 }), changed);
    this.conflicts = new Feed((cursor) => client.conflicts({ cursor, limit: 20 }), changed);
    this.stream = new Stream(client, {
      heard: (event) => this.event(event), changed: () => this.refresh(["integration"]),
      became: (state, caughtUp) => this.streamIs(state, caughtUp), failed: (error) => this.failed(error),
    });
  }

  get filter(): string {
    return this.statusFilter;
  }

  set filter(status: string) {
    this.statusFilter = status;
    this.syncs.items = [];
    this.syncs.loaded = false;
    void this.syncs.refresh();
  }

  /** A sync that is on its way, if one is known. */
  get active(): Sync | undefined {
    return this.syncs.items.find((sync) => sync.status === "queued" || sync.status === "running");
  }

  watch(watcher: Watcher): () => void {
    if (this.watchers.size === 0) this.start();
    this.watchers.add(watcher);
    const fresh = watcher.needs.filter((need) => (need === "integration" ? !this.integration : !this.feed(need).loaded));
    this.refresh(fresh);
    return () => {
      this.watchers.delete(watcher);
      if (this.watchers.size === 0) this.stop();
    };
  }

  private start(): void {
    void this.readSession();
    this.stream.start();
    this.plan();
  }

  /** Who this is, and whether GitHub knows them. */
  async readSession(): Promise<void> {
    try {
      const { user, role, authorized } = await this.client.me();
      [this.me, this.role, this.authorized] = [user, role, authorized];
      this.notify();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Disconnecting takes the authorization away: asked again before a form relies on it. */
  private forgetAuthorization(): void {
    this.authorized = undefined;
    void this.readSession();
  }

  private stop(): void {
    this.stream.stop();
    clearTimeout(this.poll);
    clearTimeout(this.settle);
    stores.delete(this);
  }

  private feed(need: Exclude<Need, "integration">): Feed<unknown> {
    return this[need] as Feed<unknown>;
  }

  /** Reads these again, as far as anybody shows them; several wishes within a moment become one. */
  refresh(needs: readonly Need[] = ALL): void {
    needs.forEach((need) => this.stale.add(need));
    this.settle ??= setTimeout(() => void this.readStale(), SETTLE_MS);
  }

  private async readStale(): Promise<void> {
    this.settle = undefined;
    const wanted = new Set([...this.watchers].flatMap((watcher) => watcher.needs));
    const needs = [...this.stale].filter((need) => wanted.has(need));
    this.stale.clear();
    await Promise.all(needs.map((need) => (need === "integration" ? this.readIntegration() : this.feed(need).refresh())));
  }

  async readIntegration(): Promise<void> {
    try {
      this.take(await this.client.integration());
    } catch (error) {
      this.failed(error);
    }
  }

  /** A newer integration; lists follow when its numbers say that they are out of date. */
  take(integration: Integration): void {
    const before = this.integration;
    this.integration = integration;
    this.problem = undefined;
    this.notify();
    if (JSON.stringify(before) === JSON.stringify(integration)) return;
    this.watchers.forEach((watcher) => watcher.integrationChanged(integration));
    if (!before) return;
    if (before.state !== integration.state && integration.state === "disconnected") this.forgetAuthorization();
    if (before.pending_changes !== integration.pending_changes) this.refresh(["pending", "excluded"]);
    if (before.conflicts !== integration.conflicts) this.refresh(["conflicts", "pending"]);
    if (before.sync_status !== integration.sync_status || before.last_commit_sha !== integration.last_commit_sha) {
      this.refresh(["syncs", "pending", "pulls"]);
    }
  }

  failed(error: unknown): void {
    const problem = asProblem(error);
    if (problem.code === "unauthorized") this.expire();
    else if (error instanceof ApiError && problem.code === "not_found" && this.integration) return;
    else this.problem = problem;
    this.notify();
  }

  private expire(): void {
    if (this.expired) return;
    this.expired = true;
    this.stream.stop();
    clearTimeout(this.poll);
    this.watchers.forEach((watcher) => watcher.sessionExpired());
  }

  private event(event: ServerEvent): void {
    const data = parse(event.data);
    if (event.event === "sync.progress" && this.progress(data)) return;
    const toast = toastFor(event.event, data);
    if (toast) this.toast(toast);
    const pull = event.event.startsWith("pull_request.");
    this.refresh(pull ? ["pulls", "pending", "integration"] : ALL);
  }

  /** Moves the bar without asking the server; false when that sync is not known yet. */
  private progress(data: Record<string, unknown>): boolean {
    const sync = data["sync"] as Sync | undefined;
    const index = this.syncs.items.findIndex((item) => item.id === sync?.id);
    if (!sync || index < 0) return false;
    this.syncs.items = this.syncs.items.map((item, at) => (at === index ? { ...item, ...sync } : item));
    this.notify();
    return true;
  }

  private streamIs(state: StreamState, caughtUp: boolean): void {
    this.connection = state;
    if (caughtUp) this.refresh();
    this.plan();
    this.notify();
  }

  private plan(): void {
    clearTimeout(this.poll);
    if (this.expired) return;
    const live = this.connection === "live";
    this.poll = setTimeout(() => {
      if (!document.hidden) this.refresh(live ? ["integration"] : ALL);
      this.plan();
    }, live ? LOOK_MS : POLL_MS);
  }

  toast(toast: Toast): void {
    this.toasts = [...this.toasts.filter((other) => other.key !== toast.key), toast].slice(-4);
    this.notify();
  }

  dismiss(toast: Toast): void {
    this.toasts = this.toasts.filter((other) => other !== toast);
    this.notify();
  }

  /** Tells the watchers once, after everything that changes now has changed. */
  private notify(): void {
    if (this.notifying) return;
    this.notifying = true;
    queueMicrotask(() => {
      this.notifying = false;
      this.watchers.forEach((watcher) => watcher.storeChanged());
    });
  }

  matches(api: string, project: string, session: string): boolean {
    const { client } = this;
    return client.session === session && client.base === new Client(api, project, session).base;
  }
}

function parse(data: string): Record<string, unknown> {
  try {
    const body = JSON.parse(data) as { data?: Record<string, unknown> } & Record<string, unknown>;
    return body.data ?? body;
  } catch {
    return {};
  }
}

const stores = new Set<Store>();

/** The store for these, the same one for everybody who asks while it is in use. */
export function storeFor(api: string, project: string, session: string): Store {
  let store = [...stores].find((candidate) => candidate.matches(api, project, session));
  if (!store) stores.add((store = new Store(api, project, session)));
  return store;
}
