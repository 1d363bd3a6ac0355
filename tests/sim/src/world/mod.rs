//! The state of the simulated GitHub: who exists, what they own, what they allowed. Plain data
//! behind one lock, no HTTP and no JSON shapes. The lock is never held while waiting.

pub(crate) mod account;
pub(crate) mod app;
pub(crate) mod checks;
pub(crate) mod ids;
pub(crate) mod installation;
pub(crate) mod names;
pub(crate) mod oauth;
pub(crate) mod permissions;
pub(crate) mod pull;
pub(crate) mod repository;
pub(crate) mod role;
pub(crate) mod rules;
pub(crate) mod token;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use chrono::{DateTime, Duration, Utc};

use self::account::Account;
use self::app::App;
use self::ids::Ids;
use self::installation::Installation;
use self::repository::Repository;
use crate::events::delivery::Delivery;
use crate::options::Limits;

/// Everything there is.
#[derive(Debug)]
pub(crate) struct World {
    /// Base of every URL this server writes, without a slash at its end.
    pub(crate) url: String,
    /// Where the bare repositories are.
    pub(crate) root: PathBuf,
    pub(crate) clock: Duration,
    pub(crate) limits: Limits,
    pub(crate) ids: Ids,
    pub(crate) accounts: BTreeMap<u64, Account>,
    pub(crate) logins: HashMap<String, u64>,
    pub(crate) apps: BTreeMap<u64, App>,
    pub(crate) installations: BTreeMap<u64, Installation>,
    pub(crate) repositories: BTreeMap<u64, Repository>,
    /// Present full names, in lower case.
    pub(crate) names: HashMap<String, u64>,
    /// Former full names, in lower case, until somebody takes them.
    pub(crate) moved: HashMap<String, u64>,
    pub(crate) pulls: BTreeMap<u64, BTreeMap<u64, pull::Pull>>,
    pub(crate) checks: checks::Checks,
    pub(crate) tokens: HashMap<String, token::Token>,
    pub(crate) oauth: oauth::Pending,
    pub(crate) deliveries: Vec<Delivery>,
    /// Answers a fresh installation token 401 this often.
    pub(crate) fresh_token_refusals: u32,
    /// Ref updates that are answered but not carried out.
    pub(crate) lies: u32,
    /// How often a tree just made is not found yet.
    pub(crate) replication_lag: u32,
    pub(crate) long_tokens: bool,
    /// Every token there ever was.
    pub(crate) minted: Vec<String>,
    /// The API is below `/api` and nowhere else.
    pub(crate) enterprise: bool,
    /// Apps made from a manifest get no webhook secret.
    pub(crate) secretless: bool,
}

impl World {
    pub(crate) fn new(url: String, root: PathBuf, limits: Limits) -> World {
        World {
            url,
            root,
            clock: Duration::zero(),
            limits,
            ids: Ids::default(),
            accounts: BTreeMap::new(),
            logins: HashMap::new(),
            apps: BTreeMap::new(),
            installations: BTreeMap::new(),
            repositories: BTreeMap::new(),
            names: HashMap::new(),
            moved: HashMap::new(),
            pulls: BTreeMap::new(),
            checks: checks::Checks::default(),
            tokens: HashMap::new(),
            oauth: oauth::Pending::default(),
            deliveries: Vec::new(),
            fresh_token_refusals: 0,
            lies: 0,
            replication_lag: 0,
            long_tokens: false,
            minted: Vec::new(),
            enterprise: false,
            secretless: false,
        }
    }

    /// This GitHub's idea of the time; tests may move it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.clock
    }
}

/// As the API writes times.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
