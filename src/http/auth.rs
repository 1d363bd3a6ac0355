//! Who a request comes from, and whether that may do it: decided here and nowhere else, before the
//! handler runs and before the body is read. What each route needs stands in `routes.rs`.

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};

use super::keys::KeyRing;
use super::problem::ApiError;
use crate::model::{Code, ProjectId, UserId};
use crate::store::StoreError;
use crate::store::events::Actor;
use crate::store::keys::{Scope, hash};
use crate::store::sessions::{PanelSession, Role};

/// Who asks.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The host, by an API key; `id` names the key in the audit trail.
    Host { id: String, scope: Scope },
    /// A person in a panel: of this project and no other.
    Panel(PanelSession),
    /// An operator in the console.
    Operator { id: String },
}

/// What a route asks of its caller. A route that is not in the panel has no role.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// An API key of at least this scope, or the console where the scope is `Admin`.
    Key(Scope),
    /// A panel session of at least this role; `None`: never from a panel.
    Panel(Option<Role>),
    /// Nothing of its caller.
    Open,
    /// Nothing at all: it answers without PostgreSQL too.
    Nothing,
}

pub const CONSOLE_COOKIE: &str = "lockstep_console";

impl Caller {
    /// Who acts: in a panel its own person, whatever the body says; otherwise whom the host names.
    pub fn user(&self, named: Option<UserId>) -> Option<UserId> {
        match self {
            Caller::Panel(session) => Some(session.user.clone()),
            Caller::Host { .. } | Caller::Operator { .. } => named,
        }
    }

    /// As `user`, for requests that cannot do without.
    pub fn required_user(&self, named: Option<UserId>) -> Result<UserId, ApiError> {
        self.user(named).ok_or_else(|| ApiError::field("user", "missing field `user`"))
    }

    /// As `actor`, where the host may act for one of its people.
    pub fn actor_for(&self, user: Option<&UserId>) -> Actor {
        match (self, user) {
            (Caller::Host { .. }, Some(user)) => Actor::User(user.to_string()),
            _ => self.actor(),
        }
    }

    /// Who acts, for audit rows.
    pub fn actor(&self) -> Actor {
        match self {
            Caller::Host { id, .. } => Actor::Host(id.clone()),
            Caller::Panel(session) => Actor::User(session.user.to_string()),
            Caller::Operator { id } => Actor::Operator(id.clone()),
        }
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        ready(caller.ok_or_else(|| ApiError::internal("a handler asks for a caller on an open route")))
    }
}

/// The middleware of one route. A handler that waits for a PostgreSQL that hangs is given up, so
/// that the client is told in time.
pub async fn check<B: MessageBody + 'static>(
    need: Need,
    ring: web::Data<KeyRing>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if matches!(need, Need::Nothing) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let lost = || ApiError::from(StoreError::Unavailable("it does not answer".to_owned()));
    if ring.store().is_lost() {
        return Ok(request.error_response(lost()));
    }
    let again = ServiceRequest::from_request(request.request().clone());
    tokio::select! {
        biased;
        answer = admit(need, &ring, request, next) => answer,
        () = ring.store().until_lost() => Ok(again.error_response(lost())),
    }
}

async fn admit<B: MessageBody + 'static>(
    need: Need,
    ring: &KeyRing,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let caller = match need {
        Need::Open | Need::Nothing => Ok(None),
        Need::Key(scope) => by_key(ring, request.request(), scope).await.map(Some),
        Need::Panel(role) => by_session(ring, request.request(), role).await.map(Some),
    };
    match caller {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

async fn by_key(ring: &KeyRing, request: &HttpRequest, scope: Scope) -> Result<Caller, ApiError> {
    let caller = match bearer(request) {
        Some(key) => ring.host(key).await?,
        None => by_cookie(ring, request).await?,
    };
    let caller = caller.ok_or_else(|| ApiError::new(Code::Unauthorized, "No valid API key came with the request."))?;
    match &caller {
        Caller::Host { scope: held, .. } if *held < scope => {
            Err(ApiError::new(Code::Forbidden, "This key may only call changes, tree and files."))
        }
        _ => Ok(caller),
    }
}

/// The console's cookie; for what changes something only from the console's own page.
async fn by_cookie(ring: &KeyRing, request: &HttpRequest) -> Result<Option<Caller>, ApiError> {
    let Some(cookie) = request.cookie(CONSOLE_COOKIE) else { return Ok(None) };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !from_own_page(request) {
        return Err(ApiError::new(Code::Forbidden, "The console's cookie counts only on the console's own page."));
    }
    ring.operator(cookie.value()).await
}

fn from_own_page(request: &HttpRequest) -> bool {
    let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or("");
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://")).map_or("", |(_, host)| host);
    !host.is_empty() && origin.eq_ignore_ascii_case(host)
}

async fn by_session(ring: &KeyRing, request: &HttpRequest, role: Option<Role>) -> Result<Caller, ApiError> {
    let gone = || ApiError::new(Code::Unauthorized, "The panel session is missing, altered or has expired.");
    let token = bearer(request).ok_or_else(gone)?;
    let session = ring.store().find_panel_session(&hash(token)).await?.ok_or_else(gone)?;
    let here = request.match_info().get("project").unwrap_or("");
    if session.project.as_str() != here {
        return Err(ApiError::new(Code::Forbidden, "This session belongs to another project."));
    }
    match role {
        Some(role) if session.role >= role => Ok(Caller::Panel(session)),
        Some(role) => Err(ApiError::new(Code::Forbidden, format!("This needs the role {}.", role.as_str()))),
        None => Err(ApiError::new(Code::Forbidden, "This cannot be done from a panel.")),
    }
}

/// The token of `Authorization: Bearer TOKEN`.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The project of the path. A name that no project can have is not found, or for what would make
/// it refused.
#[derive(Debug, Clone)]
pub struct Project(pub ProjectId);

impl FromRequest for Project {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("project").unwrap_or("");
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE);
        ready(ProjectId::parse(text).map(Project).map_err(|invalid| match reads {
            true => ApiError::not_found("project"),
            false => ApiError::field("project", invalid.0),
        }))
    }
}
