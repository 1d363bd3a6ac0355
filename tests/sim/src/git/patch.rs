//! Line counts and unified hunks of one changed file.

use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};

/// How one file's text changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) additions: u32,
    pub(crate) deletions: u32,
    /// The hunks, without file headers; nothing for binary content.
    pub(crate) text: Option<String>,
}

/// Compares two contents by line; a side that is not there is empty.
pub(crate) fn compare(old: &[u8], new: &[u8]) -> Patch {
    if is_binary(old) || is_binary(new) {
        return Patch::default();
    }
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let input = InternedInput::new(&*old, &*new);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let printer = BasicLineDiffPrinter(&input.interner);
    let text = diff.unified_diff(&printer, UnifiedDiffConfig::default(), &input);
    Patch { additions: diff.count_additions(), deletions: diff.count_removals(), text: Some(as_git(&text.to_string())) }
}

/// Git leaves out a count of one, and begins an empty side at the line before.
fn as_git(hunks: &str) -> String {
    let lines = hunks.lines().map(|line| header(line).unwrap_or_else(|| line.to_owned()));
    lines.collect::<Vec<String>>().join("\n")
}

fn header(line: &str) -> Option<String> {
    let inner = line.strip_prefix("@@ -")?.strip_suffix(" @@")?;
    let (old, new) = inner.split_once(" +")?;
    Some(format!("@@ -{} +{} @@", range(old)?, range(new)?))
}

fn range(text: &str) -> Option<String> {
    let (start, count) = text.split_once(',')?;
    let start: u32 = start.parse().ok()?;
    Some(match count {
        "0" => format!("{},0", start.saturating_sub(1)),
        "1" => start.to_string(),
        count => format!("{start},{count}"),
    })
}

/// Git's own rule: a NUL in the first 8,000 bytes.
pub(crate) fn is_binary(data: &[u8]) -> bool {
    data.iter().take(8_000).any(|byte| *byte == 0)
}
