//! Repositories, and how webhooks write them differently.

use serde_json::{Value, json};

use super::account::extend;
use super::node_id::NodeId;
use crate::world::World;
use crate::world::role::Role;
use crate::world::stamp;

impl World {
    /// `repository` without `permissions`; null when it is gone.
    pub(crate) fn repository_json(&self, id: u64) -> Value {
        let (Some(repo), Some(full_name)) = (self.repositories.get(&id), self.full_name(id)) else {
            return Value::Null;
        };
        let api = format!("{}/repos/{full_name}", self.url);
        let html = format!("{}/{full_name}", self.url);
        let open = self.pulls.get(&id).map_or(0, |pulls| pulls.values().filter(|pull| pull.is_open()).count());
        let mut value = links(&api);
        extend(
            &mut value,
            json!({
                "id": id,
                "node_id": NodeId::Repository(id).text(),
                "name": repo.name,
                "full_name": full_name,
                "private": repo.private,
                "owner": self.user_json(repo.owner),
                "html_url": html,
                "description": repo.description,
                "fork": false,
                "url": api,
                "git_url": format!("git://{}/{full_name}.git", host(&self.url)),
                "ssh_url": format!("git@{}:{full_name}.git", host(&self.url)),
                "clone_url": format!("{html}.git"),
                "svn_url": html,
                "mirror_url": null,
                "homepage": null,
                "language": null,
                "forks_count": 0, "stargazers_count": 0, "watchers_count": 0,
                "size": 0,
                "default_branch": repo.default_branch,
                "open_issues_count": open,
            }),
        );
        extend(
            &mut value,
            json!({
                "is_template": false,
                "topics": [],
                "has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false,
                "has_downloads": true, "has_discussions": false,
                "archived": repo.archived,
                "disabled": false,
                "visibility": if repo.private { "private" } else { "public" },
                "pushed_at": stamp(repo.pushed_at),
                "created_at": stamp(repo.created_at),
                "updated_at": stamp(repo.updated_at),
                "allow_forking": true,
                "web_commit_signoff_required": false,
                "license": null,
                "forks": 0, "open_issues": open, "watchers": 0,
            }),
        );
        value
    }

    /// `full-repository`, as one role sees it.
    pub(crate) fn full_repository_json(&self, id: u64, role: Option<Role>) -> Value {
        let mut value = self.repository_with_role_json(id, role);
        let owner = self.repositories.get(&id).map(|it| it.owner);
        let owner = owner.and_then(|owner| self.accounts.get(&owner));
        extend(
            &mut value,
            json!({
                "subscribers_count": 0, "network_count": 0,
                "allow_rebase_merge": true, "allow_squash_merge": true,
                "allow_merge_commit": true, "allow_auto_merge": false,
                "delete_branch_on_merge": false, "allow_update_branch": false,
            }),
        );
        if let Some(owner) = owner.filter(|it| it.is_organization()) {
            value["organization"] = self.user_json(owner.id);
        }
        value
    }

    /// `repository` with the `permissions` of a role.
    pub(crate) fn repository_with_role_json(&self, id: u64, role: Option<Role>) -> Value {
        let mut value = self.repository_json(id);
        let may = |least: Role| role.is_some_and(|role| role >= least);
        value["permissions"] = json!({
            "admin": may(Role::Admin), "maintain": may(Role::Admin), "push": may(Role::Write),
            "triage": may(Role::Write), "pull": may(Role::Read),
        });
        value
    }

    /// What webhooks about installations list.
    pub(crate) fn short_repository_json(&self, id: u64) -> Value {
        let Some(repo) = self.repositories.get(&id) else {
            return Value::Null;
        };
        json!({
            "id": id,
            "node_id": NodeId::Repository(id).text(),
            "name": repo.name,
            "full_name": self.full_name(id),
            "private": repo.private,
        })
    }

    /// What `push` carries: times as numbers, a URL of the web, an owner with a name.
    pub(crate) fn pushed_repository_json(&self, id: u64) -> Value {
        let mut value = self.repository_json(id);
        if let Some(repo) = self.repositories.get(&id) {
            value["url"] = value["html_url"].clone();
            value["created_at"] = json!(repo.created_at.timestamp());
            value["pushed_at"] = json!(repo.pushed_at.timestamp());
            value["stargazers"] = json!(0);
            value["master_branch"] = json!(repo.default_branch);
            if let Some(owner) = self.accounts.get(&repo.owner) {
                value["owner"]["name"] = json!(owner.login);
                value["owner"]["email"] = json!(null);
            }
        }
        value
    }
}

fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, host)| host)
}

fn links(api: &str) -> Value {
    let link = |tail: &str| format!("{api}/{tail}");
    json!({
        "archive_url": link("{archive_format}{/ref}"),
        "assignees_url": link("assignees{/user}"),
        "blobs_url": link("git/blobs{/sha}"),
        "branches_url": link("branches{/branch}"),
        "collaborators_url": link("collaborators{/collaborator}"),
        "comments_url": link("comments{/number}"),
        "commits_url": link("commits{/sha}"),
        "compare_url": link("compare/{base}...{head}"),
        "contents_url": link("contents/{+path}"),
        "contributors_url": link("contributors"),
        "deployments_url": link("deployments"),
        "downloads_url": link("downloads"),
        "events_url": link("events"),
        "forks_url": link("forks"),
        "git_commits_url": link("git/commits{/sha}"),
        "git_refs_url": link("git/refs{/sha}"),
        "git_tags_url": link("git/tags{/sha}"),
        "hooks_url": link("hooks"),
        "issue_comment_url": link("issues/comments{/number}"),
        "issue_events_url": link("issues/events{/number}"),
        "issues_url": link("issues{/number}"),
        "keys_url": link("keys{/key_id}"),
        "labels_url": link("labels{/name}"),
        "languages_url": link("languages"),
        "merges_url": link("merges"),
        "milestones_url": link("milestones{/number}"),
        "notifications_url": link("notifications{?since,all,participating}"),
        "pulls_url": link("pulls{/number}"),
        "releases_url": link("releases{/id}"),
        "stargazers_url": link("stargazers"),
        "statuses_url": link("statuses/{sha}"),
        "subscribers_url": link("subscribers"),
        "subscription_url": link("subscription"),
        "tags_url": link("tags"),
        "teams_url": link("teams"),
        "trees_url": link("git/trees{/sha}"),
    })
}
