-- What a closed pull request left: pending, and kept from auto-sync until a person syncs or another pull
-- request takes it. Known here, because another hold may have the path meanwhile.
ALTER TABLE pull_request_files ADD COLUMN left_over boolean NOT NULL DEFAULT false;
UPDATE pull_request_files c SET left_over = true FROM holds h
    WHERE h.reason = 'pull_request_closed' AND h.pull_request = c.pull_request AND h.key = c.key;
CREATE INDEX pull_request_files_path ON pull_request_files (pid, key);
CREATE INDEX pull_request_files_left_over ON pull_request_files (pid, key) WHERE left_over;

-- Merged into another branch than the project's: nothing of it is held, so nothing waits to be released.
UPDATE pull_requests p SET released = true WHERE p.state = 'merged' AND NOT p.released
    AND NOT EXISTS (SELECT FROM holds h WHERE h.pull_request = p.id AND h.reason = 'pull_request');
