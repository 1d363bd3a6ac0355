//! Where a branch is and what changed on it, in one request, when a webhook has already said which
//! paths: the folders above them on both sides, and the files' text.
//!
//! The paths are a guess that only saves requests. What they did not lead to is asked for afterwards,
//! and every tree and text is known by its id.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::diff::read_level;
use super::error::{GithubError, Result};
use super::repo::{Head, Look, REPOSITORY, Repo};
use super::tokens::Access;
use crate::model::{FilePath, Oid};

/// More paths than this, or more folders above them, and the answer would be too much.
const PATHS: usize = 20;
const FOLDERS: usize = 20;
const LEVEL: &str = "... on Tree { entries { name mode type oid object { ... on Blob { byteSize } } } }";
const TEXT: &str = "... on Blob { text isTruncated }";

impl Repo {
    /// As `look`, with what these paths are likely to need. `known`: the head that was recorded.
    pub async fn glimpse(&self, branch: &str, known: Option<Head>, paths: &[FilePath]) -> Result<Look> {
        let folders: BTreeSet<&str> = paths.iter().flat_map(|path| path.ancestors()).collect();
        let (Some(known), true) = (known, !paths.is_empty() && paths.len() <= PATHS && folders.len() <= FOLDERS) else {
            return self.look(branch).await;
        };
        match self.glimpse_by_name(branch, known, &folders, paths).await {
            Ok(Some(look)) => Ok(look),
            Ok(None) | Err(GithubError::NotFound | GithubError::Invalid(_) | GithubError::TooLarge { .. }) => {
                self.look(branch).await
            }
            Err(error) => Err(error),
        }
    }

    async fn glimpse_by_name(
        &self,
        branch: &str,
        known: Head,
        folders: &BTreeSet<&str>,
        paths: &[FilePath],
    ) -> Result<Option<Look>> {
        let (owner, name) = self.owner_and_name()?;
        let mut question = Question::new(&owner, &name, branch);
        let now = format!("refs/heads/{branch}");
        question.object(&format!("{}^{{tree}}", known.commit), LEVEL);
        for folder in folders {
            question.object(&format!("{}:{folder}", known.commit), LEVEL);
            question.object(&format!("{now}:{folder}"), LEVEL);
        }
        for path in paths {
            question.object(&format!("{now}:{path}"), TEXT);
        }
        let graph = self.query("graphql glimpse", Access::Read, &question.text(), &question.variables).await?;
        let data = graph.complete()?;
        let found = &data["repository"];
        let look = self.look_of(&owner, found).await?;
        self.remember(found);
        Ok(look)
    }

    fn remember(&self, repository: &Value) {
        let root = repository.pointer("/ref/target/tree");
        let objects = repository.as_object().into_iter().flatten().filter(|(alias, _)| is_alias(alias));
        for object in objects.map(|(_, object)| object).chain(root) {
            let Some(oid) = object.get("oid").and_then(|oid| Oid::deserialize(oid).ok()) else { continue };
            if let Some(text) = object.get("text").and_then(Value::as_str) {
                self.shown.add_text(oid, text.to_owned());
            } else if let Ok(entries) = read_level(object) {
                self.shown.add_tree(oid, entries);
            }
        }
    }
}

fn is_alias(name: &str) -> bool {
    name.strip_prefix('o').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A query that grows.
struct Question {
    declared: String,
    asked: String,
    variables: Map<String, Value>,
    count: usize,
}

impl Question {
    fn new(owner: &str, name: &str, branch: &str) -> Self {
        let variables = json!({"owner": owner, "name": name, "ref": format!("refs/heads/{branch}")});
        let variables = variables.as_object().cloned().unwrap_or_default();
        Question { declared: String::new(), asked: String::new(), variables, count: 0 }
    }

    /// What stands at this expression, as far as the selection takes it.
    fn object(&mut self, expression: &str, selection: &str) {
        let at = self.count;
        self.count += 1;
        // Writing to a String does not fail.
        let _ = write!(self.declared, ", $e{at}: String!");
        let _ = write!(self.asked, " o{at}: object(expression: $e{at}) {{ oid {selection} }}");
        self.variables.insert(format!("e{at}"), json!(expression));
    }

    fn text(&self) -> String {
        let level = "entries { name mode type oid object { ... on Blob { byteSize } } }";
        format!(
            "query($owner: String!, $name: String!, $ref: String!{}) {{ repository(owner: $owner, name: $name) {{ {REPOSITORY}
             ref(qualifiedName: $ref) {{ target {{ oid ... on Commit {{ message tree {{ oid {level} }} }} }} }}{} }} }}",
            self.declared, self.asked
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_declares_what_it_asks() {
        let mut question = Question::new("acme", "site", "main");
        question.object("refs/heads/main:a \"b\"", TEXT);
        let text = question.text();
        assert!(text.starts_with("query($owner: String!, $name: String!, $ref: String!, $e0: String!)"), "{text}");
        assert!(text.contains("o0: object(expression: $e0) { oid ... on Blob { text isTruncated } }"), "{text}");
        assert_eq!(question.variables["e0"], "refs/heads/main:a \"b\"");
    }

    #[test]
    fn only_our_aliases_are_objects() {
        assert!(is_alias("o0") && is_alias("o12"));
        assert!(!is_alias("owner") && !is_alias("ref"));
    }
}
