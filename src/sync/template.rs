//! A project's own commit message: a Jinja template, bounded in size and in work.
//!
//! The engine's fuel (`sync::fuel`) pays for every instruction, every item visited and every byte made,
//! so no template runs long or grows large; what it writes ends at 16 KiB. There is one template only: the
//! statements that reach for others are not part of the engine as it is built here.

use std::io::{Error, ErrorKind as IoErrorKind, Result as IoResult, Write};

use minijinja::{Environment, ErrorKind, Value, context};

use super::fuel::fuel;
use super::message::{Changed, Facts, Message, default_headline};
use crate::model::settings::MAX_TEMPLATE_BYTES;
use crate::model::{Author, ChangeKind};

/// The longest message a template may make, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;
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

    /// Compiles a template and tries it, or tells a person what to do about it.
    pub fn parse(source: &str) -> Result<Self, String> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(format!("It has more than {MAX_TEMPLATE_BYTES} bytes: shorten it."));
        }
        let mut engine = Environment::new();
        engine.set_fuel(Some(fuel(source)));
        engine.set_recursion_limit(RECURSION);
        // `debug` tells of the engine's inside; what `namespace` holds can nest deeper than the stack;
        // the two tests read a text without paying for it.
        ["debug", "namespace"].into_iter().for_each(|name| engine.remove_global(name));
        ["lower", "upper"].into_iter().for_each(|name| engine.remove_test(name));
        engine.add_template_owned(NAME, source.to_owned()).map_err(|error| told(&error, ""))?;
        let template = Template { engine };
        SAMPLES.into_iter().try_for_each(|files| template.try_for(files))?;
        Ok(template)
    }

    /// Renders the message, without trailers.
    pub(super) fn render(&self, facts: &Facts<'_>) -> Result<Message, Failure> {
        let mut out = Bounded(Vec::new());
        let template = self.engine.get_template(NAME).map_err(Failure::Error)?;
        let done = template.render_captured_to(variables(facts), &mut out).map(drop);
        done.map_err(|error| if out.is_full() { Failure::TooLong } else { Failure::Error(error) })?;
        message_of(&String::from_utf8_lossy(&out.0)).ok_or(Failure::Blank)
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
        self.render(&facts).map(drop).map_err(|why| why.told(&format!(" with {files} changed file{plural}")))
    }
}

/// Why a template made no message.
#[derive(Debug)]
pub(super) enum Failure {
    Blank,
    TooLong,
    Error(minijinja::Error),
}

impl Failure {
    /// `when`: in which case, with a blank before it.
    fn told(&self, when: &str) -> String {
        match self {
            Failure::Blank => format!("The message would be empty{when}: add {{{{ summary }}}} or words of your own."),
            Failure::TooLong => format!(
                "The message would be longer than 16 KiB{when}: list only some of the files, as in \
                 {{{{ files[:20] | join(', ') }}}}."
            ),
            Failure::Error(error) => told(error, when),
        }
    }
}

/// An error of the template engine: where it is and what to do, then the engine's own words.
fn told(error: &minijinja::Error, when: &str) -> String {
    let line = error.line().unwrap_or(1);
    let words = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.kind() {
        ErrorKind::OutOfFuel => {
            format!("It takes too much work{when}: take out loops within loops and long repetitions.")
        }
        ErrorKind::SyntaxError | ErrorKind::BadEscape => {
            format!("Line {line} cannot be read: complete every {{{{ … }}}} and {{% … %}}, or take it out ({words}).")
        }
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction | ErrorKind::UnknownMethod => {
            format!(
                "Line {line} uses something that does not exist here: take it out, or check its spelling ({words})."
            )
        }
        _ => format!("Line {line} fails{when}: correct it, or take it out ({words})."),
    }
}

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
        if self.is_full() { Err(Error::from(IoErrorKind::WriteZero)) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn useful_templates_hold_for_any_number_of_files() {
        for source in [
            "{{ summary }}",
            "{{ project }} r{{ revision }}: {{ summary }} ({{ added }}+ {{ modified }}~ {{ deleted }}-)",
            "Sync {{ count }} file{{ 's' if count != 1 }}\n\n{{ files[:20] | join('\n') }}",
            "{{ summary }}\n{% for f in files %}{% if loop.index <= 20 %}\n- {{ f }}{% endif %}{% endfor %}",
            "{{ summary }}\n{% for f in files if f is endingwith('1.md') %}{% if loop.first %}{{ f }}{% endif %}{% endfor %}",
            "{{ (authors | first) or 'Nobody' }} at {{ timestamp }}",
            "{{ summary | upper | replace('ADD', 'NEW') }}",
            "x {{ nothing_of_that_name }}",
            "{% if count > 100 %}many{% else %}few{% endif %}",
        ] {
            assert!(Template::parse(source).is_ok(), "{source}: {:?}", Template::parse(source).err());
        }
    }

    #[test]
    fn what_fails_is_refused_with_a_reason() {
        for (source, reason) in [
            ("{% include 'x' %}", "include"),
            ("{% import 'x' as y %}", "import"),
            ("{% from 'x' import y %}", "from"),
            ("{% extends 'x' %}", "extends"),
            ("{{ summary", "Line 1 cannot be read: complete every {{ … }} and {% … %}, or take it out ("),
            ("{{ summary }}\n{% if %}", "Line 2 cannot be read"),
            (
                "{{ 1 // 0 }}",
                "Line 1 fails with 1 changed file: correct it, or take it out (unable to calculate 1 // 0).",
            ),
            ("{{ 1 // (count - 3) }}", "3 changed files:"),
            ("{% if count > 3 %}{{ nope.nope }}{% endif %}x", "10000 changed files:"),
            (" \n\t\n", "The message would be empty with 1 changed file: add {{ summary }}"),
            ("{% if count == 3 %}x{% endif %}", "would be empty with 1 changed file: "),
            ("{{ files | join('\n') }}", "would be longer than 16 KiB with 10000 changed files: "),
            ("{{ debug() }}", "debug"),
            (
                "{{ summary | shout }}",
                "does not exist here: take it out, or check its spelling (filter shout is unknown).",
            ),
            ("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}x", "too much work"),
        ] {
            let error = Template::parse(source).err().unwrap();
            assert!(error.contains(reason), "{source}: {error}");
        }
        assert!(Template::parse(&"x".repeat(4097)).is_err());
        assert!(Template::parse(&"x".repeat(4096)).is_ok());
    }

    #[test]
    fn an_empty_setting_is_no_template() {
        assert!(Template::of_setting("").unwrap().is_none());
        assert!(Template::of_setting(" ").is_err());
        assert!(Template::of_setting("x").unwrap().is_some());
    }

    #[test]
    fn work_and_memory_end_somewhere() {
        for source in [
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}x",
            "{{ ('x' * 10 ** 9) | length }}",
            "{{ ([1] * 1000000000) | length }}",
            "{{ '%1000000000d' | format(1) }}",
            "{{ 'a\nb' | indent(1000000000) }}",
            "{{ files | batch(1000000000, 'x') | list | length }}",
            "{{ files | slice(1000000000, 'x') | list | length }}",
            "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
            "{% set s = 'é' * 300000 %}{% for i in range(100000) %}{% if s[299999:] %}{% endif %}{% endfor %}x",
            "{% set s = 'a' * 600000 %}{% for i in range(100000) %}{% if {s: 1} %}{% endif %}{% endfor %}x",
            "{% set x %}{% for i in range(100000) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}{% endset %}x",
            &format!("{{{{ 'a'{} }}}}", "|replace('a','aaaaaaaaaa')".repeat(100)),
            // A list in a list in a list… would not fit the stack when it is dropped.
            "{% set n = namespace(x=[]) %}{% for i in range(20000) %}{% set n.x = [n.x] %}{% endfor %}x",
        ] {
            assert!(Template::parse(source).is_err(), "{source}");
        }
    }

    #[test]
    fn deep_and_long_expressions_fit_a_small_stack() {
        let deep = |open: &str, close: &str, n: usize| format!("{{{{ {}1{} }}}}", open.repeat(n), close.repeat(n));
        for source in [
            deep("(", ")", 2000),
            deep("[", "]", 2000),
            deep("not ", "", 1000),
            deep("-", "", 4000),
            deep("", "+1", 2000),
            deep("", "~1", 2000),
            deep("", "[0]", 1300),
            deep("", "|upper", 600),
            deep("1 if 0 else ", "", 300),
            "{% if 1 %}".repeat(180) + &"{% endif %}".repeat(180),
            "{% for a in [1] %}".repeat(120) + &"{% endfor %}".repeat(120),
        ] {
            // Neither has to hold: they must not end the process.
            drop(Template::parse(&source));
        }
    }

    #[test]
    fn the_first_line_is_the_headline() {
        let message = |text| message_of(text).map(|message| (message.headline, message.body));
        let pair = |headline: &str, body: &str| Some((headline.to_owned(), body.to_owned()));
        assert_eq!(message("a"), pair("a", ""));
        assert_eq!(message("a\nb\n"), pair("a", "b"));
        assert_eq!(message("\n  a \r\n\n\n  b\t\n\nc\n\n"), pair("a", "  b\n\nc"));
        assert_eq!(message("a\0\u{1b}[31m\tb"), pair("a[31m\tb", ""));
        assert_eq!(message(" \n\0"), None);
    }
}
