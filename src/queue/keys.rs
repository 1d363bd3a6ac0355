//! Names of everything the queue keeps in Redis. All share one hash tag, so that scripts and
//! transactions over several of them work on a Redis Cluster too.

/// The consumer group; every worker process is a consumer of it.
pub const GROUP: &str = "workers";
/// Lua: a stream is made with its group, so that wherever there are entries they can be read and
/// removed, even from a Redis that takes nothing more.
pub const MAKE_STREAM: &str = "
    local function make_stream(key)
        if redis.call('EXISTS', key) == 0 then redis.call('XGROUP', 'CREATE', key, 'workers', '0', 'MKSTREAM') end
    end";
/// The consumer that holds what a stopped worker handed back, until somebody claims it.
pub const LEFT: &str = "left";

/// The streams, by who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Webhook deliveries.
    Deliveries,
    /// Wake-ups that a person waits for.
    First,
    /// Wake-ups of what runs by itself.
    Second,
}

impl Stream {
    pub const ALL: [Stream; 3] = [Stream::Deliveries, Stream::First, Stream::Second];
}

#[derive(Debug, Clone)]
pub struct Keys {
    deliveries: String,
    first: String,
    second: String,
    /// ZSET: wake-ups by the time they are due, in Unix milliseconds.
    pub due: String,
    /// HASH: wake-ups on a stream that nobody has taken yet, to the entry's id.
    pub waiting: String,
    seen: String,
    /// STRING, for a second: whether anything can be written.
    pub alive: String,
}

impl Keys {
    pub fn new(prefix: &str) -> Self {
        let key = |name: &str| format!("{prefix}:{{q}}:{name}");
        Keys {
            deliveries: key("deliveries"),
            first: key("first"),
            second: key("second"),
            due: key("due"),
            waiting: key("waiting"),
            seen: key("seen"),
            alive: key("alive"),
        }
    }

    pub fn stream(&self, stream: Stream) -> &str {
        match stream {
            Stream::Deliveries => &self.deliveries,
            Stream::First => &self.first,
            Stream::Second => &self.second,
        }
    }

    /// Which stream a reply's key names.
    pub fn stream_named(&self, key: &str) -> Option<Stream> {
        Stream::ALL.into_iter().find(|stream| self.stream(*stream) == key)
    }

    /// STRING: the entry that carries this delivery.
    pub fn seen(&self, delivery: &str) -> String {
        format!("{}:{delivery}", self.seen)
    }
}
