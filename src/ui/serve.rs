//! Answers with pages and assets: `/panel/{project}`, `/embed.js`, `/assets/{name}`, `/console`.

use actix_web::http::header::{self, EntityTag, IfNoneMatch};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};

use super::assets::{self, Asset};
use super::pages;
use crate::model::ProjectId;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// `/embed.js` keeps its name over versions: browsers ask whether theirs is still the one.
const ASK_AGAIN: &str = "public, no-cache";

/// The elements as a module for other pages; who may load it is decided where this is mounted.
pub async fn embed(known: web::Header<IfNoneMatch>) -> HttpResponse {
    let asset = &*assets::EMBED;
    let tag = EntityTag::new_strong(asset.hash.clone());
    let same = match &known.0 {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|known| known.weak_eq(&tag)),
    };
    let mut response = if same { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, ASK_AGAIN)).insert_header(header::ETag(tag));
    response.insert_header(("Cross-Origin-Resource-Policy", "cross-origin"));
    if same { response.finish() } else { response.content_type(asset.content_type).body(asset.content) }
}

/// The panel of a project; whether that is there is for the session to find out.
pub async fn panel(project: web::Path<String>) -> HttpResponse {
    if ProjectId::parse(project.into_inner()).is_err() {
        return HttpResponse::NotFound().finish();
    }
    page(pages::panel())
}

/// A page with a script.
pub fn page(html: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, pages::WITH_SCRIPT))
        .body(html)
}

/// One asset of this version.
pub async fn asset(request: HttpRequest) -> HttpResponse {
    let name = request.match_info().get("name").unwrap_or("");
    let Some(Asset { content_type, content, .. }) = assets::named(name) else {
        return HttpResponse::NotFound().finish();
    };
    HttpResponse::Ok().content_type(*content_type).insert_header((header::CACHE_CONTROL, FOR_EVER)).body(*content)
}
