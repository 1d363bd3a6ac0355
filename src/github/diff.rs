//! What differs between two trees: only differing folders are read.
//!
//! A level of both trees is one GraphQL request, so one changed file costs as many requests as it
//! has folders above it, plus one. Where most differs, or one side is missing, recursive listings
//! are cheaper.

use std::collections::BTreeMap;
use std::fmt::Write;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{GithubError, Result};
use super::repo::Repo;
use super::tokens::Access;
use super::trees::{TreeEntry, TreeKind, empty_tree, is_readable, join, kind_of};
use crate::model::{Mode, Oid};

/// A file as GitHub has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteEntry {
    pub oid: Oid,
    pub mode: Mode,
    /// Bytes; None where GitHub does not say.
    pub size: Option<u64>,
}

/// A path that differs; a side that is None has no file there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeDelta {
    pub path: String,
    pub old: Option<RemoteEntry>,
    pub new: Option<RemoteEntry>,
}

/// A folder on both sides.
#[derive(Debug, Clone)]
struct Pair {
    prefix: String,
    old: Oid,
    new: Oid,
}

/// Folders on one side only, to be listed with everything below.
#[derive(Debug, Clone)]
struct Alone {
    prefix: String,
    oid: Oid,
    is_new: bool,
}

#[derive(Default)]
struct Found {
    deltas: Vec<TreeDelta>,
    pairs: Vec<Pair>,
    alone: Vec<Alone>,
}

/// Folders asked for in one request: twice as many trees.
const PAIRS: usize = 25;
/// More differing folders than this in one level: two whole listings cost less.
const MANY: usize = 150;
const AT_ONCE: usize = 4;

impl Repo {
    /// The paths that differ between two trees, sorted; `old` None is the empty tree. Names that are
    /// not UTF-8 are left out.
    pub async fn diff_trees(&self, old: Option<Oid>, new: Oid) -> Result<Vec<TreeDelta>> {
        let old = old.unwrap_or_else(empty_tree);
        if old == new {
            return Ok(Vec::new());
        }
        let root = String::new();
        let mut found = match (old == empty_tree(), new == empty_tree()) {
            (true, _) => Found { alone: vec![Alone { prefix: root, oid: new, is_new: true }], ..Found::default() },
            (_, true) => Found { alone: vec![Alone { prefix: root, oid: old, is_new: false }], ..Found::default() },
            _ => self.walk(old, new).await?,
        };
        found.deltas.extend(self.list_alone(std::mem::take(&mut found.alone)).await?);
        found.deltas.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(found.deltas)
    }

    async fn walk(&self, old: Oid, new: Oid) -> Result<Found> {
        let mut all = Found { pairs: vec![Pair { prefix: String::new(), old, new }], ..Found::default() };
        while !all.pairs.is_empty() {
            if all.pairs.len() > MANY {
                return self.compare_whole(old, new).await;
            }
            let pairs = std::mem::take(&mut all.pairs);
            let levels: Vec<Found> = stream::iter(pairs.chunks(PAIRS).map(<[Pair]>::to_vec))
                .map(|chunk| self.level(chunk))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
            for level in levels {
                all.deltas.extend(level.deltas);
                all.pairs.extend(level.pairs);
                all.alone.extend(level.alone);
            }
        }
        Ok(all)
    }

    /// One level of these folders on both sides.
    async fn level(&self, pairs: Vec<Pair>) -> Result<Found> {
        let wanted: Vec<Oid> = pairs.iter().flat_map(|pair| [pair.old, pair.new]).collect();
        let trees = self.levels(&wanted).await?;
        let mut found = Found::default();
        for (pair, sides) in pairs.iter().zip(trees.chunks(2)) {
            if let [old, new] = sides {
                compare(&pair.prefix, old, new, &mut found);
            }
        }
        Ok(found)
    }

    /// These trees, one level each; those that were shown already are not asked for.
    async fn levels(&self, wanted: &[Oid]) -> Result<Vec<Vec<TreeEntry>>> {
        let missing: Vec<Oid> = wanted.iter().copied().filter(|oid| self.shown.tree(*oid).is_none()).collect();
        if !missing.is_empty() {
            let trees = match self.levels_by_graphql(&missing).await {
                Ok(trees) => trees,
                Err(GithubError::Invalid(_) | GithubError::TooLarge { .. } | GithubError::Unavailable { .. }) => {
                    self.levels_by_rest(&missing).await?
                }
                Err(error) => return Err(error),
            };
            missing.iter().zip(trees).for_each(|(oid, entries)| self.shown.add_tree(*oid, entries));
        }
        Ok(wanted.iter().map(|oid| self.shown.tree(*oid).unwrap_or_default()).collect())
    }

    async fn levels_by_rest(&self, wanted: &[Oid]) -> Result<Vec<Vec<TreeEntry>>> {
        stream::iter(wanted.to_vec())
            .map(|oid| async move {
                let listing = self.tree(oid, false).await?;
                if listing.truncated {
                    return Err(GithubError::TooLarge {
                        detail: "a folder has more entries than GitHub lists".to_owned(),
                    });
                }
                Ok(listing.entries)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn levels_by_graphql(&self, wanted: &[Oid]) -> Result<Vec<Vec<TreeEntry>>> {
        let (owner, name) = self.owner_and_name()?;
        let text =
            objects_query(wanted, "... on Tree { entries { name mode type oid object { ... on Blob { byteSize } } } }");
        let graph = self.query("graphql trees", Access::Read, &text, json!({"owner": owner, "name": name})).await?;
        let data = graph.complete()?;
        (0..wanted.len()).map(|at| read_level(&data["repository"][alias(at)])).collect()
    }

    async fn compare_whole(&self, old: Oid, new: Oid) -> Result<Found> {
        let (old, new) = futures_util::try_join!(self.full_tree(old), self.full_tree(new))?;
        let mut found = Found::default();
        compare("", &old, &new, &mut found);
        Ok(found)
    }

    async fn list_alone(&self, alone: Vec<Alone>) -> Result<Vec<TreeDelta>> {
        let lists: Vec<Vec<TreeDelta>> = stream::iter(alone)
            .map(|folder| async move {
                let files = self.full_tree(folder.oid).await?;
                let deltas = files.iter().filter_map(|file| one_sided(&folder.prefix, file, folder.is_new));
                Ok::<_, GithubError>(deltas.collect())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(lists.into_iter().flatten().collect())
    }
}

/// What a commit has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtPath {
    Folder(Oid),
    /// A file, or a submodule.
    Other,
}

/// Paths of one request.
const PATHS: usize = 100;

impl Repo {
    /// What a commit has at these paths; those where it has nothing are left out.
    pub async fn at_paths(&self, commit: Oid, paths: Vec<String>) -> Result<BTreeMap<String, AtPath>> {
        let asked: Vec<BTreeMap<String, AtPath>> = stream::iter(paths.chunks(PATHS).map(<[String]>::to_vec))
            .map(|some| self.some_at_paths(commit, some))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(asked.into_iter().flatten().collect())
    }

    async fn some_at_paths(&self, commit: Oid, paths: Vec<String>) -> Result<BTreeMap<String, AtPath>> {
        let (owner, name) = self.owner_and_name()?;
        let mut text = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {".to_owned();
        for (at, path) in paths.iter().enumerate() {
            let expression = json!(format!("{commit}:{path}"));
            // Writing to a String does not fail.
            let _ = write!(text, " {}: object(expression: {expression}) {{ __typename oid }}", alias(at));
        }
        text.push_str(" } }");
        let graph = self.query("graphql paths", Access::Read, &text, json!({"owner": owner, "name": name})).await?;
        let data = graph.complete()?;
        let shown = paths.into_iter().enumerate().filter_map(|(at, path)| {
            let object = &data["repository"][alias(at)];
            let there = match object["__typename"].as_str()? {
                "Tree" => AtPath::Folder(object["oid"].as_str()?.parse().ok()?),
                _ => AtPath::Other,
            };
            Some((path, there))
        });
        Ok(shown.collect())
    }
}

/// `query` for several objects of the repository, each under an alias.
pub(crate) fn objects_query(wanted: &[Oid], selection: &str) -> String {
    let mut text = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {".to_owned();
    for (at, oid) in wanted.iter().enumerate() {
        // Writing to a String does not fail.
        let _ = write!(text, " {}: object(oid: \"{oid}\") {{ {selection} }}", alias(at));
    }
    text.push_str(" } }");
    text
}

pub(crate) fn alias(at: usize) -> String {
    format!("o{at}")
}

#[derive(Deserialize)]
struct GraphEntry {
    name: String,
    /// Octal in git, a plain integer here: 33188 is 100644.
    mode: u32,
    #[serde(rename = "type")]
    kind: String,
    oid: Oid,
    #[serde(default)]
    object: Option<Weighed>,
}

#[derive(Deserialize)]
struct Weighed {
    #[serde(default, rename = "byteSize")]
    bytes: Option<u64>,
}

pub(crate) fn read_level(object: &Value) -> Result<Vec<TreeEntry>> {
    let unreadable = || GithubError::Invalid("a tree that GraphQL does not show".to_owned());
    let entries = Vec::<GraphEntry>::deserialize(&object["entries"]).map_err(|_| unreadable())?;
    let entries = entries.into_iter().filter(|entry| is_readable(&entry.name));
    entries
        .map(|entry| {
            let kind = kind_of(&entry.kind, &format!("{:06o}", entry.mode))?;
            Ok(TreeEntry { path: entry.name, kind, oid: entry.oid, size: entry.object.and_then(|object| object.bytes) })
        })
        .collect()
}

/// Compares two listings of one folder.
fn compare(prefix: &str, old: &[TreeEntry], new: &[TreeEntry], found: &mut Found) {
    let mut sides: BTreeMap<&str, (Option<&TreeEntry>, Option<&TreeEntry>)> = BTreeMap::new();
    for entry in old {
        sides.entry(&entry.path).or_default().0 = Some(entry);
    }
    for entry in new {
        sides.entry(&entry.path).or_default().1 = Some(entry);
    }
    for (name, (old, new)) in sides {
        compare_entry(join(prefix, name), old, new, found);
    }
}

fn compare_entry(path: String, old: Option<&TreeEntry>, new: Option<&TreeEntry>, found: &mut Found) {
    let same = |a: &TreeEntry, b: &TreeEntry| a.oid == b.oid && a.kind == b.kind;
    if old.zip(new).is_some_and(|(a, b)| same(a, b)) {
        return;
    }
    let (old_file, new_file) = (old.and_then(remote), new.and_then(remote));
    let (old_folder, new_folder) = (old.and_then(folder), new.and_then(folder));
    if old_file.is_some() || new_file.is_some() {
        found.deltas.push(TreeDelta { path: path.clone(), old: old_file, new: new_file });
    }
    match (old_folder, new_folder) {
        (Some(old), Some(new)) => found.pairs.push(Pair { prefix: path, old, new }),
        (Some(oid), None) => found.alone.push(Alone { prefix: path, oid, is_new: false }),
        (None, Some(oid)) => found.alone.push(Alone { prefix: path, oid, is_new: true }),
        (None, None) => {}
    }
}

fn remote(entry: &TreeEntry) -> Option<RemoteEntry> {
    match entry.kind {
        TreeKind::File(mode) => Some(RemoteEntry { oid: entry.oid, mode, size: entry.size }),
        TreeKind::Folder => None,
    }
}

fn folder(entry: &TreeEntry) -> Option<Oid> {
    (entry.kind == TreeKind::Folder).then_some(entry.oid)
}

fn one_sided(prefix: &str, file: &TreeEntry, is_new: bool) -> Option<TreeDelta> {
    let side = remote(file)?;
    let path = join(prefix, &file.path);
    Some(if is_new {
        TreeDelta { path, old: None, new: Some(side) }
    } else {
        TreeDelta { path, old: Some(side), new: None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: TreeKind, content: &str) -> TreeEntry {
        TreeEntry { path: path.to_owned(), kind, oid: Oid::of_blob(content.as_bytes()), size: None }
    }

    fn file(path: &str, content: &str) -> TreeEntry {
        entry(path, TreeKind::File(Mode::Regular), content)
    }

    fn folder(path: &str, content: &str) -> TreeEntry {
        entry(path, TreeKind::Folder, content)
    }

    /// `+` and `-` for sides that are there, `=` for folders to open, `<` `>` for folders of one side.
    fn compared(old: &[TreeEntry], new: &[TreeEntry]) -> Vec<String> {
        let mut found = Found::default();
        compare("d", old, new, &mut found);
        let side = |there: bool, mark: char| if there { mark } else { ' ' };
        let deltas = found
            .deltas
            .iter()
            .map(|d| format!("{}{}{}", side(d.old.is_some(), '-'), side(d.new.is_some(), '+'), d.path));
        let pairs = found.pairs.iter().map(|pair| format!("= {}", pair.prefix));
        let alone = found.alone.iter().map(|one| format!("{} {}", if one.is_new { '>' } else { '<' }, one.prefix));
        deltas.chain(pairs).chain(alone).collect()
    }

    #[test]
    fn every_kind_of_difference() {
        let executable = entry("x", TreeKind::File(Mode::Executable), "same");
        assert_eq!(compared(&[file("a", "1")], &[file("a", "1")]), [""; 0]);
        assert_eq!(compared(&[file("a", "1")], &[file("a", "2")]), ["-+d/a"]);
        assert_eq!(compared(&[file("x", "same")], &[executable]), ["-+d/x"]);
        assert_eq!(compared(&[file("a", "1")], &[file("b", "1")]), ["- d/a", " +d/b"]);
        assert_eq!(compared(&[folder("f", "1"), folder("g", "1")], &[folder("f", "2"), folder("g", "1")]), ["= d/f"]);
        assert_eq!(compared(&[folder("f", "1")], &[file("f", "x")]), [" +d/f", "< d/f"]);
        assert_eq!(compared(&[file("f", "x")], &[folder("f", "1")]), ["- d/f", "> d/f"]);
    }
}
