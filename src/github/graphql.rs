//! GraphQL with our own types: octocrab's error drops `type`, which says what to do next.

use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GitHub;
use super::error::{GithubError, Result};
use super::run::{Account, Effect};
use super::tokens::Access;
use super::transport::{Call, JSON, weight};
use super::verdict::{self, About, Subject};

/// A document with its variables. `endpoint` is the label of the metrics.
pub(crate) struct Document<'a, V> {
    pub endpoint: &'static str,
    pub text: &'a str,
    pub variables: V,
}

/// An answer that may be partial: data here, errors there.
#[derive(Debug)]
pub(crate) struct Graph {
    pub data: Value,
    pub errors: Vec<GraphError>,
    headers: HeaderMap,
    about: About,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GraphError {
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub path: Vec<Value>,
}

#[derive(Serialize)]
struct Posted<'a, V> {
    query: &'a str,
    variables: &'a V,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    errors: Option<Vec<GraphError>>,
}

impl GitHub {
    pub(crate) async fn graphql<V: Serialize>(
        &self,
        account: &Account,
        access: Access,
        effect: Effect,
        document: Document<'_, V>,
    ) -> Result<Graph> {
        let call = self.graphql_call(&document, effect)?;
        let answer = self.run(account, access, effect, call).await?;
        let body: Body = answer.json(effect == Effect::Writes)?;
        let about = About { subject: Subject::Installation, writes: effect == Effect::Writes };
        let (data, errors) = (body.data.unwrap_or(Value::Null), body.errors.unwrap_or_default());
        let graph = Graph { data, errors, headers: answer.headers, about };
        if graph.data.is_null() && graph.errors.is_empty() {
            return Err(GithubError::Unavailable {
                detail: "an answer without data".to_owned(),
                ambiguous: about.writes,
            });
        }
        Ok(graph)
    }

    fn graphql_call<V: Serialize>(&self, document: &Document<'_, V>, effect: Effect) -> Result<Call> {
        let timeouts = &self.inner.settings;
        let call = Call {
            method: Method::POST,
            endpoint: document.endpoint,
            url: self.inner.settings.graphql_url.clone(),
            accept: JSON,
            body: None,
            content_type: "application/json",
            timeout: timeouts.timeout,
            limit: weight::TREE,
        };
        let call = call.with_json(&Posted { query: document.text, variables: &document.variables })?;
        let is_upload = effect == Effect::Writes && call.body.as_ref().is_some_and(|body| body.len() > 1 << 20);
        Ok(if is_upload { call.within(timeouts.transfer_timeout) } else { call })
    }
}

#[cfg(test)]
impl Graph {
    /// An answer without errors.
    pub fn of(data: Value) -> Self {
        let about = About { subject: Subject::Installation, writes: true };
        Graph { data, errors: Vec::new(), headers: HeaderMap::new(), about }
    }
}

impl Graph {
    /// The data, when there is no error at all.
    pub fn complete(self) -> Result<Value> {
        match self.errors.first() {
            None => Ok(self.data),
            Some(error) => Err(self.verdict(error)),
        }
    }

    pub fn verdict(&self, error: &GraphError) -> GithubError {
        verdict::of_graphql(
            self.about,
            error.kind.as_deref().unwrap_or(""),
            &error.message,
            &self.headers,
            chrono::Utc::now(),
        )
    }

    /// The error below this alias, if any.
    pub fn error_at(&self, alias: &str) -> Option<&GraphError> {
        self.errors.iter().find(|error| error.path.first().and_then(Value::as_str) == Some(alias))
    }
}
