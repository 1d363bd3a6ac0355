//! Random histories in which webhooks come late, doubled, out of order or never, changes meet running
//! syncs, others push in between, answers get lost, and files stand where folders are. Nobody can
//! say in advance what each step leaves; what must hold in the end, and at every step, is known.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::cases::{Case, check};
use super::files::{self, Done, Edit, File, Tree, nested, pushed, tree_of};
use super::kept::Kept;
use super::model::{Patterns, Policy};
use super::site::Site;

const PATHS: &[&str] = &["a.txt", "b.txt", "n", "n/x", "n/x/y", "n/z", "d", "d/b.txt", "c.log", "run.sh"];
/// Many, so that a version that is found is the one that was written.
const VALUES: u8 = 12;

/// Some hide what lies in a folder that is a file elsewhere.
const EXCLUDES: &[Patterns] = &[
    (&[], |_| false),
    (&["*.log"], |path| path.ends_with(".log")),
    (&["/b.txt"], |path| path == "b.txt"),
    (&["*.sh"], |path| path.ends_with(".sh")),
    (&["d/"], |path| path.starts_with("d/")),
    (&["/n/x"], |path| path == "n/x" || path.starts_with("n/x/")),
];

#[derive(Debug, Clone)]
enum Step {
    Change(Vec<Edit>),
    Tree {
        keep: u16,
        more: Tree,
    },
    Push(Vec<Edit>),
    Rewrite {
        back: usize,
        edits: Vec<Edit>,
    },
    /// Others push just before the program's next commit.
    PushBetween(Edit),
    /// The answer to the next commit gets lost.
    LoseAnswer,
    Settings(Value),
    Exclude(usize),
    Sync,
    Resolve {
        project: bool,
    },
    Restore {
        pick: usize,
    },
    /// These of all webhooks so far, in this order; some were told before.
    Tell(Vec<usize>),
    /// What is at hand is done once; what follows from it waits.
    Work,
    Drain,
    /// The host changes files while a drain goes on.
    Race(Vec<Edit>),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(files::edit(PATHS, VALUES), 1..4)
}

fn settings() -> impl Strategy<Value = Value> {
    let policies = [Policy::Ask, Policy::ProjectWins, Policy::GithubWins, Policy::PullRequest];
    prop_oneof![
        prop::sample::select(policies.map(Policy::text).to_vec())
            .prop_map(|policy| json!({ "conflict_policy": policy })),
        any::<bool>().prop_map(|pull| json!({ "pull": pull })),
        any::<bool>().prop_map(|auto| json!({ "auto_sync": auto })),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => edits().prop_map(Step::Change),
        2 => (any::<u16>(), files::tree(PATHS, VALUES)).prop_map(|(keep, more)| Step::Tree { keep, more }),
        20 => edits().prop_map(Step::Push),
        3 => (0..4_usize, edits()).prop_map(|(back, edits)| Step::Rewrite { back, edits }),
        4 => files::edit(PATHS, VALUES).prop_map(Step::PushBetween),
        2 => Just(Step::LoseAnswer),
        4 => settings().prop_map(Step::Settings),
        3 => (0..EXCLUDES.len()).prop_map(Step::Exclude),
        3 => Just(Step::Sync),
        4 => any::<bool>().prop_map(|project| Step::Resolve { project }),
        2 => (0..8_usize).prop_map(|pick| Step::Restore { pick }),
        12 => prop::collection::vec(0..64_usize, 1..6).prop_map(Step::Tell),
        10 => Just(Step::Work),
        10 => Just(Step::Drain),
        5 => edits().prop_map(Step::Race),
    ]
}

#[derive(Debug, Clone)]
struct History {
    project: Tree,
    github: Tree,
    policy: Policy,
    steps: Vec<Step>,
}

fn history() -> impl Strategy<Value = History> {
    let policies = vec![Policy::Ask, Policy::Ask, Policy::ProjectWins, Policy::GithubWins, Policy::PullRequest];
    let start = (files::tree(PATHS, VALUES), files::tree(PATHS, VALUES));
    let start =
        start.prop_filter("one side has a file", |(project, github)| !(project.is_empty() && github.is_empty()));
    (start, prop::sample::select(policies), prop::collection::vec(step(), 3..16))
        .prop_map(|((project, github), policy, steps)| History { project, github, policy, steps })
}

struct Chaos<'a> {
    site: Site<'a>,
    exclude: usize,
    /// Paths that were ever excluded, or stood in the way of others.
    odd: BTreeSet<String>,
    /// The last version that each side wrote itself.
    by_host: BTreeMap<String, Option<File>>,
    kept: Kept,
    by_others: BTreeMap<String, Option<File>>,
    /// Others' commits that nobody rewrote.
    commits: BTreeSet<String>,
    /// Paths that others push in between.
    between: BTreeSet<String>,
    /// The last delivery of earlier cases.
    first: u64,
}

impl<'a> Chaos<'a> {
    async fn start(case: &Case<'a>, history: &History) -> Chaos<'a> {
        let first = case.story.github.deliveries_after(0).last().copied().unwrap_or(0);
        let site = Site::new(case, &history.project, &history.github).await;
        site.project.settings(json!({ "conflict_policy": history.policy.text() })).await;
        site.connect().await;
        let mut chaos = Chaos {
            site,
            exclude: 0,
            odd: BTreeSet::new(),
            by_host: BTreeMap::new(),
            kept: Kept::default(),
            by_others: wrote(&Tree::new(), &history.github),
            commits: BTreeSet::new(),
            between: BTreeSet::new(),
            first,
        };
        chaos.accepted(&Tree::new(), &history.project).await;
        chaos.commits.extend(chaos.site.head("main"));
        chaos.work(true).await;
        chaos
    }

    async fn accepted(&mut self, before: &Tree, after: &Tree) {
        self.kept.accepted(&self.site, before, after).await;
        self.by_host.extend(wrote(before, after));
    }

    fn is_excluded(&self, path: &str) -> bool {
        EXCLUDES[self.exclude].1(path)
    }

    async fn project(&self) -> Tree {
        tree_of(&self.site.project.files().await)
    }

    fn github(&self) -> Tree {
        tree_of(&self.site.listing("main"))
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Change(edits) => {
                let before = self.project().await;
                let (mut after, mut changes) = (before.clone(), Vec::new());
                edits.iter().for_each(|edit| changes.extend(edit.apply(&mut after)));
                if !changes.is_empty() {
                    self.site.project.changes(changes.iter().map(Done::in_request).collect()).await;
                    self.accepted(&before, &after).await;
                }
            }
            Step::Tree { keep, more } => {
                let before = self.project().await;
                let kept = before.iter().enumerate().filter(|(at, _)| keep >> (at % 16) & 1 == 1);
                let mut after: Tree = kept.map(|(_, (path, file))| (path.clone(), *file)).collect();
                for (path, file) in more {
                    Edit::Put { path: path.clone(), file: *file }.apply(&mut after);
                }
                self.site.put_tree(&after, &before).await;
                self.accepted(&before, &after).await;
            }
            Step::Push(edits) => {
                let before = self.github();
                let mut after = before.clone();
                edits.iter().for_each(|edit| drop(edit.apply(&mut after)));
                let changes = pushed(&before, &after);
                if !changes.is_empty() {
                    self.commits.insert(self.site.push("main", &changes));
                    self.by_others.extend(wrote(&before, &after));
                }
            }
            Step::Rewrite { back, edits } => self.rewrite(*back, edits),
            Step::PushBetween(edit) => self.push_between(edit),
            Step::LoseAnswer => {
                self.site.story.github.drop_response_after_apply("createCommitOnBranch");
            }
            Step::Settings(settings) => drop(self.site.project.settings(settings.clone()).await),
            Step::Exclude(exclude) => {
                self.site.project.settings(json!({ "exclude": EXCLUDES[*exclude].0 })).await;
                self.exclude = *exclude;
                let hidden = EXCLUDES[*exclude].1;
                self.odd.extend(PATHS.iter().filter(|path| hidden(path)).map(|path| (*path).to_owned()));
            }
            Step::Sync => drop(self.site.project.post("/syncs", json!({})).await.expect(202)),
            Step::Resolve { project } => {
                let strategy = if *project { "project" } else { "github" };
                let answer = self.site.project.post("/conflicts/resolve", json!({ "strategy": strategy })).await;
                assert!(matches!(answer.status, 202 | 409), "{}", answer.text());
            }
            Step::Restore { pick } => self.restore(*pick).await,
            Step::Tell(picks) => self.tell(picks).await,
            Step::Work => self.work(false).await,
            Step::Drain => self.work(true).await,
            Step::Race(edits) => self.race(edits).await,
        }
    }

    fn rewrite(&mut self, back: usize, edits: &[Edit]) {
        let log = self.site.repo.log("main");
        let Some(onto) = log.get(back.min(log.len().saturating_sub(1))) else { return };
        let (now, start) = (self.github(), tree_of(&self.site.listing(&onto.oid)));
        let mut after = start.clone();
        edits.iter().for_each(|edit| drop(edit.apply(&mut after)));
        let made = self.site.repo.force_push("main", Some(&onto.oid), &pushed(&start, &after));
        let kept: BTreeSet<String> = self.site.repo.log("main").into_iter().map(|commit| commit.oid).collect();
        self.commits.retain(|oid| kept.contains(oid));
        self.commits.insert(made);
        self.by_others.extend(wrote(&now, &after));
    }

    /// What is pushed then does not depend on what the branch has by then.
    fn push_between(&mut self, edit: &Edit) {
        let mut tree = Tree::new();
        edit.apply(&mut tree);
        let changes = pushed(&Tree::new(), &tree);
        let free = !self.github().keys().any(|path| tree.keys().any(|new| nested(path, new)));
        if !changes.is_empty() && free {
            self.site.story.github.push_between("createCommitOnBranch", &self.site.repo, "main", &changes);
            self.odd.extend(tree.keys().cloned());
            self.between.extend(tree.into_keys());
        }
    }

    async fn restore(&mut self, pick: usize) {
        let rows = self.site.rows().await;
        let Some(row) = pick.checked_rem(rows.len()).map(|at| rows[at].clone()) else { return };
        let (before, event) = (self.project().await, self.site.event());
        let answer = self.site.project.post("/restore", json!({ "sync": row["id"], "event_id": event })).await;
        assert!(matches!(answer.status, 202 | 422), "{}", answer.text());
        let after = self.project().await;
        self.accepted(&before, &after).await;
    }

    async fn tell(&mut self, picks: &[usize]) {
        let github = &self.site.story.github;
        let sent = github.deliveries_after(self.first);
        for at in picks.iter().filter_map(|pick| pick.checked_rem(sent.len())) {
            github.redeliver(sent[at]);
        }
        github.deliveries_idle().await;
    }

    /// What runs by itself touches nothing that is excluded, and takes no commit away.
    async fn work(&mut self, whole: bool) {
        let before = (self.hidden(self.project().await), self.hidden(self.github()));
        if whole {
            self.site.story.drain().await;
        } else {
            let engine = &self.site.story.engine;
            engine.queue.run_once(engine, chrono::Utc::now()).await.unwrap();
        }
        let after = (self.hidden(self.project().await), self.hidden(self.github()));
        assert_eq!(after, before, "excluded files of the project and on GitHub");
        self.keeps_commits();
    }

    fn hidden(&self, tree: Tree) -> Tree {
        let hidden = |path: &String| self.is_excluded(path) && !self.between.contains(path);
        tree.into_iter().filter(|(path, _)| hidden(path)).collect()
    }

    fn keeps_commits(&self) {
        let kept: BTreeSet<String> = self.site.repo.log("main").into_iter().map(|commit| commit.oid).collect();
        let lost: Vec<&String> = self.commits.iter().filter(|oid| !kept.contains(*oid)).collect();
        assert!(lost.is_empty(), "others' commits are gone: {lost:?}");
    }

    async fn race(&mut self, edits: &[Edit]) {
        let mut after = Tree::new();
        let changes: Vec<Value> = edits
            .iter()
            .filter(|edit| matches!(edit, Edit::Put { .. } | Edit::Line { .. }))
            .flat_map(|edit| edit.apply(&mut after))
            .filter(|done| matches!(done, Done::Put(..)))
            .map(|done| done.in_request())
            .collect();
        if changes.is_empty() {
            return;
        }
        let event = self.site.event();
        let body = json!({ "event_id": event, "changes": changes });
        let ((), answer) = tokio::join!(self.site.story.drain(), self.site.project.post("/changes", body));
        // A file where the project has a folder.
        assert!(matches!(answer.status, 202 | 422), "{}", answer.text());
        if answer.status == 202 {
            self.odd.extend(after.keys().cloned());
            self.kept.accepted_in_a_race(&self.site, &after).await;
            self.by_host.extend(after.into_iter().map(|(path, file)| (path, Some(file))));
        }
        self.work(true).await;
    }

    /// No webhook ever comes: the heads are compared, and a person syncs.
    async fn settle(&mut self) {
        self.site.story.github.clear_faults();
        self.site.story.github.hold_webhooks();
        self.site.project.settings(json!({ "pull": true })).await;
        self.site.story.engine.check_drift(std::time::Duration::ZERO).await.unwrap();
        self.work(true).await;
        self.site.project.post("/syncs", json!({})).await.expect(202);
        self.work(true).await;
    }

    async fn end(&mut self) {
        self.settle().await;
        self.site.is_at_rest().await;
        self.site.story.fsck(&self.site.repo);
        let (project, github) = (self.project().await, self.github());
        let waits = self.waiting().await;
        let paths: BTreeSet<&String> = project.keys().chain(github.keys()).collect();
        for path in paths {
            let left_alone = self.is_excluded(path)
                || waits.iter().any(|other| other == path || nested(other, path))
                || self.behind_excluded(path, &project, &github);
            assert!(left_alone || project.get(path) == github.get(path), "{path}: {project:#?} {github:#?} {waits:?}");
        }
        self.keeps_what_one_side_did(&project, &github, &waits);
        self.kept.all_are_somewhere(&self.site).await;
        let unknown = self.site.story.github.unknown_requests();
        assert!(unknown.is_empty(), "GitHub does not know: {unknown:?}");
        self.site.story.github.reset_requests();
    }

    /// In conflict, or in an open pull request.
    async fn waiting(&self) -> BTreeSet<String> {
        let mut waits = self.site.paths_of("/conflicts").await;
        let pulls = self.site.project.get("/pull-requests?limit=100").await;
        for pull in pulls["items"].as_array().unwrap().iter().filter(|pull| pull["state"] == "open") {
            waits.extend(pull["paths"].as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()));
        }
        waits
    }

    /// An excluded file or folder stands where it would have to be.
    fn behind_excluded(&self, path: &str, project: &Tree, github: &Tree) -> bool {
        project.keys().chain(github.keys()).any(|other| self.is_excluded(other) && nested(other, path))
    }

    /// Nobody else touched it: it is on both sides as its side left it.
    fn keeps_what_one_side_did(&self, project: &Tree, github: &Tree, waits: &BTreeSet<String>) {
        let plain = |path: &&String| {
            let clashes = |other: &&str| nested(other, path);
            !self.odd.contains(*path) && !PATHS.iter().any(clashes) && !waits.contains(*path)
        };
        let by = |one: &BTreeMap<String, Option<File>>, other: &BTreeMap<String, Option<File>>| {
            let alone = one.iter().filter(|(path, _)| !other.contains_key(*path));
            alone.filter(|(path, _)| plain(path)).map(|(path, file)| (path.clone(), *file)).collect::<Vec<_>>()
        };
        for (path, file) in by(&self.by_host, &self.by_others).into_iter().chain(by(&self.by_others, &self.by_host)) {
            assert_eq!((project.get(&path), github.get(&path)), (file.as_ref(), file.as_ref()), "{path}");
        }
    }
}

/// What a side itself changed.
fn wrote(before: &Tree, after: &Tree) -> BTreeMap<String, Option<File>> {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    changed.map(|path| (path.clone(), after.get(path).copied())).collect()
}

#[test]
fn whatever_comes_in_between_both_sides_agree_in_the_end_and_nothing_is_lost() {
    check(80, &history(), async |case, history: &History| {
        let mut chaos = Chaos::start(&case, history).await;
        for step in &history.steps {
            chaos.step(step).await;
        }
        chaos.end().await;
    });
}
