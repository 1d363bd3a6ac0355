//! A small HTTP client, and a world to begin with.

use anyhow::Context;
use bytes::Bytes;
use github_sim::{AppInfo, Options, Sim};
use http::Method;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// Talks to one simulator under one token.
#[derive(Clone)]
pub(crate) struct Client {
    url: String,
    authorization: Option<String>,
    http: Http<HttpConnector, Full<Bytes>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl Client {
    pub(crate) fn new(sim: &Sim, authorization: Option<String>) -> Client {
        Client { url: sim.url().to_owned(), authorization, http: Http::builder(TokioExecutor::new()).build_http() }
    }

    /// As an installation, with all it may.
    pub(crate) fn installation(sim: &Sim, id: u64) -> Client {
        let token = sim.installation_token(id);
        Client::new(sim, Some(format!("Bearer {token}")))
    }

    /// As a person.
    pub(crate) fn user(sim: &Sim, login: &str) -> Client {
        let (token, _) = sim.user_token(login);
        Client::new(sim, Some(format!("Bearer {token}")))
    }

    /// As the App itself.
    pub(crate) fn app(sim: &Sim) -> anyhow::Result<Client> {
        let app = sim.app();
        let jwt = jwt(&app, &app.private_key, 0, 300)?;
        Ok(Client::new(sim, Some(format!("Bearer {jwt}"))))
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None, &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, Some(body), &[]).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.send(Method::PATCH, path, Some(body), &[]).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.send(Method::PUT, path, Some(body), &[]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::DELETE, path, None, &[]).await
    }

    /// Answers the whole body of a GraphQL answer.
    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let body = json!({ "query": query, "variables": variables });
        let answer = self.post("/graphql", body).await?;
        anyhow::ensure!(answer.status == 200, "{answer:?}");
        Ok(answer.body)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.url),
        };
        let mut request = http::Request::builder().method(method).uri(url);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|it| it.to_string()).unwrap_or_default();
        let response = self.http.request(request.body(Full::new(body.into()))?).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            bytes,
        })
    }
}

/// A JWT of the App's, signed with this key, issued at and expiring at so many seconds from now.
pub(crate) fn jwt(app: &AppInfo, key: &str, issued: i64, expires: i64) -> anyhow::Result<String> {
    let now = chrono::Utc::now().timestamp();
    let claims = json!({ "iat": now + issued, "exp": now + expires, "iss": app.client_id });
    let key = EncodingKey::from_rsa_pem(key.as_bytes())?;
    Ok(encode(&Header::new(Algorithm::RS256), &claims, &key)?)
}

/// A simulator with `acme/site` (one file on `main`) and the App installed on `acme`.
pub(crate) async fn start() -> anyhow::Result<(Sim, github_sim::Repo, Client)> {
    let sim = Sim::start(Options::default()).await?;
    sim.org("acme", &[("alice", "admin"), ("bob", "member")]);
    let repo = sim.repo("acme/site").with(&[("index.md", "one\n")]);
    let installation = sim.install("acme");
    let client = Client::installation(&sim, installation);
    Ok((sim, repo, client))
}

/// Checks a repository with git itself.
pub(crate) fn fsck(repo: &github_sim::Repo) -> anyhow::Result<()> {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(repo.git_dir())
        .args(["fsck", "--strict", "--full", "--no-dangling"])
        .output()
        .context("git is needed")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.success() && !said.contains("error"), "{said}");
    Ok(())
}
