-- One repository is made for a project at a time: whoever has the claim asks GitHub, others wait. No
-- lock of PostgreSQL's, since no connection is held during a call to GitHub.
CREATE TABLE creation_claims (
    pid            bigint PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    token          uuid NOT NULL,
    claimed_until  timestamptz NOT NULL
);
