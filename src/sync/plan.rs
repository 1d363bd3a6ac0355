//! What to do with every path on which project, base and GitHub are not all equal.
//!
//! `plan` is a function of its input and nothing else: the same rows and policy give the same plan,
//! and a plan that was carried out leaves nothing to plan. It never decides by who came first, only
//! by the three versions of a path (contract 6.7 to 6.9, 6.12, 6.13, 6.16).

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ConflictPolicy, Entry, FilePath};

/// One path. All three sides equal: it does not belong into a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub project: Option<Entry>,
    /// As last agreed; `None` before the first sync.
    pub base: Option<Entry>,
    /// GitHub's, at the head the plan is made against.
    pub github: Option<Entry>,
    /// The project cannot take GitHub's version: a submodule, a file over the limit, or an excluded
    /// file or folder stands in its way.
    pub unholdable: bool,
    /// Kept back from the branch, whatever it contains.
    pub held: Option<Held>,
}

/// Why a path is kept back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// GitHub refused this very version. Whoever wants it tried again forgets the refusal first.
    Refused,
    /// An open pull request carries it.
    PullRequest,
    /// Its pull request was closed; it waits for a person's sync.
    PullRequestClosed,
}

/// What merging the lines of a path gave. The engine merges, because it has the contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    Clean(Entry),
    Conflict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Commit pending changes now: auto-sync's window is over, or a person asked.
    pub push: bool,
    /// A person asked for a sync: what a closed pull request left goes.
    pub by_person: bool,
    /// Take over what others committed.
    pub pull: bool,
    pub conflict: ConflictPolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    BothModified,
    BothAdded,
    DeletedOnGithub,
    DeletedInProject,
}

/// What is to be done, each path in at most one of `agree take merge keep conflict propose` and, in
/// addition, possibly in `push`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Both sides have the same: base follows, nothing else happens.
    pub agree: Vec<FilePath>,
    /// The project takes GitHub's version.
    pub take: BTreeMap<FilePath, Option<Entry>>,
    /// The project takes the merged version; base becomes GitHub's; the merge is pushed.
    pub merge: BTreeMap<FilePath, Entry>,
    /// GitHub's version becomes base although the project keeps its own, which is to be pushed.
    pub overrule: Vec<FilePath>,
    /// GitHub's version is remembered and stays on GitHub alone.
    pub keep: Vec<FilePath>,
    /// Held until a person decides.
    pub conflict: BTreeMap<FilePath, ConflictKind>,
    /// A file on one side where the other has a folder: held at the file's path.
    pub collision: BTreeMap<FilePath, Collision>,
    /// The project takes GitHub's version, its own goes to a pull request.
    pub propose: BTreeMap<FilePath, Option<Entry>>,
    /// Goes to the branch: the version to be there, `None` for deletion.
    pub push: BTreeMap<FilePath, Option<Entry>>,
    /// Lines must be merged before these can be planned: plan again with their results.
    pub needs_merge: Vec<FilePath>,
}

/// A file here and a folder of that name there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collision {
    /// The project has the file, GitHub the folder.
    FileInProject,
    /// GitHub has the file, the project the folder.
    FileOnGithub,
}

impl Plan {
    /// Whether anything but bookkeeping follows from it.
    pub fn is_noop(&self) -> bool {
        self.take.is_empty() && self.merge.is_empty() && self.push.is_empty() && self.propose.is_empty()
    }

    /// Paths the project loses.
    pub fn deletions_in_project(&self) -> usize {
        self.take.values().chain(self.propose.values()).filter(|entry| entry.is_none()).count()
    }

    /// Paths the branch loses.
    pub fn deletions_on_github(&self) -> usize {
        self.push.values().filter(|entry| entry.is_none()).count()
    }
}

/// Plans all rows. `merged` holds the results of an earlier round's `needs_merge`.
pub fn plan(rows: &BTreeMap<FilePath, Row>, merged: &BTreeMap<FilePath, Merged>, policy: Policy) -> Plan {
    let collisions = Collisions::find(rows);
    let mut plan = Plan::default();
    for (path, row) in rows {
        match collisions.of(path) {
            Some(part) => plan_collision(&mut plan, path, row, part, policy),
            None => plan_row(&mut plan, path, row, merged.get(path).copied(), policy),
        }
    }
    keep_folders_apart(&mut plan, rows);
    plan
}

fn plan_row(plan: &mut Plan, path: &FilePath, row: &Row, merged: Option<Merged>, policy: Policy) {
    if row.project == row.github {
        plan.agree.push(path.clone());
    } else if row.github == row.base {
        push_if_due(plan, path, row, policy);
    } else if row.project == row.base {
        plan_theirs(plan, path, row, policy);
    } else {
        plan_both(plan, path, row, merged, policy);
    }
}

fn push_if_due(plan: &mut Plan, path: &FilePath, row: &Row, policy: Policy) {
    if policy.push && may_push(row, policy) {
        plan.push.insert(path.clone(), row.project);
    }
}

fn may_push(row: &Row, policy: Policy) -> bool {
    match row.held {
        None => true,
        Some(Held::PullRequestClosed) => policy.by_person,
        Some(Held::Refused | Held::PullRequest) => false,
    }
}

fn plan_theirs(plan: &mut Plan, path: &FilePath, row: &Row, policy: Policy) {
    if policy.pull && !row.unholdable {
        plan.take.insert(path.clone(), row.github);
    } else {
        plan.keep.push(path.clone());
    }
}

fn plan_both(plan: &mut Plan, path: &FilePath, row: &Row, merged: Option<Merged>, policy: Policy) {
    if row.held == Some(Held::PullRequest) {
        // The pull request shows that it does not merge; the branch's version waits for its end.
        plan.keep.push(path.clone());
    } else if row.unholdable {
        plan.conflict.insert(path.clone(), kind_of(row));
    } else {
        match merged {
            Some(Merged::Clean(entry)) => take_merge(plan, path, row, entry, policy),
            None if can_merge(row) => plan.needs_merge.push(path.clone()),
            Some(Merged::Conflict) | None => settle(plan, path, row, policy),
        }
    }
}

fn take_merge(plan: &mut Plan, path: &FilePath, row: &Row, entry: Entry, policy: Policy) {
    if row.project != Some(entry) {
        plan.merge.insert(path.clone(), entry);
    } else {
        plan.overrule.push(path.clone());
    }
    if policy.push && may_push(row, policy) && row.github != Some(entry) {
        plan.push.insert(path.clone(), Some(entry));
    }
}

/// A conflict is settled by the project's policy.
fn settle(plan: &mut Plan, path: &FilePath, row: &Row, policy: Policy) {
    match policy.conflict {
        ConflictPolicy::Ask => {
            plan.conflict.insert(path.clone(), kind_of(row));
        }
        ConflictPolicy::ProjectWins => {
            plan.overrule.push(path.clone());
            push_if_due(plan, path, row, policy);
        }
        ConflictPolicy::GithubWins => {
            plan.take.insert(path.clone(), row.github);
        }
        ConflictPolicy::PullRequest => {
            plan.propose.insert(path.clone(), row.github);
        }
    }
}

/// Lines can be merged where both sides still have a file that is no symlink, and a base is known.
fn can_merge(row: &Row) -> bool {
    let is_file = |side: Option<Entry>| side.is_some_and(|entry| entry.mode.is_file());
    is_file(row.project) && is_file(row.github) && is_file(row.base)
}

/// What a person is told a conflict is.
pub fn kind_of(row: &Row) -> ConflictKind {
    match (row.base, row.project, row.github) {
        (_, None, _) => ConflictKind::DeletedInProject,
        (_, _, None) => ConflictKind::DeletedOnGithub,
        (None, _, _) => ConflictKind::BothAdded,
        _ => ConflictKind::BothModified,
    }
}

/// The part a path has in a collision of a file with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    File(Collision),
    /// Lies in the folder; the other side has a file there, which is this row.
    Inside(Collision, &'a Row),
}

/// Collisions lie within the rows of a plan: a side that has the file `a` has no `a/b`, so both
/// paths differ between the sides.
struct Collisions<'a> {
    files: BTreeMap<&'a str, Collision>,
    rows: &'a BTreeMap<FilePath, Row>,
}

impl<'a> Collisions<'a> {
    fn find(rows: &'a BTreeMap<FilePath, Row>) -> Self {
        let mut files = BTreeMap::new();
        for (path, row) in rows {
            for folder in path.ancestors() {
                let Some(above) = rows.get(folder) else { continue };
                if stays_in_project(above) && stays_on_github(row) {
                    files.insert(folder, Collision::FileInProject);
                } else if stays_on_github(above) && stays_in_project(row) {
                    files.insert(folder, Collision::FileOnGithub);
                }
            }
        }
        Collisions { files, rows }
    }

    fn of(&self, path: &FilePath) -> Option<Part<'a>> {
        if let Some(kind) = self.files.get(path.as_str()) {
            return Some(Part::File(*kind));
        }
        let row = self.rows.get(path)?;
        path.ancestors().find_map(|folder| {
            let kind = *self.files.get(folder)?;
            let concerns = match kind {
                Collision::FileInProject => row.github.is_some(),
                Collision::FileOnGithub => row.project.is_some(),
            };
            concerns.then_some(Part::Inside(kind, self.rows.get(folder)?))
        })
    }
}

/// The project has a file that GitHub has not, and it is the project's change: were it as agreed,
/// GitHub's deletion would simply be taken over.
fn stays_in_project(row: &Row) -> bool {
    row.project.is_some() && row.github.is_none() && row.project != row.base
}

/// GitHub has a file that the project has not, and it is GitHub's change.
fn stays_on_github(row: &Row) -> bool {
    row.github.is_some() && row.project.is_none() && row.github != row.base
}

fn plan_collision(plan: &mut Plan, path: &FilePath, row: &Row, part: Part<'_>, policy: Policy) {
    let (kind, is_file, file) = match part {
        Part::File(kind) => (kind, true, row),
        Part::Inside(kind, file) => (kind, false, file),
    };
    let held_by_pull_request = row.held == Some(Held::PullRequest);
    // The folder makes room for the file, and so only together with it.
    let waits_for_file = !is_file && !may_push(file, policy);
    match policy.conflict {
        ConflictPolicy::ProjectWins if !row.unholdable && !held_by_pull_request && !waits_for_file => {
            plan.overrule.push(path.clone());
            push_if_due(plan, path, row, policy);
        }
        ConflictPolicy::GithubWins if !row.unholdable && !held_by_pull_request => {
            plan.take.insert(path.clone(), row.github);
        }
        ConflictPolicy::PullRequest if !row.unholdable && !held_by_pull_request => {
            plan.propose.insert(path.clone(), row.github);
        }
        _ if is_file && !held_by_pull_request => {
            plan.collision.insert(path.clone(), kind);
        }
        _ => plan.keep.push(path.clone()),
    }
}

/// What is pushed must not meet a file or folder that stays on the branch, and what is taken must
/// not meet one that stays in the project: such paths wait for the others.
fn keep_folders_apart(plan: &mut Plan, rows: &BTreeMap<FilePath, Row>) {
    let blocked_push =
        blocked(&plan.push, |path, row| row.github.is_some() && !matches!(plan.push.get(path), Some(None)), rows);
    for path in &blocked_push {
        plan.push.remove(path);
    }
    let blocked_take = blocked(
        &plan.take,
        |path, row| {
            row.project.is_some()
                && !matches!(plan.take.get(path), Some(None))
                && !matches!(plan.propose.get(path), Some(None))
        },
        rows,
    );
    for path in blocked_take {
        plan.take.remove(&path);
        plan.keep.push(path);
    }
}

/// Paths of `moves` that would lie under, or over, a path for which `stays` holds. Deletions go
/// with the files that need them gone: when nothing replaces them they are never blocked.
fn blocked(
    moves: &BTreeMap<FilePath, Option<Entry>>,
    stays: impl Fn(&FilePath, &Row) -> bool,
    rows: &BTreeMap<FilePath, Row>,
) -> BTreeSet<FilePath> {
    let mut blocked = BTreeSet::new();
    let arriving = |path: &FilePath| matches!(moves.get(path), Some(Some(_)));
    for (path, row) in rows {
        for folder in path.ancestors() {
            let Some((above, above_row)) = rows.get_key_value(folder) else { continue };
            if arriving(path) && stays(above, above_row) && !arriving(above) {
                blocked.insert(path.clone());
            }
            if arriving(above) && stays(path, row) && !arriving(path) {
                blocked.insert(above.clone());
            }
        }
    }
    blocked
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
