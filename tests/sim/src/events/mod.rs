//! What happens because something happened: refs move, pull requests follow, webhooks go out.

pub(crate) mod checks;
pub(crate) mod delivery;
pub(crate) mod emit;
pub(crate) mod installations;
pub(crate) mod pulls;
pub(crate) mod push;
pub(crate) mod refs;
pub(crate) mod repositories;
pub(crate) mod send;
