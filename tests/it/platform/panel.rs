//! Panel sessions: whom they let in, and where.

use http::Method;
use serde_json::json;

use crate::world::{API_KEY, World};

const BODY: &str = r#"{"user":{"id":"u_2"},"role":"owner"}"#;
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[actix_web::test]
async fn a_session_opens_its_own_project_and_no_other() {
    let world = World::start().await;
    let body = json!({ "user": { "id": "u_1" }, "role": "owner" });
    let session = world.host().post("/v1/projects/site/panel-sessions", &body).await.expect(201);
    let token = session["token"].as_str().unwrap();
    assert!(session["url"].as_str().unwrap().ends_with(&format!("/panel/site#session={token}")));
    let hour =
        session["expires_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap() - chrono::Utc::now();
    assert!((3590..=3601).contains(&hour.num_seconds()), "{hour}");
    let panel = world.public().with_token(token);
    let tail = "panel-sessions";
    let own = panel.send(Method::POST, &format!("/panel/site/api/{tail}"), JSON, BODY.into()).await;
    own.problem(403, "forbidden");
    let other = panel.send(Method::POST, &format!("/panel/other/api/{tail}"), JSON, BODY.into()).await;
    other.problem(403, "forbidden");
    let key = world.internal().with_token(token);
    let key = key.send(Method::POST, &format!("/v1/projects/site/{tail}"), JSON, BODY.into()).await;
    key.problem(401, "unauthorized");
}

#[actix_web::test]
async fn what_is_no_session_is_refused() {
    let world = World::start().await;
    let path = "/panel/site/api/panel-sessions";
    let session = json!({ "user": { "id": "u_1" }, "role": "owner" });
    let token = world.host().post("/v1/projects/site/panel-sessions", &session).await.expect(201)["token"].clone();
    let altered = format!("{}x", token.as_str().unwrap());
    for client in [world.public(), world.public().with_token(&altered), world.public().with_token(API_KEY)] {
        client.send(Method::POST, path, JSON, BODY.into()).await.problem(401, "unauthorized");
    }
    world.sql().await.execute("UPDATE panel_sessions SET expires_at = now() - interval '1 second'", &[]).await.unwrap();
    let expired = world.public().with_token(token.as_str().unwrap());
    expired.send(Method::POST, path, JSON, BODY.into()).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn a_session_rests_hashed_and_is_in_the_audit_trail() {
    let world = World::start().await;
    let session = json!({ "user": { "id": "u_1" }, "role": "viewer" });
    let token = world.host().post("/v1/projects/site/panel-sessions", &session).await.expect(201)["token"].clone();
    let sql = world.sql().await;
    let row =
        sql.query_one("SELECT actor_type, actor_id, target FROM events WHERE action = 'panel_session.created'", &[]);
    let row = row.await.unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2)), ("host", "config", "u_1"));
    let found: i64 = sql
        .query_one(
            "SELECT count(*) FROM panel_sessions s WHERE s::text LIKE '%' || $1 || '%'",
            &[&token.as_str().unwrap()],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(found, 0);
}
