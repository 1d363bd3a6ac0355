//! The GraphQL API: documents, the trimmed schema they are checked against, and what resolves
//! each field.

pub(crate) mod arguments;
mod coerce;
pub(crate) mod commit_on_branch;
mod connection;
pub(crate) mod document;
pub(crate) mod execute;
pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod query;
mod schema;
mod validate;
pub(crate) mod value;

use serde_json::json;

use crate::auth::Caller;
use crate::call::Call;
use crate::http::message::{Answer, Reply, refuse};
use crate::http::router::{Route, route};

/// The one endpoint.
pub(crate) const ROUTES: &[&[Route]] = &[&[route("POST", "/graphql", answer)]];

fn answer(call: &Call<'_>) -> Answer {
    if matches!(call.caller, Caller::Anonymous) {
        return Err(refuse(401, "This endpoint requires you to be authenticated."));
    }
    if matches!(call.caller, Caller::App(_) | Caller::Client(_)) {
        return Err(crate::access::inaccessible());
    }
    if call.request.body.len() > call.world().limits.graphql_bytes {
        return Err(refuse(413, "Request body is too large"));
    }
    let document = call.document.as_ref();
    let document = document.ok_or_else(|| refuse(400, "Problems parsing JSON"))?;
    if let Some(problem) = &document.problem {
        return match problem {
            document::Problem::NotJson => Err(refuse(400, "Problems parsing JSON")),
            document::Problem::NoQuery => Ok(Reply::json(
                200,
                &json!({ "errors": [{
                "message": "A query attribute must be specified and must be a string." }] }),
            )),
            document::Problem::Syntax(message) => Ok(Reply::json(
                200,
                &json!({ "errors": [{
                "message": message }] }),
            )),
        };
    }
    Ok(Reply::json(200, &execute::run(call, document)))
}
