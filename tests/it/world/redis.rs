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

    pub async fn remove(&self, url: &str) {
        let Ok(mut redis) = connect(url).await else { return };
        let keys: Vec<String> = keys(&mut redis, &format!("{}*", self.0)).await;
        if !keys.is_empty() {
            let _: () = redis.del(keys).await.unwrap();
        }
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
