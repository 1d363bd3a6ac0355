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
    Patch {
        additions: diff.count_additions(),
        deletions: diff.count_removals(),
        text: Some(text.to_string().trim_end_matches('\n').to_owned()),
    }
}

/// Git's own rule: a NUL in the first 8,000 bytes.
pub(crate) fn is_binary(data: &[u8]) -> bool {
    data.iter().take(8_000).any(|byte| *byte == 0)
}
