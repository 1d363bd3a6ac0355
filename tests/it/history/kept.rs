//! Every content the host was told is accepted: in the end each is somewhere, unless a later change of
//! the same path came within the same batch, before anybody looked at the project (contract 6.3). What
//! was merged by line is where its lines are.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Content, File, Mode, Tree};
use super::site::Site;

/// A version of a path, and what it replaced.
#[derive(Debug, Clone)]
struct Version {
    path: String,
    file: File,
    before: Option<File>,
    /// The number of the last look before it.
    looks: i64,
}

#[derive(Default)]
pub struct Kept {
    /// What has to be somewhere.
    kept: Vec<Version>,
    /// The newest version of each path.
    newest: BTreeMap<String, Version>,
}

impl Kept {
    /// A change was accepted, with nothing else going on.
    pub async fn accepted(&mut self, site: &Site<'_>, before: &Tree, after: &Tree) {
        let looks = site.looks().await;
        for path in changed(before, after) {
            let replaced = self.newest.remove(path);
            self.kept.extend(replaced.filter(|version| version.looks != looks));
            self.remember(path, before.get(path), after.get(path), looks);
        }
    }

    /// The same while somebody was looking: what it replaced may never have been seen.
    pub async fn accepted_in_a_race(&mut self, site: &Site<'_>, files: &Tree) {
        let looks = site.looks().await;
        for (path, file) in files {
            self.newest.remove(path);
            self.remember(path, None, Some(file), looks);
        }
    }

    fn remember(&mut self, path: &str, before: Option<&File>, file: Option<&File>, looks: i64) {
        if let Some(file) = file.copied() {
            let version = Version { path: path.to_owned(), file, before: before.copied(), looks };
            self.newest.insert(path.to_owned(), version);
        }
    }

    /// In the project, on a branch, in a conflict, or in history.
    pub async fn all_are_somewhere(&self, site: &Site<'_>) {
        let mut known: BTreeSet<String> = site.objects();
        known.extend(site.project.files().await.into_values().map(|(_, oid)| oid));
        known.extend(site.history_keeps().await);
        let all = self.kept.iter().chain(self.newest.values());
        let lost: Vec<_> =
            all.filter(|version| !version.is_in(&known)).map(|version| (&version.path, version.file)).collect();
        assert!(lost.is_empty(), "accepted and nowhere: {lost:?}");
    }
}

impl Version {
    fn is_in(&self, known: &BTreeSet<String>) -> bool {
        known.contains(&self.file.listed().1) || self.is_merged_into(known)
    }

    /// Whether some content has all lines that this version changed.
    fn is_merged_into(&self, known: &BTreeSet<String>) -> bool {
        let (Content::Cells(now), Some(Content::Cells(was))) =
            (self.file.content, self.before.map(|file| file.content))
        else {
            return false;
        };
        let all = || 0..super::files::VALUES;
        let contents = all().flat_map(|a| all().flat_map(move |b| all().map(move |c| [a, b, c])));
        let has_its_lines = |cells: &[u8; 3]| (0..3).all(|at| now[at] == was[at] || now[at] == cells[at]);
        let mut candidates = contents.filter(has_its_lines);
        candidates.any(|cells| {
            let file = File { mode: Mode::Regular, content: Content::Cells(cells) };
            known.contains(&file.listed().1)
        })
    }
}

fn changed<'a>(before: &'a Tree, after: &'a Tree) -> BTreeSet<&'a String> {
    before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path)).collect()
}
