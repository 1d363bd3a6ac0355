// What goes wrong, always in the shape of the API's own problems, so that one view shows them all.
import { t } from "../texts.js";
import type { Problem } from "./types.js";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  if (body && typeof body === "object" && "code" in body) return body as Problem;
  return {
    title: t.problem.title,
    detail: t.problem.status(response.status),
    code: response.status === 401 ? "unauthorized" : "internal",
    action: t.problem.tryAgain,
    retryable: response.status >= 500 || response.status === 429,
    status: response.status,
  };
}

export function offlineProblem(): Problem {
  return {
    title: t.problem.offlineTitle,
    detail: t.problem.offline,
    code: "offline",
    action: t.problem.offlineAction,
    retryable: true,
  };
}

export function asProblem(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return { title: t.problem.title, detail, code: "internal", action: t.problem.tryAgain, retryable: true };
}

/** What a person asked for and GitHub did not answer is not tried again by itself, as syncs are. */
export function ofRequest(problem: Problem): Problem {
  return problem.code === "github_unavailable" ? { ...problem, action: t.problem.githubAction } : problem;
}

/** The message for one field, `exclude` also matching `exclude[3]`. */
export function fieldMessage(problem: Problem | undefined, field: string): string {
  const hits = problem?.errors?.filter((error) => error.field === field || error.field.startsWith(`${field}[`)) ?? [];
  return hits.map((error) => sentence(error.message)).join(" ");
}

/** With a capital and a full stop, each line of it: others' words come without, and over several lines. */
export function sentence(text: string): string {
  const lines = text.trim().split(/\s*\n\s*/).filter(Boolean);
  return lines.map((line) => line.charAt(0).toUpperCase() + line.slice(1) + (/[.!?:]$/.test(line) ? "" : ".")).join(" ");
}
