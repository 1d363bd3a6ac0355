//! Paths of files in a project.
//!
//! The rules are the contract's: what git, NTFS or HFS+ would read as `.git` is refused, because a
//! clone of the repository would run it. Source of the `.git` variants: git's `path.c`
//! (`is_ntfs_dotgit`) and `utf8.c` (`is_hfs_dotgit`).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::Invalid;

/// The longest path, in bytes.
pub const MAX_PATH: usize = 4096;
/// Paths up to this many bytes are their own key; PostgreSQL's btree takes about 2,700 bytes.
const MAX_PLAIN_KEY: usize = 900;

/// 1 to 4,096 bytes of UTF-8, relative, `/`-separated, safe to check out anywhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

impl FilePath {
    pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        check(&text).map_err(|why| Invalid(why.to_owned()))?;
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What rows are keyed by: the path's bytes, or a prefix and a hash when it is long.
    pub fn key(&self) -> Vec<u8> {
        key_of(&self.0)
    }

    /// The folders above, nearest last: `a`, `a/b` for `a/b/c`.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }

    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// The key of any path text (folders too).
pub fn key_of(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    if bytes.len() <= MAX_PLAIN_KEY {
        return bytes.to_vec();
    }
    let mut key = bytes[..MAX_PLAIN_KEY - 32].to_vec();
    key.extend_from_slice(&Sha256::digest(bytes));
    key
}

impl TryFrom<String> for FilePath {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> String {
        path.0
    }
}

impl AsRef<str> for FilePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for FilePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn check(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("a path is not empty");
    }
    if text.len() > MAX_PATH {
        return Err("a path has at most 4,096 bytes");
    }
    if text.starts_with('/') {
        return Err("a path is relative: it does not start with a slash");
    }
    if text.contains('\\') {
        return Err("a path has no backslash: folders are separated by /");
    }
    if text.chars().any(|c| c <= '\u{1f}' || ('\u{7f}'..='\u{9f}').contains(&c)) {
        return Err("a path has no control characters");
    }
    text.split('/').try_for_each(check_segment)
}

fn check_segment(segment: &str) -> Result<(), &'static str> {
    match segment {
        "" => Err("a path has no empty segment"),
        "." | ".." => Err("a path has no . or .. segment"),
        _ if is_ntfs_dotgit(segment) || is_hfs_dotgit(segment) => {
            Err("a path has no segment that git or a file system reads as .git")
        }
        _ => Ok(()),
    }
}

/// NTFS drops dots and spaces at the end, has short names (`git~1`) and streams (`.git::$DATA`).
fn is_ntfs_dotgit(segment: &str) -> bool {
    let name = segment.split(':').next().unwrap_or(segment);
    let name = name.trim_end_matches(['.', ' ']);
    name.eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}

/// HFS+ ignores some code points and the case of letters.
fn is_hfs_dotgit(segment: &str) -> bool {
    without_ignorable(segment).eq_ignore_ascii_case(".git")
}

/// Whether git, NTFS or HFS+ read the name as `.gitmodules`, which must not be a symlink: git reads
/// it from the work tree (git's `verify_path` and `fsck` refuse such entries in any folder).
pub fn is_dotgitmodules(path: &FilePath) -> bool {
    let name = path.file_name();
    let first = name.split(':').next().unwrap_or(name).trim_end_matches(['.', ' ']);
    let lower = first.to_ascii_lowercase();
    lower == ".gitmodules" || without_ignorable(name).eq_ignore_ascii_case(".gitmodules") || is_short_gitmodules(&lower)
}

/// `gitmod~1` to `gitmod~4`, and the hashed short name `gi7eba~N` that NTFS falls back to.
fn is_short_gitmodules(lower: &str) -> bool {
    let Some((stem, number)) = lower.split_once('~') else { return false };
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (stem == "gitmod" && matches!(number, "1" | "2" | "3" | "4"))
        || (digits && stem.len() + 1 + number.len() <= 8 && stem.len() >= 2 && "gi7eba".starts_with(stem))
}

fn without_ignorable(name: &str) -> String {
    name.chars().filter(|c| !is_hfs_ignorable(*c)).collect()
}

fn is_hfs_ignorable(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_paths() {
        for good in ["a", "a/b.txt", ".gitignore", ".github/workflows/ci.yml", "git", "ä/ö", "a b", ".gitx", "x.git"]
        {
            assert!(FilePath::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn bad_paths() {
        let long = "a/".repeat(2048) + "b";
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "./a",
            "a\\b",
            "a\0b",
            "a\u{1f}",
            "a\u{7f}",
            "a\u{9f}b",
            ".git",
            ".GIT/config",
            "a/.git/hooks",
            ".git.",
            ".git ",
            "git~1",
            "GIT~1/x",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".Git . .",
            &long,
        ] {
            assert!(FilePath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn gitmodules_in_every_spelling() {
        for name in [
            ".gitmodules",
            ".GitModules",
            ".gitmodules.",
            "gitmod~1",
            "gi7eba~1",
            ".gitmodu\u{200d}les",
            "a/.gitmodules",
        ] {
            assert!(FilePath::parse(name).is_ok_and(|p| is_dotgitmodules(&p)), "{name}");
        }
        for name in ["gitmodules", ".gitmodules/a", "gitmod~5x", ".gitmodules2"] {
            assert!(FilePath::parse(name).is_ok_and(|p| !is_dotgitmodules(&p)), "{name}");
        }
    }

    #[test]
    fn keys_are_short_and_distinct() {
        let (one, two) = ("x".repeat(4000) + "1", "x".repeat(4000) + "2");
        assert!(key_of(&one).len() <= MAX_PLAIN_KEY);
        assert_ne!(key_of(&one), key_of(&two));
        assert_eq!(key_of("a/b"), b"a/b");
    }
}
