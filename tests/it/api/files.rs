//! `GET …/files` and `GET`, `HEAD …/files/{path}`.

use http::Method;
use serde_json::json;

use super::oid;
use crate::world::World;

#[actix_web::test]
async fn files_are_listed_by_the_bytes_of_their_paths() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("b", "22"), ("a/z", "1"), ("a-b", "1"), ("a", "0"), ("ä", "1"), ("B", "1")][..3]).await;
    site.put("e2", &[("ä", "1"), ("B", "1"), ("~", "1")]).await;
    assert_eq!(site.paths().await, ["B", "a-b", "a/z", "b", "~", "ä"]);
    let page = site.get("/files?limit=4").await.expect(200);
    assert_eq!(page["revision"], 2);
    assert_eq!(page["items"][3], json!({ "path": "b", "oid": oid("22"), "mode": "100644", "size": 2 }));
    let cursor = page["next_cursor"].as_str().unwrap();
    // Rows that are added in front do not move the next page.
    site.put("e3", &[("A", "1")]).await;
    let next = site.get(&format!("/files?limit=4&cursor={cursor}")).await.expect(200);
    assert_eq!((&next["items"][0]["path"], &next["next_cursor"]), (&json!("~"), &json!(null)));
}

#[actix_web::test]
async fn wrong_queries_are_named() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "1")]).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=!", "cursor"),
        ("cursor=IlwwIg", "cursor"),
        ("page=2", "page"),
    ] {
        assert_eq!(site.get(&format!("/files?{query}")).await.wrong_fields(), [field], "{query}");
    }
    world.site("nope").get("/files").await.problem(404, "not_found");
}

#[actix_web::test]
async fn one_files_bytes_come_as_they_are() {
    let world = World::start().await;
    let site = world.site("site");
    site.change("e1", json!([{ "op": "put", "path": "a b/ü%.html", "content": "<script>", "mode": "100755" }]))
        .await
        .expect(202);
    for address in ["/files/a%20b/%C3%BC%25.html", "/files/a%20b%2F%C3%BC%25.html"] {
        let answer = site.get(address).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "<script>"), "{address}");
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("etag"), format!("\"{}\"", oid("<script>")));
        assert_eq!(answer.header("x-lockstep-mode"), "100755");
    }
    for missing in ["/files/a", "/files/a%20b", "/files/", "/files/..%2Fa", "/files/%ff", "/files/a%00"] {
        site.get(missing).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn what_the_client_has_is_not_sent_again() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "one")]).await;
    let etag = format!("\"{}\"", oid("one"));
    let url = site.url("/files/a");
    for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let answer = world.host().send(Method::GET, &url, &[("if-none-match", &known)], Vec::new()).await;
        assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, etag.as_str()), "{known}");
    }
    let other = world.host().send(Method::GET, &url, &[("if-none-match", "\"x\"")], Vec::new()).await;
    assert_eq!(other.status, 200);
    let head = world.host().send(Method::HEAD, &url, &[], Vec::new()).await;
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, "3"));
    assert_eq!(head.header("etag"), etag);
}

#[actix_web::test]
async fn viewers_read_files_and_keys_for_changes_too() {
    let world = World::start().await;
    let site = world.site("files");
    site.put("e1", &[("files/x", "one")]).await;
    let panel = world.panel("files", "u", "viewer").await;
    assert_eq!(panel.get("/panel/files/api/files/files/x").await.text(), "one");
    assert_eq!(panel.get("/panel/files/api/files").await.expect(200)["items"][0]["path"], "files/x");
}
