//! From method and path to a handler. Templates are written as in GitHub's documentation;
//! `{name*}` takes the rest of the path.

use http::Method;
use percent_encoding::percent_decode_str;

use super::message::Answer;
use crate::call::Call;

/// Answers a request.
pub(crate) type Handler = fn(&Call<'_>) -> Answer;

/// Path parameters, decoded.
pub(crate) type Params = Vec<(&'static str, String)>;

/// One endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) template: &'static str,
    pub(crate) handler: Handler,
}

/// Makes a [`Route`].
pub(crate) const fn route(method: &'static str, template: &'static str, handler: Handler) -> Route {
    Route { method, template, handler }
}

/// What a path leads to.
pub(crate) enum Match {
    Found(Route, Params),
    /// The path is known, the method is not.
    WrongMethod,
    Unknown,
}

/// All endpoints.
pub(crate) struct Router {
    routes: Vec<Route>,
}

impl Router {
    pub(crate) fn new(tables: &[&[Route]]) -> Router {
        Router { routes: tables.iter().flat_map(|table| table.iter().copied()).collect() }
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Match {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let mut known = false;
        for route in &self.routes {
            if let Some(params) = fit(route.template, &parts) {
                if route.method == method {
                    return Match::Found(*route, params);
                }
                known = true;
            }
        }
        if known { Match::WrongMethod } else { Match::Unknown }
    }
}

fn fit(template: &'static str, parts: &[&str]) -> Option<Params> {
    let mut params = Params::new();
    let mut at = 0;
    for piece in template.split('/').skip(1) {
        let name = piece.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        let Some(name) = name else {
            if parts.get(at) != Some(&piece) {
                return None;
            }
            at += 1;
            continue;
        };
        if let Some(name) = name.strip_suffix('*') {
            let rest = parts.get(at..).filter(|rest| !rest.is_empty())?;
            params.push((name, decode(&rest.join("/"))));
            return Some(params);
        }
        let part = parts.get(at).filter(|part| !part.is_empty())?;
        params.push((name, decode(part)));
        at += 1;
    }
    (at == parts.len()).then_some(params)
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
