//! `GET …/events`: what happens in a project, as it happens (server-sent events).
//!
//! A stream reads its rows only when there is word of new ones, and only when the client took what
//! came before; it ends with the project, the session, the key, or the program. Word without a row
//! (the host changed files) becomes a comment, so that panels look again at once.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use chrono::Utc;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::auth::{CONSOLE_COOKIE, Caller, Project, bearer};
use super::keys::KeyRing;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::store::Store;
use crate::store::live::LiveEvent;

/// A comment keeps proxies from closing a quiet stream; at most 15 s apart.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often it is asked whether the key or the console's session still holds. With what the key
/// ring believes for two seconds, a revoked key's streams end within five.
const CHECK: Duration = Duration::from_secs(2);
/// Rows read at once.
const BATCH: i64 = 100;

/// Follows a project's events as they happen.
#[utoipa::path(get, path = "/v1/projects/{project}/events", tag = "projects",
    params(("project" = String, Path, description = "The host's own id of the project"),
           ("Last-Event-ID" = Option<String>, Header, description = "Resumes behind this event; one that is no longer known starts with `event: reset`")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn events(
    engine: web::Data<Engine>,
    keys: web::Data<KeyRing>,
    stopping: web::Data<CancellationToken>,
    caller: Caller,
    Project(project): Project,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let store = engine.store.clone();
    let pid = store.pid_of(&project).await?.ok_or_else(|| ApiError::not_found("project"))?;
    let word = store.follow(pid);
    let (after, reset) = start(&store, pid, &request).await?;
    let proof = match &caller {
        Caller::Operator { .. } => request.cookie(CONSOLE_COOKIE).map(|cookie| cookie.value().to_owned()),
        _ => bearer(&request).map(str::to_owned),
    };
    let ends = Ends { caller, proof, keys, stopping };
    let first = if reset { reset_at(after) } else { Bytes::from_static(b": connected\n\n") };
    let (beat, check) = (Instant::now() + HEARTBEAT, Instant::now() + CHECK);
    let live = Live { store, pid, after, word, ends, first: Some(first), beat, check, own_word: false };
    let body = stream::unfold(live, |mut live| async move {
        let chunk = live.next().await?;
        Some((Ok::<_, actix_web::Error>(chunk), live))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(body))
}

/// The event to go on behind, and whether the one the client knows is gone.
async fn start(store: &Store, pid: i64, request: &HttpRequest) -> Result<(i64, bool), ApiError> {
    let Some(known) = request.headers().get("last-event-id") else { return Ok((store.last_event(pid).await?, false)) };
    let known = known.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok());
    match known {
        Some(id) if store.has_event(pid, id).await? => Ok((id, false)),
        _ => Ok((store.last_event(pid).await?, true)),
    }
}

fn reset_at(id: i64) -> Bytes {
    Bytes::from(format!("id: {id}\nevent: reset\ndata: {{}}\n\n"))
}

/// What ends a stream besides its client.
struct Ends {
    caller: Caller,
    /// The key, or the console's cookie.
    proof: Option<String>,
    keys: web::Data<KeyRing>,
    stopping: web::Data<CancellationToken>,
}

impl Ends {
    /// When the session expires; a key has no such time.
    fn expiry(&self) -> Option<Instant> {
        let Caller::Panel(session) = &self.caller else { return None };
        Some(Instant::now() + (session.expires_at - Utc::now()).to_std().unwrap_or_default())
    }

    /// Whether the key was revoked, or the console left. While PostgreSQL does not answer nobody can say so.
    async fn revoked(&self) -> bool {
        match (&self.caller, &self.proof) {
            (Caller::Host { .. }, Some(key)) => matches!(self.keys.host(key).await, Ok(None)),
            (Caller::Operator { .. }, Some(cookie)) => matches!(self.keys.operator(cookie).await, Ok(None)),
            _ => false,
        }
    }
}

struct Live {
    store: Store,
    pid: i64,
    after: i64,
    word: watch::Receiver<()>,
    ends: Ends,
    /// What the stream begins with, until it was sent.
    first: Option<Bytes>,
    beat: Instant,
    check: Instant,
    /// The word is this stream's own: it looks whether there is more.
    own_word: bool,
}

/// What woke a stream up.
enum Woken {
    Word,
    Beat,
    Check,
    End,
}

impl Live {
    /// The next piece of the stream; none: it ends.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            // What happened since `after` was read is looked for at once.
            self.look_again();
            return Some(first);
        }
        loop {
            match self.woken().await {
                Woken::End => return None,
                Woken::Check if self.ends.revoked().await => return None,
                Woken::Check => self.check = Instant::now() + CHECK,
                Woken::Beat => {
                    self.beat = Instant::now() + HEARTBEAT;
                    return Some(Bytes::from_static(b": \n\n"));
                }
                Woken::Word => match self.store.events_after(self.pid, self.after, BATCH).await {
                    Ok(Some(events)) if events.is_empty() && !std::mem::take(&mut self.own_word) => {
                        return Some(Bytes::from_static(b": changed\n\n"));
                    }
                    Ok(Some(events)) if events.is_empty() => {}
                    Ok(Some(events)) => return Some(self.told(&events)),
                    Ok(None) => return None,
                    // PostgreSQL is away: the word comes again when it is back.
                    Err(error) => tracing::debug!(%error, "live events could not be read"),
                },
            }
        }
    }

    async fn woken(&mut self) -> Woken {
        let expiry = self.ends.expiry();
        let until = self.beat.min(self.check);
        let until = expiry.map_or(until, |expiry| expiry.min(until));
        let word = async {
            tokio::select! {
                () = self.ends.stopping.cancelled() => Woken::End,
                word = self.word.changed() => if word.is_ok() { Woken::Word } else { Woken::End },
            }
        };
        match tokio::time::timeout_at(until, word).await {
            Ok(woken) => woken,
            Err(_) if expiry.is_some_and(|expiry| expiry <= Instant::now()) => Woken::End,
            Err(_) if self.check <= Instant::now() => Woken::Check,
            Err(_) => Woken::Beat,
        }
    }

    fn told(&mut self, events: &[LiveEvent]) -> Bytes {
        let mut text = String::new();
        for event in events {
            self.after = event.id;
            // JSON has no line breaks of its own here, so one data line holds it.
            text.push_str(&format!("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.kind, event.data));
        }
        // There may be more than one batch.
        self.look_again();
        Bytes::from(text)
    }

    fn look_again(&mut self) {
        self.own_word = true;
        self.word.mark_changed();
    }
}
