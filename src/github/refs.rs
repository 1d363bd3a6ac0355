//! Branches: making, moving, deleting. Nothing here moves a branch that is not where it is expected.
//! <https://docs.github.com/en/rest/git/refs>, <https://docs.github.com/en/graphql/reference/mutations#updaterefs>

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::error::{GithubError, Result};
use super::repo::{HeadState, Repo, encode_path};
use super::run::Effect;
use super::tokens::Access;
use super::transport::Answer;
use crate::model::Oid;

#[derive(Deserialize)]
struct RestRef {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: Oid,
}

const UPDATE: &str = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";
const INSIDE: &str =
    "query($owner: String!, $name: String!, $prefix: String!) { repository(owner: $owner, name: $name) {
  databaseId refs(refPrefix: $prefix, first: 1) { nodes { prefix name } } } }";
const NODE: &str =
    "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { id databaseId } }";

impl Repo {
    /// A new branch. `Stale`: it exists already.
    pub async fn create_ref(&self, branch: &str, oid: Oid) -> Result<()> {
        let body = json!({"ref": format!("refs/heads/{branch}"), "sha": oid});
        let call = self.call(Method::POST, "POST /repos/{owner}/{repo}/git/refs", "/git/refs").with_json(&body)?;
        points_to(&self.run(Access::Write, Effect::Writes, call).await?, oid)
    }

    /// Moves a branch forward. `Stale`: that would not be a fast-forward; so with a commit whose
    /// parent is the expected head this is a compare-and-swap.
    pub async fn update_ref(&self, branch: &str, oid: Oid) -> Result<()> {
        let tail = format!("/git/refs/heads/{}", encode_path(branch));
        let body = json!({"sha": oid, "force": false});
        let call = self.call(Method::PATCH, "PATCH /repos/{owner}/{repo}/git/refs/{ref}", &tail).with_json(&body)?;
        points_to(&self.run(Access::Write, Effect::Writes, call).await?, oid)
    }

    /// Moves a branch from exactly `before` to `after`. `Oid::ZERO` before: it must not exist; after:
    /// it is deleted. `force` allows what is not a fast-forward. `Stale`: it was not at `before`.
    pub async fn update_ref_cas(&self, branch: &str, before: Oid, after: Oid, force: bool) -> Result<()> {
        let update =
            json!({"name": format!("refs/heads/{branch}"), "beforeOid": before, "afterOid": after, "force": force});
        let input = json!({"repositoryId": self.node_id().await?, "refUpdates": [update]});
        let sent = self.mutate("graphql updateRefs", Access::Write, UPDATE, json!({"input": input})).await;
        match sent.and_then(super::graphql::Graph::complete) {
            // The mutation's answer shows nothing: look.
            Ok(_) if self.is_at(branch, after).await? => Ok(()),
            Ok(_) => Err(GithubError::unproven("the branch is not where it was moved to")),
            Err(GithubError::Invalid(_) | GithubError::NotFound) if !self.is_at(branch, before).await? => {
                Err(GithubError::Stale)
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes a branch if it is exactly there. Already gone counts as deleted.
    pub async fn delete_ref_if(&self, branch: &str, oid: Oid) -> Result<()> {
        match self.update_ref_cas(branch, oid, Oid::ZERO, true).await {
            Err(GithubError::Stale) if self.is_at(branch, Oid::ZERO).await? => Ok(()),
            outcome => outcome,
        }
    }

    /// A branch whose name begins with this one's and a slash.
    /// <https://docs.github.com/en/graphql/reference/objects#repository>
    pub async fn branch_inside(&self, branch: &str) -> Result<Option<String>> {
        let (owner, name) = self.owner_and_name()?;
        let variables = json!({"owner": owner, "name": name, "prefix": format!("refs/heads/{branch}/")});
        let data = self.query("graphql refs", Access::Read, INSIDE, variables).await?.complete()?;
        let repository = &data["repository"];
        if repository["databaseId"].as_i64() != Some(self.id()) {
            return Err(GithubError::NotFound);
        }
        let found = &repository["refs"]["nodes"][0];
        let (Some(prefix), Some(name)) = (found["prefix"].as_str(), found["name"].as_str()) else { return Ok(None) };
        Ok(format!("{prefix}{name}").strip_prefix("refs/heads/").map(str::to_owned))
    }

    async fn is_at(&self, branch: &str, oid: Oid) -> Result<bool> {
        Ok(match self.head(branch).await? {
            HeadState::Branch(head) => head.commit == oid,
            HeadState::Missing | HeadState::EmptyRepository => oid == Oid::ZERO,
        })
    }

    /// GraphQL's own id of the repository, which mutations want.
    pub(crate) async fn node_id(&self) -> Result<String> {
        let (owner, name) = self.owner_and_name()?;
        let data =
            self.query("graphql node", Access::Read, NODE, json!({"owner": owner, "name": name})).await?.complete()?;
        let repository = &data["repository"];
        match (repository["databaseId"].as_i64(), repository["id"].as_str()) {
            (Some(id), Some(node)) if id == self.id() => Ok(node.to_owned()),
            _ => Err(GithubError::NotFound),
        }
    }
}

fn points_to(answer: &Answer, oid: Oid) -> Result<()> {
    let shown: RestRef = answer.json(true)?;
    if shown.object.sha == oid { Ok(()) } else { Err(GithubError::unproven("the branch points elsewhere")) }
}
