//! Migrations only expand: a rolling upgrade has the previous release at work on the new schema.
//! What is contracted says so in its first line: `-- contract: what the last release stopped using`.

use std::fs;
use std::path::Path;

/// Statements that the previous release does not survive, by how they begin (upper case, one space).
const BREAKING: &[&str] = &["DROP ", "TRUNCATE ", "RENAME ", "LOCK "];
/// Parts of `ALTER TABLE` that it does not survive.
const BREAKING_PARTS: &[&str] = &[" DROP ", " RENAME ", " SET NOT NULL", " TYPE ", " ADD CONSTRAINT "];

fn migrations() -> Vec<(String, String)> {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let entries = fs::read_dir(Path::new(&root).join("migrations")).unwrap().flatten();
    let mut found: Vec<(String, String)> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path()).unwrap()))
        .filter(|(name, _)| name.ends_with(".sql"))
        .collect();
    found.sort();
    found
}

/// What the previous release does not survive in this file.
fn breaking(sql: &str) -> Vec<String> {
    if sql.starts_with("-- contract: ") {
        return Vec::new();
    }
    let code: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let statements = code.join(" ");
    let mut made = Vec::new();
    let mut found = Vec::new();
    for statement in statements.split(';') {
        let words = statement.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
        if let Some(rest) = words.strip_prefix("CREATE TABLE ") {
            made.push(rest.split([' ', '(']).next().unwrap_or_default().to_owned());
        }
        let Some(altered) = words.strip_prefix("ALTER TABLE ") else {
            found.extend(BREAKING.iter().any(|start| words.starts_with(start)).then_some(words));
            continue;
        };
        // A table of this very file is nobody's yet.
        let new = made.iter().any(|table| altered.split(' ').next() == Some(table));
        let needs_value = altered.contains(" NOT NULL") && !altered.contains(" DEFAULT ");
        if !new && (needs_value || BREAKING_PARTS.iter().any(|part| altered.contains(part))) {
            found.push(words);
        }
    }
    found
}

#[test]
fn they_only_expand_and_are_numbered_without_gaps() {
    for (index, (name, sql)) in migrations().iter().enumerate() {
        assert!(name.starts_with(&format!("V{:03}__", index + 1)), "{name}");
        assert_eq!(breaking(sql), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_would_break_the_previous_release_is_found() {
    for sql in [
        "ALTER TABLE files DROP COLUMN mode;",
        "ALTER TABLE files\n    RENAME COLUMN mode TO kind;",
        "ALTER TABLE files ALTER COLUMN mode TYPE text;",
        "ALTER TABLE files ADD COLUMN kind text NOT NULL;",
        "ALTER TABLE files ALTER COLUMN mode SET NOT NULL;",
        "CREATE TABLE a (id int); DROP TABLE files;",
    ] {
        assert_eq!(breaking(sql).len(), 1, "{sql}");
    }
    for sql in [
        "ALTER TABLE files ADD COLUMN kind text;",
        "ALTER TABLE files ADD COLUMN kind text NOT NULL DEFAULT '';",
        "CREATE TABLE a (id int NOT NULL); ALTER TABLE a ADD CONSTRAINT once UNIQUE (id);",
        "-- DROP TABLE files;\nCREATE INDEX b ON files (mode);",
        "-- contract: V004's release stopped reading it\nALTER TABLE files DROP COLUMN mode;",
    ] {
        assert_eq!(breaking(sql), Vec::<String>::new(), "{sql}");
    }
}
