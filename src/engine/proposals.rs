//! Conflicts that go to a pull request: GitHub's version stays on the branch and in the project, the
//! project's own is proposed. The pull request's row is written in the transaction that takes
//! GitHub's version over, so that the project's is never without a place.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::decide::Decision;
use super::look::Look;
use super::pull_branch::files_of;
use crate::job::Wake;
use crate::model::{Author, Direction, Oid, SyncKind, SyncStatus};
use crate::store::pulls::{self, Carried, Carries, Pull};
use crate::store::record::Absorbed;
use crate::store::syncs::{self, Intent, Sync};
use crate::store::{StoreError, Transaction};

/// Where a proposal belongs.
pub(super) struct Place<'a> {
    pub pid: i64,
    pub connection: Uuid,
    pub repository_id: i64,
    pub branch: &'a str,
    pub head: Oid,
    pub revision: i64,
    pub now: DateTime<Utc>,
}

/// Writes the pull request that is to be made of these, and its history row.
pub(super) async fn write(
    tx: &Transaction<'_>,
    place: &Place<'_>,
    carries: &Carries,
    author: Option<Author>,
) -> Result<(i64, Sync), StoreError> {
    let title = title(carries);
    let branch = format!("lockstep/conflict-{}", Uuid::new_v4().simple().to_string().split_at(8).0);
    let mut sync = Sync::queued(
        Uuid::now_v7(),
        place.pid,
        place.connection,
        SyncKind::PullRequest,
        &branch,
        place.revision,
        place.now,
    );
    sync.status = SyncStatus::Queued;
    sync.direction = Direction::Push;
    sync.message = Some(title.clone());
    sync.files_changed = carries.len() as i64;
    sync.author = author.clone();
    sync.intent = Some(Intent { parent: Some(place.head), message: title.clone(), placeholder: None });
    syncs::save(tx, &sync).await?;
    syncs::save_files(tx, place.pid, sync.id, &files_of(carries)).await?;
    let pull = Pull {
        id: 0,
        pid: place.pid,
        connection: place.connection,
        repository_id: place.repository_id,
        number: None,
        sync_id: Some(sync.id),
        url: None,
        body: "These files were changed in the project and on GitHub, and the changes did not merge. \
               This is the project's version."
            .to_owned(),
        title,
        state: "creating".to_owned(),
        branch,
        base: place.branch.to_owned(),
        base_commit: Some(place.head),
        head_commit: None,
        checks: "none".to_owned(),
        review: "none".to_owned(),
        mergeable: None,
        merge_commit: None,
        draft: false,
        proposed: true,
        released: false,
        given_up: false,
        problem: None,
        attempts: 0,
        created_by: author.map(|author| author.id),
        created_at: place.now,
        updated_at: place.now,
    };
    Ok((pulls::insert(tx, &pull, carries).await?, sync))
}

fn title(carries: &Carries) -> String {
    let first = carries.keys().next().map_or("files", |path| path.file_name());
    match carries.len() {
        0 | 1 => format!("Project's version of {first}"),
        more => format!("Project's version of {first} and {} more files", more - 1),
    }
}

impl Look<'_> {
    /// Inside the transaction that absorbs: the project's side of what the policy sends to a pull request.
    pub(super) async fn write_proposal(
        &self,
        tx: &Transaction<'_>,
        decision: &Decision,
        absorbed: &Absorbed,
    ) -> Result<Option<i64>, StoreError> {
        let carries: Carries = decision
            .plan
            .propose
            .iter()
            .filter(|(path, _)| absorbed.changed.contains(*path))
            .filter_map(|(path, github)| {
                let row = decision.rows.get(path)?;
                Some((path.clone(), Carried { entry: row.project, old: *github, came_in: true }))
            })
            .collect();
        let Some(head) = decision.remote.head.filter(|_| !carries.is_empty()) else { return Ok(None) };
        let place = Place {
            pid: self.on.pid,
            connection: self.on.connection,
            repository_id: self.on.repository_id,
            branch: &self.on.branch,
            head: head.commit,
            revision: absorbed.revision,
            now: self.on.now,
        };
        let (id, _) = write(tx, &place, &carries, None).await?;
        Ok(Some(id))
    }

    pub(super) async fn wake_proposal(&self, id: Option<i64>) {
        if let Some(id) = id {
            self.engine.wake_at(Wake::PullRequest { id }, self.on.now).await;
        }
    }
}
