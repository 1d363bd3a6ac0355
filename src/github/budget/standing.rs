//! An installation's budget as operators see it.

use chrono::{DateTime, Utc};

use super::{Budget, Limits, Primary};

/// What is left, and what was used lately.
#[derive(Debug, Clone)]
pub struct Standing {
    pub installation: i64,
    /// Of the hour, as GitHub last said; none while nothing was asked in it.
    pub rest: Option<Primary>,
    pub graphql: Option<Primary>,
    /// Content-creating requests of the last minute and hour.
    pub content_minute: usize,
    pub content_hour: usize,
    pub limits: Limits,
    /// GitHub said: not before then.
    pub blocked_until: Option<DateTime<Utc>>,
}

impl Budget {
    /// None while Redis does not answer.
    pub async fn standing(&self, installation: i64, now: DateTime<Utc>) -> Option<Standing> {
        let (fields, content_minute, content_hour) = self.shared().standing(installation, now).await?;
        let field = |at: usize| fields.get(at).copied().flatten();
        let primary = |at: usize| {
            let reset = DateTime::from_timestamp_millis(field(at + 2)?).filter(|reset| *reset > now)?;
            Some(Primary { remaining: field(at)?, limit: field(at + 1)?, reset })
        };
        Some(Standing {
            installation,
            rest: primary(0),
            graphql: primary(3),
            content_minute,
            content_hour,
            limits: self.inner.limits,
            blocked_until: field(6).and_then(DateTime::from_timestamp_millis).filter(|until| *until > now),
        })
    }
}
