// The shapes of Lockstep's API that the elements use.

export interface FieldError {
  field: string;
  message: string;
}

export interface Problem {
  type?: string;
  title: string;
  status?: number;
  detail: string;
  code: string;
  action: string;
  retryable: boolean;
  request_id?: string;
  errors?: FieldError[];
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Repository {
  id: number;
  full_name: string;
  url: string;
  private: boolean;
  default_branch: string;
}

export type ConflictPolicy = "ask" | "project_wins" | "github_wins" | "pull_request";

export interface Settings {
  auto_sync: boolean;
  branch: string | null;
  batch_seconds: number;
  commit_template: string;
  exclude: string[];
  conflict_policy: ConflictPolicy;
  pull: boolean;
  max_delete_percent: number;
}

export type Role = "viewer" | "editor" | "owner";

export interface Session {
  user: { id: string; name: string | null; email: string | null };
  role: Role;
  /** Whether this person has authorized Lockstep at GitHub for this project. */
  authorized: boolean;
  expires_at: string;
}

export interface Integration {
  project: string;
  state: "disconnected" | "connected" | "suspended" | "broken";
  repository: Repository | null;
  branch: string | null;
  connected_by: string | null;
  connected_at: string | null;
  sync_status: "idle" | "syncing" | "success" | "error" | "conflict";
  last_sync_at: string | null;
  last_commit_sha: string | null;
  last_commit_url: string | null;
  pending_changes: number;
  conflicts: number;
  error: Problem | null;
  settings: Settings;
}

export type ChangeKind = "added" | "modified" | "deleted" | "renamed" | "mode_changed";

export interface FileChange {
  path: string;
  change: ChangeKind;
  from?: string | null;
}

export interface PendingChange extends FileChange {
  additions: number | null;
  deletions: number | null;
  held: Problem | null;
  excluded: boolean;
}

export type SyncStatus = "queued" | "running" | "succeeded" | "no_changes" | "conflict" | "failed" | "canceled";

export interface Sync {
  id: string;
  kind: "initial" | "auto" | "manual" | "pull_request" | "resolve";
  direction: "push" | "pull" | "both" | "none";
  status: SyncStatus;
  commit_sha: string | null;
  commit_url: string | null;
  message: string | null;
  author: { id: string; name: string | null; email: string | null } | null;
  branch: string;
  pull_request: number | null;
  files_changed: number;
  files: FileChange[];
  revision: number;
  attempts: number;
  error: Problem | null;
  queued_at: string;
  started_at: string | null;
  finished_at: string | null;
  progress: { done: number; total: number } | null;
}

export interface PullRequest {
  number: number;
  url: string;
  title: string;
  state: "open" | "draft" | "merged" | "closed";
  branch: string;
  base: string;
  checks: "none" | "pending" | "success" | "failure";
  review: "none" | "required" | "approved" | "changes_requested";
  mergeable: boolean | null;
  paths: string[];
  created_at: string;
  updated_at: string;
}

export interface ConflictSide {
  oid: string;
  mode: string;
  size: number;
  text?: string | null;
}

export interface Conflict {
  path: string;
  kind: "both_modified" | "both_added" | "deleted_on_github" | "deleted_in_project";
  base: ConflictSide | null;
  project: ConflictSide | null;
  github: ConflictSide | null;
  merged: string | null;
  detail?: string | null;
}

export interface Resolution {
  path: string;
  take: "project" | "github" | "content";
  content?: string;
}

export interface AccessibleRepository {
  installation_id: number;
  id: number;
  full_name: string;
  url: string;
  private: boolean;
  default_branch: string;
  archived: boolean;
  permission: "read" | "write" | "admin";
  connectable: boolean;
  reason: string | null;
}

export interface Installation {
  id: number;
  account: { login: string; type: string };
  repository_selection: string;
  suspended: boolean;
}

export interface Repositories extends Page<AccessibleRepository> {
  installations: Installation[];
  install_url: string;
}

export interface ConnectAnswer {
  authorize_url: string;
  expires_at: string;
}

/** What a project-side change answers; `restore` does too. */
export interface ChangeAnswer {
  project: string;
  revision: number;
  pending_changes: number;
}
