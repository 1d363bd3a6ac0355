//! After a whole story nothing secret stands in the database, in Redis, in a log, an error or a metric.

use std::collections::HashMap;

use github_sim::{Options, Sim};
use http::Method;
use serde_json::{Value, json};

use super::setup::form;
use super::town::Browser;
use crate::world::database::Database;
use crate::world::process::{Program, run};
use crate::world::redis::Prefix;
use crate::world::{API_KEY, Client};

const NOTIFY_SECRET: &str = "bmVlZGxlLW5vdGlmeS1zZWNyZXQtb2YtdGhlLWhvc3Q=";
const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];

/// The program as operators run it, logging all it can, and everything that was secret so far.
struct Deployment {
    github: Sim,
    program: Program,
    database: Database,
    prefix: Prefix,
    env: HashMap<String, String>,
    needles: Vec<String>,
    /// What clients were told.
    answers: String,
}

impl Deployment {
    async fn start() -> Deployment {
        let github = Sim::start(Options { without_app: true, ..Options::default() }).await.unwrap();
        let (database, prefix) = (Database::empty().await, Prefix::new());
        let mut env = crate::platform::least();
        for (name, value) in [
            ("DATABASE_URL", database.url()),
            ("REDIS_PREFIX", prefix.0.clone()),
            ("GITHUB_API_URL", github.url().to_owned()),
            ("GITHUB_WEB_URL", github.url().to_owned()),
            ("API_KEYS", API_KEY.to_owned()),
            ("NOTIFY_URL", "http://127.0.0.1:9/".to_owned()),
            ("NOTIFY_SECRET", format!("whsec_{NOTIFY_SECRET}")),
            ("LOG", "trace".to_owned()),
            ("RETRY_SECONDS", "0.05".to_owned()),
        ] {
            env.insert(format!("LOCKSTEP_{name}"), value);
        }
        let program = Program::serve(&[], &env);
        program.until("/readyz", 200).await;
        let mut needles = vec![API_KEY.to_owned(), NOTIFY_SECRET.to_owned(), "needle-notify-secret".to_owned()];
        needles.push(env["LOCKSTEP_ENCRYPTION_KEYS"].clone());
        for name in ["LOCKSTEP_DATABASE_URL", "LOCKSTEP_REDIS_URL"] {
            needles.extend(url::Url::parse(&env[name]).unwrap().password().map(str::to_owned));
        }
        Deployment { github, program, database, prefix, env, needles, answers: String::new() }
    }

    fn host(&self) -> Client {
        self.program.internal().with_token(API_KEY)
    }

    fn keep(&mut self, secret: &str) {
        assert!(secret.len() >= 16, "{secret}");
        self.needles.push(secret.to_owned());
    }

    fn keep_parameters(&mut self, address: &str, names: &[&str]) {
        let url = url::Url::parse(address).unwrap();
        for (name, value) in url.query_pairs().filter(|(name, _)| names.contains(&name.as_ref())) {
            assert!(value.len() >= 16, "{name}");
            self.needles.push(value.into_owned());
        }
    }

    async fn make_the_app(&mut self) {
        let page = self.program.setup_url().await;
        self.keep_parameters(&page, &["token"]);
        let mut browser = Browser::of(self.program.public());
        let (action, manifest) = form(&browser.open(&page).await.text());
        self.keep_parameters(&action, &["state"]);
        let back = self.github.create_app_in_browser(&action, &manifest, "ada").await.unwrap();
        self.keep_parameters(&back, &["code"]);
        assert_eq!(browser.open(&back).await.status, 200);
        let app = self.github.app();
        self.keep(&app.client_secret);
        self.keep(&app.webhook_secret.unwrap());
        for line in app.private_key.lines().filter(|line| !line.starts_with("-----") && line.len() > 32) {
            self.keep(line);
        }
        self.github.install("ada");
    }

    async fn authorize(&mut self, project: &str) {
        let body = json!({ "user": "u_1", "return_to": "/done" });
        let begun = self.host().post(&format!("/v1/projects/{project}/connect"), &body).await.expect(200);
        let mut browser = Browser::of(self.program.public());
        let link = begun["authorize_url"].as_str().unwrap();
        self.keep_parameters(link, &["ticket"]);
        let page = browser.follow(link).await;
        self.keep_parameters(&page, &["state"]);
        browser.cookies.values().for_each(|cookie| self.needles.push(cookie.clone()));
        if project == "half" {
            return;
        }
        let back = self.github.authorize(&page, "ada").await.unwrap();
        self.keep_parameters(&back, &["code"]);
        assert_eq!(browser.open(&back).await.status, 303);
    }

    async fn ask(&mut self, answer: crate::world::Answer, status: u16) -> Value {
        self.answers.push_str(&answer.text());
        answer.expect(status)
    }

    async fn until_synced(&self, project: &str) {
        let path = format!("/v1/projects/{project}/integration");
        let synced = async || {
            let now = self.host().get(&path).await.expect(200);
            now["sync_status"] == "success" && now["pending_changes"] == 0
        };
        self.program.wait_for("the sync", synced).await;
    }

    async fn change(&self, event: &str) {
        let body = json!({ "event_id": event, "changes": [{ "op": "put", "path": "a.txt", "content": event }] });
        self.host().post("/v1/projects/site/changes", &body).await.expect(202);
    }

    async fn work(&mut self) {
        self.host().patch("/v1/projects/site/settings", &json!({ "batch_seconds": 0 })).await.expect(200);
        self.change("one").await;
        self.authorize("site").await;
        let list = self.host().get("/v1/projects/site/repositories?user=u_1").await.expect(200);
        self.keep_parameters(list["install_url"].as_str().unwrap(), &["state"]);
        let body = json!({ "user": "u_1", "owner": "ada", "name": "site", "visibility": "private" });
        let made = self.host().post("/v1/projects/site/repository", &body).await;
        self.ask(made, 201).await;
        self.until_synced("site").await;
        self.change("two").await;
        self.until_synced("site").await;
        let proposal = json!({ "user": "u_1", "title": "Two and a half" });
        self.host().patch("/v1/projects/site/settings", &json!({ "auto_sync": false })).await.expect(200);
        self.change("three").await;
        let proposed = self.host().post("/v1/projects/site/pull-requests", &proposal).await;
        self.ask(proposed, 201).await;
        // The tokens are renewed.
        let sql = self.database.connect().await;
        sql.batch_execute("UPDATE authorizations SET access_expires_at = now()").await.unwrap();
        self.host().get("/v1/projects/site/repositories?user=u_1").await.expect(200);
    }

    /// Keys, sessions and cookies.
    async fn let_people_in(&mut self) {
        let made = run(&["keys", "create", "--name", "second"], &self.env);
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let key = made["key"].as_str().unwrap().to_owned();
        self.keep(&key);
        self.program.internal().with_token(&key).get("/v1/projects").await.expect(200);
        let body = json!({ "user": { "id": "u_1" }, "role": "owner" });
        let session = self.host().post("/v1/projects/site/panel-sessions", &body).await.expect(201);
        let token = session["token"].as_str().unwrap().to_owned();
        self.keep(&token);
        self.program.public().with_token(&token).get("/panel/site/api/integration").await.expect(200);
        let body = format!("key={key}").into_bytes();
        let signed = self.program.internal().send(Method::POST, "/console/sign-in", FORM, body).await;
        let cookie = signed.header("set-cookie").split(';').next().unwrap().to_owned();
        self.keep(cookie.split_once('=').unwrap().1);
        self.program.internal().with("cookie", &cookie).get("/console/api/overview").await.expect(200);
    }

    /// What goes wrong: refusals, a GitHub that fails, a token that cannot be revoked yet.
    async fn stumble(&mut self) {
        let body = json!({ "user": "u_1", "installation_id": 1, "repository": "no/where" });
        let refused = self.host().put("/v1/projects/site/integration", &body).await;
        self.ask(refused, 403).await;
        let wrong = [("x-hub-signature-256", "sha256=00"), ("x-github-event", "push"), ("x-github-delivery", "x")];
        let unsigned = self.program.public().send(Method::POST, "/webhooks/github", &wrong, b"{}".to_vec()).await;
        self.ask(unsigned, 401).await;
        self.authorize("gone").await;
        self.authorize("half").await;
        self.github.fail_next("DELETE /applications", 1000, 502);
        self.host().delete("/v1/projects/gone/integration").await.expect(204);
        let tried = async || self.github.count("DELETE /applications") > 0;
        self.program.wait_for("the revocation", tried).await;
        self.github.fail_next("/login/oauth/access_token", 1, 502);
        let sql = self.database.connect().await;
        sql.batch_execute("UPDATE authorizations SET access_expires_at = now()").await.unwrap();
        let failed = self.host().get("/v1/projects/site/repositories?user=u_1").await;
        self.ask(failed, 503).await;
        self.github.down();
        let failed = self.host().get("/v1/projects/site/repositories?user=u_1").await;
        self.ask(failed, 503).await;
    }

    /// Everything that others than the program may come to see, by name.
    async fn everything(&self) -> Vec<(&'static str, String)> {
        let host = self.host();
        let mut api = self.answers.clone();
        for path in
            ["/v1/projects", "/v1/audit", "/v1/dead-letters", "/v1/projects/site/syncs", "/console/api/overview"]
        {
            api.push_str(&host.get(path).await.text());
        }
        let listed = run(&["keys", "list"], &self.env);
        let log: Vec<_> =
            self.program.log().lines().filter(|line| !line.starts_with("setup: ")).map(str::to_owned).collect();
        vec![
            ("the database", format!("{:?}", self.database.rows().await)),
            ("Redis", self.prefix.contents(&self.env["LOCKSTEP_REDIS_URL"]).await),
            ("the log", log.join("\n")),
            ("the metrics", self.program.internal().get("/metrics").await.text()),
            ("answers", api),
            ("the list of keys", String::from_utf8(listed.stdout).unwrap()),
        ]
    }
}

#[actix_web::test]
async fn nothing_secret_is_left_anywhere() {
    let mut deployment = Deployment::start().await;
    deployment.make_the_app().await;
    deployment.work().await;
    deployment.let_people_in().await;
    deployment.stumble().await;
    let tokens = deployment.github.minted_tokens();
    let kinds: Vec<_> =
        ["ghs_", "ghu_", "ghr_"].iter().map(|kind| tokens.iter().filter(|it| it.starts_with(kind)).count()).collect();
    assert!(kinds[0] >= 2 && kinds[1] >= 3 && kinds[2] >= 3, "a story with tokens of every kind: {kinds:?}");
    deployment.needles.extend(tokens);
    let places = deployment.everything().await;
    for (place, text) in &places {
        assert!(text.len() > 100, "{place} is looked at: {text}");
        for needle in &deployment.needles {
            let spellings =
                [needle.clone(), hex::encode(needle), json!(needle).to_string().trim_matches('"').to_owned()];
            assert!(!spellings.iter().any(|spelling| text.contains(spelling)), "{needle} is in {place}");
        }
        // A signed JWT of the App, whoever it was shown to.
        assert!(!text.contains("eyJ0eXAiOiJKV1Qi") && !text.contains("eyJhbGciOi"), "a JWT is in {place}");
    }
    let (database, prefix, env) = (deployment.database, deployment.prefix, deployment.env);
    drop(deployment.program);
    database.remove().await;
    prefix.remove(&env["LOCKSTEP_REDIS_URL"]).await;
}
