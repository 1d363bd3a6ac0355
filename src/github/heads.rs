//! The heads of many branches at once, to notice what webhooks did not tell.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::budget::Priority;
use super::error::{GithubError, Result};
use super::graphql::{Document, Graph};
use super::repo::{GraphRepository, Look, read_repository};
use super::run::{Account, Effect};
use super::tokens::{Access, Reach};
use super::{GitHub, InstallationId, RepoRef};
use crate::model::Code;

/// A branch to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchOf {
    pub repository: RepoRef,
    pub branch: String,
}

/// Branches of one request.
const AT_ONCE: usize = 100;

impl GitHub {
    /// Where these branches of one installation are, in their order. None: the repository is not
    /// found under its name, or may not be seen: look closer with `Repo::look`.
    pub async fn heads_of(&self, installation: InstallationId, branches: &[BranchOf]) -> Result<Vec<Option<Look>>> {
        let mut heads = Vec::with_capacity(branches.len());
        for some in branches.chunks(AT_ONCE) {
            heads.extend(self.some_heads(installation, some).await?);
        }
        Ok(heads)
    }

    async fn some_heads(&self, installation: InstallationId, branches: &[BranchOf]) -> Result<Vec<Option<Look>>> {
        let reach = Reach::of(branches.iter().map(|one| one.repository.id));
        match self.ask_heads(installation, reach, branches).await {
            // One repository out of reach must not hide the others.
            Err(GithubError::Refused { code: Code::RepositoryNotAccessible, .. }) => {
                self.ask_heads(installation, Reach::Installation, branches).await
            }
            outcome => outcome,
        }
    }

    async fn ask_heads(
        &self,
        installation: InstallationId,
        reach: Reach,
        branches: &[BranchOf],
    ) -> Result<Vec<Option<Look>>> {
        let account = Account { installation, reach, party: "heads".to_owned(), priority: Priority::Background };
        let (text, variables) = document(branches);
        let document = Document { endpoint: "graphql heads", text: &text, variables };
        let graph = self.graphql(&account, Access::Read, Effect::Reads, document).await?;
        branches.iter().enumerate().map(|(at, branch)| read(&graph, at, branch)).collect()
    }
}

fn document(branches: &[BranchOf]) -> (String, Map<String, Value>) {
    let (mut head, mut body, mut variables) = (String::new(), String::new(), Map::new());
    for (at, one) in branches.iter().enumerate() {
        let (owner, name) = one.repository.full_name.split_once('/').unwrap_or((&one.repository.full_name, ""));
        // Writing to a String does not fail.
        let _ = write!(head, "$o{at}: String!, $n{at}: String!, $r{at}: String!, ");
        let _ = write!(
            body,
            " a{at}: repository(owner: $o{at}, name: $n{at}) {{ ...R ref(qualifiedName: $r{at}) {{ ...H }} }}"
        );
        variables.insert(format!("o{at}"), owner.into());
        variables.insert(format!("n{at}"), name.into());
        variables.insert(format!("r{at}"), format!("refs/heads/{}", one.branch).into());
    }
    let head = head.trim_end_matches(", ");
    let fragments = "fragment R on Repository { databaseId nameWithOwner url isPrivate isArchived isEmpty defaultBranchRef { name } }
fragment H on Ref { target { oid ... on Commit { tree { oid } } } }";
    (format!("query({head}) {{{body} }}\n{fragments}"), variables)
}

fn read(graph: &Graph, at: usize, branch: &BranchOf) -> Result<Option<Look>> {
    let alias = format!("a{at}");
    let found = read_repository(&graph.data[&alias])?.filter(|found| found.database_id == branch.repository.id);
    if let Some(found) = found {
        return GraphRepository::look(found).map(Some);
    }
    match graph.error_at(&alias).map(|error| graph.verdict(error)) {
        Some(GithubError::Unavailable { detail, .. }) => Err(GithubError::unavailable(detail)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_document_for_many_branches() {
        let one = |id, name: &str| BranchOf {
            repository: RepoRef { id, full_name: name.to_owned() },
            branch: "main".to_owned(),
        };
        let (text, variables) = document(&[one(1, "acme/a"), one(2, "acme/b")]);
        assert!(
            text.starts_with(
                "query($o0: String!, $n0: String!, $r0: String!, $o1: String!, $n1: String!, $r1: String!) {"
            ),
            "{text}"
        );
        assert_eq!(variables["n1"], "b");
        assert_eq!(variables["r0"], "refs/heads/main");
    }
}
