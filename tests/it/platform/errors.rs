//! The error table of the contract, as far as every route shares it.

use http::Method;
use serde_json::json;

use crate::world::World;

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[actix_web::test]
async fn each_shared_error_has_its_status_code_and_headers() {
    let world = World::start().await;
    let (host, path) = (world.host(), "/v1/projects/site/panel-sessions");
    let body = json!({ "user": { "id": "u_1" }, "role": "viewer" });
    world.internal().post(path, &body).await.problem(401, "unauthorized");
    world.internal().with_token("x").post(path, &body).await.problem(401, "unauthorized");
    world.internal().with("authorization", "Basic eDp5").post(path, &body).await.problem(401, "unauthorized");
    host.get("/v1/nothing/here").await.problem(404, "not_found");
    host.send(Method::POST, path, JSON, b"{".to_vec()).await.problem(400, "malformed");
    host.send(Method::POST, path, JSON, Vec::new()).await.problem(400, "malformed");
    host.send(Method::POST, path, JSON, deep(65)).await.problem(400, "malformed");
    host.send(Method::POST, path, &[("content-type", "text/plain")], b"{}".to_vec())
        .await
        .problem(415, "unsupported_media_type");
    host.send(Method::POST, path, &[], b"{}".to_vec()).await.problem(415, "unsupported_media_type");
    host.send(Method::POST, path, JSON, vec![b' '; 2 << 20]).await.problem(413, "payload_too_large");
    let method = host.delete(path).await;
    assert_eq!(method.header("allow"), "POST");
    method.problem(405, "method_not_allowed");
}

fn deep(levels: usize) -> Vec<u8> {
    ["[".repeat(levels), "]".repeat(levels)].concat().into_bytes()
}

#[actix_web::test]
async fn wrong_fields_are_named() {
    let world = World::start().await;
    let (host, path) = (world.host(), "/v1/projects/site/panel-sessions");
    for (body, field) in [
        (json!({}), "user"),
        (json!({ "user": { "id": "u" }, "role": "viewer", "more": 1 }), "more"),
        (json!({ "user": { "id": "u", "age": 7 }, "role": "viewer" }), "user.age"),
        (json!({ "user": { "id": "" }, "role": "viewer" }), "user.id"),
        (json!({ "user": { "id": "u".repeat(129) }, "role": "viewer" }), "user.id"),
        (json!({ "user": { "id": "u", "name": "a<b" }, "role": "viewer" }), "user.name"),
        (json!({ "user": { "id": "u" }, "role": "boss" }), "role"),
        (json!([]), "body"),
        (json!([{ "id": "u" }, "viewer"]), "body"),
        (json!({ "user": ["u", null, null], "role": "viewer" }), "user"),
    ] {
        assert_eq!(host.post(path, &body).await.wrong_fields(), [field], "{body}");
    }
    let body = json!({ "user": { "id": "u" }, "role": "viewer" });
    for project in [".hidden", "a%2Fb", "a%20b", &"x".repeat(129)] {
        let path = format!("/v1/projects/{project}/panel-sessions");
        assert_eq!(host.post(&path, &body).await.wrong_fields(), ["project"], "{project}");
    }
}

#[actix_web::test]
async fn every_route_says_which_methods_it_has() {
    let world = World::start().await;
    for row in lockstep::http::routes::ROUTES {
        let path = row
            .path
            .replace("{project}", "site")
            .replace("{path}", "a/b")
            .replace("{id}", "x")
            .replace("{number}", "1");
        for method in ["BREW", "OPTIONS", "TRACE"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = world.host().send(method, &path, &[], Vec::new()).await;
            assert!(answer.header("allow").contains(row.method), "{} {}", row.method, row.path);
            answer.problem(405, "method_not_allowed");
        }
    }
}

#[actix_web::test]
async fn no_route_of_the_host_opens_without_a_key() {
    let world = World::start().await;
    for row in lockstep::http::routes::ROUTES.iter().filter(|row| row.needs.is_some()) {
        let path =
            row.path.replace("{project}", "site").replace("{path}", "a").replace("{id}", "x").replace("{number}", "1");
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let answer = world.internal().send(method, &path, JSON, b"{}".to_vec()).await;
        assert_eq!(answer.status, 401, "{} {}", row.method, row.path);
    }
}

#[actix_web::test]
async fn a_parameter_given_twice_is_named() {
    let world = World::start().await;
    for (query, field) in [("limit=1&limit=2", "limit"), ("cursor=a&cursor=b", "cursor"), ("more=1", "more")] {
        assert_eq!(world.host().get(&format!("/v1/projects?{query}")).await.wrong_fields(), [field], "{query}");
    }
}

#[actix_web::test]
async fn where_everything_may_be_left_out_so_may_the_body() {
    let world = World::start().await;
    world.site("site").put("e1", &[("a", "1")]).await;
    for tail in ["syncs", "confirm"] {
        let path = format!("/v1/projects/site/{tail}");
        world.host().send(Method::POST, &path, &[], Vec::new()).await.problem(409, "not_connected");
        world.host().send(Method::POST, &path, JSON, Vec::new()).await.problem(409, "not_connected");
        world.host().send(Method::POST, &path, &[], b"{}".to_vec()).await.problem(415, "unsupported_media_type");
        world.host().send(Method::POST, &path, JSON, b"[".to_vec()).await.problem(400, "malformed");
    }
}
