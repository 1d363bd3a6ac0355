//! Nothing lost: real worker processes are killed at named moments and at random ones, two believe to
//! hold the same project, Redis is emptied, and everything ends with one commit for each change.
#![expect(clippy::expect_used, reason = "a test that cannot go on says so and stops")]

mod answers;
mod batch;
mod boundaries;
mod holders;
mod kill_points;
mod kill_points_beside;
mod patience;
mod services;
mod stopping;
mod storm;

use std::collections::HashMap;

use crate::story::Story;
use crate::world::process::Program;
use crate::world::tap::{Stop, Stopping, Tap};

/// Whom a worker talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    PostgreSql,
    Redis,
    GitHub,
    /// Who is told of events.
    Host,
}

/// Worker processes, and a tap before each peer of theirs.
pub struct Workers {
    postgres: Tap,
    redis: Tap,
    github: Tap,
    /// None: nobody is told.
    host: Option<Tap>,
    env: HashMap<String, String>,
}

impl Workers {
    /// Their sweeps and walks are as rare as can be: what happens, the queue's entry caused.
    pub async fn of(story: &Story) -> Workers {
        let url = |name: &str| story.env[&format!("LOCKSTEP_{name}")].clone();
        let postgres = Tap::before(&url("DATABASE_URL"), 5432).await;
        let redis = Tap::before(&url("REDIS_URL"), 6379).await;
        let github = Tap::before(&url("GITHUB_API_URL"), 80).await;
        let mut env = story.env.clone();
        for (name, tap) in [("DATABASE_URL", &postgres), ("REDIS_URL", &redis), ("GITHUB_API_URL", &github)] {
            env.insert(format!("LOCKSTEP_{name}"), tap.url(&url(name)));
        }
        let host = match env.get("LOCKSTEP_NOTIFY_URL") {
            Some(url) => Some(Tap::before(url, 80).await),
            None => None,
        };
        if let Some(tap) = &host {
            env.insert("LOCKSTEP_NOTIFY_URL".to_owned(), tap.url(&url("NOTIFY_URL")));
        }
        for (name, value) in [("SWEEP_SECONDS", "3600"), ("REDELIVERY_SECONDS", "0"), ("DRIFT_SECONDS", "0")] {
            env.insert(format!("LOCKSTEP_{name}"), value.to_owned());
        }
        Workers { postgres, redis, github, host, env }
    }

    /// With another variable.
    pub fn set(mut self, name: &str, value: &str) -> Workers {
        self.env.insert(format!("LOCKSTEP_{name}"), value.to_owned());
        self
    }

    pub fn start(&self) -> Program {
        Program::serve(&["--role", "worker"], &self.env)
    }

    pub fn stop_at(&self, peer: Peer, stop: Stop) -> Stopping {
        self.tap(peer).stop(stop)
    }

    pub fn tap(&self, peer: Peer) -> &Tap {
        match peer {
            Peer::PostgreSql => &self.postgres,
            Peer::Redis => &self.redis,
            Peer::GitHub => &self.github,
            Peer::Host => self.host.as_ref().expect("a story with a host that is told"),
        }
    }

    /// SIGKILL, and everything it had open ends, as it does with a process.
    pub fn kill(&self, worker: &mut Program) {
        worker.kill();
        for tap in [&self.postgres, &self.redis, &self.github].into_iter().chain(&self.host) {
            tap.cut();
        }
    }
}
