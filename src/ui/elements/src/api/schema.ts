// Made from Lockstep's OpenAPI document by `npm run types`; not edited by hand.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export type components = {
    schemas: {
        /** @description A request that is committed: no crash loses it. */
        Accepted: {
            /** @description The event id was known: this is the first answer, and nothing happened. */
            duplicate: boolean;
            event_id: string;
            /** Format: int64 */
            pending_changes: number;
            project: string;
            /** Format: int64 */
            revision: number;
        };
        AccountItem: {
            login: string;
            /** @description `User` or `Organization`. */
            type: string;
        };
        ActorView: {
            id: string | null;
            /**
             * @description `host`, `user`, `github`, `operator` or `system`.
             * @enum {string}
             */
            type: "host" | "user" | "github" | "operator" | "system";
        };
        AuditView: {
            action: string;
            actor: components["schemas"]["ActorView"];
            /** Format: date-time */
            at: string;
            id: string;
            project: string | null;
            request_id: string | null;
            target: string | null;
        };
        AuthorBody: {
            email?: string | null;
            id: string;
            name?: string | null;
        };
        /** @description The body of requests that only say who asks. */
        ByUser: {
            /** @description The host's own id of the person who asks. */
            user?: string | null;
        };
        Change: {
            /** @description Of `put` and `delete`: the blob the editor started from, null for «not there». */
            base_oid?: string | null;
            /** @description Of `put`. */
            content?: string | null;
            /**
             * @description Of `put`: `utf-8` (the default) or `base64`.
             * @enum {string|null}
             */
            encoding?: "utf-8" | "base64" | null;
            /** @description Of `rename`. */
            from?: string | null;
            /**
             * @description Of `put`: `100644`, `100755` or `120000`; what the path had, else `100644`.
             * @enum {string|null}
             */
            mode?: "100644" | "100755" | "120000" | null;
            /**
             * @description `put`, `delete` or `rename`.
             * @enum {string}
             */
            op: "put" | "delete" | "rename";
            path: string;
        };
        /** @description As the document shows it; the body is read by `parse`. */
        ChangeRequestBody: {
            author?: components["schemas"]["AuthorBody"] | null;
            /** @description 1 to 10,000, applied in order, all or none. */
            changes: components["schemas"]["Change"][];
            /** @description The idempotency key: 1 to 128 characters, kept as long as the project. */
            event_id: string;
            /**
             * Format: int64
             * @description Refuses the request unless the project is at this revision.
             */
            expected_revision?: number | null;
        };
        /** @description A held path as the API shows it. */
        ConflictView: {
            base: components["schemas"]["SideView"] | null;
            detail?: string | null;
            github: components["schemas"]["SideView"] | null;
            /**
             * @description `both_modified both_added deleted_on_github deleted_in_project`
             * @enum {string}
             */
            kind: "both_modified" | "both_added" | "deleted_on_github" | "deleted_in_project";
            /** @description The text with diff3 markers, where all sides are files with text. */
            merged: string | null;
            path: string;
            project: components["schemas"]["SideView"] | null;
        };
        ConnectAnswer: {
            /** @description For the person's browser: good once, for ten minutes. */
            authorize_url: string;
            /** Format: date-time */
            expires_at: string;
        };
        ConnectRequest: {
            /** @description Where the browser goes in the end: a URL of a panel origin or the public URL's, or a path. */
            return_to?: string | null;
            /** @description In a panel: its own person, whatever stands here. */
            user: string | null;
        };
        DeadLetterView: {
            /** Format: int32 */
            attempts: number;
            /** Format: date-time */
            created_at: string;
            error: components["schemas"]["Problem"] | null;
            /** Format: uuid */
            id: string;
            /**
             * @description `sync`, `webhook` or `notification`.
             * @enum {string}
             */
            kind: "sync" | "webhook" | "notification";
            project: string | null;
            /** Format: date-time */
            updated_at: string;
        };
        /** @enum {string} */
        Encoding: "utf-8" | "base64";
        FilesView: {
            items: components["schemas"]["FileView"][];
            next_cursor: string | null;
            /**
             * Format: int64
             * @description The project's, when this page was read.
             */
            revision: number;
        };
        FileView: {
            /**
             * @description `100644`, `100755` or `120000`.
             * @enum {string}
             */
            mode: "100644" | "100755" | "120000";
            /** @description git's id of the blob. */
            oid: string;
            path: string;
            /** Format: int64 */
            size: number;
        };
        InstallationItem: {
            account: components["schemas"]["AccountItem"];
            /** Format: int64 */
            id: number;
            /**
             * @description `all` or `selected`.
             * @enum {string}
             */
            repository_selection: "all" | "selected";
            suspended: boolean;
        };
        IntegrationRequest: {
            /** @description The repository's default branch, if left out. */
            branch?: string | null;
            /** Format: int64 */
            installation_id: number;
            /** @description `owner/name`. */
            repository: string;
            user: string | null;
        };
        /** @description A project's connection to one repository and one branch. */
        IntegrationView: {
            branch: string | null;
            /** Format: int64 */
            conflicts: number;
            /** Format: date-time */
            connected_at: string | null;
            /** @description The user who connected it. */
            connected_by: string | null;
            error: components["schemas"]["Problem"] | null;
            last_commit_sha: string | null;
            last_commit_url: string | null;
            /** Format: date-time */
            last_sync_at: string | null;
            /** Format: int64 */
            pending_changes: number;
            project: string;
            repository: components["schemas"]["RepositoryView"] | null;
            settings: components["schemas"]["SettingsView"];
            /**
             * @example connected
             * @enum {string}
             */
            state: "disconnected" | "connected" | "suspended" | "broken";
            sync_status: components["schemas"]["Status"];
        };
        /** @description A page. `next_cursor` is null on the last one. */
        List_AuditView: {
            items: components["schemas"]["AuditView"][];
            next_cursor: string | null;
        };
        /** @description A page. `next_cursor` is null on the last one. */
        List_ConflictView: {
            items: components["schemas"]["ConflictView"][];
            next_cursor: string | null;
        };
        /** @description A page. `next_cursor` is null on the last one. */
        List_DeadLetterView: {
            items: components["schemas"]["DeadLetterView"][];
            next_cursor: string | null;
        };
        /** @description A page. `next_cursor` is null on the last one. */
        List_PendingView: {
            items: components["schemas"]["PendingView"][];
            next_cursor: string | null;
        };
        /** @description A page. `next_cursor` is null on the last one. */
        List_ProjectView: {
            items: components["schemas"]["ProjectView"][];
            next_cursor: string | null;
        };
        /** @description A page. `next_cursor` is null on the last one. */
        List_PullView: {
            items: components["schemas"]["PullView"][];
            next_cursor: string | null;
        };
        /** @description A page. `next_cursor` is null on the last one. */
        List_SyncView: {
            items: components["schemas"]["SyncView"][];
            next_cursor: string | null;
        };
        PanelSessionAnswer: {
            /** Format: date-time */
            expires_at: string;
            token: string;
            /** @description The panel's page; the token stands in its fragment. */
            url: string;
        };
        PanelSessionRequest: {
            role: components["schemas"]["Role"];
            user: components["schemas"]["PanelUser"];
        };
        PanelUser: {
            email?: string | null;
            id: string;
            name?: string | null;
        };
        PendingView: {
            /**
             * Format: int64
             * @description Lines; null for binary content.
             */
            additions: number | null;
            /**
             * @example modified
             * @enum {string}
             */
            change: "added" | "modified" | "deleted" | "renamed" | "mode_changed";
            /** Format: int64 */
            deletions: number | null;
            excluded: boolean;
            /** @description Of a renamed file: the path it came from, which is listed as deleted. */
            from?: string | null;
            held: components["schemas"]["Problem"] | null;
            path: string;
        };
        /** @description Settings that are tried and not saved; what is left out is as it is saved. */
        PreviewRequest: {
            commit_template?: string | null;
            exclude?: string[] | null;
        };
        PreviewView: {
            /** @description How many of the project's files are left out, and how many are not. */
            excluded: number;
            included: number;
            /** @description The message of a commit of what is pending, or of an example where nothing is. */
            message: string;
            /** @description Some of those that are left out. */
            paths: string[];
        };
        /** @description RFC 9457. Some codes have further members, such as `revision` or `missing`. */
        Problem: {
            /** @description What the person should do next */
            action: string;
            /** @enum {string} */
            code: "malformed" | "unauthorized" | "forbidden" | "authorization_required" | "repository_not_accessible" | "permission_missing" | "token_expired" | "not_found" | "method_not_allowed" | "request_timeout" | "revision_conflict" | "not_connected" | "already_connected" | "repository_name_taken" | "repository_archived" | "repository_gone" | "branch_not_found" | "branch_protected" | "installation_suspended" | "installation_removed" | "push_protection" | "sync_conflict" | "confirmation_required" | "nothing_to_sync" | "pull_request_exists" | "blobs_missing" | "payload_too_large" | "file_too_large" | "unsupported_media_type" | "validation_failed" | "rate_limited" | "internal" | "github_unavailable" | "unavailable";
            /** @description What happened, in words for a person */
            detail: string;
            errors?: {
                field: string;
                message: string;
            }[];
            /** @description The same request can succeed later */
            retryable: boolean;
            status: number;
            title: string;
            type: string;
        } & {
            [key: string]: unknown;
        };
        /** @description RFC 9457. Some codes have further members, such as `revision` or `missing`. */
        ProblemDocument: {
            /** @description What the person should do next */
            action: string;
            /** @enum {string} */
            code: "malformed" | "unauthorized" | "forbidden" | "authorization_required" | "repository_not_accessible" | "permission_missing" | "token_expired" | "not_found" | "method_not_allowed" | "request_timeout" | "revision_conflict" | "not_connected" | "already_connected" | "repository_name_taken" | "repository_archived" | "repository_gone" | "branch_not_found" | "branch_protected" | "installation_suspended" | "installation_removed" | "push_protection" | "sync_conflict" | "confirmation_required" | "nothing_to_sync" | "pull_request_exists" | "blobs_missing" | "payload_too_large" | "file_too_large" | "unsupported_media_type" | "validation_failed" | "rate_limited" | "internal" | "github_unavailable" | "unavailable";
            /** @description What happened, in words for a person */
            detail: string;
            errors?: {
                field: string;
                message: string;
            }[];
            /** @description Also the header X-Request-Id */
            request_id: string;
            /** @description The same request can succeed later */
            retryable: boolean;
            status: number;
            title: string;
            type: string;
        } & {
            [key: string]: unknown;
        };
        Progress: {
            /**
             * Format: int64
             * @description Files done.
             */
            done: number;
            /**
             * Format: int64
             * @description Files in all.
             */
            total: number;
        };
        ProjectView: {
            /**
             * Format: int64
             * @description Of all files together.
             */
            bytes: number;
            /** Format: date-time */
            created_at: string;
            /** Format: int64 */
            files: number;
            integration: components["schemas"]["IntegrationView"];
            /** Format: int64 */
            pending_changes: number;
            project: string;
            /** Format: int64 */
            revision: number;
            /** Format: date-time */
            updated_at: string;
        };
        PullRequestRequest: {
            /** @description Where it is to be merged; the sync branch when it is left out. */
            base?: string | null;
            /** @description Markdown, at most 65,536 characters. */
            body?: string | null;
            /** @description A new branch; `lockstep/` and a slug of the title when it is left out. */
            branch?: string | null;
            draft?: boolean | null;
            /** @description 1 to 256 characters on one line. */
            title: string;
            /** @description The host's own id of the person who proposes. */
            user?: string | null;
        };
        /** @description The contract's pull request. */
        PullView: {
            base: string;
            branch: string;
            /**
             * @description `none pending success failure`
             * @enum {string}
             */
            checks: "none" | "pending" | "success" | "failure";
            /** Format: date-time */
            created_at: string;
            /** @description Null while GitHub does not know yet. */
            mergeable: boolean | null;
            /** Format: int64 */
            number: number;
            paths: string[];
            /**
             * @description `none required approved changes_requested`
             * @enum {string}
             */
            review: "none" | "required" | "approved" | "changes_requested";
            /**
             * @description `open draft merged closed`
             * @enum {string}
             */
            state: "open" | "draft" | "merged" | "closed";
            title: string;
            /** Format: date-time */
            updated_at: string;
            url: string;
        };
        RepositoriesAnswer: {
            /** @description Where the person installs the App on another account, or lets it reach more repositories. */
            install_url: string;
            installations: components["schemas"]["InstallationItem"][];
            items: components["schemas"]["RepositoryItem"][];
            next_cursor: string | null;
        };
        RepositoryItem: {
            archived: boolean;
            connectable: boolean;
            default_branch: string;
            full_name: string;
            /** Format: int64 */
            id: number;
            /** Format: int64 */
            installation_id: number;
            /**
             * @description What this person may do: `read`, `write` or `admin`.
             * @enum {string}
             */
            permission: "read" | "write" | "admin";
            private: boolean;
            /** @description The code of the problem that connecting it would meet. */
            reason: string | null;
            url: string;
        };
        RepositoryRequest: {
            /** @description What GitHub names the first branch, if left out. */
            branch?: string | null;
            description?: string | null;
            name: string;
            /** @description The person's own account, or an organization where they may make repositories. */
            owner: string;
            user: string | null;
            visibility: components["schemas"]["Visibility"];
        };
        RepositoryView: {
            default_branch: string;
            full_name: string;
            /** Format: int64 */
            id: number;
            private: boolean;
            url: string;
        };
        ResolutionRequest: {
            /** @description With `take: content`: what both sides are to have. */
            content?: string | null;
            encoding?: components["schemas"]["Encoding"] | null;
            path: string;
            take: components["schemas"]["Take"];
        };
        ResolveRequest: {
            /** @description Path by path; paths left out stay held. */
            resolutions?: components["schemas"]["ResolutionRequest"][] | null;
            strategy?: components["schemas"]["Strategy"] | null;
            /** @description The host's own id of the person who decides. */
            user?: string | null;
        };
        RestoreRequest: {
            /** @description The idempotency key, as for changes. */
            event_id?: string | null;
            /** @description The id of the sync. */
            sync: string;
            user?: string | null;
        };
        /**
         * @description What a panel's person may do, least first.
         * @enum {string}
         */
        Role: "viewer" | "editor" | "owner";
        /** @description Any subset; what is left out stays. */
        SettingsRequest: {
            auto_sync?: boolean | null;
            /**
             * Format: int32
             * @description 0 to 3600.
             */
            batch_seconds?: number | null;
            /** @description Another branch of the repository: compared anew, nothing agreed on yet. */
            branch?: string | null;
            /** @description A Jinja template of at most 4 KiB; empty for the default headline. */
            commit_template?: string | null;
            /**
             * @example ask
             * @enum {string|null}
             */
            conflict_policy?: "ask" | "project_wins" | "github_wins" | "pull_request" | null;
            /** @description gitignore patterns: at most 500 of at most 500 characters. */
            exclude?: string[] | null;
            /**
             * Format: int32
             * @description 0 to 100.
             */
            max_delete_percent?: number | null;
            pull?: boolean | null;
        };
        SettingsView: {
            auto_sync: boolean;
            /** Format: int32 */
            batch_seconds: number;
            /** @description Null while the project is not connected. */
            branch: string | null;
            commit_template: string;
            /**
             * @example ask
             * @enum {string}
             */
            conflict_policy: "ask" | "project_wins" | "github_wins" | "pull_request";
            exclude: string[];
            /** Format: int32 */
            max_delete_percent: number;
            pull: boolean;
        };
        /** @description One side's version. */
        SideView: {
            mode: string;
            oid: string;
            /** @description Bytes; null for what the project does not have, such as a submodule. */
            size: number | null;
            /** @description The content, where it is UTF-8 text of at most 1 MiB. */
            text?: string | null;
        };
        /** @enum {string} */
        Status: "idle" | "syncing" | "success" | "error" | "conflict";
        /** @enum {string} */
        Strategy: "project" | "github" | "pull_request";
        SyncFileView: {
            /**
             * @description `added modified deleted renamed mode_changed`
             * @enum {string}
             */
            change: "added" | "modified" | "deleted" | "renamed" | "mode_changed";
            /** @description The path before, of a rename. */
            from?: string | null;
            path: string;
        };
        /** @description The contract's «Sync». */
        SyncView: {
            /** Format: int32 */
            attempts: number;
            author: {
                email: string | null;
                id: string;
                name: string | null;
            } | null;
            branch: string;
            commit_sha: string | null;
            commit_url: string | null;
            /**
             * @example push
             * @enum {string}
             */
            direction: "push" | "pull" | "both" | "none";
            error: components["schemas"]["Problem"] | null;
            files: components["schemas"]["SyncFileView"][];
            /** Format: int64 */
            files_changed: number;
            /** Format: date-time */
            finished_at: string | null;
            /** Format: uuid */
            id: string;
            /**
             * @example auto
             * @enum {string}
             */
            kind: "initial" | "auto" | "manual" | "pull_request" | "resolve";
            message: string | null;
            progress: components["schemas"]["Progress"] | null;
            /**
             * Format: int64
             * @description The number of the pull request it made, or committed to.
             */
            pull_request: number | null;
            /** Format: date-time */
            queued_at: string;
            /** Format: int64 */
            revision: number;
            /** Format: date-time */
            started_at: string | null;
            /**
             * @example succeeded
             * @enum {string}
             */
            status: "queued" | "running" | "succeeded" | "no_changes" | "conflict" | "failed" | "canceled";
        };
        /** @enum {string} */
        Take: "project" | "github" | "content";
        TreeFile: {
            content?: string | null;
            /** @enum {string|null} */
            encoding?: "utf-8" | "base64" | null;
            /** @enum {string|null} */
            mode?: "100644" | "100755" | "120000" | null;
            /** @description Instead of content: a blob that this project already has. */
            oid?: string | null;
            path: string;
        };
        TreeRequestBody: {
            /** @description Whether `files` may be empty. */
            allow_empty?: boolean | null;
            author?: components["schemas"]["AuthorBody"] | null;
            event_id: string;
            /** Format: int64 */
            expected_revision?: number | null;
            files: components["schemas"]["TreeFile"][];
        };
        /** @enum {string} */
        Visibility: "private" | "public";
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
};
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
