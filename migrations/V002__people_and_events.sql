-- The GitHub App, people's authorizations, keys and sessions; deliveries, events and what follows.
-- Columns named *_enc hold secrets sealed by the vault.

CREATE TABLE github_app (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    app_id         bigint NOT NULL,
    slug           text NOT NULL,
    client_id      text NOT NULL,
    private_key_enc    bytea NOT NULL,
    client_secret_enc  bytea NOT NULL,
    webhook_secret_enc bytea NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);

-- First run: one token for all replicas, and the single-use states of the manifest page.
CREATE TABLE setup (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    token_enc      bytea NOT NULL
);
CREATE TABLE setup_states (
    state_hash     bytea PRIMARY KEY,
    expires_at     timestamptz NOT NULL
);

CREATE TABLE authorizations (
    pid            bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id        text NOT NULL,
    github_id      bigint NOT NULL,
    github_login   text NOT NULL,
    access_enc     bytea NOT NULL,
    access_expires_at  timestamptz,                 -- null: does not expire
    refresh_enc    bytea,
    refresh_expires_at timestamptz,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    refresh_lease  timestamptz,                     -- one refresh at a time
    PRIMARY KEY (pid, user_id)
);
CREATE INDEX authorizations_github ON authorizations (github_id);

-- From connect to callback. Secrets only as hashes, the verifier sealed.
CREATE TABLE oauth_states (
    ticket_hash    bytea PRIMARY KEY,
    state_hash     bytea UNIQUE,
    cookie_hash    bytea,
    verifier_enc   bytea,
    pid            bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id        text NOT NULL,
    return_to      text,
    expires_at     timestamptz NOT NULL
);

-- Credentials to be revoked at GitHub; a row lives until that is done.
CREATE TABLE revocations (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_enc      bytea NOT NULL,
    attempts       integer NOT NULL DEFAULT 0,
    due_at         timestamptz NOT NULL DEFAULT now(),
    lease_until    timestamptz
);

-- Repositories that Lockstep made, so that a repeated request takes up its own and no other.
CREATE TABLE created_repositories (
    pid            bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id        text NOT NULL,
    owner          text NOT NULL,
    name           text NOT NULL,
    repository_id  bigint,                          -- null while GitHub has not answered
    marker         text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pid, user_id, owner, name)
);

CREATE TABLE api_keys (
    id             uuid PRIMARY KEY,
    name           text NOT NULL,
    scope          text NOT NULL CHECK (scope IN ('admin', 'changes')),
    hash           bytea NOT NULL UNIQUE,
    created_at     timestamptz NOT NULL DEFAULT now(),
    revoked_at     timestamptz
);

CREATE TABLE panel_sessions (
    hash           bytea PRIMARY KEY,
    pid            bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id        text NOT NULL,
    name           text,
    email          text,
    role           text NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    expires_at     timestamptz NOT NULL
);
CREATE INDEX panel_sessions_expiry ON panel_sessions (expires_at);

CREATE TABLE console_sessions (
    hash           bytea PRIMARY KEY,
    key_hash       bytea NOT NULL,                  -- ends when the key is revoked
    expires_at     timestamptz NOT NULL
);

-- The ledger of webhook deliveries: written with the effect, in its transaction.
CREATE TABLE deliveries (
    id             text PRIMARY KEY,
    event          text NOT NULL,
    outcome        text NOT NULL,
    received_at    timestamptz NOT NULL,
    done_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deliveries_age ON deliveries (done_at);

-- The one outbox. kind: a live event and notification (contract 9); action: an audit row. A row can
-- be both. pid has no foreign key: the audit trail outlives the project. Whoever writes a row with
-- a pid holds that project's row lock, so ids of one project become visible in order.
CREATE TABLE events (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL DEFAULT now(),
    pid            bigint,
    project        text,
    kind           text,
    action         text,
    actor_type     text NOT NULL,
    actor_id       text,
    target         text,
    request_id     text,
    data           jsonb
);
CREATE INDEX events_live ON events (pid, id) WHERE kind IS NOT NULL;
CREATE INDEX events_audit ON events (id DESC) WHERE action IS NOT NULL;
CREATE INDEX events_audit_project ON events (project, id DESC) WHERE action IS NOT NULL;

-- Events on their way to the host; a row lives until the host said 2xx, or becomes a dead letter.
CREATE TABLE notifications (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id       bigint NOT NULL,
    webhook_id     text NOT NULL UNIQUE,            -- the same for every attempt
    kind           text NOT NULL,
    at             timestamptz NOT NULL,
    project        text,
    data           jsonb NOT NULL,
    attempts       integer NOT NULL DEFAULT 0,
    due_at         timestamptz NOT NULL DEFAULT now(),
    lease_until    timestamptz
);
CREATE INDEX notifications_due ON notifications (due_at);

CREATE TABLE dead_letters (
    id             uuid PRIMARY KEY,
    kind           text NOT NULL CHECK (kind IN ('sync', 'webhook', 'notification')),
    pid            bigint,
    project        text,
    attempts       integer NOT NULL,
    error          jsonb NOT NULL,
    payload        jsonb NOT NULL,                  -- what a retry needs: ids only, or the notification
    body           bytea,                           -- a webhook's raw body
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);

-- One of all replicas does a periodic task at a time.
CREATE TABLE periodic (
    name           text PRIMARY KEY,
    done_at        timestamptz,
    lease_until    timestamptz,
    state          jsonb
);
