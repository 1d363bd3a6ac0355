//! Measure 11: how often GitHub is asked for a day of a busy project: 1,000 saves in 20 bursts, 20
//! pushes by others. Beside it a client that saves through the contents API, and one that makes blob,
//! tree, commit and ref; both are told of each push and fetch what changed.

use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::Client;
use crate::place::{Place, World};
use crate::projects;
use crate::report::{Goal, Line, Unit};
use crate::stats::Turns;

const FILES: usize = 40;
/// Files of each push by others.
const PUSHED: usize = 2;

struct Day {
    bursts: usize,
    saves: usize,
}

impl Day {
    /// What is saved, burst by burst: path and content.
    fn saves(&self, burst: usize) -> Vec<(String, String)> {
        (0..self.saves)
            .map(|at| (format!("pages/page{}.md", at % FILES), format!("burst {burst}, save {at}\n")))
            .collect()
    }
}

pub async fn run(place: &Place) -> anyhow::Result<Vec<Line>> {
    let day = Day { bursts: place.size(20, 2), saves: 50 };
    let ours = by_lockstep(place, &day).await? as f64;
    let mut world = World::new(place, "requests").await?;
    let by_contents = by_contents(&mut world, &day).await? as f64;
    let by_objects = by_objects(&mut world, &day).await? as f64;
    let (mut contents, mut objects) = (Turns::default(), Turns::default());
    contents.add(ours, by_contents);
    objects.add(ours, by_objects);
    Ok(vec![
        Line::turns(11, "requests of a day, contents API", &contents, Unit::Requests, Goal::AtMost(1.0 / 20.0)),
        Line::turns(
            11,
            "requests of a day, blob + tree + commit + ref",
            &objects,
            Unit::Requests,
            Goal::AtMost(1.0 / 50.0),
        ),
    ])
}

fn pushed(burst: usize) -> Vec<Value> {
    (0..PUSHED)
        .map(|at| json!({"op": "put", "path": format!("docs/doc{at}.md"), "content": format!("push {burst}\n")}))
        .collect()
}

async fn by_lockstep(place: &Place, day: &Day) -> anyhow::Result<usize> {
    let mut world = World::new(place, "day").await?;
    let ours = world.lockstep("all").await?;
    let hook = json!({"url": format!("http://{}/webhooks/github", ours.public)});
    world.sim.control.call("POST", "/_sim/hook", &hook).await?;
    let mut host = ours.host();
    host.call("POST", "/v1/projects/site/changes", &projects::change("start", &day.saves(0)[..FILES])).await?;
    let repository = world.sim.repository("acme", "site").await?;
    projects::connect(&world, "site", &repository).await?;
    settled(&mut world).await?;
    projects::window(&world, "site", 2).await?;
    world.sim.forget_requests().await?;
    for burst in 1..=day.bursts {
        // GitHub's webhooks come a second or two after its answer, and not, as on one machine, before it.
        world.sim.control.call("POST", "/_sim/webhooks", &json!({"hold": true})).await?;
        for (at, save) in day.saves(burst).into_iter().enumerate() {
            let body = projects::change(&format!("save-{burst}-{at}"), &[save]);
            host.call("POST", "/v1/projects/site/changes", &body).await?;
        }
        world.until_settled(Duration::from_secs(60)).await?;
        world.sim.control.call("POST", "/_sim/webhooks", &json!({"release": true})).await?;
        settled(&mut world).await?;
        let push = json!({"changes": pushed(burst), "message": "Write docs"});
        world.sim.control.call("POST", &format!("/_sim/repos/{}/push", repository.name), &push).await?;
        let path = format!("/v1/projects/site/files/docs/doc{}.md", PUSHED - 1);
        while host.send("GET", &path, b"").await?.body != format!("push {burst}\n").as_bytes() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        settled(&mut world).await?;
    }
    let requests = world.sim.requests().await?;
    tell(place, "lockstep", &requests)?;
    Ok(requests.len())
}

/// Every webhook is delivered and everything that follows is done.
async fn settled(world: &mut World) -> anyhow::Result<()> {
    world.sim.control.call("POST", "/_sim/idle", &Value::Null).await?;
    world.until_settled(Duration::from_secs(60)).await?;
    // What a delivery leads to is on the stream by now; a moment later it is done.
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.until_settled(Duration::from_secs(60)).await
}

/// Which requests there were, for whoever wants to know.
fn tell(place: &Place, name: &str, requests: &[Value]) -> anyhow::Result<()> {
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for request in requests {
        let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        *counts.entry(format!("{} {} {}", text("method"), text("route"), request["operations"])).or_default() += 1;
    }
    let lines: Vec<String> = counts.iter().map(|(what, count)| format!("{count:6} {what}\n")).collect();
    Ok(std::fs::write(place.folder.join(format!("requests-{name}.txt")), lines.concat())?)
}

/// A fresh repository with one commit, a client of its installation, and no request counted.
async fn start(world: &mut World, name: &str, day: &Day) -> anyhow::Result<(String, Client)> {
    let repository = world.sim.repository(name, "site").await?;
    let files: Vec<Value> = day.saves(0)[..FILES]
        .iter()
        .map(|(path, content)| json!({"op": "put", "path": path, "content": content}))
        .collect();
    let path = format!("/_sim/repos/{}/push", repository.name);
    world.sim.control.call("POST", &path, &json!({"changes": files})).await?;
    let client = world.sim.installed(&repository).await?;
    world.sim.forget_requests().await?;
    Ok((repository.name, client))
}

async fn push(world: &mut World, repository: &str, burst: usize) -> anyhow::Result<String> {
    let body = json!({"changes": pushed(burst), "message": "Write docs"});
    let made = world.sim.control.call("POST", &format!("/_sim/repos/{repository}/push"), &body).await?;
    made["oid"].as_str().map(str::to_owned).context("no commit")
}

/// One request a save: it remembers the id that each file had in the last answer.
async fn by_contents(world: &mut World, day: &Day) -> anyhow::Result<usize> {
    let (repository, mut github) = start(world, "contents", day).await?;
    let (mut known, mut head) = (std::collections::HashMap::<String, String>::new(), String::new());
    let listed = github.get(&format!("/repos/{repository}/contents/pages")).await?;
    for entry in listed.as_array().into_iter().flatten() {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        known.insert(text("path"), text("sha"));
    }
    world.sim.forget_requests().await?;
    for burst in 1..=day.bursts {
        for (path, content) in day.saves(burst) {
            let body = json!({"message": "Update", "content": STANDARD.encode(&content), "sha": known.get(&path), "branch": "main"});
            let made = github.call("PUT", &format!("/repos/{repository}/contents/{path}"), &body).await?;
            known.insert(path, made["content"]["sha"].as_str().unwrap_or_default().to_owned());
            head = made["commit"]["sha"].as_str().unwrap_or_default().to_owned();
        }
        let after = push(world, &repository, burst).await?;
        github.get(&format!("/repos/{repository}/compare/{head}...{after}")).await?;
        for at in 0..PUSHED {
            github.get(&format!("/repos/{repository}/contents/docs/doc{at}.md")).await?;
        }
    }
    let requests = world.sim.requests().await?;
    tell(&world.place, "contents", &requests)?;
    Ok(requests.len())
}

/// Four requests a save.
async fn by_objects(world: &mut World, day: &Day) -> anyhow::Result<usize> {
    let (repository, mut github) = start(world, "objects", day).await?;
    let repo = format!("/repos/{repository}");
    let found = github.get(&format!("{repo}/git/ref/heads/main")).await?;
    let mut head = found["object"]["sha"].as_str().context("no head")?.to_owned();
    let mut tree = tree_of(&mut github, &repo, &head).await?;
    world.sim.forget_requests().await?;
    for burst in 1..=day.bursts {
        for (path, content) in day.saves(burst) {
            let sha = |made: Value| made["sha"].as_str().map(str::to_owned).context("no sha");
            let blob = json!({"content": STANDARD.encode(&content), "encoding": "base64"});
            let blob = sha(github.call("POST", &format!("{repo}/git/blobs"), &blob).await?)?;
            let entry = json!({"path": path, "mode": "100644", "type": "blob", "sha": blob});
            let body = json!({"base_tree": tree, "tree": [entry]});
            tree = sha(github.call("POST", &format!("{repo}/git/trees"), &body).await?)?;
            let body = json!({"message": "Update", "tree": tree, "parents": [head]});
            head = sha(github.call("POST", &format!("{repo}/git/commits"), &body).await?)?;
            github.call("PATCH", &format!("{repo}/git/refs/heads/main"), &json!({"sha": head})).await?;
        }
        head = push(world, &repository, burst).await?;
        tree = tree_of(&mut github, &repo, &head).await?;
        github.get(&format!("{repo}/git/trees/{tree}?recursive=1")).await?;
        for at in 0..PUSHED {
            github.get(&format!("{repo}/contents/docs/doc{at}.md")).await?;
        }
    }
    let requests = world.sim.requests().await?;
    tell(&world.place, "objects", &requests)?;
    Ok(requests.len())
}

async fn tree_of(github: &mut Client, repo: &str, commit: &str) -> anyhow::Result<String> {
    let commit = github.get(&format!("{repo}/git/commits/{commit}")).await?;
    commit["tree"]["sha"].as_str().map(str::to_owned).context("no tree")
}
