//! What ought to come of it: both sides, what they last agreed on, and the contract's rules (6.7 to
//! 6.9, 6.16) path by path. Simple on purpose, and no code of the program's.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Content, File, Mode, Tree};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Ask,
    ProjectWins,
    GithubWins,
    PullRequest,
}

impl Policy {
    pub fn text(self) -> &'static str {
        match self {
            Policy::Ask => "ask",
            Policy::ProjectWins => "project_wins",
            Policy::GithubWins => "github_wins",
            Policy::PullRequest => "pull_request",
        }
    }
}

/// Exclude patterns, and what git makes of them.
pub type Patterns = (&'static [&'static str], fn(&str) -> bool);

pub const EXCLUDES: &[Patterns] = &[
    (&[], |_| false),
    (&["*.log"], |path| path.ends_with(".log")),
    (&["*.log", "!keep.log"], |path| path.ends_with(".log") && path != "keep.log"),
    (&["tmp/"], |path| path.starts_with("tmp/")),
    (&["/d/*", "!/d/c.txt"], |path| path.starts_with("d/") && path != "d/c.txt"),
];

#[derive(Debug, Clone)]
pub struct Model {
    pub project: Tree,
    pub base: Tree,
    /// The connected branch.
    pub github: Tree,
    /// The branch as of the last look: what a person who decides has seen.
    pub known: Tree,
    pub policy: Policy,
    pub pull: bool,
    pub auto_sync: bool,
    /// Which of [`EXCLUDES`].
    pub exclude: usize,
    /// Something happened that leads to a look.
    pub look: bool,
    /// A person asked, or nothing was synced yet: what is pending goes whatever `auto_sync` says.
    pub asked: bool,
    /// In conflict, as of the last look.
    pub held: BTreeSet<String>,
    /// Sent to a pull request, with the project's version: left alone from then on.
    pub proposed: BTreeMap<String, Option<File>>,
}

/// What a look did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Something went to the branch.
    pub pushed: bool,
    /// Something came into the project.
    pub pulled: bool,
    /// A path is held that was not held before.
    pub news: bool,
}

impl Model {
    pub fn new(project: Tree, github: Tree) -> Model {
        Model {
            project,
            base: Tree::new(),
            github,
            known: Tree::new(),
            policy: Policy::Ask,
            pull: true,
            auto_sync: true,
            exclude: 0,
            look: true,
            asked: true,
            held: BTreeSet::new(),
            proposed: BTreeMap::new(),
        }
    }

    pub fn is_excluded(&self, path: &str) -> bool {
        EXCLUDES[self.exclude].1(path)
    }

    pub fn pending(&self) -> BTreeSet<String> {
        let paths = self.paths().into_iter();
        paths.filter(|path| !self.is_excluded(path) && self.project.get(path) != self.base.get(path)).collect()
    }

    /// What a person is asked about: what became equal meanwhile is no conflict any more.
    pub fn conflicts(&self) -> BTreeSet<String> {
        let differ = |path: &&String| self.project.get(*path) != self.known.get(*path);
        self.held.iter().filter(differ).cloned().collect()
    }

    /// After the project's files changed.
    pub fn changed(&mut self) {
        self.look |= self.auto_sync && !(self.pending().is_empty() && self.held.is_empty());
    }

    /// What becomes excluded is forgotten; what stops being excluded is compared anew.
    pub fn set_exclude(&mut self, exclude: usize) {
        if EXCLUDES[exclude].0 == EXCLUDES[self.exclude].0 {
            return;
        }
        self.exclude = exclude;
        let hidden = EXCLUDES[exclude].1;
        self.base.retain(|path, _| !hidden(path));
        self.held.retain(|path| !hidden(path));
        self.look = true;
    }

    /// Another branch: nothing is agreed on with it yet.
    pub fn switch(&mut self, github: Tree) {
        self.github = github;
        self.base.clear();
        self.known.clear();
        self.held.clear();
        (self.look, self.asked) = (true, true);
    }

    fn paths(&self) -> BTreeSet<String> {
        [&self.project, &self.base, &self.github].into_iter().flat_map(|tree| tree.keys().cloned()).collect()
    }

    /// The queue is drained, and GitHub's side is known.
    pub fn settle(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        if !std::mem::take(&mut self.look) {
            return outcome;
        }
        let push = self.auto_sync | std::mem::take(&mut self.asked);
        let told = std::mem::take(&mut self.held);
        for path in self.paths() {
            if !self.is_excluded(&path) && !self.proposed.contains_key(&path) {
                self.settle_path(&path, push, &mut outcome);
            }
        }
        self.known = self.github.clone();
        outcome.news = self.held.iter().any(|path| !told.contains(path));
        outcome
    }

    fn settle_path(&mut self, path: &str, push: bool, outcome: &mut Outcome) {
        let [project, base, github] = [&self.project, &self.base, &self.github].map(|tree| tree.get(path).copied());
        if project == github {
            set(&mut self.base, path, github);
        } else if github == base {
            self.push(path, push, outcome);
        } else if project == base {
            if self.pull {
                self.take(path, github, outcome);
            }
        } else if let Some(merged) = merged(base, project, github) {
            set(&mut self.base, path, github);
            outcome.pulled |= project != Some(merged);
            set(&mut self.project, path, Some(merged));
            self.push(path, push && github != Some(merged), outcome);
        } else {
            self.settle_conflict(path, push, outcome);
        }
    }

    fn settle_conflict(&mut self, path: &str, push: bool, outcome: &mut Outcome) {
        let (project, github) = (self.project.get(path).copied(), self.github.get(path).copied());
        match self.policy {
            Policy::Ask => drop(self.held.insert(path.to_owned())),
            Policy::ProjectWins => {
                set(&mut self.base, path, github);
                self.push(path, push, outcome);
            }
            Policy::GithubWins => self.take(path, github, outcome),
            Policy::PullRequest => {
                self.take(path, github, outcome);
                self.proposed.insert(path.to_owned(), project);
            }
        }
    }

    fn push(&mut self, path: &str, due: bool, outcome: &mut Outcome) {
        if due {
            let project = self.project.get(path).copied();
            set(&mut self.github, path, project);
            set(&mut self.base, path, project);
            outcome.pushed = true;
        }
    }

    fn take(&mut self, path: &str, github: Option<File>, outcome: &mut Outcome) {
        set(&mut self.project, path, github);
        set(&mut self.base, path, github);
        outcome.pulled = true;
    }

    /// A person decides a conflict; what then differs is an ordinary pending change.
    pub fn resolve(&mut self, path: &str, take_project: bool) {
        let github = self.known.get(path).copied();
        set(&mut self.base, path, github);
        if !take_project {
            set(&mut self.project, path, github);
        }
        self.held.remove(path);
        (self.look, self.asked) = (true, true);
    }
}

fn set(tree: &mut Tree, path: &str, file: Option<File>) {
    match file {
        Some(file) => drop(tree.insert(path.to_owned(), file)),
        None => drop(tree.remove(path)),
    }
}

/// Three lines that are far from each other merge one by one; nothing else does. A mode goes with
/// the side that changed it.
pub fn merged(base: Option<File>, project: Option<File>, github: Option<File>) -> Option<File> {
    let (base, project, github) = (base?, project?, github?);
    if [base, project, github].iter().any(|file| file.mode == Mode::Link) {
        return None;
    }
    let mode = one(base.mode, project.mode, github.mode)?;
    if let Some(content) = one(base.content, project.content, github.content) {
        return Some(File { mode, content });
    }
    let (Content::Cells(base), Content::Cells(project), Content::Cells(github)) =
        (base.content, project.content, github.content)
    else {
        return None;
    };
    let cell = |at: usize| one(base[at], project[at], github[at]);
    Some(File { mode, content: Content::Cells([cell(0)?, cell(1)?, cell(2)?]) })
}

/// What both sides together make of one thing.
fn one<T: PartialEq + Copy>(base: T, project: T, github: T) -> Option<T> {
    if project == github || github == base {
        Some(project)
    } else if project == base {
        Some(github)
    } else {
        None
    }
}
