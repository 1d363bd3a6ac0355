//! Repositories on disk, as git itself sees them.

use github_sim::Change;

use crate::client::fsck;
use crate::{Story, start};

#[tokio::test]
async fn pushes_of_other_people_are_real_git() -> Story {
    let (_sim, repo, _client) = start().await?;
    repo.push(
        "main",
        &[
            Change::executable("run.sh", "#!/bin/sh\n"),
            Change::symlink("link", "run.sh"),
            Change::submodule("lib", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"),
            Change::file("bin.dat", [0u8, 159, 146, 150]),
        ],
    );
    repo.create_branch("topic", "main");
    repo.push("topic", &[("topic.md", "topic\n")]);
    repo.push("main", &[("index.md", "main\n")]);
    repo.merge("main", "topic");
    repo.force_push("other", None, &[("orphan", "alone\n")]);
    repo.push("main", &[Change::delete("run.sh")]);
    assert_eq!(repo.log("main")[1].parents.len(), 2);
    assert_eq!(repo.text("main", "topic.md").as_deref(), Some("topic\n"));
    repo.delete_branch("topic");
    assert_eq!(repo.branches().into_keys().collect::<Vec<_>>(), ["main", "other"]);
    fsck(&repo)
}

#[tokio::test]
async fn a_hundred_thousand_files_cost_only_the_changed_path() -> Story {
    let (_sim, repo, client) = start().await?;
    let files: Vec<(String, String)> =
        (0..100_000).map(|n| (format!("d{}/e{}/f{n}.txt", n % 100, n / 100 % 10), format!("file {n}\n"))).collect();
    repo.push("main", &files);
    for n in 0..200 {
        repo.push("main", &[(format!("d1/e1/n{n}.txt"), "x".to_owned())]);
    }
    let tree = client.get("/repos/acme/site/git/trees/main?recursive=1").await?;
    assert_eq!(tree.body["truncated"], serde_json::json!(true));
    fsck(&repo)
}
