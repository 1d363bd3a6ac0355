//! Paths that are kept back, and why.

use std::collections::BTreeMap;

use crate::store::GenericClient;

use super::integrations::json;
use super::{StoreError, Transaction, pull_edits, pull_holds};
use crate::model::{Code, Entry, FilePath, Problem};

/// Whether a path waits because both sides changed it.
pub async fn any_conflict(client: &impl GenericClient, pid: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT FROM holds WHERE pid = $1 AND reason IN ('conflict', 'collision'))";
    Ok(client.query_one(sql, &[&pid]).await?.try_get(0)?)
}

/// Why a path waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// `conflict` or `collision`.
    pub reason: &'static str,
    pub problem: Problem,
}

/// Makes the notes of conflicts and collisions these and no others.
pub async fn replace_notes(tx: &Transaction<'_>, pid: i64, notes: &BTreeMap<FilePath, Note>) -> Result<(), StoreError> {
    let keys: Vec<Vec<u8>> = notes.keys().map(FilePath::key).collect();
    let gone = tx
        .query(
            "DELETE FROM holds WHERE pid = $1 AND reason IN ('conflict', 'collision') AND NOT key = ANY($2) RETURNING key",
            &[&pid, &keys],
        )
        .await?;
    pull_holds::give_back(tx, pid, &pull_holds::keys(&gone)?).await?;
    for (path, note) in notes {
        let problem = serde_json::to_value(&note.problem).unwrap_or_default();
        tx.execute(
            "INSERT INTO holds (pid, key, path, reason, problem) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (pid, key) DO UPDATE SET reason = excluded.reason, problem = excluded.problem, oid = NULL, mode = NULL
             WHERE holds.reason <> 'pull_request'",
            &[&pid, &path.key(), &path.as_str(), &note.reason, &problem],
        )
        .await?;
    }
    Ok(())
}

/// Keeps back the versions of these paths that GitHub refused. What a closed pull request left stays
/// named in the row: other versions of it wait for a person as before.
pub async fn refuse(
    tx: &Transaction<'_>,
    pid: i64,
    refused: &BTreeMap<FilePath, Option<Entry>>,
    problem: &Problem,
) -> Result<(), StoreError> {
    let problem = serde_json::to_value(problem).unwrap_or_default();
    for (path, entry) in refused {
        let oid = entry.map(|entry| entry.oid.0.to_vec());
        let mode = entry.map(|entry| entry.mode.as_i32());
        tx.execute(
            "INSERT INTO holds (pid, key, path, reason, problem, oid, mode) VALUES ($1, $2, $3, 'refused', $4, $5, $6)
             ON CONFLICT (pid, key) DO UPDATE SET reason = 'refused', problem = excluded.problem, oid = excluded.oid, mode = excluded.mode
             WHERE holds.reason <> 'pull_request'",
            &[&pid, &path.key(), &path.as_str(), &problem, &oid, &mode],
        )
        .await?;
    }
    Ok(())
}

/// What GitHub refused is tried again: a person asked, or a permission was granted.
pub async fn forget_refusals(tx: &Transaction<'_>, pid: i64) -> Result<(), StoreError> {
    pull_edits::forget_refusals(tx, pid).await?;
    let gone = tx.query("DELETE FROM holds WHERE pid = $1 AND reason = 'refused' RETURNING key", &[&pid]).await?;
    pull_holds::give_back(tx, pid, &pull_holds::keys(&gone)?).await
}

/// The same of what was refused for one reason, in these projects. What a closed pull request left
/// waits for a person all the same.
pub async fn forget_refusals_for(tx: &Transaction<'_>, pids: &[i64], code: Code) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE holds SET reason = 'pull_request_closed', problem = NULL, oid = NULL, mode = NULL
         WHERE pid = ANY($1) AND reason = 'refused' AND problem->>'code' = $2 AND pull_request IS NOT NULL",
        &[&pids, &code.as_str()],
    )
    .await?;
    tx.execute(
        "DELETE FROM holds WHERE pid = ANY($1) AND reason = 'refused' AND problem->>'code' = $2",
        &[&pids, &code.as_str()],
    )
    .await?;
    Ok(())
}

/// Paths people have been told are in conflict.
pub async fn noted(client: &impl GenericClient, pid: i64) -> Result<BTreeMap<String, Problem>, StoreError> {
    let rows = client
        .query("SELECT path, problem FROM holds WHERE pid = $1 AND reason IN ('conflict', 'collision')", &[&pid])
        .await?;
    rows.iter()
        .map(|row| {
            let problem = json(row, "problem")?.unwrap_or_else(|| Problem::new(Code::SyncConflict, ""));
            Ok((row.try_get(0)?, problem))
        })
        .collect()
}
