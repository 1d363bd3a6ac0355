//! A private Redis server on a free port, gone when dropped.

use std::process::{Child, Command, Stdio};

use ::redis::{Client, Connection, FromRedisValue};

use crate::world::process::free_port;

pub struct Redis {
    port: u16,
    folder: tempfile::TempDir,
    server: Child,
}

impl Redis {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let server = serve(port, folder.path());
        let redis = Redis { port, folder, server };
        redis.wait();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills the server as a power cut would; what its append-only file has comes back with `restart`.
    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.server = serve(self.port, self.folder.path());
        self.wait();
    }

    /// Sends a command such as `CONFIG SET maxmemory 1`.
    pub fn ask<T: FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut asked = ::redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            asked.arg(word);
        });
        asked.query(&mut self.connection().expect("the test's Redis answers")).unwrap()
    }

    fn connection(&self) -> ::redis::RedisResult<Connection> {
        Client::open(self.url())?.get_connection()
    }

    /// Until it answers, and has loaded what it had.
    fn wait(&self) {
        let answers = || ::redis::cmd("PING").exec(&mut self.connection()?);
        let begun = std::time::Instant::now();
        while let Err(error) = answers() {
            assert!(begun.elapsed() < std::time::Duration::from_secs(30), "Redis does not start: {error}");
            std::thread::yield_now();
        }
    }
}

fn serve(port: u16, folder: &std::path::Path) -> Child {
    let program = ["redis-server", "valkey-server"].into_iter().find(|program| is_there(program));
    Command::new(program.expect("redis-server or valkey-server is installed"))
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
        .args(["--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--dir"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
