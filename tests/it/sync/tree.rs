//! `sync::tree` against `git write-tree`, and accepted paths against `git fsck`.

use std::collections::BTreeMap;

use lockstep::model::{Entry, FilePath, Mode, Oid};
use lockstep::sync::tree::{folders, tree_oid};
use proptest::prelude::*;

use super::git::Git;

/// Writes the manifest into git's index and answers the root's id.
fn ask_git(git: &Git, files: &[(String, Entry)]) -> String {
    let lines = files.iter().map(|(path, entry)| format!("{} {}\t{path}\0", entry.mode, entry.oid));
    git.ok(&["read-tree", "--empty"], b"");
    git.ok(&["update-index", "-z", "--index-info"], lines.collect::<String>().as_bytes());
    let oid = git.ok(&["write-tree", "--missing-ok"], b"");
    String::from_utf8(oid).unwrap().trim().to_owned()
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab]", 3 => "[ab][.0/ -]?[ab]", 1 => "[ -~é日]{1,6}", 1 => Just("a.b".to_owned()), 1 => Just("a-".to_owned())]
}

fn entry() -> impl Strategy<Value = Entry> {
    let mode = prop_oneof![Just(Mode::Regular), Just(Mode::Executable), Just(Mode::Symlink)];
    (any::<u8>(), mode).prop_map(|(n, mode)| Entry { oid: Oid::of_blob(&[n]), mode })
}

/// Files of a project: valid paths, none both file and folder.
fn manifest() -> impl Strategy<Value = Vec<(String, Entry)>> {
    let path = proptest::collection::vec(segment(), 1..5).prop_map(|segments| segments.join("/"));
    proptest::collection::vec((path, entry()), 0..40).prop_map(|files| {
        let mut kept: BTreeMap<String, Entry> = BTreeMap::new();
        for (path, entry) in files {
            let below = format!("{path}/");
            let clash = kept.keys().any(|other| other.starts_with(&below) || path.starts_with(&format!("{other}/")));
            if !clash && FilePath::parse(path.clone()).is_ok() {
                kept.insert(path, entry);
            }
        }
        kept.into_iter().collect()
    })
}

/// Text that could be a path, and text that should not.
fn wild() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[.gGiItT~1: \u{200c}/a]{1,9}",
        "(a|\\.\\.?|\\.git|GIT~1|b ){1,2}(/(a|\\.\\.?|\\.gitmodules|c))?"
    ]
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn ids_are_those_of_git(files in manifest(), seed in any::<usize>()) {
        let git = Git::init();
        prop_assert_eq!(tree_oid(&files).to_string(), ask_git(&git, &files));
        let mut shuffled = files.clone();
        shuffled.rotate_left(if files.is_empty() { 0 } else { seed % files.len() });
        prop_assert_eq!(tree_oid(&shuffled), tree_oid(&files));
        for folder in folders(&files).into_iter().filter(|folder| !folder.path.is_empty()) {
            let below = format!("{}/", folder.path);
            let part: Vec<_> =
                files.iter().filter_map(|(path, entry)| Some((path.strip_prefix(&below)?.to_owned(), *entry))).collect();
            prop_assert_eq!(folder.oid, tree_oid(&part));
        }
    }

    /// What we accept as a path git takes into its index, and its fsck finds nothing wrong with it.
    #[test]
    fn accepted_paths_are_good_enough_for_git(paths in proptest::collection::vec(wild(), 1..20)) {
        let git = Git::init();
        let blob = String::from_utf8(git.ok(&["hash-object", "-w", "--stdin"], b"x")).unwrap();
        // Each in a folder of its own, so that none is in the way of another.
        let accepted = paths.into_iter().filter_map(|path| FilePath::parse(path).ok()).enumerate();
        let lines: String = accepted.map(|(i, path)| format!("100644 {}\tn{i}/{path}\0", blob.trim())).collect();
        let strict = ["-c", "core.protectHFS=true", "-c", "core.protectNTFS=true", "update-index", "-z", "--index-info"];
        let taken = git.run(&strict, lines.as_bytes());
        // git passes over what it does not take, and says so.
        prop_assert!(taken.status.success() && taken.stderr.is_empty(), "{}", String::from_utf8_lossy(&taken.stderr));
        git.ok(&["write-tree"], b"");
        let fsck = git.run(&["fsck", "--strict", "--no-dangling"], b"");
        prop_assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
    }
}
