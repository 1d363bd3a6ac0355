//! Trees: reading them, whole or a level at a time.
//! <https://docs.github.com/en/rest/git/trees>

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::error::{GithubError, Result};
use super::repo::Repo;
use super::tokens::Access;
use super::transport::weight;
use crate::model::{Mode, Oid};

/// One entry, its path relative to the tree that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    pub path: String,
    pub kind: TreeKind,
    pub oid: Oid,
    /// Bytes; None for folders and submodules, and where GitHub does not say.
    pub size: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeKind {
    Folder,
    /// `Mode::Submodule` is a commit of another repository.
    File(Mode),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeListing {
    pub entries: Vec<TreeEntry>,
    /// GitHub left entries out: more than 100,000, or more than 7 MB.
    pub truncated: bool,
}

#[derive(Deserialize)]
struct RestTree {
    sha: Oid,
    tree: Vec<RestEntry>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct RestEntry {
    path: String,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    sha: Oid,
    #[serde(default)]
    size: Option<u64>,
}

/// Trees asked for at the same time.
const AT_ONCE: usize = 6;

impl Repo {
    /// The entries of a tree: one level, or with those of all folders below.
    pub async fn tree(&self, oid: Oid, recursive: bool) -> Result<TreeListing> {
        if oid == empty_tree() {
            return Ok(TreeListing { entries: Vec::new(), truncated: false });
        }
        let tail = format!("/git/trees/{oid}{}", if recursive { "?recursive=1" } else { "" });
        let call = self.call(http::Method::GET, "GET /repos/{owner}/{repo}/git/trees/{sha}", &tail).up_to(weight::TREE);
        let answer = self.run(Access::Read, super::run::Effect::Reads, call).await?;
        let found: RestTree = answer.json(false)?;
        if found.sha != oid {
            return Err(GithubError::unavailable("GitHub answered with another tree"));
        }
        let readable = found.tree.into_iter().filter(|entry| is_readable(&entry.path));
        let entries = readable.map(read_entry).collect::<Result<Vec<_>>>()?;
        self.shown.add_sizes(&entries);
        Ok(TreeListing { entries, truncated: found.truncated })
    }

    /// Every file and submodule below a tree, sorted by path. A listing that GitHub cut off is made
    /// complete folder by folder.
    pub async fn full_tree(&self, oid: Oid) -> Result<Vec<TreeEntry>> {
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), oid)];
        while !folders.is_empty() {
            let listed: Vec<_> = stream::iter(std::mem::take(&mut folders))
                .map(|(prefix, oid)| async move { Ok::<_, GithubError>((prefix, self.whole_or_level(oid).await?)) })
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
            for (prefix, (entries, is_level)) in listed {
                for entry in entries {
                    let path = join(&prefix, &entry.path);
                    match entry.kind {
                        TreeKind::File(_) => files.push(TreeEntry { path, ..entry }),
                        TreeKind::Folder if is_level => folders.push((path, entry.oid)),
                        TreeKind::Folder => {}
                    }
                }
            }
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// All of a tree, or only its top level (true) when all is too much for one answer.
    async fn whole_or_level(&self, oid: Oid) -> Result<(Vec<TreeEntry>, bool)> {
        match self.tree(oid, true).await {
            Ok(listing) if !listing.truncated => return Ok((listing.entries, false)),
            Ok(_) | Err(GithubError::TooLarge { .. }) => {}
            Err(error) => return Err(error),
        }
        let level = self.tree(oid, false).await?;
        if level.truncated {
            return Err(GithubError::TooLarge { detail: "a folder has more entries than GitHub lists".to_owned() });
        }
        Ok((level.entries, true))
    }
}

fn read_entry(entry: RestEntry) -> Result<TreeEntry> {
    let kind = kind_of(&entry.kind, &entry.mode)?;
    Ok(TreeEntry { path: entry.path, kind, oid: entry.sha, size: entry.size })
}

/// git's own old modes, such as 100664, are read as regular files, as git does.
pub(crate) fn kind_of(kind: &str, mode: &str) -> Result<TreeKind> {
    match (kind, mode) {
        ("tree", _) => Ok(TreeKind::Folder),
        ("commit", _) => Ok(TreeKind::File(Mode::Submodule)),
        (_, "120000") => Ok(TreeKind::File(Mode::Symlink)),
        (_, "100755") => Ok(TreeKind::File(Mode::Executable)),
        (_, mode) if mode.starts_with("100") => Ok(TreeKind::File(Mode::Regular)),
        _ => Err(GithubError::unavailable("a tree entry of an unknown kind")),
    }
}

/// A name that is not UTF-8 comes with replacement characters: it cannot be told from others, so
/// such entries are left out. Nobody can say of such a path that GitHub does not have it.
pub fn is_readable(name: &str) -> bool {
    !name.contains('\u{fffd}')
}

pub(crate) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") }
}

/// GitHub does not keep git's empty tree in every repository.
pub(crate) fn empty_tree() -> Oid {
    Oid::of("tree", b"")
}
