//! `sync::merge` against `git merge-file --diff3`.

use lockstep::sync::merge::{Merged, merge};
use proptest::prelude::*;

use super::git::Git;

/// What git makes of it: the bytes, and whether they merged.
fn ask_git(git: &Git, base: &[u8], project: &[u8], github: &[u8]) -> (Vec<u8>, bool) {
    for (name, bytes) in [("base", base), ("project", project), ("github", github)] {
        git.write(name, bytes);
    }
    let output = git.run(&["merge-file", "-p", "--diff3", "project", "base", "github"], b"");
    let conflicts = output.status.code().unwrap();
    assert!((0..128).contains(&conflicts), "{}", String::from_utf8_lossy(&output.stderr));
    (output.stdout, conflicts == 0)
}

/// Lines that are all different, so that there is one way only in which they can differ.
fn distinct(length: usize) -> Vec<String> {
    (0..length).map(|i| format!("line {i}")).collect()
}

/// An edit at a place of the base: how many lines go and which come.
#[derive(Debug, Clone)]
struct Edit {
    at: usize,
    gone: usize,
    come: Vec<u8>,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = (0..12_usize, 0..3_usize, proptest::collection::vec(0..6_u8, 0..3));
    proptest::collection::vec(edit.prop_map(|(at, gone, come)| Edit { at, gone, come }), 0..4)
}

fn edited(base: &[String], edits: &[Edit], end: &str, closed: bool) -> Vec<u8> {
    let mut lines = base.to_vec();
    for edit in edits {
        let at = edit.at.min(lines.len());
        let until = (at + edit.gone).min(lines.len());
        lines.splice(at..until, edit.come.iter().map(|n| format!("new {n}")));
    }
    let text = lines.join(end) + if closed && !lines.is_empty() { end } else { "" };
    text.into_bytes()
}

/// Which line end a marker has is for each to choose.
fn without_cr(marked: &[u8]) -> String {
    String::from_utf8_lossy(marked).replace('\r', "")
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn merges_are_those_of_git(
        length in 0..12_usize, ours in edits(), theirs in edits(),
        crlf in any::<bool>(), closed in any::<[bool; 3]>(),
    ) {
        let (lines, end) = (distinct(length), if crlf { "\r\n" } else { "\n" });
        let base = edited(&lines, &[], end, closed[0]);
        let project = edited(&lines, &ours, end, closed[1]);
        let github = edited(&lines, &theirs, end, closed[2]);
        let (expected, clean) = ask_git(&Git::init(), &base, &project, &github);
        match merge(Some(&base), &project, &github) {
            Merged::Clean(bytes) => {
                prop_assert!(clean, "git has a conflict: {}", String::from_utf8_lossy(&expected));
                prop_assert_eq!(bytes, expected);
            }
            Merged::Conflict { marked } => {
                prop_assert!(!clean, "git merges to {:?}, we have {}", String::from_utf8_lossy(&expected), String::from_utf8_lossy(&marked));
                prop_assert_eq!(without_cr(&marked), without_cr(&expected));
            }
            Merged::Binary => prop_assert!(false, "text taken for binary"),
        }
    }

    /// Whatever the bytes: no panic, nothing invented, and the sides are interchangeable.
    #[test]
    fn any_bytes_merge_or_conflict(base in bytes(), project in bytes(), github in bytes()) {
        let (one, other) = (merge(Some(&base), &project, &github), merge(Some(&base), &github, &project));
        match (one, other) {
            (Merged::Clean(one), Merged::Clean(other)) => {
                prop_assert_eq!(&one, &other);
                let known = [&base, &project, &github].map(|text| text.split_inclusive(|b| *b == b'\n').collect::<Vec<_>>());
                for line in one.split_inclusive(|b| *b == b'\n') {
                    prop_assert!(known.iter().any(|lines| lines.contains(&line)), "{line:?} comes from nowhere");
                }
            }
            (Merged::Conflict { .. }, Merged::Conflict { .. }) | (Merged::Binary, Merged::Binary) => {}
            (one, other) => prop_assert!(false, "{one:?} one way, {other:?} the other"),
        }
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        9 => proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), Just(b'b'), Just(b'\r')], 0..24),
        1 => proptest::collection::vec(any::<u8>(), 0..24),
    ]
}

#[test]
fn a_hundred_thousand_differing_lines_take_no_time() {
    let text = |f: &dyn Fn(usize) -> String| (0..100_000).map(|i| f(i) + "\n").collect::<String>().into_bytes();
    let base = text(&|i| format!("line {i}"));
    let project = text(&|i| if i % 4 == 0 { format!("project {i}") } else { format!("line {i}") });
    let github = text(&|i| if i % 4 == 2 { format!("github {i}") } else { format!("line {i}") });
    let Merged::Clean(merged) = merge(Some(&base), &project, &github) else { panic!("no conflict here") };
    assert_eq!(merged.split(|b| *b == b'\n').filter(|line| line.starts_with(b"github")).count(), 25_000);
    assert!(matches!(
        merge(Some(&base), &text(&|i| format!("a{i}")), &text(&|i| format!("b{i}"))),
        Merged::Conflict { .. }
    ));
}
