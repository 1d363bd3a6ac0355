//! The simulator as tests hold it: started, driven, stopped.

mod apps;
mod contents;
mod faults;
mod inspect;
mod installations;
mod people;
mod pulls;
mod repos;
mod settings;
mod tokens;

use std::fs;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;

pub use self::apps::AppInfo;
pub use self::contents::LogEntry;
pub use self::inspect::Created;
pub use self::installations::InstallationInfo;
pub use self::repos::Repo;
use crate::core::Core;
use crate::events::send;
use crate::http::server;
use crate::options::Options;
use crate::seed::seed;
use crate::world::World;

/// A running simulator; dropped, it stops and removes its temporary folder.
pub struct Sim {
    control: Control,
    runtime: Option<Runtime>,
    /// Removed with the simulator.
    folder: Option<TempDir>,
}

/// All verbs. Cheap to clone, usable from any thread; [`Sim`] derefs to it.
#[derive(Clone)]
pub struct Control {
    pub(crate) core: Arc<Core>,
}

impl Deref for Sim {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Sim {
    /// Starts on threads of its own; usable from any runtime, and from none.
    pub async fn start(options: Options) -> anyhow::Result<Sim> {
        Sim::start_blocking(options)
    }

    /// The same without a runtime around it.
    pub fn start_blocking(options: Options) -> anyhow::Result<Sim> {
        let runtime = Builder::new_multi_thread().worker_threads(3).thread_name("github-sim").enable_all().build()?;
        let (root, folder) = folder(options.data.as_deref())?;
        let address = options.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        anyhow::ensure!(address.ip().is_loopback(), "github-sim listens on loopback only");
        let listener = StdListener::bind(address).context("github-sim cannot listen")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut world = World::new(url, root, options.limits.clone());
        seed(&mut world, &options);
        let (sender, receiver) = unbounded_channel();
        let core = Arc::new(Core::new(world, sender));
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(server::run(core.clone(), listener));
        runtime.spawn(keep_flushing(core.clone()));
        let at_once = options.limits.webhook_concurrency;
        runtime.spawn(send::run(core.clone(), receiver, at_once));
        Ok(Sim { control: Control { core }, runtime: Some(runtime), folder })
    }

    /// Where the repositories are.
    pub fn folder(&self) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.path().to_owned(),
            None => self.core.world().root.clone(),
        }
    }

    /// A handle that may outlive this one's scope; it does nothing useful after the drop.
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

/// Writes repositories to disk, some time after they changed.
async fn keep_flushing(core: Arc<Core>) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let core = core.clone();
        let flushed = tokio::task::spawn_blocking(move || {
            let all = core.world().all_git();
            all.iter().for_each(|git| {
                git.flush_when_due().ok();
            });
        });
        flushed.await.ok();
    }
}

impl Drop for Sim {
    /// A folder that stays holds everything in the end.
    fn drop(&mut self) {
        if self.folder.is_none() {
            let all = self.core.world().all_git();
            all.iter().for_each(|git| {
                git.flush().ok();
            });
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A temporary folder, or `repositories` below the one given, emptied first: nothing but
/// repositories is kept, so what an earlier run left there means nothing any more.
fn folder(data: Option<&Path>) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    let Some(data) = data else {
        let folder = tempfile::Builder::new().prefix("github-sim-").tempdir()?;
        return Ok((folder.path().to_owned(), Some(folder)));
    };
    let root = data.join("repositories");
    if root.exists() {
        fs::remove_dir_all(&root).context("the data folder cannot be emptied")?;
    }
    fs::create_dir_all(&root).context("the data folder cannot be made")?;
    Ok((root, None))
}

impl Control {
    /// Base URL of everything: REST (also below `/api/v3`), `/graphql`, web pages, `/_sim`.
    pub fn url(&self) -> &str {
        &self.core.url
    }
}

/// Ends a test that asks for what cannot be.
#[track_caller]
pub(crate) fn must<T>(result: Result<T, impl std::fmt::Display>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("github-sim: {error}"),
    }
}
