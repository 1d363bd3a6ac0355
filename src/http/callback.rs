//! The browser's way to GitHub and back: `/github/start`, `/github/callback`, `/github/setup`.
//!
//! Nothing in these addresses is believed but a secret that was given to this very browser. What
//! does not fit ends on a page, never in a redirect.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use url::form_urlencoded;

use super::edge::{RequestId, wants_page};
use super::failure::answer;
use super::page;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::engine::authorize::{Back, Ended, Started, cookie_name};
use crate::engine::return_to::Outcome;
use crate::model::{Code, Problem};

const PATH: &str = "/github";

/// Exchanges the ticket for a state and a cookie, and goes on to GitHub.
pub async fn start(engine: web::Data<Engine>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let ticket = parameter(&request, "ticket");
    let started = engine.start_visit(ticket.as_deref().unwrap_or("")).await.map_err(answer)?;
    let Some(Started { location, cookie_name, cookie }) = started else {
        return refused(&request, STRANGER);
    };
    let cookie = visit_cookie(&engine, cookie_name, cookie.as_str(), Duration::minutes(10));
    Ok(HttpResponse::Found().insert_header((header::LOCATION, location)).cookie(cookie).finish())
}

/// Where GitHub sends the browser when the person has decided.
pub async fn finish(
    engine: web::Data<Engine>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, ApiError> {
    let [state, code, error] = ["state", "code", "error"].map(|name| parameter(&request, name));
    let Some(state) = state.as_deref() else { return Ok(stranger()) };
    let name = cookie_name(state);
    let cookie = request.cookie(&name);
    let back = Back { state, code: code.as_deref(), error: error.as_deref() };
    let ended =
        engine.finish_visit(back, cookie.as_ref().map(Cookie::value), Some(&request_id.0)).await.map_err(answer)?;
    let known = !matches!(ended, Ended::Stranger);
    let mut response = show(ended);
    if known {
        // The state is used up, and the cookie with it.
        let gone = visit_cookie(&engine, name, "", Duration::ZERO);
        response.add_cookie(&gone).map_err(ApiError::internal)?;
    }
    Ok(response)
}

/// The App's setup address: somebody installed the App, or changed what it may reach. What the
/// redirect says about that is not read; GitHub is asked when it matters.
pub async fn installed(engine: web::Data<Engine>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let ended = match parameter(&request, "state").as_deref() {
        Some(state) => engine.finish_install(state).await.map_err(answer)?,
        None => None,
    };
    Ok(match ended {
        Some(ended) => show(ended),
        None => html(
            StatusCode::OK,
            "Back from GitHub",
            &["Go back to your project and reload the page: what the GitHub App may reach now is listed there."],
        ),
    })
}

/// A parameter that is there exactly once; whatever else somebody puts there is ignored.
fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let mut found = form_urlencoded::parse(request.query_string().as_bytes()).filter(|(key, _)| key == name);
    let value = found.next()?.1.into_owned();
    found.next().is_none().then_some(value)
}

fn visit_cookie<'a>(engine: &Engine, name: String, value: &'a str, age: Duration) -> Cookie<'a> {
    Cookie::build(name, value)
        .path(PATH)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(engine.settings.public_url.starts_with("https://"))
        .max_age(age)
        .finish()
}

fn show(ended: Ended) -> HttpResponse {
    match ended {
        Ended::Stranger => stranger(),
        Ended::Refused => html(
            StatusCode::BAD_REQUEST,
            "GitHub did not confirm this",
            &[
                "GitHub did not accept the answer that came back from its page, so nothing was connected.",
                "Go back to your project and connect to GitHub again.",
            ],
        ),
        Ended::Back { to: Some(address), .. } => {
            HttpResponse::SeeOther().insert_header((header::LOCATION, address)).finish()
        }
        Ended::Back { outcome: Outcome::Connected, to: None } => {
            html(StatusCode::OK, "Connected to GitHub", &["You can close this page and go back to your project."])
        }
        Ended::Back { outcome: Outcome::Denied, to: None } => html(
            StatusCode::OK,
            "Not connected",
            &["You did not authorize the GitHub App, so nothing was changed.", "You can close this page."],
        ),
        Ended::Back { outcome: Outcome::Installed, to: None } => html(
            StatusCode::OK,
            "The GitHub App is installed",
            &["You can close this page and go back to your project."],
        ),
    }
}

/// A link that is of no use: a title, why, and what to do.
pub(super) type Refusal = [&'static str; 3];

const STRANGER: Refusal = [
    "This link cannot be used",
    "It was used before, is older than ten minutes, or was opened in another browser. Nothing was changed.",
    "Go back to your project and connect to GitHub again.",
];

fn stranger() -> HttpResponse {
    let [title, why, next] = STRANGER;
    html(StatusCode::BAD_REQUEST, title, &[why, next])
}

/// 400: a page for a browser, a problem for others.
pub(super) fn refused(request: &HttpRequest, [title, why, next]: Refusal) -> Result<HttpResponse, ApiError> {
    if wants_page(request) {
        return Ok(html(StatusCode::BAD_REQUEST, title, &[why, next]));
    }
    Err(Problem::new(Code::Malformed, format!("{title}. {why}")).with_action(next).into())
}

fn html(status: StatusCode, title: &str, paragraphs: &[&str]) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, page::policy("'none'")))
        .body(page::simple(title, paragraphs))
}
