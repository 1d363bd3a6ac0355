//! Making an App from a manifest:
//! <https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest>.

use serde_json::Value;

use super::html::{escape, hidden, page};
use super::{visitor, with_query};
use crate::call::Call;
use crate::http::message::{Answer, Reply};
use crate::http::router::{Route, route};
use crate::keys;
use crate::world::World;
use crate::world::app::NewApp;
use crate::world::permissions::Permissions;

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/settings/apps/new", show),
    route("POST", "/organizations/{org}/settings/apps/new", show),
    route("POST", "/settings/apps/manifest", create),
];

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found = fields.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

fn problem(text: &str) -> Reply {
    page(422, "Invalid GitHub App configuration", &format!("<p>{}</p>", escape(text)))
}

/// What a manifest must have.
fn check(manifest: &Value) -> Result<(), &'static str> {
    if manifest["url"].as_str().is_none_or(str::is_empty) {
        return Err("Error: \"url\" wasn't supplied.");
    }
    if manifest["redirect_url"].as_str().is_none_or(str::is_empty) {
        return Err("Error: \"redirect_url\" wasn't supplied.");
    }
    let hook = &manifest["hook_attributes"];
    if hook.is_object() && hook["url"].as_str().is_none_or(str::is_empty) {
        return Err("Error: \"hook_attributes.url\" wasn't supplied.");
    }
    let permissions = &manifest["default_permissions"];
    if !permissions.is_null() && Permissions::parse(permissions).is_none() {
        return Err("Error: default permission records is invalid.");
    }
    Ok(())
}

fn show(call: &Call<'_>) -> Answer {
    let fields = call.request.fields();
    let text = field(&fields, "manifest");
    let manifest: Value = match serde_json::from_str(text) {
        Ok(manifest) => manifest,
        Err(_) => return Ok(problem("The manifest is no JSON.")),
    };
    if let Err(reason) = check(&manifest) {
        return Ok(problem(reason));
    }
    let name = manifest["name"].as_str().unwrap_or_default();
    let body = format!(
        "<form method=\"post\" action=\"/settings/apps/manifest\">{}{}{}\
         <label>GitHub App name <input name=\"name\" value=\"{}\" required></label>\
         <p><button class=\"primary\">Create GitHub App</button></p></form>",
        hidden("manifest", text),
        hidden("state", call.request.query("state").unwrap_or_default()),
        hidden("organization", call.param("org")),
        escape(name),
    );
    Ok(page(200, "Create GitHub App", &body))
}

fn create(call: &Call<'_>) -> Answer {
    let fields = call.request.fields();
    let manifest: Value = serde_json::from_str(field(&fields, "manifest")).unwrap_or_default();
    if let Err(reason) = check(&manifest) {
        return Ok(problem(reason));
    }
    let mut world = call.world();
    let organization = field(&fields, "organization");
    let owner = match organization {
        "" => visitor(call, &world),
        login => world.account_id(login),
    };
    let Some(owner) = owner else {
        return Ok(problem("There is no such account."));
    };
    let Some(id) = add_app(&mut world, &manifest, field(&fields, "name"), owner) else {
        return Ok(problem("Name has already been taken"));
    };
    let code = crate::random::hex(40);
    let now = world.now();
    world.oauth.manifests.insert(code.clone(), (id, now));
    call.core.announce_ping(&mut world, id);
    let mut pairs = vec![("code", code.as_str())];
    let state = field(&fields, "state");
    if !state.is_empty() {
        pairs.push(("state", state));
    }
    let back = manifest["redirect_url"].as_str().unwrap_or_default();
    Ok(Reply::redirect(302, &with_query(back, &pairs)))
}

fn add_app(world: &mut World, manifest: &Value, name: &str, owner: u64) -> Option<u64> {
    let text = |name: &str| manifest[name].as_str().map(str::to_owned);
    let list = |name: &str| -> Vec<String> {
        let items = manifest[name].as_array().into_iter().flatten();
        items.filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    let flag = |name: &str| manifest[name].as_bool().unwrap_or(false);
    let name = match name {
        "" => text("name")?,
        name => name.to_owned(),
    };
    let hook = &manifest["hook_attributes"];
    let active = hook["active"].as_bool().unwrap_or(true);
    let hook_url = hook["url"].as_str().filter(|_| active).map(str::to_owned);
    world.add_app(NewApp {
        name,
        description: text("description"),
        external_url: text("url")?,
        owner,
        key: keys::other(),
        webhook_secret: (hook_url.is_some() && !world.secretless).then(|| crate::random::hex(40)),
        hook_url,
        permissions: Permissions::parse(&manifest["default_permissions"]).unwrap_or_default(),
        events: list("default_events"),
        callback_urls: list("callback_urls"),
        setup_url: text("setup_url"),
        setup_on_update: flag("setup_on_update"),
        request_oauth_on_install: flag("request_oauth_on_install"),
    })
}
