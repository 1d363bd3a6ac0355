//! A private PostgreSQL server, to be stopped and started; gone when dropped.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::process::free_port;

pub struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    connections: u32,
}

impl Postgres {
    /// With room for so many connections, three of them for the superuser alone.
    pub fn start(connections: u32) -> Postgres {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let server = Postgres { programs: programs(), folder, port, connections };
        server.give_away();
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "lockstep", "--auth=trust", "--encoding=UTF8", "--locale=C", "-N"]);
        server.run_up();
        server
    }

    /// Its only user is a superuser, `lockstep`.
    pub fn url(&self) -> String {
        format!("postgres://lockstep@127.0.0.1:{}/postgres", self.port)
    }

    /// As a power cut would: what runs is gone, what was committed stays.
    pub fn cut(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-m", "immediate", "stop"]);
    }

    pub fn run_up(&self) {
        let settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c shared_buffers=16MB \
             -c max_connections={} -c superuser_reserved_connections=3",
            self.port, self.connections
        );
        let (data, log) = (self.data(), format!("{}/log", self.folder.path().display()));
        self.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &settings, "start"]);
    }

    fn data(&self) -> String {
        format!("{}/data", self.folder.path().display())
    }

    /// PostgreSQL does not run as root.
    fn give_away(&self) {
        if is_root() {
            let given = Command::new("chown").arg("postgres").arg(self.folder.path()).status().unwrap();
            assert!(given.success());
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = self.command(program, arguments).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stop = ["-D", &self.data(), "-w", "-m", "immediate", "stop"];
        // It may be down already.
        let _ = self.command("pg_ctl", &stop).status();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

/// The newest ones that are installed: Debian's are on nobody's path.
fn programs() -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    for place in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        found.extend(std::fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path().join("bin")));
    }
    found.retain(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists());
    found.sort();
    found.pop().unwrap_or_else(|| panic!("PostgreSQL's programs are not installed"))
}
