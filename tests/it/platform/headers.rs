//! Headers of both listeners, pages for browsers, and who may call from where.

use http::Method;

use crate::world::{API_KEY, Answer, Client, World};

const ORIGIN: &str = "https://app.example.com";

/// What an answer is to a browser.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Pages and the API are never kept.
    Fresh,
    /// Scripts and styles, whose content has no secret.
    Asset,
}

#[track_caller]
fn is_hardened(answer: &Answer, what: &str, kind: Kind, https: bool) {
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-"), "{what}: {policy}");
    assert_eq!(policy.matches("frame-ancestors").count(), 1, "{what}: {policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
    assert!(!answer.header("x-request-id").is_empty(), "{what}");
    let kept = answer.header("cache-control");
    assert_eq!(kept == "no-store", kind == Kind::Fresh, "{what}: {kept}");
    assert_eq!(answer.header("strict-transport-security").starts_with("max-age="), https, "{what}");
    let framed = what.starts_with("/panel/");
    let ancestors = if framed { format!("frame-ancestors {ORIGIN}") } else { "frame-ancestors 'none'".to_owned() };
    assert!(policy.contains(&ancestors), "{what}: {policy}");
    assert_eq!(answer.header("access-control-allow-origin"), "", "{what}");
}

#[actix_web::test]
async fn every_kind_of_answer_is_hardened() {
    let plan = World::plan().set("PUBLIC_URL", "https://sync.example.com").set("PANEL_ORIGINS", ORIGIN);
    let mut world = plan.start().await;
    world.allow_leftovers();
    let (public, internal, host) = (world.public(), world.internal(), world.host());
    let site = world.site("site");
    site.put("e1", &[("a.html", "<script>alert(1)</script>")]).await;
    let panel = world.panel("site", "u_1", "viewer").await;
    let browser = public.clone().with("accept", "text/html");
    let page = public.get("/panel/site").await.text();
    let script = page.split('"').find(|part| part.starts_with("/assets/")).unwrap().to_owned();
    for (client, path, status) in [
        (&public, "/panel/site", 200),
        (&public, "/panel/.hidden", 404),
        (&public, "/panel/site/api/integration", 401),
        (&panel, "/panel/site/api/integration", 200),
        (&panel, "/panel/site/api/files/a.html", 200),
        (&panel, "/panel/site/api/session", 200),
        (&panel, "/panel/site/api/settings?x=1", 200),
        (&panel, "/panel/site/api/nothing", 404),
        (&public, "/github/start?ticket=x", 503),
        (&public, "/github/callback", 400),
        (&public, "/github/callback?state=x", 400),
        (&public, "/github/setup", 200),
        (&browser, "/setup", 403),
        (&browser, "/setup/callback", 400),
        (&public, "/", 404),
        (&browser, "/", 404),
        (&public, "/webhooks/github", 405),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        is_hardened(&answer, path, Kind::Fresh, true);
    }
    for (client, path, status) in [
        (&internal, "/healthz", 200),
        (&internal, "/readyz", 200),
        (&internal, "/metrics", 200),
        (&internal, "/openapi.json", 200),
        (&internal, "/docs", 200),
        (&internal, "/console", 200),
        (&internal, "/v1/projects", 401),
        (&host, "/v1/projects", 200),
        (&host, "/v1/projects/site/files/a.html", 200),
        (&host, "/v1/projects/none", 404),
        (&host, "/v1/audit?limit=0", 422),
        (&host, "/nothing", 404),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        is_hardened(&answer, path, Kind::Fresh, false);
    }
    for path in ["/embed.js", script.as_str()] {
        is_hardened(&public.get(path).await, path, Kind::Asset, true);
    }
    let known = host.get("/v1/projects/site/files/a.html").await.header("etag").to_owned();
    let same = host.clone().with("if-none-match", &known).get("/v1/projects/site/files/a.html").await;
    assert_eq!(same.status, 304);
    is_hardened(&same, "304", Kind::Fresh, false);
    let head = host.send(Method::HEAD, "/v1/projects/site/files/a.html", &[], Vec::new()).await;
    assert_eq!(head.status, 200);
    is_hardened(&head, "HEAD", Kind::Fresh, false);
    let json = [("content-type", "application/json")];
    for (status, method, body, headers) in [
        (400, Method::POST, "{", &json[..]),
        (415, Method::POST, "{}", &[]),
        (422, Method::POST, "{}", &json),
        (405, Method::DELETE, "", &[]),
    ] {
        let answer = host.send(method, "/v1/projects/site/changes", headers, body.into()).await;
        assert_eq!(answer.status, status);
        is_hardened(&answer, "an error", Kind::Fresh, false);
    }
    let gone = host.delete("/v1/projects/site").await;
    assert_eq!(gone.status, 204);
    is_hardened(&gone, "204", Kind::Fresh, false);
}

#[actix_web::test]
async fn without_https_browsers_are_not_told_to_use_it() {
    let world = World::start().await;
    assert_eq!(world.public().get("/panel/site").await.header("strict-transport-security"), "");
}

#[actix_web::test]
async fn the_consoles_cookie_stays_with_the_console() {
    let world = World::start().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sign_in = async |key: &str| {
        world.internal().send(Method::POST, "/console/sign-in", &form, format!("key={key}").into_bytes()).await
    };
    let answer = sign_in(API_KEY).await;
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.split("; ").any(|found| found == part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let console = world.internal().with("cookie", cookie.split(';').next().unwrap());
    console.get("/v1/projects").await.expect(200);
    let body = serde_json::json!({ "user": { "id": "u" }, "role": "viewer" });
    console.post("/v1/projects/site/panel-sessions", &body).await.problem(403, "forbidden");
    let elsewhere = console.clone().with("origin", "https://evil.example");
    elsewhere.post("/v1/projects/site/panel-sessions", &body).await.problem(403, "forbidden");
    let out = console.clone().with("origin", world.internal().base()).post("/console/sign-out", &body).await;
    assert_eq!(out.status, 204);
    console.get("/v1/projects").await.problem(401, "unauthorized");
    let refused = sign_in("wrong").await;
    assert_eq!((refused.status, refused.header("set-cookie")), (303, ""));
}

#[actix_web::test]
async fn only_the_panels_api_and_its_elements_are_for_other_origins() {
    let world = World::plan().set("PANEL_ORIGINS", ORIGIN).start().await;
    let (public, internal) = (world.public().with("origin", ORIGIN), world.host().with("origin", ORIGIN));
    let allowed = async |client: &Client, path: &str| {
        let ask = [("access-control-request-method", "GET")];
        let preflight = client.send(Method::OPTIONS, path, &ask, Vec::new()).await;
        let answer = client.get(path).await;
        [preflight, answer].map(|answer| !answer.header("access-control-allow-origin").is_empty())
    };
    assert_eq!(allowed(&public, "/panel/site/api/integration").await, [true, true]);
    assert_eq!(allowed(&public, "/embed.js").await, [true, true]);
    for path in ["/panel/site", "/github/start", "/github/callback", "/github/setup", "/setup", "/webhooks/github", "/"]
    {
        assert_eq!(allowed(&public, path).await, [false, false], "{path}");
    }
    for path in ["/v1/projects", "/v1/audit", "/healthz", "/metrics", "/openapi.json", "/docs", "/console"] {
        assert_eq!(allowed(&internal, path).await, [false, false], "{path}");
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
