//! Patches in git's extended unified format: what `git apply` takes.
//!
//! One [`FileDiff`] is one changed path. Format: `git help diff-generate-patch`; paths are quoted as
//! `core.quotePath` does by default. Binary content is named, not carried.

use super::lines::write_hunks;
use super::merge::is_text;
use crate::model::{Entry, Mode, Oid};

pub use super::lines::numstat;

/// One version of a file.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    pub entry: Entry,
    /// The content; of a symlink its target.
    pub bytes: &'a [u8],
}

/// What happened to one path.
#[derive(Debug, Clone, Copy)]
pub struct FileDiff<'a> {
    /// Where it is now, or was last.
    pub path: &'a str,
    /// Where it was, when it was renamed.
    pub from: Option<&'a str>,
    /// `None` when the path is new.
    pub old: Option<Side<'a>>,
    /// `None` when the path is deleted.
    pub new: Option<Side<'a>>,
    /// Of a rename: how alike both contents are, in percent.
    pub similarity: u8,
}

/// Appends the patch of one path to `out`. Nothing when nothing differs.
pub fn write(out: &mut Vec<u8>, diff: &FileDiff<'_>) {
    match (diff.old, diff.new) {
        // A patch cannot turn a file into a symlink: it takes one away and makes the other. So does one that
        // renames a symlink, because `git apply` would still see the old one in the way of a folder.
        (Some(old), Some(new)) if kind(old.entry.mode) != kind(new.entry.mode) || is_renamed_link(diff) => {
            write_one(out, &FileDiff { path: diff.from.unwrap_or(diff.path), from: None, new: None, ..*diff });
            write_one(out, &FileDiff { from: None, old: None, ..*diff });
        }
        (Some(old), Some(new)) if old.entry == new.entry && diff.from.is_none() => {}
        (None, None) => {}
        _ => write_one(out, diff),
    }
}

fn is_renamed_link(diff: &FileDiff<'_>) -> bool {
    diff.from.is_some() && diff.old.is_some_and(|old| old.entry.mode == Mode::Symlink)
}

/// What a patch cannot change.
fn kind(mode: Mode) -> u8 {
    match mode {
        Mode::Regular | Mode::Executable => 0,
        Mode::Symlink => 1,
        Mode::Submodule => 2,
    }
}

fn write_one(out: &mut Vec<u8>, diff: &FileDiff<'_>) {
    let from = diff.from.unwrap_or(diff.path);
    let (a, b) = (quoted("a/", from), quoted("b/", diff.path));
    line(out, &format!("diff --git {a} {b}"));
    write_modes(out, diff);
    if diff.from.is_some() {
        line(out, &format!("similarity index {}%", diff.similarity.min(100)));
        line(out, &format!("rename from {}", quoted("", from)));
        line(out, &format!("rename to {}", quoted("", diff.path)));
    }
    let oid = |side: Option<Side<'_>>| side.map_or(Oid::ZERO, |side| side.entry.oid);
    if oid(diff.old) == oid(diff.new) {
        return;
    }
    line(out, &format!("index {}..{}{}", oid(diff.old), oid(diff.new), shared_mode(diff)));
    let old = if diff.old.is_some() { a } else { "/dev/null".to_owned() };
    let new = if diff.new.is_some() { b } else { "/dev/null".to_owned() };
    write_content(out, (&old, bytes_of(diff.old)), (&new, bytes_of(diff.new)));
}

fn bytes_of<'a>(side: Option<Side<'a>>) -> &'a [u8] {
    side.map_or(&[], |side| side.bytes)
}

fn write_modes(out: &mut Vec<u8>, diff: &FileDiff<'_>) {
    match (diff.old, diff.new) {
        (None, Some(new)) => line(out, &format!("new file mode {}", new.entry.mode)),
        (Some(old), None) => line(out, &format!("deleted file mode {}", old.entry.mode)),
        (Some(old), Some(new)) if old.entry.mode != new.entry.mode => {
            line(out, &format!("old mode {}", old.entry.mode));
            line(out, &format!("new mode {}", new.entry.mode));
        }
        _ => {}
    }
}

/// The mode stands in the index line only where both sides have it.
fn shared_mode(diff: &FileDiff<'_>) -> String {
    match (diff.old, diff.new) {
        (Some(old), Some(new)) if old.entry.mode == new.entry.mode => format!(" {}", new.entry.mode),
        _ => String::new(),
    }
}

fn write_content(out: &mut Vec<u8>, (old_name, old): (&str, &[u8]), (new_name, new): (&str, &[u8])) {
    if !is_text(old) || !is_text(new) {
        line(out, &format!("Binary files {old_name} and {new_name} differ"));
    } else if old != new {
        line(out, &format!("--- {}", ended(old_name)));
        line(out, &format!("+++ {}", ended(new_name)));
        write_hunks(out, old, new);
    }
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

/// A tab ends a name with spaces, or what follows a space could be read as a time.
fn ended(name: &str) -> String {
    if name.contains(' ') { format!("{name}\t") } else { name.to_owned() }
}

/// A path as git prints it: in C's quotes when a byte of it is unusual.
fn quoted(prefix: &str, path: &str) -> String {
    let unusual = |byte: u8| !(0x20..0x7f).contains(&byte) || matches!(byte, b'"' | b'\\');
    if !path.bytes().any(unusual) {
        return format!("{prefix}{path}");
    }
    let mut text = format!("\"{prefix}");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            _ if unusual(byte) => text.push_str(&format!("\\{byte:03o}")),
            _ => text.push(char::from(byte)),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(bytes: &[u8], mode: Mode) -> Side<'_> {
        Side { entry: Entry { oid: Oid::of_blob(bytes), mode }, bytes }
    }

    fn patch(diff: FileDiff<'_>) -> String {
        let mut out = Vec::new();
        write(&mut out, &diff);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn change<'a>(path: &'a str, old: Option<Side<'a>>, new: Option<Side<'a>>) -> FileDiff<'a> {
        FileDiff { path, from: None, old, new, similarity: 0 }
    }

    #[test]
    fn a_changed_file() {
        let (old, new) = (side(b"a\n", Mode::Regular), side(b"b\n", Mode::Regular));
        assert_eq!(
            patch(change("x y", Some(old), Some(new))),
            "diff --git a/x y b/x y\n\
             index 78981922613b2afb6025042ff6bd878ac1994e85..61780798228d17af2d34fce4cfbdf35556832472 100644\n\
             --- a/x y\t\n+++ b/x y\t\n@@ -1 +1 @@\n-a\n+b\n"
        );
    }

    #[test]
    fn binary_is_named_only() {
        let text = patch(change("é", None, Some(side(b"\0", Mode::Regular))));
        assert!(text.starts_with("diff --git \"a/\\303\\251\" \"b/\\303\\251\"\nnew file mode 100644\nindex 000"));
        assert!(text.ends_with("\nBinary files /dev/null and \"b/\\303\\251\" differ\n"), "{text}");
    }

    #[test]
    fn a_rename_as_such() {
        let (old, new) = (side(b"a\n", Mode::Regular), side(b"a\n", Mode::Executable));
        let diff = FileDiff { path: "b", from: Some("a"), old: Some(old), new: Some(new), similarity: 100 };
        assert_eq!(
            patch(diff),
            "diff --git a/a b/b\nold mode 100644\nnew mode 100755\nsimilarity index 100%\nrename from a\nrename to b\n"
        );
    }

    #[test]
    fn a_file_that_becomes_a_symlink_is_taken_away_and_made() {
        let text = patch(change("a", Some(side(b"x\n", Mode::Regular)), Some(side(b"x", Mode::Symlink))));
        assert_eq!(text.matches("diff --git a/a b/a\n").count(), 2);
        assert!(text.contains("deleted file mode 100644\n") && text.contains("new file mode 120000\n"));
    }

    #[test]
    fn nothing_for_what_is_equal() {
        let same = side(b"a\n", Mode::Regular);
        assert_eq!(patch(change("a", Some(same), Some(same))), "");
        assert_eq!(patch(change("a", None, None)), "");
    }
}
