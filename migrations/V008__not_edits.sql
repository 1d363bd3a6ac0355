-- What is no edit of a pull request's, and no sync of what others left.

-- The project has taken GitHub's version of the path over since it gave the branch its own: that is nobody's
-- edit. Null: written by an earlier release; so it is where the project's side of a conflict is proposed.
ALTER TABLE pull_request_files ADD COLUMN came_in boolean;

-- When somebody last settled conflicts that an unfinished sync is to carry out as well. What closed pull
-- requests left does not go with it, as it does with what `asked_at` says.
ALTER TABLE integrations ADD COLUMN settling_at timestamptz;
