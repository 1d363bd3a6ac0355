//! The authorization page:
//! <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app>.

use chrono::Duration;

use super::html::{escape, hidden, page, sign_in};
use super::{named_visitor, visitor, with_query};
use crate::call::Call;
use crate::http::message::{Answer, Reply};
use crate::http::router::{Route, route};
use crate::world::World;
use crate::world::account::AccountKind;
use crate::world::app::App;
use crate::world::oauth::Code;

pub(super) const ROUTES: &[Route] =
    &[route("GET", "/login/oauth/authorize", show), route("POST", "/login/oauth/authorize", decide)];

/// What the page was opened with.
struct Asked {
    client_id: String,
    redirect_uri: Option<String>,
    state: Option<String>,
    challenge: Option<String>,
    method: Option<String>,
}

impl Asked {
    fn read(fields: &[(String, String)]) -> Asked {
        let get = |name: &str| {
            let found = fields.iter().find(|(key, _)| key == name)?;
            Some(found.1.clone()).filter(|value| !value.is_empty())
        };
        Asked {
            client_id: get("client_id").unwrap_or_default(),
            redirect_uri: get("redirect_uri"),
            state: get("state"),
            challenge: get("code_challenge"),
            method: get("code_challenge_method"),
        }
    }

    /// The App, if it may be asked for this way; else the page that says why not.
    fn app<'w>(&self, world: &'w World) -> Result<&'w App, Reply> {
        let app = world.app_by_client(&self.client_id);
        let app = app.ok_or_else(|| page(404, "Page not found", "<p>No such App.</p>"))?;
        if !self.redirect_uri.as_deref().is_none_or(|it| is_callback(app, it)) {
            let text = "<p>The <code>redirect_uri</code> is not associated with this \
                        application.</p>";
            return Err(page(400, "Redirect URI mismatch", text));
        }
        if self.challenge.is_some() && self.method.as_deref() != Some("S256") {
            let text = "<p>The <code>code_challenge_method</code> must be S256.</p>";
            return Err(page(400, "Invalid request", text));
        }
        Ok(app)
    }

    fn callback(&self, app: &App) -> String {
        let first = app.callback_urls.first().cloned();
        self.redirect_uri.clone().or(first).unwrap_or_default()
    }

    fn back(&self, app: &App, pairs: &[(&str, &str)]) -> Reply {
        let mut pairs = pairs.to_vec();
        if let Some(state) = &self.state {
            pairs.push(("state", state));
        }
        Reply::redirect(302, &with_query(&self.callback(app), &pairs))
    }
}

/// A registered callback or something below it; any loopback URL when none is registered.
fn is_callback(app: &App, asked: &str) -> bool {
    let Ok(url) = url::Url::parse(asked) else {
        return false;
    };
    if app.callback_urls.is_empty() {
        return matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    }
    app.callback_urls.iter().any(|registered| {
        url::Url::parse(registered).is_ok_and(|own| own.origin() == url.origin() && url.path().starts_with(own.path()))
    })
}

/// Shows the page; who allowed the App before is sent on at once.
fn show(call: &Call<'_>) -> Answer {
    let asked = Asked::read(&call.request.query);
    let mut world = call.world();
    let app = match asked.app(&world) {
        Ok(app) => app.clone(),
        Err(reply) => return Ok(reply),
    };
    let Some(user) = visitor(call, &world) else {
        let people = world.accounts.values().filter(|it| it.kind == AccountKind::User);
        let logins: Vec<String> = people.map(|it| it.login.clone()).collect();
        return Ok(sign_in("/login/oauth/authorize", &call.request.query, &logins));
    };
    if world.oauth.authorized.contains(&(user, app.id)) {
        return Ok(grant(&mut world, &asked, &app, user));
    }
    let login = world.accounts.get(&user).map(|it| it.login.clone()).unwrap_or_default();
    let mut form = String::from("<form method=\"post\" action=\"/login/oauth/authorize\">");
    for (name, value) in call.request.query.iter().filter(|(name, _)| name != "login") {
        form.push_str(&hidden(name, value));
    }
    form.push_str(&hidden("login", &login));
    let body = format!(
        "<p><strong>{}</strong> wants to act on behalf of <strong>{}</strong>.</p>{form}\
         <p><button class=\"primary\" name=\"authorize\" value=\"1\">Authorize {}</button> \
         <button name=\"authorize\" value=\"0\">Cancel</button></p></form>",
        escape(&app.name),
        escape(&login),
        escape(&app.name),
    );
    Ok(page(200, &format!("Authorize {}", app.name), &body))
}

fn decide(call: &Call<'_>) -> Answer {
    decide_with(call, &call.request.fields())
}

/// A decision with the form's fields read already.
pub(crate) fn decide_with(call: &Call<'_>, fields: &[(String, String)]) -> Answer {
    let asked = Asked::read(fields);
    let mut world = call.world();
    let app = match asked.app(&world) {
        Ok(app) => app.clone(),
        Err(reply) => return Ok(reply),
    };
    let Some(user) = named_visitor(call, &world, fields) else {
        return Ok(page(403, "Sign in first", "<p>Nobody is signed in.</p>"));
    };
    let allowed = fields.iter().any(|(name, value)| name == "authorize" && value == "1");
    if !allowed {
        let pairs = [("error", "access_denied"), ("error_description", "The user has denied your application access.")];
        return Ok(asked.back(&app, &pairs));
    }
    world.oauth.authorized.insert((user, app.id));
    Ok(grant(&mut world, &asked, &app, user))
}

fn grant(world: &mut World, asked: &Asked, app: &App, user: u64) -> Reply {
    let code = new_code(world, app.id, user, asked.redirect_uri.clone(), asked.challenge.clone());
    asked.back(app, &[("code", &code)])
}

/// A code of ten minutes.
pub(super) fn new_code(
    world: &mut World,
    app: u64,
    user: u64,
    redirect_uri: Option<String>,
    challenge: Option<String>,
) -> String {
    let code = crate::random::hex(20);
    let expires_at = world.now() + Duration::minutes(10);
    let kept = Code { user, app, redirect_uri, challenge, expires_at };
    world.oauth.codes.insert(code.clone(), kept);
    code
}
