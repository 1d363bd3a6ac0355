//! How much work a template may do.
//!
//! The engine's fuel pays for instructions and for bytes made, but not for reading a long text again:
//! a loop that slices a text of a megabyte, or looks it up in a map, reads far more than it pays for.
//! So a template that slices anything but the lists it is given, or makes maps, gets so little that
//! its texts stay short. The rest may go over 10,000 paths. The worst that is left, comparing megabytes
//! again and again, takes a few seconds of one core: run templates where nothing waits for that core.

/// In instructions, or 64 bytes made. Enough for a loop over 10,000 paths that picks some.
const PLENTY: u64 = 110_000;
/// Enough for a few hundred paths.
const LITTLE: u64 = 20_000;
/// The variables that are lists.
const LISTS: [&str; 2] = ["files", "authors"];

/// The fuel for one run of the template.
pub(super) fn fuel(source: &str) -> u64 {
    let colons = source.match_indices(':').all(|(at, _)| is_harmless(&source[..at]));
    if colons && !assigns_lists(source) { PLENTY } else { LITTLE }
}

/// Whether a colon after `before` stands in text or slices a list. Whatever is not plainly so is not:
/// the engine's own reading of quotes and brackets is not repeated here.
fn is_harmless(before: &str) -> bool {
    let Some(at) = before.rfind(['[', ']', '{', '}', '\'', '"']) else { return true };
    let ends_code = ["}}", "%}", "#}"].iter().any(|end| before[..=at].ends_with(end));
    ends_code || (before[at..].starts_with('[') && LISTS.contains(&last_word(&before[..at])))
}

/// Whether the template gives the name of a list to something else.
fn assigns_lists(source: &str) -> bool {
    LISTS
        .iter()
        .any(|list| source.match_indices(list).any(|(at, _)| is_assigned(&source[..at], &source[at + list.len()..])))
}

fn is_assigned(before: &str, after: &str) -> bool {
    let (before, after) = (before.trim_end(), after.trim_start());
    let compared = after.starts_with("==");
    before.ends_with(',')
        || last_word(before) == "set"
        || after.starts_with(',')
        || after.starts_with("in")
        || (after.starts_with('=') && !compared)
}

/// The identifier at the end of the text, if it stands alone there.
fn last_word(text: &str) -> &str {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    &text[text.rfind(|c| !is_word(c)).map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8))..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_of_lists_and_colons_in_text_are_harmless() {
        for source in [
            "{{ project }}: {{ summary }}",
            "Sync: {{ files[:20] | join(', ') }}",
            "{% for f in files[1:3] %}{{ f }}{% endfor %}: x",
            "{{ authors[0:2] }}",
            "{% if files == authors %}a{% endif %}",
        ] {
            assert_eq!(fuel(source), PLENTY, "{source}");
        }
    }

    #[test]
    fn what_could_read_much_gets_little() {
        for source in [
            "{{ summary[:50] }}",
            "{% set s = 'é' * 9 %}{{ s[5:] }}",
            "{% set files = 'é' * 9 %}{{ files[5:] }}",
            "{% set files %}é{% endset %}{{ files[5:] }}",
            "{% for a, files in x %}{{ files[5:] }}{% endfor %}",
            "{% for files in x %}{{ files[5:] }}{% endfor %}",
            "{% with files = 'é' %}{{ files[5:] }}{% endwith %}",
            "{{ {s: 1} }}",
            "{{ s['}}' | length:] }}",
            "{{ s[[0][0]:] }}",
            "{{ s[{} | length:] }}",
            "{{ x.files[5:] }}",
            "{{ myfiles[5:] }}",
            "{{ s[files[0] | length:] }}",
        ] {
            assert_eq!(fuel(source), LITTLE, "{source}");
        }
    }
}
