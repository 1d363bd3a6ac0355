//! The pure core against git itself: what `src/sync` says git does is asked of git.

mod diff;
mod exclude;
mod git;
mod merge;
mod tree;
