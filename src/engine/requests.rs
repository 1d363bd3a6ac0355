//! What people ask for: sync now, confirm, resolve, another branch. Each is one transaction that
//! writes what is wanted; the next look does it.

use std::collections::BTreeMap;

use serde_json::json;

use super::Engine;
use super::failure::Failure;
use super::proposals::{self, Place};
use super::remote::{self, There};
use crate::github::HeadState;
use crate::job::Wake;
use crate::model::{Author, BranchName, ChangeKind, Code, Entry, FilePath, Mode, Oid, Problem, SyncKind};
use crate::store::conflicts::{self, Conflict, Settle};
use crate::store::events::{Actor, Event};
use crate::store::pulls::{Carried, Carries};
use crate::store::requests::{self, Link, Locked};
use crate::store::syncs::{Sync, SyncFile};
use crate::store::{StoreError, Transaction, holds};

/// Who asks, for the audit trail.
#[derive(Debug, Clone)]
pub struct Asker {
    pub actor: Actor,
    /// The person a history row names.
    pub author: Option<Author>,
    pub request_id: Option<String>,
}

fn no(code: Code, detail: &str) -> Failure {
    Failure::Problem(Problem::new(code, detail))
}

/// One path of `conflicts/resolve`.
#[derive(Debug, Clone)]
pub enum Choice {
    Project,
    Github,
    Content(Vec<u8>),
}

/// `strategy`, or path by path.
#[derive(Debug, Clone)]
pub enum Resolutions {
    All(Choice),
    Each(Vec<(FilePath, Choice)>),
}

impl Engine {
    /// `syncs`: a sync now, or the one that is queued or running.
    pub async fn sync_now(&self, project: &str, asker: &Asker) -> Result<Sync, Failure> {
        let asked = self
            .store
            .request(project, async |tx, locked| {
                let (locked, link) = connected(locked)?;
                if let Some(problem) = problem_of(&link) {
                    // The cause may be gone: looked at now, answered as it stands.
                    crate::store::integrations::set_due(tx, locked.pid, link.now, true).await?;
                    return Ok((locked.pid, Err(problem)));
                }
                holds::forget_refusals(tx, locked.pid).await?;
                let sync = requests::queue_sync(tx, &locked, &link, SyncKind::Manual, asker.author.clone()).await?;
                audit(tx, "sync.requested", project, &locked, asker, Some(&sync.id.to_string())).await?;
                Ok::<_, Failure>((locked.pid, Ok(sync)))
            })
            .await?;
        self.wake_for_person(Wake::Project { pid: asked.0 }).await;
        Ok(asked.1?)
    }

    /// `confirm`: the deletions that wait go through.
    pub async fn confirm(&self, project: &str, asker: &Asker) -> Result<Sync, Failure> {
        let (pid, sync) = self
            .store
            .request(project, async |tx, locked| {
                let (locked, link) = connected(locked)?;
                let Some(guard) = &link.confirm else {
                    return Err(no(Code::NothingToSync, "No sync waits to be confirmed."));
                };
                requests::confirm(tx, locked.pid, &guard.fingerprint).await?;
                let sync = requests::queue_sync(tx, &locked, &link, SyncKind::Manual, asker.author.clone()).await?;
                audit(tx, "sync.confirmed", project, &locked, asker, Some(&sync.id.to_string())).await?;
                Ok((locked.pid, sync))
            })
            .await?;
        self.wake_for_person(Wake::Project { pid }).await;
        Ok(sync)
    }

    /// `conflicts/resolve`.
    pub async fn resolve(&self, project: &str, resolutions: Resolutions, asker: &Asker) -> Result<Sync, Failure> {
        let (pid, sync) = self
            .store
            .request(project, async |tx, locked| {
                let (locked, link) = connected(locked)?;
                let held = conflicts::all(tx, locked.pid).await?;
                if held.is_empty() {
                    return Err(no(Code::NothingToSync, "Nothing is in conflict."));
                }
                let choices = self.choices(tx, locked.pid, held, &resolutions).await?;
                let absorbed = conflicts::settle(tx, locked.pid, locked.snapshot, &choices).await?;
                self.say_resolved(tx, &locked, project, &choices, absorbed.revision, &absorbed.changed).await?;
                let mut sync =
                    requests::queue_sync(tx, &locked, &link, SyncKind::Resolve, asker.author.clone()).await?;
                sync.revision = absorbed.revision;
                audit(tx, "conflict.resolved", project, &locked, asker, Some(&sync.id.to_string())).await?;
                Ok((locked.pid, sync))
            })
            .await?;
        self.wake_for_person(Wake::Project { pid }).await;
        Ok(sync)
    }

    /// `conflicts/resolve` with the strategy `pull_request`: the project takes GitHub's versions, its
    /// own go to a pull request.
    pub async fn resolve_by_pull_request(&self, project: &str, asker: &Asker) -> Result<Sync, Failure> {
        let (id, sync, collides) = self
            .store
            .request(project, async |tx, locked| {
                let (locked, link) = connected(locked)?;
                let held = conflicts::all(tx, locked.pid).await?;
                let Some(head) = link.head.filter(|_| !held.is_empty()) else {
                    return Err(no(Code::NothingToSync, "Nothing is in conflict."));
                };
                let (mut carries, mut choices) = (Carries::new(), BTreeMap::new());
                for conflict in held {
                    let carried = proposed(tx, locked.pid, &conflict).await?;
                    if !carried.is_empty() {
                        carries.extend(carried);
                        choices.insert(conflict.path.clone(), (conflict, Settle::Github));
                    }
                }
                if choices.is_empty() {
                    return Err(Problem::field("strategy", NOT_HOLDABLE).into());
                }
                let absorbed = conflicts::settle(tx, locked.pid, locked.snapshot, &choices).await?;
                self.say_resolved(tx, &locked, project, &choices, absorbed.revision, &absorbed.changed).await?;
                let place = Place {
                    pid: locked.pid,
                    connection: link.connection,
                    repository_id: link.repository_id,
                    branch: &link.branch,
                    head,
                    revision: absorbed.revision,
                    now: link.now,
                };
                let (id, sync) = proposals::write(tx, &place, &carries, asker.author.clone()).await?;
                let collides = choices.values().any(|(conflict, _)| conflict.collision);
                if collides {
                    // GitHub's side comes with a look, now that nothing is in its way.
                    crate::store::integrations::set_due(tx, locked.pid, link.now, true).await?;
                }
                audit(tx, "conflict.resolved", project, &locked, asker, Some(&sync.id.to_string())).await?;
                Ok((id, sync, collides.then_some(locked.pid)))
            })
            .await?;
        self.wake_for_person(Wake::PullRequest { id }).await;
        if let Some(pid) = collides {
            self.wake_for_person(Wake::Project { pid }).await;
        }
        Ok(sync)
    }

    async fn choices(
        &self,
        tx: &Transaction<'_>,
        pid: i64,
        held: Vec<Conflict>,
        resolutions: &Resolutions,
    ) -> Result<BTreeMap<FilePath, (Conflict, Settle)>, Failure> {
        let mut held: BTreeMap<FilePath, Conflict> = held.into_iter().map(|item| (item.path.clone(), item)).collect();
        let mut choices = BTreeMap::new();
        match resolutions {
            Resolutions::All(choice) => {
                if matches!(choice, Choice::Github) {
                    // What a project cannot hold stays held; the others are taken.
                    held.retain(|_, conflict| can_hold(conflict));
                }
                if held.is_empty() {
                    return Err(Problem::field("strategy", NOT_HOLDABLE).into());
                }
                for (path, conflict) in held {
                    let settle = settle(tx, pid, &conflict, choice, "strategy").await?;
                    choices.insert(path, (conflict, settle));
                }
            }
            Resolutions::Each(each) => {
                for (index, (path, choice)) in each.iter().enumerate() {
                    let field = format!("resolutions[{index}]");
                    let Some(conflict) = held.remove(path) else {
                        return Err(
                            Problem::field(format!("{field}.path"), format!("{path} is not in conflict")).into()
                        );
                    };
                    let settle = settle(tx, pid, &conflict, choice, &field).await?;
                    choices.insert(path.clone(), (conflict, settle));
                }
            }
        }
        Ok(choices)
    }

    async fn say_resolved(
        &self,
        tx: &Transaction<'_>,
        locked: &Locked,
        project: &str,
        choices: &BTreeMap<FilePath, (Conflict, Settle)>,
        revision: i64,
        changed: &std::collections::BTreeSet<FilePath>,
    ) -> Result<(), StoreError> {
        let files: Vec<_> = choices
            .iter()
            .filter(|(path, _)| changed.contains(*path))
            .map(|(path, (conflict, choice))| {
                let new = match choice {
                    Settle::Project => conflict.project,
                    Settle::Github => conflict.github,
                    Settle::Content { entry, .. } => Some(*entry),
                };
                let change = super::absorb::change_kind(conflict.project, new);
                super::view::changed_file(&SyncFile {
                    path: path.clone(),
                    change,
                    from: None,
                    old: conflict.project,
                    new,
                })
            })
            .chain(changed.iter().filter(|path| !choices.contains_key(*path)).map(|path| {
                // It lay in a folder that made way for GitHub's file.
                let (change, from) = (ChangeKind::Deleted, None);
                super::view::changed_file(&SyncFile { path: path.clone(), change, from, old: None, new: None })
            }))
            .collect();
        if files.is_empty() {
            return Ok(());
        }
        let data = json!({ "revision": revision, "files": files });
        crate::store::events::append(
            tx,
            Event::live("project.files_changed", &Actor::System, data).of(locked.pid, project),
        )
        .await
        .map(|_| ())
    }

    /// Another branch of the same repository: compared anew, with an empty base.
    pub async fn switch_branch(&self, project: &str, branch: &BranchName, asker: &Asker) -> Result<(), Failure> {
        let pid = match self.store.request(project, async |_, locked| Ok::<_, Failure>(connected(locked)?)).await? {
            (_, link) if link.branch == branch.as_str() => return Ok(()),
            (locked, _) => locked.pid,
        };
        let Some(on) = self.store.integration(pid).await? else {
            return Err(no(Code::NotConnected, "The project is not connected."));
        };
        match self.repo(&on).head(branch.as_str()).await? {
            HeadState::Branch(_) => {}
            HeadState::EmptyRepository => {}
            HeadState::Missing => return Err(super::outcome::branch_missing(branch.as_str()).into()),
        }
        let switched = self
            .store
            .request(project, async |tx, locked| {
                let (locked, link) = connected(locked)?;
                requests::switch_branch(tx, locked.pid, branch.as_str()).await?;
                let canceled = match link.sync_id {
                    Some(id) => crate::store::syncs::cancel(tx, locked.pid, Some(id)).await?,
                    None => Vec::new(),
                };
                requests::queue_sync(
                    tx,
                    &locked,
                    &Link { sync_id: None, branch: branch.to_string(), ..link },
                    SyncKind::Initial,
                    asker.author.clone(),
                )
                .await?;
                audit(tx, "settings.updated", project, &locked, asker, Some(branch.as_str())).await?;
                Ok::<_, Failure>(canceled)
            })
            .await;
        match switched {
            Err(Failure::Store(StoreError::Conflict(_))) => {
                Err(no(Code::AlreadyConnected, "Another connection uses this branch of the repository."))
            }
            Ok(canceled) => {
                self.count_canceled(&canceled);
                self.wake_for_person(Wake::Project { pid }).await;
                Ok(())
            }
            Err(other) => Err(other),
        }
    }
}

const NOT_HOLDABLE: &str = "GitHub's version is none that a project can hold: take the project's";

/// A submodule, or a file over the limit, stays on GitHub alone.
fn can_hold(conflict: &Conflict) -> bool {
    is_holdable(&conflict.path, conflict.github, conflict.github_size)
}

fn is_holdable(path: &FilePath, github: Option<Entry>, size: Option<i64>) -> bool {
    let size = size.and_then(|size| size.try_into().ok());
    github.is_none_or(|entry| !remote::is_unholdable(path, There { entry, size }))
}

/// What a pull request carries of the project's side of a conflict: of a file against a folder, the
/// file and all that lies in the folder. Nothing, where the project could not take GitHub's side.
async fn proposed(tx: &Transaction<'_>, pid: i64, conflict: &Conflict) -> Result<Carries, StoreError> {
    let mut carries = Carries::new();
    if !can_hold(conflict) {
        return Ok(carries);
    }
    carries.insert(conflict.path.clone(), Carried { entry: conflict.project, old: conflict.github, came_in: true });
    let inside = if conflict.collision { conflicts::inside(tx, pid, &conflict.path).await? } else { Vec::new() };
    for one in inside {
        if !is_holdable(&one.path, one.github, one.github_size) {
            return Ok(Carries::new());
        }
        if one.project != one.github {
            carries.insert(one.path, Carried { entry: one.project, old: one.github, came_in: true });
        }
    }
    Ok(carries)
}

/// Content that a person gives has to be a file of the project, as in a change request.
fn check_content(conflict: &Conflict, mode: Mode, content: &[u8], field: &str) -> Result<(), Failure> {
    let path = &conflict.path;
    if content.len() as u64 > remote::MAX_FILE {
        return Err(no(Code::FileTooLarge, &format!("{path} is larger than 50 MiB.")));
    }
    if mode == Mode::Symlink && (!(1..=4096).contains(&content.len()) || content.contains(&0)) {
        let why = format!("{path} is a symlink: its target has 1 to 4,096 bytes without NUL");
        return Err(Problem::field(format!("{field}.content"), why).into());
    }
    Ok(())
}

async fn settle(
    tx: &Transaction<'_>,
    pid: i64,
    conflict: &Conflict,
    choice: &Choice,
    field: &str,
) -> Result<Settle, Failure> {
    match choice {
        Choice::Project => Ok(Settle::Project),
        Choice::Github if !can_hold(conflict) => Err(Problem::field(format!("{field}.take"), NOT_HOLDABLE).into()),
        Choice::Github => Ok(Settle::Github),
        Choice::Content(_) if conflict.collision => {
            Err(Problem::field(format!("{field}.take"), "a file against a folder is settled by taking one of the two")
                .into())
        }
        Choice::Content(content) => {
            let sides = [conflict.project, conflict.github].into_iter().flatten().map(|entry| entry.mode);
            let mode = sides.into_iter().find(|mode| *mode != Mode::Submodule).unwrap_or(Mode::Regular);
            check_content(conflict, mode, content, field)?;
            let oid = Oid::of_blob(content);
            crate::store::record::keep_blob(tx, pid, oid, content).await?;
            Ok(Settle::Content { entry: Entry { oid, mode }, size: content.len() as i64 })
        }
    }
}

fn connected(locked: Option<Locked>) -> Result<(Locked, Link), Failure> {
    let mut locked = locked.ok_or_else(|| no(Code::NotFound, "There is no project of this id."))?;
    match locked.link.take() {
        Some(link) => Ok((locked, link)),
        None => Err(no(Code::NotConnected, "The project is not connected to a repository.")),
    }
}

/// Why nothing can be synced now, in the words of the integration's own error.
fn problem_of(link: &Link) -> Option<Problem> {
    if link.state == "connected" {
        return None;
    }
    Some(link.error.clone().unwrap_or_else(|| Problem::new(Code::RepositoryNotAccessible, "The connection is broken.")))
}

async fn audit(
    tx: &Transaction<'_>,
    action: &str,
    project: &str,
    locked: &Locked,
    asker: &Asker,
    target: Option<&str>,
) -> Result<(), StoreError> {
    let mut event = Event::audit(action, &asker.actor).of(locked.pid, project).request(asker.request_id.as_deref());
    event.target = target;
    crate::store::events::append(tx, event).await.map(|_| ())
}
