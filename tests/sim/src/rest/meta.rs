//! About the API itself: <https://docs.github.com/rest/meta>, <https://docs.github.com/rest/rate-limit>.

use serde_json::{Value, json};

use crate::call::Call;
use crate::http::limits::Resource;
use crate::http::message::{Answer, Reply};
use crate::http::router::{Route, route};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/", root),
    route("GET", "", root),
    route("GET", "/meta", meta),
    route("GET", "/rate_limit", rate_limit),
    route("GET", "/zen", zen),
    route("GET", "/versions", versions),
];

fn root(call: &Call<'_>) -> Answer {
    let url = &call.core.url;
    let body = json!({
        "current_user_url": format!("{url}/user"),
        "rate_limit_url": format!("{url}/rate_limit"),
        "repository_url": format!("{url}/repos/{{owner}}/{{repo}}"),
        "user_url": format!("{url}/users/{{user}}"),
    });
    Ok(Reply::json(200, &body))
}

fn meta(_: &Call<'_>) -> Answer {
    let body = json!({
        "verifiable_password_authentication": false,
        "hooks": ["127.0.0.0/8"], "web": ["127.0.0.0/8"], "api": ["127.0.0.0/8"],
        "git": ["127.0.0.0/8"],
    });
    Ok(Reply::json(200, &body))
}

fn zen(_: &Call<'_>) -> Answer {
    Ok(Reply::raw(200, "text/plain;charset=utf-8", "Keep it logically awesome."))
}

fn versions(_: &Call<'_>) -> Answer {
    Ok(Reply::json(200, &["2022-11-28"]))
}

/// Asking takes nothing from the budget.
fn rate_limit(call: &Call<'_>) -> Answer {
    let (limits, now) = {
        let world = call.world();
        (world.limits.clone(), world.now())
    };
    let who = call.caller.budget();
    let mut meters = call.core.meters();
    let mut show = |resource: Resource| -> Value {
        let meter = meters.meter(&who, resource, &limits, now);
        json!({
            "limit": meter.limit, "used": meter.used, "remaining": meter.remaining(),
            "reset": meter.reset.timestamp(), "resource": resource.name(),
        })
    };
    let core = show(Resource::Core);
    let graphql = show(Resource::Graphql);
    let search = json!({
        "limit": 30, "used": 0, "remaining": 30, "reset": now.timestamp() + 60,
        "resource": "search",
    });
    let body = json!({
        "resources": { "core": core, "graphql": graphql, "search": search },
        "rate": core,
    });
    Ok(Reply::json(200, &body))
}
