//! `sync::diff` and `git apply`: a patch from one random tree to another makes the other; and counts of
//! lines against `git diff --numstat`.

use std::collections::BTreeMap;

use lockstep::model::{Entry, FilePath, Mode, Oid};
use lockstep::sync::diff::{FileDiff, Side, numstat, write};
use lockstep::sync::rename::{Candidate, detect};
use lockstep::sync::tree::tree_oid;
use proptest::prelude::*;

use super::git::Git;

type Files = BTreeMap<String, (Mode, Vec<u8>)>;

fn entry_of((mode, bytes): &(Mode, Vec<u8>)) -> Entry {
    Entry { oid: Oid::of_blob(bytes), mode: *mode }
}

fn side(file: &(Mode, Vec<u8>)) -> Side<'_> {
    Side { entry: entry_of(file), bytes: &file.1 }
}

/// The id of the tree with these files.
fn oid_of(files: &Files) -> String {
    tree_oid(&files.iter().map(|(path, file)| (path, entry_of(file))).collect::<Vec<_>>()).to_string()
}

fn missing_from<'a>(files: &'a Files, other: &Files) -> Vec<Candidate<'a>> {
    let gone = files.iter().filter(|(path, _)| !other.contains_key(*path));
    gone.map(|(path, file)| Candidate { path, entry: entry_of(file), content: Some(&file.1) }).collect()
}

/// The patch from one tree to the other, renames found.
fn patch(old: &Files, new: &Files) -> Vec<u8> {
    let renames = detect(&missing_from(old, new), &missing_from(new, old));
    let mut out = Vec::new();
    for rename in &renames {
        let (old, new) = (Some(side(&old[rename.from])), Some(side(&new[rename.to])));
        let from = Some(rename.from);
        write(&mut out, &FileDiff { path: rename.to, from, old, new, similarity: rename.similarity });
    }
    let renamed = |path: &str| renames.iter().any(|rename| rename.from == path || rename.to == path);
    let mut paths: Vec<_> = old.keys().chain(new.keys()).filter(|path| !renamed(path)).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let (old, new) = (old.get(path).map(side), new.get(path).map(side));
        write(&mut out, &FileDiff { path, from: None, old, new, similarity: 0 });
    }
    out
}

/// Puts the files into git's index.
fn stage(git: &Git, files: &Files) {
    git.ok(&["read-tree", "--empty"], b"");
    let names: Vec<_> = (0..files.len()).map(|i| format!("content-{i}")).collect();
    names.iter().zip(files.values()).for_each(|(name, file)| git.write(name, &file.1));
    let oids = git.ok(&["hash-object", "-w", "--no-filters", "--stdin-paths"], names.join("\n").as_bytes());
    let oids = String::from_utf8(oids).unwrap();
    let lines = files.iter().zip(oids.lines()).map(|((path, file), oid)| format!("{} {oid}\t{path}\0", file.0));
    git.ok(&["update-index", "-z", "--index-info"], lines.collect::<String>().as_bytes());
}

fn index_oid(git: &Git) -> String {
    String::from_utf8(git.ok(&["write-tree"], b"")).unwrap().trim().to_owned()
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("a\n"),
        Just("b\n"),
        Just("\n"),
        Just("long line\r\n"),
        Just("-- x\n"),
        Just("+\n"),
        Just("é\n"),
        Just("\\ No\n")
    ];
    (proptest::collection::vec(line, 0..30), prop_oneof![2 => Just(""), 1 => Just("open"), 1 => Just("\r")])
        .prop_map(|(lines, end)| (lines.concat() + end).into_bytes())
}

fn file() -> impl Strategy<Value = (Mode, Vec<u8>)> {
    prop_oneof![
        6 => text().prop_map(|text| (Mode::Regular, text)),
        2 => text().prop_map(|text| (Mode::Executable, text)),
        1 => "[a-z./]{1,9}".prop_map(|target| (Mode::Symlink, target.into_bytes())),
    ]
}

/// Names that have to be quoted, ended with a tab, or could be taken for something else.
fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => "[a-c]", 1 => Just("with space".to_owned()), 1 => Just("é \"q\"".to_owned()), 1 => Just("日本".to_owned()), 1 => Just("-x".to_owned()),
        1 => Just("a b/b".to_owned()), 1 => Just("b b".to_owned()), 1 => Just("=>".to_owned()), 1 => Just(" lead".to_owned()), 1 => Just("trail ".to_owned()),
    ];
    proptest::collection::vec(name, 1..3).prop_map(|names| names.join("/"))
}

fn without_clashes(files: Vec<(String, (Mode, Vec<u8>))>) -> Files {
    let mut kept = Files::new();
    for (path, file) in files {
        let clash = kept.keys().any(|other| {
            other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/")) || *other == path
        });
        if !clash && FilePath::parse(path.clone()).is_ok() {
            kept.insert(path, file);
        }
    }
    kept
}

/// A tree, and another that shares some of it: files kept, changed, moved, gone, and new ones.
fn two_trees() -> impl Strategy<Value = (Files, Files)> {
    let old = proptest::collection::vec((path(), file()), 0..8).prop_map(without_clashes);
    let fates = proptest::collection::vec((0..6_u8, path(), file()), 8);
    (old, fates, proptest::collection::vec((path(), file()), 0..3)).prop_map(|(old, fates, mut new)| {
        for ((path, file), (fate, other, replaced)) in old.iter().zip(fates) {
            match fate {
                0 => {}
                1 => new.push((other, file.clone())),
                2 => new.push((path.clone(), replaced)),
                3 => new.push((other, (file.0, [&file.1[..], b"one more line\n"].concat()))),
                4 => new.push((
                    path.clone(),
                    (if file.0 == Mode::Regular { Mode::Executable } else { file.0 }, file.1.clone()),
                )),
                _ => new.push((path.clone(), file.clone())),
            }
        }
        (old, without_clashes(new))
    })
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn a_patch_makes_one_tree_of_the_other((old, new) in two_trees()) {
        let git = Git::init();
        stage(&git, &old);
        let patch = patch(&old, &new);
        if patch.is_empty() {
            prop_assert_eq!(oid_of(&old), oid_of(&new));
        } else {
            let applied = git.run(&["apply", "--cached", "--whitespace=nowarn"], &patch);
            prop_assert!(applied.status.success(), "{}\n{}", String::from_utf8_lossy(&applied.stderr), String::from_utf8_lossy(&patch));
        }
        prop_assert_eq!(index_oid(&git), oid_of(&new), "{}", String::from_utf8_lossy(&patch));
    }

    /// Lines that are all different can differ in one way only, so every algorithm counts the same.
    #[test]
    fn counts_are_those_of_git(gone in any::<[bool; 12]>(), come in any::<[bool; 12]>(), closed in any::<[bool; 2]>()) {
        let text = |keep: &[bool; 12], word: &str, closed: bool| {
            let lines: Vec<_> = (0..12).map(|i| if keep[i] { format!("line {i}") } else { format!("{word} {i}") }).collect();
            lines.join("\n") + if closed { "\n" } else { "" }
        };
        let (old, new) = (text(&gone, "old", closed[0]), text(&come, "new", closed[1]));
        let git = Git::init();
        git.write("old", old.as_bytes());
        git.write("new", new.as_bytes());
        let output = git.run(&["diff", "--no-index", "--numstat", "old", "new"], b"").stdout;
        let counts = String::from_utf8(output).unwrap();
        let mut words = counts.split_whitespace().map(|word| word.parse().unwrap_or(0));
        let expected = (words.next().unwrap_or(0), words.next().unwrap_or(0));
        prop_assert_eq!(numstat(old.as_bytes(), new.as_bytes()), Some(expected));
    }
}
