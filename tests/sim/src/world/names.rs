//! GitHub's rules for the names of repositories.

/// What GitHub makes of a name: other characters become dashes, silently.
pub(crate) fn rewrite(name: &str) -> String {
    let mut rewritten = String::new();
    let mut in_run = false;
    for c in name.trim().chars() {
        let fine = c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if fine {
            rewritten.push(c);
        } else if !in_run {
            rewritten.push('-');
        }
        in_run = !fine;
    }
    rewritten
}

/// Why GitHub refuses a (rewritten) name, or nothing.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if name.is_empty() {
        return Some("name is too short (minimum is 1 character)");
    }
    if name.chars().count() > 100 {
        return Some("name is too long (maximum is 100 characters)");
    }
    if matches!(name, "." | "..") || lower.ends_with(".git") || lower.ends_with(".wiki") {
        return Some("name is reserved");
    }
    None
}
