//! GitHub's web pages that the flows in a browser need: authorize, install, make an App. Real
//! HTML with forms, so that a browser can click through, and plain redirects behind them.

mod apps;
mod authorize;
mod html;
mod install;
mod manifest;
mod tokens;

pub(crate) use authorize::decide_with as decide_authorize;

use crate::call::Call;
use crate::http::router::Route;
use crate::world::World;

/// All pages.
pub(crate) const ROUTES: &[&[Route]] =
    &[apps::ROUTES, authorize::ROUTES, install::ROUTES, manifest::ROUTES, tokens::ROUTES];

/// Who sits before the browser: `login=` in the query or the form, the cookie `sim_user`, or
/// the default user.
fn visitor(call: &Call<'_>, world: &World) -> Option<u64> {
    named_visitor(call, world, &call.request.fields())
}

/// The same with the form's fields read already.
fn named_visitor(call: &Call<'_>, world: &World, fields: &[(String, String)]) -> Option<u64> {
    let in_form = fields.iter().find(|(name, _)| name == "login");
    let named = in_form.map(|(_, value)| value.as_str());
    let named = named.or_else(|| call.request.query("login")).or_else(|| cookie(call));
    match named {
        Some(login) => world.account_id(login),
        None => world.oauth.default_user,
    }
}

fn cookie<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    let cookies = call.request.header("cookie")?;
    cookies.split(';').find_map(|pair| pair.trim().strip_prefix("sim_user="))
}

/// A URL with more in its query.
fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) => {
            parsed.query_pairs_mut().extend_pairs(pairs);
            parsed.to_string()
        }
        Err(_) => url.to_owned(),
    }
}
