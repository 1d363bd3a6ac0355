//! Users and organizations.

use serde_json::{Value, json};

use super::node_id::NodeId;
use crate::world::World;
use crate::world::account::{Account, Membership};
use crate::world::stamp;

impl World {
    /// `simple-user`; null when there is no such account.
    pub(crate) fn user_json(&self, id: u64) -> Value {
        let Some(account) = self.accounts.get(&id) else {
            return Value::Null;
        };
        let login = &account.login;
        let api = format!("{}/users/{}", self.url, encode(login));
        json!({
            "login": login,
            "id": id,
            "node_id": NodeId::Account(id).text(),
            "avatar_url": format!("{}/avatars/{id}", self.url),
            "gravatar_id": "",
            "url": api,
            "html_url": format!("{}/{}", self.url, encode(login)),
            "followers_url": format!("{api}/followers"),
            "following_url": format!("{api}/following{{/other_user}}"),
            "gists_url": format!("{api}/gists{{/gist_id}}"),
            "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{api}/subscriptions"),
            "organizations_url": format!("{api}/orgs"),
            "repos_url": format!("{api}/repos"),
            "events_url": format!("{api}/events{{/privacy}}"),
            "received_events_url": format!("{api}/received_events"),
            "type": account.kind.name(),
            "user_view_type": "public",
            "site_admin": false,
        })
    }

    /// `public-user`, or `private-user` to the person themselves.
    pub(crate) fn full_user_json(&self, account: &Account, private: bool) -> Value {
        let mut user = self.user_json(account.id);
        let own = self.repositories.values().filter(|it| it.owner == account.id);
        let public = own.filter(|it| !it.private).count();
        extend(
            &mut user,
            json!({
                "name": account.name, "company": null, "blog": "", "location": null,
                "email": null, "hireable": null, "bio": null, "twitter_username": null,
                "public_repos": public, "public_gists": 0, "followers": 0, "following": 0,
                "created_at": stamp(account.created_at), "updated_at": stamp(account.created_at),
            }),
        );
        if private {
            extend(
                &mut user,
                json!({
                    "private_gists": 0, "total_private_repos": 0, "owned_private_repos": 0,
                    "disk_usage": 0, "collaborators": 0, "two_factor_authentication": true,
                }),
            );
        }
        user
    }

    /// `organization-simple`.
    pub(crate) fn organization_json(&self, account: &Account) -> Value {
        let login = &account.login;
        let api = format!("{}/orgs/{login}", self.url);
        json!({
            "login": login,
            "id": account.id,
            "node_id": NodeId::Account(account.id).text(),
            "url": api,
            "repos_url": format!("{api}/repos"),
            "events_url": format!("{api}/events"),
            "hooks_url": format!("{api}/hooks"),
            "issues_url": format!("{api}/issues"),
            "members_url": format!("{api}/members{{/member}}"),
            "public_members_url": format!("{api}/public_members{{/member}}"),
            "avatar_url": format!("{}/avatars/{}", self.url, account.id),
            "description": null,
        })
    }

    /// `organization-full`.
    pub(crate) fn full_organization_json(&self, account: &Account) -> Value {
        let mut organization = self.organization_json(account);
        let own = self.repositories.values().filter(|it| it.owner == account.id);
        let (private, public): (Vec<_>, Vec<_>) = own.partition(|it| it.private);
        extend(
            &mut organization,
            json!({
                "name": account.display_name(),
                "has_organization_projects": true,
                "has_repository_projects": true,
                "public_repos": public.len(),
                "total_private_repos": private.len(),
                "owned_private_repos": private.len(),
                "public_gists": 0, "followers": 0, "following": 0,
                "html_url": format!("{}/{}", self.url, account.login),
                "type": "Organization",
                "default_repository_permission":
                    account.base_role.map_or("none", |role| role.name()),
                "members_can_create_repositories": account.members_can_create,
                "created_at": stamp(account.created_at),
                "updated_at": stamp(account.created_at),
                "archived_at": null,
            }),
        );
        organization
    }

    /// `org-membership`.
    pub(crate) fn membership_json(&self, account: &Account, user: u64, role: Membership) -> Value {
        let login = self.accounts.get(&user).map(|it| it.login.as_str());
        let login = login.unwrap_or_default();
        let organization_url = format!("{}/orgs/{}", self.url, account.login);
        json!({
            "url": format!("{organization_url}/memberships/{login}"),
            "state": "active",
            "role": role.name(),
            "direct_membership": true,
            "organization_url": organization_url,
            "organization": self.organization_json(account),
            "user": self.user_json(user),
            "permissions": { "can_create_repository":
                role == Membership::Admin || account.members_can_create },
        })
    }
}

/// Adds the fields of one object to another.
pub(crate) fn extend(target: &mut Value, more: Value) {
    if let (Some(target), Value::Object(more)) = (target.as_object_mut(), more) {
        target.extend(more);
    }
}

/// Bots have brackets in their logins.
fn encode(login: &str) -> String {
    login.replace('[', "%5B").replace(']', "%5D")
}
