//! Commits: reading them, and the one mutation that makes most of ours.
//! <https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch>

use std::collections::BTreeMap;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::{GithubError, Result};
use super::patience;
use super::receipt::Receipt;
use super::repo::{GraphTree, Repo};
use super::run::Effect;
use super::tokens::Access;
use super::transport::{Answer, Call};
use crate::model::{Code, FilePath, Oid};

/// A commit as GitHub shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    pub oid: Oid,
    pub tree: Oid,
    pub parents: Vec<Oid>,
    pub message: String,
    pub author_name: Option<String>,
    pub author_email: Option<String>,
    /// The GitHub account, where GitHub knows one.
    pub author_login: Option<String>,
    /// Made by this App's own bot.
    pub by_app: bool,
    /// GitHub shows it as verified.
    pub verified: bool,
    pub url: String,
}

/// What a commit says: the first line and the rest, which may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitMessage {
    pub headline: String,
    pub body: String,
}

impl CommitMessage {
    /// As git has it: a blank line between headline and body.
    pub fn text(&self) -> String {
        if self.body.is_empty() { self.headline.clone() } else { format!("{}\n\n{}", self.headline, self.body) }
    }
}

/// A commit that GitHub's own answer showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub commit: Oid,
    pub tree: Oid,
    pub url: String,
}

#[derive(Deserialize)]
struct RestCommit {
    sha: Oid,
    #[serde(default)]
    html_url: String,
    commit: Inner,
    #[serde(default)]
    parents: Vec<Parent>,
    #[serde(default)]
    author: Option<Account>,
}

/// A commit as git has it, without the account behind it.
#[derive(Deserialize)]
struct GitCommit {
    sha: Oid,
    #[serde(default)]
    html_url: String,
    #[serde(flatten)]
    inner: Inner,
    #[serde(default)]
    parents: Vec<Parent>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    message: String,
    tree: Parent,
    #[serde(default)]
    author: Option<Signature>,
    #[serde(default)]
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Parent {
    sha: Oid,
}

#[derive(Deserialize)]
struct Signature {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Deserialize)]
struct Verification {
    #[serde(default)]
    verified: bool,
}

#[derive(Deserialize)]
struct Account {
    #[serde(default)]
    login: Option<String>,
}

// The mutation's input, written straight into the request's body: 40 MB should exist once.
#[derive(Serialize)]
struct Variables<'a> {
    input: Input<'a>,
    /// The paths that the answer is to show.
    #[serde(flatten)]
    shown: BTreeMap<String, &'a FilePath>,
}

#[derive(Serialize)]
struct Input<'a> {
    branch: Value,
    #[serde(rename = "expectedHeadOid")]
    expected: Oid,
    message: Value,
    #[serde(rename = "fileChanges")]
    changes: FileChanges<'a>,
}

#[derive(Serialize)]
struct FileChanges<'a> {
    additions: Vec<Addition<'a>>,
    deletions: Vec<Deletion<'a>>,
}

#[derive(Serialize)]
struct Addition<'a> {
    path: &'a FilePath,
    contents: Encoded<'a>,
}

#[derive(Serialize)]
struct Deletion<'a> {
    path: &'a FilePath,
}

/// Base64, made while it is written.
pub(crate) struct Encoded<'a>(pub &'a [u8]);

impl Serialize for Encoded<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

#[derive(Deserialize)]
struct GraphCommit {
    oid: Oid,
    #[serde(default)]
    url: String,
    tree: GraphTree,
}

impl Repo {
    /// The commit itself: `commits/{ref}` would come with the patches of its files, however large.
    pub async fn commit(&self, oid: Oid) -> Result<CommitInfo> {
        let (endpoint, tail) = ("GET /repos/{owner}/{repo}/git/commits/{sha}", format!("/git/commits/{oid}"));
        let found: GitCommit = self.get(endpoint, Access::Read, &tail).await?.json(false)?;
        Ok(self.info_of(RestCommit {
            sha: found.sha,
            html_url: found.html_url,
            commit: found.inner,
            parents: found.parents,
            author: None,
        }))
    }

    /// The newest commits that lead to `head`, newest first; `limit` at most 100.
    pub async fn commits_back(&self, head: Oid, limit: u32) -> Result<Vec<CommitInfo>> {
        let tail = format!("/commits?sha={head}&per_page={}", limit.clamp(1, 100));
        let answer = self.get("GET /repos/{owner}/{repo}/commits", Access::Read, &tail).await?;
        let commits: Vec<RestCommit> = answer.json(false)?;
        Ok(commits.into_iter().map(|commit| self.info_of(commit)).collect())
    }

    /// Whether this commit is the head or leads to it, however far back.
    pub async fn is_in(&self, commit: Oid, head: Oid) -> Result<bool> {
        #[derive(Deserialize)]
        struct Compared {
            status: String,
        }
        // The files are listed on the first page only, and nobody wants them.
        let tail = format!("/compare/{commit}...{head}?per_page=1&page=2");
        match self.get("GET /repos/{owner}/{repo}/compare/{basehead}", Access::Read, &tail).await {
            Ok(answer) => Ok(matches!(answer.json::<Compared>(false)?.status.as_str(), "ahead" | "identical")),
            // Histories without a common commit.
            Err(GithubError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn info_of(&self, found: RestCommit) -> CommitInfo {
        let login = found.author.and_then(|account| account.login);
        let bot = self.github.app().map(|app| format!("{}[bot]", app.slug));
        let (name, email) = found.commit.author.map(|author| (author.name, author.email)).unwrap_or_default();
        CommitInfo {
            oid: found.sha,
            tree: found.commit.tree.sha,
            parents: found.parents.into_iter().map(|parent| parent.sha).collect(),
            message: found.commit.message,
            by_app: bot.is_some_and(|bot| [&login, &name].into_iter().any(|who| who.as_ref() == Some(&bot))),
            author_name: name,
            author_email: email,
            author_login: login,
            verified: found.commit.verification.is_some_and(|check| check.verified),
            url: found.html_url,
        }
    }

    /// One commit of regular files on a branch, if it still is at `expected`; else `Stale`. The files
    /// named by a refusal, when GitHub names none and only one kind of file can be meant, are added.
    pub async fn create_commit_on_branch(
        &self,
        branch: &str,
        expected: Oid,
        message: &CommitMessage,
        additions: &[(FilePath, Bytes)],
        deletions: &[FilePath],
    ) -> Result<Committed> {
        let paths = || additions.iter().map(|(path, _)| path).chain(deletions);
        let access = access_for(paths());
        let receipt = Receipt::asked(additions, deletions);
        let input = Input {
            branch: json!({"repositoryNameWithOwner": self.full_name(), "branchName": branch}),
            expected,
            message: json!({"headline": message.headline, "body": message.body}),
            changes: FileChanges {
                additions: additions.iter().map(|(path, bytes)| Addition { path, contents: Encoded(bytes) }).collect(),
                deletions: deletions.iter().map(|path| Deletion { path }).collect(),
            },
        };
        let variables = Variables { input, shown: receipt.variables() };
        let sent = self.mutate("graphql createCommitOnBranch", access, &receipt.mutation(), variables).await;
        let sent = sent.and_then(|graph| {
            let is_proven = receipt.is_proven_by(&graph);
            committed(graph).inspect(|made| {
                if is_proven {
                    self.shown.prove(made.commit)
                }
            })
        });
        sent.map_err(|error| about_workflows(error, paths()))
    }

    /// Whether the answer that named this commit also showed the branch at it, and every path of it as
    /// it was sent. Otherwise that is to be read.
    pub fn has_proven(&self, commit: Oid) -> bool {
        self.shown.is_proven(commit)
    }

    /// What the commit says. Only asked for when no answer has shown it.
    pub async fn message(&self, commit: Oid) -> Result<String> {
        match self.shown.message(commit) {
            Some(message) => Ok(message),
            None => Ok(self.commit(commit).await?.message),
        }
    }

    /// Does it again while GitHub does not find what it just made. Nothing made twice is in the way:
    /// only a ref makes an object part of a branch.
    async fn run_despite_lag(&self, access: Access, call: Call) -> Result<Answer> {
        for pause in patience::REPLICATION {
            match self.run(access, Effect::Adds, call.clone()).await {
                Err(error) if patience::is_lag(&error) => patience::pause(pause).await,
                outcome => return outcome,
            }
        }
        self.run(access, Effect::Adds, call).await
    }

    /// A commit with exactly this tree. No author is given, so GitHub signs it as the App's.
    pub async fn create_commit(&self, message: &CommitMessage, tree: Oid, parents: &[Oid]) -> Result<Committed> {
        #[derive(Deserialize)]
        struct Created {
            sha: Oid,
            tree: Parent,
            #[serde(default)]
            html_url: String,
        }
        let body = json!({"message": message.text(), "tree": tree, "parents": parents});
        let call =
            self.call(Method::POST, "POST /repos/{owner}/{repo}/git/commits", "/git/commits").with_json(&body)?;
        let created: Created = self.run_despite_lag(Access::Write, call).await?.json(false)?;
        if created.tree.sha != tree {
            return Err(GithubError::unavailable("the new commit has another tree"));
        }
        Ok(Committed { commit: created.sha, tree: created.tree.sha, url: created.html_url })
    }
}

/// Only an answer that shows commit and tree counts as done, and not one whose branch is elsewhere.
fn committed(graph: super::graphql::Graph) -> Result<Committed> {
    let payload = &graph.data["createCommitOnBranch"];
    let shown = GraphCommit::deserialize(&payload["commit"]).ok();
    let branch = payload.pointer("/ref/target/oid").and_then(Value::as_str).and_then(|oid| oid.parse::<Oid>().ok());
    match (shown, graph.errors.first()) {
        (Some(commit), _) if branch.is_some_and(|oid| oid != commit.oid) => {
            Err(GithubError::unproven("the branch does not point to the new commit"))
        }
        (Some(commit), _) => Ok(Committed { commit: commit.oid, tree: commit.tree.oid, url: commit.url }),
        (None, Some(error)) => Err(graph.verdict(error)),
        (None, None) => Err(GithubError::unproven("the answer shows no commit")),
    }
}

/// Workflow files need a permission of their own.
pub(crate) fn access_for<'a>(paths: impl IntoIterator<Item = &'a FilePath>) -> Access {
    if paths.into_iter().any(is_workflow) { Access::Workflows } else { Access::Write }
}

pub(crate) fn is_workflow(path: &FilePath) -> bool {
    path.as_str().starts_with(".github/workflows/")
}

/// A missing permission can only mean the workflow files, when there are some.
pub(crate) fn about_workflows<'a>(error: GithubError, paths: impl Iterator<Item = &'a FilePath>) -> GithubError {
    match error {
        GithubError::Refused { code: Code::PermissionMissing, .. } => {
            error.about(|| paths.filter(|path| is_workflow(path)).map(ToString::to_string).collect())
        }
        other => other,
    }
}
