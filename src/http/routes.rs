//! The whole URL map of both listeners, as tables.
//!
//! `keys`: the least scope of an API key (`admin`, `changes`), `open` (no key), or `always` (no key, and
//! answered while PostgreSQL is away too). `panel`: the least role of
//! a panel session for the same tail under `/panel/{project}/api`, or `never`. `browsers` are the
//! public listener's other routes; hosts do not call these, so they are not in the document.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use super::auth::Need;
use super::edge;
use super::problem::ApiError;
use super::table::{Entry, Row, resources};
use super::*;
use crate::store::keys::Scope;
use crate::ui::serve;

macro_rules! need {
    (always) => {
        Need::Nothing
    };
    (open) => {
        Need::Open
    };
    (changes) => {
        Need::Key(Scope::Changes)
    };
    (admin) => {
        Need::Key(Scope::Admin)
    };
}

macro_rules! role {
    (never) => {
        None
    };
    (viewer) => {
        Some(crate::store::sessions::Role::Viewer)
    };
    (editor) => {
        Some(crate::store::sessions::Role::Editor)
    };
    (owner) => {
        Some(crate::store::sessions::Role::Owner)
    };
}

macro_rules! needs_text {
    (always) => {
        None
    };
    (open) => {
        None
    };
    ($scope:ident) => {
        Some(stringify!($scope))
    };
}

macro_rules! route_table {
    (
        documented {
            $($d_method:ident $d_path:literal $d_module:ident :: $d_handler:ident $d_scope:ident;)*
        }
        browsers {
            $($b_method:ident $b_path:literal $b_module:ident :: $b_handler:ident $b_need:ident;)*
        }
        project {
            $($p_method:ident $p_path:literal $p_module:ident :: $p_handler:ident $p_scope:ident $p_role:ident;)*
        }
    ) => {
        /// Every documented route, for the document and the tests.
        pub const ROUTES: &[Row] = &[
            $(Row { method: stringify!($d_method), path: $d_path, needs: needs_text!($d_scope) },)*
            $(Row {
                method: stringify!($p_method),
                path: concat!("/v1/projects/{project}", $p_path),
                needs: needs_text!($p_scope),
            },)*
        ];

        /// The document of every handler in the table.
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($d_module::$d_handler,)* $($p_module::$p_handler,)*))]
        pub struct Documented;

        fn fixed() -> Vec<Entry> {
            vec![$(Entry {
                method: Method::$d_method,
                path: $d_path,
                need: need!($d_scope),
                route: web::route().to($d_module::$d_handler),
            },)*]
        }

        fn outside() -> Vec<Entry> {
            vec![$(Entry {
                method: Method::$b_method,
                path: $b_path,
                need: Need::$b_need,
                route: web::route().to($b_module::$b_handler),
            },)*]
        }

        /// The tails of a project, for keys or for panels.
        fn tails(panel: bool) -> Vec<Entry> {
            vec![$(Entry {
                method: Method::$p_method,
                path: pattern($p_path),
                need: if panel { Need::Panel(role!($p_role)) } else { need!($p_scope) },
                route: web::route().to($p_module::$p_handler),
            },)*]
        }
    };
}

route_table! {
    documented {
        // method path                  handler                keys
        GET "/healthz"                  ops::healthz           always;
        GET "/readyz"                   ops::readyz            always;
        GET "/metrics"                  ops::metrics           always;
        GET "/openapi.json"             ops::openapi_json      open;
        GET "/docs"                     ops::docs              open;
        GET "/v1/projects"              projects::list         admin;
        GET "/v1/audit"                 audit::list            admin;
        GET "/v1/dead-letters"          dead_letters::list     admin;
        POST "/v1/dead-letters/{id}/retry" dead_letters::retry admin;
        DELETE "/v1/dead-letters/{id}"  dead_letters::delete   admin;
    }
    browsers {
        // method path                  handler                Open: all it needs is PostgreSQL; or Nothing
        POST "/webhooks/github"         webhook::receive       Nothing;
        GET "/github/start"             callback::start        Open;
        GET "/github/callback"          callback::finish       Open;
        GET "/github/setup"             callback::installed    Open;
        GET "/setup"                    setup::show            Open;
        GET "/setup/callback"           setup::finish          Open;
        GET "/panel/{project}"          serve::panel           Open;
        GET "/assets/{name}"            serve::asset           Nothing;
    }
    project {
        // method tail                  handler                keys    panel
        POST "/changes"                 changes::change        changes never;
        PUT "/tree"                     changes::tree          changes never;
        POST "/connect"                 integration::connect   admin   owner;
        GET "/repositories"             repositories::list     admin   owner;
        PUT "/integration"              integration::put       admin   owner;
        GET "/integration"              integration::get       admin   viewer;
        DELETE "/integration"           integration::delete    admin   owner;
        POST "/repository"              repositories::create   admin   owner;
        POST "/syncs"                   syncs::create          admin   editor;
        GET  "/syncs"                   syncs::list            admin   viewer;
        GET  "/syncs/{id}"              syncs::one             admin   viewer;
        GET  "/syncs/{id}/diff"         syncs::patch           admin   viewer;
        POST "/confirm"                 syncs::confirm         admin   editor;
        GET  "/conflicts"               conflicts::list        admin   viewer;
        POST "/conflicts/resolve"       conflicts::resolve     admin   editor;
        GET "/files"                    files::list            changes viewer;
        GET "/files/{path}"             files::read            changes viewer;
        GET ""                          projects::show         admin   viewer;
        DELETE ""                       projects::delete       admin   never;
        GET "/settings"                 settings::show         admin   viewer;
        PATCH "/settings"               settings::patch        admin   owner;
        GET "/pending"                  pending::list          admin   viewer;
        GET "/pending/diff"             preview::patch         admin   viewer;
        POST "/settings/preview"        preview::settings      admin   owner;
        GET "/events"                   live::events           admin   viewer;
        POST "/restore"                 restore::restore       admin   editor;
        POST "/pull-requests"           pulls::create          admin   editor;
        GET  "/pull-requests"           pulls::list            admin   viewer;
        GET  "/pull-requests/{number}"  pulls::one             admin   viewer;
        POST "/pull-requests/{number}/refresh" pulls::refresh  admin   editor;
        POST "/panel-sessions"          panel_sessions::create admin   never;
    }
}

/// A file's path has slashes; the document's notation has no way to say so.
fn pattern(path: &'static str) -> &'static str {
    match path {
        "/files/{path}" => "/files/{path:.*}",
        other => other,
    }
}

/// What GitHub, browsers and panels reach.
pub fn public(config: &mut ServiceConfig) {
    let panel = web::scope("/panel/{project}/api").wrap(from_fn(edge::cross_origin));
    let mut panel = resources(tails(true)).into_iter().fold(panel, |scope, resource| scope.service(resource));
    for resource in resources(vec![panel_session()]) {
        panel = panel.service(resource);
    }
    config.service(panel.default_service(web::to(nothing_here)));
    for resource in resources(vec![elements()]) {
        config.service(resource.wrap(from_fn(edge::cross_origin)));
    }
    for resource in resources(outside()) {
        config.service(resource);
    }
    config.default_service(web::to(nothing_here));
}

/// What hosts and operators reach.
pub fn internal(config: &mut ServiceConfig) {
    for resource in resources(fixed()) {
        config.service(resource);
    }
    let project = web::scope("/v1/projects/{project}");
    let project = resources(tails(false)).into_iter().fold(project, |scope, resource| scope.service(resource));
    config.service(project.default_service(web::to(nothing_here)));
    for resource in resources(console_routes()) {
        config.service(resource);
    }
    config.default_service(web::to(nothing_here));
}

/// The custom elements, for pages of the panel origins.
fn elements() -> Entry {
    Entry { method: Method::GET, path: "/embed.js", need: Need::Nothing, route: web::route().to(serve::embed) }
}

/// What only the panel's own page asks.
fn panel_session() -> Entry {
    let need = Need::Panel(role!(viewer));
    Entry { method: Method::GET, path: "/session", need, route: web::route().to(session::show) }
}

/// The console's page, and what only that page asks.
fn console_routes() -> Vec<Entry> {
    let admin = Need::Key(Scope::Admin);
    let entry = |method, path, need, route| Entry { method, path, need, route };
    vec![
        entry(Method::GET, "/console", Need::Open, web::route().to(console::page)),
        entry(Method::POST, "/console/sign-in", Need::Open, web::route().to(console::sign_in)),
        entry(Method::POST, "/console/sign-out", admin, web::route().to(console::sign_out)),
        entry(Method::GET, "/assets/{name}", Need::Nothing, web::route().to(serve::asset)),
        entry(Method::GET, "/console/api/overview", admin, web::route().to(console::overview)),
    ]
}

/// What a worker shows, and nothing else.
pub fn worker(config: &mut ServiceConfig) {
    let shown = fixed().into_iter().filter(|entry| matches!(entry.path, "/healthz" | "/readyz" | "/metrics"));
    for resource in resources(shown.collect()) {
        config.service(resource);
    }
    config.default_service(web::to(nothing_here));
}

async fn nothing_here() -> Result<&'static str, ApiError> {
    Err(ApiError::new(crate::model::Code::NotFound, "There is nothing at this address."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document = openapi::document();
        let mut documented = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let methods = item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
            documented.extend(methods.map(|method| format!("{method} {path}")));
        }
        let mut routed: Vec<_> = ROUTES.iter().map(|row| format!("{} {}", row.method, row.path)).collect();
        documented.sort();
        routed.sort();
        assert_eq!(documented, routed);
    }
}
