//! Primary and secondary limits, counted per installation or person.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Duration, Utc};

use super::message::{Refusal, Reply, refuse};
use crate::options::Limits;

/// Which budget a request is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Resource {
    Core,
    Graphql,
}

impl Resource {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Resource::Core => "core",
            Resource::Graphql => "graphql",
        }
    }
}

/// One hour's use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    pub(crate) limit: u32,
    pub(crate) used: u32,
    pub(crate) reset: DateTime<Utc>,
}

impl Meter {
    pub(crate) fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

/// A refusal of everything until some time, ordered by a test.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    pub(crate) until: DateTime<Utc>,
    pub(crate) style: PauseStyle,
}

/// How a pause is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PauseStyle {
    /// 403 with `x-ratelimit-remaining: 0` and the reset time.
    Primary,
    /// 403 with `retry-after`.
    Secondary,
    /// 429 with `retry-after`.
    TooMany,
    /// 403 that says «secondary rate limit» and no time at all.
    Silent,
}

/// All meters.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    hours: HashMap<(String, Resource), Meter>,
    created: HashMap<String, VecDeque<DateTime<Utc>>>,
    /// Limits of single installations, instead of the general one.
    pub(crate) own_limits: HashMap<String, u32>,
    pub(crate) pause: Option<Pause>,
    pub(crate) under_way: u32,
}

impl Meters {
    /// The present hour of somebody's budget.
    pub(crate) fn meter(&mut self, who: &str, resource: Resource, limits: &Limits, now: DateTime<Utc>) -> &mut Meter {
        let general = match resource {
            Resource::Core => limits.primary,
            Resource::Graphql => limits.graphql,
        };
        let limit = self.own_limits.get(who).copied().unwrap_or(general);
        let fresh = Meter { limit, used: 0, reset: now + Duration::hours(1) };
        let meter = self.hours.entry((who.to_owned(), resource)).or_insert(fresh);
        if meter.reset <= now {
            *meter = fresh;
        }
        meter.limit = limit;
        meter
    }

    /// Forgets what was used and created so far.
    pub(crate) fn reset(&mut self) {
        self.hours.clear();
        self.created.clear();
    }

    /// How many content-creating requests somebody made in the last hour and minute.
    pub(crate) fn created(&mut self, who: &str, now: DateTime<Utc>) -> (u32, u32) {
        let times = self.created.entry(who.to_owned()).or_default();
        while times.front().is_some_and(|at| *at <= now - Duration::hours(1)) {
            times.pop_front();
        }
        let minute = now - Duration::minutes(1);
        let recent = times.iter().rev().take_while(|at| **at > minute).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        (count(times.len()), count(recent))
    }

    /// Counts a content-creating request.
    pub(crate) fn note_created(&mut self, who: &str, now: DateTime<Utc>) {
        self.created.entry(who.to_owned()).or_default().push_back(now);
    }

    /// Whether the secondary limits refuse a request.
    pub(crate) fn secondary(
        &mut self,
        who: &str,
        creates: bool,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Option<Refusal> {
        if !limits.enforce_secondary {
            return None;
        }
        let (hour, minute) = self.created(who, now);
        let too_many = creates && (minute >= limits.content_per_minute || hour >= limits.content_per_hour);
        let crowded = self.under_way > limits.concurrent;
        (too_many || crowded).then(|| secondary_refusal(403, Some(limits.retry_after)))
    }

    /// Whether a test's pause refuses a request.
    pub(crate) fn paused(&mut self, resource: Resource, now: DateTime<Utc>) -> Option<Refusal> {
        let pause = self.pause.clone()?;
        if pause.until <= now {
            self.pause = None;
            return None;
        }
        let rest = (pause.until - now).num_milliseconds();
        let seconds = u32::try_from((rest + 999) / 1000).unwrap_or(1).max(1);
        Some(match pause.style {
            PauseStyle::Primary => primary_refusal(resource, pause.until),
            PauseStyle::Secondary => secondary_refusal(403, Some(seconds)),
            PauseStyle::TooMany => secondary_refusal(429, Some(seconds)),
            PauseStyle::Silent => secondary_refusal(403, None),
        })
    }
}

/// What GitHub says when the hourly budget is used up: GraphQL says it with 200.
pub(crate) fn primary_refusal(resource: Resource, reset: DateTime<Utc>) -> Refusal {
    let message = "API rate limit exceeded for installation.";
    let reply = match resource {
        Resource::Core => *refuse(403, message).0,
        Resource::Graphql => Reply::json(
            200,
            &serde_json::json!({ "errors": [{
                "type": "RATE_LIMITED", "code": "graphql_rate_limit", "message": message,
            }]}),
        ),
    };
    Refusal(Box::new(
        reply
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", reset.timestamp().to_string())
            .with("x-ratelimit-resource", resource.name()),
    ))
}

fn secondary_refusal(status: u16, retry_after: Option<u32>) -> Refusal {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before \
                   you try again.";
    let Refusal(reply) = refuse(status, message);
    Refusal(Box::new(match retry_after {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => *reply,
    }))
}
