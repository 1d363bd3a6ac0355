//! From a request to its answer: faults, authentication, limits, the handler, the log.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use http::Method;

use super::limits::Resource;
use super::log::{Logged, is_content_creating, label};
use super::message::{Refusal, Reply, Request, not_found, refuse};
use super::metering::{conditional, metered, refused_by_limits};
use super::misbehave::{failure, garble, html_failure};
use super::router::{Match, Params, Route, Router};
use crate::auth::{Caller, identify};
use crate::call::Call;
use crate::control;
use crate::core::Core;
use crate::faults::{Fault, Lie};
use crate::graphql;
use crate::graphql::document::Document;
use crate::push::Push;
use crate::rest;
use crate::web;
use crate::world::account::Account;

/// The three kinds of endpoints.
pub(crate) struct Routers {
    api: Router,
    web: Router,
    control: Router,
}

impl Routers {
    pub(crate) fn new() -> Routers {
        Routers {
            api: Router::new(&[rest::ROUTES, graphql::ROUTES].concat()),
            web: Router::new(web::ROUTES),
            control: Router::new(control::ROUTES),
        }
    }
}

/// What is known of a request besides what it asks.
pub(super) struct Trip {
    label: String,
    pub(super) log: Logged,
    pub(super) resource: Resource,
}

/// Answers a request; nothing means that the connection is to be closed without a word.
pub(crate) async fn dispatch(core: &Arc<Core>, routers: &Routers, mut request: Request) -> Option<Reply> {
    if request.path == "/_sim/idle" {
        core.mail.idle().await;
        return Some(Reply::empty(204));
    }
    if request.path.starts_with("/_sim") {
        return Some(plain(core, &routers.control, &request));
    }
    if core.faults().down {
        return None;
    }
    let sent_path = request.path.clone();
    by_id(core, &mut request);
    if let Match::Found(route, params) = routers.web.find(&request.method, &request.path) {
        return travel(core, &request, route, params, &sent_path, false).await;
    }
    match routers.api.find(&request.method, &request.path) {
        Match::Found(route, params) => travel(core, &request, route, params, &sent_path, true).await,
        Match::WrongMethod | Match::Unknown => {
            let line = format!("{} {sent_path}", request.method);
            core.log().unknown.push(line);
            Some(*not_found().0)
        }
    }
}

/// A verb: no faults, no limits, no log. Verbs panic on what cannot be; here that is a 422.
fn plain(core: &Arc<Core>, router: &Router, request: &Request) -> Reply {
    let Match::Found(route, params) = router.find(&request.method, &request.path) else {
        return *not_found().0;
    };
    let call = Call { core, request, params, caller: Caller::Anonymous, document: None };
    let answered = catch_unwind(AssertUnwindSafe(|| (route.handler)(&call)));
    match answered {
        Ok(answer) => answer.unwrap_or_else(|Refusal(reply)| *reply),
        Err(panic) => *refuse(422, &said(panic.as_ref())).0,
    }
}

/// What a verb said when it was asked for what cannot be.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the verb failed").to_owned()
}

/// `/repositories/{id}…` is `/repos/{owner}/{repo}…` by another name.
fn by_id(core: &Core, request: &mut Request) {
    let Some(rest) = request.path.strip_prefix("/repositories/") else {
        return;
    };
    let (id, tail) = match rest.split_once('/') {
        Some((id, tail)) => (id, format!("/{tail}")),
        None => (rest, String::new()),
    };
    let world = core.world();
    let name = id.parse().ok().and_then(|id| world.full_name(id));
    if let Some(name) = name {
        request.path = format!("/repos/{name}{tail}");
    }
}

async fn travel(
    core: &Arc<Core>,
    request: &Request,
    route: Route,
    params: Params,
    sent_path: &str,
    is_api: bool,
) -> Option<Reply> {
    let begun = Instant::now();
    let document = (route.template == "/graphql").then(|| Document::read(request));
    let mut trip = trip(core, request, route, document.as_ref(), sent_path);
    core.meters().under_way += 1;
    let reply = with_faults(core, request, route, params, document, &mut trip, is_api).await;
    let mut meters = core.meters();
    meters.under_way = meters.under_way.saturating_sub(1);
    drop(meters);
    trip.log.status = reply.as_ref().map_or(0, |reply| reply.status);
    trip.log.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    core.log().requests.push(trip.log);
    let mut reply = reply?;
    if request.method == Method::HEAD {
        reply.body = bytes::Bytes::new();
    }
    Some(reply)
}

fn trip(core: &Core, request: &Request, route: Route, document: Option<&Document>, sent_path: &str) -> Trip {
    let operations = document.map(Document::operations).unwrap_or_default();
    let is_mutation = document.is_some_and(Document::is_mutation);
    let method = request.method.to_string();
    let at_ms = u64::try_from(core.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Trip {
        label: label(&method, route.template, &operations, sent_path),
        resource: match document {
            Some(_) => Resource::Graphql,
            None => Resource::Core,
        },
        log: Logged {
            method,
            route: route.template.to_owned(),
            path: sent_path.to_owned(),
            operations,
            status: 0,
            installation: None,
            user: None,
            content_creating: is_content_creating(&request.method, route.template, is_mutation),
            at_ms,
            took_ms: 0,
        },
    }
}

async fn with_faults(
    core: &Arc<Core>,
    request: &Request,
    route: Route,
    params: Params,
    document: Option<Document>,
    trip: &mut Trip,
    is_api: bool,
) -> Option<Reply> {
    let faults = core.faults().take(&trip.label);
    let mut after = None;
    for fault in faults {
        match fault {
            Fault::Delay(time) => tokio::time::sleep(time).await,
            Fault::Push { repository, branch, changes } => {
                let push = Push::to(repository, &branch, changes);
                core.push(&mut core.world(), &push).ok();
            }
            Fault::DropBefore => return None,
            Fault::Status(status) => return Some(failure(status)),
            Fault::Html(status) => return Some(html_failure(status)),
            Fault::Lie(Lie::NotApplied) => core.world().lies += 1,
            Fault::DropAfter | Fault::StatusAfter(_) | Fault::Lie(_) => after = Some(fault),
        }
    }
    if core.faults().down {
        return None;
    }
    let reply = answer(core, request, route, params, document, trip, is_api);
    match after {
        Some(Fault::DropAfter) => None,
        Some(Fault::StatusAfter(status)) => Some(failure(status)),
        Some(Fault::Lie(lie)) => Some(garble(reply, lie)),
        _ => Some(reply),
    }
}

fn answer(
    core: &Arc<Core>,
    request: &Request,
    route: Route,
    params: Params,
    document: Option<Document>,
    trip: &mut Trip,
    is_api: bool,
) -> Reply {
    if !is_api {
        let caller = Caller::Anonymous;
        let call = Call { core, request, params, caller, document };
        return (route.handler)(&call).unwrap_or_else(|Refusal(reply)| *reply);
    }
    let identified = identify(&mut core.world(), request);
    let caller = match identified {
        Ok(caller) => caller,
        Err(Refusal(reply)) => return *reply,
    };
    note_caller(core, &caller, &mut trip.log);
    let budget = caller.budget();
    if let Some(Refusal(reply)) = refused_by_limits(core, &budget, trip) {
        return metered(core, *reply, &budget, trip, false);
    }
    let call = Call { core, request, params, caller, document };
    let reply = (route.handler)(&call).unwrap_or_else(|Refusal(reply)| *reply);
    let reply = conditional(request, reply);
    let counts = reply.status != 304 && route.template != "/rate_limit";
    metered(core, reply, &budget, trip, counts)
}

fn note_caller(core: &Core, caller: &Caller, log: &mut Logged) {
    log.installation = caller.installation();
    if let Caller::User { user, .. } = caller {
        let world = core.world();
        log.user = world.accounts.get(user).map(|it: &Account| it.login.clone());
    }
}
