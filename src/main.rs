//! The commands, nothing else.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what commands speak with")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lockstep::app::{App, Role};
use lockstep::commands;
use lockstep::config::{
    All, Config, ConfigError, Database, Flags, Listening, LogConfig, LogFormat, Secrets, load_internal_listen,
    load_log, process_env,
};
use lockstep::telemetry::log;
use lockstep::telemetry::otlp::Spans;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(name = "lockstep", version, about = "Keeps the projects of a web product in step with GitHub")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the listeners and does the work
    Serve {
        /// Which part of the work this process takes
        #[arg(long, value_enum, default_value = "all")]
        role: Role,
        #[command(flatten)]
        flags: Flags<All>,
    },
    /// Brings the database's schema up to date
    Migrate {
        #[command(flatten)]
        flags: Flags<Database>,
    },
    /// Looks at everything Lockstep stands on, and says how to mend what is wrong
    Doctor {
        #[command(flatten)]
        flags: Flags<All>,
    },
    /// Asks the process that serves on this machine whether it is alive; exit 1 when it is not
    Health {
        #[command(flatten)]
        flags: Flags<Listening>,
    },
    /// Makes, lists and revokes host API keys
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Moves stored secrets to the newest encryption key, while everything goes on
    Reencrypt {
        #[command(flatten)]
        flags: Flags<Secrets>,
    },
    /// Prints the OpenAPI document
    Openapi,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Prints a new key, the only time it is shown
    Create {
        /// Whose key it is, in the operator's words
        #[arg(long)]
        name: String,
        /// `changes` may call changes, tree and files only
        #[arg(long, default_value = "admin", value_parser = ["admin", "changes"])]
        scope: String,
        #[command(flatten)]
        flags: Flags<Database>,
    },
    /// Lists all keys, without the keys themselves
    List {
        #[command(flatten)]
        flags: Flags<Database>,
    },
    /// Ends a key, everywhere within 5 seconds
    Revoke {
        id: String,
        #[command(flatten)]
        flags: Flags<Database>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lockstep: {}", one_line(&error));
            ExitCode::from(if error.is::<ConfigError>() { 2 } else { 1 })
        }
    }
}

fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").replace('\n', " ")
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let env = &process_env();
    match command {
        Command::Serve { role, flags } => {
            let (config, log) = (Config::load(&flags, env)?, load_log(&flags, env)?);
            let spans = log::start(&log, config.traces.is_some());
            for name in lockstep::config::unknown(env) {
                tracing::warn!(variable = name, "no variable has this name; `lockstep serve --help` lists all");
            }
            run_to_end(serve(config, role, spans))
        }
        Command::Migrate { flags } => {
            let (url, log) = (lockstep::config::load_database(&flags, env)?, load_log(&flags, env)?);
            start(&log, async move { say(commands::migrate(&url).await?) })
        }
        Command::Doctor { flags } => {
            // Findings are what it prints; a log would repeat them.
            let quiet = LogConfig { filter: "off".to_owned(), format: LogFormat::Text };
            start(&quiet, doctor(Config::load(&flags, env)))
        }
        Command::Health { flags } => {
            commands::health::health(load_internal_listen(&flags, env)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Keys { command } => keys(command),
        Command::Reencrypt { flags } => {
            let (url, log) = (lockstep::config::load_database(&flags, env)?, load_log(&flags, env)?);
            let keys = lockstep::config::load_encryption_keys(&flags, env)?;
            start(&log, async move { say(commands::reencrypt(&url, &keys).await?) })
        }
        Command::Openapi => say(lockstep::http::openapi::text()),
    }
}

fn keys(command: KeysCommand) -> anyhow::Result<ExitCode> {
    let env = &process_env();
    let flags = match &command {
        KeysCommand::Create { flags, .. } | KeysCommand::List { flags } | KeysCommand::Revoke { flags, .. } => flags,
    };
    let (url, log) = (lockstep::config::load_database(flags, env)?, load_log(flags, env)?);
    start(&log, async move {
        match command {
            KeysCommand::Create { name, scope, .. } => say(commands::keys::create(&url, &name, &scope).await?),
            KeysCommand::List { .. } => say(commands::keys::list(&url).await?),
            KeysCommand::Revoke { id, .. } => say(commands::keys::revoke(&url, &id).await?),
        }
    })
}

/// Prints what a command has to say; nothing, when there is nothing.
fn say(text: String) -> anyhow::Result<ExitCode> {
    if !text.is_empty() {
        println!("{}", text.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn start(config: &LogConfig, work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    log::start(config, false);
    run_to_end(work)
}

/// Bytes of stack of a thread that works: only what is touched takes memory.
const STACK: usize = 8 << 20;

fn run_to_end(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build()?.block_on(work)
}

async fn doctor(config: Result<Config, ConfigError>) -> anyhow::Result<ExitCode> {
    let (lines, well) = commands::doctor::doctor(config).await?;
    say(lines)?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn serve(config: Config, role: Role, spans: Option<Spans>) -> anyhow::Result<ExitCode> {
    let traces = config.traces.clone();
    let app = App::build(config, role).await?.with_traces(traces, spans);
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    app.run_until(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}
