//! A project's own commit message: a Jinja template, bounded in size and in work.
//!
//! The engine's fuel pays for every instruction, every item visited and every byte made, so no
//! template runs long or grows large; what it writes ends at 16 KiB. There is one template only: the
//! statements that reach for others are not part of the engine as it is built here.

use std::io::{Error, ErrorKind, Result as IoResult, Write};

use minijinja::{Environment, Value, context};

use super::message::{Changed, Facts, Message, default_headline};
use crate::model::settings::MAX_TEMPLATE_BYTES;
use crate::model::{Author, ChangeKind};

/// The longest message a template may make, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// One instruction, or 64 bytes made or looked at. Enough to sort 10,000 paths.
const FUEL: u64 = 400_000;
/// How deep loops may call themselves.
const RECURSION: usize = 40;
const NAME: &str = "commit_template";
/// A template has to hold for commits of so many files.
const SAMPLES: [usize; 3] = [1, 3, 10_000];

/// A template that held for small and large commits.
#[derive(Debug, Clone)]
pub struct Template {
    engine: Environment<'static>,
}

impl Template {
    /// The template of a setting: an empty one means the default message.
    pub fn of_setting(source: &str) -> Result<Option<Self>, String> {
        if source.is_empty() { Ok(None) } else { Self::parse(source).map(Some) }
    }

    /// Compiles a template and tries it, or says in words for a person what is wrong with it.
    pub fn parse(source: &str) -> Result<Self, String> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(format!("a template has at most {MAX_TEMPLATE_BYTES} bytes"));
        }
        let mut engine = Environment::new();
        engine.set_fuel(Some(FUEL));
        engine.set_recursion_limit(RECURSION);
        engine.remove_global("debug");
        engine.add_template_owned(NAME, source.to_owned()).map_err(|error| error.to_string())?;
        let template = Template { engine };
        SAMPLES.into_iter().try_for_each(|files| template.try_for(files))?;
        Ok(template)
    }

    /// Renders the message, without trailers. The error says what went wrong.
    pub(super) fn render(&self, facts: &Facts<'_>) -> Result<Message, String> {
        let mut out = Bounded(Vec::new());
        let template = self.engine.get_template(NAME).map_err(|error| error.to_string())?;
        let done = template.render_captured_to(variables(facts), &mut out).map(drop);
        done.map_err(|error| if out.is_full() { TOO_LONG.to_owned() } else { error.to_string() })?;
        message_of(&String::from_utf8_lossy(&out.0)).ok_or_else(|| "it is blank".to_owned())
    }

    fn try_for(&self, files: usize) -> Result<(), String> {
        let paths: Vec<_> = (1..=files).map(|i| format!("src/pages/section-{:03}/page-{i:05}.md", i % 100)).collect();
        let kinds = [ChangeKind::Modified, ChangeKind::Added, ChangeKind::Deleted];
        let changes: Vec<_> =
            paths.iter().zip(kinds.into_iter().cycle()).map(|(path, kind)| Changed { path, kind }).collect();
        let author = Author { id: "u_1".to_owned(), name: Some("Ada Lovelace".to_owned()), email: None };
        let facts = Facts {
            project: "example",
            changes: &changes,
            authors: &[author],
            timestamp: "2026-01-02T03:04:05Z",
            revision: 42,
        };
        let plural = if files == 1 { "" } else { "s" };
        self.render(&facts).map(drop).map_err(|why| format!("with {files} changed file{plural}: {why}"))
    }
}

const TOO_LONG: &str = "it is longer than 16 KiB";

/// What a template can speak of.
fn variables(facts: &Facts<'_>) -> Value {
    let count = |kinds: &[ChangeKind]| facts.changes.iter().filter(|c| kinds.contains(&c.kind)).count();
    context! {
        project => facts.project,
        count => facts.changes.len(),
        added => count(&[ChangeKind::Added]),
        modified => count(&[ChangeKind::Modified, ChangeKind::Renamed, ChangeKind::ModeChanged]),
        deleted => count(&[ChangeKind::Deleted]),
        files => facts.changes.iter().map(|c| Value::from(c.path)).collect::<Vec<_>>(),
        summary => default_headline(facts.changes),
        authors => names(facts.authors),
        timestamp => facts.timestamp,
        revision => facts.revision,
    }
}

/// Names of the authors, each once.
fn names(authors: &[Author]) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for name in authors.iter().filter_map(|author| author.name.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(Value::from).collect()
}

/// The first line that says something is the headline, the rest the body. `None` when nothing does.
fn message_of(text: &str) -> Option<Message> {
    let text: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| line.trim().is_empty());
    let headline = lines.next()?.trim().to_owned();
    let body: Vec<_> = lines.skip_while(|line| line.is_empty()).collect();
    Some(Message { headline, body: body.join("\n").trim_end().to_owned() })
}

/// Takes up to [`MAX_MESSAGE_BYTES`] and refuses more.
struct Bounded(Vec<u8>);

impl Bounded {
    fn is_full(&self) -> bool {
        self.0.len() > MAX_MESSAGE_BYTES
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        let room = (MAX_MESSAGE_BYTES + 1).saturating_sub(self.0.len());
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if self.is_full() { Err(Error::new(ErrorKind::WriteZero, TOO_LONG)) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}
