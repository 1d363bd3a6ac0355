//! What a caller may do in a repository: reach, permissions, roles, archives.

use crate::auth::Caller;
use crate::call::{Call, Target};
use crate::http::message::{Refusal, Reply, not_found, refuse};
use crate::world::World;
use crate::world::permissions::Level;
use crate::world::role::Role;

/// What an endpoint asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    permission: &'static str,
    level: Level,
}

/// Reading under this permission.
pub(crate) const fn read(permission: &'static str) -> Need {
    Need { permission, level: Level::Read }
}

/// Writing under this permission.
pub(crate) const fn write(permission: &'static str) -> Need {
    Need { permission, level: Level::Write }
}

/// What GitHub says to an App that lacks a permission.
pub(crate) fn inaccessible() -> Refusal {
    refuse(403, "Resource not accessible by integration")
}

impl Call<'_> {
    /// The repository named by the path, if the caller may do that there.
    pub(crate) fn repo(&self, need: Need) -> Result<Target, Refusal> {
        let name = format!("{}/{}", self.param("owner"), self.param("repo"));
        let world = self.world();
        match world.repository(&name) {
            Some(repo) => self.open(&world, repo.id, need),
            None => Err(self.moved(&world, &name)),
        }
    }

    /// A repository by its id.
    pub(crate) fn open(&self, world: &World, id: u64, need: Need) -> Result<Target, Refusal> {
        admit(world, &self.caller, id, need)?;
        Target::of(world, id).ok_or_else(not_found)
    }

    /// A redirect for a former name of something the caller may see, else 404.
    fn moved(&self, world: &World, name: &str) -> Refusal {
        let Some(id) = world.moved.get(&name.to_ascii_lowercase()) else {
            return not_found();
        };
        if admit(world, &self.caller, *id, read("metadata")).is_err() {
            return not_found();
        }
        self.redirect(*id)
    }

    /// The same question about a repository that the path names by a former name.
    pub(crate) fn redirect(&self, id: u64) -> Refusal {
        let old = format!("/repos/{}/{}", self.param("owner"), self.param("repo"));
        let rest = self.request.path.strip_prefix(&old).unwrap_or_default();
        let location = format!("{}/repositories/{id}{rest}", self.core.url);
        let status = if self.request.method == http::Method::GET { 301 } else { 307 };
        let message = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
        let body = serde_json::json!({
            "message": message,
            "url": location,
            "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
        });
        Refusal(Box::new(Reply::json(status, &body).with("location", location)))
    }
}

/// Whether a caller may do something in a repository.
pub(crate) fn admit(world: &World, caller: &Caller, id: u64, need: Need) -> Result<(), Refusal> {
    let repo = world.repositories.get(&id).ok_or_else(not_found)?;
    let writes = need.level == Level::Write;
    let visible = !repo.private && !writes;
    match caller {
        Caller::Anonymous if visible => {}
        Caller::Anonymous if repo.private => return Err(not_found()),
        Caller::Anonymous => return Err(refuse(401, "Requires authentication")),
        Caller::App(_) | Caller::Client(_) => return Err(inaccessible()),
        Caller::Installation { installation, permissions, repositories, .. } => {
            let narrowed = repositories.as_ref().is_some_and(|ids| !ids.contains(&id));
            if narrowed || !world.reaches(*installation, id) {
                return outside(repo.private, visible);
            }
            let metadata = need.permission == "metadata";
            if !metadata && !permissions.allow(need.permission, need.level) {
                return Err(inaccessible());
            }
        }
        Caller::User { user, app, .. } => {
            let role = world.role(*user, id);
            admit_user(world, *app, id, role, need)?;
        }
    }
    if repo.archived && writes {
        return Err(refuse(403, "Repository was archived so is read-only."));
    }
    Ok(())
}

fn outside(private: bool, visible: bool) -> Result<(), Refusal> {
    match (visible, private) {
        (true, _) => Ok(()),
        (false, true) => Err(not_found()),
        (false, false) => Err(inaccessible()),
    }
}

/// A user token reaches what both the person and the App may do.
fn admit_user(world: &World, app: u64, id: u64, role: Option<Role>, need: Need) -> Result<(), Refusal> {
    let role = role.ok_or_else(not_found)?;
    let Some(installation) = world.installation_on(app, id) else {
        let private = world.repositories.get(&id).is_none_or(|it| it.private);
        return outside(private, !private && need.level == Level::Read);
    };
    if installation.suspended.is_some() {
        return Err(refuse(403, "This installation has been suspended"));
    }
    let metadata = need.permission == "metadata";
    if !metadata && !installation.permissions.allow(need.permission, need.level) {
        return Err(inaccessible());
    }
    let enough = match (need.level, need.permission) {
        (Level::Read, _) => Role::Read,
        (Level::Write, "administration") => Role::Admin,
        (Level::Write, _) => Role::Write,
    };
    if role < enough {
        let message = "Must have push access to repository";
        return Err(refuse(403, message));
    }
    Ok(())
}
