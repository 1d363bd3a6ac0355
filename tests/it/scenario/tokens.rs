//! A person's token: renewed before it ends, by one process, and gone when GitHub says so.

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::json;

use super::town::Town;

const LIST: &str = "/v1/projects/site/repositories?user=u_1";
const REFRESH: &str = "POST /login/oauth/access_token";

/// The token has so many minutes left, as far as Lockstep knows.
async fn age(town: &Town, minutes: i64) {
    let at = Utc::now() + TimeDelta::minutes(minutes);
    town.sql().await.execute("UPDATE authorizations SET access_expires_at = $1", &[&at]).await.unwrap();
}

async fn authorized() -> Town {
    let town = Town::start().await;
    town.repo("ada/site");
    town.authorize("site", "u_1", "ada").await;
    town.github.reset_requests();
    town
}

#[tokio::test]
async fn it_is_renewed_shortly_before_it_expires() {
    let town = authorized().await;
    town.host().get(LIST).await.expect(200);
    assert_eq!(town.github.count(REFRESH), 0);
    age(&town, 3).await;
    town.host().get(LIST).await.expect(200);
    town.host().get(LIST).await.expect(200);
    assert_eq!(town.github.count(REFRESH), 1);
}

#[tokio::test]
async fn replicas_renew_it_once() {
    let town = authorized().await;
    let other = town.replica().await;
    age(&town, -1).await;
    town.github.delay_next(REFRESH, 1, std::time::Duration::from_millis(300));
    let user = lockstep::model::UserId::parse("u_1").unwrap();
    let pid = town.count("SELECT pid FROM projects").await;
    let engines = [&town.engine, other.engine()];
    let lists = (0..10).map(|number| engines[number % 2].repositories(pid, &user, 50, None, None));
    for list in join_all(lists).await {
        assert_eq!(list.unwrap().items.len(), 1);
    }
    assert_eq!(town.github.count(REFRESH), 1);
}

#[tokio::test]
async fn a_refused_renewal_asks_the_person_again() {
    let town = authorized().await;
    let installation = town.github.installation("ada").unwrap().id;
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.connect("site", &body).await.expect(201);
    town.drain().await;
    town.github.revoke_authorization("ada");
    age(&town, -1).await;
    town.commit_at_once("site").await;
    town.host().get(LIST).await.problem(403, "token_expired");
    town.host().get(LIST).await.problem(403, "authorization_required");
    assert_eq!(town.integration("site").await["state"], "connected");
    let change = json!({ "event_id": "e1", "changes": [{ "op": "put", "path": "a.txt", "content": "a\n" }] });
    town.host().post("/v1/projects/site/changes", &change).await.expect(202);
    town.drain().await;
    assert_eq!(town.github.find_repo("ada/site").unwrap().text("main", "a.txt").as_deref(), Some("a\n"));
}

#[tokio::test]
async fn a_token_that_github_refuses_goes() {
    let town = authorized().await;
    town.github.revoke_authorization("ada");
    town.host().get(LIST).await.problem(403, "token_expired");
    assert_eq!(town.count("SELECT count(*) FROM authorizations").await, 0);
    assert!(town.actions("site").await.contains(&"user.deauthorized".to_owned()));
    town.authorize("site", "u_1", "ada").await;
    town.host().get(LIST).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_renewed_now_is_kept() {
    let town = authorized().await;
    age(&town, 3).await;
    town.github.fail_next(REFRESH, 1, 502);
    town.host().get(LIST).await.expect(200);
    age(&town, -1).await;
    town.github.fail_next(REFRESH, 1, 502);
    town.host().get(LIST).await.problem(503, "github_unavailable");
    town.host().get(LIST).await.expect(200);
}

#[tokio::test]
async fn a_secret_moved_to_another_row_does_not_open() {
    let town = authorized().await;
    let sql = town.sql().await;
    let moved = "INSERT INTO authorizations (pid, user_id, github_id, github_login, access_enc)
                 SELECT pid, 'u_2', github_id, github_login, access_enc FROM authorizations";
    sql.batch_execute(moved).await.unwrap();
    town.host().get("/v1/projects/site/repositories?user=u_2").await.problem(500, "internal");
    town.host().get(LIST).await.expect(200);
}

#[tokio::test]
async fn everything_moves_to_the_newest_key() {
    let town = authorized().await;
    town.authorize_url("site", "u_1", None).await;
    town.host().delete("/v1/projects/site/integration").await.expect(204);
    town.authorize("site", "u_1", "ada").await;
    let both = [zeroize::Zeroizing::new([7; 32]), zeroize::Zeroizing::new([1; 32])];
    let both = lockstep::vault::Vault::of(&both).unwrap();
    // Access and refresh token, and the token that is to be revoked.
    assert_eq!(town.engine.store.reseal(&both).await.unwrap(), 3);
    assert_eq!(town.engine.store.reseal(&both).await.unwrap(), 0);
    let pid = town.count("SELECT pid FROM projects").await;
    let newest = lockstep::vault::Vault::of(&both_newest()).unwrap();
    let opened = town.engine.store.authorization(&newest, pid, "u_1").await.unwrap().unwrap();
    assert!(opened.tokens.access.starts_with("ghu_"));
    assert!(town.engine.store.authorization(&town.engine.vault, pid, "u_1").await.is_err());
    town.sql().await.batch_execute("DELETE FROM revocations").await.unwrap();
    town.engine.queue.clear().await.unwrap();
}

fn both_newest() -> [zeroize::Zeroizing<[u8; 32]>; 1] {
    [zeroize::Zeroizing::new([7; 32])]
}
