// The shapes of Lockstep's API by the names that the elements use. They come from its OpenAPI document; by hand
// stand only those that no host can ask for.
import type { components } from "./schema.js";

type Schemas = components["schemas"];
type Known = Schemas["Problem"];

/** A problem of the API, or one that the browser found, in the same shape. */
export type Problem = Pick<Known, "title" | "detail" | "action" | "retryable"> & {
  code: Known["code"] | "offline";
  status?: number;
  request_id?: string;
  errors?: FieldError[];
};
export type FieldError = NonNullable<Known["errors"]>[number];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export type Integration = Schemas["IntegrationView"];
export type Settings = Schemas["SettingsView"];
export type SettingsChange = Schemas["SettingsRequest"];
export type Preview = Schemas["PreviewView"];
export type PendingChange = Schemas["PendingView"];
export type ChangeKind = PendingChange["change"];
export type Sync = Schemas["SyncView"];
export type SyncStatus = Sync["status"];
export type PullRequest = Schemas["PullView"];
export type NewPullRequest = Omit<Schemas["PullRequestRequest"], "user">;
export type Conflict = Schemas["ConflictView"];
export type ConflictSide = Schemas["SideView"];
export type Resolution = Schemas["ResolutionRequest"];
export type Resolve = Omit<Schemas["ResolveRequest"], "user">;
export type Repositories = Schemas["RepositoriesAnswer"];
export type AccessibleRepository = Schemas["RepositoryItem"];
export type Installation = Schemas["InstallationItem"];
export type NewRepository = Omit<Schemas["RepositoryRequest"], "user">;
export type ChosenRepository = Omit<Schemas["IntegrationRequest"], "user">;
export type ConnectAnswer = Schemas["ConnectAnswer"];
export type Accepted = Schemas["Accepted"];
export type DeadLetter = Schemas["DeadLetterView"];
export type AuditRow = Schemas["AuditView"];
export type Role = Schemas["Role"];

/** Who a panel's session belongs to: asked by panels only. */
export interface Session {
  user: { id: string; name: string | null; email: string | null };
  role: Role;
  /** Whether this person has authorized Lockstep at GitHub for this project. */
  authorized: boolean;
  expires_at: string;
}
