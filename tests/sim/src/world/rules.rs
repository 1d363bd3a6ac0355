//! Branch protection, rulesets and push protection: what keeps a push out.

use super::repository::Repository;

/// Classic protection of the branches whose name fits the pattern.
#[derive(Clone, Debug)]
pub(crate) struct Protection {
    pub(crate) pattern: String,
    pub(crate) kind: ProtectionKind,
}

/// What a protected branch asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtectionKind {
    PullRequest,
    StatusChecks,
    Locked,
    Restricted,
}

impl ProtectionKind {
    /// What GitHub says to a push.
    pub(crate) fn message(self) -> &'static str {
        match self {
            ProtectionKind::PullRequest => "At least 1 approving review is required by reviewers with write access.",
            ProtectionKind::StatusChecks => "Required status check \"ci\" is expected.",
            ProtectionKind::Locked => "This branch is locked.",
            ProtectionKind::Restricted => "You're not authorized to push to this branch.",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<ProtectionKind> {
        Some(match name {
            "pull_request" => ProtectionKind::PullRequest,
            "status_checks" => ProtectionKind::StatusChecks,
            "locked" => ProtectionKind::Locked,
            "restricted" => ProtectionKind::Restricted,
            _ => return None,
        })
    }
}

/// A ruleset over refs.
#[derive(Clone, Debug)]
pub(crate) struct Ruleset {
    pub(crate) id: u64,
    pub(crate) pattern: String,
    pub(crate) rule: Rule,
}

/// What a ruleset forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    PullRequest,
    Creation,
    Update,
    Deletion,
    Signatures,
    /// Commit messages must hold this text.
    MessagePattern(String),
    /// Paths that begin so may not be pushed.
    Path(String),
}

impl Rule {
    pub(crate) fn message(&self) -> String {
        match self {
            Rule::PullRequest => "Changes must be made through a pull request.".into(),
            Rule::Creation => "Cannot create ref due to creations being restricted.".into(),
            Rule::Update => "Cannot update this protected ref.".into(),
            Rule::Deletion => "Cannot delete this protected ref.".into(),
            Rule::Signatures => "Commits must have verified signatures.".into(),
            Rule::MessagePattern(text) => {
                format!("Commit message must match a given pattern: {text}")
            }
            Rule::Path(path) => format!("File path {path} is restricted."),
        }
    }

    /// As the API names its type.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Rule::PullRequest => "pull_request",
            Rule::Creation => "creation",
            Rule::Update => "update",
            Rule::Deletion => "deletion",
            Rule::Signatures => "required_signatures",
            Rule::MessagePattern(_) => "commit_message_pattern",
            Rule::Path(_) => "file_path_restriction",
        }
    }

    /// `pull_request`, `creation`, `update`, `deletion`, `signatures`, `message:TEXT`, `path:PREFIX`.
    pub(crate) fn parse(text: &str) -> Option<Rule> {
        Some(match text.split_once(':') {
            Some(("message", text)) => Rule::MessagePattern(text.to_owned()),
            Some(("path", path)) => Rule::Path(path.to_owned()),
            Some(_) => return None,
            None => match text {
                "pull_request" => Rule::PullRequest,
                "creation" => Rule::Creation,
                "update" => Rule::Update,
                "deletion" => Rule::Deletion,
                "signatures" => Rule::Signatures,
                _ => return None,
            },
        })
    }
}

impl Repository {
    pub(crate) fn protection(&self, branch: &str) -> Option<&Protection> {
        self.protections.iter().find(|it| fits(&it.pattern, branch))
    }

    /// The first secret pattern found in this content.
    pub(crate) fn secret_in(&self, content: &[u8]) -> Option<&str> {
        self.secrets.iter().find(|secret| contains(content, secret.as_bytes())).map(String::as_str)
    }
}

fn contains(content: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && content.windows(needle.len()).any(|part| part == needle)
}

/// Whether a branch name fits a pattern in which `*` stands for anything but `/`, and `**` or
/// `~ALL` for anything.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    if pattern == "~ALL" || pattern == "**" {
        return true;
    }
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            let (any, tail) = match tail.strip_prefix('*') {
                Some(tail) => (true, tail.trim_start_matches('/')),
                None => (false, tail),
            };
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.take_while(|at| any || !rest[..*at].contains('/')).any(|at| fits(tail, &rest[at..]))
        }),
    }
}
