//! Measure 4: one change request of 10,000 new files of 3 KB, beside git and beside the plainest load
//! of the same rows and contents into the same PostgreSQL.

use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::time::Instant;

use anyhow::ensure;
use sha1::{Digest, Sha1};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use crate::place::{Place, World};
use crate::projects;
use crate::report::{Goal, Line, Unit};
use crate::stats::Turns;

const BYTES: usize = 3_000;

pub async fn run(place: &Place) -> anyhow::Result<Vec<Line>> {
    let mut world = World::new(place, "change").await?;
    let ours = world.lockstep("web").await?;
    let files = files(place.size(10_000, 100));
    let folder = place.folder.join("tree");
    write(&folder, &files)?;
    make_tables(&world).await?;
    let (mut git, mut load) = (Turns::default(), Turns::default());
    let mut host = ours.host();
    for round in 0..place.rounds {
        let body = serde_json::to_vec(&projects::change("e1", &files))?;
        let began = Instant::now();
        let answer = host.send("POST", &format!("/v1/projects/site{round}/changes"), &body).await?;
        let took = began.elapsed().as_secs_f64();
        ensure!(answer.status == 202, "{}", answer.text());
        load.add(took, plain_load(&mut world, &files).await?);
        git.add(took, git_writes(&folder)?);
        world.sql.batch_execute("CHECKPOINT").await?;
    }
    Ok(vec![
        Line::turns(
            4,
            "change of 10,000 files, `git add -A && git write-tree`",
            &git,
            Unit::Seconds,
            Goal::AtMost(0.25),
        ),
        Line::turns(4, "change of 10,000 files, plain load of the rows", &load, Unit::Seconds, Goal::AtMost(1.5)),
    ])
}

fn files(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("src/part{}/file{n}.txt", n / 100), projects::text(n, BYTES))).collect()
}

fn write(folder: &Path, files: &[(String, String)]) -> anyhow::Result<()> {
    for (path, content) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, content)?;
    }
    Ok(())
}

/// Into an empty repository, the files on disk already and in its cache.
fn git_writes(folder: &Path) -> anyhow::Result<f64> {
    let dot_git = folder.join(".git");
    if dot_git.exists() {
        std::fs::remove_dir_all(&dot_git)?;
    }
    let git = |arguments: &[&str]| -> anyhow::Result<()> {
        let output = Command::new("git").args(arguments).current_dir(folder).output()?;
        ensure!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    git(&["init", "-q"])?;
    let began = Instant::now();
    git(&["add", "-A"])?;
    git(&["write-tree"])?;
    Ok(began.elapsed().as_secs_f64())
}

/// The tables and indexes of the program, without its triggers, references and idempotency.
async fn make_tables(world: &World) -> anyhow::Result<()> {
    let make =
        "CREATE TABLE plain_files (LIKE files INCLUDING ALL); CREATE TABLE plain_blobs (LIKE blobs INCLUDING ALL);";
    Ok(world.sql.batch_execute(make).await?)
}

/// Binary COPY into tables of the session, then one upsert of each: rows and contents known
/// beforehand, object ids included.
async fn plain_load(world: &mut World, files: &[(String, String)]) -> anyhow::Result<f64> {
    let oids: Vec<Vec<u8>> = files.iter().map(|(_, content)| oid_of(content)).collect();
    world.sql.batch_execute("TRUNCATE plain_files, plain_blobs").await?;
    let began = Instant::now();
    let tx = world.sql.transaction().await?;
    tx.batch_execute(
        "CREATE TEMP TABLE new_files (key bytea, path text, oid bytea, size bigint) ON COMMIT DROP;
         CREATE TEMP TABLE new_blobs (oid bytea, size bigint, content bytea) ON COMMIT DROP;",
    )
    .await?;
    let copy = tx.copy_in("COPY new_files FROM STDIN BINARY").await?;
    let mut writer = pin!(BinaryCopyInWriter::new(copy, &[Type::BYTEA, Type::TEXT, Type::BYTEA, Type::INT8]));
    for ((path, content), oid) in files.iter().zip(&oids) {
        writer.as_mut().write(&[&path.as_bytes(), path, oid, &(content.len() as i64)]).await?;
    }
    writer.finish().await?;
    let copy = tx.copy_in("COPY new_blobs FROM STDIN BINARY").await?;
    let mut writer = pin!(BinaryCopyInWriter::new(copy, &[Type::BYTEA, Type::INT8, Type::BYTEA]));
    for ((_, content), oid) in files.iter().zip(&oids) {
        writer.as_mut().write(&[oid, &(content.len() as i64), &content.as_bytes()]).await?;
    }
    writer.finish().await?;
    tx.batch_execute(
        "INSERT INTO plain_files AS f (pid, key, path, oid, mode, size, revision, changed_at)
         SELECT 1, key, path, oid, 33188, size, 1, now() FROM new_files
         ON CONFLICT (pid, key) DO UPDATE SET oid = excluded.oid, size = excluded.size;
         INSERT INTO plain_blobs (pid, oid, size, content) SELECT 1, oid, size, content FROM new_blobs
         ON CONFLICT DO NOTHING;",
    )
    .await?;
    tx.commit().await?;
    Ok(began.elapsed().as_secs_f64())
}

fn oid_of(content: &str) -> Vec<u8> {
    Sha1::new().chain_update(format!("blob {}\0", content.len())).chain_update(content).finalize().to_vec()
}
