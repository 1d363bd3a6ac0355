//! What this process itself remembers of an installation's limits: enough to be careful with while
//! Redis cannot be asked, and to give back to Redis after it forgot.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Limits, Priority, Seen};
use crate::github::error::Throttle;

/// The share of what GitHub allows: other processes may be careful at the same time.
const CAREFUL: usize = 4;
const MINUTE: TimeDelta = TimeDelta::seconds(61);
const HOUR: TimeDelta = TimeDelta::seconds(3601);

#[derive(Debug, Default)]
pub(super) struct Local {
    /// Content-creating requests of the last hour, by when they were let through.
    log: VecDeque<Logged>,
    blocked: Option<(DateTime<Utc>, Throttle)>,
    /// Used up until then, by resource (`core`, `graphql`).
    spent: [Option<DateTime<Utc>>; 2],
}

#[derive(Debug, Clone)]
struct Logged {
    member: String,
    /// When it ended, or by when it must have.
    at: DateTime<Utc>,
}

impl Local {
    /// Waits are known even where Redis forgot them.
    pub fn blocked(&self, graphql: bool, now: DateTime<Utc>) -> Option<(DateTime<Utc>, Throttle)> {
        let spent = self.spent[usize::from(graphql)].map(|until| (until, Throttle::Primary));
        self.blocked.into_iter().chain(spent).filter(|(until, _)| *until > now).max_by_key(|(until, _)| *until)
    }

    /// The careful answer without Redis: None is yes.
    pub fn full(&self, priority: Priority, limits: Limits, now: DateTime<Utc>) -> Option<(DateTime<Utc>, Throttle)> {
        for (length, limit) in [(HOUR, limits.per_hour), (MINUTE, limits.per_minute)] {
            let reserve = if priority == Priority::Person { 0 } else { limit / CAREFUL / 10 };
            let most = (limit / CAREFUL - reserve).max(1);
            let mut times: Vec<_> = self.log.iter().map(|one| one.at).filter(|at| *at > now - length).collect();
            times.sort_unstable();
            if times.len() >= most {
                let at = times[times.len() - most];
                let until = if at > now { now + TimeDelta::seconds(1) } else { at + length };
                return Some((until, Throttle::Content));
            }
        }
        None
    }

    pub fn started(&mut self, member: &str, lease: TimeDelta, now: DateTime<Utc>) {
        self.log.retain(|one| one.at > now - HOUR);
        self.log.push_back(Logged { member: member.to_owned(), at: now + lease });
    }

    pub fn ended(&mut self, member: &str, sent: bool, now: DateTime<Utc>) {
        if !sent {
            return self.log.retain(|one| one.member != member);
        }
        if let Some(one) = self.log.iter_mut().rev().find(|one| one.member == member) {
            one.at = now;
        }
    }

    pub fn seen(&mut self, seen: &Seen, graphql: bool, now: DateTime<Utc>) {
        if let Some((until, reason)) = seen.wait.filter(|(until, _)| *until > now) {
            self.blocked = Some((until, reason));
        }
        if let Some(primary) = seen.primary {
            self.spent[usize::from(graphql)] = (primary.remaining == 0).then_some(primary.reset);
        }
    }

    /// Member and age in ms of everything logged, for `restore.lua`.
    pub fn entries(&self, now: DateTime<Utc>) -> Vec<(String, i64)> {
        self.log.iter().map(|one| (one.member.clone(), (now - one.at).num_milliseconds())).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const GITHUB: Limits = Limits { per_minute: 80, per_hour: 500, points: (900, 2000) };
    const PER_MINUTE: usize = 20;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn careful_without_redis() {
        let mut local = Local::default();
        for i in 0..PER_MINUTE {
            assert_eq!(local.full(Priority::Person, GITHUB, at(0)), None, "{i}");
            local.started(&format!("p|{i}"), TimeDelta::seconds(150), at(0));
            local.ended(&format!("p|{i}"), true, at(i as i64 / 10));
        }
        assert_eq!(local.full(Priority::Person, GITHUB, at(5)), Some((at(61), Throttle::Content)));
        assert_eq!(local.full(Priority::Person, GITHUB, at(61)), None);
        assert!(local.full(Priority::Background, GITHUB, at(61)).is_none_or(|(until, _)| until <= at(62)));
    }

    #[test]
    fn a_request_in_flight_counts_until_it_must_have_ended() {
        let mut local = Local::default();
        for i in 0..PER_MINUTE {
            local.started(&i.to_string(), TimeDelta::seconds(150), at(0));
        }
        assert!(local.full(Priority::Person, GITHUB, at(200)).is_some());
        assert!(local.full(Priority::Person, GITHUB, at(212)).is_none());
    }

    #[test]
    fn what_was_not_sent_does_not_count() {
        let mut local = Local::default();
        for i in 0..PER_MINUTE {
            local.started(&i.to_string(), TimeDelta::seconds(150), at(0));
        }
        local.ended("3", false, at(0));
        assert_eq!(local.full(Priority::Person, GITHUB, at(1)), None);
        assert_eq!(local.entries(at(0)).len(), PER_MINUTE - 1);
    }
}
