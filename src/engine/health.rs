//! Whether what Lockstep stands on answers.

use std::time::Duration;

use super::Engine;

/// How long an answer may take before it counts as none; `/readyz` itself answers within 5 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who has not heard of GitHub for so long asks.
const SILENCE: Duration = Duration::from_secs(30);

/// One look at everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// `ok` or `unavailable`.
    pub postgres: &'static str,
    /// `ok` or `unavailable`.
    pub redis: &'static str,
    /// `ok`, `unavailable` or `not configured`; told, and nothing depends on it.
    pub github: &'static str,
    /// Why GitHub gave no usable answer the last time that happened, and when.
    pub github_error: Option<String>,
}

impl Readiness {
    pub fn ready(&self) -> bool {
        self.postgres == "ok" && self.redis == "ok"
    }
}

impl Engine {
    /// Asks PostgreSQL and Redis now; of GitHub what is known, and that is never old.
    pub async fn readiness(&self) -> Readiness {
        self.look_at_github();
        let (postgres, redis) = self.look_at_dependencies(PATIENCE).await;
        let github_error = self.github.last_error().map(|(error, at)| format!("{error} ({})", at.to_rfc3339()));
        Readiness { postgres: word(postgres), redis: word(redis), github: self.github_word(), github_error }
    }

    /// GitHub may take its time: whether it answered is there for whoever looks next.
    pub(super) fn look_at_github(&self) {
        self.github.tell_budgets();
        let github = self.github.clone();
        tokio::spawn(async move { github.ask_if_silent(SILENCE).await });
    }

    /// Whether PostgreSQL and Redis take writes within that time; the gauges say so too.
    pub(super) async fn look_at_dependencies(&self, patience: Duration) -> (bool, bool) {
        let (postgres, redis) =
            tokio::join!(within(patience, self.store_answers()), within(patience, self.redis_answers()));
        self.metrics.dependency_up("postgres", postgres);
        self.metrics.dependency_up("redis", redis);
        (postgres, redis)
    }

    /// The schema has to be there too: without it nothing can be served.
    async fn store_answers(&self) -> bool {
        self.store.is_migrated() && !self.store.is_lost() && self.store.ping().await.is_ok()
    }

    async fn redis_answers(&self) -> bool {
        self.queue.ping().await.is_ok()
    }

    fn github_word(&self) -> &'static str {
        match self.github.app() {
            None => "not configured",
            Some(_) => word(self.metrics.is_github_up()),
        }
    }
}

async fn within(patience: Duration, answer: impl Future<Output = bool>) -> bool {
    tokio::time::timeout(patience, answer).await.unwrap_or(false)
}

fn word(up: bool) -> &'static str {
    if up { "ok" } else { "unavailable" }
}
