// What the console asks, with its cookie: its own overview, and the host API's audit trail and dead letters.
import { ApiError, offlineProblem, problemOf } from "../api/problem.js";
import type { AuditRow, DeadLetter, Page, Problem } from "../api/types.js";

export type { DeadLetter } from "../api/types.js";

export interface Step {
  at: string;
  succeeded: number;
  failed: number;
  conflict: number;
  p50: number | null;
  p95: number | null;
}

export interface Primary {
  remaining: number;
  limit: number;
  reset: string;
}

export interface Budget {
  installation: number;
  owner: string;
  projects: number;
  standing: {
    rest: Primary | null;
    graphql: Primary | null;
    content_minute: number;
    content_hour: number;
    per_minute: number;
    per_hour: number;
    blocked_until: string | null;
  } | null;
}

export interface Troubled {
  project: string;
  repository: string;
  branch: string;
  state: string;
  attempts: number;
  due_at: string | null;
  last_sync_at: string | null;
  error: Partial<Problem> | null;
  pending: number;
}

export interface Overview {
  now: string;
  health: Record<"postgres" | "redis" | "github", string> & { github_error: string | null };
  queue: { depth: number; oldest_seconds: number } | null;
  counts: Record<"projects" | "connected" | "suspended" | "broken" | "due" | "due_seconds" | "dead_letters" | "notifications", number>;
  steps: Step[];
  latency: Record<"p50" | "p95" | "p99", number | null>;
  troubled: Troubled[];
  deliveries: { id: string; event: string; outcome: string; received_at: string; done_at: string }[];
  budgets: Budget[];
}

async function ask(method: string, path: string): Promise<Response> {
  const response = await fetch(path, { method, cache: "no-store" }).catch(() => {
    throw new ApiError(offlineProblem());
  });
  if (!response.ok) throw new ApiError(await problemOf(response));
  return response;
}

async function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return (await ask("GET", search.size ? `${path}?${search}` : path)).json() as Promise<T>;
}

export const overview = () => get<Overview>("/console/api/overview");
export const deadLetters = (cursor: string | null) => get<Page<DeadLetter>>("/v1/dead-letters", { cursor: cursor ?? "" });
export const retry = (id: string) => ask("POST", `/v1/dead-letters/${id}/retry`);
export const remove = (id: string) => ask("DELETE", `/v1/dead-letters/${id}`);
export const audit = (query: Record<string, string>) => get<Page<AuditRow>>("/v1/audit", query);
export const signOut = () => ask("POST", "/console/sign-out");
