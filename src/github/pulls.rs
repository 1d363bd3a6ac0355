//! Pull requests: opening, and everything about one in a single request.
//! <https://docs.github.com/en/rest/pulls/pulls>, <https://docs.github.com/en/graphql/reference/objects#pullrequest>

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{GithubError, Result};
use super::graphql::Graph;
use super::repo::{Repo, encode};
use super::run::Effect;
use super::tokens::Access;
use crate::model::{Code, Oid};

/// What a new pull request says. `head` and `base` are branches of this repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPull {
    pub title: String,
    pub body: String,
    pub head: String,
    pub base: String,
    pub draft: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullInfo {
    pub number: i64,
    pub url: String,
    pub title: String,
    pub state: PullState,
    /// The branch it comes from, and its newest commit.
    pub head: String,
    pub head_oid: Oid,
    pub base: String,
    /// The commit that brought it into its base, once merged.
    pub merge_commit: Option<Oid>,
    /// None while GitHub does not know yet.
    pub mergeable: Option<bool>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A pull request with its checks and reviews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullStatus {
    pub pull: PullInfo,
    pub checks: Checks,
    pub review: Review,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullState {
    Open,
    Draft,
    Merged,
    Closed,
}

/// Any failure is a failure, else anything running is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    None,
    Pending,
    Success,
    Failure,
}

/// The last opinion of each person counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    None,
    Required,
    Approved,
    ChangesRequested,
}

const STATUS: &str = "query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    databaseId
    pullRequest(number: $number) {
      number url title state isDraft mergeable reviewDecision
      headRefName headRefOid baseRefName mergeCommit { oid } createdAt updatedAt
      reviews(last: 100) { nodes { state author { login } } }
      statusCheckRollup { state contexts(first: 100) {
        pageInfo { hasNextPage }
        nodes { __typename ... on CheckRun { status conclusion } ... on StatusContext { state } }
      } }
    }
  }
}";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GraphPull {
    number: i64,
    url: String,
    title: String,
    state: String,
    #[serde(default)]
    is_draft: bool,
    #[serde(default)]
    mergeable: String,
    #[serde(default)]
    review_decision: Option<String>,
    head_ref_name: String,
    head_ref_oid: Oid,
    base_ref_name: String,
    #[serde(default)]
    merge_commit: Option<Commit>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[serde(default)]
    reviews: Option<Nodes<GraphReview>>,
    #[serde(default)]
    status_check_rollup: Option<Rollup>,
}

#[derive(Deserialize)]
struct Commit {
    oid: Oid,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"), rename_all = "camelCase")]
struct Nodes<T> {
    #[serde(default = "Vec::new")]
    nodes: Vec<Option<T>>,
    #[serde(default)]
    page_info: PageInfo,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PageInfo {
    has_next_page: bool,
}

#[derive(Deserialize)]
struct GraphReview {
    state: String,
    #[serde(default)]
    author: Option<Login>,
}

#[derive(Deserialize)]
struct Login {
    login: String,
}

#[derive(Deserialize)]
struct Rollup {
    #[serde(default)]
    state: String,
    #[serde(default)]
    contexts: Option<Nodes<Context>>,
}

/// A check run (`status`, `conclusion`) or a commit status (`state`).
#[derive(Deserialize, Default)]
#[serde(default)]
struct Context {
    status: Option<String>,
    conclusion: Option<String>,
    state: Option<String>,
}

#[derive(Deserialize)]
struct RestPull {
    number: i64,
    html_url: String,
    title: String,
    state: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    merged_at: Option<DateTime<Utc>>,
    #[serde(default)]
    merge_commit_sha: Option<Oid>,
    #[serde(default)]
    mergeable: Option<bool>,
    head: RestSide,
    base: RestSide,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct RestSide {
    #[serde(rename = "ref")]
    name: String,
    sha: Oid,
}

impl Repo {
    /// Opens a pull request. Refusals: `pull_request_exists`, `nothing_to_sync` (no commits between).
    pub async fn create_pull(&self, new: &NewPull) -> Result<PullInfo> {
        let body =
            json!({"title": new.title, "body": new.body, "head": new.head, "base": new.base, "draft": new.draft});
        let call = self.call(Method::POST, "POST /repos/{owner}/{repo}/pulls", "/pulls").with_json(&body)?;
        let made: RestPull = self.run(Access::Pulls, Effect::Writes, call).await?.json(true)?;
        Ok(made.into())
    }

    /// The newest pull request from this branch of this repository: an open one, else any.
    pub async fn find_pull(&self, head: &str) -> Result<Option<PullInfo>> {
        let (owner, _) = self.owner_and_name()?;
        let head_filter = encode(&format!("{owner}:{head}"));
        let tail = format!("/pulls?head={head_filter}&state=all&sort=created&direction=desc&per_page=30");
        let answer = self.get("GET /repos/{owner}/{repo}/pulls", Access::PullStatusOnly, &tail).await?;
        let found: Vec<RestPull> = answer.json(false)?;
        let mut found: Vec<PullInfo> = found.into_iter().map(PullInfo::from).filter(|pull| pull.head == head).collect();
        let open = found.iter().position(|pull| matches!(pull.state, PullState::Open | PullState::Draft));
        Ok(if found.is_empty() { None } else { Some(found.swap_remove(open.unwrap_or(0))) })
    }

    /// Everything about a pull request, in one request. `NotFound`: there is none with this number.
    pub async fn pull_status(&self, number: i64) -> Result<PullStatus> {
        match self.status_with(Access::PullStatus, number).await {
            // An installation that never granted checks and statuses: the rest is still known.
            Err(GithubError::Refused { code: Code::PermissionMissing, .. }) => {
                self.status_with(Access::PullStatusOnly, number).await
            }
            outcome => outcome,
        }
    }

    async fn status_with(&self, access: Access, number: i64) -> Result<PullStatus> {
        let (owner, name) = self.owner_and_name()?;
        let variables = json!({"owner": owner, "name": name, "number": number});
        let graph = self.query("graphql pullRequest", access, STATUS, variables).await?;
        if graph.data["repository"]["databaseId"].as_i64().is_some_and(|id| id != self.id()) {
            return Err(GithubError::NotFound);
        }
        read_status(&graph)
    }
}

/// Checks that may not be seen are «none»; any other error counts.
fn read_status(graph: &Graph) -> Result<PullStatus> {
    let about_checks = |path: &[Value]| path.iter().any(|step| step == "statusCheckRollup");
    if let Some(error) = graph.errors.iter().find(|error| !about_checks(&error.path)) {
        return Err(graph.verdict(error));
    }
    let found = &graph.data["repository"]["pullRequest"];
    if found.is_null() {
        return Err(graph.errors.first().map_or(GithubError::NotFound, |error| graph.verdict(error)));
    }
    let pull = GraphPull::deserialize(found)
        .map_err(|_| GithubError::unavailable("an answer without a pull request's fields"))?;
    let checks = pull.status_check_rollup.as_ref().map_or(Checks::None, checks_of);
    let review =
        review_of(pull.review_decision.as_deref(), pull.reviews.as_ref().map_or(&[], |reviews| &reviews.nodes));
    Ok(PullStatus { pull: pull.into(), checks, review })
}

fn checks_of(rollup: &Rollup) -> Checks {
    let contexts = rollup.contexts.as_ref();
    let mut all: Vec<Checks> = contexts.iter().flat_map(|some| &some.nodes).flatten().map(check_of).collect();
    if all.is_empty() || contexts.is_some_and(|some| some.page_info.has_next_page) {
        all.push(state_of(&rollup.state));
    }
    [Checks::Failure, Checks::Pending, Checks::Success]
        .into_iter()
        .find(|one| all.contains(one))
        .unwrap_or(Checks::None)
}

fn check_of(context: &Context) -> Checks {
    match (&context.state, context.status.as_deref(), context.conclusion.as_deref()) {
        (Some(state), _, _) => state_of(state),
        (None, Some("COMPLETED"), Some("SUCCESS" | "NEUTRAL" | "SKIPPED")) => Checks::Success,
        (None, Some("COMPLETED"), Some("STALE") | None) => Checks::Pending,
        (None, Some("COMPLETED"), Some(_)) => Checks::Failure,
        (None, _, _) => Checks::Pending,
    }
}

fn state_of(state: &str) -> Checks {
    match state {
        "SUCCESS" => Checks::Success,
        "ERROR" | "FAILURE" => Checks::Failure,
        "PENDING" | "EXPECTED" => Checks::Pending,
        _ => Checks::None,
    }
}

/// Comments are no opinion; a dismissed review no longer is one.
fn review_of(decision: Option<&str>, reviews: &[Option<GraphReview>]) -> Review {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for review in reviews.iter().flatten().filter(|review| !matches!(review.state.as_str(), "COMMENTED" | "PENDING")) {
        last.insert(review.author.as_ref().map_or("", |author| &author.login), &review.state);
    }
    let says = |state: &str| last.values().any(|last| *last == state);
    match decision {
        _ if says("CHANGES_REQUESTED") => Review::ChangesRequested,
        Some("CHANGES_REQUESTED") => Review::ChangesRequested,
        Some("REVIEW_REQUIRED") => Review::Required,
        Some("APPROVED") => Review::Approved,
        _ if says("APPROVED") => Review::Approved,
        _ => Review::None,
    }
}

impl From<GraphPull> for PullInfo {
    fn from(pull: GraphPull) -> Self {
        let state = match (pull.state.as_str(), pull.is_draft) {
            ("MERGED", _) => PullState::Merged,
            ("CLOSED", _) => PullState::Closed,
            (_, true) => PullState::Draft,
            (_, false) => PullState::Open,
        };
        let mergeable = match pull.mergeable.as_str() {
            "MERGEABLE" => Some(true),
            "CONFLICTING" => Some(false),
            _ => None,
        };
        PullInfo {
            number: pull.number,
            url: pull.url,
            title: pull.title,
            state,
            head: pull.head_ref_name,
            head_oid: pull.head_ref_oid,
            base: pull.base_ref_name,
            merge_commit: pull.merge_commit.map(|commit| commit.oid).filter(|_| state == PullState::Merged),
            mergeable,
            created_at: pull.created_at,
            updated_at: pull.updated_at,
        }
    }
}

impl From<RestPull> for PullInfo {
    fn from(pull: RestPull) -> Self {
        let state = match (pull.merged_at, pull.state.as_str(), pull.draft) {
            (Some(_), _, _) => PullState::Merged,
            (None, "closed", _) => PullState::Closed,
            (None, _, true) => PullState::Draft,
            (None, _, false) => PullState::Open,
        };
        PullInfo {
            number: pull.number,
            url: pull.html_url,
            title: pull.title,
            state,
            head: pull.head.name,
            head_oid: pull.head.sha,
            base: pull.base.name,
            // Before the merge this is only GitHub's trial merge.
            merge_commit: pull.merge_commit_sha.filter(|_| state == PullState::Merged),
            mergeable: pull.mergeable,
            created_at: pull.created_at,
            updated_at: pull.updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn reviews(list: &[(&str, &str)]) -> Vec<Option<GraphReview>> {
        let one = |(who, state): &(&str, &str)| GraphReview {
            state: (*state).to_owned(),
            author: Some(Login { login: (*who).to_owned() }),
        };
        list.iter().map(one).map(Some).collect()
    }

    #[test]
    fn the_last_opinion_of_each_person_counts() {
        let of = |list: &[(&str, &str)]| review_of(None, &reviews(list));
        assert_eq!(of(&[]), Review::None);
        assert_eq!(of(&[("a", "CHANGES_REQUESTED"), ("a", "APPROVED")]), Review::Approved);
        assert_eq!(of(&[("a", "APPROVED"), ("b", "CHANGES_REQUESTED"), ("b", "COMMENTED")]), Review::ChangesRequested);
        assert_eq!(of(&[("a", "CHANGES_REQUESTED"), ("a", "DISMISSED")]), Review::None);
        assert_eq!(review_of(Some("REVIEW_REQUIRED"), &reviews(&[("a", "APPROVED")])), Review::Required);
    }

    #[test]
    fn one_failure_is_failure_and_one_running_is_pending() {
        let of = |contexts: Value| {
            checks_of(&serde_json::from_value(json!({"state": "SUCCESS", "contexts": {"nodes": contexts}})).unwrap())
        };
        let run = |status: &str, conclusion: Value| json!({"__typename": "CheckRun", "status": status, "conclusion": conclusion});
        let good = run("COMPLETED", json!("SUCCESS"));
        assert_eq!(of(json!([good])), Checks::Success);
        assert_eq!(of(json!([good, run("IN_PROGRESS", Value::Null)])), Checks::Pending);
        assert_eq!(of(json!([good, run("QUEUED", Value::Null), {"state": "ERROR"}])), Checks::Failure);
        assert_eq!(of(json!([run("COMPLETED", json!("SKIPPED"))])), Checks::Success);
        assert_eq!(of(json!([run("COMPLETED", json!("TIMED_OUT"))])), Checks::Failure);
    }
}
