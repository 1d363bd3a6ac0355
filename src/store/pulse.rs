//! Whether PostgreSQL answers, asked again and again over a connection of its own.
//!
//! A server that is gone says so; one that hangs says nothing, and a request would wait with it. So
//! one connection asks a trivial question all the time, and while it gets no answer everybody is
//! told at once that the database is unavailable.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::connect::Connector;
use super::{Store, StoreError};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);
/// An answer that takes longer is none. With the pause and the way back it stays below the 5 s in
/// which a request has to be told.
const PATIENCE: Duration = Duration::from_secs(3);

impl Store {
    /// Asks until `stop`. Without it, nothing is ever taken for lost.
    pub async fn watch(&self, stop: CancellationToken) {
        let Ok(connector) = Connector::new(&self.url, PATIENCE) else { return };
        let mut line = None;
        while !stop.is_cancelled() {
            let answer = tokio::time::timeout(PATIENCE, ask(&connector, &mut line)).await;
            let lost = !matches!(answer, Ok(Ok(())));
            if lost {
                line = None;
            }
            if self.lost.send_replace(lost) != lost {
                self.turned(lost);
            }
            let _stopped = tokio::time::timeout(PAUSE, stop.cancelled()).await;
        }
    }

    /// Idle connections of a server that hung may never answer again.
    fn turned(&self, lost: bool) {
        if lost {
            tracing::warn!("PostgreSQL does not answer");
            self.pool.retain(|_, _| false);
        } else {
            tracing::info!("PostgreSQL answers again");
        }
    }

    /// Whether it is known not to answer.
    pub fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Ends when PostgreSQL is known not to answer; never, while it does.
    pub async fn until_lost(&self) {
        let mut lost = self.lost.subscribe();
        if lost.wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn ask(connector: &Connector, line: &mut Option<Client>) -> Result<(), StoreError> {
    if line.as_ref().is_none_or(Client::is_closed) {
        *line = Some(connector.open(&connector.config()).await?.0);
    }
    if let Some(client) = line {
        client.batch_execute("SELECT 1").await?;
    }
    Ok(())
}
