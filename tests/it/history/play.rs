//! A history with a model beside it: each step is done to the world and to the model, and after each
//! drain both are the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::cases::Case;
use super::files::{self, Done, Edit, Tree, listed, pushed};
use super::model::{EXCLUDES, Model, Outcome, Policy};
use super::site::Site;

/// None is a folder of another.
pub const PATHS: &[&str] =
    &["a.txt", "b.txt", "d/c.txt", "d/e.sh", "d/f/g.txt", "h.log", "keep.log", "tmp/i.txt", "tmp/k/j.txt", "é ü.md"];

/// So few that both sides often have the same idea.
const VALUES: u8 = 3;

#[derive(Debug, Clone)]
pub enum Step {
    /// One change request of the host.
    Change(Vec<Edit>),
    /// The host sends its whole tree: what the bits keep of the present one, and these.
    Tree {
        keep: u16,
        more: Tree,
    },
    /// A commit of others.
    Push(Vec<Edit>),
    /// Others force the branch: so many commits back, or to a history of its own, with these edits.
    Rewrite {
        back: usize,
        orphan: bool,
        edits: Vec<Edit>,
    },
    Policy(Policy),
    Pull(bool),
    AutoSync(bool),
    Exclude(usize),
    /// A person syncs.
    Sync,
    /// A person decides conflicts: all, or one of them.
    Resolve {
        pick: Option<usize>,
        project: bool,
    },
    /// Back to what an earlier sync left.
    Restore {
        pick: usize,
    },
    /// To another branch, made from this one if it is not there; or back.
    Switch,
    /// Webhooks arrive in an order of this seed, and the queue is drained.
    Drain(u64),
}

pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(files::edit(PATHS, VALUES), 1..4)
}

pub fn step(policies: &'static [Policy]) -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => edits().prop_map(Step::Change),
        2 => (any::<u16>(), files::tree(PATHS, VALUES)).prop_map(|(keep, more)| Step::Tree { keep, more }),
        24 => edits().prop_map(Step::Push),
        4 => (0..4_usize, prop::bool::weighted(0.2), prop::collection::vec(files::edit(PATHS, VALUES), 0..3))
            .prop_map(|(back, orphan, edits)| Step::Rewrite { back, orphan, edits }),
        3 => prop::sample::select(policies).prop_map(Step::Policy),
        2 => any::<bool>().prop_map(Step::Pull),
        2 => any::<bool>().prop_map(Step::AutoSync),
        3 => (0..EXCLUDES.len()).prop_map(Step::Exclude),
        3 => Just(Step::Sync),
        4 => (prop::option::of(0..8_usize), any::<bool>()).prop_map(|(pick, project)| Step::Resolve { pick, project }),
        2 => (0..8_usize).prop_map(|pick| Step::Restore { pick }),
        1 => Just(Step::Switch),
        30 => any::<u64>().prop_map(Step::Drain),
    ]
}

#[derive(Debug, Clone)]
pub struct History {
    pub project: Tree,
    pub github: Tree,
    pub steps: Vec<Step>,
}

pub fn history(
    policies: &'static [Policy],
    length: impl Into<prop::collection::SizeRange>,
) -> impl Strategy<Value = History> {
    let start = (files::tree(PATHS, VALUES), files::tree(PATHS, VALUES));
    let start =
        start.prop_filter("one side has a file", |(project, github)| !(project.is_empty() && github.is_empty()));
    (start, prop::sample::select(policies), prop::collection::vec(step(policies), length)).prop_map(
        |((project, github), policy, mut steps)| {
            steps.insert(0, Step::Policy(policy));
            History { project, github, steps }
        },
    )
}

pub struct Play<'a> {
    pub site: Site<'a>,
    pub model: Model,
    branch: &'static str,
    /// The tree of each head that was seen.
    trees: BTreeMap<String, Tree>,
    /// Project trees as syncs left them, by the sync.
    left: Vec<(String, Tree)>,
    revision: i64,
    /// A person asked for a row.
    asked_rows: bool,
    /// All files are compared after each so many drains.
    pub every: usize,
    drains: usize,
}

const BRANCHES: [&str; 2] = ["main", "next"];

impl<'a> Play<'a> {
    pub async fn start(case: &Case<'a>, history: &History) -> Play<'a> {
        let site = Site::new(case, &history.project, &history.github).await;
        site.connect().await;
        let model = Model::new(history.project.clone(), history.github.clone());
        let revision = site.revision().await;
        let mut play = Play {
            site,
            model,
            branch: BRANCHES[0],
            trees: BTreeMap::new(),
            left: Vec::new(),
            revision,
            asked_rows: true,
            every: 1,
            drains: 0,
        };
        play.remember_head();
        play.drain(0).await;
        play
    }

    fn remember_head(&mut self) {
        let head = self.site.head(self.branch);
        self.trees.extend(head.map(|head| (head, self.model.github.clone())));
    }

    pub async fn step(&mut self, step: &Step) {
        match step {
            Step::Change(edits) => self.change(edits).await,
            Step::Tree { keep, more } => self.put_tree(*keep, more).await,
            Step::Push(edits) => self.push(edits),
            Step::Rewrite { back, orphan, edits } => self.rewrite(*back, *orphan, edits),
            Step::Policy(policy) => {
                self.site.project.settings(json!({ "conflict_policy": policy.text() })).await;
                self.model.look |= self.model.policy != *policy;
                self.model.policy = *policy;
            }
            Step::Pull(pull) => {
                self.site.project.settings(json!({ "pull": pull })).await;
                self.model.look |= self.model.pull != *pull;
                self.model.pull = *pull;
            }
            Step::AutoSync(on) => {
                self.site.project.settings(json!({ "auto_sync": on })).await;
                self.model.auto_sync = *on;
                self.model.changed();
            }
            Step::Exclude(exclude) => {
                self.site.project.settings(json!({ "exclude": EXCLUDES[*exclude].0 })).await;
                self.model.set_exclude(*exclude);
            }
            Step::Sync => {
                self.site.project.post("/syncs", json!({})).await.expect(202);
                (self.model.look, self.model.asked, self.asked_rows) = (true, true, true);
            }
            Step::Resolve { pick, project } => self.resolve(*pick, *project).await,
            Step::Restore { pick } => self.restore(*pick).await,
            Step::Switch => self.switch().await,
            Step::Drain(seed) => self.drain(*seed).await,
        }
    }

    /// Of what is meant, what can be done, but for paths of pull requests.
    fn edit(&self, tree: &Tree, edits: &[Edit]) -> (Tree, Vec<Done>) {
        let (mut after, mut done) = (tree.clone(), Vec::new());
        for edit in edits {
            let mut trial = after.clone();
            let all = edit.apply(&mut trial);
            if self.model.proposed.keys().all(|path| trial.get(path) == tree.get(path)) {
                after = trial;
                done.extend(all);
            }
        }
        (after, done)
    }

    async fn change(&mut self, edits: &[Edit]) {
        let (after, done) = self.edit(&self.model.project, edits);
        if !done.is_empty() {
            self.site.project.changes(done.iter().map(Done::in_request).collect()).await;
            self.accepted(after);
        }
    }

    fn accepted(&mut self, after: Tree) {
        self.model.project = after;
        self.model.changed();
        self.revision += 1;
    }

    async fn put_tree(&mut self, keep: u16, more: &Tree) {
        let before = self.model.project.clone();
        let kept = |at: usize, path: &str| keep >> (at % 16) & 1 == 1 || self.model.proposed.contains_key(path);
        let mut after: Tree = before
            .iter()
            .enumerate()
            .filter(|(at, (path, _))| kept(*at, path))
            .map(|(_, (path, file))| (path.clone(), *file))
            .collect();
        after.extend(
            more.iter()
                .filter(|(path, _)| !self.model.proposed.contains_key(*path))
                .map(|(path, file)| (path.clone(), *file)),
        );
        self.site.put_tree(&after, &before).await;
        self.accepted(after);
    }

    fn push(&mut self, edits: &[Edit]) {
        let (after, _) = self.edit(&self.model.github, edits);
        let changes = pushed(&self.model.github, &after);
        if !changes.is_empty() {
            self.site.push(self.branch, &changes);
            self.model.github = after;
            self.model.look = true;
            self.remember_head();
        }
    }

    fn rewrite(&mut self, back: usize, orphan: bool, edits: &[Edit]) {
        let log = self.site.repo.log(self.branch);
        let Some(onto) = log.get(back.min(log.len().saturating_sub(1))) else { return };
        let Some(start) = self.trees.get(&onto.oid).cloned() else { return };
        if !self.model.proposed.is_empty() {
            return;
        }
        let start = if orphan { Tree::new() } else { start };
        let (after, done) = self.edit(&start, edits);
        if orphan {
            self.site.repo.force_push(self.branch, None, &pushed(&start, &after));
        } else if done.is_empty() {
            self.site.repo.reset_branch(self.branch, &onto.oid);
        } else {
            self.site.repo.force_push(self.branch, Some(&onto.oid), &pushed(&start, &after));
        }
        self.model.github = after;
        self.model.look = true;
        self.remember_head();
    }

    async fn resolve(&mut self, pick: Option<usize>, project: bool) {
        let side = if project { "project" } else { "github" };
        let conflicts: Vec<String> = self.model.conflicts().into_iter().collect();
        let chosen = match pick.zip(pick.and_then(|pick| pick.checked_rem(conflicts.len()))) {
            Some((_, at)) => vec![conflicts[at].clone()],
            None => conflicts,
        };
        let body = match pick {
            Some(_) if !chosen.is_empty() => json!({ "resolutions": [{ "path": chosen[0], "take": side }] }),
            _ => json!({ "strategy": side }),
        };
        let answer = self.site.project.post("/conflicts/resolve", body).await;
        if chosen.is_empty() {
            answer.problem(409, "nothing_to_sync");
            return;
        }
        answer.expect(202);
        let before = self.model.project.clone();
        for path in &chosen {
            self.model.resolve(path, project);
        }
        self.revision += i64::from(self.model.project != before);
        self.asked_rows = true;
    }

    async fn restore(&mut self, pick: usize) {
        let Some(at) = pick.checked_rem(self.left.len()) else { return };
        let (sync, left) = self.left[at].clone();
        if !self.model.proposed.is_empty() {
            return;
        }
        let event = self.site.event();
        self.site.project.post("/restore", json!({ "sync": sync, "event_id": event })).await.expect(202);
        let hidden = |path: &str| self.model.is_excluded(path);
        let mut after: Tree = self.model.project.clone().into_iter().filter(|(path, _)| hidden(path)).collect();
        after.extend(left.into_iter().filter(|(path, _)| !hidden(path)));
        self.accepted(after);
    }

    async fn switch(&mut self) {
        if !self.model.proposed.is_empty() || self.site.head(self.branch).is_none() {
            return;
        }
        let other = if self.branch == BRANCHES[0] { BRANCHES[1] } else { BRANCHES[0] };
        if self.site.head(other).is_none() {
            self.site.repo.create_branch(other, self.branch);
        }
        let there = self.trees.get(&self.site.head(other).unwrap()).cloned();
        self.site.project.settings(json!({ "branch": other })).await;
        self.branch = other;
        self.model.switch(there.unwrap());
        self.asked_rows = true;
    }

    /// Rows of the connected branch itself.
    async fn rows(&self) -> Vec<Value> {
        let mut rows = self.site.rows().await;
        rows.retain(|row| row["kind"] != "pull_request");
        rows
    }

    pub async fn drain(&mut self, seed: u64) {
        let (head, rows) = (self.site.head(self.branch), self.rows().await);
        self.site.drain(seed).await;
        let outcome = self.model.settle();
        self.revision += i64::from(outcome.pulled);
        self.remember_head();
        self.drains += 1;
        self.compare(head, rows.len(), outcome).await;
        let rows_now = self.rows().await;
        if rows_now.len() > rows.len() {
            let newest = rows_now.last().unwrap();
            if outcome.pushed || outcome.pulled {
                self.left.push((newest["id"].as_str().unwrap().to_owned(), self.model.project.clone()));
            }
        }
        self.asked_rows = false;
    }

    async fn compare(&self, head: Option<String>, rows: usize, outcome: Outcome) {
        let (site, model) = (&self.site, &self.model);
        if self.drains.is_multiple_of(self.every) {
            assert_eq!(site.project.files().await, listed(&model.project), "the project");
            assert_eq!(site.listing(self.branch), listed(&model.github), "the branch");
        }
        assert_eq!(site.paths_of("/conflicts").await, model.conflicts(), "conflicts");
        let status = site.project.status().await;
        assert_eq!(status["pending_changes"], model.pending().len(), "pending changes {status}");
        assert_eq!(status["conflicts"], model.conflicts().len(), "{status}");
        let shown = status["sync_status"].as_str().unwrap();
        let expected = if model.conflicts().is_empty() { "success" } else { "conflict" };
        assert_eq!(shown, expected, "{status}");
        assert_eq!(site.revision().await, self.revision, "the revision");
        self.compare_commits(head, outcome);
        self.compare_rows(rows, outcome).await;
    }

    /// One commit at most, on top of what was there.
    fn compare_commits(&self, head: Option<String>, outcome: Outcome) {
        let log = self.site.repo.log(self.branch);
        let made = match &head {
            Some(head) => log.iter().position(|commit| commit.oid == *head),
            None => Some(log.len()),
        };
        assert_eq!(made, Some(usize::from(outcome.pushed)), "commits on {head:?} in {log:#?}");
    }

    async fn compare_rows(&self, before: usize, outcome: Outcome) {
        let rows = self.rows().await;
        let effect = outcome.pushed || outcome.pulled;
        if !effect && !outcome.news && !self.asked_rows {
            assert_eq!(rows.len(), before, "a row for nothing: {:#?}", rows.last());
            return;
        }
        let Some(newest) = rows.last() else { panic!("no row for {outcome:?}") };
        let said = |field: &str| newest[field].as_str().unwrap_or("null").to_owned();
        let waits = !self.model.conflicts().is_empty();
        let status = match (waits, effect) {
            (true, _) => "conflict",
            (false, true) => "succeeded",
            (false, false) => "no_changes",
        };
        assert_eq!(said("status"), status, "{outcome:?} {newest:#}");
        if outcome.pushed {
            // What came in may have a row of its own, when it was looked at before anything was due.
            let direction = said("direction");
            assert!(direction == "push" || (direction == "both" && outcome.pulled), "{outcome:?} {newest:#}");
        }
        if effect {
            assert_eq!(newest["commit_sha"].as_str(), self.site.head(self.branch).as_deref(), "{newest:#}");
        }
    }

    /// After everything: the world is at rest, git is content, and nobody's bytes are gone.
    pub async fn end(&mut self) {
        self.every = 1;
        self.drain(0).await;
        self.site.is_at_rest().await;
        self.site.story.fsck(&self.site.repo);
        for (path, version) in &self.model.proposed {
            let Some(version) = version else { continue };
            let (_, oid) = version.listed();
            assert!(self.site.objects().contains(&oid), "the project's {path} is in no pull request");
        }
        let unknown = self.site.story.github.unknown_requests();
        assert!(unknown.is_empty(), "GitHub does not know: {unknown:?}");
        self.site.story.github.reset_requests();
    }
}
