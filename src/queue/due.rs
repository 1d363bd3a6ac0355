//! Wake-ups: for later in the due set, for now on a stream. Both hold each wake-up at most once.
//!
//! A wake-up that is on a stream and that nobody has taken yet is not appended again: whoever takes
//! it will see everything that was written before. The hash `waiting` remembers the entry, and the
//! entry is looked for before it is believed, so nothing waits for one that got lost, or that was
//! taken by somebody who died before saying so.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::Cmd;
use tokio::sync::Notify;

use super::entry::wake_text;
use super::keys::{MAKE_STREAM, Stream};
use super::link::Script;
use super::{Queue, QueueError};
use crate::job::{VERSION, Wake};

/// Who waits for a wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A person: goes before all that runs by itself.
    Person,
    Background,
}

/// So many wake-ups are moved or appended by one script: a few milliseconds of Redis' time.
const BATCH: usize = 500;

/// KEYS: first, second, waiting. `first` says whether the wake-up goes to the first stream; one that
/// waits there is never appended to the second.
const APPEND: &str = "
    local function append(wake, first, version)
        local at = redis.call('HGET', KEYS[3], wake)
        if at then
            local stream = KEYS[1]
            if at:sub(1, 1) == '2' then stream = KEYS[2] end
            local id = at:sub(3)
            if (stream == KEYS[1] or not first) and #redis.call('XRANGE', stream, id, id) > 0
                and #redis.pcall('XPENDING', stream, 'workers', id, id, 1) == 0 then return end
        end
        local stream, mark = KEYS[2], '2 '
        if first then stream, mark = KEYS[1], '1 ' end
        local id = redis.call('XADD', stream, '*', 'v', version, 'w', wake)
        redis.call('HSET', KEYS[3], wake, mark .. id)
    end
    local function make_streams()
        make_stream(KEYS[1])
        make_stream(KEYS[2])
    end";

/// ARGV: version, whether a person waits, wake-ups.
static WAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{MAKE_STREAM}{APPEND}
        make_streams()
        for i = 3, #ARGV do append(ARGV[i], ARGV[2] == '1', ARGV[1]) end"
    ))
});

/// KEYS[4]: due. ARGV: version, now, how many at most. Returns how many, and when the next is due.
static MOVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{MAKE_STREAM}{APPEND}
        local due = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
        if #due > 0 then make_streams() end
        for _, wake in ipairs(due) do
            append(wake, false, ARGV[1])
            redis.call('ZREM', KEYS[4], wake)
        end
        local next = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
        return {{#due, next[2] or false}}"
    ))
});

impl Queue {
    /// Wakes somebody at that time, or earlier if that is already arranged.
    pub async fn schedule(&self, wake: &Wake, at: DateTime<Utc>) -> Result<(), QueueError> {
        self.schedule_all(&[(wake.clone(), at)]).await
    }

    /// [`Queue::schedule`] for many, in few round trips.
    pub async fn schedule_all(&self, wakes: &[(Wake, DateTime<Utc>)]) -> Result<(), QueueError> {
        let now = Utc::now();
        let (due, later): (Vec<_>, Vec<_>) = wakes.iter().cloned().partition(|(_, at)| *at <= now);
        self.wake_all(due.into_iter().map(|(wake, _)| wake), Priority::Background).await?;
        for part in later.chunks(BATCH) {
            let mut add = redis::cmd("ZADD");
            add.arg(&self.keys().due).arg("LT");
            for (wake, at) in part {
                add.arg(at.timestamp_millis()).arg(wake_text(wake));
            }
            self.link().run::<()>(&add).await?;
        }
        if let Some(earliest) = later.iter().map(|(_, at)| at.timestamp_millis()).min() {
            self.0.bell.ring(earliest);
        }
        Ok(())
    }

    /// Wakes somebody now, for what runs by itself.
    pub async fn wake_now(&self, wake: &Wake) -> Result<(), QueueError> {
        self.wake_all([wake.clone()], Priority::Background).await
    }

    /// Wakes somebody now, before all that runs by itself: a person waits.
    pub async fn wake_first(&self, wake: &Wake) -> Result<(), QueueError> {
        self.wake_all([wake.clone()], Priority::Person).await
    }

    /// Wakes for many things at once, in few round trips.
    pub async fn wake_all(&self, wakes: impl IntoIterator<Item = Wake>, priority: Priority) -> Result<(), QueueError> {
        let wakes: Vec<String> = wakes.into_iter().map(|wake| wake_text(&wake)).collect();
        for part in wakes.chunks(BATCH) {
            let call = |call: &mut Cmd| {
                self.stream_keys(call, 3);
                call.arg(VERSION).arg(priority == Priority::Person).arg(part);
            };
            self.link().script::<()>(&WAKE, call).await?;
        }
        Ok(())
    }

    /// Moves what is due at `now` onto the stream; returns how many and when the next is due.
    pub(super) async fn move_due(&self, now: i64) -> Result<(usize, Option<i64>), QueueError> {
        let mut moved = 0;
        loop {
            let call = |call: &mut Cmd| {
                self.stream_keys(call, 4).arg(&self.keys().due);
                call.arg(VERSION).arg(now).arg(BATCH);
            };
            let (some, next): (usize, Option<f64>) = self.link().script(&MOVE, call).await?;
            moved += some;
            if some < BATCH {
                #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
                return Ok((moved, next.map(|at| at as i64)));
            }
        }
    }

    fn stream_keys<'a>(&self, call: &'a mut Cmd, count: usize) -> &'a mut Cmd {
        let keys = self.keys();
        call.arg(count).arg(keys.stream(Stream::First)).arg(keys.stream(Stream::Second)).arg(&keys.waiting)
    }

    /// Takes note that these wake-ups are taken: from now on the same ones are appended again.
    pub(super) fn taken(&self, wakes: &[Wake]) -> Option<Cmd> {
        let first = wakes.first()?;
        let mut remove = redis::cmd("HDEL");
        remove.arg(&self.keys().waiting).arg(wake_text(first));
        for wake in &wakes[1..] {
            remove.arg(wake_text(wake));
        }
        Some(remove)
    }
}

/// Tells this process's mover about a wake-up earlier than what it waits for. Other processes' it
/// finds by looking every now and then.
#[derive(Default)]
pub(super) struct Bell {
    /// Unix milliseconds the mover sleeps until.
    until: AtomicI64,
    rung: Notify,
}

impl Bell {
    fn ring(&self, at: i64) {
        if at < self.until.load(Ordering::Relaxed) {
            self.rung.notify_one();
        }
    }

    /// Waits until that time, or until something earlier was scheduled.
    pub async fn wait(&self, until: i64) {
        self.until.store(until, Ordering::Relaxed);
        let left = Duration::from_millis(u64::try_from(until - Utc::now().timestamp_millis()).unwrap_or(0));
        let _ = tokio::time::timeout(left, self.rung.notified()).await;
    }
}
