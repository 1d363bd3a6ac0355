-- Projects, their files, and what is agreed with GitHub.

CREATE TABLE projects (
    pid          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text NOT NULL UNIQUE,              -- the host's own id
    revision     bigint NOT NULL DEFAULT 0,
    snapshot     bigint NOT NULL DEFAULT 0,         -- number of the newest snapshot; see undo
    files        bigint NOT NULL DEFAULT 0,         -- these three are kept by triggers on files
    bytes        bigint NOT NULL DEFAULT 0,
    pending      bigint NOT NULL DEFAULT 0,
    settings     jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

-- People who changed files: named in commits (Co-authored-by).
CREATE TABLE authors (
    aid          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pid          bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id      text NOT NULL,
    name         text NOT NULL DEFAULT '',
    email        text NOT NULL DEFAULT '',
    UNIQUE (pid, user_id, name, email)
);

-- One row for a path, with all sides. project: oid, mode. base, as last agreed: base_oid, base_mode.
-- GitHub's side equals base unless gh_changed; then it is gh_oid, gh_mode (null: not there).
-- No side there: no row.
CREATE TABLE files (
    pid          bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    key          bytea NOT NULL,                    -- the path, or prefix + sha256 of a long one
    path         text COLLATE "C" NOT NULL,
    oid          bytea,
    mode         integer,
    size         bigint,
    revision     bigint NOT NULL DEFAULT 0,         -- that last changed the project's side
    changed_at   timestamptz,                       -- when the project's side last changed
    base_oid     bytea,
    base_mode    integer,
    gh_changed   boolean NOT NULL DEFAULT false,
    gh_oid       bytea,
    gh_mode      integer,
    gh_size      bigint,
    excluded     boolean NOT NULL DEFAULT false,
    authors      bigint[],                          -- authors.aid of what is pending
    PRIMARY KEY (pid, key)
) WITH (fillfactor = 90);

CREATE INDEX files_pending ON files (pid, key)
    WHERE NOT excluded AND (oid IS DISTINCT FROM base_oid OR mode IS DISTINCT FROM base_mode);
CREATE INDEX files_github ON files (pid, key) WHERE gh_changed;
CREATE INDEX files_excluded ON files (pid, key) WHERE excluded;

CREATE FUNCTION files_inserted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE projects p SET files = p.files + d.files, bytes = p.bytes + d.bytes, pending = p.pending + d.pending
    FROM (SELECT pid, count(oid) AS files, coalesce(sum(size), 0) AS bytes,
                 count(*) FILTER (WHERE NOT excluded AND (oid IS DISTINCT FROM base_oid OR mode IS DISTINCT FROM base_mode)) AS pending
          FROM added GROUP BY pid) d
    WHERE p.pid = d.pid AND (d.files, d.bytes, d.pending) <> (0, 0, 0);
    RETURN NULL;
END $$;

CREATE FUNCTION files_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE projects p SET files = p.files - d.files, bytes = p.bytes - d.bytes, pending = p.pending - d.pending
    FROM (SELECT pid, count(oid) AS files, coalesce(sum(size), 0) AS bytes,
                 count(*) FILTER (WHERE NOT excluded AND (oid IS DISTINCT FROM base_oid OR mode IS DISTINCT FROM base_mode)) AS pending
          FROM gone GROUP BY pid) d
    WHERE p.pid = d.pid AND (d.files, d.bytes, d.pending) <> (0, 0, 0);
    RETURN NULL;
END $$;

CREATE FUNCTION files_updated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE projects p SET files = p.files + d.files, bytes = p.bytes + d.bytes, pending = p.pending + d.pending
    FROM (SELECT pid, sum(files) AS files, sum(bytes) AS bytes, sum(pending) AS pending FROM (
              SELECT pid, count(oid) AS files, coalesce(sum(size), 0) AS bytes,
                     count(*) FILTER (WHERE NOT excluded AND (oid IS DISTINCT FROM base_oid OR mode IS DISTINCT FROM base_mode)) AS pending
              FROM added GROUP BY pid
              UNION ALL
              SELECT pid, -count(oid), -coalesce(sum(size), 0),
                     -count(*) FILTER (WHERE NOT excluded AND (oid IS DISTINCT FROM base_oid OR mode IS DISTINCT FROM base_mode))
              FROM gone GROUP BY pid) both_sides
          GROUP BY pid) d
    WHERE p.pid = d.pid AND (d.files, d.bytes, d.pending) <> (0, 0, 0);
    RETURN NULL;
END $$;

CREATE TRIGGER files_inserted AFTER INSERT ON files REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION files_inserted();
CREATE TRIGGER files_deleted AFTER DELETE ON files REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION files_deleted();
CREATE TRIGGER files_updated AFTER UPDATE ON files REFERENCING OLD TABLE AS gone NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION files_updated();

-- Content belongs to a project: knowing an oid must not open another project's file.
CREATE TABLE blobs (
    pid          bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    oid          bytea NOT NULL,
    size         bigint NOT NULL,
    content      bytea COMPRESSION lz4 NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pid, oid)
);

-- Idempotency of changes, tree and restore; the answer that was given.
CREATE TABLE change_requests (
    pid          bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    event_id     text NOT NULL,
    revision     bigint NOT NULL,
    pending      bigint NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pid, event_id)
);

-- Copy-on-write: what a path was in snapshots up to and including number upto. A path without a
-- row at or above a number is in that snapshot as it is now. oid null: it was not there.
CREATE TABLE undo (
    pid          bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    key          bytea NOT NULL,
    upto         bigint NOT NULL,
    path         text COLLATE "C" NOT NULL,
    oid          bytea,
    mode         integer,
    PRIMARY KEY (pid, key, upto)
);
CREATE INDEX undo_number ON undo (pid, upto);

CREATE TABLE integrations (
    pid             bigint PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    connection      uuid NOT NULL,                  -- connecting again makes another
    installation_id bigint NOT NULL,
    repository_id   bigint NOT NULL,
    full_name       text NOT NULL,
    private         boolean NOT NULL,
    default_branch  text NOT NULL,
    url             text NOT NULL,
    branch          text NOT NULL,
    state           text NOT NULL CHECK (state IN ('connected', 'suspended', 'broken')),
    connected_by    text NOT NULL,
    connected_at    timestamptz NOT NULL DEFAULT now(),
    -- what of GitHub's side the rows of files reflect; null: nothing yet
    head_commit     bytea,
    head_tree       bytea,
    rescan          boolean NOT NULL DEFAULT false, -- compare whole trees at the next look
    initial_done    boolean NOT NULL DEFAULT false,
    -- desired work: level-triggered
    due_at          timestamptz,                    -- when to look; null: nothing to do
    remote_due      boolean NOT NULL DEFAULT false, -- somebody may have moved the head
    window_at       timestamptz,                    -- the first pending change of this window
    sync_id         uuid,                           -- the unfinished history row
    attempts        integer NOT NULL DEFAULT 0,
    error           jsonb,                          -- the problem, while there is one
    confirm         jsonb,                          -- the deletion that waits for a person
    confirmed       text,                           -- fingerprint of the one that was let through
    last_sync_at    timestamptz,
    last_commit     bytea,
    -- whoever works on it
    lease_token     uuid,
    lease_until     timestamptz,
    lease_again     boolean NOT NULL DEFAULT false,
    UNIQUE (repository_id, branch)
) WITH (fillfactor = 70);
CREATE INDEX integrations_due ON integrations (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX integrations_installation ON integrations (installation_id);

CREATE TABLE syncs (
    id           uuid PRIMARY KEY,
    pid          bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    connection   uuid NOT NULL,
    kind         text NOT NULL,
    direction    text NOT NULL DEFAULT 'none',
    status       text NOT NULL,
    commit_sha   bytea,
    commit_url   text,
    message      text,
    author       jsonb,
    branch       text NOT NULL,
    pull_request bigint,
    files_changed bigint NOT NULL DEFAULT 0,
    revision     bigint NOT NULL DEFAULT 0,
    snapshot     bigint,                            -- the project's tree as this sync left it; see undo
    attempts     integer NOT NULL DEFAULT 0,
    error        jsonb,
    intent       jsonb,                             -- what is about to be asked of GitHub, to recognise it afterwards
    queued_at    timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    progress_done  bigint,
    progress_total bigint
);
CREATE INDEX syncs_history ON syncs (pid, id DESC);
CREATE INDEX syncs_status ON syncs (pid, status, id DESC);
CREATE INDEX syncs_commit ON syncs (pid, commit_sha) WHERE commit_sha IS NOT NULL;

CREATE TABLE sync_files (
    sync_id      uuid NOT NULL REFERENCES syncs ON DELETE CASCADE,
    pid          bigint NOT NULL,
    key          bytea NOT NULL,
    path         text COLLATE "C" NOT NULL,
    change       text NOT NULL,
    from_path    text,
    old_oid      bytea,
    old_mode     integer,
    new_oid      bytea,
    new_mode     integer,
    PRIMARY KEY (sync_id, key)
);

-- Paths that are kept back: GitHub refused them, or a pull request has them. A conflict follows from
-- the sides in files; its row here only says that people have been told of it.
CREATE TABLE holds (
    pid          bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    key          bytea NOT NULL,
    path         text COLLATE "C" NOT NULL,
    reason       text NOT NULL CHECK (reason IN ('refused', 'conflict', 'collision', 'pull_request', 'pull_request_closed')),
    problem      jsonb,
    oid          bytea,                             -- the version that was refused; another one is tried
    mode         integer,
    pull_request bigint,                            -- pull_requests.id
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pid, key)
);

CREATE TABLE pull_requests (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pid          bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    connection   uuid NOT NULL,
    repository_id bigint NOT NULL,
    number       bigint,                            -- null while it is being made
    sync_id      uuid,
    url          text,
    title        text NOT NULL,
    body         text NOT NULL DEFAULT '',
    state        text NOT NULL CHECK (state IN ('creating', 'open', 'draft', 'merged', 'closed')),
    branch       text NOT NULL,
    base         text NOT NULL,
    base_commit  bytea,
    head_commit  bytea,
    checks       text NOT NULL DEFAULT 'none',
    review       text NOT NULL DEFAULT 'none',
    mergeable    boolean,
    merge_commit bytea,
    draft        boolean NOT NULL DEFAULT false,    -- as it was asked for
    proposed     boolean NOT NULL DEFAULT false,    -- carries the project's side of conflicts: the project has GitHub's
    released     boolean NOT NULL DEFAULT false,    -- merged, and the branch was looked at since
    problem      jsonb,                             -- why it is still being made
    due_at       timestamptz,                       -- when making it goes on
    attempts     integer NOT NULL DEFAULT 0,
    status_due   boolean NOT NULL DEFAULT false,
    created_by   text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (pid, repository_id, number)
);
CREATE INDEX pull_requests_number ON pull_requests (repository_id, number);

-- What a pull request carries: the project's version of each path, and what it replaces.
CREATE TABLE pull_request_files (
    pull_request bigint NOT NULL REFERENCES pull_requests ON DELETE CASCADE,
    pid          bigint NOT NULL,
    key          bytea NOT NULL,
    path         text COLLATE "C" NOT NULL,
    oid          bytea,
    mode         integer,
    old_oid      bytea,
    old_mode     integer,
    PRIMARY KEY (pull_request, key)
);
