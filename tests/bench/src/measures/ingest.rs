//! Measures 1 to 3: webhook ingest beside a minimal program and beside Probot; memory.

use std::process::Command;
use std::time::Duration;

use anyhow::ensure;

use crate::load::{self, Delivery, Outcome};
use crate::place::{Place, World};
use crate::process::{Process, free_port, until_ready};
use crate::report::{Goal, Line, Unit};
use crate::stats::{Turns, percentile};

const CONNECTIONS: usize = 64;

/// What one run gave.
struct Run {
    per_second: f64,
    p99: f64,
    /// Of the server, for each request, in µs.
    cpu: f64,
    /// Of Redis, for each request, in µs.
    redis: f64,
    /// The most during the run, in MiB.
    memory: f64,
}

/// One server under load, from an empty stream.
async fn run(
    world: &World,
    server: &Process,
    address: &str,
    deliveries: &[Delivery],
    total: usize,
    name: &str,
) -> anyhow::Result<Run> {
    load::run(address, deliveries, CONNECTIONS, total / 10, &format!("{name}-warm")).await?;
    server.forget_peak()?;
    let (cpu, redis) = (server.cpu()?, world.redis_cpu().await?);
    let Outcome { per_second, latencies } = load::run(address, deliveries, CONNECTIONS, total, name).await?;
    let each = 1e6 / total as f64;
    let (cpu, redis) = ((server.cpu()? - cpu) * each, (world.redis_cpu().await? - redis) * each);
    world.forget_redis().await?;
    let memory = server.peak_memory()?;
    Ok(Run { per_second, p99: percentile(&latencies, 0.99), cpu, redis, memory })
}

/// Measures 1 and 3.
pub async fn beside_the_floor(place: &Place) -> anyhow::Result<Vec<Line>> {
    let world = World::new(place, "ingest").await?;
    let ours = world.lockstep("web").await?;
    let (floor, address) = start_floor(&world).await?;
    let deliveries = load::deliveries(world.webhook_secret())?;
    let total = place.size(12_000, 200);
    let (mut speed, mut cpu, mut p99, mut redis) =
        (Turns::default(), Turns::default(), Turns::default(), Turns::default());
    for round in 0..place.rounds {
        let name = format!("a{round}");
        let our_run = run(&world, &ours.process, &ours.public, &deliveries, total, &name).await?;
        let floor_run = run(&world, &floor, &address, &deliveries, total, &name).await?;
        speed.add(our_run.per_second, floor_run.per_second);
        cpu.add(our_run.cpu, floor_run.cpu);
        p99.add(our_run.p99, floor_run.p99);
        redis.add(our_run.redis, floor_run.redis);
    }
    ours.process.stop()?;
    drop(floor);
    let mut lines = vec![
        Line::turns(1, "ingest, requests a second", &speed, Unit::PerSecond, Goal::AtLeast(0.9)),
        Line::turns(1, "ingest, CPU of the server a request", &cpu, Unit::Microseconds, Goal::AtMost(1.15)),
        Line::turns(1, "ingest, CPU of Redis a request", &redis, Unit::Microseconds, Goal::AtMost(1.15)),
        Line::turns(1, "ingest, p99", &p99, Unit::Milliseconds, Goal::AtMost(1.5)),
    ];
    lines.extend(memory(place).await?);
    Ok(lines)
}

async fn start_floor(world: &World) -> anyhow::Result<(Process, String)> {
    let address = format!("127.0.0.1:{}", free_port()?);
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["floor", "--listen", &address, "--redis", &world.place.redis, "--prefix"]);
    command.arg(format!("{}-floor", world.prefix)).env("FLOOR_SECRET", world.webhook_secret());
    let process = Process::start(&mut command, &world.place.log("floor"))?;
    until_ready(&address, "/healthz", Duration::from_secs(10)).await?;
    Ok((process, address))
}

/// Measure 3: the whole program (`--role all`), idle and while it takes over and works off that load.
async fn memory(place: &Place) -> anyhow::Result<Vec<Line>> {
    let world = World::new(place, "memory").await?;
    let deliveries = load::deliveries(world.webhook_secret())?;
    let total = place.size(12_000, 200);
    let (mut idle, mut loaded) = (Vec::new(), Vec::new());
    for round in 0..place.rounds {
        let ours = world.lockstep("all").await?;
        tokio::time::sleep(Duration::from_secs(if place.small { 0 } else { 3 })).await;
        idle.push(ours.process.memory()?);
        let run = run(&world, &ours.process, &ours.public, &deliveries, total, &format!("m{round}")).await?;
        loaded.push(run.memory);
        ours.process.stop()?;
    }
    Ok(vec![
        Line::value(3, "memory, idle", &idle, Unit::Mib, Goal::AtMost(24.0)),
        Line::value(3, "memory, the most under that load", &loaded, Unit::Mib, Goal::AtMost(32.0)),
    ])
}

/// Measure 2.
pub async fn beside_probot(place: &Place) -> anyhow::Result<Vec<Line>> {
    let world = World::new(place, "probot").await?;
    let ours = world.lockstep("web").await?;
    let (probot, address) = start_probot(&world).await?;
    let deliveries = load::deliveries(world.webhook_secret())?;
    let total = place.size(4_000, 200);
    let (mut speed, mut memory) = (Turns::default(), Turns::default());
    for round in 0..place.rounds {
        let name = format!("p{round}");
        let our_run = run(&world, &ours.process, &ours.public, &deliveries, total, &name).await?;
        let probot_run = run(&world, &probot, &address, &deliveries, total, &name).await?;
        speed.add(our_run.per_second, probot_run.per_second);
        memory.add(our_run.memory, probot_run.memory);
    }
    Ok(vec![
        Line::turns(2, "ingest, requests a second, Probot", &speed, Unit::PerSecond, Goal::AtLeast(5.0)),
        Line::turns(2, "memory under that load, Probot", &memory, Unit::Mib, Goal::AtMost(1.0 / 6.0)),
    ])
}

/// Installs it from npm, and starts it with the same duty.
async fn start_probot(world: &World) -> anyhow::Result<(Process, String)> {
    let (source, folder) = ("tests/bench/probot", world.place.folder.join("../probot"));
    std::fs::create_dir_all(&folder)?;
    for name in ["package.json", "server.mjs", ".npmrc"] {
        std::fs::copy(format!("{source}/{name}"), folder.join(name))?;
    }
    let install = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
    let done = Command::new("npm").args(install).current_dir(&folder).status()?;
    ensure!(done.success(), "npm cannot install Probot");
    let address = format!("127.0.0.1:{}", free_port()?);
    let port = address.rsplit(':').next().unwrap_or_default().to_owned();
    let key = world.sim.app["private_key_path"].as_str().unwrap_or_default();
    let mut command = Command::new("node");
    command.arg("server.mjs").current_dir(&folder).env("NODE_ENV", "production");
    command.env("PORT", port).env("APP_ID", "1").env("PRIVATE_KEY", std::fs::read_to_string(key)?);
    command.env("WEBHOOK_SECRET", world.webhook_secret()).env("REDIS", &world.place.redis);
    command.env("PREFIX", format!("{}-probot", world.prefix)).env("LOG_LEVEL", "warn");
    let process = Process::start(&mut command, &world.place.log("probot"))?;
    until_ready(&address, "/ping", Duration::from_secs(30)).await?;
    Ok((process, address))
}
