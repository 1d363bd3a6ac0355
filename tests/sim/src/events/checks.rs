//! `check_suite`, `check_run` and `status`.

use serde_json::json;

use super::emit::Event;
use crate::call::Target;
use crate::core::Core;
use crate::git::Oid;
use crate::world::World;
use crate::world::checks::{Run, Status, Suite};

/// A check as somebody's App reports it.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) sha: Oid,
    pub(crate) name: String,
    /// `queued`, `in_progress`, `completed`.
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
}

impl Core {
    /// Keeps a commit status and says so.
    pub(crate) fn add_status(&self, world: &mut World, repository: u64, status: Status) {
        let (id, by) = (status.id, status.creator);
        world.checks.statuses.entry(repository).or_default().push(status);
        self.announce_status(world, repository, id, by);
    }

    /// Makes or updates the check run of this name, and its suite, and says so.
    pub(crate) fn report_check(&self, world: &mut World, repository: u64, report: &Report) {
        let by = world.apps.values().next().map_or(0, |app| app.bot);
        let suite = self.suite_for(world, repository, report.sha);
        let run = put_run(world, repository, suite, report);
        self.announce_run(world, repository, run, by);
        let runs = world.checks.runs.get(&repository).into_iter().flatten();
        let own: Vec<Run> = runs.filter(|it| it.suite == suite).cloned().collect();
        let done = own.iter().all(|it| it.conclusion.is_some());
        let bad = own
            .iter()
            .filter_map(|it| it.conclusion.clone())
            .find(|it| !matches!(it.as_str(), "success" | "neutral" | "skipped"));
        let suites = world.checks.suites.entry(repository).or_default();
        if let Some(found) = suites.iter_mut().find(|it| it.id == suite) {
            let status = if done { "completed" } else { "in_progress" };
            found.status = status.to_owned();
            found.conclusion = done.then(|| bad.unwrap_or_else(|| "success".to_owned()));
        }
        if done {
            self.announce_suite(world, repository, suite, by);
        }
    }

    fn suite_for(&self, world: &mut World, repository: u64, sha: Oid) -> u64 {
        if let Some(found) = world.checks.suites_of(repository, &sha).first() {
            return found.id;
        }
        let target = Target::of(world, repository);
        let refs = target.map(|it| it.git.refs.list("refs/heads/")).unwrap_or_default();
        let branch = refs.into_iter().find(|(_, oid)| *oid == sha);
        let suite = Suite {
            id: world.ids.check(),
            app: world.apps.keys().next().copied().unwrap_or_default(),
            sha,
            branch: branch.map(|(name, _)| name.trim_start_matches("refs/heads/").to_owned()),
            status: "queued".to_owned(),
            conclusion: None,
            at: world.now(),
        };
        let id = suite.id;
        world.checks.suites.entry(repository).or_default().push(suite);
        let by = world.apps.values().next().map_or(0, |app| app.bot);
        self.announce_suite(world, repository, id, by);
        id
    }

    pub(crate) fn announce_suite(&self, world: &mut World, repository: u64, id: u64, by: u64) {
        let Some(target) = Target::of(world, repository) else {
            return;
        };
        let mut suites = world.checks.suites.get(&repository).into_iter().flatten();
        let Some(suite) = suites.find(|it| it.id == id) else {
            return;
        };
        let action = match suite.status.as_str() {
            "completed" => "completed",
            _ => "requested",
        };
        let payload = json!({ "check_suite": world.suite_json(&target, suite) });
        let event = Event { name: "check_suite", action: Some(action), sender: by, payload };
        self.emit(world, repository, event);
    }

    pub(crate) fn announce_run(&self, world: &mut World, repository: u64, id: u64, by: u64) {
        let Some(target) = Target::of(world, repository) else {
            return;
        };
        let mut runs = world.checks.runs.get(&repository).into_iter().flatten();
        let Some(run) = runs.find(|it| it.id == id) else {
            return;
        };
        let action = match run.status.as_str() {
            "completed" => "completed",
            _ => "created",
        };
        let payload = json!({ "check_run": world.run_json(&target, run) });
        let event = Event { name: "check_run", action: Some(action), sender: by, payload };
        self.emit(world, repository, event);
    }

    pub(crate) fn announce_status(&self, world: &mut World, repository: u64, id: u64, by: u64) {
        let Some(target) = Target::of(world, repository) else {
            return;
        };
        let mut statuses = world.checks.statuses.get(&repository).into_iter().flatten();
        let Some(status) = statuses.find(|it| it.id == id) else {
            return;
        };
        let mut payload = world.status_json(&target, status, true);
        let commit = target.git.store.commit(&status.sha);
        let branches = target.git.refs.list("refs/heads/");
        let branches = branches.iter().filter(|(_, oid)| *oid == status.sha);
        let branches: Vec<_> = branches
            .map(|(name, oid)| {
                json!({
                    "name": name.trim_start_matches("refs/heads/"),
                    "commit": { "sha": oid.hex(), "url": format!("{}/commits/{oid}", target.url) },
                    "protected": false,
                })
            })
            .collect();
        crate::render::account::extend(
            &mut payload,
            json!({
                "sha": status.sha.hex(),
                "name": target.full_name,
                "commit": commit.map(|it| target.commit_json(world, status.sha, &it)),
                "branches": branches,
            }),
        );
        let event = Event { name: "status", action: None, sender: by, payload };
        self.emit(world, repository, event);
    }
}

fn put_run(world: &mut World, repository: u64, suite: u64, report: &Report) -> u64 {
    let now = world.now();
    let id = world.ids.check();
    let runs = world.checks.runs.entry(repository).or_default();
    let at = match runs.iter().position(|it| it.sha == report.sha && it.name == report.name) {
        Some(at) => at,
        None => {
            runs.push(Run {
                id,
                suite,
                sha: report.sha,
                name: report.name.clone(),
                status: String::new(),
                conclusion: None,
                started_at: now,
                completed_at: None,
            });
            runs.len() - 1
        }
    };
    let run = &mut runs[at];
    run.status = report.status.clone();
    run.conclusion = report.conclusion.clone();
    run.completed_at = report.conclusion.as_ref().map(|_| now);
    run.id
}
