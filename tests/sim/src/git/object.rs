//! What objects say: kinds, modes, and commits parsed and written.

use chrono::{DateTime, FixedOffset, TimeZone, Utc};
use sha2::{Digest, Sha256};

use super::Oid;

/// The four kinds of git objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Kind> {
        Some(match name {
            "commit" => Kind::Commit,
            "tree" => Kind::Tree,
            "blob" => Kind::Blob,
            "tag" => Kind::Tag,
            _ => return None,
        })
    }
}

/// What a tree entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    File,
    Executable,
    Symlink,
    Submodule,
    Tree,
}

impl Mode {
    /// As the API writes it, six digits.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Mode::File => "100644",
            Mode::Executable => "100755",
            Mode::Symlink => "120000",
            Mode::Submodule => "160000",
            Mode::Tree => "040000",
        }
    }

    /// As tree objects hold it: without the leading zero.
    pub(crate) fn raw(self) -> &'static str {
        self.text().trim_start_matches('0')
    }

    /// As GraphQL gives it, a number.
    pub(crate) fn number(self) -> u32 {
        u32::from_str_radix(self.text(), 8).unwrap_or_default()
    }

    pub(crate) fn parse(text: &str) -> Option<Mode> {
        Some(match text {
            "100644" | "100664" => Mode::File,
            "100755" => Mode::Executable,
            "120000" => Mode::Symlink,
            "160000" => Mode::Submodule,
            "040000" | "40000" => Mode::Tree,
            _ => return None,
        })
    }

    /// The kind of object such an entry points to.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Mode::Tree => Kind::Tree,
            Mode::Submodule => Kind::Commit,
            Mode::File | Mode::Executable | Mode::Symlink => Kind::Blob,
        }
    }
}

/// Who wrote or committed, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) at: DateTime<FixedOffset>,
}

impl Person {
    pub(crate) fn new(name: &str, email: &str, at: DateTime<Utc>) -> Person {
        Person { name: clean(name), email: clean(email), at: at.fixed_offset() }
    }

    fn line(&self) -> String {
        let offset = self.at.offset().local_minus_utc() / 60;
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        format!("{} <{}> {} {sign}{hours:02}{minutes:02}", self.name, self.email, self.at.timestamp())
    }

    fn parse(line: &str) -> Option<Person> {
        let (name, rest) = line.split_once('<')?;
        let (email, rest) = rest.split_once('>')?;
        let mut parts = rest.split_whitespace();
        let seconds: i64 = parts.next()?.parse().ok()?;
        let zone: i32 = parts.next()?.parse().ok()?;
        let offset = FixedOffset::east_opt((zone / 100 * 60 + zone % 100) * 60)?;
        Some(Person {
            name: name.trim().to_owned(),
            email: email.to_owned(),
            at: offset.timestamp_opt(seconds, 0).single()?,
        })
    }

    /// As the API writes times: UTC, whole seconds.
    pub(crate) fn date(&self) -> String {
        self.at.with_timezone(&Utc).format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

/// Git refuses identities with angle brackets or line breaks, and drops what is around them.
fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\r' | '\0')).collect();
    kept.trim().to_owned()
}

/// A commit.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) tree: Oid,
    pub(crate) parents: Vec<Oid>,
    pub(crate) author: Person,
    pub(crate) committer: Person,
    pub(crate) message: String,
    pub(crate) signature: Option<String>,
}

impl Commit {
    /// The object's content.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut text = self.headers();
        if let Some(signature) = &self.signature {
            let folded = signature.trim_end().replace('\n', "\n ");
            text.push_str(&format!("gpgsig {folded}\n"));
        }
        text.push('\n');
        text.push_str(&self.message);
        text.into_bytes()
    }

    fn headers(&self) -> String {
        let mut text = format!("tree {}\n", self.tree);
        for parent in &self.parents {
            text.push_str(&format!("parent {parent}\n"));
        }
        text.push_str(&format!("author {}\n", self.author.line()));
        text.push_str(&format!("committer {}\n", self.committer.line()));
        text
    }

    /// What a signature is over: the commit without it.
    pub(crate) fn payload(&self) -> String {
        format!("{}\n{}", self.headers(), self.message)
    }

    /// Signs the commit the way this server signs what it makes itself.
    pub(crate) fn sign(&mut self) {
        self.signature = Some(self.own_signature());
    }

    /// Whether the signature is this server's own, over exactly this commit.
    pub(crate) fn is_verified(&self) -> bool {
        self.signature.as_ref().is_some_and(|it| it.trim_end() == self.own_signature().trim_end())
    }

    fn own_signature(&self) -> String {
        let digest = hex::encode(Sha256::digest(self.payload()));
        format!("-----BEGIN PGP SIGNATURE-----\n\n{digest}\n-----END PGP SIGNATURE-----\n")
    }

    /// Reads an object's content.
    pub(crate) fn parse(data: &[u8]) -> Option<Commit> {
        let text = String::from_utf8_lossy(data);
        let (head, message) = text.split_once("\n\n")?;
        let head = head.replace("\n ", "\u{1}");
        let mut commit = Draft::default();
        for line in head.lines() {
            let (key, value) = line.split_once(' ')?;
            match key {
                "tree" => commit.tree = Oid::parse(value),
                "parent" => commit.parents.push(Oid::parse(value)?),
                "author" => commit.author = Person::parse(value),
                "committer" => commit.committer = Person::parse(value),
                "gpgsig" => commit.signature = Some(value.replace('\u{1}', "\n") + "\n"),
                _ => {}
            }
        }
        Some(Commit {
            tree: commit.tree?,
            parents: commit.parents,
            author: commit.author?,
            committer: commit.committer?,
            message: message.to_owned(),
            signature: commit.signature,
        })
    }

    /// The message's first line.
    pub(crate) fn headline(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

#[derive(Default)]
struct Draft {
    tree: Option<Oid>,
    parents: Vec<Oid>,
    author: Option<Person>,
    committer: Option<Person>,
    signature: Option<String>,
}
