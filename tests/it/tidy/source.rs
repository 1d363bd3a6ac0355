//! Rust source as the tidy rules need it: code without comments and string contents, the string literals by
//! themselves, and the paths that code names. A small lexer, no parser: what it must not do is lose its place.

use std::fs;
use std::path::Path;

/// One file, cut into what the rules look at. Blanked texts keep every line where it was.
pub struct Source {
    /// From the repository's root, `/` between folders.
    pub path: String,
    pub text: String,
    /// Code alone, without items under `#[cfg(test)]`.
    pub live: String,
    /// String literals outside `#[cfg(test)]`: line and content, escapes as written.
    pub literals: Vec<(usize, String)>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (code, literals) = split(text);
        let tests = test_ranges(path, &code);
        let in_tests = |at: usize| tests.iter().any(|range| range.contains(&at));
        let live = blank(&code, in_tests);
        let literals =
            literals.into_iter().filter(|(at, _)| !in_tests(*at)).map(|(at, content)| (line_of(text, at), content));
        Self { path: path.to_owned(), text: text.to_owned(), live, literals: literals.collect() }
    }

    /// The paths that code outside tests names, `use` groups taken apart: `(line, "std::fs::File")`.
    pub fn paths(&self) -> Vec<(usize, String)> {
        let tokens = tokens(&self.live);
        let (mut at, mut found) = (0, Vec::new());
        while at < tokens.len() {
            at = match tokens[at].1 {
                word if is_word(word) => path_from(&tokens, at, String::new(), &mut found),
                _ => at + 1,
            };
        }
        found.into_iter().map(|(offset, path)| (line_of(&self.live, offset), path)).collect()
    }

    /// `(line, text)` of each line.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Every `.rs` file under these folders of the repository, in a fixed order.
pub fn read(folders: &[&str]) -> Vec<Source> {
    // Where cargo runs the tests: a binary from a copied target folder would name the folder it came from.
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let root = Path::new(&root);
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| walk(&root.join(folder), &mut paths));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        Source::new(&name, &text)
    };
    paths.iter().map(read).collect()
}

fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten() {
        let path = entry.path();
        match entry.file_name().to_string_lossy().as_ref() {
            "target" | "node_modules" => {}
            _ if path.is_dir() => walk(&path, found),
            name if name.ends_with(".rs") => found.push(path),
            _ => {}
        }
    }
}

pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn blank(text: &str, hide: impl Fn(usize) -> bool) -> String {
    text.char_indices().flat_map(|(at, c)| blanked(c, c != '\n' && hide(at))).collect()
}

/// As many spaces as the character has bytes, so that offsets stay what they were.
fn blanked(c: char, hide: bool) -> impl Iterator<Item = char> {
    let (shown, count) = if hide { (' ', c.len_utf8()) } else { (c, 1) };
    std::iter::repeat_n(shown, count)
}

/// Code with comments and string contents blanked, and the literals with their offsets.
fn split(text: &str) -> (String, Vec<(usize, String)>) {
    let (mut hidden, mut literals) = (vec![false; text.len()], Vec::new());
    let mut at = 0;
    while at < text.len() {
        let (skip, content) = piece(text, at);
        if let Some((from, to)) = content {
            hidden[from..to].fill(true);
            if text.as_bytes()[at] != b'/' && text.as_bytes()[at] != b'\'' {
                literals.push((at, text[from..to].to_owned()));
            }
        }
        at += skip;
    }
    (blank(text, |offset| hidden[offset]), literals)
}

/// What begins at `at`: its length, and what of it is to be hidden (of a comment all, of a literal its content).
fn piece(text: &str, at: usize) -> (usize, Option<(usize, usize)>) {
    let rest = &text[at..];
    if rest.starts_with("//") {
        let length = rest.find('\n').unwrap_or(rest.len());
        (length, Some((at, at + length)))
    } else if rest.starts_with("/*") {
        let length = block_comment(rest);
        (length, Some((at, at + length)))
    } else if let Some((open, close)) = raw_string(text, at) {
        let length = rest[open..].find(&close).unwrap_or(rest.len() - open);
        ((open + length + close.len()).min(rest.len()), Some((at + open, at + open + length)))
    } else if rest.starts_with('"') || is_character(rest) {
        let quote = rest.as_bytes()[0];
        let length = quoted(rest.as_bytes(), quote);
        (length, Some((at + 1, at + length.max(2) - 1)))
    } else {
        (rest.chars().next().map_or(1, char::len_utf8), None)
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        let here = rest.as_bytes().get(at..at + 2);
        match here {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") if depth == 1 => return at + 2,
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            Some(_) => at += 1,
            None => return rest.len(),
        }
    }
}

/// Of `r#"`, `br"`, `cr##"`: how long the opening is, and what closes it.
fn raw_string(text: &str, at: usize) -> Option<(usize, String)> {
    let within_word = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
    let rest = text[at..].strip_prefix(['b', 'c']).unwrap_or(&text[at..]).strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    (!within_word && rest[hashes..].starts_with('"'))
        .then(|| (text.len() - at - rest.len() + hashes + 1, format!("\"{}", "#".repeat(hashes))))
}

/// A character literal and not a lifetime: `'a'`, `'\n'`, but not `'a`.
fn is_character(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some('\'') && (chars.next() == Some('\\') || chars.next() == Some('\''))
}

fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Where items under `#[cfg(test)]` stand; everything in a file that is a test module.
fn test_ranges(path: &str, code: &str) -> Vec<std::ops::Range<usize>> {
    if path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || code.contains("#![cfg(test)]") {
        return std::iter::once(0..code.len()).collect();
    }
    code.match_indices("#[cfg(test)]")
        .map(|(at, attribute)| at..at + attribute.len() + item(&code[at + attribute.len()..]))
        .collect()
}

/// How far an item reaches: to its `;`, or to the brace that closes its body.
fn item(code: &str) -> usize {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::`, and single characters, with their offsets.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(first) = code[at..].chars().next() {
        let rest = &code[at..];
        let length = if is_word(rest) {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            found.push((at, &rest[..length]));
        }
        at += length;
    }
    found
}

/// Reads the path that begins with the word at `at`, groups included; answers where it ends.
fn path_from(tokens: &[(usize, &str)], mut at: usize, prefix: String, found: &mut Vec<(usize, String)>) -> usize {
    let offset = tokens[at].0;
    let mut path = prefix + tokens[at].1;
    while tokens.get(at + 1).is_some_and(|token| token.1 == "::") {
        match tokens.get(at + 2) {
            Some((_, "{")) => return group_from(tokens, at + 3, &(path + "::"), found),
            Some((_, next)) if is_word(next) || *next == "*" => (path, at) = (path + "::" + next, at + 2),
            _ => break,
        }
    }
    found.push((offset, path));
    at + 1
}

fn group_from(tokens: &[(usize, &str)], mut at: usize, prefix: &str, found: &mut Vec<(usize, String)>) -> usize {
    while let Some((_, token)) = tokens.get(at) {
        at = match *token {
            "}" => return at + 1,
            word if is_word(word) => path_from(tokens, at, prefix.to_owned(), found),
            _ => at + 1,
        };
    }
    at
}

#[test]
fn code_comments_and_literals_are_told_apart() {
    let source = Source::new(
        "src/a.rs",
        "fn a<'x>(c: char) { // \"no\"\n let s = r#\"one \"two\" // \"#; /* /* x */ \" */ b('\"', '\\'', \"th\\\"ree\") }\nö::b();",
    );
    assert_eq!(source.literals, [(2, "one \"two\" // ".to_owned()), (2, "th\\\"ree".to_owned())]);
    assert!(source.live.contains("b(' ', '  ', \"       \")"), "{}", source.live);
    assert_eq!(source.paths().last(), Some(&(3, "ö::b".to_owned())));
}

#[test]
fn groups_of_a_use_are_taken_apart() {
    let source = Source::new("src/a.rs", "use crate::{store::{self, files::Row}, queue};\nuse std::{env, fs::*};");
    let paths: Vec<_> = source.paths().into_iter().map(|(_, path)| path).collect();
    let expected =
        ["use", "crate::store::self", "crate::store::files::Row", "crate::queue", "use", "std::env", "std::fs::*"];
    assert_eq!(paths, expected);
}

#[test]
fn test_items_are_left_out_and_nothing_else() {
    let source = Source::new(
        "src/a.rs",
        "one();\n#[cfg(test)]\nmod tests { two(\"{\"); { } }\nthree(\"x\");\n#[cfg(test)]\nuse four;\nfive();",
    );
    let words: Vec<_> = source.paths().into_iter().map(|(_, path)| path).collect();
    assert_eq!((words, source.literals), (vec!["one".into(), "three".into(), "five".into()], vec![(4, "x".into())]));
}
