//! An App's webhook: <https://docs.github.com/rest/apps/webhooks>.

use serde_json::{Value, json};

use super::apps::app;
use crate::call::Call;
use crate::events::delivery::Delivery;
use crate::http::message::{Answer, Reply, not_found};
use crate::http::router::{Route, route};
use crate::world::app::{App, ContentType};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/app/hook/config", get_config),
    route("PATCH", "/app/hook/config", set_config),
    route("GET", "/app/hook/deliveries", list),
    route("GET", "/app/hook/deliveries/{id}", get),
    route("POST", "/app/hook/deliveries/{id}/attempts", redeliver),
];

fn config_json(app: &App) -> Value {
    let mut config = json!({
        "content_type": app.content_type.name(),
        "insecure_ssl": "0",
        "secret": app.webhook_secret.as_ref().map_or("", |_| "********"),
    });
    if let Some(url) = &app.hook_url {
        config["url"] = json!(url);
    }
    config
}

fn get_config(call: &Call<'_>) -> Answer {
    let id = app(call)?;
    let world = call.world();
    let app = world.apps.get(&id).ok_or_else(not_found)?;
    Ok(Reply::json(200, &config_json(app)))
}

fn set_config(call: &Call<'_>) -> Answer {
    let id = app(call)?;
    let body = call.request.json()?;
    let mut world = call.world();
    let app = world.apps.get_mut(&id).ok_or_else(not_found)?;
    if let Some(url) = body["url"].as_str() {
        app.hook_url = Some(url.to_owned());
        app.hook_active = true;
    }
    if let Some(secret) = body["secret"].as_str() {
        app.webhook_secret = Some(secret.to_owned());
    }
    if let Some(kind) = body["content_type"].as_str().and_then(ContentType::parse) {
        app.content_type = kind;
    }
    Ok(Reply::json(200, &config_json(app)))
}

/// Newest first, continued by a cursor, of the last three days.
fn list(call: &Call<'_>) -> Answer {
    let app = app(call)?;
    let world = call.world();
    let size = call.request.query("per_page").and_then(|it| it.parse().ok());
    let size: usize = size.unwrap_or(30).clamp(1, 100);
    let before = call.request.query("cursor").and_then(cursor_id);
    let status = call.request.query("status");
    let since = world.now() - chrono::Duration::days(3);
    let fits = |it: &&Delivery| {
        it.app == app
            && it.is_logged()
            && it.at > since
            && before.is_none_or(|id| it.id < id)
            && match status {
                Some("success") => it.succeeded(),
                Some("failure") => !it.succeeded() && it.outcome.status != "pending",
                _ => true,
            }
    };
    let mut found: Vec<&Delivery> = world.deliveries.iter().rev().filter(fits).take(size + 1).collect();
    let more = found.len() > size;
    found.truncate(size);
    let items: Vec<Value> = found.iter().map(|it| it.item_json()).collect();
    let mut reply = Reply::json(200, &items);
    if let Some(last) = found.last().filter(|_| more) {
        reply = reply.with("link", next_link(call, last.id, size));
    }
    Ok(reply)
}

fn cursor_id(cursor: &str) -> Option<u64> {
    cursor.strip_prefix("v1_").unwrap_or(cursor).parse().ok()
}

fn next_link(call: &Call<'_>, last: u64, size: usize) -> String {
    let mut query = format!("per_page={size}&cursor=v1_{last}");
    if let Some(status) = call.request.query("status") {
        query.push_str(&format!("&status={status}"));
    }
    format!("<{}/app/hook/deliveries?{query}>; rel=\"next\"", call.core.url)
}

fn get(call: &Call<'_>) -> Answer {
    let app = app(call)?;
    let id = call.number("id")?;
    let world = call.world();
    let found = world.deliveries.iter().find(|it| it.id == id && it.app == app);
    let found = found.ok_or_else(not_found)?;
    let url = world.apps.get(&app).and_then(|it| it.hook_url.clone());
    Ok(Reply::json(200, &found.full_json(&url.unwrap_or_default())))
}

fn redeliver(call: &Call<'_>) -> Answer {
    let app = app(call)?;
    let id = call.number("id")?;
    let mut world = call.world();
    if !world.deliveries.iter().any(|it| it.id == id && it.app == app) {
        return Err(not_found());
    }
    call.core.redeliver(&mut world, id)?;
    Ok(Reply::json(202, &json!({})))
}
