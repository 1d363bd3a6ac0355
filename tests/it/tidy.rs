//! The architecture's rules, checked on the source itself: who may use whom, where effects, SQL, Redis and GitHub
//! may be named, and what no file may hold. Each rule has a test on this repository, and one that shows it failing.

mod migrations;
mod readme;
mod source;

use source::Source;

/// Lines that break a rule, and why: the number, and what to say.
type Findings = Vec<(usize, String)>;

/// Which modules each module may name. `main.rs` and `lib.rs` may name all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("job", &["model"]),
    ("config", &["model", "vault"]),
    ("telemetry", &["model", "job", "config"]),
    ("vault", &["model", "job", "config", "telemetry"]),
    ("sync", &["model"]),
    ("github", &["model", "job", "config", "telemetry", "vault"]),
    ("store", &["model", "job", "config", "telemetry", "vault"]),
    ("queue", &["model", "job", "config", "telemetry"]),
    ("engine", &["model", "job", "config", "telemetry", "vault", "sync", "github", "store", "queue"]),
    ("http", &["model", "job", "config", "telemetry", "engine", "store", "queue", "ui"]),
    ("ui", &["model", "job", "config", "telemetry", "engine", "store", "queue"]),
    ("app", &["*"]),
    ("commands", &["*"]),
];

/// The first folder or file below `src/`.
fn module_of(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

/// How many `super::` lead from this file to the crate's root.
fn depth_of(path: &str) -> usize {
    path.trim_end_matches("/mod.rs").matches('/').count()
}

fn directions(file: &Source) -> Findings {
    let from = module_of(&file.path);
    if matches!(from, "main" | "lib") {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == from) else {
        return vec![(1, format!("module `{from}` is new: say in tests/it/tidy.rs what it may use"))];
    };
    let named =
        file.paths().into_iter().filter_map(|(line, path)| Some((line, target_of(&path, depth_of(&file.path))?)));
    named
        .filter(|(_, to)| to != from && !allowed.contains(&"*") && !allowed.contains(&to.as_str()))
        .map(|(line, to)| (line, format!("`{from}` may not use `{to}`")))
        .collect()
}

/// The top-level module that a path leads to, if it starts from the crate's root.
fn target_of(path: &str, depth: usize) -> Option<String> {
    let up = "super::".repeat(depth);
    let below = path.strip_prefix("crate::").or_else(|| path.strip_prefix(&up))?;
    let first = below.split("::").next()?;
    (first != "super").then(|| first.to_owned())
}

/// Whether one path is the other or leads through it.
fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn named(file: &Source, outer: &[&str], why: &str) -> Findings {
    let hit = |path: &str| outer.iter().any(|outer| within(path, outer));
    file.paths()
        .into_iter()
        .filter(|(_, path)| hit(path))
        .map(|(line, path)| (line, format!("`{path}`: {why}")))
        .collect()
}

const EFFECTS: &[&str] = &[
    "tokio",
    "rand",
    "getrandom",
    "async",
    "std::time",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "core::time",
];

fn sync_is_pure(file: &Source) -> Findings {
    if module_of(&file.path) != "sync" {
        return Vec::new();
    }
    let clock = file.paths().into_iter().filter(|(_, path)| path.ends_with("Utc::now") || path.ends_with("Local::now"));
    let clock = clock.map(|(line, path)| (line, format!("`{path}`: sync/ is given the time")));
    named(file, EFFECTS, "sync/ has no effects").into_iter().chain(clock).collect()
}

fn sql_in_store(file: &Source) -> Findings {
    if module_of(&file.path) == "store" {
        return Vec::new();
    }
    literals(file, is_sql, "SQL belongs in store/")
}

fn literals(file: &Source, hit: impl Fn(&str) -> bool, why: &str) -> Findings {
    file.literals.iter().filter(|(_, text)| hit(text)).map(|(line, text)| (*line, format!("{text:?}: {why}"))).collect()
}

/// Statements as they are written here: keywords in capitals anywhere, or in small letters from the start.
fn is_sql(literal: &str) -> bool {
    let text = literal.split_whitespace().collect::<Vec<_>>().join(" ");
    let pairs = [("SELECT ", " FROM "), ("INSERT INTO ", ""), ("UPDATE ", " SET "), ("DELETE FROM ", "")];
    pairs.iter().any(|(first, then)| {
        let shouted = text.find(first).is_some_and(|at| text[at..].contains(then));
        let (first, then) = (first.to_lowercase(), then.to_lowercase());
        shouted || (text.starts_with(&first) && text.contains(&then))
    })
}

const REDIS_COMMANDS: &[&str] = &[
    "XADD",
    "XACK",
    "XDEL",
    "XREADGROUP",
    "XAUTOCLAIM",
    "XPENDING",
    "XGROUP",
    "XLEN",
    "ZADD",
    "ZREM",
    "ZRANGE",
    "ZRANGEBYSCORE",
    "ZPOPMIN",
    "EVALSHA",
    "HSET",
    "HGET",
    "HGETALL",
    "HINCRBY",
    "INCRBY",
    "PEXPIRE",
    "SETEX",
    "LPUSH",
    "RPUSH",
    "BLPOP",
    "PUBLISH",
];

fn redis_in_queue(file: &Source) -> Findings {
    if module_of(&file.path) == "queue" || file.path.starts_with("src/github/budget") {
        return Vec::new();
    }
    let why = "Redis belongs in queue/ and github/budget";
    let commands = literals(file, |text| REDIS_COMMANDS.contains(&text) || text.contains("redis.call("), why);
    named(file, &["redis"], why).into_iter().filter(|(_, what)| what.contains("redis::")).chain(commands).collect()
}

fn github_in_github(file: &Source) -> Findings {
    let module = module_of(&file.path);
    if module == "github" {
        return Vec::new();
    }
    let why = "GitHub is spoken to in github/";
    let host = literals(file, |text| module != "config" && text.contains("api.github.com"), why);
    named(file, &["octocrab"], why).into_iter().chain(host).collect()
}

fn environment_in_config(file: &Source) -> Findings {
    let module = module_of(&file.path);
    if module == "config" {
        return Vec::new();
    }
    let hits = named(file, &["std::env", "env"], "the environment is read in config.rs");
    let allowed = |what: &str| {
        what == "env" || (module == "main" && what.starts_with("std::env::args")) || what.starts_with("env::args")
    };
    hits.into_iter().filter(|(_, what)| !allowed(what.split('`').nth(1).unwrap_or(what))).collect()
}

fn waiting_in_queue(file: &Source) -> Findings {
    let thread = named(file, &["std::thread::sleep", "thread::sleep"], "it stops a whole worker");
    let names =
        ["tokio::time::sleep", "tokio::time::sleep_until", "time::sleep", "time::sleep_until", "actix_web::rt::time"];
    // GitHub's own protocol asks for pauses of a second or two; they are all in one file.
    let allowed = ["src/queue/", "src/github/patience.rs", "tests/"];
    let timer = if allowed.iter().any(|place| file.path.starts_with(place)) {
        Vec::new()
    } else {
        named(file, &names, "sleeping belongs in queue/")
    };
    thread.into_iter().chain(timer).collect()
}

/// Words that say that something is not finished, and tests that do not run.
fn finished(file: &Source) -> Findings {
    let words = file.lines().filter_map(|(line, text)| {
        let word = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .find(|word| matches!(*word, "TODO" | "FIXME" | "XXX"))?;
        Some((line, format!("`{word}`: finish it, or file it")))
    });
    let marks = file.live.lines().enumerate().filter_map(|(index, text)| {
        let mark = ["todo!", "unimplemented!", "dbg!"].into_iter().find(|mark| text.contains(mark))?;
        Some((index + 1, format!("`{mark}` is left over")))
    });
    let skipped = file.lines().filter(|(_, text)| text.trim_start().starts_with("#[ignore"));
    words.chain(marks).chain(skipped.map(|(line, _)| (line, "a test that does not run".to_owned()))).collect()
}

fn says_what_it_holds(file: &Source) -> Findings {
    let good = file.text.starts_with("//!");
    if good { Vec::new() } else { vec![(1, "begin with `//!`: what lives here, what does not".to_owned())] }
}

fn is_small(file: &Source) -> Findings {
    let lines = file.text.lines().count();
    if lines <= 600 { Vec::new() } else { vec![(601, format!("{lines} lines; 600 are the most, 250 usual"))] }
}

/// Keys of log lines and spans come from one list.
fn log_keys_are_listed(file: &Source) -> Findings {
    let macros = ["trace!(", "debug!(", "info!(", "warn!(", "error!(", "_span!("];
    let begins = macros
        .iter()
        .flat_map(|name| file.live.match_indices(name).map(|(at, name)| (at + name.len(), *name == *"_span!(")));
    let keys = begins.flat_map(|(at, span)| log_keys(&file.live[at..], span).into_iter().map(move |key| (at, key)));
    keys.filter(|(_, key)| !lockstep::telemetry::log::KEYS.contains(&key.as_str()))
        .map(|(at, key)| (source::line_of(&file.live, at), format!("`{key}` is not in telemetry::log::KEYS")))
        .collect()
}

/// The keys of a macro's arguments; `text` begins after its bracket, and ends anywhere behind. A span's name comes
/// first; a line's message, and what is printed in it, last.
fn log_keys(text: &str, span: bool) -> Vec<String> {
    let (mut depth, mut quoted, mut arguments) = (0, false, vec![String::new()]);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().unwrap().push(c);
    }
    let arguments = arguments.iter().map(|argument| argument.trim()).skip(usize::from(span));
    let fields = arguments.take_while(|argument| !argument.starts_with('"'));
    let key = |argument: &str| argument.split('=').next().unwrap().trim().trim_start_matches(['%', '?']).to_owned();
    let mut keys: Vec<String> = fields.map(key).collect();
    keys.retain(|key| !key.is_empty());
    keys
}

fn errors_are_handled(file: &Source) -> Findings {
    let panics = [".unwrap()", ".expect(", ".unwrap_err()", ".expect_err("];
    let hit = |text: &str| panics.into_iter().find(|call| text.replace(' ', "").contains(call));
    let lines = file.live.lines().enumerate();
    lines.filter_map(|(index, text)| Some((index + 1, format!("`{}` outside tests", hit(text)?)))).collect()
}

/// Fails with each place of this repository that breaks the rule.
fn tidy(rule: fn(&Source) -> Findings, folders: &[&str]) {
    let files = source::read(folders);
    assert!(!files.is_empty(), "no source found under {folders:?}");
    // These files name what they look for.
    let files = files.iter().filter(|file| !file.path.starts_with("tests/it/tidy"));
    let broken: Vec<String> = files.flat_map(|file| places(file, rule(file))).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn places(file: &Source, findings: Findings) -> Vec<String> {
    findings.into_iter().map(|(line, what)| format!("{}:{line}: {what}", file.path)).collect()
}

/// The lines of an example in which the rule finds something.
fn found(rule: fn(&Source) -> Findings, path: &str, text: &str) -> Vec<usize> {
    let mut lines: Vec<usize> = rule(&Source::new(path, text)).into_iter().map(|(line, _)| line).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

const PROGRAM: &[&str] = &["src"];
const ALL: &[&str] = &["src", "tests"];

#[test]
fn modules_depend_in_the_directions_of_the_design() {
    tidy(directions, PROGRAM);
}

#[test]
fn a_wrong_direction_is_noticed() {
    let bad = "use crate::{model, github::Client};\nfn a() { crate::engine::run(); super::super::http::b(); super::files(); }";
    assert_eq!(found(directions, "src/store/syncs.rs", bad), [1, 2]);
    assert_eq!(found(directions, "src/store/mod.rs", "use super::queue;\nuse super::model;"), [1]);
    assert_eq!(found(directions, "src/queue/worker.rs", "\nuse crate::engine;\n// crate::github\n"), [2]);
    assert_eq!(found(directions, "src/app.rs", "use crate::{engine, store};"), [0; 0]);
    assert_eq!(found(directions, "src/helpers/mod.rs", ""), [1]);
}

#[test]
fn sync_has_no_effects() {
    tidy(sync_is_pure, PROGRAM);
}

#[test]
fn an_effect_in_sync_is_noticed() {
    let bad = "use std::{collections, time::Instant};\nasync fn a() {}\nfn b() { chrono::Utc::now(); }\nfn c() { getrandom::fill(x); }\n\
               #[cfg(test)]\nmod tests { use std::fs; }\n// tokio\nuse std::io;";
    assert_eq!(found(sync_is_pure, "src/sync/plan.rs", bad), [1, 2, 3, 4]);
    assert_eq!(found(sync_is_pure, "src/engine/sweep.rs", bad), [0; 0]);
}

#[test]
fn sql_stands_in_store_alone() {
    tidy(sql_in_store, PROGRAM);
}

#[test]
fn sql_elsewhere_is_noticed() {
    let bad = "a(\"SELECT pid\n  FROM projects\");\nb(\"delete from files where pid = $1\");\nc(\"WITH a AS (UPDATE b SET c = 1) TABLE a\");\n\
               d(\"Select a repository from the list\");\ne(\"INSERT INTO t VALUES (1)\"); // UPDATE a SET b";
    assert_eq!(found(sql_in_store, "src/http/changes.rs", bad), [1, 3, 4, 6]);
    assert_eq!(found(sql_in_store, "src/store/files.rs", bad), [0; 0]);
}

#[test]
fn redis_is_named_in_queue_and_budget_alone() {
    tidy(redis_in_queue, PROGRAM);
}

#[test]
fn redis_elsewhere_is_noticed() {
    let bad = "use redis::AsyncCommands;\nlet redis = config.redis;\na(\"XADD\");\nb(\"redis.call('get', 1)\");\nc(\"redis\");";
    assert_eq!(found(redis_in_queue, "src/http/webhook.rs", bad), [1, 3, 4]);
    assert_eq!(found(redis_in_queue, "src/github/budget.rs", bad), [0; 0]);
}

#[test]
fn github_is_spoken_to_in_github_alone() {
    tidy(github_in_github, PROGRAM);
}

#[test]
fn github_elsewhere_is_noticed() {
    let bad = "use octocrab::Octocrab;\n// api.github.com\na(\"https://api.github.com\");";
    assert_eq!(found(github_in_github, "src/engine/connect.rs", bad), [1, 3]);
    assert_eq!(found(github_in_github, "src/config.rs", bad), [1]);
}

#[test]
fn the_environment_is_read_in_config_alone() {
    tidy(environment_in_config, PROGRAM);
}

#[test]
fn an_environment_variable_elsewhere_is_noticed() {
    let bad = "use std::{env, fs};\nfn a() { std::env::var(\"A\"); }\nfn b() { env!(\"A\"); }\nfn c() { std::env::args(); }\nfn d() { env::vars(); }";
    assert_eq!(found(environment_in_config, "src/store/mod.rs", bad), [1, 2, 4, 5]);
    assert_eq!(found(environment_in_config, "src/main.rs", bad), [1, 2, 5]);
    assert_eq!(found(environment_in_config, "src/config.rs", bad), [0; 0]);
}

#[test]
fn waiting_is_done_in_queue_alone() {
    tidy(waiting_in_queue, &["src", "tests/it"]);
}

#[test]
fn sleep_elsewhere_is_noticed() {
    let bad = "use tokio::time::{Duration, sleep};\nfn a() { std::thread::sleep(b); }\nasync fn c() { tokio::time::sleep_until(d).await }";
    assert_eq!(found(waiting_in_queue, "src/engine/sweep.rs", bad), [1, 2, 3]);
    assert_eq!(found(waiting_in_queue, "src/queue/worker.rs", bad), [2]);
}

#[test]
fn nothing_is_left_unfinished() {
    tidy(finished, ALL);
}

#[test]
fn something_unfinished_is_noticed() {
    let bad = "// TODO: more\nlet a = \"XXXX\";\nfn b() { todo!() }\nfn c() { dbg!(d); }\n#[ignore = \"slow\"]\nfn e() {} // fixed FIXME\n// a todo! in words";
    assert_eq!(found(finished, "src/a.rs", bad), [1, 3, 4, 5, 6]);
}

#[test]
fn every_file_says_what_it_holds() {
    tidy(says_what_it_holds, ALL);
}

#[test]
fn a_file_that_does_not_say_is_noticed() {
    assert_eq!(found(says_what_it_holds, "src/a.rs", "use b;\n//! too late"), [1]);
}

#[test]
fn files_are_small() {
    tidy(is_small, ALL);
}

#[test]
fn a_large_file_is_noticed() {
    assert_eq!(found(is_small, "src/a.rs", &"\n".repeat(601)), [601]);
    assert_eq!(found(is_small, "src/a.rs", &"\n".repeat(600)), [0; 0]);
}

#[test]
fn the_program_does_not_panic_on_errors() {
    tidy(errors_are_handled, PROGRAM);
}

#[test]
fn a_panic_on_an_error_is_noticed() {
    let bad = "fn a() { b.unwrap(); }\nfn c() { d.expect(\"e\"); }\nfn f() { g.unwrap_or(h); }\n// i.unwrap()\n\
               #[cfg(test)]\nmod tests { fn j() { k.unwrap(); } }\nfn l() { m\n.unwrap (); }";
    assert_eq!(found(errors_are_handled, "src/a.rs", bad), [1, 2, 8]);
}

#[test]
fn log_keys_come_from_one_list() {
    tidy(log_keys_are_listed, PROGRAM);
}

#[test]
fn a_log_key_of_ones_own_is_noticed() {
    let bad = "fn a() { tracing::info!(pid, %error, \"the {task} ended\", ); }\nfn b() { tracing::warn!(user = x(1, 2), \"so\"); }\n\
               fn c() { tracing::info_span!(\"job\", job, secret = tracing::field::Empty); }";
    assert_eq!(found(log_keys_are_listed, "src/engine/a.rs", bad), [2, 3]);
}
