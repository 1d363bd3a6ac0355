//! People, Apps, installations, tokens, and the whole in short.

use serde_json::{Value, json};

use super::{control, text};
use crate::call::Call;
use crate::http::message::{Answer, Reply, not_found, refuse};
use crate::http::router::{Route, route};
use crate::sim::Control;
use crate::world::account::AccountKind;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/_sim", all),
    route("POST", "/_sim/users", user),
    route("POST", "/_sim/orgs", organization),
    route("POST", "/_sim/default-user", default_user),
    route("POST", "/_sim/authorize", authorize),
    route("POST", "/_sim/installations", install),
    route("DELETE", "/_sim/installations/{id}", uninstall),
    route("POST", "/_sim/installations/{id}/suspend", suspend),
    route("POST", "/_sim/installations/{id}/unsuspend", unsuspend),
    route("POST", "/_sim/installations/{id}/repositories", reach),
    route("POST", "/_sim/installations/{id}/permissions", permission),
    route("POST", "/_sim/tokens", token),
    route("POST", "/_sim/tokens/expire", expire),
    route("POST", "/_sim/tokens/revoke", revoke),
    route("POST", "/_sim/advance", advance),
    route("POST", "/_sim/hook", hook),
];

fn done() -> Answer {
    Ok(Reply::empty(204))
}

fn all(call: &Call<'_>) -> Answer {
    let control = control(call);
    let world = call.world();
    let logins = |kind: AccountKind| -> Vec<String> {
        let own = world.accounts.values().filter(|it| it.kind == kind);
        own.map(|it| it.login.clone()).collect()
    };
    let (users, organizations) = (logins(AccountKind::User), logins(AccountKind::Organization));
    let names: Vec<String> = world.repositories.keys().filter_map(|id| world.full_name(*id)).collect();
    let accounts: Vec<String> =
        world.installations.values().filter_map(|it| Some(world.accounts.get(&it.account)?.login.clone())).collect();
    drop(world);
    let installations = accounts.iter().filter_map(|it| control.installation(it));
    let apps = control.apps();
    Ok(Reply::json(
        200,
        &json!({
            "url": control.url(),
            "app": apps.first(),
            "apps": apps,
            "users": users,
            "organizations": organizations,
            "installations": installations.collect::<Vec<_>>(),
            "repositories": names,
        }),
    ))
}

fn user(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let login = text(&body, "login")?;
    let id = control(call).user(login);
    if let Some(name) = body["name"].as_str() {
        control(call).set_name(login, name);
    }
    Ok(Reply::json(200, &json!({ "id": id })))
}

fn organization(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let login = text(&body, "login")?;
    let members = body["members"].as_object().cloned().unwrap_or_default();
    let members: Vec<(&str, &str)> =
        members.iter().map(|(login, role)| (login.as_str(), role.as_str().unwrap_or("member"))).collect();
    let control = control(call);
    let id = control.org(login, &members);
    if let Some(allowed) = body["members_can_create"].as_bool() {
        control.members_can_create(login, allowed);
    }
    if let Some(role) = body["base_permission"].as_str() {
        control.base_permission(login, role);
    }
    Ok(Reply::json(200, &json!({ "id": id })))
}

fn default_user(call: &Call<'_>) -> Answer {
    control(call).default_user(text(&call.request.json()?, "login")?);
    done()
}

/// Decides an authorize page without a browser.
fn authorize(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let allow = body["allow"].as_bool().unwrap_or(true);
    let login = text(&body, "login")?;
    control(call).user(login);
    let asked = url::Url::parse(text(&body, "url")?);
    let asked = asked.map_err(|_| refuse(422, "url is no URL"))?;
    let mut pairs: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
    pairs.push(("login".to_owned(), login.to_owned()));
    pairs.push(("authorize".to_owned(), if allow { "1" } else { "0" }.to_owned()));
    let reply = crate::web::decide_authorize(call, &pairs)?;
    let location = reply.header("location").ok_or_else(|| refuse(422, "the page refused"))?;
    Ok(Reply::json(200, &json!({ "location": location })))
}

fn install(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let account = text(&body, "account")?;
    let control = control(call);
    match body["repositories"].as_array() {
        Some(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            control.install_selected(account, &names)
        }
        None => control.install(account),
    };
    Ok(Reply::json(200, &control.installation(account)))
}

fn uninstall(call: &Call<'_>) -> Answer {
    control(call).uninstall(call.number("id")?);
    done()
}

fn suspend(call: &Call<'_>) -> Answer {
    control(call).suspend(call.number("id")?);
    done()
}

fn unsuspend(call: &Call<'_>) -> Answer {
    control(call).unsuspend(call.number("id")?);
    done()
}

fn reach(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let id = call.number("id")?;
    let control: Control = control(call);
    let find = |name: &str| control.find_repo(name).ok_or_else(not_found);
    if let Some(name) = body["add"].as_str() {
        control.add_to_installation(id, find(name)?.id());
    }
    if let Some(name) = body["remove"].as_str() {
        control.remove_from_installation(id, find(name)?.id());
    }
    done()
}

fn permission(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let id = call.number("id")?;
    control(call).set_permission(id, text(&body, "name")?, text(&body, "level")?);
    done()
}

fn token(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let control = control(call);
    if let Some(id) = body["installation"].as_u64() {
        let token = control.installation_token(id);
        return Ok(Reply::json(200, &json!({ "token": token })));
    }
    let (access, refresh) = control.user_token(text(&body, "login")?);
    let body = json!({ "access_token": access, "refresh_token": refresh });
    Ok(Reply::json(200, &body))
}

fn expire(call: &Call<'_>) -> Answer {
    control(call).expire_tokens();
    done()
}

fn revoke(call: &Call<'_>) -> Answer {
    control(call).revoke_authorization(text(&call.request.json()?, "login")?);
    done()
}

fn advance(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    control(call).advance(body["seconds"].as_i64().unwrap_or_default());
    done()
}

fn hook(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let control = control(call);
    if let Some(url) = body["url"].as_str() {
        control.set_webhook_url(url);
    }
    if let Some(kind) = body["content_type"].as_str() {
        control.set_webhook_content_type(kind == "form");
    }
    if let Some(urls) = body["callback_urls"].as_array() {
        let urls: Vec<&str> = urls.iter().filter_map(Value::as_str).collect();
        control.set_app_urls(&urls, body["setup_url"].as_str());
    }
    Ok(Reply::json(200, &control.app()))
}
