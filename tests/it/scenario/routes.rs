//! The routes of the OpenAPI document that name a project, with a request for each that would do
//! something. What is new in the document is here by itself, with an empty body.

use http::Method;
use serde_json::{Value, json};

use super::town::Town;
use crate::world::{Answer, Client};

/// One method of one path below `/v1/projects/{project}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    pub tail: String,
}

/// A connected project with something in every corner. Whatever is shown of it has `needle` in it.
pub struct Site {
    pub town: Town,
    pub installation: u64,
    sync: String,
    pull: u64,
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

impl Site {
    pub async fn start() -> Site {
        let town = Town::start().await;
        let (_, installation) = town.repo("ada/needle");
        let connection = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/needle" });
        town.authorize("site", "u_1", "ada").await;
        town.connect("site", &connection).await.expect(201);
        town.commit_at_once("site").await;
        town.drain().await;
        put(&town, "needle.txt", "needle\n").await;
        town.drain().await;
        let syncs = town.host().get("/v1/projects/site/syncs").await.expect(200);
        let sync = syncs["items"][0]["id"].as_str().unwrap().to_owned();
        put(&town, "proposed.txt", "needle\n").await;
        let proposal = json!({ "user": "u_1", "title": "needle" });
        let pull = town.host().post("/v1/projects/site/pull-requests", &proposal).await.expect(201);
        town.drain().await;
        let later = json!({ "batch_seconds": 3600, "commit_template": "needle {{ summary }}" });
        town.host().patch("/v1/projects/site/settings", &later).await.expect(200);
        put(&town, "pending.txt", "needle\n").await;
        Site { town, installation, sync, pull: pull["number"].as_u64().unwrap() }
    }

    /// Every route of the document that names a project.
    pub async fn routes(&self) -> Vec<Route> {
        let document = self.town.internal().get("/openapi.json").await.expect(200);
        let mut routes = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            assert!(!path.contains("{project}") || path.starts_with("/v1/projects/{project}"), "{path}");
            let Some(tail) = path.strip_prefix("/v1/projects/{project}") else { continue };
            for method in item.as_object().unwrap().keys() {
                let method = method.to_uppercase();
                routes.push(Route { method: method.parse().unwrap(), tail: tail.to_owned() });
            }
        }
        assert!(routes.len() > 25, "{routes:?}");
        routes
    }

    /// Where the route is below this base, for this site's own things.
    pub fn path(&self, route: &Route, base: &str) -> String {
        let tail = route.tail.replace("{id}", &self.sync).replace("{number}", &self.pull.to_string());
        format!("{base}{}", tail.replace("{path}", "needle.txt"))
    }

    /// Asks for it as this client.
    pub async fn ask(&self, client: &Client, route: &Route, base: &str) -> Answer {
        let path = self.path(route, base);
        if route.method == Method::GET || route.method == Method::HEAD {
            return client.send(route.method.clone(), &path, &[], Vec::new()).await;
        }
        client.send(route.method.clone(), &path, JSON, self.body(route).to_string().into_bytes()).await
    }

    fn body(&self, route: &Route) -> Value {
        let change = json!({ "op": "put", "path": "x.txt", "content": "x" });
        match (route.method.as_str(), route.tail.as_str()) {
            ("POST", "/changes") => json!({ "event_id": "changes", "changes": [change] }),
            ("PUT", "/tree") => json!({ "event_id": "tree", "files": [{ "path": "x.txt", "content": "x" }] }),
            ("POST", "/connect") => json!({ "user": "u_1" }),
            ("PUT", "/integration") => {
                json!({ "user": "u_1", "installation_id": self.installation, "repository": "ada/needle" })
            }
            ("POST", "/repository") => {
                json!({ "user": "u_1", "owner": "ada", "name": "fresh", "visibility": "private" })
            }
            ("POST", "/conflicts/resolve") => json!({ "strategy": "project" }),
            ("PATCH", "/settings") => json!({ "auto_sync": false }),
            ("POST", "/restore") => json!({ "sync": self.sync }),
            ("POST", "/pull-requests") => json!({ "title": "another" }),
            ("POST", "/panel-sessions") => json!({ "user": { "id": "u_9" }, "role": "owner" }),
            _ => json!({}),
        }
    }
}

async fn put(town: &Town, path: &str, content: &str) {
    let change = json!({ "op": "put", "path": path, "content": content });
    let body = json!({ "event_id": path, "author": { "id": "needle" }, "changes": [change] });
    town.host().post("/v1/projects/site/changes", &body).await.expect(202);
}
