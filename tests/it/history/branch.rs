//! What ought to be on the branch of an open pull request: the project's later edits, merged by line
//! with what reviewers committed there, and never in its place. What came into the project from GitHub
//! is nobody's edit.

use std::collections::BTreeMap;

use super::files::{File, Tree};
use super::model::merged;

/// The project and a branch, at one time.
pub struct Seen {
    pub project: Tree,
    pub branch: Tree,
}

#[derive(Debug, Clone, Copy)]
struct CameIn {
    file: Option<File>,
    /// The branch had been given what it replaced. Otherwise what replaced an edit may count as one.
    certain: bool,
}

#[derive(Debug, Clone)]
pub struct Branch {
    /// The project's version that the branch was given last, or those that may be it.
    given: BTreeMap<String, Vec<Option<File>>>,
    /// What came into the project since, where nobody edited it afterwards.
    came_in: BTreeMap<String, CameIn>,
}

impl Branch {
    /// As it was made.
    pub fn new(made: Tree) -> Branch {
        let given = made.into_iter().map(|(path, file)| (path, vec![Some(file)])).collect();
        Branch { given, came_in: BTreeMap::new() }
    }

    /// A drain is over, in which nobody edited anything; `due`: edits were to be committed in it.
    /// Checks one path of a pull request that `is_open`.
    pub fn drained(&mut self, path: &str, before: &Seen, after: &Seen, due: bool, is_open: bool) -> Result<(), String> {
        let [edit_before, theirs] = [&before.project, &before.branch].map(|tree| tree.get(path).copied());
        let [edit, now] = [&after.project, &after.branch].map(|tree| tree.get(path).copied());
        let given = self.given.entry(path.to_owned()).or_insert_with(|| vec![None]).clone();
        let mut edits = Vec::from_iter((!self.is_nobodys(path, edit_before)).then_some(edit_before));
        if edit != edit_before {
            let certain = given.contains(&edit_before) || self.is_nobodys(path, edit_before);
            self.came_in.insert(path.to_owned(), CameIn { file: edit, certain });
        }
        edits.extend((!self.is_nobodys(path, edit)).then_some(edit));
        if !is_open {
            return Ok(());
        }
        let is_edit = self.came_in.get(path).is_none_or(|came_in| came_in.file != edit);
        let told = format!("{now:?}, was {theirs:?}; given {given:?}, in the project {edit_before:?}, then {edit:?}");
        let fits = |edit| given.iter().any(|given| committed(*given, edit, theirs) == Some(now));
        if now != theirs && !edits.iter().any(|edit| fits(*edit)) {
            return Err(format!("nobody's edit: {told}"));
        }
        let merges = given.iter().all(|given| committed(*given, edit, theirs).is_some());
        if due && is_edit && merges && !given.contains(&edit) && !fits(edit) {
            return Err(format!("an edit is missing: {told}"));
        }
        let took = edits.into_iter().rev().find(|edit| !given.contains(edit) && fits(*edit));
        if let Some(took) = took.filter(|_| due || now != theirs) {
            self.took(path, took, took == edit, is_edit || now != theirs);
        }
        Ok(())
    }

    fn is_nobodys(&self, path: &str, file: Option<File>) -> bool {
        self.came_in.get(path).is_some_and(|came_in| came_in.certain && came_in.file == file)
    }

    /// The branch was given this version, the project's present one or the one before something came in.
    fn took(&mut self, path: &str, file: Option<File>, is_present: bool, certain: bool) {
        let given = self.given.entry(path.to_owned()).or_default();
        if certain {
            given.clear();
        }
        given.push(file);
        if is_present && certain {
            self.came_in.remove(path);
        } else if let Some(came_in) = self.came_in.get_mut(path) {
            came_in.certain |= certain;
        }
    }
}

/// What an edit makes of a path on the branch; none: it does not merge with what reviewers made of it.
fn committed(given: Option<File>, edit: Option<File>, theirs: Option<File>) -> Option<Option<File>> {
    if theirs == given || edit == theirs { Some(edit) } else { merged(given, edit, theirs).map(Some) }
}
