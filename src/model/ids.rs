//! The host's own ids for projects and users, and names of repositories.

use serde::{Deserialize, Serialize};

/// Why a name was refused, in words for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses the text, or says what is wrong with it.
            pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
                let text = text.into();
                $check(&text).map_err(|why| Invalid(why.to_owned()))?;
                Ok(Self(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_string!(
    /// A project: 1 to 128 of `A-Z a-z 0-9 . _ -`, not starting with `.`.
    ProjectId,
    check_project
);
checked_string!(
    /// A person of the host: 1 to 128 characters, none of them a control character.
    UserId,
    check_user
);
checked_string!(
    /// The name of a repository: 1 to 100 of `A-Z a-z 0-9 . _ -`, not `.` or `..`, not ending in
    /// `.git` or `.wiki`. GitHub rewrites other characters silently, so they are refused here.
    RepoName,
    check_repo
);

fn check_project(text: &str) -> Result<(), &'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if (1..=128).contains(&text.len()) && plain && !text.starts_with('.') {
        Ok(())
    } else {
        Err("a project id has 1 to 128 of A-Z a-z 0-9 . _ - and does not start with a dot")
    }
}

fn check_user(text: &str) -> Result<(), &'static str> {
    if !(1..=128).contains(&text.chars().count()) {
        Err("a user id has 1 to 128 characters")
    } else if text.chars().any(char::is_control) {
        Err("a user id has no control characters")
    } else {
        Ok(())
    }
}

fn check_repo(text: &str) -> Result<(), &'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let lower = text.to_ascii_lowercase();
    if !(1..=100).contains(&text.len()) || !plain {
        Err("a repository name has 1 to 100 of A-Z a-z 0-9 . _ -")
    } else if text == "." || text == ".." {
        Err("a repository cannot be named . or ..")
    } else if lower.ends_with(".git") || lower.ends_with(".wiki") {
        Err("a repository name does not end in .git or .wiki")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_ids() {
        for good in ["a", "site-1", "A.b_c", &"x".repeat(128)] {
            assert!(ProjectId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".a", "a/b", "a b", "ä", &"x".repeat(129)] {
            assert!(ProjectId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn repository_names() {
        for good in ["a", "My.Site_1-x", ".github"] {
            assert!(RepoName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a.git", "a.GIT", "a.wiki", "a b", &"x".repeat(101)] {
            assert!(RepoName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn user_ids_may_be_any_language() {
        assert!(UserId::parse("Ünal Ø").is_ok());
        assert!(UserId::parse("a\nb").is_err());
        assert!(UserId::parse("é".repeat(128)).is_ok());
        assert!(UserId::parse("é".repeat(129)).is_err());
    }
}
