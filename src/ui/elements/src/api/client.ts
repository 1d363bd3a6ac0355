// One typed function per route of the panel's API. Knows nothing of elements or of live state.
import { ApiError, offlineProblem, problemOf } from "./problem.js";
import type {
  Accepted, ChosenRepository, Conflict, ConnectAnswer, Integration, NewPullRequest, NewRepository, Page, PendingChange,
  Preview, PullRequest, Repositories, Resolve, Session, Settings, SettingsChange, Sync,
} from "./types.js";

type Query = Record<string, string | number | boolean | null | undefined>;

export class Client {
  readonly base: string;
  /** The session's user as the API wants it in bodies; the server takes the session's own in any case. */
  private readonly user = "panel";

  constructor(api: string, readonly project: string, readonly session: string) {
    this.base = `${api.replace(/\/+$/, "")}/panel/${encodeURIComponent(project)}/api`;
  }

  async request(method: string, tail: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.session}`);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    const request: RequestInit = { ...init, method, headers, cache: "no-store", credentials: "omit" };
    if (body !== undefined) request.body = JSON.stringify(body);
    const response = await fetch(`${this.base}/${tail}`, request).catch((error: unknown) => {
      if (init.signal?.aborted) throw error;
      throw new ApiError(offlineProblem());
    });
    if (!response.ok) throw new ApiError(await problemOf(response));
    return response;
  }

  private async json<T>(method: string, tail: string, body?: unknown): Promise<T> {
    return (await this.request(method, tail, body)).json() as Promise<T>;
  }

  private get<T>(tail: string, query: Query = {}): Promise<T> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value != null && value !== "") search.set(name, String(value));
    return this.json("GET", search.size ? `${tail}?${search}` : tail);
  }

  me = () => this.get<Session>("session");
  integration = () => this.get<Integration>("integration");
  pending = (query: { cursor?: string | null; excluded?: boolean; limit?: number }) =>
    this.get<Page<PendingChange>>("pending", query);
  pendingDiff = async ({ path, from }: { path: string; from?: string | null }) =>
    (await this.request("GET", `pending/diff?${new URLSearchParams({ path, ...(from && { from }) })}`)).text();
  syncs = (query: { cursor?: string | null; status?: string; limit?: number }) => this.get<Page<Sync>>("syncs", query);
  sync = (id: string) => this.get<Sync>(`syncs/${id}`);
  diff = async (id: string) => (await this.request("GET", `syncs/${id}/diff`)).text();
  conflicts = (query: { cursor?: string | null; limit?: number }) => this.get<Page<Conflict>>("conflicts", query);
  pulls = (query: { cursor?: string | null; limit?: number }) => this.get<Page<PullRequest>>("pull-requests", query);
  repositories = (query: { cursor?: string | null; limit?: number }) =>
    this.get<Repositories>("repositories", { ...query, user: this.user });

  connect = (returnTo?: string) =>
    this.json<ConnectAnswer>("POST", "connect", { user: this.user, ...(returnTo && { return_to: returnTo }) });
  choose = (choice: ChosenRepository) =>
    this.json<Integration>("PUT", "integration", { user: this.user, ...choice });
  create = (wanted: NewRepository) => this.json<Integration>("POST", "repository", { user: this.user, ...wanted });
  disconnect = () => this.request("DELETE", "integration");
  patchSettings = (changes: SettingsChange) => this.json<Settings>("PATCH", "settings", changes);
  preview = (draft: { commit_template?: string; exclude?: string[] }) =>
    this.json<Preview>("POST", "settings/preview", draft);
  syncNow = () => this.json<Sync>("POST", "syncs", {});
  confirm = () => this.request("POST", "confirm", {});
  restore = (sync: string) => this.json<Accepted>("POST", "restore", { sync });
  resolve = (answer: Resolve) =>
    this.json<Sync>("POST", "conflicts/resolve", answer);
  openPull = (wanted: NewPullRequest) => this.json<PullRequest>("POST", "pull-requests", wanted);
  refreshPull = (number: number) => this.json<PullRequest>("POST", `pull-requests/${number}/refresh`);
}
