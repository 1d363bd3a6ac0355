//! First run, for whoever has the token that `serve` printed: one page with one button.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use url::Url;

use super::callback::refused;
use super::edge::RequestId;
use super::failure::answer;
use super::integration::is_login;
use super::page::{self, escape};
use super::problem::ApiError;
use crate::engine::Engine;
use crate::engine::setup::{Door, Form, Setup};
use crate::model::{Code, Problem};

#[derive(Deserialize)]
pub struct Parameters {
    token: Option<String>,
    organization: Option<String>,
    state: Option<String>,
    code: Option<String>,
}

/// The page with the form that makes the App.
pub async fn show(engine: web::Data<Engine>, query: web::Query<Parameters>) -> Result<HttpResponse, ApiError> {
    let token = query.token.as_deref().unwrap_or("");
    match engine.setup_door(token).await.map_err(answer)? {
        Door::Open => {}
        Door::Stranger => {
            let detail = "The setup page opens only with the link that lockstep serve prints when it starts.";
            let problem = Problem::new(Code::Forbidden, detail);
            return Err(problem.with_action("Copy the whole link from its output, after “setup:”.").into());
        }
        Door::Over => return Err(over()),
    }
    let organization = query.organization.as_deref().filter(|text| !text.is_empty());
    if organization.is_some_and(|text| !is_login(text)) {
        return Err(ApiError::field("organization", "is the name of an organization at GitHub"));
    }
    let form = engine.setup_form(organization).await.map_err(answer)?;
    Ok(html(&engine, "Set up Lockstep", &form_page(&form, token, organization)))
}

/// Where GitHub sends the browser with the code for the App's secrets.
pub async fn finish(
    engine: web::Data<Engine>,
    request: HttpRequest,
    request_id: RequestId,
    query: web::Query<Parameters>,
) -> Result<HttpResponse, ApiError> {
    let (state, code) = (query.state.as_deref().unwrap_or(""), query.code.as_deref().unwrap_or(""));
    match engine.finish_setup(state, code, Some(&request_id.0)).await.map_err(answer)? {
        Setup::Made { install_url } => Ok(html(&engine, "The GitHub App is ready", &made_page(&install_url))),
        Setup::Over => Err(over()),
        Setup::Stranger => refused(
            &request,
            ["This link cannot be used", "It was used before or is too old. Nothing was stored.", NEXT],
        ),
        Setup::Refused => {
            let why = "GitHub does not know this code, or gave the App to somebody else. Nothing was stored.";
            refused(&request, ["GitHub did not confirm the App", why, NEXT])
        }
    }
}

const NEXT: &str = "Open the setup page again and start over.";

fn over() -> ApiError {
    ApiError::new(Code::NotFound, "A GitHub App is configured: there is nothing to set up.")
}

fn form_page(form: &Form, token: &str, organization: Option<&str>) -> String {
    let owner =
        organization.map_or("your own GitHub account".to_owned(), |name| format!("the organization {}", escape(name)));
    let (action, manifest, token) = (escape(&form.action), escape(&form.manifest), escape(token));
    page::sheet_body(&format!(
        "<h1>Set up Lockstep</h1>\n\
         <p>Lockstep works through a GitHub App of your own. One click makes it: GitHub shows what the App \
         may do and asks you to confirm, then brings you back here.</p>\n\
         <form method=\"post\" action=\"{action}\">\n<input type=\"hidden\" name=\"manifest\" value=\"{manifest}\">\n\
         <button type=\"submit\">Make the GitHub App</button>\n</form>\n\
         <p class=\"muted small after\">It will belong to {owner}.</p>\n\
         <details>\n<summary>Make it for an organization instead</summary>\n\
         <form method=\"get\" action=\"/setup\">\n<input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <label for=\"organization\">Organization on GitHub</label>\n\
         <input id=\"organization\" name=\"organization\" autocomplete=\"off\" spellcheck=\"false\" required>\n\
         <button type=\"submit\" class=\"second\">Continue</button>\n</form>\n</details>"
    ))
}

fn made_page(install_url: &str) -> String {
    page::sheet_body(&format!(
        "<h1>The GitHub App is ready</h1>\n<p>Its keys are stored encrypted, and every replica uses it within \
         seconds. This page has done its work.</p>\n<a class=\"button\" href=\"{}\">Install the App on an account</a>\n\
         <p class=\"muted small after\">Or let the people of your product do so when they connect.</p>",
        escape(install_url)
    ))
}

fn html(engine: &Engine, title: &str, body: &str) -> HttpResponse {
    let github =
        Url::parse(&engine.settings.github_web_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    HttpResponse::build(StatusCode::OK)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, page::policy(&format!("'self' {github}"))))
        .body(page::with_body(title, body))
}
