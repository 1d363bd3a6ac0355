//! Three-way merge of one file by line, and of its mode.
//!
//! gix-merge's text driver does the work: it stays fast on 100,000 differing lines and keeps bytes,
//! line ends and a missing newline at the end as they are. Changes that touch are a conflict, as in
//! git (`git merge-file`, against which the tests hold this).

use std::num::NonZeroU8;

use gix_merge::blob::Resolution;
use gix_merge::blob::builtin_driver::text::{Conflict, ConflictStyle, Labels, Options};

use crate::model::Mode;

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
    fn modes() {
        use Mode::{Executable, Regular, Symlink};
        assert_eq!(merge_mode(Some(Regular), Executable, Regular), Some(Executable));
        assert_eq!(merge_mode(Some(Regular), Regular, Executable), Some(Executable));
        assert_eq!(merge_mode(Some(Regular), Executable, Executable), Some(Executable));
        assert_eq!(merge_mode(Some(Regular), Executable, Symlink), None);
        assert_eq!(merge_mode(None, Executable, Regular), None);
    }
}
