//! Faults, limits, webhooks, and the log of requests.

use std::time::Duration;

use serde_json::{Value, json};

use super::repositories::changes;
use super::{control, text};
use crate::call::Call;
use crate::faults::{ALWAYS, Fault, Lie};
use crate::http::limits::{Pause, PauseStyle};
use crate::http::log::Logged;
use crate::http::message::{Answer, Refusal, Reply, not_found, refuse};
use crate::http::router::{Route, route};

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/_sim/faults", order),
    route("DELETE", "/_sim/faults", clear),
    route("POST", "/_sim/down", down),
    route("POST", "/_sim/up", up),
    route("POST", "/_sim/limits", limits),
    route("POST", "/_sim/pause", pause),
    route("POST", "/_sim/webhooks", webhooks),
    route("GET", "/_sim/deliveries", deliveries),
    route("POST", "/_sim/deliveries/{id}", redeliver),
    route("GET", "/_sim/requests", requests),
    route("DELETE", "/_sim/requests", forget),
];

fn done() -> Answer {
    Ok(Reply::empty(204))
}

fn order(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let name = text(&body, "fault")?;
    let count = body["count"].as_u64().and_then(|it| u32::try_from(it).ok());
    match name {
        "fresh_token_401" => control(call).fresh_token_401(count.unwrap_or(1)),
        "replication_lag" => control(call).replication_lag(count.unwrap_or(1)),
        _ => {
            let fault = fault(call, name, &body)?;
            let forever = matches!(fault, Fault::Delay(_));
            let count = count.unwrap_or(if forever { ALWAYS } else { 1 });
            let filter = body["filter"].as_str().unwrap_or_default();
            call.core.faults().order(filter, fault, count);
        }
    }
    done()
}

fn fault(call: &Call<'_>, name: &str, body: &Value) -> Result<Fault, Refusal> {
    let status = body["status"].as_u64().and_then(|it| u16::try_from(it).ok());
    let status = status.unwrap_or(502);
    Ok(match name {
        "status" => Fault::Status(status),
        "html_error" => Fault::Html(status),
        "drop_response_after_apply" => Fault::DropAfter,
        "fail_after_apply" => Fault::StatusAfter(status),
        "drop_before_apply" => Fault::DropBefore,
        "delay" => {
            let time = body["milliseconds"].as_u64().unwrap_or(1_000);
            Fault::Delay(Duration::from_millis(time))
        }
        "push_between" => {
            let repo = control(call).find_repo(text(body, "repository")?);
            let repo = repo.ok_or_else(not_found)?;
            let default = repo.default_branch();
            Fault::Push {
                repository: repo.id(),
                branch: body["branch"].as_str().unwrap_or(&default).to_owned(),
                changes: changes(&body["changes"])?,
            }
        }
        name => match Lie::parse(name) {
            Some(lie) => Fault::Lie(lie),
            None => return Err(refuse(422, &format!("there is no fault {name}"))),
        },
    })
}

fn clear(call: &Call<'_>) -> Answer {
    control(call).clear_faults();
    done()
}

fn down(call: &Call<'_>) -> Answer {
    control(call).down();
    done()
}

fn up(call: &Call<'_>) -> Answer {
    control(call).up();
    done()
}

/// Changes the fields that are given, and answers all.
fn limits(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let mut world = call.world();
    let mut merged = serde_json::to_value(&world.limits).unwrap_or_default();
    crate::render::account::extend(&mut merged, body);
    let changed = serde_json::from_value(merged.clone());
    world.limits = changed.map_err(|error| refuse(422, &error.to_string()))?;
    Ok(Reply::json(200, &merged))
}

fn pause(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let style = match text(&body, "style")? {
        "primary" => PauseStyle::Primary,
        "secondary" => PauseStyle::Secondary,
        "too_many" => PauseStyle::TooMany,
        "silent" => PauseStyle::Silent,
        _ => return Err(refuse(422, "there is no such style")),
    };
    let seconds = body["seconds"].as_i64().unwrap_or(60);
    let until = call.world().now() + chrono::Duration::seconds(seconds);
    call.core.meters().pause = Some(Pause { until, style });
    done()
}

fn webhooks(call: &Call<'_>) -> Answer {
    let body = call.request.json()?;
    let control = control(call);
    if let Some(twice) = body["twice"].as_bool() {
        call.core.faults().webhooks_twice = twice;
    }
    if let Some(percent) = body["lose_percent"].as_u64() {
        let percent = u32::try_from(percent).unwrap_or(100);
        match body["silently"].as_bool() {
            Some(true) => control.lose_webhooks_silently(percent),
            _ => control.lose_webhooks(percent),
        }
    }
    if body["hold"].as_bool() == Some(true) {
        control.hold_webhooks();
    }
    if body["release"].as_bool() == Some(true) {
        control.release_webhooks(body["seed"].as_u64());
    }
    if let Some(event) = body["send"]["event"].as_str() {
        control.send_webhook(event, &body["send"]["payload"]);
    }
    done()
}

fn deliveries(call: &Call<'_>) -> Answer {
    let control = control(call);
    let found = match call.request.query("event") {
        Some(event) => control.deliveries_of(event),
        None => control.deliveries(),
    };
    Ok(Reply::json(200, &found))
}

fn redeliver(call: &Call<'_>) -> Answer {
    match control(call).redeliver(call.number("id")?) {
        true => done(),
        false => Err(not_found()),
    }
}

fn requests(call: &Call<'_>) -> Answer {
    let filter = call.request.query("filter").unwrap_or_default();
    let control = control(call);
    let found = control.requests();
    let found: Vec<Logged> = found.into_iter().filter(|it| it.label().contains(filter)).collect();
    Ok(Reply::json(
        200,
        &json!({
            "count": found.len(), "requests": found, "unknown": control.unknown_requests(),
        }),
    ))
}

fn forget(call: &Call<'_>) -> Answer {
    control(call).reset_requests();
    done()
}
