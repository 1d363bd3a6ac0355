//! Templates and messages, whatever they are given: bounded, one headline, trailers nobody can forge.

use lockstep::model::{Author, ChangeKind};
use lockstep::sync::message::{Changed, Facts, render};
use lockstep::sync::template::{MAX_MESSAGE_BYTES, Template};
use proptest::prelude::*;

/// Pieces of templates in any order: most do not parse, some do things nobody wrote down.
fn soup() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "{{ ",
        " }}",
        "{% ",
        " %}",
        "{# ",
        " #}",
        "{% for f in files %}",
        "{% endfor %}",
        "{% if ",
        "{% else %}",
        "{% endif %}",
        "{% set x = ",
        "summary",
        "files",
        "authors",
        "count",
        "revision",
        "x",
        "f",
        "[:3]",
        "[0]",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ", ",
        ": ",
        " ~ ",
        " * ",
        " + ",
        " ** ",
        " // ",
        " - ",
        " in ",
        " is ",
        " not ",
        " and ",
        " | ",
        "join('\n')",
        "upper",
        "sort",
        "list",
        "length",
        "replace('a', 'aaaa')",
        "indent(99999)",
        "batch(3)",
        "slice(3)",
        "map('upper')",
        "groupby(0)",
        "unique",
        "first",
        "last",
        "range(99999)",
        "'a'",
        "'é'",
        "\"",
        "10",
        "1000000",
        "-1",
        "0.5",
        "\n",
        "\0",
        "loop.index",
        "loop(files)",
        " recursive",
        "dict(a=1)",
        "default('x')",
        "format(1)",
        "'%9999d'",
        "true",
        "none",
        "defined",
        ".a",
        "é",
    ]);
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn author() -> impl Strategy<Value = Author> {
    let text = || proptest::option::of("[\\PCa-z<>@\n\r\0 ]{0,12}");
    (text(), text()).prop_map(|(name, email)| Author { id: "u_1".to_owned(), name, email })
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn any_text_is_a_template_or_is_refused(source in soup()) {
        let Ok(template) = Template::parse(&source) else { return Ok(()) };
        let changes = [Changed { path: "a", kind: ChangeKind::Added }];
        let facts = Facts { project: "p", changes: &changes, authors: &[], timestamp: "2026-01-02T03:04:05Z", revision: 1 };
        let message = render(Some(&template), &facts);
        prop_assert!(!message.headline.trim().is_empty() && !message.headline.contains('\n'));
        prop_assert!(message.full().len() <= MAX_MESSAGE_BYTES);
        prop_assert!(message.full().chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
    }

    #[test]
    fn every_trailer_is_one_line_with_one_address(authors in proptest::collection::vec(author(), 0..60), path in "[a-z/é]{1,300}") {
        let changes = [Changed { path: &path, kind: ChangeKind::Deleted }];
        let facts = Facts { project: "p", changes: &changes, authors: &authors, timestamp: "", revision: 1 };
        let message = render(None, &facts);
        prop_assert!(message.headline.starts_with("Delete ") && message.headline.chars().count() <= 200);
        prop_assert!(message.body.lines().count() <= 50);
        for line in message.body.lines() {
            let (name, address) = line.strip_prefix("Co-authored-by: ").and_then(|rest| rest.split_once(" <")).unwrap();
            let address = address.strip_suffix('>').unwrap();
            prop_assert!(!name.is_empty() && !address.is_empty() && !line[16..].replacen('<', "", 1).contains('<'), "{line}");
            prop_assert!(!name.contains('>') && !address.contains(['<', '>', ' ']), "{line}");
        }
    }
}
