//! Check suites, check runs and commit statuses.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::git::Oid;

/// All of them, by repository.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) suites: BTreeMap<u64, Vec<Suite>>,
    pub(crate) runs: BTreeMap<u64, Vec<Run>>,
    pub(crate) statuses: BTreeMap<u64, Vec<Status>>,
}

/// A check suite: one App's checks of one commit.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) id: u64,
    pub(crate) app: u64,
    pub(crate) sha: Oid,
    pub(crate) branch: Option<String>,
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) at: DateTime<Utc>,
}

/// A check run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) suite: u64,
    pub(crate) sha: Oid,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
}

/// A commit status.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) sha: Oid,
    pub(crate) context: String,
    /// `pending`, `success`, `failure`, `error`.
    pub(crate) state: String,
    pub(crate) description: Option<String>,
    pub(crate) target_url: Option<String>,
    pub(crate) creator: u64,
    pub(crate) at: DateTime<Utc>,
}

impl Checks {
    pub(crate) fn runs_of(&self, repository: u64, sha: &Oid) -> Vec<&Run> {
        let runs = self.runs.get(&repository).into_iter().flatten();
        runs.filter(|run| run.sha == *sha).collect()
    }

    pub(crate) fn suites_of(&self, repository: u64, sha: &Oid) -> Vec<&Suite> {
        let suites = self.suites.get(&repository).into_iter().flatten();
        suites.filter(|suite| suite.sha == *sha).collect()
    }

    /// The last status of each context, newest first.
    pub(crate) fn statuses_of(&self, repository: u64, sha: &Oid) -> Vec<&Status> {
        let mut latest: Vec<&Status> = Vec::new();
        let all = self.statuses.get(&repository).into_iter().flatten();
        for status in all.filter(|status| status.sha == *sha) {
            latest.retain(|it| it.context != status.context);
            latest.insert(0, status);
        }
        latest
    }

    /// GraphQL's `StatusState` over runs and statuses; nothing when there are none.
    pub(crate) fn rollup(&self, repository: u64, sha: &Oid) -> Option<&'static str> {
        let runs = self.runs_of(repository, sha);
        let statuses = self.statuses_of(repository, sha);
        if runs.is_empty() && statuses.is_empty() {
            return None;
        }
        let of_runs = runs.iter().map(|run| run_state(run));
        let of_statuses = statuses.iter().map(|it| match it.state.as_str() {
            "success" => "SUCCESS",
            "pending" => "PENDING",
            "error" => "ERROR",
            _ => "FAILURE",
        });
        let all: Vec<&str> = of_runs.chain(of_statuses).collect();
        ["FAILURE", "ERROR", "PENDING", "SUCCESS"].into_iter().find(|state| all.contains(state))
    }
}

fn run_state(run: &Run) -> &'static str {
    match run.conclusion.as_deref() {
        None => "PENDING",
        Some("success" | "neutral" | "skipped") => "SUCCESS",
        Some(_) => "FAILURE",
    }
}
