//! What `push` webhooks said of the paths they change, until a look has use for it.
//!
//! A guess and no more: it may be lost, be another process's, or be wrong. A look that has it asks
//! GitHub once where it would ask level by level, and believes only what GitHub answers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use crate::model::FilePath;

/// Branches remembered at a time.
const BRANCHES: usize = 1_000;
/// A push of more paths than this saves nothing by being known.
const PATHS: usize = 20;

/// Cheap to clone; all clones remember together.
#[derive(Debug, Clone, Default)]
pub struct Hints(Arc<Mutex<HashMap<Branch, BTreeSet<FilePath>>>>);

/// A repository's id, and the branch.
type Branch = (i64, String);

#[derive(Deserialize)]
struct Push {
    r#ref: String,
    repository: Numbered,
    #[serde(default)]
    commits: Vec<Commit>,
}

#[derive(Deserialize)]
struct Numbered {
    id: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Commit {
    added: Vec<String>,
    modified: Vec<String>,
    removed: Vec<String>,
}

impl Hints {
    /// Remembers the paths of a `push`.
    pub fn note(&self, body: &[u8]) {
        let Some((branch, paths)) = read(body) else { return };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= BRANCHES {
            all.clear();
        }
        all.entry(branch).or_default().extend(paths);
    }

    /// What was said of the branch since it was last asked; nothing, when it was too much.
    pub fn take(&self, repository: i64, branch: &str) -> Vec<FilePath> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let paths = all.remove(&(repository, branch.to_owned())).unwrap_or_default();
        if paths.len() > PATHS { Vec::new() } else { paths.into_iter().collect() }
    }
}

fn read(body: &[u8]) -> Option<(Branch, BTreeSet<FilePath>)> {
    let push: Push = serde_json::from_slice(body).ok()?;
    let branch = push.r#ref.strip_prefix("refs/heads/")?.to_owned();
    let named = push.commits.into_iter().flat_map(|commit| [commit.added, commit.modified, commit.removed]).flatten();
    let paths: BTreeSet<FilePath> = named.filter_map(|path| FilePath::parse(path).ok()).take(PATHS + 1).collect();
    (!paths.is_empty()).then_some(((push.repository.id, branch), paths))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn note(hints: &Hints, paths: &[String]) {
        let body = json!({
            "ref": "refs/heads/main", "repository": { "id": 7 },
            "commits": [{ "added": paths, "modified": ["b"] }, { "removed": ["../x"] }],
        });
        hints.note(body.to_string().as_bytes());
    }

    #[test]
    fn paths_are_remembered_until_they_are_taken() {
        let hints = Hints::default();
        note(&hints, &["a".to_owned()]);
        note(&hints, &["c/d".to_owned()]);
        assert!(hints.take(7, "other").is_empty());
        let taken: Vec<String> = hints.take(7, "main").iter().map(ToString::to_string).collect();
        assert_eq!(taken, ["a", "b", "c/d"]);
        assert!(hints.take(7, "main").is_empty());
    }

    #[test]
    fn too_many_paths_and_other_bodies_say_nothing() {
        let hints = Hints::default();
        let many: Vec<String> = (0..100).map(|n| format!("f{n}")).collect();
        note(&hints, &many);
        assert!(hints.take(7, "main").is_empty());
        for body in ["7", "{}", r#"{"ref":"refs/tags/v1","repository":{"id":7}}"#] {
            hints.note(body.as_bytes());
        }
        assert!(hints.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
    }
}
