//! One look at everything, for operators: the database, the queue, GitHub's budgets.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::Engine;
use crate::github::{Primary, Standing};
use crate::store::StoreError;
use crate::store::console::{Carried, Counts, Delivered, Latency, Step, Troubled};

/// What the console shows.
#[derive(Debug, Serialize)]
pub struct Overview {
    pub now: DateTime<Utc>,
    pub health: Value,
    /// Null while Redis does not answer.
    pub queue: Option<Value>,
    pub counts: Counts,
    pub steps: Vec<Step>,
    pub latency: Latency,
    pub troubled: Vec<Troubled>,
    pub deliveries: Vec<Delivered>,
    pub budgets: Vec<Budget>,
}

/// An installation with its projects and what is left of its budget.
#[derive(Debug, Serialize)]
pub struct Budget {
    #[serde(flatten)]
    pub carried: Carried,
    /// Null while Redis does not answer.
    pub standing: Option<Value>,
}

impl Engine {
    /// Errors: PostgreSQL does not answer. Without Redis, what it knows is left out.
    pub async fn console_overview(&self, now: DateTime<Utc>) -> Result<Overview, StoreError> {
        let (seen, ready, queue) = tokio::join!(self.store.console_overview(now), self.readiness(), self.queue.stats());
        let seen = seen?;
        let mut budgets = Vec::with_capacity(seen.installations.len());
        for carried in seen.installations {
            let standing = self.github.budget().standing(carried.installation, now).await;
            budgets.push(Budget { carried, standing: standing.as_ref().map(shown) });
        }
        Ok(Overview {
            now,
            health: json!({
                "postgres": ready.postgres, "redis": ready.redis, "github": ready.github,
                "github_error": ready.github_error,
            }),
            queue: queue
                .ok()
                .map(|queue| json!({ "depth": queue.depth, "oldest_seconds": queue.oldest.as_secs_f64() })),
            counts: seen.counts,
            steps: seen.steps,
            latency: seen.latency,
            troubled: seen.troubled,
            deliveries: seen.deliveries,
            budgets,
        })
    }
}

fn shown(standing: &Standing) -> Value {
    let primary =
        |of: Option<Primary>| of.map(|of| json!({ "remaining": of.remaining, "limit": of.limit, "reset": of.reset }));
    json!({
        "rest": primary(standing.rest),
        "graphql": primary(standing.graphql),
        "content_minute": standing.content_minute,
        "content_hour": standing.content_hour,
        "per_minute": standing.limits.per_minute,
        "per_hour": standing.limits.per_hour,
        "blocked_until": standing.blocked_until,
    })
}
