//! People and organizations, and what they do in browsers.

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::{Control, must};
use crate::world::account::{AccountKind, Membership};
use crate::world::role::Role;

impl Control {
    /// A person, made when there is none of that login; answers the numeric id.
    #[track_caller]
    pub fn user(&self, login: &str) -> u64 {
        let mut world = self.core.world();
        if let Some(id) = world.account_id(login) {
            return id;
        }
        must(world.add_account(login, AccountKind::User).ok_or("the login is taken"))
    }

    /// An organization, made when there is none; its people become `admin` or `member`.
    #[track_caller]
    pub fn org(&self, login: &str, people: &[(&str, &str)]) -> u64 {
        for (person, _) in people {
            self.user(person);
        }
        let mut world = self.core.world();
        let id = match world.account_id(login) {
            Some(id) => id,
            None => {
                let made = world.add_account(login, AccountKind::Organization);
                must(made.ok_or("the login is taken"))
            }
        };
        for (person, role) in people {
            let person = must(world.account_id(person).ok_or("there is no such person"));
            let role = match *role {
                "admin" => Membership::Admin,
                _ => Membership::Member,
            };
            if let Some(organization) = world.accounts.get_mut(&id) {
                organization.members.insert(person, role);
            }
        }
        id
    }

    /// Somebody leaves an organization, and its repositories.
    pub fn remove_member(&self, organization: &str, login: &str) {
        let mut world = self.core.world();
        let (Some(id), Some(user)) = (world.account_id(organization), world.account_id(login)) else {
            return;
        };
        if let Some(organization) = world.accounts.get_mut(&id) {
            organization.members.remove(&user);
        }
        for repo in world.repositories.values_mut().filter(|it| it.owner == id) {
            repo.collaborators.remove(&user);
        }
    }

    /// Whether plain members may create repositories in an organization.
    pub fn members_can_create(&self, organization: &str, allowed: bool) {
        let mut world = self.core.world();
        if let Some(id) = world.account_id(organization)
            && let Some(organization) = world.accounts.get_mut(&id)
        {
            organization.members_can_create = allowed;
        }
    }

    /// What members may do in every repository of an organization: `read` (the default),
    /// `write`, `admin`, or `none`.
    pub fn base_permission(&self, organization: &str, role: &str) {
        let mut world = self.core.world();
        if let Some(id) = world.account_id(organization)
            && let Some(organization) = world.accounts.get_mut(&id)
        {
            organization.base_role = Role::parse(role);
        }
    }

    /// A person's display name, as commits show it.
    pub fn set_name(&self, login: &str, name: &str) {
        let mut world = self.core.world();
        if let Some(id) = world.account_id(login)
            && let Some(account) = world.accounts.get_mut(&id)
        {
            account.name = Some(name.to_owned());
        }
    }

    /// Who uses the browser when no cookie and no `login=` says so; nobody is asked to sign in.
    pub fn default_user(&self, login: &str) {
        let id = self.user(login);
        self.core.world().oauth.default_user = Some(id);
    }

    /// Opens an authorize URL as this person, clicks «Authorize», and answers where the browser
    /// is sent.
    pub async fn authorize(&self, url: &str, login: &str) -> anyhow::Result<String> {
        self.answer_authorize(url, login, true).await
    }

    /// The same, clicking «Cancel».
    pub async fn refuse(&self, url: &str, login: &str) -> anyhow::Result<String> {
        self.answer_authorize(url, login, false).await
    }

    async fn answer_authorize(&self, url: &str, login: &str, yes: bool) -> anyhow::Result<String> {
        self.user(login);
        let parsed = url::Url::parse(url).context("no URL")?;
        let mut pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
        pairs.push(("login".into(), login.into()));
        pairs.push(("authorize".into(), if yes { "1" } else { "0" }.into()));
        let path = parsed.path().to_owned();
        self.submit(&format!("{}{path}", self.url()), &pairs).await
    }

    /// Fills in the installation page as this person: for all repositories when none is named,
    /// else for those with these ids. Answers where the browser is sent.
    pub async fn install_in_browser(
        &self,
        url: &str,
        login: &str,
        account: &str,
        repositories: &[u64],
    ) -> anyhow::Result<String> {
        let parsed = url::Url::parse(url).context("no URL")?;
        let mut pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
        let selection = if repositories.is_empty() { "all" } else { "selected" };
        pairs.push(("login".into(), login.into()));
        pairs.push(("account".into(), account.into()));
        pairs.push(("selection".into(), selection.into()));
        for id in repositories {
            pairs.push(("repository".into(), id.to_string()));
        }
        let path = parsed.path().to_owned();
        self.submit(&format!("{}{path}", self.url()), &pairs).await
    }

    /// Posts a manifest as the form on the setup page does, clicks «Create GitHub App» as this
    /// person, and answers where the browser is sent.
    pub async fn create_app_in_browser(&self, action: &str, manifest: &str, login: &str) -> anyhow::Result<String> {
        self.user(login);
        let parsed = url::Url::parse(action).context("no URL")?;
        let organization = parsed
            .path()
            .strip_prefix("/organizations/")
            .and_then(|rest| rest.split('/').next())
            .unwrap_or_default()
            .to_owned();
        let mut pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
        pairs.push(("manifest".into(), manifest.into()));
        pairs.push(("organization".into(), organization));
        pairs.push(("login".into(), login.into()));
        self.submit(&format!("{}/settings/apps/manifest", self.url()), &pairs).await
    }

    async fn submit(&self, url: &str, pairs: &[(String, String)]) -> anyhow::Result<String> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        let request = http::Request::post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form.finish())))?;
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await?;
        let status = response.status();
        if let Some(location) = response.headers().get("location") {
            return Ok(location.to_str()?.to_owned());
        }
        let body = response.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        Err(anyhow!("{url} answered {status}, no redirect: {text}"))
    }

    /// Opens a URL as a browser would, without following redirects; answers the status, the
    /// `location` and the body.
    pub async fn open(&self, url: &str) -> anyhow::Result<(u16, Option<String>, String)> {
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(http::Request::get(url).body(Empty::new())?).await?;
        let status = response.status().as_u16();
        let location = response.headers().get("location");
        let location = location.and_then(|it| it.to_str().ok()).map(str::to_owned);
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, location, String::from_utf8_lossy(&body).into_owned()))
    }
}
