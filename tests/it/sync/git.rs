//! A git of one's own: no configuration of the machine reaches it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with an empty repository in it, gone when dropped.
pub struct Git {
    folder: TempDir,
}

impl Git {
    pub fn init() -> Self {
        let git = Git { folder: tempfile::tempdir().unwrap() };
        git.ok(&["init", "--quiet", "--initial-branch=main"], b"");
        git
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git with `input` on its standard input.
    pub fn run(&self, args: &[&str], input: &[u8]) -> Output {
        let mut git = Command::new("git")
            .current_dir(self.path())
            .args(["-c", "core.autocrlf=false", "-c", "core.excludesFile=/dev/null", "-c", "core.ignoreCase=false"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = git.stdin.take().unwrap();
        let input = input.to_vec();
        // git may answer before it has read everything, or not read at all.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = git.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// What git wrote; it has to succeed.
    pub fn ok(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.run(args, input);
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}
