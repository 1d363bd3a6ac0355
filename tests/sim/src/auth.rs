//! Who is asking: App JWTs, installation tokens, user tokens, client credentials.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::http::message::{Refusal, Request, refuse};
use crate::world::World;
use crate::world::permissions::Permissions;
use crate::world::token::Grant;

/// Who a request comes from.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Anonymous,
    /// An App, by a JWT it signed.
    App(u64),
    Installation {
        token: String,
        installation: u64,
        permissions: Permissions,
        repositories: Option<BTreeSet<u64>>,
    },
    User {
        user: u64,
        app: u64,
    },
    /// An App, by its client id and secret.
    Client(u64),
}

impl Caller {
    /// Whose budget a request is taken from.
    pub(crate) fn budget(&self) -> String {
        match self {
            Caller::Anonymous => "anonymous".into(),
            Caller::App(id) | Caller::Client(id) => format!("app {id}"),
            Caller::Installation { installation, .. } => format!("installation {installation}"),
            Caller::User { user, .. } => format!("user {user}"),
        }
    }

    pub(crate) fn installation(&self) -> Option<u64> {
        match self {
            Caller::Installation { installation, .. } => Some(*installation),
            _ => None,
        }
    }

    /// The account that acts: the person, or the App's bot; 0 when nobody is known.
    pub(crate) fn actor(&self, world: &World) -> u64 {
        let bot = |app: &u64| world.apps.get(app).map_or(0, |it| it.bot);
        match self {
            Caller::Anonymous => 0,
            Caller::App(app) | Caller::Client(app) => bot(app),
            Caller::User { user, .. } => *user,
            Caller::Installation { installation, .. } => {
                world.installations.get(installation).map_or(0, |it| bot(&it.app))
            }
        }
    }
}

#[derive(Debug, Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: Issuer,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Issuer {
    Number(u64),
    Text(String),
}

/// Reads the `Authorization` header. No header: anonymous; a wrong one: 401.
pub(crate) fn identify(world: &mut World, request: &Request) -> Result<Caller, Refusal> {
    let Some(header) = request.header("authorization") else {
        return Ok(Caller::Anonymous);
    };
    let (scheme, value) = header.split_once(' ').unwrap_or(("", header));
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => client(world, value),
        "bearer" | "token" if value.starts_with("eyJ") => app(world, value),
        "bearer" | "token" => token(world, value),
        _ => Err(bad_credentials()),
    }
}

pub(crate) fn bad_credentials() -> Refusal {
    refuse(401, "Bad credentials")
}

fn client(world: &World, value: &str) -> Result<Caller, Refusal> {
    let decoded = STANDARD.decode(value).map_err(|_| bad_credentials())?;
    let text = String::from_utf8(decoded).map_err(|_| bad_credentials())?;
    let (id, secret) = text.split_once(':').ok_or_else(bad_credentials)?;
    let app = world.app_by_client(id).ok_or_else(bad_credentials)?;
    if same(&app.client_secret, secret) {
        return Ok(Caller::Client(app.id));
    }
    Err(bad_credentials())
}

/// Compares secrets in constant time.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn token(world: &mut World, text: &str) -> Result<Caller, Refusal> {
    let now = world.now();
    let token = world.tokens.get_mut(text).ok_or_else(bad_credentials)?;
    if token.refusals > 0 || token.expires_at <= now {
        token.refusals = token.refusals.saturating_sub(1);
        return Err(bad_credentials());
    }
    match token.grant.clone() {
        Grant::Installation { installation, permissions, repositories } => {
            let found = world.installations.get(&installation);
            let found = found.ok_or_else(bad_credentials)?;
            if found.suspended.is_some() {
                return Err(refuse(403, "This installation has been suspended"));
            }
            Ok(Caller::Installation { token: text.to_owned(), installation, permissions, repositories })
        }
        Grant::User { user, app } => Ok(Caller::User { user, app }),
        Grant::Refresh { .. } => Err(bad_credentials()),
    }
}

/// <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
fn app(world: &World, jwt: &str) -> Result<Caller, Refusal> {
    let undecodable = || refuse(401, "A JSON web token could not be decoded");
    let header = decode_header(jwt).map_err(|_| undecodable())?;
    if header.alg != Algorithm::RS256 {
        return Err(undecodable());
    }
    let claims = unverified(jwt).ok_or_else(undecodable)?;
    let app = world.apps.values().find(|app| match &claims.iss {
        Issuer::Number(id) => app.id == *id,
        Issuer::Text(text) => app.client_id == *text || app.id.to_string() == *text,
    });
    let app = app.ok_or_else(|| refuse(404, "Integration not found"))?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_rsa_pem(app.public_key.as_bytes()).map_err(|_| undecodable())?;
    decode::<Claims>(jwt, &key, &validation).map_err(|_| undecodable())?;
    check_times(&claims, world.now().timestamp())?;
    Ok(Caller::App(app.id))
}

fn unverified(jwt: &str) -> Option<Claims> {
    let payload = jwt.split('.').nth(1)?;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    serde_json::from_slice(&engine.decode(payload).ok()?).ok()
}

/// GitHub allows a minute of skew into the past and none into the future.
fn check_times(claims: &Claims, now: i64) -> Result<(), Refusal> {
    if claims.iat > now {
        let message = "'Issued at' claim ('iat') must be an Integer representing the time that \
                       the assertion was issued";
        return Err(refuse(401, message));
    }
    if claims.exp <= now {
        let message = "'Expiration time' claim ('exp') must be a numeric value representing the \
                       future time at which the assertion expires";
        return Err(refuse(401, message));
    }
    if claims.exp > now + 600 {
        let message = "'Expiration time' claim ('exp') is too far in the future";
        return Err(refuse(401, message));
    }
    Ok(())
}
