//! Measures 12 and 13: a page of a long history, and starting with many projects. The rows are made by
//! SQL; what is measured is the program.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::Value;

use crate::http::Client;
use crate::place::{Place, World};
use crate::process::until_ready;
use crate::report::{Goal, Line, Unit};
use crate::stats::{Turns, median};

/// Projects `pP`, connected, with `syncs` rows of history each.
async fn fill(world: &World, projects: &[(&str, i64)]) -> anyhow::Result<()> {
    for (at, (name, rows)) in projects.iter().enumerate() {
        world
            .sql
            .execute(
                "WITH p AS (INSERT INTO projects (id, settings) SELECT $1, settings FROM projects LIMIT 1 RETURNING pid)
                 INSERT INTO integrations (pid, connection, installation_id, repository_id, full_name, private,
                        default_branch, url, branch, state, connected_by, initial_done, head_commit, head_tree)
                 SELECT pid, gen_random_uuid(), 1, $2, 'acme/' || $1, true, 'main', 'http://github.test', 'main',
                        'connected', 'bench', true, decode(repeat('ab', 20), 'hex'), decode(repeat('cd', 20), 'hex') FROM p",
                &[name, &(at as i64 + 1_000_000)],
            )
            .await?;
        // Ids as uuid v7 makes them: the time in front.
        world
            .sql
            .execute(
                "INSERT INTO syncs (id, pid, connection, kind, direction, status, commit_sha, message, branch,
                                    files_changed, revision, attempts, queued_at, started_at, finished_at)
                 SELECT (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || lpad(to_hex(i.repository_id % 4096), 3, '0') || '800000000000' || lpad(to_hex(n % 65536), 4, '0'))::uuid,
                        i.pid, i.connection, 'auto', 'push', CASE n % 10 WHEN 0 THEN 'failed' ELSE 'succeeded' END,
                        sha224(n::text::bytea), 'Update index.html', 'main', 1, n, 1, now(), now(), now()
                 FROM generate_series(1::bigint, $2) n, integrations i JOIN projects p USING (pid) WHERE p.id = $1",
                &[name, rows],
            )
            .await?;
    }
    world
        .sql
        .batch_execute("UPDATE syncs SET commit_sha = substring(commit_sha FOR 20) WHERE commit_sha IS NOT NULL")
        .await?;
    world.sql.batch_execute("VACUUM ANALYZE").await?;
    Ok(())
}

/// Measure 12.
pub async fn history(place: &Place) -> anyhow::Result<Vec<Line>> {
    let world = World::new(place, "history").await?;
    let ours = world.lockstep("web").await?;
    let mut host = ours.host();
    let first = serde_json::json!({"event_id": "e", "changes": [{"op": "put", "path": "a", "content": "a"}]});
    host.call("POST", "/v1/projects/first/changes", &first).await?;
    fill(&world, &[("long", place.size(1_000_000, 2_000) as i64), ("short", 1_000)]).await?;
    let mut lines = Vec::new();
    for (what, status) in [("any status", None), ("failed ones", Some("failed"))] {
        let (long, short) =
            (cursors(&world, &mut host, "long", status).await?, cursors(&world, &mut host, "short", status).await?);
        let mut turns = Turns::default();
        for round in 0..=place.rounds {
            let (long, short) = (pages(&mut host, &long).await?, pages(&mut host, &short).await?);
            if round > 0 {
                turns.add(long, short);
            }
        }
        let what = format!("history page at 1,000,000 rows beside 1,000, {what}");
        lines.push(Line::turns(12, &what, &turns, Unit::Milliseconds, Goal::AtMost(1.2)));
    }
    Ok(lines)
}

/// Full pages all over the history: the first, and those behind rows a tenth apart.
async fn cursors(world: &World, host: &mut Client, project: &str, status: Option<&str>) -> anyhow::Result<Vec<String>> {
    use base64::Engine;
    let query = status.map_or(String::new(), |status| format!("&status={status}"));
    let base = format!("/v1/projects/{project}/syncs?limit=50{query}");
    let found = host.get(&base).await?;
    ensure!(found["next_cursor"].is_string(), "{project} has one page only");
    let rows = "WITH listed AS (SELECT s.id::text AS id, row_number() OVER (ORDER BY s.id DESC) AS n, count(*) OVER () AS count
                                FROM syncs s JOIN projects p USING (pid) WHERE p.id = $1 AND ($2::text IS NULL OR s.status = $2))
                SELECT id FROM listed WHERE n IN (SELECT (count - 50) * t / 10 FROM generate_series(1, 9) t)";
    let mut paths = vec![base.clone()];
    for row in world.sql.query(rows, &[&project, &status]).await? {
        let position = serde_json::to_vec(&row.get::<_, String>(0))?;
        let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(position);
        paths.push(format!("{base}&cursor={cursor}"));
    }
    Ok(paths)
}

/// The median of ten times each page, in milliseconds.
async fn pages(host: &mut Client, paths: &[String]) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..10 {
        for path in paths {
            let began = Instant::now();
            let answer = host.send("GET", path, b"").await?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
            ensure!(answer.status == 200, "{path}: {}", answer.text());
            let page: Value = answer.json()?;
            ensure!(page["items"].as_array().is_some_and(|items| items.len() == 50), "{path}: no full page");
        }
    }
    Ok(median(&times))
}

/// Measure 13.
pub async fn start(place: &Place) -> anyhow::Result<Vec<Line>> {
    let (many, few) =
        (with_projects(place, "many", place.size(10_000, 50)).await?, with_projects(place, "few", 10).await?);
    let (mut ready, mut memory) = (Vec::new(), Turns::default());
    for _ in 0..place.rounds {
        let (took, ours) = cold_start(place, &many).await?;
        let (_, theirs) = cold_start(place, &few).await?;
        ready.push(took);
        memory.add(ours, theirs);
    }
    Ok(vec![
        Line::value(13, "cold start with 10,000 connected projects", &ready, Unit::Seconds, Goal::AtMost(1.0)),
        Line::turns(13, "memory after it, beside 10 projects", &memory, Unit::Mib, Goal::AtMost(1.1)),
    ])
}

async fn with_projects(place: &Place, name: &str, count: usize) -> anyhow::Result<World> {
    let mut world = World::new(place, name).await?;
    // As it is by default: the heads of all branches are compared soon after the start.
    world.set("SWEEP_SECONDS", "30");
    let ours = world.lockstep("web").await?;
    let first = serde_json::json!({"event_id": "e", "changes": [{"op": "put", "path": "a", "content": "a"}]});
    ours.host().call("POST", "/v1/projects/first/changes", &first).await?;
    world
        .sql
        .execute(
            "WITH p AS (INSERT INTO projects (id, settings) SELECT 'p' || n, settings FROM projects, generate_series(1, $1) n RETURNING pid)
             INSERT INTO integrations (pid, connection, installation_id, repository_id, full_name, private,
                    default_branch, url, branch, state, connected_by, initial_done, head_commit, head_tree)
             SELECT pid, gen_random_uuid(), 1, pid, 'acme/site' || pid, true, 'main', 'http://github.test', 'main',
                    'connected', 'bench', true, decode(repeat('ab', 20), 'hex'), decode(repeat('cd', 20), 'hex') FROM p",
            &[&(count as i32)],
        )
        .await?;
    world.sql.batch_execute("VACUUM ANALYZE").await?;
    ours.process.stop()?;
    Ok(world)
}

/// Seconds to `/readyz`, and MiB a little later.
async fn cold_start(place: &Place, world: &World) -> anyhow::Result<(f64, f64)> {
    let began = Instant::now();
    let ours = world.launch("all")?;
    until_ready(&ours.internal, "/readyz", Duration::from_secs(30)).await?;
    let took = began.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(if place.small { 0 } else { 3 })).await;
    let memory = ours.process.memory()?;
    ours.process.stop()?;
    Ok((took, memory))
}
