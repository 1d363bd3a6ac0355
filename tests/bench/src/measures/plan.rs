//! Measure 6: planning a remote tree of 100,000 entries against base and project, one per cent changed
//! on each side, beside `git merge-tree` of the same three trees.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use lockstep::model::{ConflictPolicy, Entry, FilePath, Mode, Oid};
use lockstep::sync::plan::{Plan, Policy, Row, plan};

use crate::place::Place;
use crate::report::{Goal, Line, Unit};
use crate::stats::Turns;

/// A tree by its paths.
type Tree = Vec<(String, Oid)>;

pub async fn run(place: &Place) -> anyhow::Result<Vec<Line>> {
    let size = place.size(100_000, 1_000);
    let base = tree(size, |_| 0);
    let ours = tree(size, |n| u32::from(n % 100 == 3));
    let theirs = tree(size, |n| if n % 100 == 57 { 2 } else { 0 });
    let folder = place.folder.join("merge");
    let commits = write(&folder, [&base, &ours, &theirs])?;
    let mut turns = Turns::default();
    for _ in 0..place.rounds {
        let began = Instant::now();
        let plan = planned(&base, &ours, &theirs)?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        ensure!(plan.take.len() == size / 100 && plan.push.len() == size / 100, "another plan than was to be");
        turns.add(took, git_merge(&folder, &commits)?);
    }
    let what = "plan of 100,000 entries, 1 % changed on each side, `git merge-tree`";
    Ok(vec![Line::turns(6, what, &turns, Unit::Milliseconds, Goal::AtMost(1.0))])
}

fn tree(size: usize, version: impl Fn(usize) -> u32) -> Tree {
    let path = |n: usize| format!("area{}/part{}/file{n}.txt", n / 1_000, n / 100);
    let content = |n: usize| format!("file {n}, version {}\n", version(n));
    (0..size).map(|n| (path(n), Oid::of_blob(content(n).as_bytes()))).collect()
}

/// From three listings to a plan: every path that is not the same everywhere becomes a row.
fn planned(base: &Tree, project: &Tree, remote: &Tree) -> anyhow::Result<Plan> {
    let by_path = |tree: &Tree| -> HashMap<String, Oid> { tree.iter().cloned().collect() };
    let (base, project) = (by_path(base), by_path(project));
    let entry = |oid: &Oid| Entry { oid: *oid, mode: Mode::Regular };
    let mut rows = BTreeMap::new();
    for (path, there) in remote {
        let (base, project) = (base.get(path), project.get(path));
        if base == Some(there) && project == Some(there) {
            continue;
        }
        let path = FilePath::parse(path.clone()).map_err(|why| anyhow::anyhow!("{path}: {why}"))?;
        let github = Some(entry(there));
        let row = Row { project: project.map(entry), base: base.map(entry), github, unholdable: false, held: None };
        rows.insert(path, row);
    }
    let policy = Policy { push: true, by_person: false, pull: true, conflict: ConflictPolicy::Ask };
    Ok(plan(&rows, &BTreeMap::new(), policy))
}

/// A repository with the three as commits, through fast-import.
fn write(folder: &Path, trees: [&Tree; 3]) -> anyhow::Result<[String; 2]> {
    std::fs::create_dir_all(folder)?;
    git(folder, &["init", "-q", "--bare", "."])?;
    let mut import = Command::new("git");
    let mut import =
        import.args(["fast-import", "--quiet"]).current_dir(folder).stdin(Stdio::piped()).spawn().context("git")?;
    let mut to = std::io::BufWriter::new(import.stdin.take().context("no pipe")?);
    for (at, tree) in trees.into_iter().enumerate() {
        let branch = ["base", "ours", "theirs"][at];
        writeln!(to, "commit refs/heads/{branch}\ncommitter bench <bench@example.com> {at} +0000\ndata 0")?;
        if at > 0 {
            writeln!(to, "from refs/heads/base\ndeleteall")?;
        }
        for (n, (path, oid)) in tree.iter().enumerate() {
            let version = (0..=2).find(|version| Oid::of_blob(text(n, *version).as_bytes()) == *oid).unwrap_or(0);
            let content = text(n, version);
            writeln!(to, "M 100644 inline {path}\ndata {}\n{content}", content.len())?;
        }
    }
    drop(to);
    ensure!(import.wait()?.success(), "git fast-import failed");
    Ok([git(folder, &["rev-parse", "ours"])?, git(folder, &["rev-parse", "theirs"])?])
}

fn text(n: usize, version: u32) -> String {
    format!("file {n}, version {version}\n")
}

fn git_merge(folder: &Path, commits: &[String; 2]) -> anyhow::Result<f64> {
    let began = Instant::now();
    git(folder, &["merge-tree", "--write-tree", &commits[0], &commits[1]])?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git").args(arguments).current_dir(folder).output()?;
    ensure!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
