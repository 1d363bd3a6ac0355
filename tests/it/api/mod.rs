//! The host's API, route by route: every rule of the contract and every row of its error table that
//! these routes can produce.

mod audit;
mod blobs;
mod change_rules;
mod changes;
mod cost;
mod files;
mod hostile;
mod live;
mod made_up;
mod pending;
mod projects;
mod restore;
mod settings;
mod trees;

use serde_json::{Value, json};

use crate::world::{Answer, World};

/// A project of a world.
pub struct Site<'a> {
    pub world: &'a World,
    pub name: &'static str,
}

impl World {
    pub fn site(&self, name: &'static str) -> Site<'_> {
        Site { world: self, name }
    }
}

impl Site<'_> {
    pub fn url(&self, tail: &str) -> String {
        format!("/v1/projects/{}{tail}", self.name)
    }

    pub async fn get(&self, tail: &str) -> Answer {
        self.world.host().get(&self.url(tail)).await
    }

    /// Sends a whole change request.
    pub async fn send(&self, body: Value) -> Answer {
        self.world.host().post(&self.url("/changes"), &body).await
    }

    /// Sends these changes under this event id.
    pub async fn change(&self, event_id: &str, changes: Value) -> Answer {
        self.send(json!({ "event_id": event_id, "changes": changes })).await
    }

    /// Puts these files, as text.
    pub async fn put(&self, event_id: &str, files: &[(&str, &str)]) -> Value {
        let put = |(path, content): &(&str, &str)| json!({ "op": "put", "path": path, "content": content });
        self.change(event_id, files.iter().map(put).collect()).await.expect(202)
    }

    /// All paths, in the order of the listing.
    pub async fn paths(&self) -> Vec<String> {
        let (mut paths, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/files?limit=100{cursor}")).await.expect(200);
            let items = page["items"].as_array().unwrap();
            paths.extend(items.iter().map(|item| item["path"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return paths,
            }
        }
    }

    /// A file's text and mode; none: it is not there.
    pub async fn file(&self, path: &str) -> Option<(String, String)> {
        let answer = self.get(&format!("/files/{path}")).await;
        match answer.status {
            404 => None,
            200 => Some((answer.text(), answer.header("x-lockstep-mode").to_owned())),
            other => panic!("{path}: {other}"),
        }
    }

    pub async fn project(&self) -> Value {
        self.get("").await.expect(200)
    }

    /// Connects it in the rows alone: nobody syncs it. Answers its `pid`.
    pub async fn connect_in_rows(&self) -> i64 {
        let sql = self.world.sql().await;
        let row = sql.query_one("SELECT pid FROM projects WHERE id = $1", &[&self.name]).await.unwrap();
        let pid: i64 = row.get(0);
        sql.execute(
            "INSERT INTO integrations (pid, connection, installation_id, repository_id, full_name, private, default_branch,
                 url, branch, state, connected_by)
             VALUES ($1, gen_random_uuid(), 1, $1, 'acme/site', true, 'main', 'https://github.test/acme/site', 'main',
                 'connected', 'u_1')",
            &[&pid],
        )
        .await
        .unwrap();
        pid
    }

    /// Makes both sides agree on what the project has, in the rows alone.
    pub async fn agree_in_rows(&self) {
        let sql = self.world.sql().await;
        let update = "UPDATE files SET base_oid = oid, base_mode = mode, authors = NULL
                      WHERE pid = (SELECT pid FROM projects WHERE id = $1) AND NOT excluded";
        sql.execute(update, &[&self.name]).await.unwrap();
        sql.execute("UPDATE integrations SET window_at = NULL, due_at = NULL", &[]).await.unwrap();
    }
}

/// git's id of a blob.
pub fn oid(content: &str) -> String {
    lockstep::model::Oid::of_blob(content.as_bytes()).to_string()
}
