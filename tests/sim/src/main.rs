//! `github-sim`: the simulator as a program, for the demo and for tests in browsers. Prints one
//! JSON line once it listens, then runs until SIGTERM or SIGINT.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use github_sim::{Options, Sim};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// A simulated GitHub on a loopback port.
#[derive(Parser)]
#[command(name = "github-sim", version)]
struct Arguments {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where repositories are kept (emptied at the start); a temporary folder otherwise.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The App's webhook URL.
    #[arg(long)]
    webhook_url: Option<String>,
    /// The App's webhook secret.
    #[arg(long)]
    webhook_secret: Option<String>,
    /// A callback URL of the App; may be given several times.
    #[arg(long)]
    callback_url: Vec<String>,
    /// The App's setup URL.
    #[arg(long)]
    setup_url: Option<String>,
    /// Start without an App: the manifest flow makes one.
    #[arg(long)]
    without_app: bool,
    /// Refuse what GitHub's secondary limits refuse.
    #[arg(long)]
    enforce_secondary_limits: bool,
    /// Who sits before the browser without signing in.
    #[arg(long, value_name = "LOGIN")]
    default_user: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut options = Options {
        listen: Some(arguments.listen),
        data: arguments.data,
        webhook_url: arguments.webhook_url,
        webhook_secret: arguments.webhook_secret,
        callback_urls: arguments.callback_url,
        setup_url: arguments.setup_url,
        without_app: arguments.without_app,
        ..Options::default()
    };
    options.limits.enforce_secondary = arguments.enforce_secondary_limits;
    let sim = Sim::start(options).await?;
    if let Some(login) = &arguments.default_user {
        sim.default_user(login);
    }
    announce(&sim)?;
    until_told().await
}

/// One line: where it listens, and what a client needs to be the App. The private key is a file
/// in the data folder.
fn announce(sim: &Sim) -> anyhow::Result<()> {
    let mut line = json!({ "url": sim.url(), "data": sim.folder() });
    if let Some(app) = sim.apps().into_iter().next() {
        let key = sim.folder().join("app.private-key.pem");
        std::fs::write(&key, &app.private_key).context("the private key cannot be written")?;
        line["app_id"] = json!(app.id);
        line["app_slug"] = json!(app.slug);
        line["client_id"] = json!(app.client_id);
        line["client_secret"] = json!(app.client_secret);
        line["webhook_secret"] = json!(app.webhook_secret);
        line["private_key_path"] = json!(key);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

async fn until_told() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        told = tokio::signal::ctrl_c() => Ok(told?),
    }
}
