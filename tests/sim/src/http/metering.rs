//! What an answer costs: limits before it, budget headers and `ETag` after it.

use http::Method;
use sha2::{Digest, Sha256};

use super::dispatch::Trip;
use super::limits::primary_refusal;
use super::message::{Refusal, Reply, Request};
use crate::core::Core;

pub(super) fn refused_by_limits(core: &Core, budget: &str, trip: &Trip) -> Option<Refusal> {
    let world = core.world();
    let (limits, now) = (world.limits.clone(), world.now());
    drop(world);
    let mut meters = core.meters();
    if let Some(refusal) = meters.paused(trip.resource, now) {
        return Some(refusal);
    }
    let meter = *meters.meter(budget, trip.resource, &limits, now);
    if limits.enforce_primary && meter.remaining() == 0 {
        return Some(primary_refusal(trip.resource, meter.reset));
    }
    let creates = trip.log.content_creating;
    if let Some(refusal) = meters.secondary(budget, creates, &limits, now) {
        return Some(refusal);
    }
    if creates {
        meters.note_created(budget, now);
    }
    None
}

/// Adds the budget's headers, and takes the request from it.
pub(super) fn metered(core: &Core, reply: Reply, budget: &str, trip: &Trip, counts: bool) -> Reply {
    let world = core.world();
    let (limits, now) = (world.limits.clone(), world.now());
    drop(world);
    let mut meters = core.meters();
    let meter = meters.meter(budget, trip.resource, &limits, now);
    if counts {
        meter.used += 1;
    }
    let mut reply = reply;
    let mut add = |name: &'static str, value: String| {
        if reply.header(name).is_none() {
            reply.headers.push((name, value));
        }
    };
    add("x-ratelimit-limit", meter.limit.to_string());
    add("x-ratelimit-remaining", meter.remaining().to_string());
    add("x-ratelimit-used", meter.used.to_string());
    add("x-ratelimit-reset", meter.reset.timestamp().to_string());
    add("x-ratelimit-resource", trip.resource.name().to_owned());
    add("x-github-media-type", "github.v3; format=json".to_owned());
    add("x-github-request-id", crate::random::hex(32).to_uppercase());
    reply
}

/// `ETag`, and 304 when the client has it.
pub(super) fn conditional(request: &Request, reply: Reply) -> Reply {
    let reads = request.method == Method::GET || request.method == Method::HEAD;
    if !reads || reply.status != 200 {
        return reply;
    }
    let tag = hex::encode(Sha256::digest(&reply.body));
    let held = request.header("if-none-match").unwrap_or_default();
    if held.contains(&tag) {
        return Reply::empty(304).with("etag", format!("W/\"{tag}\""));
    }
    reply.with("etag", format!("W/\"{tag}\""))
}
