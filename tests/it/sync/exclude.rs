//! `sync::exclude` against `git check-ignore`: every pattern and pair of patterns of a table, and random ones.

use std::collections::HashSet;

use lockstep::sync::exclude::Excluder;
use proptest::prelude::*;

use super::git::Git;

/// Each alone, and each after each of [`BEFORE`].
const PATTERNS: &[&str] = &[
    "a",
    "b",
    "/a",
    "a/",
    "/a/",
    "a/b",
    "/a/b",
    "a/b/",
    "*",
    "/*",
    "*/",
    "**",
    "/**",
    "**/",
    "***",
    "a/*",
    "a/**",
    "a/**/",
    "**/b",
    "**/b/",
    "a/**/c",
    "a/**/**/c",
    "**/a/**",
    "a**",
    "a**/c",
    "/a**",
    "/a**/c",
    "/ab**/c",
    "**a",
    "/**a",
    "a/b**",
    "a/**b",
    "a**/b",
    "a***/c",
    "/**/c",
    "//a",
    "a//b",
    "a//",
    "//",
    "/",
    "!",
    "!!",
    "!a",
    "!a/",
    "!/a",
    "!a/b",
    "!*",
    "!b",
    "!*/",
    "\\!a",
    "\\#a",
    "#a",
    "\\a",
    "\\\\",
    "a\\",
    "a\\/b",
    "\\*",
    "\\?",
    "\\[a]",
    "a\\*",
    "?",
    "??",
    "a?",
    "a?b",
    "?/b",
    "a/?",
    "a ",
    "a  ",
    "a\\ ",
    "a\\  ",
    " a",
    "a b",
    "a\t",
    "\t",
    " ",
    "",
    "a\r",
    "a \\",
    "a\u{a0}",
    "*.md",
    "*.m?",
    "*a*",
    "*a*b*",
    "a*b",
    "a*c",
    "*b/c",
    "*/c",
    "*/*",
    "*/*/*",
    "**/*.md",
    "a.*",
    ".*",
    "*.*",
    "*.",
    "[ab]",
    "[a-c]",
    "[!a]",
    "[^a]",
    "[!a-c]",
    "[]a]",
    "[!]a]",
    "[]]",
    "[a-]",
    "[-a]",
    "[a",
    "[",
    "[]",
    "[!]",
    "[z-a]",
    "[a-",
    "[\\]]",
    "[\\a-c]",
    "[a-\\c]",
    "[a\\",
    "[[:alpha:]]",
    "[[:digit:]x]",
    "[![:alpha:]]",
    "[[:upper:]]",
    "[[:nope:]]",
    "[[:alpha]",
    "[[:alpha:]",
    "[[:]",
    "[[:",
    "[a[:digit:]-z]",
    "[[:space:]]",
    "[[:punct:]]",
    "[/]",
    "a[/]b",
    "a[!x]b",
    "[a/b]",
    "[.]",
    "x[a-c]y",
    "{a,b}",
    "{a}",
    "*.{md,txt}",
    "(a|b)",
    "a+",
    "a$",
    "^a",
    "é",
    "?é",
    "[é]",
    "??c",
    "*é",
    "É",
    "A",
    "日本",
    "a,b",
    "~a",
    "@",
    "-a",
    "foo",
    "foo/",
    "/foo",
    "/foo/",
    "foo/bar/",
    "/foo/ba",
    "/foo/ba/",
    "fo",
    "fo*/",
    "foo/b*/",
    "/f*/bar",
    "foo/*/",
    "foo/bar/*",
    "foo/bar/**",
    "!foo/bar",
    "**/bar/baz",
    "foo/**/baz",
    "foo/**/bar/**/baz",
    "*/bar/*",
    "f**/baz",
    "foo/**baz",
    "foo/bar**baz",
    ".",
    "..",
    "./a",
    "a/.",
    "a/..",
    "../a",
    "\u{feff}a",
];

const BEFORE: &[&str] = &["*", "/*", "a/", "foo/*", "!a", "**/b", "!foo/bar/baz"];

const PATHS: &[&str] = &[
    "a",
    "b",
    "c",
    "ab",
    "abc",
    "A",
    "a/b",
    "a/c",
    "a/b/c",
    "a/b/c/d",
    "a/x/c",
    "a/x/y/c",
    "b/a",
    "b/a/c",
    "x/a",
    "x/b",
    "x/b/c",
    "x/y/b",
    "x/y/z",
    "aa",
    "aab",
    "aXb",
    "abb",
    "a/ab",
    "abx/c",
    "axb/c",
    "ab/x/c",
    "abc/x/y/c",
    "ba",
    "xa",
    "x/ba",
    "x/y/ba",
    "a/bx",
    "a/bx/y",
    "a/xb",
    "a/x/b",
    "a ",
    "a  ",
    " a",
    "a b",
    "a\u{a0}",
    "a.md",
    "a.mx",
    "x.md",
    "d/x.md",
    "a.",
    ".a",
    ".",
    "a.b.c",
    "!a",
    "!!a",
    "#a",
    "*",
    "?",
    "[",
    "[a]",
    "[]",
    "]",
    "-",
    "^",
    "!",
    "z",
    "y",
    "d",
    "1",
    "x1",
    "5",
    "xay",
    "xby",
    "x-y",
    "{a,b}",
    "{a}",
    "x.{md,txt}",
    "x.txt",
    "(a|b)",
    "a+",
    "a$",
    "^a",
    "é",
    "aé",
    "É",
    "éc",
    "日本",
    "日本/x",
    "a,b",
    "~a",
    "@",
    "-a",
    "-a/b",
    "foo",
    "foo/bar",
    "foo/bar/baz",
    "foo/bar/baz/q",
    "foo/ba",
    "foo/barx/y",
    "foo/baz",
    "foo/x/baz",
    "foo/x/bar/y/baz",
    "foobar",
    "foobar/x",
    "foo/xbaz",
    "foo/x/ybaz",
    "fx/y/baz",
    "foo/barxbaz",
    "fo",
    "fo/x",
    "fox/foo/y",
    "x/foo",
    "x/foo/bar",
    "x/bar/baz",
    "x/bar/y",
    "\u{feff}a",
];

/// The paths that git ignores, with each list of patterns as the lines of the `.gitignore` of a folder of its own.
fn ask_git(lists: &[Vec<String>], paths: &[String]) -> HashSet<(usize, String)> {
    let git = Git::init();
    for (i, patterns) in lists.iter().enumerate() {
        git.write(&format!("{i}/.gitignore"), format!("{}\n", patterns.join("\n")).as_bytes());
    }
    let input: String = (0..lists.len()).flat_map(|i| paths.iter().map(move |path| format!("{i}/{path}\0"))).collect();
    let output = git.run(&["check-ignore", "--no-index", "-z", "--stdin"], input.as_bytes());
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    let ignored = String::from_utf8(output.stdout).unwrap();
    let split = |path: &str| path.split_once('/').map(|(i, path)| (i.parse().unwrap(), path.to_owned()));
    ignored.split('\0').filter_map(split).collect()
}

/// Where git says otherwise than we.
fn differences(lists: &[Vec<String>], paths: &[String]) -> Vec<String> {
    let ignored = ask_git(lists, paths);
    let mut wrong = Vec::new();
    for (i, patterns) in lists.iter().enumerate() {
        let excluder = Excluder::new(patterns).unwrap();
        let many = excluder.excluded_many(paths.iter().map(String::as_str));
        for (path, many) in paths.iter().zip(many) {
            let expected = ignored.contains(&(i, path.clone()));
            if excluder.is_excluded(path) != expected || many != expected {
                wrong.push(format!("{patterns:?} {path:?}: git says {expected}"));
            }
        }
    }
    wrong
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_pattern_of_the_table_means_what_git_says() {
    let paths: Vec<String> = owned(PATHS).into_iter().filter(|path| path != ".").collect();
    let alone = PATTERNS.iter().map(|pattern| owned(&[pattern]));
    let pairs = BEFORE.iter().flat_map(|first| PATTERNS.iter().map(|second| owned(&[first, second])));
    let wrong = differences(&alone.chain(pairs).collect::<Vec<_>>(), &paths);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        "!?[/]?[ab*?/\\[\\]!\\\\. -]{1,8}",
        "!?/?(\\*\\*/|[ab]{1,2}/|\\*/|\\?/|\\[!?[ab-]{1,3}\\]/){0,3}(\\*\\*|[ab]{1,3}|\\*[ab]|[ab]\\*|\\*)/?[ ]{0,2}",
    ]
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[ab. -]{1,3}(/[ab!\\]\\[]{1,2}){0,4}", 20..40)
        .prop_map(|paths| paths.into_iter().filter(|p| p.split('/').all(|s| s != "." && s != "..")).collect())
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn random_patterns_mean_what_git_says(
        lists in proptest::collection::vec(proptest::collection::vec(pattern(), 1..6), 1..6),
        paths in paths(),
    ) {
        let wrong = differences(&lists, &paths);
        prop_assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
