-- What a person asked for while something else ran, what was pushed, and what was given up.

-- When somebody last asked for a sync that an unfinished one is to carry out as well.
ALTER TABLE integrations ADD COLUMN asked_at timestamptz;

-- pushed: asked of GitHub by this sync. came_in: taken over from GitHub by it.
ALTER TABLE sync_files ADD COLUMN pushed boolean NOT NULL DEFAULT false;
ALTER TABLE sync_files ADD COLUMN came_in boolean NOT NULL DEFAULT false;
UPDATE sync_files f SET pushed = s.direction <> 'pull', came_in = s.direction = 'pull'
    FROM syncs s WHERE s.id = f.sync_id AND s.finished_at IS NULL;

-- Making it failed again and again: it waits for whoever retries its dead letter.
ALTER TABLE pull_requests ADD COLUMN given_up boolean NOT NULL DEFAULT false;
-- Counts the times its status was asked for: an answer that a later question overtook does not count.
ALTER TABLE pull_requests ADD COLUMN status_reads bigint NOT NULL DEFAULT 0;
