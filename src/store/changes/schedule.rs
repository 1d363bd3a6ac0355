//! When a change leads to a sync: the batch window starts with the first pending change and is not
//! pushed back by later ones.

use crate::store::Transaction;
use chrono::{DateTime, Utc};

use crate::model::Settings;
use crate::store::{StoreError, holds, pull_edits};

/// Opens the window when something is pending, is to go to a pull request's branch, or may have settled
/// a conflict (who takes their side back wants GitHub's), and closes it when nothing is. Answers when to look, if that changed.
///
/// A project that waits for a retry keeps its time: more changes do not make GitHub well. One whose
/// integration is suspended or broken is looked at when that heals.
pub async fn after_change(
    tx: &Transaction<'_>,
    pid: i64,
    settings: &Settings,
    pending: i64,
    touched: bool,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let waits = pending > 0 || (touched && (pull_edits::any(tx, pid).await? || holds::any_conflict(tx, pid).await?));
    if !waits {
        let close = "UPDATE integrations SET window_at = NULL WHERE pid = $1 AND window_at IS NOT NULL";
        let close = tx.prepare_cached(close).await?;
        tx.execute(&close, &[&pid]).await?;
        return Ok(None);
    }
    if !settings.auto_sync || !touched {
        return Ok(None);
    }
    open_window(tx, pid, settings.batch_seconds).await
}

/// Starts the window unless one is open, and makes the project due at its end.
pub async fn open_window(
    tx: &Transaction<'_>,
    pid: i64,
    batch_seconds: u32,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let open = tx
        .prepare_cached(
            "UPDATE integrations i SET window_at = w.start, due_at = CASE
                 WHEN i.attempts > 0 AND i.due_at IS NOT NULL THEN i.due_at
                 ELSE least(i.due_at, w.finish) END
             FROM (SELECT coalesce(window_at, now()) AS start,
                          coalesce(window_at, now()) + make_interval(secs => $2) AS finish
                   FROM integrations WHERE pid = $1) w
             WHERE i.pid = $1 AND i.state = 'connected'
               AND (i.window_at IS NULL OR i.due_at IS NULL OR (i.due_at > w.finish AND i.attempts = 0))
             RETURNING i.due_at",
        )
        .await?;
    let row = tx.query_opt(&open, &[&pid, &f64::from(batch_seconds)]).await?;
    Ok(row.and_then(|row| row.get(0)))
}
