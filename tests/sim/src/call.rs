//! One request on its way to its answer: what handlers are given.

use std::sync::{Arc, MutexGuard};

use crate::auth::Caller;
use crate::core::Core;
use crate::git::Git;
use crate::graphql::document::Document;
use crate::http::message::{Refusal, Request, not_found};
use crate::http::router::Params;
use crate::world::World;

/// A routed, authenticated request.
pub(crate) struct Call<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) request: &'a Request,
    pub(crate) params: Params,
    pub(crate) caller: Caller,
    /// The GraphQL document, when it is one.
    pub(crate) document: Option<Document>,
}

/// A repository a handler was let into: what it needs without holding the world's lock.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) id: u64,
    pub(crate) git: Arc<Git>,
    pub(crate) full_name: String,
    pub(crate) default_branch: String,
    /// Base of the repository's API URLs.
    pub(crate) url: String,
    /// Base of its web pages.
    pub(crate) html: String,
}

impl Call<'_> {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.core.world()
    }

    /// A path parameter; empty when the template has none of that name.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }

    /// A path parameter that is a number; anything else is not found.
    pub(crate) fn number(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| not_found())
    }

    /// The account that acts: the person, or the App's bot.
    pub(crate) fn actor(&self, world: &World) -> u64 {
        self.caller.actor(world)
    }
}

impl Target {
    pub(crate) fn of(world: &World, id: u64) -> Option<Target> {
        let repo = world.repositories.get(&id)?;
        let full_name = world.full_name(id)?;
        Some(Target {
            id,
            git: repo.git.clone(),
            default_branch: repo.default_branch.clone(),
            url: format!("{}/repos/{full_name}", world.url),
            html: format!("{}/{full_name}", world.url),
            full_name,
        })
    }
}
