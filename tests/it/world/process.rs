//! The real program as a process of its own: for what only a process can do, such as being killed.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Client;

/// A started `lockstep`; killed when dropped.
pub struct Program {
    child: Child,
    stderr: Arc<Mutex<String>>,
    internal: String,
    public: String,
}

/// `lockstep` with these arguments and variables and no others of ours.
pub fn command(arguments: &[&str], env: &HashMap<String, String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOCKSTEP_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(env).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(arguments: &[&str], env: &HashMap<String, String>) -> Output {
    command(arguments, env).output().unwrap()
}

impl Program {
    /// Starts `serve` on free ports.
    pub fn serve(arguments: &[&str], env: &HashMap<String, String>) -> Program {
        let (public, internal) = (free_address(), free_address());
        let mut env = env.clone();
        env.insert("LOCKSTEP_LISTEN".to_owned(), public.clone());
        env.insert("LOCKSTEP_INTERNAL_LISTEN".to_owned(), internal.clone());
        let arguments: Vec<&str> = std::iter::once("serve").chain(arguments.iter().copied()).collect();
        let mut child = command(&arguments, &env).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), stderr.clone());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Program { child, stderr, internal: format!("http://{internal}"), public: format!("http://{public}") }
    }

    pub fn internal(&self) -> Client {
        Client::new(&self.internal)
    }

    pub fn public(&self) -> Client {
        Client::new(&self.public)
    }

    /// Everything it has said so far.
    pub fn log(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until `path` of the internal listener answers with this status.
    pub async fn until(&self, path: &str, status: u16) {
        let begun = Instant::now();
        loop {
            let answer = self.internal().try_send(http::Method::GET, path, &[], Vec::new()).await;
            match answer {
                Ok(answer) if answer.status == status => return,
                other if begun.elapsed() > Duration::from_secs(20) => panic!("{path}: {other:?}\n{}", self.log()),
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Waits until something has become true.
    pub async fn wait_for(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !holds().await {
            assert!(begun.elapsed() < Duration::from_secs(20), "{what} does not come:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Where the setup page is, as it was told.
    pub async fn setup_url(&self) -> String {
        self.wait_for("the setup's address", async || self.log().lines().any(|line| line.starts_with("setup: "))).await;
        let log = self.log();
        log.lines().find_map(|line| line.strip_prefix("setup: ")).unwrap().to_owned()
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// As a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How it ended, within that time.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < within, "it still runs:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address nobody listens on, and nobody is given after it.
pub fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// Below what systems give out by themselves (from 32768, or from 49152): a port that the system gave and
/// that was let go may be another socket's by the time the program opens it.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id() % 100 * 100;
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let ports = std::iter::repeat_with(|| own + TAKEN.fetch_add(1, Ordering::Relaxed));
    ports.map(|number| u16::try_from(10_000 + number % 10_000).unwrap()).find(free).unwrap()
}
