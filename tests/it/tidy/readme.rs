//! The README is true: its picture of the demo has the demo's steps, and its variables exist.

use std::fs;
use std::path::PathBuf;

fn read(path: &str) -> String {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    fs::read_to_string(PathBuf::from(root).join(path)).unwrap()
}

#[test]
fn the_picture_has_the_steps_of_the_demo() {
    let (readme, demo) = (read("README.md"), read("tests/demo/run"));
    let shown: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("== ")).collect();
    let printed: Vec<&str> =
        demo.lines().filter_map(|line| line.trim().strip_prefix("step(\"")?.strip_suffix("\")")).collect();
    assert_eq!(shown, printed);
    assert!(printed.len() >= 6);
}

#[test]
fn its_variables_exist() {
    let readme = read("README.md");
    let names =
        readme.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter_map(|word| word.strip_prefix("LOCKSTEP_"));
    for name in names {
        let known =
            |var: &lockstep::config::Var| var.name == name || (name.ends_with('_') && var.name.starts_with(name));
        assert!(lockstep::config::VARS.iter().any(known), "LOCKSTEP_{name}");
    }
}
