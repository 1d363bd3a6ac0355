//! Commits, trees, branches, first commits; what GitHub refuses, and answers that leave open what happened.

use bytes::Bytes;
use github_sim::{Change, Lie};
use lockstep::github::{CommitMessage, Committed, Content, GithubError, HeadState, Repo, TreeChange};
use lockstep::model::{Code, FilePath, Mode, Oid};

use super::lab::{Lab, head_of, oid, path};

fn message(headline: &str) -> CommitMessage {
    CommitMessage { headline: headline.to_owned(), body: String::new() }
}

async fn commit(repo: &Repo, expected: Oid, files: &[(&str, &str)]) -> Result<Committed, GithubError> {
    let additions: Vec<(FilePath, Bytes)> =
        files.iter().map(|(at, text)| (path(at), Bytes::from((*text).to_owned()))).collect();
    repo.create_commit_on_branch("main", expected, &message("Update"), &additions, &[]).await
}

fn put(at: &str, mode: Mode, bytes: impl Into<Bytes>) -> (FilePath, TreeChange) {
    (path(at), TreeChange::Put { mode, content: Content::Inline(bytes.into()) })
}

fn refusal(error: GithubError) -> (Code, Vec<String>) {
    match error {
        GithubError::Refused { code, paths, .. } => (code, paths),
        other => panic!("{other:?}"),
    }
}

#[actix_web::test]
async fn one_request_makes_a_verified_commit_of_many_files() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("old.txt", "1"), ("keep.txt", "1")]);
    let head = head_of(&site, "main").await;
    lab.sim.reset_requests();
    let files: Vec<_> = (0..300).map(|n| (path(&format!("f/{n}")), Bytes::from(vec![n as u8; 10]))).collect();
    let text = CommitMessage { headline: "Add files".to_owned(), body: "Co-authored-by: A <a@b.c>".to_owned() };
    let made = site.create_commit_on_branch("main", head.commit, &text, &files, &[path("old.txt")]).await.unwrap();
    assert_eq!(lab.sim.count_created(), 1);
    assert_eq!(made.commit, oid(&repo.head("main").unwrap()));
    assert_eq!(repo.files("main").len(), 301);
    assert!(repo.file("main", "old.txt").is_none());
    let shown = site.commit(made.commit).await.unwrap();
    assert!(shown.verified && shown.by_app);
    assert_eq!((shown.tree, shown.message.as_str()), (made.tree, "Add files\n\nCo-authored-by: A <a@b.c>"));
}

#[actix_web::test]
async fn a_moved_head_is_stale() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a.txt", "1")]);
    let head = head_of(&site, "main").await;
    repo.push("main", &[("b.txt", "theirs")]);
    assert_eq!(commit(&site, head.commit, &[("a.txt", "2")]).await, Err(GithubError::Stale));
    repo.delete_branch("main");
    let refused = commit(&site, head.commit, &[("a.txt", "2")]).await;
    assert!(matches!(refused, Err(GithubError::NotFound | GithubError::Stale | GithubError::Empty)), "{refused:?}");
}

#[actix_web::test]
async fn what_is_not_known_to_have_failed_is_ambiguous() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a.txt", "1")]);
    let filter = "createCommitOnBranch";
    let ambiguous = |outcome: Result<Committed, GithubError>| match outcome {
        Err(GithubError::Unavailable { ambiguous, .. }) => ambiguous,
        other => panic!("{other:?}"),
    };
    let before = head_of(&site, "main").await.commit;
    lab.sim.drop_response_after_apply(filter);
    assert!(ambiguous(commit(&site, before, &[("a.txt", "2")]).await));
    let after = head_of(&site, "main").await.commit;
    assert_ne!(after, before, "it was applied");
    assert_eq!(repo.log("main").len(), 2, "and not sent twice");
    lab.sim.fail_next(filter, 1, 502);
    assert!(ambiguous(commit(&site, after, &[("a.txt", "3")]).await));
    for lie in [Lie::Truncated, Lie::Empty, Lie::Blank, Lie::NotApplied] {
        let head = head_of(&site, "main").await.commit;
        lab.sim.lie_next(filter, lie);
        assert!(ambiguous(commit(&site, head, &[("a.txt", &format!("{lie:?}"))]).await), "{lie:?}");
    }
}

#[actix_web::test]
async fn rules_secrets_and_workflows_are_refusals() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a.txt", "1")]);
    let head = head_of(&site, "main").await.commit;
    repo.forbid_secret("AKIA-SECRET");
    let refused = refusal(commit(&site, head, &[("a.txt", "2"), ("k.txt", "AKIA-SECRET")]).await.unwrap_err());
    assert_eq!(refused.0, Code::PushProtection);
    let file = |at: &str, text: &'static str| (path(at), Mode::Regular, Bytes::from(text));
    let files = vec![file("a.txt", "2"), file("k.txt", "x AKIA-SECRET x"), file("z.bin", "\0AKIA-SECRET")];
    let found = site.find_refused(files).await.unwrap();
    assert_eq!(found.iter().map(|path| path.as_str()).collect::<Vec<_>>(), ["k.txt", "z.bin"]);
    let id = u64::try_from(lab.installation.0).unwrap();
    lab.sim.set_permission(id, "workflows", "none");
    let workflow = ".github/workflows/ci.yml";
    let refused = refusal(commit(&site, head, &[("a.txt", "2"), (workflow, "on: push")]).await.unwrap_err());
    assert_eq!(refused, (Code::PermissionMissing, vec![workflow.to_owned()]));
    lab.sim.set_permission(id, "workflows", "write");
    commit(&site, head, &[(workflow, "on: push")]).await.unwrap();
    repo.archive(true);
    let head = head_of(&site, "main").await.commit;
    assert_eq!(refusal(commit(&site, head, &[("a.txt", "3")]).await.unwrap_err()).0, Code::RepositoryArchived);
}

#[actix_web::test]
async fn a_tree_of_every_mode_in_as_few_requests_as_can_be() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("file", "1"), ("folder/x", "1"), ("gone", "1"), ("keep", "1")]);
    let head = head_of(&site, "main").await;
    lab.sim.reset_requests();
    let mut changes = vec![
        put("run.sh", Mode::Executable, "#!/bin/sh\n\"quoted\" \\ ä\n"),
        put("link", Mode::Symlink, "run.sh"),
        put("data.bin", Mode::Regular, vec![0u8, 255, 1, 254]),
        put("file/inside", Mode::Regular, "a folder now"),
        put("folder", Mode::Regular, "a file now"),
    ];
    changes.extend(["file", "folder/x", "gone"].map(|at| (path(at), TreeChange::Delete)));
    changes.extend((0..240).map(|n| put(&format!("many/{n}"), Mode::Regular, format!("{n}\n"))));
    let tree = site.write_tree(Some(head.tree), changes).await.unwrap();
    let made = site.create_commit(&message("Modes"), tree, &[head.commit]).await.unwrap();
    site.update_ref("main", made.commit).await.unwrap();
    assert_eq!(lab.sim.count_created(), 3 + 1 + 2, "one binary, and two further hundreds");
    let files = repo.files("main");
    assert_eq!(files.len(), 5 + 240 + 1);
    assert_eq!(files["run.sh"].0, "100755");
    assert_eq!(files["link"].0, "120000");
    assert_eq!(repo.file("main", "data.bin").unwrap(), [0, 255, 1, 254]);
    assert_eq!(repo.text("main", "run.sh").unwrap(), "#!/bin/sh\n\"quoted\" \\ ä\n");
    assert!(site.commit(made.commit).await.unwrap().verified);
}

#[actix_web::test]
async fn trees_shrink_until_github_takes_them() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    let head = head_of(&site, "main").await;
    lab.sim.limits(|limits| limits.new_tree_entries = 30);
    let changes = (0..90).map(|n| put(&format!("d/{n}"), Mode::Regular, n.to_string())).collect();
    let tree = site.write_tree(Some(head.tree), changes).await.unwrap();
    assert_eq!(site.full_tree(tree).await.unwrap().len(), 91);
    lab.sim.html_error_next("POST /repos/{owner}/{repo}/git/trees", 405);
    let changes = vec![put("x", Mode::Regular, "1"), put("y", Mode::Regular, "2")];
    let tree = site.write_tree(Some(head.tree), changes).await.unwrap();
    assert_eq!(site.full_tree(tree).await.unwrap().len(), 3);
}

#[actix_web::test]
async fn an_object_that_is_not_yet_everywhere_is_waited_for() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    let head = head_of(&site, "main").await;
    lab.sim.replication_lag(1);
    let changes = (0..150).map(|n| put(&format!("d/{n}"), Mode::Regular, n.to_string())).collect();
    let tree = site.write_tree(Some(head.tree), changes).await.unwrap();
    let made = site.create_commit(&message("Late"), tree, &[head.commit]).await.unwrap();
    assert_eq!(made.tree, tree);
}

#[actix_web::test]
async fn a_blob_is_not_paid_for_twice() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    let tree = head_of(&site, "main").await.tree;
    let binary = || vec![put("b", Mode::Regular, vec![0u8, 200, 1])];
    lab.sim.reset_requests();
    lab.sim.fail_next("git/trees", 20, 503);
    assert!(matches!(site.write_tree(Some(tree), binary()).await, Err(GithubError::Unavailable { .. })));
    lab.sim.clear_faults();
    site.write_tree(Some(tree), binary()).await.unwrap();
    assert_eq!(lab.sim.count("POST /repos/{owner}/{repo}/git/blobs"), 1);
}

#[actix_web::test]
async fn branches_move_only_from_where_they_are_expected() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a", "1")]);
    let first = head_of(&site, "main").await;
    site.create_ref("lockstep/x", first.commit).await.unwrap();
    assert_eq!(site.create_ref("lockstep/x", first.commit).await, Err(GithubError::Stale));
    let tree = site.write_tree(Some(first.tree), vec![put("b", Mode::Regular, "2")]).await.unwrap();
    let ours = site.create_commit(&message("Ours"), tree, &[first.commit]).await.unwrap();
    let theirs = oid(&repo.push("main", &[("c", "3")]));
    assert_eq!(site.update_ref("main", ours.commit).await, Err(GithubError::Stale));
    assert_eq!(site.update_ref_cas("lockstep/x", theirs, ours.commit, false).await, Err(GithubError::Stale));
    site.update_ref_cas("lockstep/x", first.commit, ours.commit, false).await.unwrap();
    assert_eq!(site.delete_ref_if("lockstep/x", first.commit).await, Err(GithubError::Stale));
    site.delete_ref_if("lockstep/x", ours.commit).await.unwrap();
    assert_eq!(site.head("lockstep/x").await.unwrap(), HeadState::Missing);
    assert_eq!(repo.head("main").unwrap(), theirs.to_string());
}

#[actix_web::test]
async fn the_first_commit_of_an_empty_repository() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[]);
    let blobs = site.write_tree(None, vec![put("b", Mode::Regular, vec![0u8, 255])]).await;
    assert_eq!(blobs, Err(GithubError::Empty));
    let made = site.put_contents("main", &path("docs/a b.md"), b"hello\n", &message("Start")).await.unwrap();
    assert_eq!(made.commit, head_of(&site, "main").await.commit);
    assert_eq!(repo.text("main", "docs/a b.md").unwrap(), "hello\n");
    let again = site.put_contents("main", &path("docs/a b.md"), b"other\n", &message("Again")).await;
    assert_eq!(again, Err(GithubError::Stale));
}

#[actix_web::test]
async fn a_protected_branch_is_a_refusal() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a", "1")]);
    let head = head_of(&site, "main").await;
    repo.protect("main", "pull_request");
    assert_eq!(refusal(commit(&site, head.commit, &[("a", "2")]).await.unwrap_err()).0, Code::BranchProtected);
    repo.unprotect();
    repo.push("main", &[Change::file("b", "1")]);
    let head = head_of(&site, "main").await;
    assert!(commit(&site, head.commit, &[("a", "2")]).await.is_ok());
}
