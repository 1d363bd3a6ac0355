//! The installation page of an App.

use std::collections::BTreeSet;

use super::authorize::new_code;
use super::html::{escape, hidden, page, sign_in};
use super::{visitor, with_query};
use crate::call::Call;
use crate::http::message::{Answer, Reply, not_found};
use crate::http::router::{Route, route};
use crate::world::World;
use crate::world::account::AccountKind;
use crate::world::app::App;
use crate::world::installation::Selection;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/apps/{slug}/installations/new", show),
    route("GET", "/apps/{slug}/installations/select_target", show),
    route("POST", "/apps/{slug}/installations/new", install),
];

/// The accounts a person may install on.
fn accounts(world: &World, user: u64) -> Vec<(u64, String)> {
    let own = world.accounts.values().filter(|it| world.administers(user, it.id));
    own.map(|it| (it.id, it.login.clone())).collect()
}

fn show(call: &Call<'_>) -> Answer {
    let world = call.world();
    let app = world.app_by_slug(call.param("slug")).ok_or_else(not_found)?;
    let Some(user) = visitor(call, &world) else {
        let people = world.accounts.values().filter(|it| it.kind == AccountKind::User);
        let logins: Vec<String> = people.map(|it| it.login.clone()).collect();
        return Ok(sign_in(&call.request.path, &call.request.query, &logins));
    };
    let login = world.accounts.get(&user).map_or("", |it| it.login.as_str());
    let mut body = format!(
        "<form method=\"post\" action=\"/apps/{}/installations/new\">{}{}",
        escape(&app.slug),
        hidden("login", login),
        hidden("state", call.request.query("state").unwrap_or_default()),
    );
    body.push_str("<fieldset><legend>Where</legend>");
    for (at, (id, login)) in accounts(&world, user).into_iter().enumerate() {
        let checked = if at == 0 { " checked" } else { "" };
        let login = escape(&login);
        body.push_str(&format!(
            "<label><input type=\"radio\" name=\"account\" value=\"{login}\"{checked}> \
             {login}</label>"
        ));
        body.push_str(&repository_boxes(&world, id));
    }
    body.push_str(
        "</fieldset><fieldset><legend>Repositories</legend>\
         <label><input type=\"radio\" name=\"selection\" value=\"all\" checked> All \
         repositories</label><label><input type=\"radio\" name=\"selection\" \
         value=\"selected\"> Only selected ones</label></fieldset>\
         <p><button class=\"primary\">Install</button></p></form>",
    );
    Ok(page(200, &format!("Install {}", app.name), &body))
}

fn repository_boxes(world: &World, account: u64) -> String {
    let own = world.repositories.values().filter(|it| it.owner == account);
    own.map(|it| {
        let name = escape(&it.name);
        format!(
            "<label style=\"margin-left:1.5rem\"><input type=\"checkbox\" name=\"repository\" \
             value=\"{}\"> {name}</label>",
            it.id
        )
    })
    .collect()
}

fn install(call: &Call<'_>) -> Answer {
    let fields = call.request.fields();
    let get = |name: &str| {
        let found = fields.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut world = call.world();
    let app = world.app_by_slug(call.param("slug")).ok_or_else(not_found)?.clone();
    let user = visitor(call, &world).ok_or_else(not_found)?;
    let account = world.account_id(get("account")).ok_or_else(not_found)?;
    if !world.administers(user, account) {
        return Ok(page(403, "Not yours", "<p>Only an owner can install an App here.</p>"));
    }
    let chosen = fields.iter().filter(|(name, _)| name == "repository");
    let chosen: BTreeSet<u64> = chosen.filter_map(|(_, id)| id.parse().ok()).collect();
    let selection = match get("selection") {
        "selected" => Selection::Selected(chosen),
        _ => Selection::All,
    };
    let existing = world.installation_at(app.id, account).map(|it| it.id);
    let (id, action) = match existing {
        Some(id) => {
            call.core.reselect(&mut world, id, selection, user);
            (id, "update")
        }
        None => {
            let id = call.core.install_app(&mut world, app.id, account, selection, user);
            (id.ok_or_else(not_found)?, "install")
        }
    };
    Ok(done(&mut world, &app, user, (id, action), get("state")))
}

/// On to the callback, the setup URL, or a page of GitHub's.
fn done(world: &mut World, app: &App, user: u64, (id, action): (u64, &str), state: &str) -> Reply {
    let id = id.to_string();
    let mut pairs = vec![("installation_id", id.as_str()), ("setup_action", action)];
    if !state.is_empty() {
        pairs.push(("state", state));
    }
    if let Some(callback) = app.callback_urls.first().filter(|_| app.request_oauth_on_install) {
        world.oauth.authorized.insert((user, app.id));
        let code = new_code(world, app.id, user, None, None);
        pairs.push(("code", &code));
        return Reply::redirect(302, &with_query(callback, &pairs));
    }
    let wanted = action == "install" || app.setup_on_update;
    match app.setup_url.as_ref().filter(|_| wanted) {
        Some(url) => Reply::redirect(302, &with_query(url, &pairs)),
        None => page(200, "Installed", "<p>The App is installed. You may close this page.</p>"),
    }
}
