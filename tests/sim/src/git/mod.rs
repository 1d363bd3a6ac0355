//! Git itself: objects, packs, trees, refs and history in bare repositories on disk that any
//! `git` can read. Everything a request needs happens in this process; only three-way merges
//! of pull requests spawn `git`. Nothing here knows of GitHub, HTTP or people.

pub(crate) mod diff;
pub(crate) mod edit;
pub(crate) mod history;
pub(crate) mod merge;
pub(crate) mod object;
pub(crate) mod oid;
mod pack;
pub(crate) mod patch;
pub(crate) mod refs;
pub(crate) mod repo;
pub(crate) mod store;
pub(crate) mod tree;

pub(crate) use object::{Commit, Kind, Mode, Person};
pub(crate) use oid::Oid;
pub(crate) use repo::Git;
