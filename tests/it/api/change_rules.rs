//! `POST …/changes`: what is refused, with its status, its code and the field it names.

use serde_json::{Value, json};

use crate::world::{API_KEY, World};

fn put(path: &str) -> Value {
    json!({ "op": "put", "path": path, "content": "x" })
}

#[actix_web::test]
async fn paths_that_git_or_a_file_system_would_misread_are_refused() {
    let world = World::start().await;
    let site = world.site("site");
    let long = "a/".repeat(2048) + "b";
    for path in [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "a/..",
        "a\\b",
        "a\u{0}",
        "a\u{1f}b",
        "a\u{7f}",
        "a\u{85}b",
        ".git",
        "x/.GIT/y",
        ".git ",
        "git~1",
        ".git::$INDEX_ALLOCATION",
        ".g\u{200c}it",
        &long,
    ] {
        let answer = site.change("e1", json!([put("fine"), put(path)])).await;
        assert_eq!(answer.wrong_fields(), ["changes[1].path"], "{path:?}");
    }
    site.get("").await.problem(404, "not_found");
}

#[actix_web::test]
async fn no_path_is_both_file_and_folder() {
    let world = World::start().await;
    let site = world.site("site");
    let deep = "f".repeat(880);
    site.put("e0", &[("a", "1"), ("dir/sub/file", "2"), (&format!("{deep}/x"), "3"), ("dir.txt", "4")]).await;
    for (changes, field) in [
        (json!([put("a/b")]), "changes[0].path"),
        (json!([put("new"), put("a/b/c")]), "changes[1].path"),
        (json!([put("dir")]), "changes[0].path"),
        (json!([put("dir/sub")]), "changes[0].path"),
        (json!([put("n"), put("n/m")]), "changes[1].path"),
        (json!([put(&deep)]), "changes[0].path"),
        (json!([{ "op": "rename", "from": "a", "path": "dir" }]), "changes[0].path"),
        (json!([{ "op": "delete", "path": "dir.txt" }, put("dir")]), "changes[1].path"),
    ] {
        assert_eq!(site.change("e1", changes.clone()).await.wrong_fields(), [field], "{changes}");
    }
    let swapped = json!([
        { "op": "delete", "path": "dir/sub/file" }, put("dir"), { "op": "delete", "path": "a" }, put("a/b"),
        { "op": "delete", "path": format!("{deep}/x") }, put(&deep),
    ]);
    site.change("e1", swapped).await.expect(202);
}

#[actix_web::test]
async fn what_is_not_there_cannot_be_deleted_or_renamed() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e0", &[("a/b", "1")]).await;
    for (changes, field) in [
        (json!([{ "op": "delete", "path": "a" }]), "changes[0].path"),
        (json!([{ "op": "delete", "path": "a/b" }, { "op": "delete", "path": "a/b" }]), "changes[1].path"),
        (json!([{ "op": "rename", "from": "a", "path": "c" }]), "changes[0].from"),
        (json!([{ "op": "rename", "from": "a/b", "path": "a/b" }]), "changes[0].path"),
    ] {
        assert_eq!(site.change("e1", changes.clone()).await.wrong_fields(), [field], "{changes}");
    }
}

#[actix_web::test]
async fn symlinks_have_a_target_that_a_system_can_hold() {
    let world = World::start().await;
    let site = world.site("site");
    let link = |path: &str, target: &str| json!({ "op": "put", "path": path, "content": target, "mode": "120000" });
    for (change, field) in [
        (link("l", ""), "changes[0].content"),
        (link("l", &"x".repeat(4097)), "changes[0].content"),
        (link("l", "a\u{0}b"), "changes[0].content"),
        (link(".gitmodules", "x"), "changes[0].path"),
        (link("sub/.GITMODULES", "x"), "changes[0].path"),
    ] {
        assert_eq!(site.change("e1", json!([change])).await.wrong_fields(), [field]);
    }
    site.change("e1", json!([link("l", &"x".repeat(4096)), put(".gitmodules")])).await.expect(202);
    let kept = json!([{ "op": "put", "path": "l", "content": "" }]);
    assert_eq!(site.change("e2", kept).await.wrong_fields(), ["changes[0].content"], "the mode it had is a symlink's");
    let moved = json!([{ "op": "rename", "from": "l", "path": "x/.gitmodules" }]);
    assert_eq!(site.change("e2", moved).await.wrong_fields(), ["changes[0].path"]);
}

#[actix_web::test]
async fn limits_have_their_own_answers() {
    let world = World::start().await;
    let site = world.site("site");
    let many: Vec<Value> = (0..10_001).map(|number| put(&format!("f{number}"))).collect();
    site.change("e1", json!(many)).await.problem(413, "payload_too_large");
    let large = json!([put("ok"), { "op": "put", "path": "big.bin", "content": "x".repeat((50 << 20) + 1) }]);
    let problem = site.change("e1", large).await.problem(413, "file_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("big.bin"));
    site.get("").await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_body_over_100_mib_is_refused_before_it_is_sent() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::start().await;
    let mut stream = tokio::net::TcpStream::connect(world.addresses.internal).await.unwrap();
    let head = format!(
        "POST /v1/projects/site/changes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{{",
        (100 << 20) + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("payload_too_large"), "{answer}");
}

#[actix_web::test]
async fn who_may_and_how_it_is_sent() {
    let world = World::start().await;
    let site = world.site("site");
    let body = json!({ "event_id": "e1", "changes": [put("a")] });
    let internal = world.internal();
    internal.post(&site.url("/changes"), &body).await.problem(401, "unauthorized");
    world.host().get(&site.url("/changes")).await.problem(405, "method_not_allowed");
    let (host, url, bytes) = (world.host(), site.url("/changes"), body.to_string().into_bytes());
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/json5"] {
        let headers = [("content-type", content_type)];
        host.send(http::Method::POST, &url, &headers, bytes.clone()).await.problem(415, "unsupported_media_type");
    }
    let charset = [("content-type", "application/json; charset=utf-8")];
    host.send(http::Method::POST, &url, &charset, bytes).await.expect(202);
    let panel = world.panel("site", "u", "owner").await;
    panel.post("/panel/site/api/changes", &body).await.problem(403, "forbidden");
    let wrong = world.host().post("/v1/projects/.hidden/changes", &body).await;
    assert_eq!(wrong.wrong_fields(), ["project"]);
}
