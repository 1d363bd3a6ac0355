//! Three-way merge of one file by line, and of its mode.
//!
//! gix-merge's text driver does the work: it stays fast on 100,000 differing lines and keeps bytes,
//! line ends and a missing newline at the end as they are. Changes that touch are a conflict, as in
//! git (`git merge-file`, against which the tests hold this). Very long texts that were thoroughly
//! reordered are not compared line by line: that is one conflict.

use std::num::NonZeroU8;

use gix_merge::blob::Resolution;
use gix_merge::blob::builtin_driver::text::{Conflict, ConflictStyle, Labels, Options};

use super::gaps::{Gap, SHORT, gaps};
use crate::model::Mode;

/// How many lines may have to be lined up one by one.
const MAX_COMPARED: usize = 3 * SHORT;
/// Texts of more lines are not looked into: their lines alone would fill the memory.
const MAX_LINES: usize = 4_000_000;

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Both sides' changes, together.
    Clean(Vec<u8>),
    /// Both changed the same lines. `marked` holds everything, with diff3 markers where they differ,
    /// labelled `project`, `base` and `github`.
    Conflict { marked: Vec<u8> },
    /// One of them is no text: only whole files can win.
    Binary,
}

/// git's rule: no NUL among the first 8,000 bytes.
pub fn is_text(bytes: &[u8]) -> bool {
    !bytes[..bytes.len().min(8000)].contains(&0)
}

/// Merges the project's and GitHub's version of a file. Without a base both added it: anything but
/// equal content is a conflict.
pub fn merge(base: Option<&[u8]>, project: &[u8], github: &[u8]) -> Merged {
    if project == github || base == Some(github) {
        return Merged::Clean(project.to_vec());
    }
    if base == Some(project) {
        return Merged::Clean(github.to_vec());
    }
    let ancestor = base.unwrap_or_default();
    if ![project, github, ancestor].into_iter().all(is_text) {
        return Merged::Binary;
    }
    if [project, github].into_iter().any(|side| is_too_hard(ancestor, side)) {
        return Merged::Conflict { marked: marked_whole(ancestor, project, github) };
    }
    let mut out = Vec::with_capacity(project.len().max(github.len()));
    let resolution = gix_merge::blob::builtin_driver::text(
        &mut out,
        &mut imara_diff::InternedInput::default(),
        labels(),
        project,
        ancestor,
        github,
        options(),
    );
    match resolution {
        Resolution::Complete if base.is_some() => Merged::Clean(out),
        _ => Merged::Conflict { marked: out },
    }
}

/// Whether so many lines stand elsewhere that lining them up would take long.
fn is_too_hard(base: &[u8], side: &[u8]) -> bool {
    if [base, side].into_iter().any(|text| text.iter().filter(|byte| **byte == b'\n').count() > MAX_LINES) {
        return true;
    }
    let input = imara_diff::InternedInput::new(base, side);
    if input.before.len().min(input.after.len()) <= SHORT {
        return false;
    }
    let gaps = gaps(&input.before, &input.after, input.interner.num_tokens());
    gaps.iter().map(Gap::len).sum::<usize>() > MAX_COMPARED
}

/// One conflict from the first line that differs to the last.
fn marked_whole(base: &[u8], project: &[u8], github: &[u8]) -> Vec<u8> {
    let start = lines_in_common(base, project).min(lines_in_common(base, github));
    let mut out = base[..start].to_vec();
    let [base, project, github] = [base, project, github].map(|text| &text[start..]);
    let end = lines_in_common_at_end(base, project).min(lines_in_common_at_end(base, github));
    for (marker, text) in [("<<<<<<< project\n", project), ("||||||| base\n", base), ("=======\n", github)] {
        out.extend_from_slice(marker.as_bytes());
        out.extend_from_slice(&text[..text.len() - end]);
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
    out.extend_from_slice(b">>>>>>> github\n");
    out.extend_from_slice(&base[base.len() - end..]);
    out
}

/// How many bytes both start with, up to the end of a line.
fn lines_in_common(a: &[u8], b: &[u8]) -> usize {
    let equal = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    a[..equal].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

/// How many bytes both end with, from the start of a line.
fn lines_in_common_at_end(a: &[u8], b: &[u8]) -> usize {
    let equal = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let tail = &a[a.len() - equal..];
    tail.iter().position(|byte| *byte == b'\n').map_or(0, |at| tail.len() - at - 1)
}

fn labels() -> Labels<'static> {
    Labels { ancestor: Some("base".into()), current: Some("project".into()), other: Some("github".into()) }
}

fn options() -> Options {
    Options {
        diff_algorithm: imara_diff::Algorithm::Myers,
        conflict: Conflict::Keep {
            style: ConflictStyle::Diff3,
            marker_size: NonZeroU8::MIN.saturating_add(Conflict::DEFAULT_MARKER_SIZE - 1),
        },
    }
}

/// The mode both agree on: the one that changed wins; changed to different ones on both sides is a
/// conflict, `None`. Without a base they have to be equal.
pub fn merge_mode(base: Option<Mode>, project: Mode, github: Mode) -> Option<Mode> {
    if project == github || base == Some(github) {
        Some(project)
    } else if base == Some(project) {
        Some(github)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(base: &str, project: &str, github: &str) -> Option<String> {
        match merge(Some(base.as_bytes()), project.as_bytes(), github.as_bytes()) {
            Merged::Clean(bytes) => String::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    #[test]
    fn changes_apart_merge() {
        assert_eq!(clean("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n").as_deref(), Some("A\nb\nC\n"));
        assert_eq!(clean("a\r\nb\r\nc", "A\r\nb\r\nc", "a\r\nb\r\nC").as_deref(), Some("A\r\nb\r\nC"));
        assert_eq!(clean("a\n", "a\nb\n", "a\nb\n").as_deref(), Some("a\nb\n"));
        assert_eq!(clean("a\nb\nc\n", "a\nb\nc\n", "").as_deref(), Some(""));
    }

    #[test]
    fn changes_that_touch_conflict() {
        assert_eq!(clean("a\nb\n", "A\nb\n", "a\nB\n"), None);
        assert_eq!(clean("a\n", "b\n", "c\n"), None);
    }

    #[test]
    fn conflicts_are_marked_with_both_sides_and_the_base() {
        let merged = merge(Some(b"1\na\n2\n"), b"1\nb\n2\n", b"1\nc\n2\n");
        let marked = "1\n<<<<<<< project\nb\n||||||| base\na\n=======\nc\n>>>>>>> github\n2\n";
        assert_eq!(merged, Merged::Conflict { marked: marked.into() });
    }

    #[test]
    fn without_a_base_only_equal_content_agrees() {
        assert_eq!(merge(None, b"a\n", b"a\n"), Merged::Clean(b"a\n".to_vec()));
        assert!(matches!(merge(None, b"a\n", b"a\nb\n"), Merged::Conflict { .. }));
        assert!(matches!(merge(None, b"", b"b\n"), Merged::Conflict { .. }));
    }

    #[test]
    fn binary_is_never_merged_by_line() {
        assert_eq!(merge(Some(b"a\0"), b"b\0", b"c\0"), Merged::Binary);
        assert_eq!(merge(Some(b"a\0"), b"a\0", b"c"), Merged::Clean(b"c".to_vec()));
        let mut late = vec![b'x'; 8000];
        assert!(is_text(&[late.as_slice(), b"\0"].concat()));
        late[7999] = 0;
        assert!(!is_text(&late));
    }

    #[test]
    fn a_long_text_in_any_other_order_is_one_conflict() {
        let text = |step: usize| {
            let middle: String = (0..200_000).map(|i| format!("{}\n", i * step % 199_999 % 1000)).collect();
            format!("first\n{middle}last\n")
        };
        let (base, project, github) = (text(1), text(7919), text(104_729));
        let merged = merge(Some(base.as_bytes()), project.as_bytes(), github.as_bytes());
        let Merged::Conflict { marked } = merged else { unreachable!("no line has its place") };
        let marked = String::from_utf8_lossy(&marked);
        assert!(marked.starts_with("first\n0\n<<<<<<< project\n") && marked.ends_with("\n>>>>>>> github\n0\nlast\n"));
        assert_eq!(marked.lines().count(), 3 * (200_000 - 2) + 4 + 4);
    }

    #[test]
    fn modes() {
        use Mode::{Executable, Regular, Symlink};
        assert_eq!(merge_mode(Some(Regular), Executable, Regular), Some(Executable));
        assert_eq!(merge_mode(Some(Regular), Regular, Executable), Some(Executable));
        assert_eq!(merge_mode(Some(Regular), Executable, Executable), Some(Executable));
        assert_eq!(merge_mode(Some(Regular), Executable, Symlink), None);
        assert_eq!(merge_mode(None, Executable, Regular), None);
    }
}
