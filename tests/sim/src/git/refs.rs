//! Refs of one bare repository: an index in memory, and files that any `git` reads.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use super::Oid;
use super::store::write_whole;
use crate::lock;

/// All refs by full name, `refs/heads/main`.
#[derive(Debug)]
pub(crate) struct Refs {
    dir: PathBuf,
    refs: Mutex<BTreeMap<String, Oid>>,
}

/// Why a ref did not change.
#[derive(Debug)]
pub(crate) enum RefError {
    /// It does not point to what was expected; it points here.
    Moved(Option<Oid>),
    /// `a` stands in the way of `a/b`, or the other way round.
    InTheWay,
    Io(io::Error),
}

impl From<io::Error> for RefError {
    fn from(error: io::Error) -> Self {
        RefError::Io(error)
    }
}

impl Refs {
    pub(crate) fn new(dir: PathBuf) -> Refs {
        Refs {
            dir,
            refs: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Oid> {
        lock(&self.refs).get(name).copied()
    }

    /// All refs whose full names begin so, sorted.
    pub(crate) fn list(&self, prefix: &str) -> Vec<(String, Oid)> {
        let refs = lock(&self.refs);
        refs.range(prefix.to_owned()..)
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, oid)| (name.clone(), *oid))
            .collect()
    }

    /// Whether a new ref of this name finds `a` in the way of `a/b`, or the other way round.
    pub(crate) fn is_blocked(&self, name: &str) -> bool {
        in_the_way(&lock(&self.refs), name).is_err()
    }

    /// Compare and swap: `to` = nothing deletes, `from` = nothing must not exist yet.
    pub(crate) fn swap(
        &self,
        name: &str,
        from: Option<Oid>,
        to: Option<Oid>,
    ) -> Result<(), RefError> {
        let mut refs = lock(&self.refs);
        let now = refs.get(name).copied();
        if now != from {
            return Err(RefError::Moved(now));
        }
        if now.is_none() && to.is_some() {
            in_the_way(&refs, name)?;
        }
        match to {
            Some(oid) => {
                self.write(name, oid)?;
                refs.insert(name.to_owned(), oid);
            }
            None => {
                self.remove(name)?;
                refs.remove(name);
            }
        }
        Ok(())
    }

    /// Lets `HEAD` name this branch.
    pub(crate) fn set_head(&self, branch: &str) -> io::Result<()> {
        let content = format!("ref: refs/heads/{branch}\n");
        self.place("HEAD", &content)
    }

    fn write(&self, name: &str, oid: Oid) -> io::Result<()> {
        self.place(name, &format!("{oid}\n"))
    }

    fn place(&self, name: &str, content: &str) -> io::Result<()> {
        let path = self.dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = self.dir.join("ref.tmp");
        write_whole(&temporary, content.as_bytes())?;
        fs::rename(temporary, path)
    }

    /// Removes the file and the folders that are empty by then.
    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.dir.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let top = self.dir.join("refs");
        let mut folder = path.parent();
        while let Some(at) = folder {
            if at.parent() == Some(&top) || fs::remove_dir(at).is_err() {
                break;
            }
            folder = at.parent();
        }
        Ok(())
    }
}

fn in_the_way(refs: &BTreeMap<String, Oid>, name: &str) -> Result<(), RefError> {
    let below = format!("{name}/");
    let first = refs.range(below.clone()..).next();
    let is_above = first.is_some_and(|(other, _)| other.starts_with(&below));
    let mut parts = name.match_indices('/');
    if is_above || parts.any(|(at, _)| refs.contains_key(&name[..at])) {
        return Err(RefError::InTheWay);
    }
    Ok(())
}

/// Whether git takes this as a ref's full name (`git check-ref-format`).
pub(crate) fn is_valid(name: &str) -> bool {
    let parts_are_fine = name
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"));
    let no_bad_character = !name
        .chars()
        .any(|c| c.is_ascii_control() || " ~^:?*[\\".contains(c));
    parts_are_fine
        && no_bad_character
        && name.starts_with("refs/")
        && name.matches('/').count() >= 2
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
}
