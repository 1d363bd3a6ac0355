//! Words that every module shares: ids, paths, object ids, modes, settings, problem codes.
//!
//! Everything here is parsed once, at the door, and is valid from then on. Nothing of ours is used
//! here and nothing here has an effect.

pub mod branch;
pub mod ids;
pub mod oid;
pub mod path;
pub mod problem;
pub mod settings;
pub mod sync;

pub use branch::BranchName;
pub use ids::{ProjectId, RepoName, UserId};
pub use oid::{Entry, Mode, Oid};
pub use path::FilePath;
pub use problem::{Code, Problem};
pub use settings::{ConflictPolicy, Settings};
pub use sync::{Author, ChangeKind, Direction, SyncKind, SyncStatus};
