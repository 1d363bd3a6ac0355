//! From the table in `routes.rs` to the framework's routes: one resource for each path, its methods
//! guarded by what the table asks, every other method answered 405 with `Allow`.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, Resource, Route, web};

use super::auth::{self, Need};
use super::problem::ApiError;

/// One row as the tests and the document read it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub method: &'static str,
    /// As in the OpenAPI document.
    pub path: &'static str,
    /// The scope of keys; none: open to everybody.
    pub needs: Option<&'static str>,
}

/// One method of a path, its handler attached.
pub struct Entry {
    pub method: Method,
    pub path: &'static str,
    pub need: Need,
    pub route: Route,
}

/// The resources for these entries, paths in the order in which they come first.
pub fn resources(entries: Vec<Entry>) -> Vec<Resource> {
    let mut grouped: Vec<(&'static str, Vec<Entry>)> = Vec::new();
    for entry in entries {
        match grouped.iter_mut().find(|(path, _)| *path == entry.path) {
            Some((_, group)) => group.push(entry),
            None => grouped.push((entry.path, vec![entry])),
        }
    }
    grouped.into_iter().map(|(path, group)| resource(path, group)).collect()
}

fn resource(path: &str, entries: Vec<Entry>) -> Resource {
    let allow = allowed(&entries, path);
    let mut resource = web::resource(path);
    for Entry { method, need, route, .. } in entries {
        let guarded = move |ring, request, next| auth::check(need, ring, request, next);
        resource = resource.route(with_method(route, method, path).wrap(from_fn(guarded)));
    }
    resource.default_service(web::to(move |_: HttpRequest| {
        let error = ApiError::method_not_allowed(&allow);
        async move { Err::<&str, _>(error) }
    }))
}

/// What answers GET answers HEAD, but for what a GET uses up and what never ends.
fn with_method(route: Route, method: Method, path: &str) -> Route {
    use actix_web::guard;
    match method {
        Method::GET if has_head(path) => route.guard(guard::Any(guard::Get()).or(guard::Head())),
        other => route.method(other),
    }
}

fn has_head(path: &str) -> bool {
    let once = ["/github/start", "/github/callback", "/github/setup", "/setup/callback"];
    !once.contains(&path) && !path.ends_with("/events")
}

fn allowed(entries: &[Entry], path: &str) -> String {
    let mut methods: Vec<&str> = Vec::new();
    for entry in entries {
        methods.push(entry.method.as_str());
        if entry.method == Method::GET && has_head(path) {
            methods.push("HEAD");
        }
    }
    methods.join(", ")
}
