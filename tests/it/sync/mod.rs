//! The pure core against git itself: what `src/sync` says git does is asked of git.

mod exclude;
mod git;
