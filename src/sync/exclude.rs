//! Which paths are out of sight: a project's `exclude` patterns, read as the lines of one
//! `.gitignore` in its root, case-sensitively.
//!
//! The last pattern that matches decides, and what lies in an excluded folder cannot be brought back
//! (`git help gitignore`). `tests/it/exclude.rs` holds this against `git check-ignore` itself, which
//! is why the patterns are matched here (`sync::glob`) and not by the `ignore` crate: it reads braces,
//! `[[:alpha:]]`, unclosed classes, trailing spaces and tabs, and `a**` otherwise than git does.

use std::collections::HashMap;

use super::glob::{Glob, Text};
use crate::model::settings::{MAX_PATTERN_CHARS, MAX_PATTERNS};

/// Compiled patterns.
#[derive(Debug, Default)]
pub struct Excluder {
    /// Patterns without wildcards, by the last segment they name.
    names: HashMap<Vec<u8>, Literal>,
    /// Patterns without wildcards, by the whole path they name.
    paths: HashMap<Vec<u8>, Literal>,
    /// The others, in their order.
    globs: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    verdict: Verdict,
    dir_only: bool,
    pathname: bool,
    glob: Glob,
}

/// What a matching pattern says. Of two, the one of higher order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Verdict {
    order: usize,
    excluded: bool,
}

/// The last patterns that name one literal text.
#[derive(Debug, Default)]
struct Literal {
    any: Option<Verdict>,
    dir_only: Option<Verdict>,
}

/// One line, taken apart.
struct Line<'a> {
    negated: bool,
    dir_only: bool,
    pathname: bool,
    pattern: &'a [u8],
}

impl Excluder {
    /// Compiles the patterns, or says which are wrong and why: `(i, message)` for `exclude[i]`.
    /// Blank lines and comments are taken and match nothing.
    pub fn new(patterns: &[String]) -> Result<Self, Vec<(usize, String)>> {
        let mut errors = Vec::new();
        if patterns.len() > MAX_PATTERNS {
            errors.push((MAX_PATTERNS, format!("there are at most {MAX_PATTERNS} patterns")));
        }
        let mut excluder = Excluder::default();
        for (order, text) in patterns.iter().enumerate().take(MAX_PATTERNS) {
            if let Err(why) = excluder.add(order, text) {
                errors.push((order, why));
            }
        }
        if errors.is_empty() { Ok(excluder) } else { Err(errors) }
    }

    fn add(&mut self, order: usize, text: &str) -> Result<(), String> {
        check(text)?;
        // git skips a byte order mark at the start of a file.
        let text = if order == 0 { text.trim_start_matches('\u{feff}') } else { text };
        let Some(line) = read_line(text) else { return Ok(()) };
        let Some(glob) = Glob::compile(line.pattern, line.pathname) else { return Err("too long".to_owned()) };
        let verdict = Verdict { order, excluded: !line.negated };
        if let Some(literal) = glob.literal() {
            let map = if line.pathname { &mut self.paths } else { &mut self.names };
            let entry = map.entry(literal.to_vec()).or_default();
            *(if line.dir_only { &mut entry.dir_only } else { &mut entry.any }) = Some(verdict);
        } else {
            self.globs.push(Rule { verdict, dir_only: line.dir_only, pathname: line.pathname, glob });
        }
        Ok(())
    }

    /// Whether the file at `path` is out of sight. The path is a file's, relative, `/`-separated.
    pub fn is_excluded(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders.into_iter().any(|folder| self.decides_to_exclude(folder, true)) || self.decides_to_exclude(path, false)
    }

    /// [`Self::is_excluded`] for each path. Paths in order are cheap: a folder is decided once.
    pub fn excluded_many<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Vec<bool> {
        let mut folders = Folders::default();
        paths.into_iter().map(|path| folders.excluded(self, path) || self.decides_to_exclude(path, false)).collect()
    }

    /// Whether there is no pattern that could match.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty() && self.globs.is_empty()
    }

    /// What the patterns say of this very path, its folders left aside.
    fn decides_to_exclude(&self, path: &str, is_dir: bool) -> bool {
        let path = path.as_bytes();
        let name = &path[path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1)..];
        let mut best = literal(&self.names, name, is_dir).max(literal(&self.paths, path, is_dir));
        if !self.globs.is_empty() {
            // Folders are many and paths may be long: the whole path is looked at where a pattern needs it.
            let (mut whole, name) = (None, Text::new(name));
            let later = self.globs.iter().rev().take_while(|rule| best.is_none_or(|b| b.order < rule.verdict.order));
            let mut fitting = later.filter(|rule| is_dir || !rule.dir_only);
            let found = fitting.find(|rule| match rule.pathname {
                true => rule.glob.matches(whole.get_or_insert_with(|| Text::new(path))),
                false => rule.glob.matches(&name),
            });
            best = found.map(|rule| rule.verdict).or(best);
        }
        best.is_some_and(|b| b.excluded)
    }
}

fn literal(map: &HashMap<Vec<u8>, Literal>, text: &[u8], is_dir: bool) -> Option<Verdict> {
    let found = map.get(text)?;
    found.any.max(found.dir_only.filter(|_| is_dir))
}

/// The folders above the path that was looked at last, and whether each is excluded.
#[derive(Default)]
struct Folders<'a> {
    path: &'a str,
    /// Ends of folders in `path`, with the decision of the folder or of one above it.
    decided: Vec<(usize, bool)>,
}

impl<'a> Folders<'a> {
    fn excluded(&mut self, excluder: &Excluder, path: &'a str) -> bool {
        let (old, new) = (self.path.as_bytes(), path.as_bytes());
        let common = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        self.decided.retain(|(end, _)| *end < common);
        self.path = path;
        let (from, mut excluded) = self.decided.last().map_or((0, false), |(end, out)| (end + 1, *out));
        for (at, _) in path.match_indices('/').skip_while(|(at, _)| *at < from) {
            excluded = excluded || excluder.decides_to_exclude(&path[..at], true);
            self.decided.push((at, excluded));
        }
        excluded
    }
}

fn check(text: &str) -> Result<(), String> {
    if text.chars().count() > MAX_PATTERN_CHARS {
        Err(format!("a pattern has at most {MAX_PATTERN_CHARS} characters"))
    } else if text.contains(['\n', '\0']) {
        Err("a pattern is one line, without NUL".to_owned())
    } else {
        Ok(())
    }
}

/// Takes a line apart as git's `dir.c` does; `None` for blank lines and comments.
fn read_line(text: &str) -> Option<Line<'_>> {
    let mut pattern = text.strip_suffix('\r').unwrap_or(text).as_bytes();
    if pattern.is_empty() || pattern[0] == b'#' {
        return None;
    }
    pattern = without_trailing_spaces(pattern);
    let negated = pattern.first() == Some(&b'!');
    pattern = &pattern[usize::from(negated)..];
    let dir_only = pattern.last() == Some(&b'/');
    pattern = &pattern[..pattern.len() - usize::from(dir_only)];
    let pathname = pattern.contains(&b'/');
    pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
    (!pattern.is_empty()).then_some(Line { negated, dir_only, pathname, pattern })
}

/// Spaces at the end go, unless a backslash stands before them. Tabs stay.
fn without_trailing_spaces(line: &[u8]) -> &[u8] {
    let (mut end, mut at) = (0, 0);
    while let Some(byte) = line.get(at) {
        at += if *byte == b'\\' { 2 } else { 1 };
        if *byte != b' ' {
            end = at.min(line.len());
        }
    }
    &line[..end]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::model::settings::DEFAULT_EXCLUDE;

    fn excluder(patterns: &[&str]) -> Excluder {
        Excluder::new(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn what_new_projects_start_with() {
        let excluder = excluder(&DEFAULT_EXCLUDE);
        for path in [".env", "a/.env", ".env.local", "node_modules/x/y.js", "a/node_modules/z", "a/b/.DS_Store"] {
            assert!(excluder.is_excluded(path), "{path}");
        }
        for path in [".env.example", "a/.env.example", "env", "node_modules", "a/node_modules.md", ".ENV"] {
            assert!(!excluder.is_excluded(path), "{path}");
        }
    }

    #[test]
    fn nothing_comes_back_out_of_an_excluded_folder() {
        let excluder = excluder(&["a/b/", "!a/b/c.txt", "logs/*", "!logs/keep"]);
        assert!(excluder.is_excluded("a/b/c.txt"));
        assert!(excluder.is_excluded("logs/x"));
        assert!(!excluder.is_excluded("logs/keep"));
    }

    #[test]
    fn wrong_patterns_are_named() {
        let mut patterns = vec!["ok".to_owned(), "a\nb".to_owned(), "x".repeat(501), "\0".to_owned(), "é".repeat(500)];
        let named: Vec<_> = Excluder::new(&patterns).unwrap_err().into_iter().map(|(at, _)| at).collect();
        assert_eq!(named, [1, 2, 3]);
        patterns = vec!["a".to_owned(); 501];
        assert_eq!(Excluder::new(&patterns).unwrap_err()[0].0, 500);
        patterns.pop();
        assert!(Excluder::new(&patterns).is_ok());
    }

    #[test]
    fn many_paths_are_decided_as_one_by_one() {
        let excluder = excluder(&["b/", "*.log", "!keep.log", "/a/*/c", "d/**/e", "!d/x/"]);
        let paths = [
            "a/b/c",
            "a/bc/c",
            "a/x/c",
            "a/x/cd",
            "a/x.log",
            "b",
            "b.log",
            "ba/b/c/d",
            "ba/b/keep.log",
            "d/e/f",
            "d/x/e",
            "d/x/keep.log",
            "d/x/y/e/z",
            "e",
        ];
        let one_by_one: Vec<_> = paths.iter().map(|p| excluder.is_excluded(p)).collect();
        assert_eq!(excluder.excluded_many(paths), one_by_one);
        let backwards: Vec<_> = excluder.excluded_many(paths.into_iter().rev()).into_iter().rev().collect();
        assert_eq!(backwards, one_by_one);
        assert!(one_by_one.contains(&true) && one_by_one.contains(&false));
    }

    #[test]
    fn no_pattern_takes_exponential_time() {
        let excluder = excluder(&[&"*a".repeat(250), &"**/a/".repeat(100), &"[!b]*".repeat(100)]);
        let path = "a/".repeat(2000) + &"a".repeat(90);
        assert!(excluder.is_excluded(&path));
        assert!(!excluder.is_excluded(&("b".repeat(2000) + "/c")));
    }
}
