//! The verbs over HTTP, below `/_sim`, for scripts and browsers.

use serde_json::json;

use crate::call::Call;
use crate::http::message::{Answer, Reply};
use crate::http::router::{Route, route};
use crate::sim::Control;

/// All control endpoints.
pub(crate) const ROUTES: &[Route] = &[
    route("GET", "/_sim/requests", requests),
];

fn control(call: &Call<'_>) -> Control {
    Control { core: call.core.clone() }
}

fn requests(call: &Call<'_>) -> Answer {
    let control = control(call);
    Ok(Reply::json(200, &json!({
        "requests": control.requests(), "unknown": control.unknown_requests(),
    })))
}
