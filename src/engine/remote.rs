//! GitHub's side: where the head is, and what differs from what the rows reflect.

use std::collections::BTreeMap;

use super::look::{Look, Trouble};
use crate::github::{GithubError, Head, HeadState, RemoteEntry, RepositoryInfo};
use crate::model::{Entry, FilePath, Mode, path::is_dotgitmodules};
use crate::store::integrations::Recorded;

/// The largest file a project holds, in bytes.
pub const MAX_FILE: u64 = 50 << 20;

/// A path on GitHub's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct There {
    pub entry: Entry,
    pub size: Option<u64>,
}

/// What differs between the recorded head and the present one.
#[derive(Debug)]
pub(super) struct Remote {
    /// `None`: no commit yet.
    pub head: Option<Recorded>,
    /// GitHub was asked just now.
    pub asked: bool,
    /// Where GitHub was asked: whether the head is another than the recorded one.
    pub moved: bool,
    /// `paths` lists all of the tree, and whatever is not listed is not there.
    pub whole: bool,
    pub paths: BTreeMap<FilePath, Option<There>>,
}

impl Remote {
    /// GitHub was not asked: it is taken to be as recorded, and refuses the push if it is not.
    pub fn unchanged(head: Option<Recorded>) -> Self {
        Remote { head, asked: false, moved: false, whole: false, paths: BTreeMap::new() }
    }
}

impl Look<'_> {
    /// Reads the head, and of the trees only what differs.
    pub async fn read_remote(&mut self) -> Result<Remote, Trouble> {
        let likely = self.engine.hints.take(self.on.repository_id, &self.on.branch);
        let known = self.on.head.map(|head| Head { commit: head.commit, tree: head.tree });
        let found = self.repo.glimpse(&self.on.branch, known, &likely).await?;
        if found.repository.archived {
            return Err(Trouble::GitHub(super::outcome::archived(&found.repository.full_name)));
        }
        self.follow(&found.repository).await?;
        let head = match found.head {
            HeadState::Branch(head) => Some(Recorded { commit: head.commit, tree: head.tree }),
            HeadState::EmptyRepository => None,
            HeadState::Missing => return Err(Trouble::GitHub(super::outcome::branch_missing(&self.on.branch))),
        };
        self.heal().await?;
        if head == self.on.head && !self.on.rescan {
            return Ok(Remote { asked: true, ..Remote::unchanged(head) });
        }
        let (whole, paths) = self.read_paths(head).await?;
        Ok(Remote { head, asked: true, moved: true, whole, paths })
    }

    /// Names are for people: they follow the repository, which is known by its number.
    async fn follow(&mut self, repository: &RepositoryInfo) -> Result<(), Trouble> {
        let same = repository.full_name == self.on.full_name
            && repository.private == self.on.private
            && repository.default_branch == self.on.default_branch
            && repository.url == self.on.url;
        if same {
            return Ok(());
        }
        self.on.full_name.clone_from(&repository.full_name);
        self.on.private = repository.private;
        self.on.default_branch.clone_from(&repository.default_branch);
        self.on.url.clone_from(&repository.url);
        Ok(self.engine.store.follow_repository(self.lease, &self.on).await?)
    }

    async fn read_paths(&self, head: Option<Recorded>) -> Result<(bool, BTreeMap<FilePath, Option<There>>), Trouble> {
        let Some(head) = head else { return Ok((true, BTreeMap::new())) };
        let mut paths = BTreeMap::new();
        let known = self.on.head.filter(|_| !self.on.rescan).map(|recorded| recorded.tree);
        let (whole, deltas) = match self.repo.diff_trees(known, head.tree).await {
            // After a rewritten history GitHub may have thrown the old tree away.
            Err(GithubError::NotFound | GithubError::Invalid(_)) if known.is_some() => {
                (true, self.repo.diff_trees(None, head.tree).await?)
            }
            deltas => (known.is_none(), deltas?),
        };
        for delta in deltas {
            // A path that no project can hold is left alone.
            let Ok(path) = FilePath::parse(delta.path) else { continue };
            paths.insert(path, delta.new.map(There::from));
        }
        Ok((whole, paths))
    }
}

impl From<RemoteEntry> for There {
    fn from(entry: RemoteEntry) -> Self {
        There { entry: Entry { oid: entry.oid, mode: entry.mode }, size: entry.size }
    }
}

/// Whether the project could not take this over: it stays on GitHub alone.
pub(super) fn is_unholdable(path: &FilePath, there: There) -> bool {
    there.entry.mode == Mode::Submodule
        || there.size.is_some_and(|size| size > MAX_FILE)
        || (there.entry.mode == Mode::Symlink && is_dotgitmodules(path))
}
