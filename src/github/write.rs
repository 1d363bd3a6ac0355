//! Making trees of any mode and size, in as few requests as GitHub lets through.
//!
//! GitHub gives up on a tree call above about 200 inline files or 2.5 MB, so calls are chained through
//! `base_tree`. Text travels inline; only what is no UTF-8, or too large, becomes a blob first.
//! <https://docs.github.com/en/rest/git/trees#create-a-tree>

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::commits::{about_workflows, access_for};
use super::error::{GithubError, Result};
use super::patience;
use super::repo::Repo;
use super::run::Effect;
use crate::model::{FilePath, Mode, Oid};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeChange {
    Put {
        mode: Mode,
        content: Content,
    },
    /// The path must be there.
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Inline(Bytes),
    /// An object that the repository has.
    Known(Oid),
}

/// Entries of one call, and bytes of their content.
const ENTRIES: usize = 100;
const BYTES: usize = 2 << 20;
/// Failures of tree calls after which it is not the size.
const FAILURES: usize = 6;

type Change = (FilePath, TreeChange);

impl Repo {
    /// The tree that `base` (None: nothing) becomes by these changes, each path at most once.
    pub async fn write_tree(&self, base: Option<Oid>, changes: Vec<Change>) -> Result<Oid> {
        let changes = self.with_blobs(in_order(changes)).await?;
        let mut waiting: VecDeque<Vec<Change>> = chunks(changes).into();
        let (mut tree, mut failures) = (base, 0);
        while let Some(chunk) = waiting.pop_front() {
            match self.create_tree(tree, &chunk).await {
                Ok(made) => tree = Some(made),
                Err(error) if is_about_size(&error) && failures < FAILURES => {
                    failures += 1;
                    self.smaller(chunk, error).await?.into_iter().rev().for_each(|part| waiting.push_front(part));
                }
                Err(error) => return Err(error),
            }
        }
        tree.ok_or_else(|| GithubError::Invalid("a tree without entries".to_owned()))
    }

    /// One call. An object that GitHub just made may not be everywhere yet: tried again for some seconds.
    async fn create_tree(&self, base: Option<Oid>, chunk: &[Change]) -> Result<Oid> {
        for pause in patience::REPLICATION {
            match self.try_tree(base, chunk).await {
                Err(error) if patience::is_lag(&error) => patience::pause(pause).await,
                outcome => return outcome,
            }
        }
        self.try_tree(base, chunk).await.map_err(|error| {
            if !patience::is_lag(&error) {
                return error;
            }
            self.github.inner.made.forget(self.id());
            GithubError::unavailable("GitHub does not find an object that it made")
        })
    }

    async fn try_tree(&self, base: Option<Oid>, chunk: &[Change]) -> Result<Oid> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            base_tree: Option<Oid>,
            tree: Vec<Line<'a>>,
        }
        #[derive(Deserialize)]
        struct Created {
            sha: Oid,
        }
        let paths = || chunk.iter().map(|(path, _)| path);
        let tree = chunk.iter().map(|(path, change)| Line { path, change }).collect();
        let call = self.call(Method::POST, "POST /repos/{owner}/{repo}/git/trees", "/git/trees");
        let call = call.with_json(&Body { base_tree: base, tree })?.up_to(super::transport::weight::TREE);
        let call = call.within(self.github.inner.settings.transfer_timeout);
        let sent = self.run(access_for(paths()), Effect::Adds, call).await;
        let created: Created = sent.map_err(|error| named(error, chunk))?.json(false)?;
        Ok(created.sha)
    }

    /// Content that cannot travel inline, made into blobs, eight at a time.
    async fn with_blobs(&self, changes: Vec<Change>) -> Result<Vec<Change>> {
        stream::iter(changes)
            .map(|(path, change)| async move {
                match change {
                    TreeChange::Put { mode, content: Content::Inline(bytes) } if !fits_inline(&bytes) => {
                        let made = self.create_blob(&bytes).await.map_err(|error| error.of_file(path.as_str()))?;
                        Ok((path, TreeChange::Put { mode, content: Content::Known(made) }))
                    }
                    change => Ok((path, change)),
                }
            })
            .buffered(8)
            .try_collect()
            .await
    }

    /// The same changes in calls of half the size; one file alone becomes a blob.
    async fn smaller(&self, mut chunk: Vec<Change>, error: GithubError) -> Result<Vec<Vec<Change>>> {
        if chunk.len() > 1 {
            let second = chunk.split_off(chunk.len() / 2);
            return Ok(vec![chunk, second]);
        }
        match chunk.pop() {
            Some((path, TreeChange::Put { mode, content: Content::Inline(bytes) })) => {
                let made = self.create_blob(&bytes).await.map_err(|error| error.of_file(path.as_str()))?;
                Ok(vec![vec![(path, TreeChange::Put { mode, content: Content::Known(made) })]])
            }
            _ => Err(error),
        }
    }

    /// Which of these files GitHub refuses by their content, for a refusal that names none. Text is
    /// asked about in trees that nothing refers to, halved until one file is left; the rest one by one.
    pub async fn find_refused(&self, files: Vec<(FilePath, Mode, Bytes)>) -> Result<Vec<FilePath>> {
        let (text, other): (Vec<_>, Vec<_>) = files.into_iter().partition(|(_, _, bytes)| fits_inline(bytes));
        let put = |(path, mode, bytes)| (path, TreeChange::Put { mode, content: Content::Inline(bytes) });
        let mut groups = chunks(text.iter().cloned().map(put).collect());
        groups.extend(other.into_iter().map(put).map(|file| vec![file]));
        let mut refused = self.refused_among(groups).await?;
        if refused.is_empty() && text.len() <= ENTRIES {
            // Trees may not be looked into before a branch has them.
            refused = self.refused_among(text.into_iter().map(put).map(|file| vec![file]).collect()).await?;
        }
        Ok(refused)
    }

    async fn refused_among(&self, mut groups: Vec<Vec<Change>>) -> Result<Vec<FilePath>> {
        let mut refused = Vec::new();
        while let Some(mut group) = groups.pop() {
            let asked = match group.as_slice() {
                [(_, TreeChange::Put { content: Content::Inline(bytes), .. })] => {
                    self.create_blob(bytes).await.map(|_| ())
                }
                some => self.create_tree(None, some).await.map(|_| ()),
            };
            match asked {
                Ok(()) => {}
                Err(GithubError::Refused { .. } | GithubError::TooLarge { .. }) if group.len() == 1 => {
                    refused.extend(group.pop().map(|(path, _)| path));
                }
                Err(GithubError::Refused { .. } | GithubError::TooLarge { .. }) => {
                    groups.push(group.split_off(group.len() / 2));
                    groups.push(group);
                }
                Err(error) => return Err(error),
            }
        }
        refused.sort();
        Ok(refused)
    }
}

/// One line of a tree call.
struct Line<'a> {
    path: &'a FilePath,
    change: &'a TreeChange,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("path", self.path)?;
        match self.change {
            TreeChange::Delete => {
                map.serialize_entry("mode", "100644")?;
                map.serialize_entry("type", "blob")?;
                map.serialize_entry("sha", &None::<Oid>)?;
            }
            TreeChange::Put { mode, content } => {
                map.serialize_entry("mode", mode.as_str())?;
                map.serialize_entry("type", if *mode == Mode::Submodule { "commit" } else { "blob" })?;
                match content {
                    Content::Known(oid) => map.serialize_entry("sha", oid)?,
                    Content::Inline(bytes) => map.serialize_entry("content", &String::from_utf8_lossy(bytes))?,
                }
            }
        }
        map.end()
    }
}

/// A file that takes a folder's place, or the other way round, is deleted first; everything else is
/// put before it is deleted, so that no step in between is an empty tree.
fn in_order(changes: Vec<Change>) -> Vec<Change> {
    let puts: BTreeSet<FilePath> =
        changes.iter().filter(|(_, change)| *change != TreeChange::Delete).map(|(path, _)| path.clone()).collect();
    let in_the_way = |path: &FilePath| {
        let below = format!("{path}/");
        let is_folder =
            puts.range::<str, _>((std::ops::Bound::Included(below.as_str()), std::ops::Bound::Unbounded)).next();
        is_folder.is_some_and(|put| put.as_str().starts_with(&below))
            || path.ancestors().any(|folder| puts.contains(folder))
    };
    let rank = |(path, change): &Change| match change {
        TreeChange::Delete if in_the_way(path) => 0,
        TreeChange::Put { .. } => 1,
        TreeChange::Delete => 2,
    };
    let mut ranked: Vec<_> = changes.into_iter().map(|change| (rank(&change), change)).collect();
    ranked.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.0.cmp(&right.0)));
    ranked.into_iter().map(|(_, change)| change).collect()
}

fn chunks(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let mut chunks: Vec<Vec<Change>> = Vec::new();
    let mut bytes = 0;
    for change in changes {
        let weight = weight_of(&change);
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < ENTRIES && bytes + weight <= BYTES => {
                chunk.push(change);
                bytes += weight;
            }
            _ => {
                chunks.push(vec![change]);
                bytes = weight;
            }
        }
    }
    chunks
}

/// Bytes of its line in the request, as far as it matters.
fn weight_of((path, change): &Change) -> usize {
    let content = match change {
        TreeChange::Put { content: Content::Inline(bytes), .. } => escaped(bytes),
        _ => 40,
    };
    path.as_str().len() + content + 60
}

/// How long a text is in JSON.
fn escaped(bytes: &[u8]) -> usize {
    let length = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..=31 => 6,
        _ => 1,
    };
    bytes.iter().map(length).sum()
}

/// NUL is UTF-8 but no text: GitHub's JSON may not keep it.
fn fits_inline(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok() && escaped(bytes) <= BYTES - 8192
}

/// A size that GitHub's time limit did not allow.
fn is_about_size(error: &GithubError) -> bool {
    match error {
        GithubError::TooLarge { .. } => true,
        GithubError::Unavailable { detail, .. } => {
            ["500", "502", "504"].iter().any(|status| detail.starts_with(status))
        }
        _ => false,
    }
}

/// A refusal of a call with one file is about that file.
fn named(error: GithubError, chunk: &[Change]) -> GithubError {
    let error = about_workflows(error, chunk.iter().map(|(path, _)| path));
    match chunk {
        [(path, _)] => error.about(|| vec![path.to_string()]),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn path(text: &str) -> FilePath {
        FilePath::parse(text).unwrap()
    }

    fn put(at: &str, bytes: usize) -> Change {
        (path(at), TreeChange::Put { mode: Mode::Regular, content: Content::Inline(vec![b'x'; bytes].into()) })
    }

    fn delete(at: &str) -> Change {
        (path(at), TreeChange::Delete)
    }

    #[test]
    fn calls_of_a_hundred_files_or_two_megabytes() {
        let sizes = |changes: Vec<Change>| chunks(changes).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..250).map(|n| put(&format!("f{n}"), 10)).collect()), [100, 100, 50]);
        assert_eq!(sizes((0..5).map(|n| put(&format!("f{n}"), 900_000)).collect()), [2, 2, 1]);
        assert_eq!(sizes(vec![put("a", BYTES - 8192)]), [1]);
        assert_eq!(sizes(vec![]), [0; 0]);
    }

    #[test]
    fn what_is_in_the_way_goes_first() {
        let order =
            |changes: Vec<Change>| in_order(changes).iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>();
        assert_eq!(order(vec![put("a/b", 1), delete("a"), delete("z"), put("c", 1)]), ["a", "a/b", "c", "z"]);
        assert_eq!(order(vec![put("d", 1), delete("d/e/f"), delete("d.x")]), ["d/e/f", "d", "d.x"]);
    }

    #[test]
    fn lines_of_every_kind() {
        let line = |change: &Change| serde_json::to_string(&Line { path: &change.0, change: &change.1 }).unwrap();
        assert_eq!(line(&delete("a")), r#"{"path":"a","mode":"100644","type":"blob","sha":null}"#);
        assert_eq!(line(&put("a", 2)), r#"{"path":"a","mode":"100644","type":"blob","content":"xx"}"#);
        let known = (path("l"), TreeChange::Put { mode: Mode::Symlink, content: Content::Known(Oid::of_blob(b"t")) });
        assert_eq!(
            line(&known),
            format!(r#"{{"path":"l","mode":"120000","type":"blob","sha":"{}"}}"#, Oid::of_blob(b"t"))
        );
    }

    #[test]
    fn only_text_of_some_size_is_inline() {
        assert!(fits_inline("ä\n".as_bytes()));
        assert!(!fits_inline(b"a\0b"));
        assert!(!fits_inline(&[0xff, 0xfe]));
        assert!(!fits_inline(&vec![b'x'; BYTES]));
    }
}
