//! Names of branches, by git's own rules (`git help check-ref-format`).

use serde::{Deserialize, Serialize};

use super::ids::Invalid;

/// A branch name without `refs/heads/`: 1 to 244 bytes that `git check-ref-format --branch` takes.
/// GitHub refuses longer ones and names of 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BranchName(String);

impl BranchName {
    pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if is_valid(&text) { Ok(Self(text)) } else { Err(Invalid("not a valid git branch name".to_owned())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_valid(text: &str) -> bool {
    let forbidden = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    (1..=244).contains(&text.len())
        && !text.chars().any(forbidden)
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && text != "@"
        && text != "HEAD"
        && !text.starts_with("refs/")
        && !(text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()))
        && text.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

impl TryFrom<String> for BranchName {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl From<BranchName> for String {
    fn from(name: BranchName) -> String {
        name.0
    }
}

impl std::fmt::Display for BranchName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["main", "feature/x", "a.b", "Ünïcode", "release-1.0"] {
            assert!(BranchName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a..b",
            "a b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a~1",
            "@",
            "a@{b",
            "-a",
            "a.",
            "HEAD",
            "refs/heads/x",
        ] {
            assert!(BranchName::parse(bad).is_err(), "{bad}");
        }
    }
}
