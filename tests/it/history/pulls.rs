//! Random histories of pull requests: edits on both sides, proposals, reviewers' commits, merges of all
//! kinds, closings and reopenings, with webhooks shuffled and doubled. Nothing that a pull request
//! holds reaches the sync branch behind a reviewer's back, and in the end both sides are the same.

use std::collections::{BTreeMap, BTreeSet};

use github_sim::MergeMethod;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::branch::{Branch, Seen};
use super::cases::{Case, check};
use super::files::{self, Done, Edit, Tree, pushed, tree_of};
use super::kept::Kept;
use super::site::Site;

const PATHS: &[&str] = &["a.txt", "b.txt", "c.txt", "d/e.txt", "f.bin", "run.sh"];
const VALUES: u8 = 12;
const PEOPLE: [&str; 2] = ["rita", "ruth"];

#[derive(Debug, Clone)]
enum Step {
    Change(Vec<Edit>),
    Propose {
        draft: bool,
    },
    /// Others commit to the sync branch.
    Push(Vec<Edit>),
    /// A reviewer commits to a pull request's branch: to what it carries, more often than not.
    Amend {
        pick: usize,
        carried: Option<usize>,
        edit: Edit,
    },
    /// The host edits what a pull request carries, perhaps while a reviewer commits to the same path.
    Revise {
        pick: usize,
        carried: usize,
        edit: Edit,
        theirs: Option<Edit>,
    },
    Merge {
        pick: usize,
        how: How,
        delete: bool,
    },
    Close {
        pick: usize,
    },
    Reopen {
        pick: usize,
    },
    DeleteBranch {
        pick: usize,
    },
    Draft {
        pick: usize,
        draft: bool,
    },
    Review {
        pick: usize,
        who: usize,
        verdict: &'static str,
    },
    Check {
        pick: usize,
        name: &'static str,
        result: &'static str,
    },
    Status {
        pick: usize,
        context: &'static str,
        state: &'static str,
    },
    Refresh {
        pick: usize,
    },
    Sync,
    AutoSync(bool),
    Drain(u64),
}

#[derive(Debug, Clone, Copy)]
enum How {
    Button(MergeMethod),
    /// With git, and pushed.
    Hand,
}

fn step() -> impl Strategy<Value = Step> {
    let edit = || files::edit(PATHS, VALUES);
    let edits = || prop::collection::vec(edit(), 1..4);
    let pick = || 0..6_usize;
    let how = prop::sample::select(vec![
        How::Button(MergeMethod::Merge),
        How::Button(MergeMethod::Squash),
        How::Button(MergeMethod::Rebase),
        How::Hand,
    ]);
    let result = prop::sample::select(vec!["queued", "in_progress", "success", "failure", "neutral"]);
    let state = prop::sample::select(vec!["pending", "success", "failure", "error"]);
    let verdict = prop::sample::select(vec!["approve", "request_changes", "comment"]);
    prop_oneof![
        12 => edits().prop_map(Step::Change),
        10 => prop::bool::weighted(0.2).prop_map(|draft| Step::Propose { draft }),
        5 => edits().prop_map(Step::Push),
        6 => (pick(), prop::option::weighted(0.8, pick()), edit())
            .prop_map(|(pick, carried, edit)| Step::Amend { pick, carried, edit }),
        10 => (pick(), pick(), edit(), prop::option::of(edit()))
            .prop_map(|(pick, carried, edit, theirs)| Step::Revise { pick, carried, edit, theirs }),
        5 => (pick(), how, any::<bool>()).prop_map(|(pick, how, delete)| Step::Merge { pick, how, delete }),
        3 => pick().prop_map(|pick| Step::Close { pick }),
        3 => pick().prop_map(|pick| Step::Reopen { pick }),
        1 => pick().prop_map(|pick| Step::DeleteBranch { pick }),
        1 => (pick(), any::<bool>()).prop_map(|(pick, draft)| Step::Draft { pick, draft }),
        2 => (pick(), 0..2_usize, verdict).prop_map(|(pick, who, verdict)| Step::Review { pick, who, verdict }),
        2 => (pick(), prop::sample::select(vec!["build", "lint"]), result)
            .prop_map(|(pick, name, result)| Step::Check { pick, name, result }),
        1 => (pick(), prop::sample::select(vec!["ci/one", "ci/two"]), state)
            .prop_map(|(pick, context, state)| Step::Status { pick, context, state }),
        2 => pick().prop_map(|pick| Step::Refresh { pick }),
        3 => Just(Step::Sync),
        2 => any::<bool>().prop_map(Step::AutoSync),
        14 => any::<u64>().prop_map(Step::Drain),
    ]
}

fn history() -> impl Strategy<Value = (Tree, Vec<Step>)> {
    (files::tree(PATHS, VALUES), prop::collection::vec(step(), 4..16))
}

/// A pull request as the test knows it.
#[derive(Debug, Clone)]
struct Pull {
    number: u64,
    branch: String,
    paths: BTreeSet<String>,
    /// What the project and reviewers made of its branch.
    made: Branch,
    /// Each person's last word.
    words: BTreeMap<usize, &'static str>,
    /// A person synced after it was closed: its paths are ordinary again.
    over: bool,
    /// Opened again after that: what it carries may stand on the sync branch by now.
    stale: bool,
}

struct Pulls<'a> {
    site: Site<'a>,
    pulls: Vec<Pull>,
    auto_sync: bool,
    /// A person asked for a sync that did not run yet.
    asked: bool,
    /// Results by commit, and by name.
    results: BTreeMap<String, BTreeMap<&'static str, &'static str>>,
    kept: Kept,
    commits: Vec<String>,
}

impl<'a> Pulls<'a> {
    async fn start(case: &Case<'a>, tree: &Tree) -> Pulls<'a> {
        let mut github = tree.clone();
        Edit::Line { path: "a.txt".to_owned(), cell: 0, value: 0 }.apply(&mut github);
        let mut site = Site::new(case, &Tree::new(), &github).await;
        site.connect().await;
        site.drain(0).await;
        Pulls {
            site,
            pulls: Vec::new(),
            auto_sync: true,
            asked: false,
            results: BTreeMap::new(),
            kept: Kept::default(),
            commits: Vec::new(),
        }
    }

    async fn project(&self) -> Tree {
        tree_of(&self.site.project.files().await)
    }

    fn github(&self, reference: &str) -> Tree {
        tree_of(&self.site.listing(reference))
    }

    /// One of those that fit.
    fn picked(&self, pick: usize, fits: impl Fn(&Value) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.pulls.len()).filter(|at| fits(&self.there(*at))).collect();
        pick.checked_rem(fitting.len()).map(|at| fitting[at])
    }

    /// As GitHub has it.
    fn there(&self, at: usize) -> Value {
        self.site.repo.pull(self.pulls[at].number)
    }

    fn head_of(&self, at: usize) -> String {
        self.there(at)["head"]["sha"].as_str().unwrap().to_owned()
    }

    async fn step(&mut self, step: &Step) {
        let repo = self.site.repo.clone();
        let number = |pulls: &[Pull], at: usize| pulls[at].number;
        match step {
            Step::Change(edits) => self.change(edits).await,
            Step::Propose { draft } => self.propose(*draft).await,
            Step::Push(edits) => self.push(edits),
            Step::Amend { pick, carried, edit } => self.amend(*pick, *carried, edit),
            Step::Revise { pick, carried, edit, theirs } => {
                let Some(at) = self.picked(*pick, is_open) else { return };
                let edit = self.aimed(at, Some(*carried), edit);
                self.change(&[edit]).await;
                theirs.iter().for_each(|theirs| self.amend(*pick, Some(*carried), theirs));
            }
            Step::Merge { pick, how, delete } => self.merge(*pick, *how, *delete),
            Step::Close { pick } => {
                let Some(at) = self.picked(*pick, is_open) else { return };
                repo.close_pull(number(&self.pulls, at));
            }
            Step::Reopen { pick } => self.reopen(*pick).await,
            Step::DeleteBranch { pick } => {
                let Some(at) = self.picked(*pick, is_open) else { return };
                repo.delete_branch(&self.pulls[at].branch);
            }
            Step::Draft { pick, draft } => {
                let Some(at) = self.picked(*pick, is_open) else { return };
                repo.set_draft(number(&self.pulls, at), *draft);
            }
            Step::Review { pick, who, verdict } => {
                let Some(at) = self.picked(*pick, is_open) else { return };
                repo.review(PEOPLE[*who], number(&self.pulls, at), verdict);
                if *verdict != "comment" {
                    self.pulls[at].words.insert(*who, verdict);
                }
            }
            Step::Check { pick, name, result } => {
                let Some(at) = self.picked(*pick, is_open) else { return };
                repo.check_run(&self.head_of(at), name, result);
                self.results.entry(self.head_of(at)).or_default().insert(name, result);
            }
            Step::Status { pick, context, state } => {
                let Some(at) = self.picked(*pick, is_open) else { return };
                repo.status(&self.head_of(at), context, state);
                self.results.entry(self.head_of(at)).or_default().insert(context, state);
            }
            Step::Refresh { pick } => self.refresh(*pick).await,
            Step::Sync => {
                self.site.project.post("/syncs", json!({})).await.expect(202);
                self.asked = true;
            }
            Step::AutoSync(on) => {
                self.site.project.settings(json!({ "auto_sync": on })).await;
                self.auto_sync = *on;
            }
            Step::Drain(seed) => self.drain(*seed).await,
        }
    }

    async fn change(&mut self, edits: &[Edit]) {
        let before = self.project().await;
        let (mut after, mut changes) = (before.clone(), Vec::new());
        edits.iter().for_each(|edit| changes.extend(edit.apply(&mut after)));
        if !changes.is_empty() {
            self.site.project.changes(changes.iter().map(Done::in_request).collect()).await;
            self.kept.accepted(&self.site, &before, &after).await;
        }
    }

    /// One commit on a branch of its own, with what is pending and in no other.
    async fn propose(&mut self, draft: bool) {
        let title = format!("Proposal {}", self.pulls.len());
        let project = self.project().await;
        let answer = self.site.project.post("/pull-requests", json!({ "title": title, "draft": draft })).await;
        if answer.status == 409 {
            answer.problem(409, "nothing_to_sync");
            return;
        }
        let made = answer.expect(201);
        let branch = made["branch"].as_str().unwrap().to_owned();
        let paths: BTreeSet<String> =
            made["paths"].as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()).collect();
        let log = self.site.repo.log(&branch);
        let changed: BTreeSet<String> = log[0].files.iter().cloned().collect();
        assert_eq!(changed, paths, "one commit with exactly what is carried: {:#?}", log[0]);
        assert!(log[0].verified, "{:#?}", log[0]);
        let there = self.github(&branch);
        for path in &paths {
            assert_eq!(there.get(path), project.get(path), "{path} on {branch}");
            let others = || self.pulls.iter().enumerate().filter(|(at, _)| is_open(&self.there(*at)));
            assert!(!others().any(|(_, pull)| pull.paths.contains(path)), "{path} is in another pull request");
        }
        // Who opens another takes the closed one's changes along.
        self.pulls.iter_mut().for_each(|pull| pull.paths.retain(|path| !paths.contains(path)));
        let number = made["number"].as_u64().unwrap();
        assert_eq!(made["state"], if draft { "draft" } else { "open" });
        self.pulls.push(Pull {
            number,
            branch,
            paths,
            made: Branch::new(there),
            words: BTreeMap::new(),
            over: false,
            stale: false,
        });
    }

    fn push(&mut self, edits: &[Edit]) {
        let before = self.github("main");
        let mut after = before.clone();
        edits.iter().for_each(|edit| drop(edit.apply(&mut after)));
        let changes = pushed(&before, &after);
        if !changes.is_empty() {
            self.commits.push(self.site.push("main", &changes));
        }
    }

    /// The same edit, of a path that the pull request carries.
    fn aimed(&self, at: usize, carried: Option<usize>, edit: &Edit) -> Edit {
        let paths = &self.pulls[at].paths;
        let path = carried.and_then(|carried| paths.iter().nth(carried.checked_rem(paths.len())?));
        path.map_or_else(|| edit.clone(), |path| edit.of(path))
    }

    fn amend(&mut self, pick: usize, carried: Option<usize>, edit: &Edit) {
        let Some(at) = self.picked(pick, is_open) else { return };
        let branch = self.pulls[at].branch.clone();
        let before = self.github(&branch);
        let mut after = before.clone();
        self.aimed(at, carried, edit).apply(&mut after);
        let changes = pushed(&before, &after);
        if !changes.is_empty() {
            self.site.push(&branch, &changes);
        }
    }

    fn merge(&mut self, pick: usize, how: How, delete: bool) {
        let Some(at) = self.picked(pick, can_merge) else { return };
        let (number, branch) = (self.pulls[at].number, self.pulls[at].branch.clone());
        match how {
            // Commit by commit it may not merge where all of it does.
            How::Button(MergeMethod::Rebase) if !self.is_ahead_of_main(&branch) => {
                drop(self.site.repo.merge_pull(number, MergeMethod::Squash));
            }
            How::Button(method) => drop(self.site.repo.merge_pull(number, method)),
            How::Hand => drop(self.site.repo.merge("main", &branch)),
        }
        if delete {
            self.site.repo.delete_branch(&branch);
        }
    }

    fn is_ahead_of_main(&self, branch: &str) -> bool {
        let main = self.site.head("main");
        self.site.repo.log(branch).iter().any(|commit| Some(&commit.oid) == main.as_ref())
    }

    /// A sync that was asked for while it was closed runs first: it may take its changes along.
    async fn reopen(&mut self, pick: usize) {
        let Some(at) = self.picked(pick, |pull| pull["state"] == "closed" && pull["merged"] == false) else { return };
        if self.site.head(&self.pulls[at].branch).is_none() {
            return;
        }
        if self.asked {
            self.drain(0).await;
        }
        self.site.repo.reopen_pull(self.pulls[at].number);
        self.pulls[at].stale |= std::mem::take(&mut self.pulls[at].over);
    }

    async fn refresh(&mut self, pick: usize) {
        let Some(at) = pick.checked_rem(self.pulls.len()) else { return };
        let number = self.pulls[at].number;
        let shown = self.site.project.post(&format!("/pull-requests/{number}/refresh"), json!({})).await.expect(200);
        self.is_shown_right(at, &shown);
        if is_open(&self.there(at)) {
            assert_eq!(shown["mergeable"], self.there(at)["mergeable"], "{shown:#}");
        }
    }

    fn is_shown_right(&self, at: usize, shown: &Value) {
        let there = self.there(at);
        assert_eq!(shown["state"], word(&there), "{shown:#}");
        if is_open(&there) {
            assert_eq!(shown["checks"], self.checks(at), "{shown:#} {:?}", self.results.get(&self.head_of(at)));
            assert_eq!(shown["review"], self.review(at), "{shown:#} {:?}", self.pulls[at].words);
        }
    }

    fn checks(&self, at: usize) -> &'static str {
        let Some(results) = self.results.get(&self.head_of(at)) else { return "none" };
        let any = |words: &[&str]| results.values().any(|result| words.contains(result));
        if any(&["failure", "error"]) {
            "failure"
        } else if any(&["queued", "in_progress", "pending"]) {
            "pending"
        } else {
            "success"
        }
    }

    fn review(&self, at: usize) -> &'static str {
        let said = |verdict: &str| self.pulls[at].words.values().any(|word| *word == verdict);
        if said("request_changes") {
            "changes_requested"
        } else if said("approve") {
            "approved"
        } else {
            "none"
        }
    }

    async fn drain(&mut self, seed: u64) {
        let before = self.github("main");
        let head = self.site.head("main").unwrap();
        let seen = self.branches(&self.project().await);
        self.site.drain(seed).await;
        let after = self.github("main");
        let log = self.site.repo.log("main");
        let made = log.iter().position(|commit| commit.oid == head);
        assert!(made.is_some_and(|made| made <= 1), "one commit at most, on top of {head}: {log:#?}");
        for (at, pull) in self.pulls.iter().enumerate() {
            let there = self.there(at);
            let closed = there["merged"] == false && !is_open(&there) && !self.asked && !pull.over;
            if is_open(&there) || closed {
                for path in &pull.paths {
                    assert_eq!(after.get(path), before.get(path), "{path} went behind the reviewer's back: {there:#}");
                }
            }
        }
        self.branches_follow(&seen).await;
        for at in 0..self.pulls.len() {
            let shown = self.site.project.get(&format!("/pull-requests/{}", self.pulls[at].number)).await;
            self.is_shown_right(at, &shown);
        }
        if std::mem::take(&mut self.asked) {
            for at in 0..self.pulls.len() {
                self.pulls[at].over |= !is_open(&self.there(at));
            }
        }
    }

    /// The project and the branches of the pull requests.
    fn branches(&self, project: &Tree) -> Vec<Seen> {
        let there = |pull: &Pull| self.site.head(&pull.branch).map(|_| self.github(&pull.branch)).unwrap_or_default();
        self.pulls.iter().map(|pull| Seen { project: project.clone(), branch: there(pull) }).collect()
    }

    /// Later edits became commits on the branch of the pull request, and nothing else did.
    async fn branches_follow(&mut self, before: &[Seen]) {
        let after = self.branches(&self.project().await);
        let due = self.auto_sync || self.asked;
        for (at, (before, after)) in before.iter().zip(&after).enumerate() {
            let checked = is_open(&self.there(at)) && !self.pulls[at].stale;
            let Pull { paths, made, branch, .. } = &mut self.pulls[at];
            for path in paths.iter() {
                let follows = made.drained(path, before, after, due, checked);
                follows.unwrap_or_else(|why| panic!("{path} on {branch}: {why}"));
            }
        }
    }

    /// Everything that is open ends, a person syncs and decides: then both sides are the same.
    async fn end(&mut self) {
        self.drain(1).await;
        while let Some(at) = self.picked(0, is_open) {
            self.site.repo.set_draft(self.pulls[at].number, false);
            if can_merge(&self.there(at)) {
                self.merge(0, How::Button(MergeMethod::Squash), true);
            } else {
                self.site.repo.close_pull(self.pulls[at].number);
            }
        }
        self.drain(2).await;
        for _ in 0..2 {
            self.site.project.post("/syncs", json!({})).await.expect(202);
            self.asked = true;
            self.drain(3).await;
            if !self.site.paths_of("/conflicts").await.is_empty() {
                let project = json!({ "strategy": "project" });
                self.site.project.post("/conflicts/resolve", project).await.expect(202);
                self.asked = true;
                self.drain(4).await;
            }
        }
        assert_eq!(self.project().await, self.github("main"), "both sides");
        assert_eq!(self.site.project.get("").await["pending_changes"], 0);
        self.site.is_at_rest().await;
        self.site.story.fsck(&self.site.repo);
        self.keeps_everything().await;
        let unknown = self.site.story.github.unknown_requests();
        assert!(unknown.is_empty(), "GitHub does not know: {unknown:?}");
        self.site.story.github.reset_requests();
    }

    async fn keeps_everything(&self) {
        let log: BTreeSet<String> = self.site.repo.log("main").into_iter().map(|commit| commit.oid).collect();
        let lost: Vec<&String> = self.commits.iter().filter(|oid| !log.contains(*oid)).collect();
        assert!(lost.is_empty(), "others' commits are gone: {lost:?}");
        self.kept.all_are_somewhere(&self.site).await;
    }
}

fn is_open(pull: &Value) -> bool {
    pull["state"] == "open"
}

fn can_merge(pull: &Value) -> bool {
    is_open(pull) && pull["draft"] == false && pull["mergeable"] == true
}

/// The contract's word for it.
fn word(pull: &Value) -> &'static str {
    if pull["merged"] == true {
        "merged"
    } else if !is_open(pull) {
        "closed"
    } else if pull["draft"] == true {
        "draft"
    } else {
        "open"
    }
}

#[test]
fn pull_requests_hold_what_they_carry_and_both_sides_end_the_same() {
    check(32, &history(), async |case, (tree, steps): &(Tree, Vec<Step>)| {
        let mut pulls = Pulls::start(&case, tree).await;
        for step in steps {
            pulls.step(step).await;
        }
        pulls.end().await;
    });
}
