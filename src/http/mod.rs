//! Both listeners: statuses, headers and JSON. `routes.rs` has the whole URL map; what a request
//! causes is done by `engine` and `store`.

pub mod audit;
pub mod auth;
pub mod body;
mod callback;
pub mod changes;
pub mod conflicts;
mod console;
pub mod dead_letters;
mod docs;
pub mod edge;
mod failure;
pub mod files;
pub mod integration;
mod json;
pub mod keys;
pub mod live;
pub mod openapi;
pub mod ops;
pub mod page;
pub mod paging;
pub mod panel_sessions;
pub mod pending;
pub mod preview;
pub mod problem;
pub mod projects;
pub mod pulls;
pub mod repositories;
pub mod restore;
pub mod routes;
mod server;
mod session;
pub mod settings;
mod setup;
mod shapes;
pub mod syncs;
mod table;
pub mod webhook;

pub use auth::{Caller, Project};
pub use body::{Json, Query};
pub use edge::{Listener, RequestId};
pub use problem::ApiError;
pub use server::{Serving, serve};
