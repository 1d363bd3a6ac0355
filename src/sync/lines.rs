//! What differs between two texts, line by line: hunks of a patch, and how many lines came and went.
//!
//! Myers' algorithm with git's heuristics, so that counts are those that git and GitHub show. Where a
//! very long text is thoroughly reordered its lines are shown as gone and come: right, if not minimal.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput};

use super::gaps::{Gap, SHORT, gaps};
use super::merge::is_text;

/// Lines of context around a change.
const CONTEXT: u32 = 3;
/// How many lines of all gaps of a long text are compared with each other.
const MAX_COMPARED: usize = 4 * SHORT;

/// `(additions, deletions)` in lines, a missing side being empty; `None` when one is no text.
pub fn numstat(old: &[u8], new: &[u8]) -> Option<(u64, u64)> {
    if !is_text(old) || !is_text(new) {
        return None;
    }
    let changes = changes(&InternedInput::new(old, new));
    let sum = |side: fn(&Hunk) -> &Range<u32>| changes.iter().map(|change| side(change).len() as u64).sum();
    Some((sum(|change| &change.after), sum(|change| &change.before)))
}

/// Writes the hunks of a unified diff between two texts; nothing when they are equal.
pub(super) fn write_hunks(out: &mut Vec<u8>, old: &[u8], new: &[u8]) {
    let input = InternedInput::new(old, new);
    let mut near: Vec<Hunk> = Vec::new();
    for change in changes(&input) {
        if near.last().is_some_and(|last| change.before.start - last.before.end > 2 * CONTEXT) {
            write_hunk(out, &input, &near);
            near.clear();
        }
        near.push(change);
    }
    write_hunk(out, &input, &near);
}

/// The lines that differ.
fn changes(input: &InternedInput<&[u8]>) -> Vec<Hunk> {
    let (before, after, tokens) = (&input.before, &input.after, input.interner.num_tokens());
    if before.len().min(after.len()) <= SHORT {
        let mut diff = Diff::compute(Algorithm::Myers, input);
        diff.postprocess_lines(input);
        return diff.hunks().collect();
    }
    let mut left = MAX_COMPARED;
    let compare = |gap: Gap| {
        let size = gap.len();
        if size > SHORT || size > left {
            return vec![Hunk { before: as_u32(&gap.before), after: as_u32(&gap.after) }];
        }
        left -= size;
        let mut diff = Diff::default();
        diff.compute_with(Algorithm::Myers, &before[gap.before.clone()], &after[gap.after.clone()], tokens);
        diff.hunks().map(|hunk| moved(&hunk, &gap)).collect()
    };
    gaps(before, after, tokens).into_iter().flat_map(compare).collect()
}

/// A hunk of a gap, counted from the start of the texts.
fn moved(hunk: &Hunk, gap: &Gap) -> Hunk {
    let by = |lines: &Range<u32>, start: usize| lines.start + start as u32..lines.end + start as u32;
    Hunk { before: by(&hunk.before, gap.before.start), after: by(&hunk.after, gap.after.start) }
}

fn as_u32(lines: &Range<usize>) -> Range<u32> {
    lines.start as u32..lines.end as u32
}

/// One hunk: changes near each other and the lines around and between them.
fn write_hunk(out: &mut Vec<u8>, input: &InternedInput<&[u8]>, changes: &[Hunk]) {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return };
    let lead = first.before.start.min(CONTEXT);
    let tail = (input.before.len() as u32 - last.before.end).min(CONTEXT);
    let (old, new) =
        (first.before.start - lead..last.before.end + tail, first.after.start - lead..last.after.end + tail);
    out.extend_from_slice(format!("@@ -{} +{} @@\n", position(&old), position(&new)).as_bytes());
    let mut at = old.start;
    for change in changes {
        write_lines(out, b' ', input, &input.before, at..change.before.start);
        write_lines(out, b'-', input, &input.before, change.before.clone());
        write_lines(out, b'+', input, &input.after, change.after.clone());
        at = change.before.end;
    }
    write_lines(out, b' ', input, &input.before, at..old.end);
}

/// `start,count` as git has it: from 1, the count left out when it is 1; no lines stand after `start`.
fn position(lines: &Range<u32>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn write_lines(
    out: &mut Vec<u8>,
    sign: u8,
    input: &InternedInput<&[u8]>,
    side: &[imara_diff::Token],
    lines: Range<u32>,
) {
    for token in &side[lines.start as usize..lines.end as usize] {
        let line = input.interner[*token];
        out.push(sign);
        out.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunks(old: &str, new: &str) -> String {
        let mut out = Vec::new();
        write_hunks(&mut out, old.as_bytes(), new.as_bytes());
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn counts() {
        assert_eq!(numstat(b"a\nb\n", b"a\nc\nd\n"), Some((2, 1)));
        assert_eq!(numstat(b"", b"a\nb"), Some((2, 0)));
        assert_eq!(numstat(b"a\n", b"a"), Some((1, 1)));
        assert_eq!(numstat(b"same\n", b"same\n"), Some((0, 0)));
        assert_eq!(numstat(b"a\0", b"a\n"), None);
    }

    /// A generator of numbers that is the same everywhere.
    fn noise() -> impl FnMut() -> u64 {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        }
    }

    #[test]
    fn edits_of_a_long_text_are_found_exactly() {
        let old: Vec<String> = (0..120_000).map(|i| format!("{}\n", if i % 3 == 0 { i } else { i % 50 })).collect();
        let mut new = old.clone();
        new[5] = "x\n".to_owned();
        new.remove(60_000);
        new.insert(119_000, "y\n".to_owned());
        assert_eq!(numstat(old.concat().as_bytes(), new.concat().as_bytes()), Some((2, 2)));
        let patch = hunks(&old.concat(), &new.concat());
        assert_eq!(patch.matches("@@ -").count(), 3);
    }

    #[test]
    fn a_long_text_in_any_other_order_is_replaced_at_once() {
        let mut noise = noise();
        let mut text = |kinds: u64| (0..300_000).map(|_| format!("{}\n", noise() % kinds)).collect::<String>();
        for kinds in [2, 1000, 100_000] {
            let (added, deleted) = numstat(text(kinds).as_bytes(), text(kinds).as_bytes()).unwrap_or_default();
            assert!(added == deleted && added > 0);
        }
    }

    #[test]
    fn a_hunk_has_three_lines_around() {
        assert_eq!(
            hunks("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n"),
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"
        );
        assert_eq!(hunks("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
        assert_eq!(hunks("a", "a\n"), "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
        assert_eq!(hunks("a\n", "a\n"), "");
    }

    #[test]
    fn changes_six_lines_apart_share_a_hunk_and_seven_do_not() {
        let lines = |count: usize| "l\n".repeat(count);
        let near = hunks(&format!("a\n{}b\n", lines(6)), &format!("A\n{}B\n", lines(6)));
        let far = hunks(&format!("a\n{}b\n", lines(7)), &format!("A\n{}B\n", lines(7)));
        assert_eq!((near.matches("@@ -").count(), far.matches("@@ -").count()), (1, 2));
    }
}
