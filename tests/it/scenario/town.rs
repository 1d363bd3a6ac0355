//! A story with people and their browsers, who connect projects.

use std::collections::BTreeMap;
use std::ops::Deref;

use github_sim::{Repo, Sim};
use http::Method;
use serde_json::{Value, json};

use crate::story::Story;
use crate::world::client::Answer;
use crate::world::{Client, Plan, World};

/// Where `ada` and others live.
pub struct Town(Story);

impl Deref for Town {
    type Target = Story;
    fn deref(&self) -> &Story {
        &self.0
    }
}

impl Town {
    pub async fn start() -> Town {
        Town::planned(|plan| plan).await
    }

    /// With other variables than usual. Many of these stories end with a refusal and never look at
    /// the deliveries that GitHub sent meanwhile; those that drain leave nothing behind.
    pub async fn planned(change: impl FnOnce(Plan) -> Plan) -> Town {
        Town::of(Story::with(change).await)
    }

    pub fn of(mut story: Story) -> Town {
        story.world.allow_leftovers();
        Town(story)
    }

    /// Lets everything happen that is due; nothing of it is given up.
    pub async fn drain(&self) {
        self.0.drain().await;
        assert_eq!(self.count("SELECT count(*) FROM dead_letters").await, 0);
    }

    /// A second replica on the same database and Redis.
    pub async fn replica(&self) -> lockstep::app::App {
        let config = lockstep::config::Config::load(&lockstep::config::Flags::none(), &self.env).unwrap();
        let app = lockstep::app::App::build(config, lockstep::app::Role::Web).await.unwrap();
        app.engine().store.migrate().await.unwrap();
        app
    }

    /// A private repository with one file, and the App installed at its owner.
    pub fn repo(&self, full_name: &str) -> (Repo, u64) {
        let owner = full_name.split('/').next().unwrap();
        let repo = self.github.repo(full_name).with(&[("README.md", "# Hello\n")]);
        (repo, self.github.install(owner))
    }

    /// Asks for an authorization and answers where the browser is to go.
    pub async fn authorize_url(&self, project: &str, user: &str, return_to: Option<&str>) -> String {
        let mut body = json!({ "user": user });
        if let Some(address) = return_to {
            body["return_to"] = json!(address);
        }
        let begun = self.host().post(&format!("/v1/projects/{project}/connect"), &body).await.expect(200);
        begun["authorize_url"].as_str().unwrap().to_owned()
    }

    /// The whole way: link, GitHub's page as this person, and back.
    pub async fn authorize(&self, project: &str, user: &str, login: &str) {
        let url = self.authorize_url(project, user, Some("/done")).await;
        let mut browser = Browser::new(self);
        let back = browser.allow(self, &url, login).await;
        assert_eq!(browser.open(&back).await.header("location"), "/done?lockstep=connected");
    }

    pub async fn connect(&self, project: &str, body: &Value) -> Answer {
        self.host().put(&format!("/v1/projects/{project}/integration"), body).await
    }

    pub async fn integration(&self, project: &str) -> Value {
        self.host().get(&format!("/v1/projects/{project}/integration")).await.expect(200)
    }

    /// Without a batch window.
    pub async fn commit_at_once(&self, project: &str) {
        let settings = "UPDATE projects SET settings = settings || '{\"batch_seconds\": 0}' WHERE id = $1";
        self.sql().await.execute(settings, &[&project]).await.unwrap();
    }

    /// The one number of a query.
    pub async fn count(&self, sql: &str) -> i64 {
        self.sql().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    pub async fn actions(&self, project: &str) -> Vec<String> {
        let rows = self
            .sql()
            .await
            .query("SELECT action FROM events WHERE project = $1 AND action IS NOT NULL ORDER BY id", &[&project])
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// Where GitHub is, and nothing of an App.
pub fn without_app(plan: Plan, github: &Sim) -> Plan {
    plan.set("GITHUB_API_URL", github.url()).set("GITHUB_WEB_URL", github.url())
}

/// A person's browser: it keeps cookies and follows nothing by itself.
pub struct Browser {
    client: Client,
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(town: &World) -> Browser {
        Browser::of(town.public())
    }

    /// On the public listener that this client reaches.
    pub fn of(client: Client) -> Browser {
        Browser { client, cookies: BTreeMap::new() }
    }

    pub async fn open(&mut self, url: &str) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = [("cookie", cookies.join("; ")), ("accept", "text/html".to_owned())];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = self.client.send(Method::GET, url, &headers, Vec::new()).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Opens the link and says yes on GitHub's page; answers where GitHub sends the browser.
    pub async fn allow(&mut self, town: &Town, url: &str, login: &str) -> String {
        let page = self.follow(url).await;
        town.github.authorize(&page, login).await.unwrap()
    }

    /// Opens the link; answers GitHub's page.
    pub async fn follow(&mut self, url: &str) -> String {
        let answer = self.open(url).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer.header("location").to_owned()
    }
}
