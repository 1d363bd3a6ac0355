//! The one outbox: every change of state appends its event here, in its own transaction. Live
//! updates, notifications to the host and the audit trail all read from these rows.

use serde_json::{Value, json};
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::StoreError;

/// The channel of `NOTIFY`; its payload is the project's `pid`.
pub const CHANNEL: &str = "lockstep_events";

/// The kinds that are also sent to the host (contract 9). Other kinds are live events only.
pub const NOTIFIED: [&str; 11] = [
    "sync.succeeded",
    "sync.failed",
    "sync.conflict",
    "project.files_changed",
    "pull_request.opened",
    "pull_request.updated",
    "integration.connected",
    "integration.disconnected",
    "integration.suspended",
    "integration.broken",
    "integration.restored",
];

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The host itself, by the id of its key.
    Host(String),
    /// A person of the host.
    User(String),
    /// GitHub, or somebody there (a login).
    Github(Option<String>),
    /// Whoever runs Lockstep, by the id of a key or the name of a command.
    Operator(String),
    /// Lockstep by itself.
    System,
}

impl Actor {
    /// The `type` that audit rows show.
    pub fn kind(&self) -> &'static str {
        match self {
            Actor::Host(_) => "host",
            Actor::User(_) => "user",
            Actor::Github(_) => "github",
            Actor::Operator(_) => "operator",
            Actor::System => "system",
        }
    }

    /// The `id` that audit rows show.
    pub fn id(&self) -> Option<&str> {
        match self {
            Actor::Host(id) | Actor::User(id) | Actor::Operator(id) => Some(id),
            Actor::Github(id) => id.as_deref(),
            Actor::System => None,
        }
    }
}

/// What happened. A row with `kind` is a live event (and a notification when the kind is one of
/// [`NOTIFIED`]); one with `action` is an audit row; it may be both.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    pub pid: Option<i64>,
    /// The host's id of the project.
    pub project: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub action: Option<&'a str>,
    pub actor: &'a Actor,
    /// What was acted on besides the project: an id or a name. Never a secret.
    pub target: Option<&'a str>,
    pub request_id: Option<&'a str>,
    /// What live events and notifications carry as `data`; `project` is added to it.
    pub data: Option<Value>,
}

impl<'a> Event<'a> {
    /// An audit row and nothing else.
    pub fn audit(action: &'a str, actor: &'a Actor) -> Self {
        Event {
            pid: None,
            project: None,
            kind: None,
            action: Some(action),
            actor,
            target: None,
            request_id: None,
            data: None,
        }
    }

    /// A live event (and notification) and nothing else.
    pub fn live(kind: &'a str, actor: &'a Actor, data: Value) -> Self {
        Event { kind: Some(kind), action: None, data: Some(data), ..Event::audit("", actor) }
    }

    pub fn of(mut self, pid: i64, project: &'a str) -> Self {
        self.pid = Some(pid);
        self.project = Some(project);
        self
    }

    pub fn target(mut self, target: &'a str) -> Self {
        self.target = Some(target);
        self
    }

    pub fn request(mut self, request_id: Option<&'a str>) -> Self {
        self.request_id = request_id;
        self
    }
}

/// What `append` wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub id: i64,
    /// `notifications.id`, when the host is to be told: wake it up after the commit.
    pub notification: Option<i64>,
}

/// Appends the event. The caller holds the row lock of the project it names, so that the ids of
/// one project become visible in their order.
pub async fn append(tx: &Transaction<'_>, event: Event<'_>) -> Result<Appended, StoreError> {
    let data = with_project(event.data, event.project);
    let rows = tx
        .query_typed(
            "INSERT INTO events (pid, project, kind, action, actor_type, actor_id, target, request_id, data)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
            &[
                (&event.pid, Type::INT8),
                (&event.project, Type::TEXT),
                (&event.kind, Type::TEXT),
                (&event.action, Type::TEXT),
                (&event.actor.kind(), Type::TEXT),
                (&event.actor.id(), Type::TEXT),
                (&event.target, Type::TEXT),
                (&event.request_id, Type::TEXT),
                (&data, Type::JSONB),
            ],
        )
        .await?;
    let id: i64 = rows.first().ok_or(StoreError::Internal("no id for an event".to_owned()))?.get(0);
    let notification = match event.kind {
        Some(kind) => tell(tx, id, event.pid, kind, event.project, &data).await?,
        None => None,
    };
    Ok(Appended { id, notification })
}

/// Wakes live listeners at the commit, and queues the notification when this deployment sends
/// any (`lockstep.notify` is set on the connections of a store that does).
async fn tell(
    tx: &Transaction<'_>,
    event_id: i64,
    pid: Option<i64>,
    kind: &str,
    project: Option<&str>,
    data: &Option<Value>,
) -> Result<Option<i64>, StoreError> {
    if let Some(pid) = pid {
        let params: [(&(dyn ToSql + Sync), Type); 2] = [(&CHANNEL, Type::TEXT), (&pid.to_string(), Type::TEXT)];
        tx.query_typed("SELECT pg_notify($1, $2)", &params).await?;
    }
    if !NOTIFIED.contains(&kind) {
        return Ok(None);
    }
    let webhook_id = format!("msg_{}", Uuid::now_v7().simple());
    let empty = json!({});
    let rows = tx
        .query_typed(
            "INSERT INTO notifications (event_id, webhook_id, kind, at, project, data)
             SELECT $1, $2, $3, now(), $4, $5 WHERE current_setting('lockstep.notify', true) = 'on' RETURNING id",
            &[
                (&event_id, Type::INT8),
                (&webhook_id, Type::TEXT),
                (&kind, Type::TEXT),
                (&project, Type::TEXT),
                (data.as_ref().unwrap_or(&empty), Type::JSONB),
            ],
        )
        .await?;
    Ok(rows.first().map(|row| row.get(0)))
}

fn with_project(data: Option<Value>, project: Option<&str>) -> Option<Value> {
    let (Some(Value::Object(mut map)), Some(project)) = (data.clone(), project) else { return data };
    map.entry("project").or_insert_with(|| project.into());
    Some(Value::Object(map))
}
