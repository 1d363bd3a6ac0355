//! The whole tree at once: what is listed is there afterwards and nothing else. Only what differs
//! is written.

use std::collections::{HashMap, HashSet};

use crate::store::Transaction;
use futures_util::TryStreamExt;

use crate::model::path::is_dotgitmodules;
use crate::model::problem::FieldError;
use crate::model::{FilePath, Mode, Oid};
use crate::store::blobs::{self, Contents, NewBlob};
use crate::store::files::{self, FileRow, Version};
use crate::store::{Store, StoreError};

use super::apply::{self, NewContent};
use super::begin::{self, Begin, Locked, begin};
use super::edits::{self, Edit};
use super::{Answer, Asking, ChangeError};

/// Oids asked for by one statement.
const STEP: usize = 10_000;

/// A whole tree whose fields are valid one by one.
#[derive(Debug, Clone)]
pub struct TreeRequest {
    pub asking: Asking,
    pub files: Vec<TreeFile>,
}

#[derive(Debug, Clone)]
pub struct TreeFile {
    pub path: FilePath,
    /// What the path had, else `100644`, when none is given.
    pub mode: Option<Mode>,
    pub content: TreeContent,
}

#[derive(Debug, Clone, Copy)]
pub enum TreeContent {
    New(NewContent),
    /// A blob that the project has already.
    Known(Oid),
}

/// Content as the tree needs it: its size, and why it cannot be a symlink's target.
#[derive(Debug, Clone, Copy)]
struct Known {
    oid: Oid,
    size: i64,
    no_symlink: Option<&'static str>,
}

impl Store {
    /// Makes the project's tree what the request lists, all or none.
    pub async fn replace_tree(&self, request: &TreeRequest, contents: &impl Contents) -> Result<Answer, ChangeError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let project = match begin(&tx, &request.asking, true).await? {
            Begin::Answered(answer) => return Ok(answer),
            Begin::Open(project) => project,
        };
        check_paths(&request.files)?;
        let known = known_contents(&tx, &project, &request.files).await?;
        let mut edits = differences(&tx, &project, &request.files, &known).await?;
        edits::mark_excluded(&project, request.asking.excludes, &mut edits)?;
        blobs::write(&tx, project.pid, &new_blobs(&request.files), contents).await?;
        edits::write(&tx, &project, &request.asking, &edits).await?;
        let answer = begin::finish(&tx, &project, &request.asking, "project.changed", &edits).await?;
        tx.commit().await?;
        self.followers.tell(project.pid);
        Ok(answer)
    }
}

/// No path twice, none both file and folder.
fn check_paths(files: &[TreeFile]) -> Result<(), ChangeError> {
    let mut indexes = HashMap::new();
    let mut errors = Vec::new();
    for (index, file) in files.iter().enumerate() {
        if indexes.insert(&file.path, index).is_some() {
            errors.push(error(index, "path", format!("{} is listed twice", file.path)));
        }
    }
    for (file, below) in apply::clashes(files.iter().map(|file| &file.path)) {
        let index = indexes.get(&below).copied().unwrap_or_default();
        errors.push(error(index, "path", apply::both_file_and_folder(file.as_str(), below.as_str())));
    }
    if errors.is_empty() { Ok(()) } else { Err(ChangeError::Invalid(errors)) }
}

/// Every content the tree names, by oid.
async fn known_contents(
    tx: &Transaction<'_>,
    project: &Locked,
    files: &[TreeFile],
) -> Result<HashMap<Oid, Known>, ChangeError> {
    let mut known = HashMap::new();
    let mut asked = HashSet::new();
    let mut links = HashSet::new();
    for file in files {
        match file.content {
            TreeContent::New(new) => {
                known.insert(new.oid, Known { oid: new.oid, size: new.size, no_symlink: new.no_symlink });
            }
            TreeContent::Known(oid) => {
                asked.insert(oid);
                if file.mode != Some(Mode::Regular) && file.mode != Some(Mode::Executable) {
                    links.insert(oid);
                }
            }
        }
    }
    asked.retain(|oid| !known.contains_key(oid));
    links.retain(|oid| asked.contains(oid));
    let asked: Vec<Oid> = asked.into_iter().collect();
    let mut missing: Vec<Oid> = Vec::new();
    for step in asked.chunks(STEP) {
        let found = stored(tx, project.pid, step, &links).await?;
        missing.extend(step.iter().filter(|oid| !found.contains_key(oid)));
        known.extend(found);
    }
    missing.sort();
    if missing.is_empty() { Ok(known) } else { Err(ChangeError::BlobsMissing(missing)) }
}

/// Sizes of stored blobs. Whether one can be a symlink's target is decided by PostgreSQL, for those
/// that may have to be one, so that no content travels.
async fn stored(
    tx: &Transaction<'_>,
    pid: i64,
    oids: &[Oid],
    links: &HashSet<Oid>,
) -> Result<HashMap<Oid, Known>, StoreError> {
    let select = tx
        .prepare_cached(
            "SELECT b.oid, b.size, CASE
                 WHEN NOT u.link OR b.size NOT BETWEEN 1 AND 4096 THEN false
                 ELSE position('\\x00'::bytea IN b.content) > 0 END
             FROM unnest($2::bytea[], $3::bool[]) AS u (oid, link) JOIN blobs b ON b.pid = $1 AND b.oid = u.oid",
        )
        .await?;
    let bytes: Vec<&[u8]> = oids.iter().map(Oid::as_bytes).collect();
    let link: Vec<bool> = oids.iter().map(|oid| links.contains(oid)).collect();
    let mut known = HashMap::new();
    for row in tx.query(&select, &[&pid, &bytes, &link]).await? {
        let (oid, size) = (files::oid_of(row.try_get(0)?)?, row.try_get(1)?);
        let no_symlink = no_symlink(size, row.try_get(2)?);
        known.insert(oid, Known { oid, size, no_symlink });
    }
    Ok(known)
}

/// Why content of this size, with or without a NUL, is no target of a symlink.
pub fn no_symlink(size: i64, has_nul: bool) -> Option<&'static str> {
    match size {
        0 => Some("the target of a symlink is not empty"),
        1..=4096 if has_nul => Some("the target of a symlink has no NUL"),
        1..=4096 => None,
        _ => Some("the target of a symlink has at most 4,096 bytes"),
    }
}

/// One edit for each path whose project side becomes another.
async fn differences(
    tx: &Transaction<'_>,
    project: &Locked,
    wanted: &[TreeFile],
    known: &HashMap<Oid, Known>,
) -> Result<Vec<Edit>, ChangeError> {
    let mut left: HashMap<&FilePath, usize> =
        wanted.iter().enumerate().map(|(index, file)| (&file.path, index)).collect();
    let mut work = Differences { wanted, known, edits: Vec::new(), errors: Vec::new() };
    let select = format!("SELECT {} FROM files WHERE pid = $1 AND oid IS NOT NULL", files::COLUMNS);
    let select = tx.prepare_cached(&select).await?;
    let rows = tx.query_raw(&select, [project.pid]).await?;
    futures_util::pin_mut!(rows);
    while let Some(row) = rows.try_next().await? {
        let row = files::row_of(&row)?;
        match left.remove(&row.path) {
            Some(index) => work.compare(index, Some(row)),
            None => work.edits.push(edit(row.path.clone(), Some(row), None)),
        }
    }
    let new: Vec<&FilePath> = left.keys().copied().collect();
    for step in new.chunks(STEP) {
        let mut rows = files::load(tx, project.pid, step.iter().copied()).await?;
        for path in step {
            let index = left.get(path).copied().unwrap_or_default();
            work.compare(index, rows.remove(*path));
        }
    }
    if work.errors.is_empty() { Ok(work.edits) } else { Err(ChangeError::Invalid(work.errors)) }
}

struct Differences<'a> {
    wanted: &'a [TreeFile],
    known: &'a HashMap<Oid, Known>,
    edits: Vec<Edit>,
    errors: Vec<FieldError>,
}

impl Differences<'_> {
    /// Compares one listed file with its row.
    fn compare(&mut self, index: usize, row: Option<FileRow>) {
        let file = &self.wanted[index];
        let oid = match file.content {
            TreeContent::New(new) => new.oid,
            TreeContent::Known(oid) => oid,
        };
        let Some(content) = self.known.get(&oid) else { return };
        let was = row.as_ref().and_then(|row| row.project);
        let mode = file.mode.or(was.map(|version| version.mode)).unwrap_or(Mode::Regular);
        if mode == Mode::Symlink {
            if is_dotgitmodules(&file.path) {
                return self.errors.push(error(index, "path", apply::NO_LINKED_MODULES.to_owned()));
            }
            if let Some(why) = content.no_symlink {
                return self.errors.push(error(index, "content", why.to_owned()));
            }
        }
        let now = Version { oid: content.oid, mode, size: content.size };
        if was != Some(now) {
            self.edits.push(edit(file.path.clone(), row, Some(now)));
        }
    }
}

fn edit(path: FilePath, row: Option<FileRow>, now: Option<Version>) -> Edit {
    Edit { path, row, now, excluded: false, carried: Vec::new() }
}

fn error(index: usize, field: &str, message: String) -> FieldError {
    FieldError { field: format!("files[{index}].{field}"), message }
}

fn new_blobs(files: &[TreeFile]) -> Vec<NewBlob> {
    let new = files.iter().filter_map(|file| match file.content {
        TreeContent::New(new) => Some(NewBlob { oid: new.oid, size: new.size, content: new.content }),
        TreeContent::Known(_) => None,
    });
    new.collect()
}
