//! Pairs what was deleted with what was added: renames, as git would find them.
//!
//! Equal content first, in time linear in the number of files; then content that is at least half the
//! same, counted in chunks as git's `diffcore-delta.c` does, within a bound of work. Two files of equal
//! rank are paired in the order of their paths, so the answer depends on the input alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{Entry, Mode, Oid};

/// The least similarity of a rename, in percent.
const MIN_SIMILARITY: u64 = 50;
/// More pairs than this are not compared; then only files of the same name are.
const MAX_PAIRS: usize = 100 * 100;
/// Larger files are not looked into.
const MAX_BYTES: usize = 1024 * 1024;
/// What is looked into altogether.
const MAX_TOTAL: usize = 128 * 1024 * 1024;
/// A chunk ends with the line, or after so many bytes.
const CHUNK: usize = 64;

/// A file that was deleted or added.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub path: &'a str,
    pub entry: Entry,
    /// Its bytes, where they are at hand: without them only equal content is found.
    pub content: Option<&'a [u8]>,
}

/// A deleted path and the added one that took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rename<'a> {
    pub from: &'a str,
    pub to: &'a str,
    /// In percent, 50 to 100.
    pub similarity: u8,
}

/// The renames, by the new path. Every path is in one of them at most.
pub fn detect<'a>(deleted: &[Candidate<'a>], added: &[Candidate<'a>]) -> Vec<Rename<'a>> {
    let mut renames = exact(deleted, added);
    let from: HashSet<_> = renames.iter().map(|rename| rename.from).collect();
    let to: HashSet<_> = renames.iter().map(|rename| rename.to).collect();
    let deleted = comparable(deleted, &from);
    let added = comparable(added, &to);
    renames.extend(similar(&deleted, &added));
    renames.sort_unstable_by_key(|rename| rename.to);
    renames
}

/// Deleted and added paths of equal content.
#[derive(Default)]
struct Group<'a> {
    from: Vec<&'a str>,
    to: Vec<&'a str>,
}

/// Equal content: those of the same name first, then in order.
fn exact<'a>(deleted: &[Candidate<'a>], added: &[Candidate<'a>]) -> Vec<Rename<'a>> {
    let mut groups: BTreeMap<(Oid, bool), Group<'a>> = BTreeMap::new();
    for file in deleted {
        groups.entry(content_of(file)).or_default().from.push(file.path);
    }
    for file in added {
        if let Some(group) = groups.get_mut(&content_of(file)) {
            group.to.push(file.path);
        }
    }
    groups.into_values().filter(|group| !group.to.is_empty()).flat_map(pair).collect()
}

/// Equal for files of equal content; a symlink is never the same as a file.
fn content_of(file: &Candidate<'_>) -> (Oid, bool) {
    (file.entry.oid, file.entry.mode.is_file())
}

fn pair(Group { mut from, mut to }: Group<'_>) -> Vec<Rename<'_>> {
    from.sort_unstable();
    to.sort_unstable();
    let rename = |from, to| Rename { from, to, similarity: 100 };
    // Reversed, so that popping takes the first path.
    let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
    from.iter().rev().for_each(|path| by_name.entry(name_of(path)).or_default().push(path));
    let mut taken = HashSet::new();
    let mut renames = Vec::new();
    to.retain(|to| match by_name.get_mut(name_of(to)).and_then(Vec::pop) {
        Some(from) => {
            taken.insert(from);
            renames.push(rename(from, *to));
            false
        }
        None => true,
    });
    let left = from.into_iter().filter(|path| !taken.contains(path));
    renames.extend(left.zip(to).map(|(from, to)| rename(from, to)));
    renames
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A file cut into chunks: their hashes in order, and how many bytes each stands for.
struct Chunks<'a> {
    path: &'a str,
    size: u64,
    bytes: Vec<(u64, u64)>,
}

/// What is left over and small enough to look into.
fn comparable<'a>(files: &[Candidate<'a>], taken: &HashSet<&str>) -> Vec<(&'a str, &'a [u8])> {
    let mut room = MAX_TOTAL / 2;
    let mut files: Vec<_> = files
        .iter()
        .filter(|file| matches!(file.entry.mode, Mode::Regular | Mode::Executable) && !taken.contains(file.path))
        .filter_map(|file| Some((file.path, file.content?)))
        .filter(|(_, content)| !content.is_empty() && content.len() <= MAX_BYTES)
        .collect();
    files.sort_unstable_by_key(|(path, _)| *path);
    files.retain(|(_, content)| {
        let fits = content.len() <= room;
        room -= if fits { content.len() } else { 0 };
        fits
    });
    files
}

/// Content that is alike: the most alike first, then those of the same name, then in order.
fn similar<'a>(deleted: &[(&'a str, &'a [u8])], added: &[(&'a str, &'a [u8])]) -> Vec<Rename<'a>> {
    let pairs = pairs_to_compare(deleted, added);
    let from: HashMap<_, _> = pairs.iter().map(|(i, _)| (*i, chunks(deleted[*i]))).collect();
    let to: HashMap<_, _> = pairs.iter().map(|(_, j)| (*j, chunks(added[*j]))).collect();
    let mut found: Vec<_> = pairs
        .into_iter()
        .filter_map(|(i, j)| Some((similarity(&from[&i], &to[&j])?, i, j)))
        .map(|(percent, i, j)| (100 - percent, name_of(from[&i].path) != name_of(to[&j].path), i, j))
        .collect();
    found.sort_unstable();
    let (mut gone, mut come) = (HashSet::new(), HashSet::new());
    found
        .into_iter()
        .filter(|(_, _, i, j)| !gone.contains(i) && !come.contains(j) && gone.insert(*i) && come.insert(*j))
        .map(|(rest, _, i, j)| Rename { from: from[&i].path, to: to[&j].path, similarity: (100 - rest) as u8 })
        .collect()
}

/// All pairs, or where there are too many those of the same name.
fn pairs_to_compare(deleted: &[(&str, &[u8])], added: &[(&str, &[u8])]) -> Vec<(usize, usize)> {
    if deleted.len().saturating_mul(added.len()) <= MAX_PAIRS {
        return (0..deleted.len()).flat_map(|i| (0..added.len()).map(move |j| (i, j))).collect();
    }
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    added.iter().enumerate().for_each(|(j, (path, _))| by_name.entry(name_of(path)).or_default().push(j));
    let named = deleted.iter().enumerate().filter_map(|(i, (path, _))| Some((i, by_name.get(name_of(path))?)));
    named.flat_map(|(i, js)| js.iter().map(move |j| (i, *j))).take(MAX_PAIRS).collect()
}

fn chunks<'a>((path, content): (&'a str, &[u8])) -> Chunks<'a> {
    let mut hashes: Vec<(u64, u64)> =
        content.split_inclusive(|b| *b == b'\n').flat_map(|line| line.chunks(CHUNK)).map(hash).collect();
    hashes.sort_unstable();
    hashes.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 += if same { next.1 } else { 0 };
        same
    });
    Chunks { path, size: content.len() as u64, bytes: hashes }
}

/// FNV-1a: the same everywhere and always.
fn hash(chunk: &[u8]) -> (u64, u64) {
    let hash = chunk
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    (hash, chunk.len() as u64)
}

/// How much of the larger file the other holds too, in percent; `None` below what makes a rename.
fn similarity(old: &Chunks<'_>, new: &Chunks<'_>) -> Option<u64> {
    let (small, large) = (old.size.min(new.size), old.size.max(new.size));
    if small * 100 < large * MIN_SIMILARITY {
        return None;
    }
    let percent = common(&old.bytes, &new.bytes) * 100 / large;
    // 100 is for equal content alone.
    (percent >= MIN_SIMILARITY).then_some(percent.min(99))
}

fn common(old: &[(u64, u64)], new: &[(u64, u64)]) -> u64 {
    let (mut i, mut j, mut bytes) = (0, 0, 0);
    while let (Some(a), Some(b)) = (old.get(i), new.get(j)) {
        if a.0 == b.0 {
            bytes += a.1.min(b.1);
        }
        i += usize::from(a.0 <= b.0);
        j += usize::from(b.0 <= a.0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file<'a>(path: &'a str, content: &'a str) -> Candidate<'a> {
        let entry = Entry { oid: Oid::of_blob(content.as_bytes()), mode: Mode::Regular };
        Candidate { path, entry, content: Some(content.as_bytes()) }
    }

    fn found(deleted: &[Candidate<'_>], added: &[Candidate<'_>]) -> Vec<(String, String, u8)> {
        let renames = detect(deleted, added).into_iter();
        renames.map(|rename| (rename.from.to_owned(), rename.to.to_owned(), rename.similarity)).collect()
    }

    fn one(from: &str, to: &str, similarity: u8) -> (String, String, u8) {
        (from.to_owned(), to.to_owned(), similarity)
    }

    #[test]
    fn equal_content_of_the_same_name_goes_first() {
        let deleted = [file("a/x", "same\n"), file("a/y", "same\n")];
        let added = [file("b/a", "same\n"), file("b/y", "same\n"), file("c", "same\n")];
        assert_eq!(found(&deleted, &added), [one("a/x", "b/a", 100), one("a/y", "b/y", 100)]);
    }

    #[test]
    fn half_the_same_is_a_rename_and_less_is_not() {
        let text =
            |same: usize| (0..10).map(move |i| if i < same { format!("line {i}\n") } else { format!("else {i}\n") });
        let (old, half, less): (String, String, String) = (text(10).collect(), text(5).collect(), text(4).collect());
        assert_eq!(found(&[file("a", &old)], &[file("b", &half)]), [one("a", "b", 50)]);
        assert_eq!(found(&[file("a", &old)], &[file("b", &less)]), []);
    }

    #[test]
    fn the_most_alike_are_paired() {
        let base: Vec<String> = (0..20).map(|i| format!("line number {i}\n")).collect();
        let text = |from: usize| base[from..].concat();
        let (all, most, some) = (text(0), text(1), text(5));
        let added = [file("p", &some), file("q", &most)];
        assert_eq!(found(&[file("a", &all)], &added)[0].1, "q");
    }

    #[test]
    fn symlinks_and_content_that_is_not_at_hand_are_only_renamed_when_equal() {
        let link = |path, target: &'static str| Candidate {
            entry: Entry { oid: Oid::of_blob(target.as_bytes()), mode: Mode::Symlink },
            ..file(path, target)
        };
        assert_eq!(found(&[link("a", "x")], &[file("b", "x")]), []);
        assert_eq!(found(&[link("a", "x")], &[link("b", "x")]), [one("a", "b", 100)]);
        let unknown = Candidate { content: None, ..file("a", "one\ntwo\n") };
        assert_eq!(found(&[unknown], &[file("b", "one\ntwo\nthree\n")]), []);
    }

    #[test]
    fn many_files_are_compared_by_name_only() {
        let contents: Vec<String> = (0..200).map(|i| format!("{i}\n").repeat(20)).collect();
        let names: Vec<String> = (0..200).map(|i| format!("f{i}")).collect();
        let moved: Vec<String> = names.iter().map(|name| format!("new/{name}")).collect();
        let edited: Vec<String> = contents.iter().map(|content| format!("{content}more\n")).collect();
        let deleted: Vec<_> = names.iter().zip(&contents).map(|(path, content)| file(path, content)).collect();
        let added: Vec<_> = moved.iter().zip(&edited).map(|(path, content)| file(path, content)).collect();
        let renames = detect(&deleted, &added);
        assert_eq!(renames.len(), 200);
        assert!(renames.iter().all(|rename| name_of(rename.from) == name_of(rename.to)));
    }
}
