//! Drift: what webhooks did not tell. The heads of all connected branches are compared with GitHub's,
//! up to 100 branches a request, and integrations with a cause are looked at again, because it may
//! have gone. The status of open pull requests is read again. One replica at a time.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::Value;

use super::Engine;
use crate::github::{BranchOf, GithubError, HeadState, InstallationId, Look, RepoRef};
use crate::job::Wake;
use crate::model::Code;
use crate::store::StoreError;
use crate::store::periodic::{Connected, Unhealed};

const TASK: &str = "drift";
/// Rows read at a time.
const PAGE: i64 = 1000;
/// Branches of one request.
const BRANCHES: usize = 100;
/// Installations asked at a time.
const AT_ONCE: usize = 8;

impl Engine {
    /// Marks what differs to be looked at, unless another replica did within `every`. Answers how many
    /// projects that were.
    pub async fn check_drift(&self, every: Duration) -> Result<usize, StoreError> {
        if self.github.app().is_none() {
            return Ok(0);
        }
        let marked =
            self.in_turn(TASK, every, async |_| Ok::<_, StoreError>((Value::Null, self.compare_all().await?))).await?;
        Ok(marked.unwrap_or(0))
    }

    async fn compare_all(&self) -> Result<usize, StoreError> {
        let marked = self.probe_unhealed().await? + self.compare_heads().await?;
        let open = self.store.mark_open_pulls().await?;
        self.wake_all(open.into_iter().map(|id| Wake::PullRequest { id }).collect()).await;
        Ok(marked)
    }

    async fn probe_unhealed(&self) -> Result<usize, StoreError> {
        let (mut after, mut marked) = (0, 0);
        loop {
            let page = self.store.unhealed_after(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(marked) };
            after = last.pid;
            let probes: Vec<_> = page.iter().map(|one| self.find_installation(one)).collect();
            let mut probes = stream::iter(probes).buffer_unordered(AT_ONCE);
            while let Some(result) = probes.next().await {
                result?;
            }
            let pids: Vec<i64> = page.iter().map(|one| one.pid).collect();
            marked += self.mark(&pids).await?;
        }
    }

    /// Installed again, or moved within reach: another installation than the one that was known.
    async fn find_installation(&self, one: &Unhealed) -> Result<(), StoreError> {
        if !one.stopped {
            return Ok(());
        }
        match self.other_installation(&one.full_name, one.installation_id).await {
            Some(found) => self.store.move_installation(one.pid, one.installation_id, found).await,
            None => Ok(()),
        }
    }

    async fn compare_heads(&self) -> Result<usize, StoreError> {
        let (mut after, mut marked) = ((0, 0), 0);
        loop {
            let page = self.store.connected_after(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(marked) };
            after = (last.installation_id, last.pid);
            let groups = page.chunk_by(|a, b| a.installation_id == b.installation_id);
            let asked: Vec<_> = groups.flat_map(|one| one.chunks(BRANCHES)).map(|some| self.drifted(some)).collect();
            let found: Vec<Vec<i64>> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
            marked += self.mark(&found.concat()).await?;
        }
    }

    /// Those of one installation's branches that are not as the rows have them.
    async fn drifted(&self, some: &[Connected]) -> Vec<i64> {
        let Some(first) = some.first() else { return Vec::new() };
        let branches: Vec<BranchOf> = some.iter().map(branch_of).collect();
        match self.github.heads_of(InstallationId(first.installation_id), &branches).await {
            Ok(looks) => some
                .iter()
                .zip(looks)
                .filter(|(row, look)| differs(row, look.as_ref()))
                .map(|(row, _)| row.pid)
                .collect(),
            Err(error) if ends_connection(&error) => some.iter().map(|row| row.pid).collect(),
            Err(error) => {
                tracing::info!(installation = first.installation_id, %error, "heads could not be compared this time");
                Vec::new()
            }
        }
    }

    async fn mark(&self, pids: &[i64]) -> Result<usize, StoreError> {
        if pids.is_empty() {
            return Ok(0);
        }
        let wakes = self.store.look_at_remotes(pids).await?;
        let count = wakes.len();
        self.wake_all(wakes).await;
        Ok(count)
    }
}

fn branch_of(row: &Connected) -> BranchOf {
    let repository = RepoRef { id: row.repository_id, full_name: row.full_name.clone() };
    BranchOf { repository, branch: row.branch.clone() }
}

/// Whether a closer look is needed; what is not found needs one in any case.
fn differs(row: &Connected, look: Option<&Look>) -> bool {
    let Some(look) = look else { return true };
    let head = match look.head {
        HeadState::Branch(head) => Some(head.commit),
        HeadState::EmptyRepository => None,
        HeadState::Missing => return true,
    };
    let repository = &look.repository;
    head != row.head
        || repository.archived
        || repository.full_name != row.full_name
        || repository.private != row.private
        || repository.default_branch != row.default_branch
}

/// The installation is gone or suspended: each of its projects has to say so.
fn ends_connection(error: &GithubError) -> bool {
    let codes = [
        Code::InstallationRemoved,
        Code::InstallationSuspended,
        Code::RepositoryNotAccessible,
        Code::PermissionMissing,
    ];
    *error == GithubError::NotFound || matches!(error, GithubError::Refused { code, .. } if codes.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::{Head, RepositoryInfo};
    use crate::model::Oid;

    const A: Oid = Oid([1; 20]);
    const B: Oid = Oid([2; 20]);

    fn row(head: Option<Oid>) -> Connected {
        Connected {
            pid: 1,
            installation_id: 2,
            repository_id: 3,
            full_name: "acme/site".into(),
            private: true,
            default_branch: "main".into(),
            branch: "main".into(),
            head,
        }
    }

    fn look(head: HeadState) -> Look {
        let repository = RepositoryInfo {
            id: 3,
            full_name: "acme/site".into(),
            private: true,
            archived: false,
            default_branch: "main".into(),
            url: "https://github.com/acme/site".into(),
            created_at: None,
        };
        Look { head, repository }
    }

    fn at(commit: Oid) -> HeadState {
        HeadState::Branch(Head { commit, tree: commit })
    }

    #[test]
    fn only_what_differs_is_looked_at() {
        assert!(!differs(&row(Some(A)), Some(&look(at(A)))));
        assert!(!differs(&row(None), Some(&look(HeadState::EmptyRepository))));
        assert!(differs(&row(Some(A)), Some(&look(at(B)))));
        assert!(differs(&row(None), Some(&look(at(A)))));
        assert!(differs(&row(Some(A)), Some(&look(HeadState::EmptyRepository))));
        assert!(differs(&row(Some(A)), Some(&look(HeadState::Missing))));
        assert!(differs(&row(Some(A)), None));
    }

    #[test]
    fn the_repository_itself_is_compared_too() {
        let changed = |change: fn(&mut RepositoryInfo)| {
            let mut look = look(at(A));
            change(&mut look.repository);
            differs(&row(Some(A)), Some(&look))
        };
        assert!(!changed(|_| {}));
        assert!(changed(|repository| repository.archived = true));
        assert!(changed(|repository| repository.full_name = "acme/renamed".into()));
        assert!(changed(|repository| repository.private = false));
        assert!(changed(|repository| repository.default_branch = "trunk".into()));
    }
}
