//! `GET …/diff`: what people download is what git applies.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use github_sim::Repo;
use serde_json::json;

use crate::story::{Story, put, remove};

/// Git in a working copy of this repository's branch, as it was so many commits ago.
struct Copy(tempfile::TempDir);

impl Copy {
    fn of(repo: &Repo, back: usize) -> Copy {
        let copy = Copy(tempfile::tempdir().unwrap());
        let from = repo.git_dir();
        let clone = ["clone", "-q", "-b", "main", from.to_str().unwrap(), copy.0.path().to_str().unwrap()];
        assert!(Command::new("git").args(clone).status().unwrap().success());
        copy.git(&["checkout", "-q", &format!("HEAD~{back}")], b"");
        copy
    }

    /// What git answers to these arguments and this input.
    fn git(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut git = Command::new("git");
        git.current_dir(Path::new(self.0.path())).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = git.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

#[actix_web::test]
async fn git_applies_the_patch_of_a_sync() {
    let story = Story::start().await;
    let long: String = (0..40).map(|line| format!("line {line}\n")).collect();
    let repo = story.repo("acme/site").with(&[
        ("a.txt", "one\ntwo\n"),
        ("old name.txt", &long),
        ("run.sh", "true\n"),
        ("gone", "x"),
    ]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.drain().await;
    site.settings(json!({ "auto_sync": false })).await;
    site.changes(vec![
        put("a.txt", "one\nthree"),
        put("d/new \"é\".txt", "new\n"),
        put("empty", ""),
        remove("gone"),
        json!({ "op": "rename", "from": "old name.txt", "path": "d/new name.txt" }),
        json!({ "op": "put", "path": "run.sh", "content": "true\n", "mode": "100755" }),
        json!({ "op": "put", "path": "link", "content": "a.txt", "mode": "120000" }),
    ])
    .await;
    let id = site.sync().await["id"].as_str().unwrap().to_owned();
    story.drain().await;
    let done = story.host().get(&site.path(&format!("/syncs/{id}/diff"))).await;
    assert_eq!(done.status, 200);
    let (before, after) = (Copy::of(&repo, 1), Copy::of(&repo, 0));
    before.git(&["apply", "--index"], &done.body);
    assert_eq!(before.git(&["write-tree"], b""), after.git(&["rev-parse", "HEAD^{tree}"], b""), "{}", done.text());
}
