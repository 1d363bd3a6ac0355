//! What a commit says: its headline, its body, and the people whose changes it carries.
//!
//! The default headline is `Add|Update|Delete|Rename PATH`; a project's own template
//! (`sync::template`) may say something else. Trailers name the authors, because GitHub makes the App
//! the author of every commit it verifies.

use std::collections::HashSet;

use super::template::Template;
use crate::model::{Author, ChangeKind};

/// The longest default headline, in characters.
const MAX_HEADLINE: usize = 200;
/// How many authors a commit names.
const MAX_TRAILERS: usize = 50;

/// One path of a commit. A rename is one change, by its new path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    pub path: &'a str,
    pub kind: ChangeKind,
}

/// What a commit is about.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub project: &'a str,
    /// In the order in which the message shall name them.
    pub changes: &'a [Changed<'a>],
    /// Whose changes these are; may name somebody twice.
    pub authors: &'a [Author],
    /// RFC 3339, UTC.
    pub timestamp: &'a str,
    /// The project's revision that the commit holds.
    pub revision: i64,
}

/// A commit's message. The headline is one line and never empty; the body may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub headline: String,
    pub body: String,
}

impl Message {
    /// Headline, blank line, body: what `git log` shows and the Git Data API takes.
    pub fn full(&self) -> String {
        if self.body.is_empty() { self.headline.clone() } else { format!("{}\n\n{}", self.headline, self.body) }
    }
}

/// The message of a commit: the template's, or the default where there is none or it fails; then a
/// `Co-authored-by` trailer for each author with an email.
pub fn render(template: Option<&Template>, facts: &Facts<'_>) -> Message {
    let own = template.and_then(|template| template.render(facts).ok());
    let mut message = own.unwrap_or_else(|| Message { headline: default_headline(facts.changes), body: String::new() });
    let trailers = trailers(facts.authors);
    if !message.body.is_empty() && !trailers.is_empty() {
        message.body.push_str("\n\n");
    }
    message.body.push_str(&trailers.join("\n"));
    message
}

/// A message with this headline (cut where it is too long) and the trailers of these authors.
pub fn titled(title: &str, authors: &[Author]) -> Message {
    let headline = title.chars().take(MAX_HEADLINE).collect();
    Message { headline, body: trailers(authors).join("\n") }
}

/// `Add a.txt`, `Update a.txt and 2 more files`: the one verb that fits all, else `Update`.
pub fn default_headline(changes: &[Changed<'_>]) -> String {
    let Some(first) = changes.first() else { return "Update files".to_owned() };
    let same = changes.iter().all(|change| verb(change.kind) == verb(first.kind));
    let verb = if same { verb(first.kind) } else { "Update" };
    let rest = match changes.len() - 1 {
        0 => String::new(),
        1 => " and 1 more file".to_owned(),
        more => format!(" and {more} more files"),
    };
    let room = MAX_HEADLINE - verb.len() - 1 - rest.len();
    format!("{verb} {}{rest}", shortened(&clean(first.path), room))
}

fn verb(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "Add",
        ChangeKind::Modified | ChangeKind::ModeChanged => "Update",
        ChangeKind::Deleted => "Delete",
        ChangeKind::Renamed => "Rename",
    }
}

/// The end of a long path says more than its start.
fn shortened(path: &str, room: usize) -> String {
    let length = path.chars().count();
    if length <= room {
        return path.to_owned();
    }
    let tail: String = path.chars().skip(length - (room - 1)).collect();
    format!("…{tail}")
}

/// Without control characters: one line, whatever it was.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// One line for each distinct email, in order, upper and lower case being the same.
fn trailers(authors: &[Author]) -> Vec<String> {
    let mut seen = HashSet::new();
    let people = authors.iter().filter_map(|author| {
        let email = plain(author.email.as_deref()?).replace(' ', "");
        (!email.is_empty() && seen.insert(email.to_lowercase())).then_some((author, email))
    });
    people
        .take(MAX_TRAILERS)
        .map(|(author, email)| format!("Co-authored-by: {} <{email}>", name_of(author, &email)))
        .collect()
}

/// The person's name; without one what stands before the `@`, never the host's own id.
fn name_of(author: &Author, email: &str) -> String {
    let name = plain(author.name.as_deref().unwrap_or_default());
    let local = email.split('@').next().unwrap_or_default();
    [name.as_str(), local, email].into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}

/// Without what could end a trailer's line or its address.
fn plain(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use ChangeKind::{Added, Deleted, ModeChanged, Modified, Renamed};

    fn headline(changes: &[(&str, ChangeKind)]) -> String {
        default_headline(&changes.iter().map(|(path, kind)| Changed { path, kind: *kind }).collect::<Vec<_>>())
    }

    fn author(name: Option<&str>, email: Option<&str>) -> Author {
        Author { id: "u_7".to_owned(), name: name.map(str::to_owned), email: email.map(str::to_owned) }
    }

    fn facts<'a>(changes: &'a [Changed<'a>], authors: &'a [Author]) -> Facts<'a> {
        Facts { project: "site", changes, authors, timestamp: "2026-01-02T03:04:05Z", revision: 7 }
    }

    #[test]
    fn headlines() {
        assert_eq!(headline(&[("a.txt", Added)]), "Add a.txt");
        assert_eq!(headline(&[("a.txt", Modified)]), "Update a.txt");
        assert_eq!(headline(&[("a.txt", ModeChanged)]), "Update a.txt");
        assert_eq!(headline(&[("a.txt", Deleted)]), "Delete a.txt");
        assert_eq!(headline(&[("b.txt", Renamed)]), "Rename b.txt");
        assert_eq!(headline(&[("a", Added), ("b", Added), ("c", Added)]), "Add a and 2 more files");
        assert_eq!(headline(&[("a", Deleted), ("b", Deleted)]), "Delete a and 1 more file");
        assert_eq!(headline(&[("a", Deleted), ("b", Added)]), "Update a and 1 more file");
        assert_eq!(headline(&[("a", Modified), ("b", ModeChanged)]), "Update a and 1 more file");
    }

    #[test]
    fn long_paths_are_cut_between_characters() {
        let path = "é/".repeat(2000) + "name.txt";
        let headline = headline(&[(&path, Added), ("b", Added)]);
        assert_eq!(headline.chars().count(), MAX_HEADLINE);
        assert!(headline.starts_with("Add …") && headline.ends_with("é/name.txt and 1 more file"));
    }

    #[test]
    fn everybody_with_an_email_is_named_once() {
        let authors = [
            author(Some("Ada"), Some("ada@example.com")),
            author(None, None),
            author(Some("Ada L."), Some("ADA@example.com")),
            author(None, Some("bob@example.com")),
            author(Some("Eve\n<x>\0"), Some("eve@example.com>\nCo-authored-by: x")),
        ];
        let message = render(None, &facts(&[Changed { path: "a", kind: Added }], &authors));
        assert_eq!(
            message.full(),
            "Add a\n\nCo-authored-by: Ada <ada@example.com>\nCo-authored-by: bob <bob@example.com>\n\
             Co-authored-by: Evex <eve@example.comCo-authored-by:x>"
        );
    }

    #[test]
    fn at_most_fifty_trailers() {
        let authors: Vec<_> = (0..80).map(|i| author(None, Some(&format!("p{i}@example.com")))).collect();
        let message = render(None, &facts(&[Changed { path: "a", kind: Added }], &authors));
        assert_eq!(message.body.lines().count(), MAX_TRAILERS);
    }

    #[test]
    fn a_template_speaks_and_trailers_follow_a_blank_line() {
        let template =
            Template::parse("{{ project }}: {{ summary }}\n\n{{ files | join(', ') | truncate }}").err().unwrap();
        assert!(template.contains("truncate"), "{template}");
        let template = Template::parse("{{ project }}: {{ summary }}\n\n{{ files[:2] | join(', ') }}  \n").unwrap();
        let changes = [Changed { path: "a", kind: Added }, Changed { path: "b", kind: Added }];
        let authors = [author(Some("Ada"), Some("ada@example.com"))];
        let message = render(Some(&template), &facts(&changes, &authors));
        assert_eq!(message.headline, "site: Add a and 1 more file");
        assert_eq!(message.body, "a, b\n\nCo-authored-by: Ada <ada@example.com>");
    }

    #[test]
    fn a_template_that_fails_later_falls_back() {
        let template = Template::parse("{% if revision == 7 %}{{ 1 // (revision - 7) }}{% endif %}x").unwrap();
        let message = render(Some(&template), &facts(&[Changed { path: "a", kind: Added }], &[]));
        assert_eq!(message, Message { headline: "Add a".to_owned(), body: String::new() });
    }
}
