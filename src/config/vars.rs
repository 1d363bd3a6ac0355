//! The table of variables, and how one is found: flag, then environment, then its `_FILE`.

use std::collections::HashMap;
use std::marker::PhantomData;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::ConfigError;

/// Variables of the process, injected so that tests have their own.
pub type Env = HashMap<String, String>;

/// One variable. Its flag is the name in lower case with dashes.
pub struct Var {
    /// Without the leading `LOCKSTEP_`.
    pub name: &'static str,
    pub default: &'static str,
    /// May also come from a file, and is never shown.
    pub secret: bool,
    pub help: &'static str,
}

const fn plain(name: &'static str, default: &'static str, help: &'static str) -> Var {
    Var { name, default, secret: false, help }
}

const fn secret(name: &'static str, default: &'static str, help: &'static str) -> Var {
    Var { name, default, secret: true, help }
}

/// Every variable there is. An empty default: not set.
pub const VARS: &[Var] = &[
    secret("DATABASE_URL", "", "PostgreSQL, postgres://…; sslmode is honoured. Required"),
    plain("DATABASE_CONNECTIONS", "24", "Connections to PostgreSQL at once in this process, at least 4"),
    secret("REDIS_URL", "", "Redis or Valkey, redis://… or rediss://…. Required"),
    plain("REDIS_PREFIX", "lockstep", "First part of every key in Redis"),
    plain("LISTEN", "127.0.0.1:8080", "Public listener: webhooks, GitHub redirects, panel"),
    plain("INTERNAL_LISTEN", "127.0.0.1:8081", "Internal listener: host API, console, metrics, health"),
    plain("PUBLIC_URL", "", "How browsers and GitHub reach the public listener [default: http:// + listen]"),
    plain(
        "GITHUB_API_URL",
        "https://api.github.com",
        "GitHub's REST API; an Enterprise Server's is https://HOST/api/v3",
    ),
    plain("GITHUB_WEB_URL", "https://github.com", "GitHub's pages: authorize, install, manifest"),
    plain("GITHUB_APP_ID", "", "The GitHub App's id. All six of the App or none; none: made at /setup"),
    plain("GITHUB_APP_SLUG", "", "The GitHub App's name in URLs"),
    secret("GITHUB_APP_PRIVATE_KEY", "", "The GitHub App's private key, PEM"),
    plain("GITHUB_CLIENT_ID", "", "The GitHub App's client id"),
    secret("GITHUB_CLIENT_SECRET", "", "The GitHub App's client secret"),
    secret("GITHUB_WEBHOOK_SECRET", "", "The GitHub App's webhook secret"),
    secret("API_KEYS", "", "Host API keys of scope admin, comma separated, at least 32 characters each"),
    secret("ENCRYPTION_KEYS", "", "base64 of 32 bytes each, newest first, comma separated. Required"),
    plain("PANEL_ORIGINS", "", "Origins that may frame the panel and use its elements, comma separated"),
    plain("NOTIFY_URL", "", "Where notifications go, signed as Standard Webhooks"),
    secret("NOTIFY_SECRET", "", "What notifications are signed with: whsec_ + base64"),
    plain("WORKERS", "", "Syncs in flight at once in this process [default: cores × 16]"),
    plain("RETRY_SECONDS", "2", "First retry delay, fractions allowed; doubles, capped at 450 times itself, ±25 %"),
    plain("SWEEP_SECONDS", "30", "How often pending work that nobody holds is looked for, at least 1"),
    plain("REDELIVERY_SECONDS", "300", "How often missed webhook deliveries are looked for at GitHub; 0 is off"),
    plain("DRIFT_SECONDS", "900", "How often the heads of connected branches are compared with GitHub's; 0 is off"),
    plain(
        "RETAIN_HISTORY_DAYS",
        "0",
        "How long finished syncs, and what restoring them needs, are kept; 0 is for ever",
    ),
    plain("RETAIN_AUDIT_DAYS", "0", "How long the audit trail is kept; 0 is for ever"),
    plain("RETAIN_EVENTS_DAYS", "3", "How long a live stream can take up where it was, at least 1"),
    plain("RETAIN_DELIVERIES_DAYS", "14", "How long outcomes of webhook deliveries are known, at least 4"),
    plain("OTLP_URL", "", "An OpenTelemetry collector that takes traces by HTTP, such as http://127.0.0.1:4318"),
    secret("OTLP_HEADERS", "", "Headers for the collector: NAME=VALUE, comma separated"),
    plain("LOG", "info", "Log filter, as tracing has it: info, lockstep=debug, …"),
    plain("LOG_FORMAT", "json", "json or text"),
];

/// Which variables a command takes.
pub trait Which {
    fn takes(name: &str) -> bool;
}

/// `serve`, `doctor`.
pub struct All;
/// `migrate`, `keys`.
pub struct Database;
/// `reencrypt`.
pub struct Secrets;
/// `health`.
pub struct Listening;

const LOGGING: [&str; 2] = ["LOG", "LOG_FORMAT"];

impl Which for All {
    fn takes(_: &str) -> bool {
        true
    }
}

impl Which for Database {
    fn takes(name: &str) -> bool {
        name == "DATABASE_URL" || LOGGING.contains(&name)
    }
}

impl Which for Listening {
    fn takes(name: &str) -> bool {
        name == "INTERNAL_LISTEN"
    }
}

impl Which for Secrets {
    fn takes(name: &str) -> bool {
        matches!(name, "DATABASE_URL" | "ENCRYPTION_KEYS") || LOGGING.contains(&name)
    }
}

/// The flags of a command, as they were given: name of the variable (`X` or `X_FILE`) to its text.
pub struct Flags<W> {
    given: HashMap<String, String>,
    which: PhantomData<W>,
}

impl<W> Flags<W> {
    /// No flags at all: everything comes from the environment.
    pub fn none() -> Self {
        Flags { given: HashMap::new(), which: PhantomData }
    }
}

fn id_of(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn arg(var: &Var) -> Arg {
    let shown = if var.default.is_empty() { String::new() } else { format!(" [default: {}]", var.default) };
    let help = format!("{}{shown} [env: LOCKSTEP_{}]", var.help, var.name);
    Arg::new(id_of(var.name)).long(id_of(var.name)).value_name("VALUE").help(help)
}

fn file_arg(var: &Var) -> Arg {
    let id = format!("{}-file", id_of(var.name));
    let help = format!("A file that holds it [env: LOCKSTEP_{}_FILE]", var.name);
    Arg::new(id.clone()).long(id).value_name("PATH").help(help)
}

impl<W: Which> Args for Flags<W> {
    fn augment_args(mut command: Command) -> Command {
        for var in VARS.iter().filter(|var| W::takes(var.name)) {
            command = command.arg(arg(var));
            if var.secret {
                command = command.arg(file_arg(var));
            }
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<W: Which> FromArgMatches for Flags<W> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = HashMap::new();
        for var in VARS.iter().filter(|var| W::takes(var.name)) {
            for name in [var.name.to_owned(), format!("{}_FILE", var.name)] {
                if let Some(text) = matches.try_get_one::<String>(&id_of(&name)).ok().flatten() {
                    given.insert(name, text.clone());
                }
            }
        }
        Ok(Flags { given, which: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Names in the environment that look like variables and are none: typing errors, most likely.
pub fn unknown(env: &Env) -> Vec<&str> {
    let known = |name: &str| {
        let name = name.strip_prefix("LOCKSTEP_").unwrap_or(name);
        VARS.iter().any(|var| var.name == name || (var.secret && name.strip_suffix("_FILE") == Some(var.name)))
    };
    let mut names: Vec<&str> = env.keys().map(String::as_str).collect();
    // `LOCKSTEP_TEST_…` belongs to the tests, whose programs inherit it.
    names.retain(|name| name.starts_with("LOCKSTEP_") && !name.starts_with("LOCKSTEP_TEST_") && !known(name));
    names.sort_unstable();
    names
}

/// Where values are looked up.
pub struct Source<'a> {
    flags: &'a HashMap<String, String>,
    env: &'a Env,
}

impl<'a> Source<'a> {
    pub fn new<W>(flags: &'a Flags<W>, env: &'a Env) -> Self {
        Source { flags: &flags.given, env }
    }

    /// A flag before the environment; empty is not set.
    fn given(&self, name: &str) -> Option<&str> {
        let flag = self.flags.get(name).map(String::as_str).filter(|text| !text.is_empty());
        flag.or_else(|| self.env.get(&format!("LOCKSTEP_{name}")).map(String::as_str).filter(|text| !text.is_empty()))
    }

    /// The variable's text: given, or read from its file, or its default, or nothing.
    pub fn get(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(var) = VARS.iter().find(|var| var.name == name) else {
            return Err(ConfigError::new(name, "is not a variable"));
        };
        let direct = self.given(name);
        let file = if var.secret { self.file_of(var)? } else { None };
        match (direct, file) {
            (Some(_), Some(_)) => Err(ConfigError::new(name, format!("is set twice: it and LOCKSTEP_{name}_FILE"))),
            (Some(text), None) => Ok(Some(text.to_owned())),
            (None, Some(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            (None, None) => Ok(Some(var.default.to_owned()).filter(|text| !text.is_empty())),
        }
    }

    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.get(name)?.ok_or_else(|| ConfigError::new(name, "is required; `lockstep serve --help` tells what it is"))
    }

    fn file_of(&self, var: &Var) -> Result<Option<String>, ConfigError> {
        let Some(path) = self.given(&format!("{}_FILE", var.name)) else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
            variable: format!("LOCKSTEP_{}_FILE", var.name),
            message: format!("names {path}, which cannot be read: {error}"),
        })?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Some(text.strip_suffix('\r').unwrap_or(text).to_owned()))
    }
}
