//! What waits to be synced: a page of it, what may have been renamed, and why paths are kept back.

use std::collections::HashMap;

use crate::store::GenericClient;
use serde_json::Value;
use tokio_postgres::Row;

use crate::model::path::key_of;
use crate::model::{Code, Entry, FilePath, Problem, ProjectId};

use super::files::{self, FileRow};
use super::projects::problem_of;
use super::{Store, StoreError};

/// Of a project with more pending paths than this, renames are not looked for.
const MAX_PAIRED: i64 = 20_000;

/// A pending path, or an excluded one.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingRow {
    pub file: FileRow,
    /// Why it is kept back, if it is.
    pub held: Option<Problem>,
}

/// A path that was deleted or added, as it is on the side that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub path: String,
    pub entry: Entry,
}

/// A page of what is pending.
#[derive(Debug, Default)]
pub struct PendingPage {
    pub pid: i64,
    pub rows: Vec<PendingRow>,
    /// All pending deletions, where renames can be looked for.
    pub deleted: Vec<Side>,
    /// All pending additions, where there are deletions too.
    pub added: Vec<Side>,
}

const PENDING: &str = "NOT f.excluded AND (f.oid IS DISTINCT FROM f.base_oid OR f.mode IS DISTINCT FROM f.base_mode)";

impl Store {
    /// Up to `limit` pending paths behind `after`, or excluded ones; none: no such project.
    pub async fn pending(
        &self,
        project: &ProjectId,
        excluded: bool,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Option<PendingPage>, StoreError> {
        let client = self.client().await?;
        let select = client.prepare_cached("SELECT pid, pending FROM projects WHERE id = $1").await?;
        let Some(row) = client.query_opt(&select, &[&project.as_str()]).await? else { return Ok(None) };
        let (pid, pending): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let rows = page(&client, pid, excluded, after, limit).await?;
        let mut found = PendingPage { pid, rows, ..PendingPage::default() };
        if !excluded {
            tell_collisions(&client, pid, &mut found.rows).await?;
        }
        if !excluded && pending <= MAX_PAIRED {
            found.deleted = sides(&client, pid, false).await?;
            if !found.deleted.is_empty() {
                found.added = sides(&client, pid, true).await?;
            }
        }
        Ok(Some(found))
    }
}

/// What lies in a folder that stands against a file of GitHub's waits with that file.
async fn tell_collisions(client: &impl GenericClient, pid: i64, rows: &mut [PendingRow]) -> Result<(), StoreError> {
    let select = client
        .prepare_cached(
            "SELECT path, problem FROM holds WHERE pid = $1 AND reason = 'collision' AND problem IS NOT NULL",
        )
        .await?;
    let told = client.query(&select, &[&pid]).await?;
    let told = told.iter().map(|row| Ok((row.try_get(0)?, problem_of(row.try_get(1)?)?)));
    let told: HashMap<String, Problem> = told.collect::<Result<_, StoreError>>()?;
    for row in rows.iter_mut().filter(|row| row.held.is_none()) {
        row.held = row.file.path.ancestors().find_map(|folder| told.get(folder).cloned());
    }
    Ok(())
}

async fn page(
    client: &impl GenericClient,
    pid: i64,
    excluded: bool,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<PendingRow>, StoreError> {
    let which = if excluded { "f.excluded AND f.oid IS NOT NULL" } else { PENDING };
    let columns: Vec<String> = files::COLUMNS.split(", ").map(|column| format!("f.{column}")).collect();
    let select = format!(
        "SELECT {}, h.reason, h.problem, h.oid, h.mode, r.number, r.state, r.base
         FROM files f LEFT JOIN holds h ON h.pid = f.pid AND h.key = f.key
              LEFT JOIN pull_requests r ON r.id = h.pull_request
         WHERE f.pid = $1 AND f.key > $2 AND {which} ORDER BY f.key LIMIT $3",
        columns.join(", ")
    );
    let select = client.prepare_cached(&select).await?;
    let rows = client.query(&select, &[&pid, &after.map(key_of).unwrap_or_default(), &limit]).await?;
    rows.iter().map(pending_row).collect()
}

fn pending_row(row: &Row) -> Result<PendingRow, StoreError> {
    let file = files::row_of(row)?;
    let reason: Option<String> = row.try_get(11)?;
    let problem = row.try_get::<_, Option<Value>>(12)?.map(problem_of).transpose()?;
    let refused = files::entry_of(row.try_get(13)?, row.try_get(14)?)?;
    let pull = Pull { number: row.try_get(15)?, state: row.try_get(16)?, base: row.try_get(17)? };
    let held = reason.and_then(|reason| held(&file, &reason, problem, refused, &pull)).or_else(|| conflict(&file));
    Ok(PendingRow { file, held })
}

/// The pull request that a hold names; nothing of it is known when it names none.
struct Pull {
    number: Option<i64>,
    state: Option<String>,
    base: Option<String>,
}

impl Pull {
    fn name(&self) -> String {
        self.number.map_or_else(|| "a pull request".to_owned(), |number| format!("pull request #{number}"))
    }

    /// It ended, and what it carried waits for a person.
    fn ended(&self) -> Problem {
        let detail = match (self.state.as_deref(), &self.base) {
            (Some("merged"), Some(base)) => format!("The change was in {}, which was merged into {base}.", self.name()),
            (Some("creating"), _) => "The change was to be in a pull request, which could not be made.".to_owned(),
            _ => format!("The change was in {}, which was closed.", self.name()),
        };
        Problem::new(Code::PullRequestExists, detail).with_action("Sync now, or open another pull request.")
    }
}

/// A refusal counts for the version that was refused; another one is tried, unless a closed pull
/// request left the path.
fn held(
    file: &FileRow,
    reason: &str,
    problem: Option<Problem>,
    refused: Option<Entry>,
    pull: &Pull,
) -> Option<Problem> {
    match reason {
        "refused" if refused != file.project.map(|version| version.entry()) => {
            pull.state.as_ref().map(|_| pull.ended())
        }
        "pull_request" => {
            let carried = || Problem::new(Code::PullRequestExists, format!("The change is in {}.", pull.name()));
            Some(problem.unwrap_or_else(carried))
        }
        "pull_request_closed" => Some(pull.ended()),
        _ => problem.or_else(|| Some(changed_on_both_sides(&file.path))),
    }
}

/// Both sides changed it, differently.
fn conflict(file: &FileRow) -> Option<Problem> {
    let github = file.github?;
    let project = file.project.map(|version| version.entry());
    let differs = !file.excluded && project != file.base && github != file.base && project != github;
    differs.then(|| changed_on_both_sides(&file.path))
}

fn changed_on_both_sides(path: &FilePath) -> Problem {
    Problem::new(Code::SyncConflict, format!("{path} changed here and on GitHub."))
}

/// Pending paths that are on one side only.
async fn sides(client: &impl GenericClient, pid: i64, added: bool) -> Result<Vec<Side>, StoreError> {
    let (columns, which) = match added {
        true => ("f.path, f.oid, f.mode", "f.base_oid IS NULL AND f.oid IS NOT NULL"),
        false => ("f.path, f.base_oid, f.base_mode", "f.oid IS NULL AND f.base_oid IS NOT NULL"),
    };
    let select = format!("SELECT {columns} FROM files f WHERE f.pid = $1 AND {PENDING} AND {which} ORDER BY f.key");
    let select = client.prepare_cached(&select).await?;
    let mut sides = Vec::new();
    for row in client.query(&select, &[&pid]).await? {
        if let Some(entry) = files::entry_of(row.try_get(1)?, row.try_get(2)?)? {
            sides.push(Side { path: row.try_get(0)?, entry });
        }
    }
    Ok(sides)
}
