//! A project of the host, as its API shows it.

use std::collections::BTreeMap;

use github_sim::Repo;
use serde_json::{Value, json};

use super::{ACME, ADA, Story};
use crate::world::client::Answer;

pub struct Project<'a> {
    pub story: &'a Story,
    pub id: String,
}

static EVENTS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// A file of this text.
pub fn put(path: &str, text: &str) -> Value {
    json!({ "op": "put", "path": path, "content": text })
}

pub fn remove(path: &str) -> Value {
    json!({ "op": "delete", "path": path })
}

impl<'a> Project<'a> {
    pub fn new(story: &'a Story, id: &str) -> Self {
        Project { story, id: id.to_owned() }
    }

    /// The number of the project's row.
    pub async fn pid(&self) -> i64 {
        let row = self.story.sql().await.query_one("SELECT pid FROM projects WHERE id = $1", &[&self.id]).await;
        row.unwrap().get(0)
    }

    /// One look at it, whatever is due.
    pub async fn look(&self) {
        self.story.engine.look(self.pid().await).await.unwrap();
    }

    /// Opens a pull request with what is pending.
    pub async fn propose(&self, title: &str) -> Value {
        self.post("/pull-requests", json!({ "title": title, "body": "Why.", "user": ADA })).await.expect(201)
    }

    /// `state`, and the code of the error.
    pub async fn state(&self) -> (String, Option<String>) {
        let status = self.status().await;
        (status["state"].as_str().unwrap().to_owned(), status["error"]["code"].as_str().map(str::to_owned))
    }

    pub fn path(&self, tail: &str) -> String {
        format!("/v1/projects/{}{tail}", self.id)
    }

    pub async fn get(&self, tail: &str) -> Value {
        self.story.host().get(&self.path(tail)).await.expect(200)
    }

    pub async fn post(&self, tail: &str, body: Value) -> Answer {
        self.story.host().post(&self.path(tail), &body).await
    }

    pub async fn settings(&self, change: Value) -> Value {
        self.story.host().patch(&self.path("/settings"), &change).await.expect(200)
    }

    /// Changes as the host sends them.
    pub async fn changes(&self, changes: Vec<Value>) -> Value {
        let number = EVENTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let body = json!({ "event_id": format!("evt_{number}"), "changes": changes });
        self.post("/changes", body).await.expect(202)
    }

    /// Writes these texts.
    pub async fn change(&self, files: &[(&str, &str)]) -> Value {
        self.changes(files.iter().map(|(path, text)| put(path, text)).collect()).await
    }

    /// Ada authorizes at GitHub, in her browser.
    pub async fn authorize(&self) {
        let connect = self.post("/connect", json!({ "user": ADA })).await.expect(200);
        let browser = self.story.public();
        let start = browser.send(http::Method::GET, connect["authorize_url"].as_str().unwrap(), &[], Vec::new()).await;
        assert_eq!(start.status, 302, "{}", start.text());
        let cookie = start.header("set-cookie").split(';').next().unwrap().to_owned();
        let back = self.story.github.authorize(start.header("location"), ADA).await.unwrap();
        let done = browser.send(http::Method::GET, &back, &[("cookie", &cookie)], Vec::new()).await;
        assert!(matches!(done.status, 200 | 303), "{}", done.text());
    }

    /// Connects to the repository's default branch.
    pub async fn connect(&self, repo: &Repo) -> Value {
        self.connect_to(repo, None).await
    }

    pub async fn connect_to(&self, repo: &Repo, branch: Option<&str>) -> Value {
        self.authorize().await;
        let full_name = repo.full_name();
        let owner = full_name.split('/').next().unwrap_or(ACME);
        let installation = self.story.github.installation(owner).unwrap().id;
        let mut body = json!({ "user": ADA, "installation_id": installation, "repository": full_name });
        if let Some(branch) = branch {
            body["branch"] = json!(branch);
        }
        self.story.host().put(&self.path("/integration"), &body).await.expect(201)
    }

    /// Connected, and in step with the repository.
    pub async fn connected_to(self, repo: &Repo) -> Self {
        self.connect(repo).await;
        self.story.drain().await;
        self
    }

    pub async fn status(&self) -> Value {
        self.get("/integration").await
    }

    pub async fn sync_status(&self) -> String {
        self.status().await["sync_status"].as_str().unwrap().to_owned()
    }

    pub async fn sync(&self) -> Value {
        self.post("/syncs", json!({ "user": ADA })).await.expect(202)
    }

    /// History, newest first.
    pub async fn history(&self) -> Vec<Value> {
        self.get("/syncs").await["items"].as_array().unwrap().clone()
    }

    pub async fn last(&self) -> Value {
        self.history().await.into_iter().next().unwrap()
    }

    pub async fn file(&self, path: &str) -> Option<String> {
        let answer = self.story.host().get(&self.path(&format!("/files/{path}"))).await;
        if answer.status == 404 { None } else { Some(String::from_utf8(answer.body.to_vec()).unwrap()) }
    }

    /// The project's files: mode and oid by path.
    pub async fn files(&self) -> BTreeMap<String, (String, String)> {
        let mut files = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/files?limit=100{cursor}")).await;
            for item in page["items"].as_array().unwrap() {
                let text = |name: &str| item[name].as_str().unwrap().to_owned();
                files.insert(text("path"), (text("mode"), text("oid")));
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return files,
            }
        }
    }

    /// Project and branch have the same files.
    pub async fn agrees_with(&self, repo: &Repo, branch: &str) {
        assert_eq!(self.files().await, repo.files(branch));
        self.story.fsck(repo);
    }
}
