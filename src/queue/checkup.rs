//! What `doctor` wants to know of Redis.

use redis::InfoDict;

use super::{Queue, QueueError};

/// As Redis tells it. What a managed server does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedisFacts {
    pub version: String,
    /// Bytes; 0 is without limit.
    pub max_memory: u64,
    /// `noeviction`, or what is thrown away when memory runs out.
    pub policy: Option<String>,
    /// Whether anything survives a restart: an append-only file or snapshots.
    pub keeps: Option<bool>,
    /// Takes writes: not a replica.
    pub primary: bool,
}

impl Queue {
    /// Asks Redis about itself, and writes one key that vanishes by itself.
    pub async fn facts(&self) -> Result<RedisFacts, QueueError> {
        let info: InfoDict = self.link().run(&redis::cmd("INFO")).await?;
        let mut write = redis::cmd("SET");
        write.arg(format!("{}:doctor", self.settings().prefix)).arg(1).arg("PX").arg(1000);
        let primary = info.get::<String>("role").is_none_or(|role| role == "master");
        if primary {
            self.link().run::<()>(&write).await?;
        }
        let log = info.get::<u8>("aof_enabled").map(|on| on == 1);
        let keeps = match log {
            Some(false) => self.snapshots().await,
            other => other,
        };
        Ok(RedisFacts {
            version: info.get("valkey_version").or_else(|| info.get("redis_version")).unwrap_or_default(),
            max_memory: info.get("maxmemory").unwrap_or(0),
            policy: info.get("maxmemory_policy"),
            keeps,
            primary,
        })
    }

    /// Whether snapshots are taken; managed servers may not say.
    async fn snapshots(&self) -> Option<bool> {
        let mut ask = redis::cmd("CONFIG");
        ask.arg("GET").arg("save");
        let answer: (String, String) = self.link().run(&ask).await.ok()?;
        Some(!answer.1.is_empty())
    }
}
