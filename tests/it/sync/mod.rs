//! The pure core against git itself: what `src/sync` says git does is asked of git.

mod diff;
mod exclude;
mod git;
mod merge;
mod template;
mod tree;

/// A hundred cases of what asks git each time; `PROPTEST_CASES` asks for more.
fn cases() -> proptest::test_runner::Config {
    let default = proptest::test_runner::Config { failure_persistence: None, ..Default::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        default
    } else {
        proptest::test_runner::Config { cases: 100, ..default }
    }
}
