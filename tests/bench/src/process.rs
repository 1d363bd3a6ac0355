//! Programs that are measured: started, asked for their CPU time and memory, ended with the bench.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::http::Client;

/// A program that runs for as long as this lives.
pub struct Process {
    child: Child,
}

impl Process {
    /// `log`: where its error output goes.
    pub fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        Ok(Process { child: child.with_context(|| format!("{name} cannot be started"))? })
    }

    /// The first line it prints.
    pub fn first_line(&mut self) -> anyhow::Result<String> {
        let out = self.child.stdout.take().context("its output is read already")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        Ok(line)
    }

    /// CPU time so far, all threads, in seconds.
    pub fn cpu(&self) -> anyhow::Result<f64> {
        let mut nanoseconds = 0.0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanoseconds += text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(0.0);
        }
        Ok(nanoseconds / 1e9)
    }

    /// Resident memory now, in MiB.
    pub fn memory(&self) -> anyhow::Result<f64> {
        self.status("VmRSS:")
    }

    /// The most resident memory so far, in MiB.
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        self.status("VmHWM:")
    }

    /// What was the most so far counts no longer.
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    fn status(&self, name: &str) -> anyhow::Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }

    /// Holds it still, or lets it go on.
    pub fn freeze(&self, still: bool) -> anyhow::Result<()> {
        let signal = if still { "-STOP" } else { "-CONT" };
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status()?;
        anyhow::ensure!(told.success(), "it takes no signal");
        Ok(())
    }

    /// Ends it with SIGTERM, as an operator does, and waits for it.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let told = Command::new("kill").arg(self.child.id().to_string()).status()?;
        anyhow::ensure!(told.success(), "it cannot be told to stop");
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// Waits until `path` answers 200.
pub async fn until_ready(address: &str, path: &str, within: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + within;
    loop {
        let answer = Client::new(address, None).send("GET", path, b"").await;
        if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let said = answer.map_or_else(|error| error.to_string(), |answer| answer.text());
            bail!("{address}{path} is not ready: {said}");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A port that is free now.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
