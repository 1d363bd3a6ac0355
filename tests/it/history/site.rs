//! One case's project and repository: what people do on both sides, webhooks included, and what is
//! seen of it.

use std::collections::{BTreeMap, BTreeSet};

use github_sim::{Change, Repo};
use serde_json::{Value, json};

use super::cases::Case;
use super::files::{Done, Tree, listed, pushed};
use crate::story::{Project, Story};

pub type Listing = BTreeMap<String, (String, String)>;

pub struct Site<'a> {
    pub story: &'a Story,
    pub project: Project<'a>,
    pub repo: Repo,
    owner: String,
    /// The last delivery that was sent, of this case or an earlier one.
    told: u64,
    events: u64,
}

impl<'a> Site<'a> {
    /// A project and a repository with these files, not connected yet. Webhooks wait until they are told.
    pub async fn new(case: &Case<'a>, project: &Tree, github: &Tree) -> Site<'a> {
        let (story, owner) = (case.story, case.name.clone());
        story.github.user(&owner);
        let repo = story.github.repo(&format!("{owner}/site"));
        story.github.install(&owner);
        let mut site = Site { story, project: Project::new(story, &owner), repo, owner, told: 0, events: 0 };
        site.told = site.last_delivery();
        if !github.is_empty() {
            site.repo.push("main", &pushed(&Tree::new(), github));
        }
        site.project.settings(json!({ "batch_seconds": 0, "exclude": [] })).await;
        if !project.is_empty() {
            let changes = project.iter().map(|(path, file)| Done::Put(path.clone(), *file).in_request()).collect();
            site.project.changes(changes).await;
        }
        story.github.hold_webhooks();
        site
    }

    /// The owner of the repository connects the project to `main`.
    pub async fn connect(&self) {
        let connect = self.project.post("/connect", json!({ "user": self.owner })).await.expect(200);
        let browser = self.story.public();
        let start = browser.send(http::Method::GET, connect["authorize_url"].as_str().unwrap(), &[], Vec::new()).await;
        let cookie = start.header("set-cookie").split(';').next().unwrap().to_owned();
        let back = self.story.github.authorize(start.header("location"), &self.owner).await.unwrap();
        let done = browser.send(http::Method::GET, &back, &[("cookie", &cookie)], Vec::new()).await;
        assert!(matches!(done.status, 200 | 303), "{}", done.text());
        let installation = self.story.github.installation(&self.owner).unwrap().id;
        let body = json!({ "user": self.owner, "installation_id": installation, "repository": self.repo.full_name(), "branch": "main" });
        self.story.host().put(&self.project.path("/integration"), &body).await.expect(201);
    }

    pub fn event(&mut self) -> String {
        self.events += 1;
        format!("event-{}", self.events)
    }

    /// The whole tree at once.
    pub async fn put_tree(&mut self, tree: &Tree, known: &Tree) {
        let here: BTreeSet<String> = listed(known).into_values().map(|(_, oid)| oid).collect();
        let files: Vec<Value> = tree
            .iter()
            .map(|(path, file)| match file.listed() {
                (mode, oid) if here.contains(&oid) => json!({ "path": path, "mode": mode, "oid": oid }),
                _ => file.in_request(path),
            })
            .collect();
        let body = json!({ "event_id": self.event(), "allow_empty": true, "files": files });
        self.story.host().put(&self.project.path("/tree"), &body).await.expect(202);
    }

    /// Others' commit.
    pub fn push(&self, branch: &str, changes: &[Change]) -> String {
        self.repo.push(branch, changes)
    }

    /// Webhooks arrive in any order, some of them twice, and everything that follows is done.
    pub async fn drain(&mut self, seed: u64) {
        let github = &self.story.github;
        github.release_webhooks(Some(seed));
        for (at, id) in github.deliveries_after(self.told).into_iter().enumerate() {
            if seed >> (at % 61) & 3 == 3 {
                github.redeliver(id);
            }
        }
        self.story.drain().await;
        self.told = self.last_delivery();
        github.hold_webhooks();
    }

    /// The newest delivery so far.
    pub fn last_delivery(&self) -> u64 {
        self.story.github.deliveries_after(self.told).last().copied().unwrap_or(self.told)
    }

    pub fn head(&self, branch: &str) -> Option<String> {
        self.repo.head(branch)
    }

    pub async fn paths_of(&self, tail: &str) -> BTreeSet<String> {
        let items = self.project.get(&format!("{tail}?limit=100")).await;
        items["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
    }

    /// The history's rows, oldest first.
    pub async fn rows(&self) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.project.get(&format!("/syncs?limit=100{cursor}")).await;
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        rows.reverse();
        rows
    }

    pub async fn revision(&self) -> i64 {
        self.project.get("").await["revision"].as_i64().unwrap()
    }

    /// How often the project was looked at.
    pub async fn looks(&self) -> i64 {
        let number = "SELECT snapshot FROM projects WHERE id = $1";
        self.story.sql().await.query_one(number, &[&self.project.id]).await.unwrap().get(0)
    }

    /// Every object that some branch leads to.
    pub fn objects(&self) -> BTreeSet<String> {
        let list = std::process::Command::new("git")
            .args(["rev-list", "--objects", "--all"])
            .env("GIT_DIR", self.repo.git_dir())
            .output()
            .unwrap();
        assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
        let text = String::from_utf8_lossy(&list.stdout);
        text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
    }

    /// Nothing is left to do: another drain asks GitHub for nothing, and leaves nothing.
    pub async fn is_at_rest(&self) {
        let before = (self.repo.branches(), self.rows().await, self.project.get("").await);
        let created = self.story.github.count_created();
        self.story.drain().await;
        assert_eq!(self.story.github.count_created(), created, "a second drain creates something at GitHub");
        assert_eq!((self.repo.branches(), self.rows().await, self.project.get("").await), before, "a second drain");
    }

    /// Contents that history can still show: what syncs changed and left, and what is in conflict.
    pub async fn history_keeps(&self) -> BTreeSet<String> {
        let kept = "SELECT encode(b.oid, 'hex') FROM blobs b JOIN projects p USING (pid) WHERE p.id = $1
            AND (EXISTS (SELECT FROM undo u WHERE u.pid = b.pid AND u.oid = b.oid)
              OR EXISTS (SELECT FROM sync_files s WHERE s.pid = b.pid AND b.oid IN (s.old_oid, s.new_oid))
              OR EXISTS (SELECT FROM files f WHERE f.pid = b.pid AND b.oid IN (f.oid, f.gh_oid)))";
        let rows = self.story.sql().await.query(kept, &[&self.project.id]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Others' tree at a branch or commit.
    pub fn listing(&self, reference: &str) -> Listing {
        self.repo.files(reference)
    }
}
