//! Carrying out the project's half of a plan: one transaction that takes over what GitHub has, and
//! records the head the rows then reflect.

use std::collections::BTreeMap;

use serde_json::json;

use super::decide::Decision;
use super::look::{Look, Trouble};
use super::view;
use crate::model::{ChangeKind, Code, Direction, Entry, FilePath, Problem};
use crate::store::events::Actor;
use crate::store::holds::{self, Note};
use crate::store::record::{self, Absorb, Absorbed};
use crate::store::syncs::{self, SyncFile};
use crate::store::{StoreError, Transaction, integrations, pull_edits, pull_holds, sync_files};
use crate::sync::plan::{Collision, Held, Plan};

impl Look<'_> {
    /// Takes over GitHub's side. Afterwards all that is left of the plan is what is pushed.
    pub async fn absorb(&mut self, decision: &Decision) -> Result<Absorbed, Trouble> {
        let paths = absorbing(decision);
        let notes = notes(decision);
        let told = self.has_notes().await?;
        let agreed = left_over_and_agreed(decision);
        let ended = !decision.released.is_empty() || !decision.strayed.is_empty() || !agreed.is_empty();
        let idle = paths.is_empty() && !decision.remote.moved && !ended;
        if idle && notes.is_empty() && !told {
            let revision = decision.snapshot.revision;
            return Ok(Absorbed { revision, ..Absorbed::default() });
        }
        let mut sync = self.sync.clone();
        let earlier = self.came_in_earlier().await?;
        let (lease, on) = (self.lease, &self.on);
        let (absorbed, proposal) = self
            .engine
            .store
            .under_lease(lease, async |tx| {
                let absorbed = record::absorb(tx, on.pid, decision.snapshot.number - 1, &paths).await?;
                pull_edits::came_in(tx, on.pid, &taken(decision, &absorbed)).await?;
                holds::replace_notes(tx, on.pid, &notes).await?;
                // A change that both sides have waits for nobody any more.
                pull_holds::settled(tx, on.pid, &agreed).await?;
                for id in &decision.released {
                    pull_holds::release(tx, on.pid, *id).await?;
                }
                for pull in &decision.strayed {
                    if pull.proposed {
                        pull_holds::release(tx, on.pid, pull.id).await?;
                    } else {
                        pull_holds::hold_for_person(tx, pull).await?;
                    }
                }
                if decision.remote.moved {
                    record::set_head(tx, on.pid, decision.remote.head, decision.remote.whole).await?;
                }
                if !absorbed.changed.is_empty() {
                    let files = pulled(decision, &absorbed);
                    self.say_files_changed(tx, &files, absorbed.revision).await?;
                    if let Some(sync) = sync.as_mut() {
                        let files = all_that_came_in(&earlier, files);
                        sync.direction = Direction::Pull;
                        sync.revision = absorbed.revision;
                        sync.files_changed = files.len() as i64;
                        sync.commit = decision.remote.head.map(|head| head.commit);
                        sync.snapshot = Some(decision.snapshot.number);
                        syncs::save(tx, sync).await?;
                        syncs::save_files(tx, on.pid, sync.id, &files).await?;
                        let came_in = files.iter().map(|file| &file.path);
                        sync_files::mark_pushed(tx, sync.id, std::iter::empty(), came_in).await?;
                    }
                }
                if absorbed.edited {
                    integrations::set_due(tx, on.pid, on.now, false).await?;
                }
                let proposal = self.write_proposal(tx, decision, &absorbed).await?;
                Ok((absorbed, proposal))
            })
            .await?;
        self.wake_proposal(proposal).await;
        self.sync = sync;
        self.on.head = decision.remote.head;
        Ok(absorbed)
    }

    /// What this sync took over before the branch moved on under its push.
    async fn came_in_earlier(&self) -> Result<Vec<SyncFile>, Trouble> {
        match &self.sync {
            Some(sync) if matches!(sync.direction, Direction::Pull | Direction::Both) => {
                Ok(self.engine.store.files_that_came_in(sync.id).await?)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Whether people were told of conflicts that may be gone.
    async fn has_notes(&self) -> Result<bool, Trouble> {
        Ok(!holds::noted(&self.engine.store.client().await?, self.on.pid).await?.is_empty())
    }

    async fn say_files_changed(
        &self,
        tx: &Transaction<'_>,
        files: &[SyncFile],
        revision: i64,
    ) -> Result<(), StoreError> {
        let listed: Vec<_> = files.iter().take(view::MAX_LISTED).map(view::changed_file).collect();
        let data = json!({ "revision": revision, "files": listed });
        self.engine.say(tx, &self.on, "project.files_changed", &Actor::Github(None), data).await
    }
}

/// The versions that the project had of what it took over from GitHub.
fn taken<'a>(decision: &'a Decision, absorbed: &Absorbed) -> Vec<(&'a FilePath, Option<Entry>)> {
    let taken = decision.plan.take.keys().chain(decision.plan.propose.keys());
    let taken = taken.filter(|path| absorbed.changed.contains(*path));
    taken.filter_map(|path| Some((path, decision.rows.get(path)?.project))).collect()
}

/// What a closed pull request left, and both sides have now.
fn left_over_and_agreed(decision: &Decision) -> Vec<Vec<u8>> {
    let is_left =
        |path: &&FilePath| decision.rows.get(*path).is_some_and(|row| row.held == Some(Held::PullRequestClosed));
    decision.plan.agree.iter().filter(is_left).map(FilePath::key).collect()
}

/// All that one sync took over, from the files as they were before it. A version that the host put there
/// meanwhile is what was replaced then: history has to have it.
fn all_that_came_in(earlier: &[SyncFile], now: Vec<SyncFile>) -> Vec<SyncFile> {
    let mut files: BTreeMap<FilePath, SyncFile> = now.into_iter().map(|file| (file.path.clone(), file)).collect();
    for before in earlier {
        let file = files.entry(before.path.clone()).or_insert_with(|| before.clone());
        if file.old == before.new {
            file.old = before.old;
            file.change = change_kind(file.old, file.new);
        }
    }
    files.into_values().filter(|file| file.old != file.new).collect()
}

/// What the project's files became, path by path.
fn pulled(decision: &Decision, absorbed: &Absorbed) -> Vec<SyncFile> {
    let now = |path: &FilePath| decision.plan.merge.get(path).copied().or_else(|| decision.rows.get(path)?.github);
    absorbed
        .changed
        .iter()
        .filter_map(|path| {
            let old = decision.rows.get(path)?.project;
            let new = now(path);
            Some(SyncFile { path: path.clone(), change: change_kind(old, new), from: None, old, new })
        })
        .collect()
}

/// What happened to one path.
pub(super) fn change_kind(old: Option<Entry>, new: Option<Entry>) -> ChangeKind {
    match (old, new) {
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Deleted,
        (Some(old), Some(new)) if old.oid == new.oid => ChangeKind::ModeChanged,
        _ => ChangeKind::Modified,
    }
}

fn absorbing(decision: &Decision) -> BTreeMap<FilePath, Absorb> {
    let mut paths = BTreeMap::new();
    for (path, row) in &decision.rows {
        let sides = decision.snapshot.paths.get(path);
        let known = sides.and_then(|sides| sides.github);
        let (project, base) = outcome(&decision.plan, path, row.project, row.base, row.github);
        if project == row.project && base == sides.and_then(|sides| sides.base) && known == row.github {
            continue;
        }
        let size = match project {
            Some(entry) if project != row.project => decision.sizes.get(&entry.oid).copied().unwrap_or(0),
            _ => sides.map_or(0, |sides| sides.size),
        };
        let github_size = decision.remote.paths.get(path).copied().flatten().and_then(|there| there.size);
        let github_size = github_size.map(|size| i64::try_from(size).unwrap_or(i64::MAX));
        paths.insert(
            path.clone(),
            Absorb {
                seen: row.project,
                seen_base: sides.and_then(|sides| sides.base),
                project,
                size,
                base,
                github: row.github,
                github_size,
            },
        );
    }
    paths
}

/// The project's side and base as the plan wants them.
fn outcome(
    plan: &Plan,
    path: &FilePath,
    project: Option<Entry>,
    base: Option<Entry>,
    github: Option<Entry>,
) -> (Option<Entry>, Option<Entry>) {
    if plan.take.contains_key(path) || plan.propose.contains_key(path) {
        (github, github)
    } else if let Some(merged) = plan.merge.get(path) {
        (Some(*merged), github)
    } else if plan.agree.binary_search(path).is_ok() || plan.overrule.binary_search(path).is_ok() {
        (project, github)
    } else {
        (project, base)
    }
}

/// What people are told of the paths that wait for them.
fn notes(decision: &Decision) -> BTreeMap<FilePath, Note> {
    let conflicts = decision.plan.conflict.keys().map(|path| {
        let detail = format!("{path} was changed in the project and on GitHub, and the changes do not merge.");
        (path.clone(), Note { reason: "conflict", problem: Problem::new(Code::SyncConflict, detail) })
    });
    let collisions = decision.plan.collision.iter().map(|(path, kind)| {
        let detail = match kind {
            Collision::FileInProject => format!("The project has the file {path}, GitHub has a folder {path}/."),
            Collision::FileOnGithub => format!("GitHub has the file {path}, the project has a folder {path}/."),
        };
        (path.clone(), Note { reason: "collision", problem: Problem::new(Code::SyncConflict, detail) })
    });
    conflicts.chain(collisions).collect()
}
