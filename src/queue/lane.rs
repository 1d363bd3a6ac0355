//! Reading entries from streams. What becomes of them stands in `fate`.
//!
//! Each reader has a connection of its own, because a blocking read holds up whatever shares it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamPendingCountReply, StreamReadReply};
use redis::{Cmd, FromRedisValue, Pipeline, RedisError};

use super::entry::{self, Unreadable};
use super::keys::{GROUP, Stream};
use super::{Queue, QueueError, link};
use crate::job::{Job, Wake};

/// How long a read waits for something to come, at most; also how long a reader takes to notice a
/// shutdown, and how often it looks for what others left or put off.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The first entry's id, or an earlier one.
const START: &str = "0-0";

/// A job in a worker's hands.
#[derive(Debug)]
pub struct Taken {
    pub stream: Stream,
    pub id: String,
    pub job: Job,
    /// How often it has been handed out, this time included.
    pub deliveries: u32,
}

/// What this process is working on, so that it neither lets it go stale nor takes it twice.
#[derive(Clone, Default)]
pub struct InHand(Arc<Mutex<HashSet<(Stream, String)>>>);

impl InHand {
    fn set(&self) -> MutexGuard<'_, HashSet<(Stream, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, taken: &Taken) {
        self.set().insert((taken.stream, taken.id.clone()));
    }

    pub fn remove(&self, stream: Stream, id: String) {
        self.set().remove(&(stream, id));
    }

    fn has(&self, stream: Stream, id: &str) -> bool {
        self.set().contains(&(stream, id.to_owned()))
    }

    pub fn of(&self, stream: Stream) -> Vec<String> {
        self.set().iter().filter(|(its, _)| *its == stream).map(|(_, id)| id.clone()).collect()
    }
}

/// Reads some of the streams, in their order of precedence.
pub struct Reader {
    queue: Queue,
    streams: &'static [Stream],
    in_hand: InHand,
    connection: MultiplexedConnection,
    /// An answer may have been lost with the last connection: what it held is ours already.
    recover: bool,
    claimed_at: Option<Instant>,
    /// Where the next look for abandoned entries begins, for each stream: one looks only so far.
    claim_from: Vec<String>,
    wait: Duration,
}

impl Reader {
    pub async fn open(queue: &Queue, streams: &'static [Stream], in_hand: InHand) -> Result<Self, QueueError> {
        let wait = LONGEST_WAIT.min(queue.settings().claim_idle / 4);
        let connection = link::dial(&queue.0.client, wait).await?;
        Ok(Reader {
            queue: queue.clone(),
            streams,
            in_hand,
            connection,
            recover: true,
            claimed_at: None,
            claim_from: vec![START.to_owned(); streams.len()],
            wait,
        })
    }

    /// Up to `room` jobs, waiting a second for the first one; then one more can come with it.
    pub async fn next(&mut self, room: usize) -> Result<Vec<Taken>, QueueError> {
        let result = self.at_hand(room).await;
        let result = match result {
            Ok(entries) if entries.is_empty() => self.wait().await,
            other => other,
        };
        self.group_made_where_missed(result).await
    }

    /// Up to `room` jobs that are there now.
    pub async fn next_at_hand(&mut self, room: usize) -> Result<Vec<Taken>, QueueError> {
        let result = self.at_hand(room).await;
        self.group_made_where_missed(result).await
    }

    async fn at_hand(&mut self, room: usize) -> Result<Vec<Taken>, QueueError> {
        let mut found = Vec::new();
        if self.recover {
            found = self.recovered(room).await?;
        }
        if self.claimed_at.is_none_or(|at| at.elapsed() >= self.wait) && found.len() < room {
            found.extend(self.claimed(room - found.len()).await?);
            self.claimed_at = Some(Instant::now());
        }
        for stream in self.streams {
            if found.len() < room {
                let mut read = self.read(room - found.len());
                read.arg("STREAMS").arg(self.queue.keys().stream(*stream)).arg(">");
                found.extend(self.fresh(&read).await?);
            }
        }
        self.note_taken(found).await
    }

    async fn wait(&mut self) -> Result<Vec<Taken>, QueueError> {
        let mut read = self.read(1);
        read.arg("BLOCK").arg(self.wait.as_millis() as u64).arg("STREAMS");
        for stream in self.streams {
            read.arg(self.queue.keys().stream(*stream));
        }
        for _ in self.streams {
            read.arg(">");
        }
        let found = self.fresh(&read).await?;
        self.note_taken(found).await
    }

    fn read(&self, count: usize) -> Cmd {
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg(GROUP).arg(&self.queue.0.consumer).arg("COUNT").arg(count);
        read
    }

    async fn fresh(&mut self, read: &Cmd) -> Result<Vec<Taken>, QueueError> {
        let reply: Option<StreamReadReply> = self.run(read).await?;
        let mut found = Vec::new();
        for key in reply.unwrap_or_default().keys {
            let Some(stream) = self.queue.keys().stream_named(&key.key) else { continue };
            for entry in key.ids {
                found.extend(self.opened(stream, entry, 1).await);
            }
        }
        Ok(found)
    }

    /// What was given to this process and never arrived.
    async fn recovered(&mut self, room: usize) -> Result<Vec<Taken>, QueueError> {
        let mut found = Vec::new();
        let mut complete = true;
        for stream in self.streams {
            let count = self.in_hand.of(*stream).len() + room;
            let mut read = self.read(count);
            read.arg("STREAMS").arg(self.queue.keys().stream(*stream)).arg("0");
            let reply: Option<StreamReadReply> = self.run(&read).await?;
            let entries: Vec<StreamId> = reply.unwrap_or_default().keys.into_iter().flat_map(|key| key.ids).collect();
            complete &= entries.len() < count;
            found.extend(self.counted(*stream, entries).await?);
        }
        self.recover = !complete;
        Ok(found)
    }

    /// What nobody has touched for long: its worker died, or put it off until now.
    async fn claimed(&mut self, room: usize) -> Result<Vec<Taken>, QueueError> {
        let mut found = Vec::new();
        for (number, stream) in self.streams.iter().enumerate() {
            if found.len() >= room {
                break;
            }
            let mut claim = redis::cmd("XAUTOCLAIM");
            claim.arg(self.queue.keys().stream(*stream)).arg(GROUP).arg(&self.queue.0.consumer);
            claim
                .arg(self.queue.settings().claim_idle.as_millis() as u64)
                .arg(&self.claim_from[number])
                .arg("COUNT")
                .arg(room - found.len());
            let reply: StreamAutoClaimReply = self.run(&claim).await?;
            self.claim_from[number] = reply.next_stream_id;
            found.extend(self.counted(*stream, reply.claimed).await?);
        }
        Ok(found)
    }

    /// Entries that were handed out before, with how often.
    async fn counted(&mut self, stream: Stream, mut entries: Vec<StreamId>) -> Result<Vec<Taken>, QueueError> {
        entries.retain(|entry| !self.in_hand.has(stream, &entry.id));
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut ask = redis::pipe();
        for entry in &entries {
            ask.cmd("XPENDING").arg(self.queue.keys().stream(stream)).arg(GROUP).arg(&entry.id).arg(&entry.id).arg(1);
        }
        let counts: Vec<StreamPendingCountReply> = self.pipe(&ask).await?;
        let mut found = Vec::new();
        for (entry, count) in entries.into_iter().zip(counts) {
            let deliveries = count.ids.first().map_or(1, |pending| pending.times_delivered);
            found.extend(self.opened(stream, entry, u32::try_from(deliveries).unwrap_or(u32::MAX)).await);
        }
        Ok(found)
    }

    /// The job of an entry; one that cannot be read is dealt with here.
    async fn opened(&self, stream: Stream, mut entry: StreamId, deliveries: u32) -> Option<Taken> {
        match entry::read(&mut entry.map) {
            Ok(job) => return Some(Taken { stream, id: entry.id, job, deliveries }),
            Err(Unreadable::Later) => {
                self.queue
                    .put_off(stream, &entry.id, deliveries.saturating_sub(1), self.queue.settings().claim_idle / 2)
                    .await;
            }
            Err(Unreadable::Damaged) => {
                tracing::error!(entry = entry.id, "a damaged entry is dropped from the queue");
                self.queue.forget(stream, &entry.id, None).await;
            }
        }
        None
    }

    /// Before anything is done about wake-ups: what is written from now on needs another one.
    async fn note_taken(&mut self, found: Vec<Taken>) -> Result<Vec<Taken>, QueueError> {
        let wakes: Vec<Wake> = found.iter().filter_map(|taken| wake_of(&taken.job)).collect();
        if let Some(note) = self.queue.taken(&wakes) {
            self.run::<()>(&note).await?;
        }
        Ok(found)
    }

    async fn group_made_where_missed(
        &mut self,
        result: Result<Vec<Taken>, QueueError>,
    ) -> Result<Vec<Taken>, QueueError> {
        match result {
            Err(QueueError::Unavailable(error)) if is_no_group(&error) => {
                self.queue.make_groups(self.streams).await?;
                Ok(Vec::new())
            }
            other => other,
        }
    }

    async fn run<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, QueueError> {
        Ok(command.query_async(&mut self.connection).await?)
    }

    async fn pipe<T: FromRedisValue>(&mut self, commands: &Pipeline) -> Result<T, QueueError> {
        Ok(commands.query_async(&mut self.connection).await?)
    }
}

fn wake_of(job: &Job) -> Option<Wake> {
    match job {
        Job::Wake(wake) => Some(wake.clone()),
        Job::Delivery(_) => None,
    }
}

/// The group, or the stream with it, is gone: Redis was emptied, or came back without them.
fn is_no_group(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOGROUP" | "UNBLOCKED"))
}
