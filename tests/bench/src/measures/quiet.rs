//! Measure 10: how long a quiet project's change takes to its commit while others of the same
//! installation are busy: one has 10,000 pending changes, one takes 500 changes a second.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::place::{Lockstep, Place, World};
use crate::projects;
use crate::report::{Goal, Line, Unit};
use crate::stats::{Turns, percentile};

const EDITS: usize = 20;
const A_SECOND: usize = 500;

pub async fn run(place: &Place) -> anyhow::Result<Vec<Line>> {
    let mut world = World::new(place, "quiet").await?;
    let ours = world.lockstep("all").await?;
    connect(&mut world, &ours).await?;
    let mut turns = Turns::default();
    let mut number = 0;
    for round in 0..place.rounds {
        let alone = edits(&world, &ours, &mut number).await?;
        fill_heavy(place, &ours, round).await?;
        let busy = tokio::select! {
            result = keep_busy(&ours, round) => Err(result.err().unwrap_or_else(|| anyhow::anyhow!("it ended"))),
            quiet = edits(&world, &ours, &mut number) => quiet,
        };
        turns.add(percentile(&busy?, 0.95), percentile(&alone, 0.95));
        world.until_settled(Duration::from_secs(120)).await?;
    }
    let what = "quiet project, p95 to the commit beside busy ones, and alone";
    Ok(vec![Line::turns(10, what, &turns, Unit::Milliseconds, Goal::AtMost(1.5))])
}

/// Three projects of one installation.
async fn connect(world: &mut World, ours: &Lockstep) -> anyhow::Result<()> {
    let mut installation = None;
    for project in ["quiet", "heavy", "steady"] {
        let first = projects::change("first", &[("index.md".to_owned(), "first\n".to_owned())]);
        ours.host().call("POST", &format!("/v1/projects/{project}/changes"), &first).await?;
        let repository = match installation {
            None => world.sim.repository("acme", project).await?,
            Some(id) => world.sim.add_repository("acme", project, id).await?,
        };
        installation = Some(repository.installation);
        projects::connect(world, project, &repository).await?;
    }
    world.until_settled(Duration::from_secs(60)).await?;
    projects::window(world, "heavy", 1).await?;
    projects::window(world, "steady", 5).await
}

/// 10,000 changes that wait, and are committed meanwhile.
async fn fill_heavy(place: &Place, ours: &Lockstep, round: usize) -> anyhow::Result<()> {
    let files: Vec<_> = (0..place.size(10_000, 100))
        .map(|n| (format!("area{}/file{n}.txt", n / 100), format!("round {round}, file {n}\n")))
        .collect();
    let body = projects::change(&format!("heavy{round}"), &files);
    ours.host().call("POST", "/v1/projects/heavy/changes", &body).await.map(drop)
}

/// 500 changes a second of one project, until nobody waits for it.
async fn keep_busy(ours: &Lockstep, round: usize) -> anyhow::Result<()> {
    let mut host = ours.host();
    let began = Instant::now();
    for at in 0.. {
        let due = Duration::from_secs_f64(at as f64 / A_SECOND as f64);
        tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
        let file = (format!("page{}.md", at % 40), format!("round {round}, change {at}\n"));
        let body = projects::change(&format!("steady{round}-{at}"), &[file]);
        host.call("POST", "/v1/projects/steady/changes", &body).await?;
    }
    Ok(())
}

/// From each change to its commit, in milliseconds.
async fn edits(world: &World, ours: &Lockstep, number: &mut usize) -> anyhow::Result<Vec<f64>> {
    let mut host = ours.host();
    let mut times = Vec::new();
    for _ in 0..EDITS {
        *number += 1;
        let body = projects::change(&format!("quiet{number}"), &[("index.md".to_owned(), format!("edit {number}\n"))]);
        let began: DateTime<Utc> = Utc::now();
        host.call("POST", "/v1/projects/quiet/changes", &body).await?;
        let ended =
            "SELECT max(finished_at) FROM syncs s JOIN projects p USING (pid) WHERE p.id = 'quiet' AND p.pending = 0";
        times.push(loop {
            let newest: Option<DateTime<Utc>> = world.sql.query_one(ended, &[]).await?.get(0);
            match newest.filter(|at| *at > began) {
                Some(at) => break (at - began).as_seconds_f64() * 1e3,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        });
    }
    Ok(times)
}
