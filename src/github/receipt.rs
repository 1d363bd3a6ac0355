//! What the answer to a commit mutation is to show besides the commit: the files it carries, as the
//! new tree has them. Then the answer itself proves that what was sent is there, whatever the size of
//! the project, and nothing has to be read afterwards.
//!
//! Only where that is cheap and safe: not many files, and none so large that GitHub fails the whole
//! answer although the commit stands.

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;
use serde_json::{Value, json};

use super::graphql::Graph;
use crate::model::{FilePath, Mode, Oid};

/// Files that one answer shows.
const FILES: usize = 50;
/// Bytes of the largest. GitHub shows no files of 10 MB.
const BYTES: usize = 1 << 20;

/// The paths of a commit, and what is to be there; none: no file.
pub(super) struct Receipt<'a> {
    paths: Vec<(&'a FilePath, Option<Oid>)>,
}

impl<'a> Receipt<'a> {
    /// An empty one, when it would ask for too much.
    pub fn asked(additions: &'a [(FilePath, Bytes)], deletions: &'a [FilePath]) -> Self {
        let is_small = additions.len() + deletions.len() <= FILES;
        if !is_small || additions.iter().any(|(_, bytes)| bytes.len() > BYTES) {
            return Receipt { paths: Vec::new() };
        }
        let there = additions.iter().map(|(path, bytes)| (path, Some(Oid::of_blob(bytes))));
        Receipt { paths: there.chain(deletions.iter().map(|path| (path, None))).collect() }
    }

    pub fn variables(&self) -> BTreeMap<String, &'a FilePath> {
        self.paths.iter().enumerate().map(|(at, (path, _))| (format!("p{at}"), *path)).collect()
    }

    pub fn mutation(&self) -> String {
        let (mut declared, mut files) = (String::new(), String::new());
        for at in 0..self.paths.len() {
            // Writing to a String does not fail.
            let _ = write!(declared, ", $p{at}: String!");
            let _ = write!(files, " f{at}: file(path: $p{at}) {{ oid mode }}");
        }
        format!(
            "mutation($input: CreateCommitOnBranchInput!{declared}) {{
               createCommitOnBranch(input: $input) {{ commit {{ oid url tree {{ oid }}{files} }} ref {{ target {{ oid }} }} }}
             }}"
        )
    }

    /// Whether the answer shows the branch at the commit, and every path as it was sent.
    pub fn is_proven_by(&self, graph: &Graph) -> bool {
        let payload = &graph.data["createCommitOnBranch"];
        let commit = &payload["commit"];
        let is_at_commit = commit["oid"].is_string() && payload.pointer("/ref/target/oid") == Some(&commit["oid"]);
        let shown = |at: usize, expected: Option<Oid>| {
            let file = commit.get(format!("f{at}"));
            match expected {
                Some(oid) => file == Some(&json!({ "oid": oid, "mode": Mode::Regular.as_i32() })),
                None => file == Some(&Value::Null),
            }
        };
        let all_shown = self.paths.iter().enumerate().all(|(at, (_, expected))| shown(at, *expected));
        graph.errors.is_empty() && !self.paths.is_empty() && is_at_commit && all_shown
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn path(text: &str) -> FilePath {
        FilePath::parse(text).unwrap()
    }

    fn answer(oid: &str, file: Value, gone: Value) -> Graph {
        let commit = json!({ "oid": "c", "tree": { "oid": "t" }, "f0": file, "f1": gone });
        Graph::of(json!({ "createCommitOnBranch": { "commit": commit, "ref": { "target": { "oid": oid } } } }))
    }

    #[test]
    fn an_answer_proves_what_it_shows_and_nothing_else() {
        let (additions, deletions) = ([(path("a"), Bytes::from("x"))], [path("b")]);
        let receipt = Receipt::asked(&additions, &deletions);
        let there = |content: &str, mode: i32| json!({ "oid": Oid::of_blob(content.as_bytes()), "mode": mode });
        assert!(receipt.is_proven_by(&answer("c", there("x", 0o100644), Value::Null)));
        assert!(!receipt.is_proven_by(&answer("d", there("x", 0o100644), Value::Null)), "the branch is elsewhere");
        assert!(!receipt.is_proven_by(&answer("c", there("y", 0o100644), Value::Null)), "other content");
        assert!(!receipt.is_proven_by(&answer("c", there("x", 0o100755), Value::Null)), "another mode");
        assert!(!receipt.is_proven_by(&answer("c", there("x", 0o100644), there("z", 0o100644))), "still there");
        assert!(!receipt.is_proven_by(&answer("c", Value::Null, Value::Null)), "nothing there");
        let nothing =
            json!({ "createCommitOnBranch": { "commit": { "oid": "c" }, "ref": { "target": { "oid": "c" } } } });
        assert!(!receipt.is_proven_by(&Graph::of(nothing)), "not shown at all");
    }

    #[test]
    fn many_or_large_files_are_not_asked_for() {
        let many: Vec<FilePath> = (0..=FILES).map(|n| path(&n.to_string())).collect();
        assert!(Receipt::asked(&[], &many).paths.is_empty());
        assert!(Receipt::asked(&[(path("a"), Bytes::from(vec![0; BYTES + 1]))], &[]).paths.is_empty());
        assert!(!Receipt::asked(&[], &[]).is_proven_by(&answer("c", Value::Null, Value::Null)));
    }
}
