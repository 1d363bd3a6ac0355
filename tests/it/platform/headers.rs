//! Headers of both listeners, pages for browsers, and who may call from where.

use http::Method;

use crate::world::World;

const ORIGIN: &str = "https://app.example.com";

#[actix_web::test]
async fn every_answer_is_hardened() {
    let world = World::plan().set("PUBLIC_URL", "https://sync.example.com").start().await;
    let (public, internal) = (world.public(), world.internal());
    for (answer, listener) in [
        (public.get("/nothing").await, "public"),
        (public.get("/panel/site/api/status").await, "public"),
        (internal.get("/healthz").await, "internal"),
        (internal.get("/docs").await, "internal"),
        (internal.get("/v1/projects").await, "internal"),
    ] {
        let policy = answer.header("content-security-policy").to_owned();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.header("x-request-id").is_empty());
        assert_eq!(answer.header("strict-transport-security").is_empty(), listener == "internal");
    }
}

#[actix_web::test]
async fn a_browser_is_shown_a_page() {
    let world = World::start().await;
    let browser = world.public().with("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let answer = browser.get("/nothing").await;
    assert_eq!((answer.status, answer.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(answer.text().contains("<h1>Not found</h1>"));
    let hidden = world.internal().with("accept", "text/html").get("/nothing").await;
    hidden.problem(404, "not_found");
}

#[actix_web::test]
async fn only_panel_origins_may_call_the_panels_api() {
    let world = World::plan().set("PANEL_ORIGINS", ORIGIN).start().await;
    let ask = [("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")];
    let path = "/panel/site/api/panel-sessions";
    let known = world.public().with("origin", ORIGIN).send(Method::OPTIONS, path, &ask, Vec::new()).await;
    assert_eq!((known.status, known.header("access-control-allow-origin")), (204, ORIGIN));
    assert!(known.header("access-control-allow-headers").to_lowercase().contains("authorization"));
    assert!(known.header("access-control-allow-methods").contains("POST"));
    assert_eq!(known.header("access-control-allow-credentials"), "");
    let refused = world.public().with("origin", ORIGIN).get(path).await;
    assert_eq!(refused.header("access-control-allow-origin"), ORIGIN, "errors are readable too");
    for origin in ["https://evil.example", "null", "https://app.example.com.evil.example"] {
        let answer = world.public().with("origin", origin).send(Method::OPTIONS, path, &ask, Vec::new()).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, ""), "{origin}");
        assert_eq!(answer.header("vary"), "Origin");
    }
    let elsewhere = world.internal().with("origin", ORIGIN).get("/healthz").await;
    assert_eq!(elsewhere.header("access-control-allow-origin"), "");
}

#[actix_web::test]
async fn panels_may_be_framed_by_their_origins_only() {
    let world = World::plan().set("PANEL_ORIGINS", ORIGIN).start().await;
    let panel = world.public().get("/panel/site/nothing").await;
    assert!(panel.header("content-security-policy").contains(&format!("frame-ancestors {ORIGIN}")));
    let other = world.public().get("/setup").await;
    assert!(other.header("content-security-policy").contains("frame-ancestors 'none'"));
}

#[actix_web::test]
async fn a_hosts_request_id_is_kept() {
    let world = World::start().await;
    let given = world.internal().with("x-request-id", "req-0123456789").get("/nothing").await;
    assert_eq!(given.header("x-request-id"), "req-0123456789");
    let odd = world.internal().with("x-request-id", "a b\"c").get("/nothing").await;
    assert_ne!(odd.header("x-request-id"), "a b\"c");
    let public = world.public().with("x-request-id", "req-0123456789").get("/nothing").await;
    assert_ne!(public.header("x-request-id"), "req-0123456789");
}

#[actix_web::test]
async fn the_document_is_served_and_readable() {
    let world = World::start().await;
    let document = world.internal().get("/openapi.json").await.expect(200);
    assert_eq!(document["openapi"].as_str().unwrap().split('.').next(), Some("3"));
    for operation in document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values())
    {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described || response["$ref"].is_string(), "{status} of {operation}");
        }
    }
    let page = world.internal().get("/docs").await;
    assert!(page.text().contains("/v1/projects/{project}/panel-sessions"));
    assert!(!page.text().contains("<script") && !page.text().contains("http://") && !page.text().contains("src="));
}
