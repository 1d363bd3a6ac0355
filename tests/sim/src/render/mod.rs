//! The shapes GitHub answers in. Each function turns state into JSON; nothing here decides.

pub(crate) mod account;
pub(crate) mod app;
pub(crate) mod checks;
pub(crate) mod commit;
pub(crate) mod node_id;
pub(crate) mod pull;
pub(crate) mod repository;
