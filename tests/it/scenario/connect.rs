//! From nothing to a connected project, and back.

use serde_json::json;

use super::town::{Browser, Town};

#[tokio::test]
async fn a_project_is_connected_and_its_files_arrive() {
    let town = Town::start().await;
    let (repo, installation) = town.repo("ada/site");
    town.authorize("site", "u_1", "ada").await;
    let answer = town
        .connect("site", &json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" }))
        .await
        .expect(201);
    assert_eq!(answer["state"], "connected");
    assert_eq!(answer["branch"], "main");
    assert_eq!(answer["connected_by"], "u_1");
    assert_eq!(answer["repository"]["full_name"], "ada/site");
    assert_eq!(answer["repository"]["id"], repo.id());
    assert_eq!(answer["repository"]["private"], true);
    let change = json!({ "event_id": "e1", "changes": [{ "op": "put", "path": "a.txt", "content": "a\n" }] });
    town.host().post("/v1/projects/site/changes", &change).await.expect(202);
    town.drain().await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("a\n"));
    assert_eq!(town.count("SELECT count(*) FROM files WHERE path = 'README.md' AND oid IS NOT NULL").await, 1);
    assert_eq!(town.actions("site").await[..3], ["connect.started", "user.authorized", "integration.connected"]);
}

#[tokio::test]
async fn connecting_twice_is_connecting_once() {
    let town = Town::start().await;
    let (_, installation) = town.repo("ada/site");
    town.github.repo("ada/other").with(&[("a", "a")]);
    town.authorize("site", "u_1", "ada").await;
    let site = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.connect("site", &site).await.expect(201);
    town.connect("site", &site).await.expect(200);
    let named = json!({ "user": "u_1", "installation_id": installation, "repository": "Ada/SITE", "branch": "main" });
    town.connect("site", &named).await.expect(200);
    let other = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/other" });
    town.connect("site", &other).await.problem(409, "already_connected");
    assert_eq!(town.count("SELECT count(*) FROM events WHERE action = 'integration.connected'").await, 1);
    town.drain().await;
}

#[tokio::test]
async fn a_branch_has_to_be_there_unless_nothing_is() {
    let town = Town::start().await;
    let (repo, installation) = town.repo("ada/site");
    repo.create_branch("release", "main");
    town.github.repo("ada/empty");
    town.authorize("site", "u_1", "ada").await;
    let body = |repository: &str, branch: &str| json!({ "user": "u_1", "installation_id": installation, "repository": repository, "branch": branch });
    town.connect("site", &body("ada/site", "nope")).await.problem(409, "branch_not_found");
    assert_eq!(town.connect("site", &body("ada/site", "a..b")).await.wrong_fields(), ["branch"]);
    town.connect("site", &body("ada/site", "release")).await.expect(201);
    town.authorize("blank", "u_1", "ada").await;
    town.connect("blank", &body("ada/empty", "trunk")).await.expect(201);
    assert_eq!(town.integration("blank").await["branch"], "trunk");
    town.drain().await;
}

#[tokio::test]
async fn archived_repositories_are_refused() {
    let town = Town::start().await;
    let (repo, installation) = town.repo("ada/site");
    repo.archive(true);
    town.authorize("site", "u_1", "ada").await;
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.connect("site", &body).await.problem(409, "repository_archived");
    assert_eq!(town.integration("site").await["state"], "disconnected");
}

#[tokio::test]
async fn requests_are_read_strictly() {
    let town = Town::start().await;
    let put = async |body| town.connect("site", &body).await.wrong_fields();
    assert_eq!(put(json!({ "installation_id": 1, "repository": "a/b" })).await, ["user"]);
    assert_eq!(put(json!({ "user": "u", "repository": "a/b" })).await, ["installation_id"]);
    assert_eq!(put(json!({ "user": "u", "installation_id": 1, "repository": "b" })).await, ["repository"]);
    assert_eq!(put(json!({ "user": "u", "installation_id": 1, "repository": "a/../b" })).await, ["repository"]);
    assert_eq!(put(json!({ "user": "u", "installation_id": 1, "repository": "a/b", "x": 1 })).await, ["x"]);
    let body = json!({ "user": "u", "installation_id": 1, "repository": "a/b" });
    town.connect("site", &body).await.problem(403, "authorization_required");
    town.host().get("/v1/projects/unknown/integration").await.problem(404, "not_found");
    town.host().delete("/v1/projects/unknown/integration").await.problem(404, "not_found");
    town.host().post("/v1/projects/site/connect", &json!({})).await.problem(422, "validation_failed");
}

#[tokio::test]
async fn a_disconnect_leaves_the_files_and_no_credentials() {
    let town = Town::start().await;
    let (repo, installation) = town.repo("ada/site");
    town.authorize("site", "u_1", "ada").await;
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.connect("site", &body).await.expect(201);
    town.drain().await;
    let head = repo.head("main");
    assert_eq!(town.github.live_user_tokens(), 1);
    assert_eq!(town.host().delete("/v1/projects/site/integration").await.status, 204);
    assert_eq!(town.count("SELECT count(*) FROM authorizations").await, 0);
    let gone = town.integration("site").await;
    assert_eq!((&gone["state"], &gone["repository"]), (&json!("disconnected"), &json!(null)));
    assert_eq!(gone["pending_changes"], 1);
    town.drain().await;
    assert_eq!(town.github.live_user_tokens(), 0);
    assert_eq!(town.count("SELECT count(*) FROM revocations").await, 0);
    assert_eq!(repo.head("main"), head);
    assert_eq!(town.count("SELECT files FROM projects").await, 1);
    assert_eq!(town.host().delete("/v1/projects/site/integration").await.status, 204);
    town.connect("site", &body).await.problem(403, "authorization_required");
    let actions = town.actions("site").await;
    assert_eq!(actions.iter().filter(|action| *action == "integration.disconnected").count(), 1);
}

#[tokio::test]
async fn a_revocation_is_tried_until_github_answers() {
    let town = Town::start().await;
    town.github.user("ada");
    town.authorize("site", "u_1", "ada").await;
    town.github.fail_next("DELETE /applications", 3, 502);
    town.host().delete("/v1/projects/site/integration").await.expect(204);
    town.drain().await;
    assert_eq!(town.github.live_user_tokens(), 0);
    assert_eq!(town.github.count("DELETE /applications"), 4);
    assert_eq!(town.count("SELECT count(*) FROM revocations").await, 0);
}

#[tokio::test]
async fn connecting_again_begins_anew() {
    let town = Town::start().await;
    let (repo, installation) = town.repo("ada/site");
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    for _ in 0..2 {
        town.authorize("site", "u_1", "ada").await;
        town.connect("site", &body).await.expect(201);
        town.drain().await;
        assert_eq!(town.integration("site").await["pending_changes"], 0);
        town.host().delete("/v1/projects/site/integration").await.expect(204);
        town.drain().await;
    }
    assert_eq!(repo.log("main").len(), 1);
}

#[tokio::test]
async fn the_browser_comes_back_to_where_it_was() {
    let town = Town::planned(|plan| plan.set("PANEL_ORIGINS", "https://app.example")).await;
    town.github.user("ada");
    let cases = [
        ("/p?x=1#top", "/p?x=1&lockstep=connected#top"),
        ("https://app.example/p?q=%20", "https://app.example/p?q=%20&lockstep=connected"),
    ];
    for (given, expected) in cases {
        let url = town.authorize_url("site", "u_1", Some(given)).await;
        let mut browser = Browser::new(&town);
        let back = browser.allow(&town, &url, "ada").await;
        let answer = browser.open(&back).await;
        assert_eq!((answer.status, answer.header("location")), (303, expected));
        assert!(browser.cookies.is_empty());
    }
    let url = town.authorize_url("site", "u_1", None).await;
    let mut browser = Browser::new(&town);
    let back = browser.allow(&town, &url, "ada").await;
    let answer = browser.open(&back).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("<h1>Connected to GitHub</h1>"), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    town.drain().await;
    assert_eq!(town.github.live_user_tokens(), 1, "what was replaced is revoked");
}

#[tokio::test]
async fn a_person_may_refuse() {
    let town = Town::start().await;
    let url = town.authorize_url("site", "u_1", Some("/back")).await;
    let mut browser = Browser::new(&town);
    let page = browser.follow(&url).await;
    let back = town.github.refuse(&page, "ada").await.unwrap();
    let answer = browser.open(&back).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/back?lockstep=denied"));
    assert_eq!(town.count("SELECT count(*) FROM authorizations").await, 0);
    assert_eq!(browser.open(&back).await.status, 400);
}

#[tokio::test]
async fn the_cookie_stays_in_its_place() {
    let town = Town::planned(|plan| plan.set("PUBLIC_URL", "https://sync.example")).await;
    let url = town.authorize_url("site", "u_1", None).await;
    assert!(url.starts_with("https://sync.example/github/start?ticket="), "{url}");
    let mut browser = Browser::new(&town);
    let answer = browser.open(url.strip_prefix("https://sync.example").unwrap()).await;
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/github", "Secure", "Max-Age=600"] {
        assert!(cookie.split("; ").any(|found| found == part), "{part} in {cookie}");
    }
    let to = url::Url::parse(answer.header("location")).unwrap();
    let query: std::collections::BTreeMap<_, _> = to.query_pairs().into_owned().collect();
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["prompt"], "select_account", "nobody lends their account without a page at GitHub");
    assert_eq!(query["redirect_uri"], "https://sync.example/github/callback");
    assert!(query["state"].len() >= 32 && query["code_challenge"].len() == 43);
}

#[tokio::test]
async fn what_a_list_showed_is_asked_of_github_again() {
    let town = Town::start().await;
    town.github.org("guild", &[("olga", "admin"), ("mel", "member")]);
    let repo = town.github.repo("guild/site").with(&[("a", "a")]);
    repo.collaborator("mel", "write");
    let installation = town.github.install("guild");
    town.authorize("site", "u_1", "mel").await;
    let list = town.host().get("/v1/projects/site/repositories?user=u_1").await.expect(200);
    assert_eq!(list["items"][0]["connectable"], true);
    repo.collaborator("mel", "read");
    town.github.reset_requests();
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "guild/site" });
    town.connect("site", &body).await.problem(403, "repository_not_accessible");
    let asked: Vec<_> =
        town.github.requests().into_iter().filter(|it| it.route == "/user/installations/{id}/repositories").collect();
    assert!(!asked.is_empty() && asked.iter().all(|it| it.user.as_deref() == Some("mel")), "{asked:?}");
    town.github.suspend(installation);
    town.connect("site", &body).await.problem(409, "installation_suspended");
    town.github.uninstall(installation);
    town.connect("site", &body).await.problem(403, "repository_not_accessible");
}

#[tokio::test]
async fn another_account_at_github_replaces_the_first() {
    let town = Town::start().await;
    let (_, installation) = town.repo("ada/site");
    town.github.user("bob");
    town.authorize("site", "u_1", "ada").await;
    town.authorize("site", "u_1", "bob").await;
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.connect("site", &body).await.problem(403, "repository_not_accessible");
    town.drain().await;
    assert_eq!(town.github.live_user_tokens(), 1, "the first one's token is revoked");
}
