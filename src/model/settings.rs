//! A project's sync settings and their defaults.

use serde::{Deserialize, Serialize};

/// What happens to a path that changed on both sides and does not merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// The path is held until a person decides; the others go on.
    #[default]
    Ask,
    ProjectWins,
    GithubWins,
    /// GitHub's version stays on the branch and in the project, the project's goes to a pull request.
    PullRequest,
}

/// Everything `PATCH …/settings` can change but the branch, which belongs to the integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub auto_sync: bool,
    /// The batch window, 0 to 3600 seconds.
    pub batch_seconds: u32,
    /// A Jinja template, at most 4 KiB; empty for the default headline.
    pub commit_template: String,
    /// gitignore patterns, at most 500 of at most 500 characters.
    pub exclude: Vec<String>,
    pub conflict_policy: ConflictPolicy,
    /// Whether what others commit comes into the project.
    pub pull: bool,
    /// 0 to 100: a sync that deletes a larger share of either side waits for confirmation.
    pub max_delete_percent: u32,
}

/// The patterns that new projects start with.
pub const DEFAULT_EXCLUDE: [&str; 5] = [".env", ".env.*", "!.env.example", "node_modules/", ".DS_Store"];
pub const MAX_BATCH_SECONDS: u32 = 3600;
pub const MAX_TEMPLATE_BYTES: usize = 4096;
pub const MAX_PATTERNS: usize = 500;
pub const MAX_PATTERN_CHARS: usize = 500;

impl Default for Settings {
    fn default() -> Self {
        Settings {
            auto_sync: true,
            batch_seconds: 5,
            commit_template: String::new(),
            exclude: DEFAULT_EXCLUDE.map(str::to_owned).to_vec(),
            conflict_policy: ConflictPolicy::Ask,
            pull: true,
            max_delete_percent: 50,
        }
    }
}
