//! Measures 7 to 9: many projects with one change each, and the workers let go at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::http::Client;
use crate::place::{Lockstep, Place, Repository, World};
use crate::projects;
use crate::report::{Goal, Line, Unit};
use crate::stats::Turns;

/// GitHub's time for an answer in measures 8 and 9.
const ANSWER: u64 = 100;

/// Measure 7.
pub async fn commits(place: &Place) -> anyhow::Result<Vec<Line>> {
    const BATCHES: usize = 4;
    let mut fleet = Fleet::new(place, "commits", place.size(64, 8), 1).await?;
    let mut bare = Bare::new(&mut fleet, "bare").await?;
    let mut careful = Bare::new(&mut fleet, "careful").await?;
    careful.keep_ledger(&fleet.world).await?;
    let (mut turns, mut beside_careful) = (Turns::default(), Turns::default());
    for _ in 0..=place.rounds {
        let mut took = Duration::ZERO;
        for _ in 0..BATCHES {
            fleet.change_all().await?;
            took += fleet.work_off().await?;
        }
        let count = (fleet.repositories.len() * BATCHES) as f64;
        let ours = count / took.as_secs_f64();
        turns.add(ours, count / bare.post(BATCHES).await?.as_secs_f64());
        beside_careful.add(ours, count / careful.post(BATCHES).await?.as_secs_f64());
    }
    // The first round fetches tokens and warms all up.
    let warm = |turns: Turns| Turns { ours: turns.ours[1..].to_vec(), theirs: turns.theirs[1..].to_vec() };
    let what = "commits a second, 64 projects, beside a bare loop";
    let floor = "the same, beside a loop that writes each down, before and after";
    Ok(vec![
        Line::turns(7, what, &warm(turns), Unit::PerSecond, Goal::AtLeast(0.5)),
        Line::turns(7, floor, &warm(beside_careful), Unit::PerSecond, Goal::AtLeast(0.5)),
    ])
}

/// Measures 8 and 9.
pub async fn many(place: &Place) -> anyhow::Result<Vec<Line>> {
    let size = place.size(2_000, 20);
    let mut fleet = Fleet::new(place, "fleet", size, 2).await?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from) * 16;
    let ideal = size as f64 * ANSWER as f64 / 1e3 / workers as f64;
    let (mut beside_ideal, mut beside_one, mut memory) = (Turns::default(), Turns::default(), Vec::new());
    fleet.world.sim.delay(ANSWER).await?;
    for _ in 0..place.rounds {
        fleet.use_workers(1)?;
        fleet.change_all().await?;
        fleet.workers[0].process.forget_peak()?;
        let one = fleet.work_off().await?.as_secs_f64();
        memory.push(fleet.workers[0].process.peak_memory()?);
        fleet.use_workers(2)?;
        fleet.change_all().await?;
        let two = fleet.work_off().await?.as_secs_f64();
        beside_ideal.add(one, ideal);
        beside_one.add(size as f64 / two, size as f64 / one);
    }
    fleet.use_workers(2)?;
    fleet.freeze(false)?;
    Ok(vec![
        Line::turns(
            8,
            "2,000 projects, GitHub takes 100 ms, beside the ideal",
            &beside_ideal,
            Unit::Seconds,
            Goal::AtMost(1.25),
        ),
        Line::value(8, "memory of the worker meanwhile", &memory, Unit::Mib, Goal::AtMost(150.0)),
        Line::turns(9, "the same with two workers, commits a second", &beside_one, Unit::PerSecond, Goal::AtLeast(1.8)),
    ])
}

/// Connected projects, a web process that takes their changes, and worker processes.
struct Fleet {
    world: World,
    web: Lockstep,
    workers: Vec<Lockstep>,
    /// How many of them take part.
    in_use: usize,
    repositories: Vec<Repository>,
    changes: usize,
}

impl Fleet {
    async fn new(place: &Place, name: &str, size: usize, workers: usize) -> anyhow::Result<Fleet> {
        let world = World::new(place, name).await?;
        let web = world.lockstep("web").await?;
        let mut fleet =
            Fleet { world, web, workers: Vec::new(), in_use: workers, repositories: Vec::new(), changes: 0 };
        for at in 0..size {
            let repository = fleet.world.sim.repository(&format!("org{at}"), "site").await?;
            fleet.repositories.push(repository);
        }
        fleet.change_all().await?;
        for (at, repository) in fleet.repositories.iter().enumerate() {
            projects::connect(&fleet.world, &format!("p{at}"), repository).await?;
        }
        for _ in 0..workers {
            fleet.workers.push(fleet.world.lockstep("worker").await?);
        }
        fleet.world.until_settled(Duration::from_secs(600)).await?;
        fleet.world.sql.batch_execute("VACUUM ANALYZE").await?;
        // Every worker has every project's token by then, as after an hour of work.
        for alone in 0..if workers > 1 { workers } else { 0 } {
            fleet.workers.swap(0, alone);
            fleet.use_workers(1)?;
            fleet.change_all().await?;
            fleet.work_off().await?;
        }
        Ok(fleet)
    }

    /// From now on so many of them work; all stand still until the work is let go.
    fn use_workers(&mut self, count: usize) -> anyhow::Result<()> {
        self.in_use = count;
        self.freeze(true)
    }

    fn freeze(&self, still: bool) -> anyhow::Result<()> {
        let (used, idle) = self.workers.split_at(self.in_use.min(self.workers.len()));
        used.iter().try_for_each(|worker| worker.process.freeze(still))?;
        idle.iter().try_for_each(|worker| worker.process.freeze(true))
    }

    /// One file of every project becomes another, while no worker moves.
    async fn change_all(&mut self) -> anyhow::Result<()> {
        self.freeze(true)?;
        self.changes += 1;
        let number = self.changes;
        let hosts = (0..8).map(|lane| {
            let (mut host, size) = (self.web.host(), self.repositories.len());
            async move {
                for at in (lane..size).step_by(8) {
                    let file = ("index.md".to_owned(), format!("version {number} of {at}\n"));
                    let body = projects::change(&format!("e{number}"), &[file]);
                    host.call("POST", &format!("/v1/projects/p{at}/changes"), &body).await?;
                }
                anyhow::Ok(())
            }
        });
        try_join_all(hosts).await.map(drop)
    }

    /// Lets the workers go, until every change is committed.
    async fn work_off(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.freeze(false)?;
        let pending = "SELECT count(*) FROM projects WHERE pending > 0";
        self.world.until_none("changes to commit", pending, Duration::from_secs(300)).await?;
        let took = began.elapsed();
        self.world.until_settled(Duration::from_secs(60)).await?;
        Ok(took)
    }
}

/// What posts the same mutations and does nothing else: a connection for each repository.
struct Bare {
    lanes: Vec<Lane>,
    posted: usize,
}

struct Lane {
    repository: String,
    head: String,
    github: Client,
    ledger: Option<Ledger>,
}

/// The least that survives a crash between GitHub's commit and its record: what is about to be asked is
/// on disk before it is asked, and what came of it after.
#[derive(Clone)]
struct Ledger {
    sql: Arc<tokio_postgres::Client>,
    before: tokio_postgres::Statement,
    after: tokio_postgres::Statement,
}

impl Ledger {
    /// As many connections as a worker process has lanes.
    async fn open(world: &World) -> anyhow::Result<Vec<Ledger>> {
        let table = "CREATE TABLE ledger (repository text, number bigint, content text, head text, oid text,
                                          PRIMARY KEY (repository, number))";
        world.sql.batch_execute(table).await?;
        let connections = std::thread::available_parallelism().map_or(1, usize::from) * 16;
        let mut ledgers = Vec::new();
        for _ in 0..connections {
            let sql = world.connection().await?;
            let before = "INSERT INTO ledger (repository, number, content, head) VALUES ($1, $2, $3, $4)";
            let after = "UPDATE ledger SET oid = $3 WHERE repository = $1 AND number = $2";
            let (before, after) = (sql.prepare(before).await?, sql.prepare(after).await?);
            ledgers.push(Ledger { sql: Arc::new(sql), before, after });
        }
        Ok(ledgers)
    }
}

impl Bare {
    async fn keep_ledger(&mut self, world: &World) -> anyhow::Result<()> {
        let ledgers = Ledger::open(world).await?;
        for (lane, ledger) in self.lanes.iter_mut().zip(ledgers.iter().cycle()) {
            lane.ledger = Some(ledger.clone());
        }
        Ok(())
    }

    async fn new(fleet: &mut Fleet, owner: &str) -> anyhow::Result<Bare> {
        let mut lanes = Vec::new();
        for at in 0..fleet.repositories.len() {
            let repository = fleet.world.sim.repository(&format!("{owner}{at}"), "site").await?;
            let file = json!({"op": "put", "path": "index.md", "content": "first\n"});
            let path = format!("/_sim/repos/{}/push", repository.name);
            let made = fleet.world.sim.control.call("POST", &path, &json!({"changes": [file]})).await?;
            let head = made["oid"].as_str().context("no commit")?.to_owned();
            let github = fleet.world.sim.installed(&repository).await?;
            lanes.push(Lane { repository: repository.name, head, github, ledger: None });
        }
        Ok(Bare { lanes, posted: 0 })
    }

    /// So many commits on each repository, one after the other there, all repositories at once.
    async fn post(&mut self, commits: usize) -> anyhow::Result<Duration> {
        let from = self.posted;
        self.posted += commits;
        let began = Instant::now();
        try_join_all(self.lanes.iter_mut().map(|lane| lane.post(from, commits))).await?;
        Ok(began.elapsed())
    }
}

impl Lane {
    async fn post(&mut self, from: usize, commits: usize) -> anyhow::Result<()> {
        const MUTATION: &str = "mutation($input: CreateCommitOnBranchInput!) {
            createCommitOnBranch(input: $input) { commit { oid url tree { oid } } ref { target { oid } } } }";
        for number in from..from + commits {
            let content = format!("version {number}\n");
            if let Some(ledger) = &self.ledger {
                ledger.sql.execute(&ledger.before, &[&self.repository, &(number as i64), &content, &self.head]).await?;
            }
            let file = json!({"path": "index.md", "contents": STANDARD.encode(&content)});
            let input = json!({
                "branch": {"repositoryNameWithOwner": self.repository, "branchName": "main"},
                "expectedHeadOid": self.head, "message": {"headline": "Update index.md"},
                "fileChanges": {"additions": [file], "deletions": []},
            });
            let answer = self
                .github
                .call("POST", "/graphql", &json!({"query": MUTATION, "variables": {"input": input}}))
                .await?;
            let oid = &answer["data"]["createCommitOnBranch"]["commit"]["oid"];
            self.head = Value::as_str(oid).with_context(|| answer.to_string())?.to_owned();
            if let Some(ledger) = &self.ledger {
                ledger.sql.execute(&ledger.after, &[&self.repository, &(number as i64), &self.head]).await?;
            }
        }
        Ok(())
    }
}
