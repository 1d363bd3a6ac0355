//! Paths that changed on both sides and wait for a person.

use std::collections::BTreeMap;

use crate::store::GenericClient;
use tokio_postgres::Row;

use super::integrations::json;
use super::record::{self, Absorb, Absorbed};
use super::syncs::entry;
use super::{Store, StoreError, Transaction, pull_edits, pull_holds};
use crate::model::{Entry, FilePath, Problem};

/// A held path with its three sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub path: FilePath,
    /// A file on one side where the other has a folder.
    pub collision: bool,
    pub problem: Option<Problem>,
    pub base: Option<Entry>,
    pub project: Option<Entry>,
    pub project_size: i64,
    pub github: Option<Entry>,
    /// Bytes, where GitHub said.
    pub github_size: Option<i64>,
}

const SELECT: &str = "SELECT h.path, h.reason, h.problem, f.base_oid, f.base_mode, f.oid, f.mode, f.size, f.gh_size,
        CASE WHEN f.gh_changed THEN f.gh_oid ELSE f.base_oid END AS there_oid,
        CASE WHEN f.gh_changed THEN f.gh_mode ELSE f.base_mode END AS there_mode
    FROM holds h JOIN files f ON f.pid = h.pid AND f.key = h.key
    WHERE h.pid = $1 AND h.reason IN ('conflict', 'collision') AND NOT f.excluded
      AND (h.reason = 'collision' OR (f.oid, f.mode) IS DISTINCT FROM
           (CASE WHEN f.gh_changed THEN f.gh_oid ELSE f.base_oid END, CASE WHEN f.gh_changed THEN f.gh_mode ELSE f.base_mode END))";

fn conflict(row: &Row) -> Result<Conflict, StoreError> {
    Ok(Conflict {
        path: FilePath::parse(row.try_get::<_, String>("path")?)
            .map_err(|why| StoreError::Internal(why.to_string()))?,
        collision: row.try_get::<_, String>("reason")? == "collision",
        problem: json(row, "problem")?,
        base: entry(row, "base_oid", "base_mode")?,
        project: entry(row, "oid", "mode")?,
        project_size: row.try_get::<_, Option<i64>>("size")?.unwrap_or(0),
        github: entry(row, "there_oid", "there_mode")?,
        github_size: row.try_get("gh_size")?,
    })
}

/// All held paths.
pub async fn all(client: &impl GenericClient, pid: i64) -> Result<Vec<Conflict>, StoreError> {
    let rows = client.query(&format!("{SELECT} ORDER BY h.key"), &[&pid]).await?;
    rows.iter().map(conflict).collect()
}

impl Store {
    /// Held paths in the order of their keys, from after the given key.
    pub async fn conflicts(&self, pid: i64, after: &[u8], limit: i64) -> Result<Vec<Conflict>, StoreError> {
        let client = self.client().await?;
        let rows =
            client.query(&format!("{SELECT} AND h.key > $2 ORDER BY h.key LIMIT $3"), &[&pid, &after, &limit]).await?;
        rows.iter().map(conflict).collect()
    }
}

/// How a held path is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// The project's version goes to the branch.
    Project,
    /// GitHub's version comes into the project.
    Github,
    /// This version, whose content the project has, goes to both.
    Content { entry: Entry, size: i64 },
}

/// Settles held paths: base becomes GitHub's version, so that what then differs in the project is
/// an ordinary pending change. The caller holds the project's row lock.
pub async fn settle(
    tx: &Transaction<'_>,
    pid: i64,
    snapshot: i64,
    choices: &BTreeMap<FilePath, (Conflict, Settle)>,
) -> Result<Absorbed, StoreError> {
    let mut paths = BTreeMap::new();
    for (path, (conflict, choice)) in choices {
        paths.insert(path.clone(), settled(tx, pid, conflict, choice).await?);
        if conflict.collision {
            settle_folder(tx, pid, path, conflict, choice, &mut paths).await?;
        }
    }
    let absorbed = record::absorb(tx, pid, snapshot, &paths).await?;
    // A path that is not chosen is in the folder of a collision, and taken away when GitHub's file comes.
    let is_githubs = |path: &FilePath| choices.get(path).is_none_or(|(_, choice)| *choice == Settle::Github);
    let came_in: Vec<_> = paths
        .iter()
        .filter(|(path, absorb)| absorb.project != absorb.seen && is_githubs(path) && absorbed.changed.contains(*path))
        .map(|(path, absorb)| (path, absorb.seen))
        .collect();
    pull_edits::came_in(tx, pid, &came_in).await?;
    let keys: Vec<Vec<u8>> = choices.keys().map(FilePath::key).collect();
    tx.execute(
        "DELETE FROM holds WHERE pid = $1 AND key = ANY($2) AND reason IN ('conflict', 'collision')",
        &[&pid, &keys],
    )
    .await?;
    pull_holds::settled(tx, pid, &keys).await?;
    Ok(absorbed)
}

async fn settled(tx: &Transaction<'_>, pid: i64, conflict: &Conflict, choice: &Settle) -> Result<Absorb, StoreError> {
    let (project, size) = match choice {
        Settle::Project => (conflict.project, conflict.project_size),
        // The file of a collision comes with the next look, when the folder is out of its way.
        Settle::Github if conflict.collision => (None, 0),
        Settle::Github => (conflict.github, size_of(tx, pid, conflict.github).await?),
        Settle::Content { entry, size } => (Some(*entry), *size),
    };
    let base = if conflict.collision && *choice == Settle::Github { None } else { conflict.github };
    Ok(Absorb {
        seen: conflict.project,
        seen_base: conflict.base,
        project,
        size,
        base,
        github: conflict.github,
        github_size: None,
    })
}

async fn size_of(tx: &Transaction<'_>, pid: i64, entry: Option<Entry>) -> Result<i64, StoreError> {
    let Some(entry) = entry else { return Ok(0) };
    let row =
        tx.query_opt("SELECT size FROM blobs WHERE pid = $1 AND oid = $2", &[&pid, &entry.oid.as_bytes()]).await?;
    row.map(|row| row.try_get(0))
        .transpose()?
        .ok_or_else(|| StoreError::Internal(format!("the content of {} is missing", entry.oid)))
}

/// A file in the folder that stands against a file of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    pub path: FilePath,
    pub base: Option<Entry>,
    pub project: Option<Entry>,
    pub project_size: i64,
    pub github: Option<Entry>,
    /// Bytes, where GitHub said.
    pub github_size: Option<i64>,
}

/// What lies in the folder that stands against this file.
pub async fn inside(client: &impl GenericClient, pid: i64, file: &FilePath) -> Result<Vec<Inside>, StoreError> {
    let rows = client
        .query(
            "SELECT path, oid, mode, size, base_oid, base_mode, gh_size,
                 CASE WHEN gh_changed THEN gh_oid ELSE base_oid END AS there_oid,
                 CASE WHEN gh_changed THEN gh_mode ELSE base_mode END AS there_mode
             FROM files WHERE pid = $1 AND NOT excluded AND starts_with(path, $2)
               AND key >= substring(convert_to($2, 'UTF8') for 868)
               AND key < substring(convert_to($2, 'UTF8') for 868) || '\\xff'::bytea",
            &[&pid, &format!("{file}/")],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Inside {
                path: FilePath::parse(row.try_get::<_, String>("path")?)
                    .map_err(|why| StoreError::Internal(why.to_string()))?,
                base: entry(row, "base_oid", "base_mode")?,
                project: entry(row, "oid", "mode")?,
                project_size: row.try_get::<_, Option<i64>>("size")?.unwrap_or(0),
                github: entry(row, "there_oid", "there_mode")?,
                github_size: row.try_get("gh_size")?,
            })
        })
        .collect()
}

/// What lies in the folder that stands against the file goes the same way.
async fn settle_folder(
    tx: &Transaction<'_>,
    pid: i64,
    file: &FilePath,
    conflict: &Conflict,
    choice: &Settle,
    paths: &mut BTreeMap<FilePath, Absorb>,
) -> Result<(), StoreError> {
    for one in inside(tx, pid, file).await? {
        let removes_project = *choice == Settle::Github && conflict.project.is_none();
        let overrules_github = *choice == Settle::Project && conflict.project.is_some();
        if !removes_project && !overrules_github {
            continue;
        }
        let absorb = Absorb {
            seen: one.project,
            seen_base: one.base,
            project: if removes_project { None } else { one.project },
            size: if removes_project { 0 } else { one.project_size },
            base: one.github,
            github: one.github,
            github_size: None,
        };
        paths.insert(one.path, absorb);
    }
    Ok(())
}
