//! A part of the tests' Redis that belongs to one test: its keys have a prefix of their own.

use ::redis::AsyncCommands;
use ::redis::aio::MultiplexedConnection;

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
    ::redis::Client::open(url)?.get_multiplexed_async_connection().await
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
