//! Pages behind the links that answers hold: an App, an installation's settings, a repository,
//! a commit, a pull request.

use super::html::{escape, page};
use crate::call::{Call, Target};
use crate::http::message::{Answer, not_found};
use crate::http::router::{Route, route};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/settings/installations/{id}", installation),
    route("GET", "/organizations/{org}/settings/installations/{id}", installation),
    route("GET", "/{owner}/{repo}/commit/{sha}", commit),
    route("GET", "/{owner}/{repo}/pull/{number}", pull),
];

fn installation(call: &Call<'_>) -> Answer {
    let world = call.world();
    let found = world.installations.get(&call.number("id")?).ok_or_else(not_found)?;
    let app = world.apps.get(&found.app).map_or("", |it| it.name.as_str());
    let text = format!("<p>Reaches {} repositories.</p>", found.selection.name());
    Ok(page(200, &format!("{app}: installed"), &text))
}

fn target(call: &Call<'_>) -> Option<Target> {
    let world = call.world();
    let name = format!("{}/{}", call.param("owner"), call.param("repo"));
    let id = world.repository(&name)?.id;
    Target::of(&world, id)
}

fn commit(call: &Call<'_>) -> Answer {
    let target = target(call).ok_or_else(not_found)?;
    let oid = crate::git::Oid::parse(call.param("sha")).ok_or_else(not_found)?;
    let commit = target.git.store.commit(&oid).ok_or_else(not_found)?;
    let before = commit.parents.first().and_then(|it| target.git.store.commit(it));
    let changes = target.git.store.diff(before.map(|it| it.tree), Some(commit.tree));
    let list: String = changes.iter().take(300).map(|it| format!("<li>{}</li>", escape(&it.path))).collect();
    let body = format!(
        "<pre>{}</pre><p>{} committed {}</p><ul>{list}</ul>",
        escape(&commit.message),
        escape(&commit.author.name),
        commit.committer.date(),
    );
    Ok(page(200, &format!("Commit {}", oid.short()), &body))
}

fn pull(call: &Call<'_>) -> Answer {
    let target = target(call).ok_or_else(not_found)?;
    let number = call.number("number")?;
    let world = call.world();
    let pull = world.pull(target.id, number).ok_or_else(not_found)?;
    let body = format!(
        "<p>{}: <code>{}</code> into <code>{}</code></p><pre>{}</pre>",
        pull.state(),
        escape(&pull.head),
        escape(&pull.base),
        escape(pull.body.as_deref().unwrap_or_default()),
    );
    Ok(page(200, &format!("{} #{number}", pull.title), &body))
}
