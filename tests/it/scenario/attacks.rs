//! Each attack on the way to somebody else's repository, carried out.

use serde_json::{Value, json};

use super::town::{Browser, Town};
use crate::world::client::Answer;

/// A page that says no: no redirect, no cookie, and nothing in the database.
async fn is_turned_away(town: &Town, answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.header("content-type"));
    assert_eq!(answer.header("location"), "");
    assert!(answer.text().contains("<h1>"), "{}", answer.text());
    assert_eq!(town.count("SELECT count(*) FROM authorizations").await, 0);
}

#[tokio::test]
async fn a_state_that_is_missing_unknown_or_used_opens_nothing() {
    let town = Town::start().await;
    let mut browser = Browser::new(&town);
    let url = town.authorize_url("site", "u_1", Some("/done")).await;
    let back = browser.allow(&town, &url, "ada").await;
    let code = parameter(&back, "code");
    for path in [
        "/github/callback".to_owned(),
        format!("/github/callback?code={code}"),
        format!("/github/callback?code={code}&state=unknown"),
        format!("/github/callback?code={code}&state="),
        format!("/github/callback?installation_id=1&setup_action=install&code={code}&state=x"),
        format!("{back}&state={}", parameter(&back, "state")),
    ] {
        is_turned_away(&town, &browser.open(&path).await).await;
    }
    assert_eq!(browser.open(&back).await.status, 303);
    let replayed = browser.open(&back).await;
    assert_eq!((replayed.status, replayed.header("location")), (400, ""));
}

#[tokio::test]
async fn a_link_is_good_once_and_for_ten_minutes() {
    let town = Town::start().await;
    let url = town.authorize_url("site", "u_1", None).await;
    Browser::new(&town).follow(&url).await;
    is_turned_away(&town, &Browser::new(&town).open(&url).await).await;
    is_turned_away(&town, &Browser::new(&town).open("/github/start").await).await;
    town.public().get("/github/start?ticket=x").await.problem(400, "malformed");
    let late = town.authorize_url("site", "u_1", None).await;
    let ages = "UPDATE oauth_states SET expires_at = expires_at - interval '601 seconds'";
    town.sql().await.batch_execute(ages).await.unwrap();
    is_turned_away(&town, &Browser::new(&town).open(&late).await).await;
    let url = town.authorize_url("site", "u_1", None).await;
    let mut browser = Browser::new(&town);
    let back = browser.allow(&town, &url, "ada").await;
    town.sql().await.batch_execute(ages).await.unwrap();
    is_turned_away(&town, &browser.open(&back).await).await;
}

#[tokio::test]
async fn a_script_with_a_bad_link_is_told_as_a_problem_and_a_callback_is_always_a_page() {
    let town = Town::start().await;
    let public = town.public();
    public.get("/github/start?ticket=x").await.problem(400, "malformed");
    public.get("/github/start").await.problem(400, "malformed");
    is_turned_away(&town, &public.get("/github/callback?state=x&code=y").await).await;
    is_turned_away(&town, &public.get("/github/callback?state=x&state=x").await).await;
}

#[tokio::test]
async fn a_link_that_two_open_at_once_takes_one_of_them() {
    let town = Town::start().await;
    let url = town.authorize_url("site", "u_1", None).await;
    let mut browsers: Vec<_> = (0..8).map(|_| Browser::new(&town)).collect();
    let answers = futures_util::future::join_all(browsers.iter_mut().map(|browser| browser.open(&url))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 302).count(), 1);
}

#[tokio::test]
async fn another_browser_cannot_finish() {
    let town = Town::start().await;
    let url = town.authorize_url("site", "u_1", Some("/done")).await;
    let mut hers = Browser::new(&town);
    let back = hers.allow(&town, &url, "ada").await;
    is_turned_away(&town, &Browser::new(&town).open(&back).await).await;
    // One that is on a way of its own, for another user.
    let mut his = Browser::new(&town);
    let own = town.authorize_url("site", "u_2", Some("/done")).await;
    his.follow(&own).await;
    is_turned_away(&town, &his.open(&back).await).await;
    // One that puts its own cookie under the name of hers.
    let name = hers.cookies.keys().next().unwrap().clone();
    let value = his.cookies.values().next().unwrap().clone();
    his.cookies.insert(name, value);
    is_turned_away(&town, &his.open(&back).await).await;
    assert_eq!(hers.open(&back).await.status, 303, "the right browser still can");
}

#[tokio::test]
async fn what_another_user_allowed_is_not_mine() {
    let town = Town::start().await;
    let (_, installation) = town.repo("ada/site");
    town.authorize("site", "u_1", "ada").await;
    let body = json!({ "user": "u_2", "installation_id": installation, "repository": "ada/site" });
    town.connect("site", &body).await.problem(403, "authorization_required");
    // Nor what the same user allowed for another project.
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.connect("blog", &body).await.problem(403, "authorization_required");
    town.host().get("/v1/projects/blog/repositories?user=u_1").await.problem(403, "authorization_required");
}

#[tokio::test]
async fn a_code_of_another_visit_does_not_fit_the_challenge() {
    let town = Town::start().await;
    let (mut hers, mut his) = (Browser::new(&town), Browser::new(&town));
    let url = town.authorize_url("site", "u_1", Some("/done")).await;
    let back = hers.allow(&town, &url, "ada").await;
    let url = town.authorize_url("blog", "u_2", Some("/done")).await;
    let stolen = his.allow(&town, &url, "mallory").await;
    let injected = back.replace(&parameter(&back, "code"), &parameter(&stolen, "code"));
    is_turned_away(&town, &hers.open(&injected).await).await;
}

#[tokio::test]
async fn a_code_is_worth_nothing_without_the_verifier() {
    let town = Town::start().await;
    let mut browser = Browser::new(&town);
    let url = town.authorize_url("site", "u_1", Some("/done")).await;
    let back = browser.allow(&town, &url, "ada").await;
    let app = town.github.app();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", app.client_id), ("client_secret", app.client_secret)])
        .append_pair("code", &parameter(&back, "code"))
        .append_pair("redirect_uri", &format!("{}/github/callback", town.public().base()))
        .finish();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
    let token = format!("{}/login/oauth/access_token", town.github.url());
    let answer = town.public().send(http::Method::POST, &token, &headers, form.into_bytes()).await;
    assert!(!answer.text().contains("ghu_"), "{}", answer.text());
}

#[tokio::test]
async fn an_installation_that_a_redirect_names_proves_nothing() {
    let town = Town::start().await;
    let (_, theirs) = town.repo("victim/secret");
    town.github.user("mallory");
    town.github.install("mallory");
    let url = town.authorize_url("site", "u_1", Some("/done")).await;
    let mut browser = Browser::new(&town);
    let back = browser.allow(&town, &url, "mallory").await;
    let forged = format!("{back}&installation_id={theirs}&setup_action=install");
    assert_eq!(browser.open(&forged).await.status, 303);
    let body = json!({ "user": "u_1", "installation_id": theirs, "repository": "victim/secret" });
    refused(&town, &body, 403, "repository_not_accessible").await;
    let setup = browser.open(&format!("/github/setup?installation_id={theirs}&setup_action=install&state=x")).await;
    assert_eq!((setup.status, setup.header("location")), (200, ""));
    refused(&town, &body, 403, "repository_not_accessible").await;
    // Another installation's id does not lead to it either.
    let own = town.github.installation("mallory").unwrap().id;
    let body = json!({ "user": "u_1", "installation_id": own, "repository": "victim/secret" });
    refused(&town, &body, 403, "repository_not_accessible").await;
}

#[tokio::test]
async fn readers_cannot_connect() {
    let town = Town::start().await;
    town.github.org("guild", &[("olga", "admin"), ("mel", "member")]);
    town.github.base_permission("guild", "read");
    town.github.public_repo("guild/open").with(&[("a", "a")]);
    town.github.repo("guild/closed").with(&[("a", "a")]).collaborator("rita", "read");
    let installation = town.github.install("guild");
    // A stranger to a public repository, a plain member, an outside reader.
    for (user, login) in [("u_1", "stranger"), ("u_2", "mel"), ("u_3", "rita")] {
        town.authorize("site", user, login).await;
        for repository in ["guild/open", "guild/closed"] {
            let body = json!({ "user": user, "installation_id": installation, "repository": repository });
            refused(&town, &body, 403, "repository_not_accessible").await;
        }
    }
    town.authorize("site", "u_4", "olga").await;
    let body = json!({ "user": "u_4", "installation_id": installation, "repository": "guild/open" });
    town.connect("site", &body).await.expect(201);
    town.drain().await;
}

#[tokio::test]
async fn a_suspended_installation_is_named_as_such() {
    let town = Town::start().await;
    let (_, installation) = town.repo("ada/site");
    town.authorize("site", "u_1", "ada").await;
    town.github.suspend(installation);
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    refused(&town, &body, 409, "installation_suspended").await;
    let list = town.host().get("/v1/projects/site/repositories?user=u_1").await.expect(200);
    let known = list["installations"].as_array().unwrap().iter().find(|one| one["id"] == installation).unwrap();
    assert_eq!(known["suspended"], true);
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn who_has_a_repository_already_is_not_told() {
    let town = Town::start().await;
    let (_, installation) = town.repo("ada/site");
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.authorize("first-project", "u_1", "ada").await;
    town.connect("first-project", &body).await.expect(201);
    town.authorize("second", "u_1", "ada").await;
    let problem = town.connect("second", &body).await.problem(409, "already_connected");
    assert!(!problem.to_string().contains("first-project"), "{problem}");
    assert_eq!(town.integration("second").await["state"], "disconnected");
    // The same words as for a connection of one's own.
    let other = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site", "branch": "other" });
    town.github.find_repo("ada/site").unwrap().create_branch("other", "main");
    let own = town.connect("first-project", &other).await.problem(409, "already_connected");
    assert_eq!(own["detail"], problem["detail"]);
    town.drain().await;
}

#[tokio::test]
async fn a_repository_made_anew_under_the_old_name_is_another() {
    let town = Town::start().await;
    let (repo, installation) = town.repo("ada/site");
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.authorize("site", "u_1", "ada").await;
    town.connect("site", &body).await.expect(201);
    town.drain().await;
    let id = town.integration("site").await["repository"]["id"].clone();
    repo.delete();
    let again = town.github.repo("ada/site").with(&[("x", "x")]);
    assert_ne!(json!(again.id()), id);
    town.connect("site", &body).await.problem(409, "already_connected");
    assert_eq!(town.integration("site").await["repository"]["id"], id);
    town.drain().await;
    assert_eq!(again.log("main").len(), 1, "nothing is pushed to the newcomer");
}

#[tokio::test]
async fn no_address_leads_away() {
    let town = Town::planned(|plan| plan.set("PANEL_ORIGINS", "https://app.example")).await;
    for address in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "https://app.example.evil.example",
        "https://app.example@evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "http://app.example/",
        "",
        "done",
        "https:/\\evil.example",
        "data:text/html,x",
    ] {
        let body = json!({ "user": "u_1", "return_to": address });
        let fields = town.host().post("/v1/projects/site/connect", &body).await.wrong_fields();
        assert_eq!(fields, ["return_to"], "{address:?}");
    }
    assert_eq!(town.count("SELECT count(*) FROM oauth_states").await, 0);
}

#[tokio::test]
async fn nothing_secret_rests_readable() {
    let town = Town::start().await;
    town.github.user("ada");
    town.authorize("site", "u_1", "ada").await;
    let url = town.authorize_url("site", "u_1", Some("/done")).await;
    let mut browser = Browser::new(&town);
    let page = browser.follow(&url).await;
    let (ticket, state) = (parameter(&url, "ticket"), parameter(&page, "state"));
    let cookie = browser.cookies.values().next().unwrap().clone();
    let dump = format!("{:?}", town.rows().await);
    for secret in ["ghu_", "ghr_", &ticket, &state, &cookie] {
        let hexed = hex::encode(secret);
        assert!(!dump.contains(secret) && !dump.contains(&hexed), "{secret} is in the database");
    }
    assert!(dump.contains("u_1"), "the dump is one");
    town.drain().await;
}

#[tokio::test]
async fn a_panel_connects_as_its_own_person() {
    let town = Town::start().await;
    let (_, installation) = town.repo("ada/site");
    town.authorize("site", "u_1", "ada").await;
    let panel = town.panel("site", "u_2", "owner").await;
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    panel.put("/panel/site/api/integration", &body).await.problem(403, "authorization_required");
    panel.get("/panel/site/api/repositories?user=u_1").await.problem(403, "authorization_required");
    let editor = town.panel("site", "u_1", "editor").await;
    editor.put("/panel/site/api/integration", &body).await.problem(403, "forbidden");
    let owner = town.panel("site", "u_1", "owner").await;
    let body = json!({ "installation_id": installation, "repository": "ada/site" });
    owner.put("/panel/site/api/integration", &body).await.expect(201);
    town.drain().await;
}

async fn refused(town: &Town, body: &Value, status: u16, code: &str) {
    town.connect("site", body).await.problem(status, code);
    assert_eq!(town.count("SELECT count(*) FROM integrations").await, 0);
}

fn parameter(address: &str, name: &str) -> String {
    let url = url::Url::parse(address).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap()
}
