//! Tables over small requests: files before, operations, files after.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn path(text: &str) -> FilePath {
    FilePath::parse(text).unwrap()
}

fn version(content: &str, mode: Mode) -> Version {
    Version { oid: Oid::of_blob(content.as_bytes()), mode, size: content.len() as i64 }
}

fn content(text: &str) -> NewContent {
    let no_symlink = text.is_empty().then_some("a symlink's target is not empty");
    NewContent { oid: Oid::of_blob(text.as_bytes()), size: text.len() as i64, content: 0, no_symlink }
}

/// `put a=1`, `put a=1 120000`, `put a=1 from 0`, `put a=1 from -`, `del a`, `del a from 0`, `mv a b`.
fn op(text: &str) -> Op {
    let words: Vec<&str> = text.split(' ').collect();
    let base = words.iter().position(|word| *word == "from").map(|at| match words[at + 1] {
        "-" => None,
        text => Some(Oid::of_blob(text.as_bytes())),
    });
    match words[0] {
        "put" => {
            let (name, text) = words[1].split_once('=').unwrap();
            let mode = words.get(2).and_then(|word| word.parse().ok());
            Op::Put { path: path(name), content: content(text), mode, base }
        }
        "del" => Op::Delete { path: path(words[1]), base },
        _ => Op::Rename { from: path(words[1]), path: path(words[2]) },
    }
}

fn run(before: &[(&str, &str)], ops: &[&str]) -> Result<Applied, Refusal> {
    let before = before.iter().map(|(name, text)| (path(name), version(text, Mode::Executable))).collect();
    let ops: Vec<Op> = ops.iter().map(|text| op(text)).collect();
    apply(&ops, &before)
}

/// The first refused field and its message.
fn refused(before: &[(&str, &str)], ops: &[&str]) -> (String, String) {
    match run(before, ops) {
        Err(Refusal::Invalid(errors)) => (errors[0].field.clone(), errors[0].message.clone()),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn operations_apply_in_order() {
    let applied = run(&[("a", "1")], &["mv a b", "put a=2", "put b=3", "del b", "put b=4 100644"]).unwrap();
    let expected = [("a", Some(version("2", Mode::Regular))), ("b", Some(version("4", Mode::Regular)))];
    assert_eq!(applied.files, expected.map(|(name, now)| (path(name), now)).into());
}

#[test]
fn a_put_keeps_the_mode_and_a_rename_carries_it() {
    let applied = run(&[("a", "1"), ("b", "2")], &["put a=9", "mv a b"]).unwrap();
    let expected = [("a", None), ("b", Some(version("9", Mode::Executable)))];
    assert_eq!(applied.files, expected.map(|(name, now)| (path(name), now)).into());
    assert_eq!(applied.origins, [(path("b"), path("a"))].into());
}

#[test]
fn a_chain_of_renames_remembers_where_it_began() {
    let applied = run(&[("a", "1")], &["mv a b", "mv b c"]).unwrap();
    assert_eq!(applied.origins, [(path("c"), path("a"))].into());
}

#[test]
fn what_is_not_there_is_neither_deleted_nor_renamed() {
    assert_eq!(refused(&[], &["del a"]).0, "changes[0].path");
    assert_eq!(refused(&[], &["mv a b"]).0, "changes[0].from");
    assert_eq!(refused(&[("a", "1")], &["del a", "del a"]).0, "changes[1].path");
    assert_eq!(refused(&[("a", "1")], &["mv a b", "mv a c"]).0, "changes[1].from");
}

#[test]
fn symlinks_have_a_target_and_are_not_gitmodules() {
    assert_eq!(refused(&[], &["put a= 120000"]).0, "changes[0].content");
    assert_eq!(refused(&[], &["put x/.GitModules=t 120000"]).0, "changes[0].path");
    assert_eq!(refused(&[], &["put a=t 120000", "mv a .gitmodules"]).0, "changes[1].path");
    assert_eq!(refused(&[], &["put a=t 120000", "put a="]).0, "changes[1].content");
    assert!(run(&[], &["put a=t 120000", "put .gitmodules=x"]).is_ok());
}

#[test]
fn no_path_is_file_and_folder_in_the_end() {
    let (field, message) = refused(&[], &["put a=1", "put a/b/c=2"]);
    assert_eq!((field.as_str(), message.contains("a/b/c")), ("changes[1].path", true));
    assert!(run(&[("a", "1")], &["put a/b=2", "del a"]).is_ok());
    assert!(run(&[], &["put a=1", "put a.b=2", "put ab/c=3"]).is_ok());
}

#[test]
fn an_editor_that_started_from_another_version_is_told_the_present_one() {
    let Err(Refusal::Stale(stale)) = run(&[("a", "1")], &["put a=2 from 0", "del a from -", "put b=1 from 7"]) else {
        panic!("not refused")
    };
    let present = Some(Oid::of_blob(b"1"));
    let told: Vec<_> = stale.iter().map(|s| (s.field.as_str(), s.path.as_str(), s.present)).collect();
    assert_eq!(
        told,
        [
            ("changes[0].base_oid", "a", present),
            ("changes[1].base_oid", "a", present),
            ("changes[2].base_oid", "b", None)
        ]
    );
    assert!(run(&[("a", "1")], &["put a=2 from 1", "del a from 2", "put a=3 from -"]).is_ok());
}
