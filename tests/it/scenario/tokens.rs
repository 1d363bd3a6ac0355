//! A person's token: renewed before it ends, by one process, and gone when GitHub says so.

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::json;

use super::town::Town;
use crate::world::process::run;

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
async fn only_githubs_own_word_ends_an_authorization() {
    let town = authorized().await;
    age(&town, -1).await;
    for status in [400, 401, 403, 404, 410, 422] {
        town.github.fail_next(REFRESH, 1, status);
        town.host().get(LIST).await.problem(503, "github_unavailable");
        town.github.html_error_next(REFRESH, status);
        town.host().get(LIST).await.problem(503, "github_unavailable");
    }
    town.host().get(LIST).await.expect(200);
    town.github.html_error_next("GET /user/installations", 401);
    town.host().get(LIST).await.problem(503, "github_unavailable");
    town.host().get(LIST).await.expect(200);
}

#[tokio::test]
async fn a_late_revocation_leaves_what_was_allowed_since() {
    let town = authorized().await;
    town.authorize("blog", "u_2", "ada").await;
    town.github.hold_webhooks();
    town.github.revoke_authorization("ada");
    town.authorize("site", "u_1", "ada").await;
    // What GitHub does not say now is no reason to take anything away, nor to forget the webhook.
    town.github.html_error_next("POST /applications/{client_id}/token", 404);
    town.github.fail_next("POST /applications/{client_id}/token", 1, 502);
    town.github.release_webhooks(None);
    for _ in 0..3 {
        town.drain().await;
    }
    town.host().get(LIST).await.expect(200);
    town.host().get("/v1/projects/blog/repositories?user=u_2").await.problem(403, "authorization_required");
    assert_eq!(town.count("SELECT count(*) FROM events WHERE action = 'user.deauthorized'").await, 1);
}

#[tokio::test]
async fn a_disconnect_is_not_overtaken_by_an_authorization_under_way() {
    let town = authorized().await;
    for forgotten in ["/v1/projects/site/integration", "/v1/projects/site"] {
        let url = town.authorize_url("site", "u_1", None).await;
        let mut browser = super::town::Browser::new(&town);
        let back = browser.allow(&town, &url, "ada").await;
        town.github.delay_next(REFRESH, 1, std::time::Duration::from_millis(300));
        let (page, ()) = tokio::join!(browser.open(&back), async {
            let taken = "SELECT count(*) FROM oauth_states WHERE state_hash IS NOT NULL AND verifier_enc IS NULL";
            while town.count(taken).await == 0 {}
            town.host().delete(forgotten).await.expect(204);
        });
        assert_eq!(page.status, 400, "{}", page.text());
        assert_eq!(town.count("SELECT count(*) FROM authorizations").await, 0, "{forgotten}");
        town.drain().await;
        assert_eq!(town.github.live_user_tokens(), 0, "{forgotten}");
    }
}

#[tokio::test]
async fn credentials_go_at_once_though_github_is_down() {
    let town = authorized().await;
    town.drain().await;
    town.github.down();
    town.host().delete("/v1/projects/site/integration").await.expect(204);
    assert_eq!(town.count("SELECT count(*) FROM authorizations").await, 0);
    town.host().get(LIST).await.problem(403, "authorization_required");
    town.engine.queue.run_once(&town.engine, Utc::now()).await.unwrap();
    assert!(town.count("SELECT attempts::bigint FROM revocations").await >= 1);
    assert_eq!(town.github.live_user_tokens(), 1);
    town.github.up();
    town.drain().await;
    assert_eq!(town.github.live_user_tokens(), 0);
    assert_eq!(town.count("SELECT count(*) FROM revocations").await, 0);
}

#[tokio::test]
async fn a_revocation_that_redis_lost_is_found_again() {
    let town = authorized().await;
    town.host().delete("/v1/projects/site/integration").await.expect(204);
    town.engine.queue.clear().await.unwrap();
    town.drain().await;
    assert_eq!(town.github.live_user_tokens(), 0);
}

#[tokio::test]
async fn a_disconnect_ends_a_token_and_not_the_persons_grant() {
    let town = authorized().await;
    town.authorize("blog", "u_1", "ada").await;
    assert_eq!(town.github.live_user_tokens(), 2);
    town.host().delete("/v1/projects/site/integration").await.expect(204);
    town.drain().await;
    assert_eq!(town.github.live_user_tokens(), 1, "the other project's goes on");
    town.host().get("/v1/projects/blog/repositories?user=u_1").await.expect(200);
    assert_eq!(town.github.count("/grant"), 0);
    town.host().delete("/v1/projects/blog").await.expect(204);
    town.drain().await;
    assert_eq!(town.github.live_user_tokens(), 0, "a project that is forgotten takes its tokens along");
}

#[tokio::test]
async fn who_takes_back_everything_at_github_is_forgotten_everywhere() {
    let town = authorized().await;
    town.authorize("blog", "u_2", "ada").await;
    town.github.user("bob");
    town.authorize("blog", "u_3", "bob").await;
    town.github.revoke_authorization("ada");
    town.drain().await;
    town.host().get(LIST).await.problem(403, "authorization_required");
    town.host().get("/v1/projects/blog/repositories?user=u_2").await.problem(403, "authorization_required");
    town.host().get("/v1/projects/blog/repositories?user=u_3").await.expect(200);
    let who =
        "SELECT count(*) FROM events WHERE action = 'user.deauthorized' AND actor_type = 'github' AND actor_id = 'ada'";
    assert_eq!(town.count(who).await, 2);
}

/// All that is stored was sealed with a key that is no longer there.
async fn lose_the_key(town: &Town) {
    let lost =
        lockstep::vault::Vault::of(&[zeroize::Zeroizing::new([9; 32]), zeroize::Zeroizing::new([1; 32])]).unwrap();
    assert!(town.engine.store.reseal(&lost).await.unwrap().moved > 0);
}

#[tokio::test]
async fn a_lost_key_costs_an_authorization_and_nothing_else() {
    let town = authorized().await;
    let installation = town.github.installation("ada").unwrap().id;
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.connect("site", &body).await.expect(201);
    town.drain().await;
    town.commit_at_once("site").await;
    lose_the_key(&town).await;
    town.host().get(LIST).await.problem(403, "authorization_required");
    let change = json!({ "event_id": "e1", "changes": [{ "op": "put", "path": "a.txt", "content": "a\n" }] });
    town.host().post("/v1/projects/site/changes", &change).await.expect(202);
    town.drain().await;
    assert_eq!(town.github.find_repo("ada/site").unwrap().text("main", "a.txt").as_deref(), Some("a\n"));
    town.authorize("site", "u_1", "ada").await;
    town.host().get(LIST).await.expect(200);
    lose_the_key(&town).await;
    town.host().delete("/v1/projects/site/integration").await.expect(204);
    assert_eq!(town.count("SELECT count(*) FROM authorizations").await, 0);
    town.drain().await;
    assert_eq!(town.count("SELECT count(*) FROM revocations").await, 0);
}

#[tokio::test]
async fn what_waits_to_be_revoked_does_not_wait_for_a_lost_key() {
    let town = authorized().await;
    town.host().delete("/v1/projects/site/integration").await.expect(204);
    lose_the_key(&town).await;
    town.drain().await;
    assert_eq!(town.count("SELECT count(*) FROM revocations").await, 0);
}

#[tokio::test]
async fn a_key_that_is_lost_is_named_and_the_rest_moves() {
    let town = authorized().await;
    lose_the_key(&town).await;
    town.authorize("blog", "u_2", "ada").await;
    let seven = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let one = &town.env["LOCKSTEP_ENCRYPTION_KEYS"];
    let reencrypt = |keys: String| {
        let database = town.env["LOCKSTEP_DATABASE_URL"].clone();
        let env = [("LOCKSTEP_DATABASE_URL".to_owned(), database), ("LOCKSTEP_ENCRYPTION_KEYS".to_owned(), keys)];
        run(&["reencrypt"], &env.into())
    };
    let output = reencrypt(format!("{seven},{one}"));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let lost = lockstep::vault::Vault::new(&[9; 32], &[]).newest().to_string();
    assert!(told.contains("2 secrets moved") && told.contains(&format!("2 by the key {lost}")), "{told}");
    let nine = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    let output = reencrypt(format!("{seven},{nine}"));
    assert_eq!((output.status.code(), output.stdout), (Some(0), b"2 secrets moved to the newest key\n".to_vec()));
    let output = reencrypt(seven.to_owned());
    assert_eq!((output.status.code(), output.stdout), (Some(0), b"0 secrets moved to the newest key\n".to_vec()));
}

/// Both keys, and rings with either in front.
async fn with_two_keys() -> (Town, lockstep::vault::Vault, lockstep::vault::Vault) {
    let keys = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=,AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let town = Town::planned(|plan| plan.set("ENCRYPTION_KEYS", keys)).await;
    town.repo("ada/site");
    town.authorize("site", "u_1", "ada").await;
    let ring = |keys: [u8; 2]| lockstep::vault::Vault::of(&keys.map(|key| zeroize::Zeroizing::new([key; 32]))).unwrap();
    (town, ring([1, 7]), ring([7, 1]))
}

#[tokio::test]
async fn a_renewal_that_is_under_way_survives_the_move() {
    let (town, older, newer) = with_two_keys().await;
    town.engine.store.reseal(&older).await.unwrap();
    age(&town, -1).await;
    town.github.delay_next(REFRESH, 1, std::time::Duration::from_millis(400));
    let moving = async {
        while town.count("SELECT count(refresh_lease) FROM authorizations").await == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(town.engine.store.reseal(&newer).await.unwrap().moved, 2);
    };
    let host = town.host();
    let (list, ()) = tokio::join!(host.get(LIST), moving);
    list.expect(200);
    assert_eq!(town.count("SELECT count(*) FROM revocations").await, 0, "the new token is kept");
    host.get(LIST).await.expect(200);
    assert_eq!(town.github.count(REFRESH), 2, "one code, one renewal");
}

#[tokio::test]
async fn secrets_move_while_people_come_and_go() {
    let (town, older, newer) = with_two_keys().await;
    for number in 0..6 {
        town.engine.store.reseal(&older).await.unwrap();
        age(&town, -1).await;
        let user = format!("p_{number}");
        let host = town.host();
        let renewing = host.get(LIST);
        let (moved, (), list) =
            tokio::join!(town.engine.store.reseal(&newer), town.authorize("site", &user, "ada"), renewing);
        moved.unwrap();
        list.expect(200);
    }
    town.engine.store.reseal(&newer).await.unwrap();
    let newest = lockstep::vault::Vault::of(&both_newest()).unwrap();
    let pid = town.count("SELECT pid FROM projects").await;
    for user in ["u_1", "p_0", "p_1", "p_2", "p_3", "p_4", "p_5"] {
        let opened = town.engine.store.authorization(&newest, pid, user).await.unwrap().unwrap();
        assert!(town.github.is_live(&opened.tokens.access), "{user}");
    }
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
    assert_eq!(town.engine.store.reseal(&both).await.unwrap().moved, 3);
    assert_eq!(town.engine.store.reseal(&both).await.unwrap().moved, 0);
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
