//! Which files a refusal is about, when GitHub's answer to the commit names none.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::Engine;
use super::look::Trouble;
use super::receipt::Versions;
use crate::github::{AtPath, GithubError, Repo, is_readable};
use crate::model::{Code, Entry, FilePath, Mode};
use crate::store::StoreError;
use crate::store::integrations::Recorded;

/// Files whose contents are asked about together.
const ASKED_AT_ONCE: usize = 100;
/// More paths than this are not asked for by name, a hundred in a request: the whole tree is read.
const ASKED_BY_NAME: usize = 300;

/// A commit that GitHub refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: Code,
    pub detail: String,
    /// The files it is about.
    pub paths: BTreeMap<FilePath, Option<Entry>>,
}

impl Engine {
    /// What of these was refused; `paths` is empty where nobody can tell. Other errors come back.
    pub(super) async fn refusal(
        &self,
        repo: &Repo,
        pid: i64,
        error: GithubError,
        sent: &BTreeMap<FilePath, Option<Entry>>,
    ) -> Result<Refusal, Trouble> {
        let GithubError::Refused { code, detail, paths: mut named } = error else { return Err(error.into()) };
        if named.is_empty() && code == Code::PushProtection {
            named = self.refused_by_content(repo, pid, sent).await?;
        }
        let about_names = code == Code::ValidationFailed && named.is_empty();
        let is_named = |path: &FilePath| {
            named.iter().any(|name| name == path.as_str()) || (about_names && mentions(&detail, path.as_str()))
        };
        let paths =
            sent.iter().filter(|(path, _)| is_named(path)).map(|(path, entry)| (path.clone(), *entry)).collect();
        Ok(Refusal { code, detail, paths })
    }

    /// New files that would replace what is to stay on the branch, though no row tells of it: excluded
    /// files, and what a project cannot hold. They are refused here, before GitHub does as it is told.
    /// So are names that GitHub cannot show.
    pub(super) async fn in_the_way(
        &self,
        repo: &Repo,
        head: Recorded,
        sent: &Versions,
        is_new: impl Fn(&FilePath) -> bool,
    ) -> Result<Option<Refusal>, GithubError> {
        if let Some(refusal) = unreadable(sent) {
            return Ok(Some(refusal));
        }
        let new: Vec<&FilePath> =
            sent.iter().filter(|(path, to)| to.is_some() && is_new(path)).map(|(path, _)| path).collect();
        let asked: BTreeSet<&str> = new.iter().flat_map(|path| path.ancestors().chain([path.as_str()])).collect();
        let there = if asked.len() > ASKED_BY_NAME {
            repo.full_tree(head.tree).await?.into_iter().map(|file| file.path).collect()
        } else {
            there_by_name(repo, head, &asked, &new).await?
        };
        let goes = |path: &str| sent.get(path).is_some_and(Option::is_none);
        let mut paths = Versions::new();
        for path in new {
            let under_a_file = path.ancestors().any(|folder| there.contains(folder) && !goes(folder));
            let inside = format!("{path}/");
            let mut files = there.range(inside.clone()..).take_while(|file| file.starts_with(&inside));
            if under_a_file || files.any(|file| !goes(file)) {
                paths.insert(path.clone(), sent[path]);
            }
        }
        if paths.is_empty() {
            return Ok(None);
        }
        let detail = "GitHub has files in this place that are excluded here, or that a project cannot hold.".to_owned();
        Ok(Some(Refusal { code: Code::ValidationFailed, detail, paths }))
    }

    async fn refused_by_content(
        &self,
        repo: &Repo,
        pid: i64,
        sent: &BTreeMap<FilePath, Option<Entry>>,
    ) -> Result<Vec<String>, Trouble> {
        let mut refused = Vec::new();
        let sent: Vec<(&FilePath, Entry)> = sent.iter().filter_map(|(path, entry)| Some((path, (*entry)?))).collect();
        for some in sent.chunks(ASKED_AT_ONCE) {
            let contents = self.store.blobs(pid, &some.iter().map(|(_, entry)| entry.oid).collect()).await?;
            let files: Vec<(FilePath, Mode, Bytes)> = some
                .iter()
                .map(|(path, entry)| {
                    let missing = || StoreError::Internal(format!("the content of {} is missing", entry.oid));
                    let content = contents.get(&entry.oid).cloned().ok_or_else(missing)?;
                    Ok(((*path).clone(), entry.mode, content))
                })
                .collect::<Result<_, StoreError>>()?;
            refused.extend(repo.find_refused(files).await?.into_iter().map(String::from));
        }
        Ok(refused)
    }
}

/// The files that the branch has at these paths, and those in the folders where new files are to be.
async fn there_by_name(
    repo: &Repo,
    head: Recorded,
    asked: &BTreeSet<&str>,
    new: &[&FilePath],
) -> Result<BTreeSet<String>, GithubError> {
    let found = repo.at_paths(head.commit, asked.iter().map(|path| (*path).to_owned()).collect()).await?;
    let files = found.iter().filter(|(_, there)| **there == AtPath::Other).map(|(path, _)| path.clone());
    let mut there: BTreeSet<String> = files.collect();
    for path in new {
        if let Some(AtPath::Folder(tree)) = found.get(path.as_str()) {
            there.extend(repo.full_tree(*tree).await?.into_iter().map(|file| format!("{path}/{}", file.path)));
        }
    }
    Ok(there)
}

/// Names with the character that GitHub puts where a name is not UTF-8: what is there under them, and
/// that a commit holds them, it cannot show. They are held until they are renamed.
pub(super) fn unreadable(sent: &Versions) -> Option<Refusal> {
    let paths: Versions = sent
        .iter()
        .filter(|(path, _)| !is_readable(path.as_str()))
        .map(|(path, entry)| (path.clone(), *entry))
        .collect();
    let detail = "GitHub cannot show names with the replacement character U+FFFD. Rename the file without it.";
    let code = Code::ValidationFailed;
    (!paths.is_empty()).then(|| Refusal { code, detail: detail.to_owned(), paths })
}

/// Whether a refusal's words name this path, or a folder it lies in.
fn mentions(detail: &str, path: &str) -> bool {
    let words = detail.split_whitespace().map(|word| word.trim_matches(|c: char| "`'\",;:()".contains(c)));
    words.map(|word| word.trim_end_matches('.')).any(|word| {
        let folder = word.trim_end_matches(['*', '/']);
        word == path || (!folder.is_empty() && path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    })
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn words_that_name_a_path() {
        for (detail, path, expected) in [
            ("File path secret/ is restricted.", "secret/a.txt", true),
            ("File path `secret/**/*` is restricted.", "secret/a.txt", true),
            ("File path a.exe is restricted.", "a.exe", true),
            ("File path secret/ is restricted.", "other/secret/a.txt", false),
            ("File path secret/ is restricted.", "secretly.txt", false),
            ("A path was requested that is not valid: a\\b", "a\\b", true),
            ("", "a", false),
        ] {
            assert_eq!(mentions(detail, path), expected, "{detail} {path}");
        }
    }
}
