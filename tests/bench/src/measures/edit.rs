//! Measure 5: one edited file, until it is accepted and until it is committed, in a project of 100,000
//! files and in one of 10.

use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::http::Client;
use crate::place::{Lockstep, Place, World};
use crate::projects;
use crate::report::{Goal, Line, Unit};
use crate::stats::{Turns, median};

/// Edits of each project in a round: all rounds together stay below 80 commits a minute.
const EDITS: usize = 9;

pub async fn run(place: &Place) -> anyhow::Result<Vec<Line>> {
    let mut world = World::new(place, "edit").await?;
    let ours = world.lockstep("all").await?;
    let sizes = [place.size(100_000, 1_000), 10];
    for (name, size) in ["large", "small"].into_iter().zip(sizes) {
        make(&mut world, &ours, name, size).await?;
    }
    world.sql.batch_execute("VACUUM ANALYZE").await?;
    let (mut accepted, mut committed) = (Turns::default(), Turns::default());
    let mut host = ours.host();
    for round in 0..=place.rounds {
        let (mut large, mut small) = (Times::default(), Times::default());
        for at in 0..EDITS {
            let number = round * EDITS + at;
            edit(&world, &mut host, "large", number, sizes[0], &mut large).await?;
            edit(&world, &mut host, "small", number, sizes[1], &mut small).await?;
        }
        // The first round warms both up.
        if round > 0 {
            accepted.add(median(&large.accepted), median(&small.accepted));
            committed.add(median(&large.committed), median(&small.committed));
        }
    }
    Ok(vec![
        Line::turns(5, "edit in 100,000 files beside 10, to the 202", &accepted, Unit::Milliseconds, Goal::AtMost(1.2)),
        Line::turns(
            5,
            "edit in 100,000 files beside 10, to the commit",
            &committed,
            Unit::Milliseconds,
            Goal::AtMost(1.2),
        ),
    ])
}

/// In milliseconds.
#[derive(Default)]
struct Times {
    accepted: Vec<f64>,
    committed: Vec<f64>,
}

async fn make(world: &mut World, ours: &Lockstep, name: &str, size: usize) -> anyhow::Result<()> {
    let mut host = ours.host();
    let files: Vec<Value> = projects::small_files(size)
        .iter()
        .map(|(path, content)| serde_json::json!({"path": path, "content": content}))
        .collect();
    let body = serde_json::json!({"event_id": "all", "files": files});
    host.call("PUT", &format!("/v1/projects/{name}/tree"), &body).await?;
    let repository = world.sim.repository(name, "site").await?;
    projects::connect(world, name, &repository).await?;
    world.until_settled(Duration::from_secs(300)).await
}

async fn edit(
    world: &World,
    host: &mut Client,
    project: &str,
    number: usize,
    size: usize,
    times: &mut Times,
) -> anyhow::Result<()> {
    let files = projects::small_files(size.min(1_000));
    let (path, _) = &files[number * 37 % files.len()];
    let body = projects::change(&format!("edit{number}"), &[(path.clone(), format!("edit {number}\n"))]);
    let body = serde_json::to_vec(&body)?;
    let began: DateTime<Utc> = Utc::now();
    let answer = host.send("POST", &format!("/v1/projects/{project}/changes"), &body).await?;
    times.accepted.push((Utc::now() - began).as_seconds_f64() * 1e3);
    ensure!(answer.status == 202, "{}", answer.text());
    world.until_settled(Duration::from_secs(60)).await?;
    // PostgreSQL's clock is this machine's.
    let newest = "SELECT s.finished_at, s.status, s.error::text FROM syncs s JOIN projects p USING (pid)
                  WHERE p.id = $1 ORDER BY s.id DESC LIMIT 1";
    let row = world.sql.query_one(newest, &[&project]).await?;
    let (ended, status): (DateTime<Utc>, String) = (row.get(0), row.get(1));
    ensure!(status == "succeeded" && ended > began, "{project}: {status} {:?}", row.get::<_, Option<String>>(2));
    times.committed.push((ended - began).as_seconds_f64() * 1e3);
    Ok(())
}
