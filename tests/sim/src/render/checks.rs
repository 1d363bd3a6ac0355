//! Check suites, check runs and commit statuses.

use serde_json::{Value, json};

use super::node_id::NodeId;
use crate::call::Target;
use crate::world::World;
use crate::world::checks::{Run, Status, Suite};
use crate::world::stamp;

impl World {
    /// `check-suite`.
    pub(crate) fn suite_json(&self, target: &Target, suite: &Suite) -> Value {
        let api = format!("{}/check-suites/{}", target.url, suite.id);
        let runs = self.checks.runs.get(&target.id).into_iter().flatten();
        let head = target.git.store.commit(&suite.sha).map(|commit| {
            json!({
                "id": suite.sha.hex(),
                "tree_id": commit.tree.hex(),
                "message": commit.message,
                "timestamp": commit.committer.date(),
                "author": { "name": commit.author.name, "email": commit.author.email },
                "committer": { "name": commit.committer.name, "email": commit.committer.email },
            })
        });
        json!({
            "id": suite.id,
            "node_id": NodeId::Other("CS", suite.id).text(),
            "head_branch": suite.branch,
            "head_sha": suite.sha.hex(),
            "status": suite.status,
            "conclusion": suite.conclusion,
            "url": api,
            "before": null,
            "after": suite.sha.hex(),
            "pull_requests": self.check_pulls_json(target, &suite.sha.hex()),
            "app": self.apps.get(&suite.app).map(|app| self.app_json(app)),
            "repository": self.repository_json(target.id),
            "created_at": stamp(suite.at),
            "updated_at": stamp(suite.at),
            "head_commit": head,
            "latest_check_runs_count": runs.filter(|run| run.suite == suite.id).count(),
            "check_runs_url": format!("{api}/check-runs"),
        })
    }

    /// `check-run`.
    pub(crate) fn run_json(&self, target: &Target, run: &Run) -> Value {
        let api = format!("{}/check-runs/{}", target.url, run.id);
        let mut suites = self.checks.suites.get(&target.id).into_iter().flatten();
        let suite = suites.find(|it| it.id == run.suite);
        let app = suite.and_then(|suite| self.apps.get(&suite.app));
        json!({
            "id": run.id,
            "node_id": NodeId::Other("CR", run.id).text(),
            "head_sha": run.sha.hex(),
            "external_id": "",
            "url": api,
            "html_url": format!("{}/runs/{}", target.html, run.id),
            "details_url": format!("{}/runs/{}", target.html, run.id),
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": stamp(run.started_at),
            "completed_at": run.completed_at.map(stamp),
            "output": {
                "title": null, "summary": null, "text": null, "annotations_count": 0,
                "annotations_url": format!("{api}/annotations"),
            },
            "name": run.name,
            "check_suite": { "id": run.suite },
            "app": app.map(|app| self.app_json(app)),
            "pull_requests": self.check_pulls_json(target, &run.sha.hex()),
        })
    }

    fn check_pulls_json(&self, target: &Target, sha: &str) -> Value {
        let Some(pulls) = self.pulls.get(&target.id) else {
            return json!([]);
        };
        let repo = self.repositories.get(&target.id);
        let repo = json!({
            "id": target.id, "url": target.url, "name": repo.map(|it| &it.name),
        });
        let open = pulls.values().filter(|it| it.is_open());
        open.filter(|it| it.head_sha.hex() == sha)
            .map(|pull| {
                json!({
                    "id": pull.id,
                    "number": pull.number,
                    "url": format!("{}/pulls/{}", target.url, pull.number),
                    "head": { "ref": pull.head, "sha": pull.head_sha.hex(), "repo": repo },
                    "base": { "ref": pull.base, "sha": pull.base_sha.hex(), "repo": repo },
                })
            })
            .collect()
    }

    /// `status`, and with `simple` the form combined statuses list.
    pub(crate) fn status_json(&self, target: &Target, status: &Status, simple: bool) -> Value {
        let mut value = json!({
            "url": format!("{}/statuses/{}", target.url, status.sha),
            "avatar_url": format!("{}/avatars/{}", self.url, status.creator),
            "id": status.id,
            "node_id": NodeId::Other("SC", status.id).text(),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": stamp(status.at),
            "updated_at": stamp(status.at),
        });
        if !simple {
            value["creator"] = self.user_json(status.creator);
        }
        value
    }
}
