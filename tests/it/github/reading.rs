//! Heads, trees, differences, content.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use github_sim::Change;
use lockstep::github::{BranchOf, GithubError, HeadState, RepoRef, TreeDelta, TreeKind};
use lockstep::model::{Mode, Oid};

use super::lab::{Lab, head_of, oid};

#[actix_web::test]
async fn where_a_branch_is() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a.txt", "1")]);
    let look = site.look("main").await.unwrap();
    assert_eq!(look.repository.full_name, "acme/site");
    assert!(look.repository.private && !look.repository.archived);
    assert_eq!(head_of(&site, "main").await.commit, oid(&repo.head("main").unwrap()));
    assert_eq!(site.head("gone").await.unwrap(), HeadState::Missing);
    assert_eq!(lab.sim.count("POST /graphql repository"), 3, "one request each");
    let (_, empty) = lab.repo("acme/empty", &[]);
    assert_eq!(empty.head("main").await.unwrap(), HeadState::EmptyRepository);
}

#[actix_web::test]
async fn a_renamed_repository_is_followed_even_when_its_name_is_taken() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a.txt", "1")]);
    repo.rename("renamed");
    assert_eq!(site.look("main").await.unwrap().repository.full_name, "acme/renamed");
    repo.rename("again");
    lab.sim.public_repo("acme/renamed").with(&[("other.txt", "not ours")]);
    let look = site.look("main").await.unwrap();
    assert_eq!(look.repository.full_name, "acme/again");
    assert_eq!(head_of(&site, "main").await.commit, oid(&repo.head("main").unwrap()));
    assert_eq!(site.info().await.unwrap().full_name, "acme/again");
    repo.archive(true);
    assert!(site.info().await.unwrap().archived);
}

#[actix_web::test]
async fn commits_and_who_made_them() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a.txt", "1")]);
    repo.push("main", &[("a.txt", "2")]);
    let head = head_of(&site, "main").await;
    let commits = site.commits_back(head.commit, 100).await.unwrap();
    assert_eq!(commits.len(), 2);
    assert_eq!(commits[0].oid, head.commit);
    assert_eq!(commits[0].parents, [commits[1].oid]);
    let one = site.commit(head.commit).await.unwrap();
    assert_eq!((one.tree, one.by_app), (head.tree, false));
}

#[actix_web::test]
async fn a_listing_that_is_cut_off_is_made_complete() {
    let lab = Lab::start().await;
    let files: Vec<Change> = (0..60).map(|n| Change::file(&format!("d{}/e/f{n}.txt", n % 7), n.to_string())).collect();
    let repo = lab.sim.repo("acme/site").with(&files);
    repo.push("main", &[Change::executable("run.sh", "x"), Change::symlink("link", "run.sh")]);
    repo.push("main", &[Change::submodule("sub", &"1".repeat(40))]);
    let site = lab.open(&repo);
    lab.sim.limits(|limits| limits.tree_entries = 20);
    let listed = site.full_tree(head_of(&site, "main").await.tree).await.unwrap();
    let listed: BTreeMap<String, (String, String)> = listed
        .into_iter()
        .map(|entry| match entry.kind {
            TreeKind::File(mode) => (entry.path, (mode.to_string(), entry.oid.to_string())),
            TreeKind::Folder => panic!("a folder in {entry:?}"),
        })
        .collect();
    assert_eq!(listed, repo.files("main"));
}

fn names(deltas: &[TreeDelta]) -> Vec<String> {
    let side = |there: bool, mark: char| if there { mark } else { ' ' };
    deltas.iter().map(|d| format!("{}{}{}", side(d.old.is_some(), '-'), side(d.new.is_some(), '+'), d.path)).collect()
}

#[actix_web::test]
async fn one_changed_file_costs_its_depth() {
    let lab = Lab::start().await;
    let files: Vec<Change> = (0..400).map(|n| Change::file(&format!("d{}/e{}/f{n}.txt", n % 20, n % 5), "x")).collect();
    let repo = lab.sim.repo("acme/site").with(&files);
    let site = lab.open(&repo);
    let before = head_of(&site, "main").await;
    repo.push("main", &[("d3/e3/f3.txt", "changed")]);
    let after = head_of(&site, "main").await;
    lab.sim.reset_requests();
    let deltas = site.diff_trees(Some(before.tree), after.tree).await.unwrap();
    assert_eq!(names(&deltas), ["-+d3/e3/f3.txt"]);
    assert_eq!(deltas[0].new.unwrap().oid, Oid::of_blob(b"changed"));
    site.blob(deltas[0].new.unwrap().oid).await.unwrap();
    let asked: Vec<String> = lab.sim.requests().iter().map(|request| request.label()).collect();
    assert!(asked.len() <= 4, "depth 2, and 2: {asked:#?}");
}

#[actix_web::test]
async fn differences_of_every_kind() {
    let lab = Lab::start().await;
    let first = [("a", "1"), ("b", "1"), ("dir/x", "1"), ("dir/y", "1"), ("file", "1"), ("gone/deep/er", "1")];
    let (repo, site) = lab.repo("acme/site", &first);
    let before = head_of(&site, "main").await;
    let changes = [
        Change::executable("a", "1"),
        Change::delete("dir/x"),
        Change::delete("dir/y"),
        Change::delete("file"),
        Change::delete("gone/deep/er"),
    ];
    repo.push("main", &changes);
    repo.push("main", &[("dir", "now a file"), ("file/now/a", "folder"), ("new/one", "2")]);
    let after = head_of(&site, "main").await;
    let deltas = site.diff_trees(Some(before.tree), after.tree).await.unwrap();
    let expected = ["-+a", " +dir", "- dir/x", "- dir/y", "- file", " +file/now/a", "- gone/deep/er", " +new/one"];
    assert_eq!(names(&deltas), expected);
    assert_eq!(deltas[0].new.unwrap().mode, Mode::Executable);
    assert_eq!(names(&site.diff_trees(None, after.tree).await.unwrap()).len(), repo.files("main").len());
    assert!(site.diff_trees(Some(after.tree), after.tree).await.unwrap().is_empty());
    assert_eq!(names(&site.diff_trees(Some(after.tree), before.tree).await.unwrap()).len(), expected.len());
}

#[actix_web::test]
async fn many_differing_folders_are_compared_whole() {
    let lab = Lab::start().await;
    let file = |n: usize, text: &str| Change::file(&format!("d{n}/f.txt"), text);
    let repo = lab.sim.repo("acme/site").with(&(0..200).map(|n| file(n, "1")).collect::<Vec<_>>());
    let site = lab.open(&repo);
    let before = head_of(&site, "main").await;
    repo.push("main", &(0..190).map(|n| file(n, "2")).collect::<Vec<_>>());
    let after = head_of(&site, "main").await;
    lab.sim.reset_requests();
    assert_eq!(site.diff_trees(Some(before.tree), after.tree).await.unwrap().len(), 190);
    assert!(lab.sim.requests().len() <= 5, "{:?}", lab.sim.requests());
}

#[actix_web::test]
async fn content_of_many_files_in_few_requests() {
    let lab = Lab::start().await;
    let mut changes: Vec<Change> =
        (0..150).map(|n| Change::file(&format!("t{n}"), format!("text ä {n}\r\n"))).collect();
    changes.push(Change::file("binary", [0, 159, 146, 150, 255]));
    changes.push(Change::file("latin1", b"caf\xe9 is not UTF-8\n"));
    changes.push(Change::file("large", vec![b'x'; 300_000]));
    let repo = lab.sim.repo("acme/site").with(&changes);
    let site = lab.open(&repo);
    let wanted: Vec<_> = site.full_tree(head_of(&site, "main").await.tree).await.unwrap();
    let wanted: Vec<(Oid, Option<u64>)> = wanted.into_iter().map(|entry| (entry.oid, entry.size)).collect();
    lab.sim.reset_requests();
    let found: Vec<_> = site.blobs(&wanted).try_collect::<Vec<_>>().await.unwrap().into_iter().flatten().collect();
    assert_eq!(found.len(), 153);
    assert!(found.iter().all(|(oid, bytes)| Oid::of_blob(bytes) == *oid));
    assert!(lab.sim.requests().len() <= 6, "{}", lab.sim.requests().len());
}

#[actix_web::test]
async fn heads_of_many_branches_in_one_request() {
    let lab = Lab::start().await;
    let branch = |repo: &github_sim::Repo, branch: &str| BranchOf {
        repository: RepoRef { id: repo.id().try_into().unwrap(), full_name: repo.full_name() },
        branch: branch.to_owned(),
    };
    let repos: Vec<_> = (0..30).map(|n| lab.sim.repo(&format!("acme/r{n}")).with(&[("a", "1")])).collect();
    let mut asked: Vec<BranchOf> = repos.iter().map(|repo| branch(repo, "main")).collect();
    asked.push(branch(&repos[0], "missing"));
    asked.push(branch(&lab.sim.repo("acme/empty"), "main"));
    repos[1].rename("renamed");
    repos[2].delete();
    repos[3].archive(true);
    lab.sim.reset_requests();
    let heads = lab.github.heads_of(lab.installation, &asked).await.unwrap();
    assert_eq!(lab.sim.count("POST /graphql"), 1);
    let state = |at: usize| heads[at].as_ref().map(|look| look.head);
    assert!(matches!(state(0), Some(HeadState::Branch(head)) if head.commit == oid(&repos[0].head("main").unwrap())));
    assert_eq!(heads[1].as_ref().unwrap().repository.full_name, "acme/renamed");
    assert_eq!(state(2), None);
    assert!(heads[3].as_ref().unwrap().repository.archived);
    assert_eq!((state(30), state(31)), (Some(HeadState::Missing), Some(HeadState::EmptyRepository)));
}

#[actix_web::test]
async fn answers_that_are_no_answers() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a.txt", "1")]);
    site.head("main").await.unwrap();
    for lie in [github_sim::Lie::Truncated, github_sim::Lie::Empty, github_sim::Lie::Blank] {
        lab.sim.lie_next("POST /graphql", lie);
        assert!(matches!(site.head("main").await, Err(GithubError::Unavailable { ambiguous: false, .. })), "{lie:?}");
    }
    lab.sim.html_error_next("POST /graphql", 502);
    assert!(matches!(site.head("main").await, Err(GithubError::Unavailable { ambiguous: false, .. })));
    lab.sim.down();
    assert!(matches!(site.head("main").await, Err(GithubError::Unavailable { ambiguous: false, .. })));
    lab.sim.up();
    assert!(site.head("main").await.is_ok());
}
