-- What webhooks and the sweep need.

-- GitHub said that the repository was deleted, which no request can tell from «out of reach».
ALTER TABLE integrations ADD COLUMN gone boolean NOT NULL DEFAULT false;

CREATE INDEX pull_requests_due ON pull_requests (id) WHERE status_due;
