//! What is decided, and nothing that has an effect: no I/O, no clock, no randomness, no async.
//!
//! `exclude` says which paths are out of sight, `merge` joins two versions of a file, `diff` writes
//! patches, `rename` pairs what was deleted with what was added, `message` says what a commit did,
//! `tree` computes the ids git would give a tree, `plan` puts it all together.

pub mod diff;
pub mod exclude;
mod fuel;
mod gaps;
pub mod glob;
mod lines;
pub mod merge;
pub mod message;
pub mod plan;
pub mod rename;
pub mod template;
pub mod tree;
