//! Every content the host was told is accepted: in the end each is somewhere, unless a later change of
//! the same path came within the same batch, before anybody looked at the project (contract 6.3).

use std::collections::{BTreeMap, BTreeSet};

use super::files::File;
use super::site::Site;

#[derive(Default)]
pub struct Kept {
    /// Objects that have to be somewhere.
    kept: BTreeMap<String, String>,
    /// The newest version of each path, and the number of the last look before it.
    newest: BTreeMap<String, (i64, String)>,
}

impl Kept {
    /// These versions of paths were accepted, with nothing else going on.
    pub async fn accepted(&mut self, site: &Site<'_>, versions: &BTreeMap<String, Option<File>>) {
        let looks = site.looks().await;
        for (path, file) in versions {
            if let Some((at, oid)) = self.newest.remove(path)
                && at != looks
            {
                self.kept.insert(oid, path.clone());
            }
            self.remember(path, *file, looks);
        }
    }

    /// The same while somebody was looking: what they replaced may never have been seen.
    pub async fn accepted_in_a_race(&mut self, site: &Site<'_>, versions: &BTreeMap<String, Option<File>>) {
        let looks = site.looks().await;
        versions.iter().for_each(|(path, file)| self.remember(path, *file, looks));
    }

    fn remember(&mut self, path: &str, file: Option<File>, looks: i64) {
        match file {
            Some(file) => drop(self.newest.insert(path.to_owned(), (looks, file.listed().1))),
            None => drop(self.newest.remove(path)),
        }
    }

    /// In the project, on a branch, in a conflict, or in history.
    pub async fn all_are_somewhere(&self, site: &Site<'_>) {
        let mut known: BTreeSet<String> = site.objects();
        known.extend(site.project.files().await.into_values().map(|(_, oid)| oid));
        known.extend(site.history_keeps().await);
        let newest = self.newest.iter().map(|(path, (_, oid))| (oid, path));
        let lost: Vec<_> = self.kept.iter().chain(newest).filter(|(oid, _)| !known.contains(*oid)).collect();
        assert!(lost.is_empty(), "accepted and nowhere: {lost:?}");
    }
}
