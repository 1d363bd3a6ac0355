-- What a lost answer of GitHub's leaves open.

-- GitHub made the App without a webhook secret and was not yet given ours.
ALTER TABLE github_app ADD COLUMN hook_due boolean NOT NULL DEFAULT false;

-- GitHub's answer was lost, and the repository was not there right after: one that is there later is
-- ours only if GitHub itself says so.
ALTER TABLE created_repositories ADD COLUMN looked boolean NOT NULL DEFAULT false;
