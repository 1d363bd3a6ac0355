//! The budget's words with Redis, and the sealed tokens that processes share. Redis that does not
//! answer is `None`, never an error: the caller is careful instead.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::aio::ConnectionManager;
use redis::{RedisResult, Value};

use super::{Admission, Ask, Fuse, LEASE, Limits, Priority, Scripts, Seen};
use crate::github::error::Throttle;
use crate::github::patience;

/// How long Redis may take.
const ANSWER: Duration = Duration::from_millis(500);

pub(crate) struct Shared {
    redis: ConnectionManager,
    prefix: String,
    scripts: Scripts,
    fuse: Fuse,
    limits: Limits,
}

/// `core` and `graphql`: remaining, limit, reset (ms); then until when it is blocked (ms).
pub(super) type Fields = Vec<Option<i64>>;

pub(super) enum Reply {
    Yes,
    Wait(DateTime<Utc>, Throttle),
    Epoch(String),
}

impl Shared {
    pub(super) fn new(redis: ConnectionManager, prefix: &str, limits: Limits) -> Self {
        Shared { redis, prefix: format!("{prefix}:github"), scripts: Scripts::default(), fuse: Fuse::default(), limits }
    }

    fn key(&self, installation: i64, what: &str) -> String {
        format!("{}:{installation}:{what}", self.prefix)
    }

    pub(super) async fn admit(&self, ask: &Ask<'_>, member: &str, epoch: &str) -> Option<Reply> {
        let mut call = self.scripts.admit.prepare_invoke();
        for what in ["state", "content", "waiters", "usage", "points"] {
            call.key(self.key(ask.installation, what));
        }
        let fresh = uuid::Uuid::now_v7().simple().to_string();
        let points = if ask.content { 5 } else { 1 };
        call.arg(epoch).arg(fresh).arg(member).arg(ask.party).arg(i32::from(ask.priority == Priority::Person));
        call.arg(resource(ask.graphql)).arg(i32::from(ask.content)).arg(points).arg(LEASE.num_milliseconds());
        let (rest, graphql) = self.limits.points;
        let most = if ask.graphql { graphql } else { rest };
        call.arg(self.limits.per_minute).arg(self.limits.per_hour).arg(most);
        let mut redis = self.redis.clone();
        let reply: Vec<Value> = self.answer(call.invoke_async(&mut redis)).await?;
        read(&reply)
    }

    pub(super) async fn settle(&self, admission: &Admission, seen: &Seen, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut call = self.scripts.settle.prepare_invoke();
        for what in ["state", "content", "usage"] {
            call.key(self.key(admission.installation, what));
        }
        let number = |value: Option<i64>| value.map(|n| n.to_string()).unwrap_or_default();
        call.arg(admission.member.as_deref().unwrap_or("")).arg(i32::from(seen.sent)).arg(&admission.party);
        call.arg(resource(admission.graphql));
        call.arg(number(seen.primary.map(|p| p.remaining))).arg(number(seen.primary.map(|p| p.limit)));
        call.arg(number(seen.primary.map(|p| p.reset.timestamp_millis())));
        call.arg(number(seen.wait.map(|(until, _)| (until - now).num_milliseconds().max(1))));
        call.arg(seen.wait.map_or("", |(_, reason)| reason.as_str()));
        let mut redis = self.redis.clone();
        let blocked: i64 = self.answer(call.invoke_async(&mut redis)).await?;
        DateTime::from_timestamp_millis(blocked).filter(|until| *until > now)
    }

    pub(super) async fn restore(&self, installation: i64, entries: &[(String, i64)]) -> Option<()> {
        if entries.is_empty() {
            return Some(());
        }
        let mut call = self.scripts.restore.prepare_invoke();
        call.key(self.key(installation, "content"));
        for (member, age) in entries {
            call.arg(member).arg(*age);
        }
        let mut redis = self.redis.clone();
        self.answer::<i64>(call.invoke_async(&mut redis)).await.map(drop)
    }

    /// What all processes know of an installation's budget: the fields of its state, and its
    /// content-creating requests of the last minute and hour.
    pub(super) async fn standing(&self, installation: i64, now: DateTime<Utc>) -> Option<(Fields, usize, usize)> {
        let of = |resource: &str| ["remaining", "limit", "reset"].map(|what| format!("{resource}:{what}"));
        let fields = [&of("core")[..], &of("graphql"), &["blocked".to_owned()]].concat();
        let log = self.key(installation, "content");
        let since = |seconds: i64| format!("({}", now.timestamp_millis() - seconds * 1000);
        let mut ask = redis::pipe();
        ask.hmget(self.key(installation, "state"), fields);
        ask.zcount(&log, since(60), "+inf").zcount(&log, since(3600), "+inf");
        let mut redis = self.redis.clone();
        self.answer(ask.query_async(&mut redis)).await
    }

    /// A sealed secret that another process left under this name.
    pub(crate) async fn sealed(&self, name: &str) -> Option<Vec<u8>> {
        let mut redis = self.redis.clone();
        let command = redis::cmd("GET").arg(format!("{}:sealed:{name}", self.prefix)).to_owned();
        self.answer::<Option<Vec<u8>>>(command.query_async(&mut redis)).await.flatten()
    }

    /// Leaves a sealed secret for other processes for this many seconds.
    pub(crate) async fn leave(&self, name: &str, sealed: &[u8], seconds: u64) {
        let mut redis = self.redis.clone();
        let name = format!("{}:sealed:{name}", self.prefix);
        let command = redis::cmd("SET").arg(name).arg(sealed).arg("EX").arg(seconds.max(1)).to_owned();
        self.answer::<()>(command.query_async(&mut redis)).await;
    }

    pub(crate) async fn forget(&self, name: &str) {
        let mut redis = self.redis.clone();
        let command = redis::cmd("DEL").arg(format!("{}:sealed:{name}", self.prefix)).to_owned();
        self.answer::<()>(command.query_async(&mut redis)).await;
    }

    async fn answer<T>(&self, asked: impl Future<Output = RedisResult<T>>) -> Option<T> {
        if self.fuse.is_blown(Utc::now()) {
            return None;
        }
        match patience::within(ANSWER, asked).await {
            Some(Ok(value)) => Some(value),
            failed => {
                let why =
                    failed.and_then(Result::err).map_or("no answer in time".to_owned(), |error| error.to_string());
                tracing::warn!(error = why, "the shared GitHub budget cannot be asked; this process is careful alone");
                self.fuse.blow(Utc::now());
                None
            }
        }
    }
}

fn resource(graphql: bool) -> &'static str {
    if graphql { "graphql" } else { "core" }
}

fn read(reply: &[Value]) -> Option<Reply> {
    let text = |at: usize| reply.get(at).and_then(|value| redis::from_redis_value_ref::<String>(value).ok());
    match text(0)?.as_str() {
        "ok" => Some(Reply::Yes),
        "epoch" => Some(Reply::Epoch(text(1)?)),
        "wait" => {
            let until = DateTime::from_timestamp_millis(redis::from_redis_value_ref::<i64>(reply.get(1)?).ok()?)?;
            Some(Reply::Wait(until, reason(&text(2)?)))
        }
        _ => None,
    }
}

fn reason(text: &str) -> Throttle {
    use Throttle::{Concurrency, Content, Points, Primary, RetryAfter, Secondary, Share};
    let all = [Primary, Secondary, RetryAfter, Content, Share, Concurrency, Points];
    all.into_iter().find(|one| one.as_str() == text).unwrap_or(Secondary)
}
