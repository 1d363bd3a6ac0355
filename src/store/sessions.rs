//! Sessions of the panel and of the console: rows hold SHA-256 of the token.

use chrono::{DateTime, Utc};

use super::events::{self, Actor, Event};
use super::keys::hash;
use super::{Store, StoreError, projects};
use crate::model::{ProjectId, UserId};
use crate::vault;

/// What a panel's person may do, least first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Editor,
    Owner,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Editor => "editor",
            Role::Owner => "owner",
        }
    }

    fn from_row(text: &str) -> Role {
        match text {
            "owner" => Role::Owner,
            "editor" => Role::Editor,
            _ => Role::Viewer,
        }
    }
}

/// One person in one project's panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelSession {
    pub project: ProjectId,
    pub user: UserId,
    pub name: Option<String>,
    pub email: Option<String>,
    pub role: Role,
    pub expires_at: DateTime<Utc>,
}

/// A session that is about to begin.
#[derive(Debug, Clone, Copy)]
pub struct NewPanelSession<'a> {
    pub project: &'a ProjectId,
    pub user: &'a UserId,
    pub name: Option<&'a str>,
    pub email: Option<&'a str>,
    pub role: Role,
}

impl Store {
    /// Begins a panel session of an hour, with its audit row; a project that is new is made. Answers
    /// its token, which is not kept, and when it ends. Expired ones are cleared away.
    pub async fn create_panel_session(
        &self,
        session: NewPanelSession<'_>,
        actor: &Actor,
        request_id: &str,
    ) -> Result<(String, DateTime<Utc>), StoreError> {
        let token = vault::random_token()?;
        let hash = hash(&token);
        let mut client = self.client().await?;
        client.execute("DELETE FROM panel_sessions WHERE expires_at < now()", &[]).await?;
        let tx = client.transaction().await?;
        projects::create(&tx, session.project).await?;
        let lock = "SELECT pid FROM projects WHERE id = $1 FOR NO KEY UPDATE";
        let pid: i64 = tx.query_one(lock, &[&session.project.as_str()]).await?.get(0);
        let sql = "INSERT INTO panel_sessions (hash, pid, user_id, name, email, role, expires_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, now() + interval '1 hour') RETURNING expires_at";
        let (user, role) = (session.user.as_str(), session.role.as_str());
        let row = tx.query_one(sql, &[&&hash[..], &pid, &user, &session.name, &session.email, &role]).await?;
        let event = Event::audit("panel_session.created", actor).of(pid, session.project.as_str());
        events::append(&tx, event.target(user).request(Some(request_id))).await?;
        tx.commit().await?;
        Ok((token, row.get(0)))
    }

    /// The session with this token's hash, unless it has expired.
    pub async fn find_panel_session(&self, hash: &[u8; 32]) -> Result<Option<PanelSession>, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT p.id, s.user_id, s.name, s.email, s.role, s.expires_at \
                   FROM panel_sessions s JOIN projects p USING (pid) WHERE s.hash = $1 AND s.expires_at > now()";
        let statement = client.prepare_cached(sql).await?;
        client.query_opt(&statement, &[&&hash[..]]).await?.as_ref().map(panel_session).transpose()
    }

    /// Begins a console session that ends with the key that opened it, with its audit row. Answers its
    /// token, which is not kept. Expired ones are cleared away.
    pub async fn create_console_session(
        &self,
        key_hash: &[u8; 32],
        expires_at: DateTime<Utc>,
        operator: &Actor,
        request_id: &str,
    ) -> Result<String, StoreError> {
        let (token, mut client) = (vault::random_token()?, self.client().await?);
        client.execute("DELETE FROM console_sessions WHERE expires_at < now()", &[]).await?;
        let tx = client.transaction().await?;
        let sql = "INSERT INTO console_sessions (hash, key_hash, expires_at) VALUES ($1, $2, $3)";
        tx.execute(sql, &[&&hash(&token)[..], &&key_hash[..], &expires_at]).await?;
        events::append(&tx, Event::audit("console.signed_in", operator).request(Some(request_id))).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// The hash of the key that opened this console session, unless the session has expired.
    pub async fn find_console_session(&self, hash: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let client = self.client().await?;
        let sql = "SELECT key_hash FROM console_sessions WHERE hash = $1 AND expires_at > now()";
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query_opt(&statement, &[&&hash[..]]).await?.map(|row| row.get(0)))
    }

    pub async fn end_console_session(&self, hash: &[u8; 32]) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute("DELETE FROM console_sessions WHERE hash = $1", &[&&hash[..]]).await?;
        Ok(())
    }
}

fn panel_session(row: &tokio_postgres::Row) -> Result<PanelSession, StoreError> {
    let invalid = |error: crate::model::ids::Invalid| StoreError::Internal(error.to_string());
    Ok(PanelSession {
        project: ProjectId::parse(row.get::<_, String>(0)).map_err(invalid)?,
        user: UserId::parse(row.get::<_, String>(1)).map_err(invalid)?,
        name: row.get(2),
        email: row.get(3),
        role: Role::from_row(row.get(4)),
        expires_at: row.get(5),
    })
}
