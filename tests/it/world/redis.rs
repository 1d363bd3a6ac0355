//! A part of the tests' Redis that belongs to one test: its keys have a prefix of their own.

use ::redis::AsyncCommands;
use ::redis::aio::MultiplexedConnection;
use ::redis::streams::StreamPendingCountReply;

pub struct Prefix(pub String);

impl Prefix {
    pub fn new() -> Prefix {
        Prefix(format!("t{}", uuid::Uuid::new_v4().simple()))
    }

    /// What a finished story does not leave: jobs that wait or were never acknowledged.
    pub async fn leftovers(&self, url: &str) -> Vec<String> {
        let queue = lockstep::queue::Queue::new(lockstep::queue::QueueSettings::new(url, &self.0)).unwrap();
        match queue.left().await {
            Ok((0, 0)) | Err(_) => Vec::new(),
            Ok((streams, due)) => vec![format!("{streams} jobs on the streams"), format!("{due} wake-ups")],
        }
    }

    /// Whatever stands under the prefix, keys and values, bytes read as text.
    pub async fn contents(&self, url: &str) -> String {
        let mut redis = connect(url).await.unwrap();
        let mut text = String::new();
        for key in keys(&mut redis, &format!("{}*", self.0)).await {
            let kind: String = redis.key_type(&key).await.unwrap();
            let read: &[&str] = match kind.as_str() {
                "string" => &["GET"],
                "hash" => &["HGETALL"],
                "list" => &["LRANGE", "0", "-1"],
                "set" => &["SMEMBERS"],
                "zset" => &["ZRANGE", "0", "-1"],
                "stream" => &["XRANGE", "-", "+"],
                other => panic!("{key} is a {other}"),
            };
            let mut command = ::redis::cmd(read[0]);
            command.arg(&key).arg(&read[1..]);
            let value: ::redis::Value = command.query_async(&mut redis).await.unwrap();
            text.push_str(&key);
            append(&value, &mut text);
            text.push('\n');
        }
        text
    }

    /// As if nobody had touched what is in hands for longer than a claim waits.
    pub async fn age_claims(&self, url: &str) {
        let mut redis = connect(url).await.unwrap();
        for stream in ["deliveries", "first", "second"] {
            let key = format!("{}:{{q}}:{stream}", self.0);
            let mut ask = ::redis::cmd("XPENDING");
            ask.arg(&key).arg("workers").arg("-").arg("+").arg(1000);
            // Without a group nothing is in hands.
            let Ok(pending) = ask.query_async::<StreamPendingCountReply>(&mut redis).await else { continue };
            for entry in pending.ids {
                let mut claim = ::redis::cmd("XCLAIM");
                claim.arg(&key).arg("workers").arg(entry.consumer).arg(0).arg(entry.id);
                claim.arg("IDLE").arg(3_600_000).arg("RETRYCOUNT").arg(entry.times_delivered).arg("JUSTID");
                claim.exec_async(&mut redis).await.unwrap();
            }
        }
    }

    /// As if all that was counted of GitHub's limits were an hour old.
    pub async fn forget_limits(&self, url: &str) {
        let mut redis = connect(url).await.unwrap();
        for counted in ["content", "waiters", "usage", "points"] {
            let found = keys(&mut redis, &format!("{}:github:*:{counted}", self.0)).await;
            if !found.is_empty() {
                let _: () = redis.del(found).await.unwrap();
            }
        }
    }

    /// As if this installation had made as many commits within the last moment as it may in a minute.
    pub async fn use_up_limits(&self, url: &str, installation: u64) {
        let mut redis = connect(url).await.unwrap();
        let now = chrono::Utc::now().timestamp_millis();
        let log = format!("{}:github:{installation}:content", self.0);
        for number in 0..80 {
            let _: () = redis.zadd(&log, format!("others|{number}"), now).await.unwrap();
        }
    }

    pub async fn remove(&self, url: &str) {
        let Ok(mut redis) = connect(url).await else { return };
        let keys: Vec<String> = keys(&mut redis, &format!("{}*", self.0)).await;
        if !keys.is_empty() {
            let _: () = redis.del(keys).await.unwrap();
        }
    }
}

fn append(value: &::redis::Value, text: &mut String) {
    text.push(' ');
    match value {
        ::redis::Value::BulkString(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
        ::redis::Value::Array(values) => values.iter().for_each(|value| append(value, text)),
        ::redis::Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            append(key, text);
            append(value, text);
        }),
        ::redis::Value::Set(values) => values.iter().for_each(|value| append(value, text)),
        other => text.push_str(&format!("{other:?}")),
    }
}

async fn connect(url: &str) -> ::redis::RedisResult<MultiplexedConnection> {
    // By itself it waits half a second, which a busy machine takes.
    let patience = Some(std::time::Duration::from_secs(60));
    let config = ::redis::AsyncConnectionConfig::new().set_connection_timeout(patience).set_response_timeout(patience);
    ::redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
}

async fn keys(redis: &mut MultiplexedConnection, pattern: &str) -> Vec<String> {
    let (mut cursor, mut found) = (0_u64, Vec::new());
    loop {
        let mut scan = ::redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(1000);
        let (next, keys): (u64, Vec<String>) = scan.query_async(redis).await.unwrap();
        found.extend(keys);
        if next == 0 {
            return found;
        }
        cursor = next;
    }
}
