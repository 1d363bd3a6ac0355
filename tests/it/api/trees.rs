//! `PUT …/tree`: the whole tree at once.

use serde_json::{Value, json};

use super::{Site, oid};
use crate::world::{Answer, World};

async fn tree(site: &Site<'_>, event_id: &str, files: Value) -> Answer {
    site.world.host().put(&site.url("/tree"), &json!({ "event_id": event_id, "files": files })).await
}

#[actix_web::test]
async fn what_is_listed_is_there_and_nothing_else() {
    let world = World::start().await;
    let site = world.site("site");
    let first = json!([{ "path": "a", "content": "1", "mode": "100755" }, { "path": "d/b", "content": "2" }, { "path": "c", "content": "3" }]);
    let answer = tree(&site, "t1", first).await.expect(202);
    assert_eq!(
        (&answer["revision"], &answer["pending_changes"]),
        (&json!(1), &json!(3)),
        "a project that is new is made"
    );
    let second =
        json!([{ "path": "a", "oid": oid("2") }, { "path": "d", "content": "4" }, { "path": "c", "oid": oid("3") }]);
    tree(&site, "t2", second).await.expect(202);
    assert_eq!(site.paths().await, ["a", "c", "d"]);
    assert_eq!(site.file("a").await.unwrap(), ("2".to_owned(), "100755".to_owned()), "the mode it had");
    assert_eq!(site.file("d").await.unwrap().0, "4");
    assert_eq!(tree(&site, "t2", json!([])).await.expect(200)["revision"], 2);
    let revisions: Vec<i64> = world
        .sql()
        .await
        .query("SELECT revision FROM files ORDER BY path", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(revisions, [2, 1, 2], "only what differs is written");
}

#[actix_web::test]
async fn content_that_the_project_does_not_have_is_asked_for() {
    let world = World::start().await;
    let site = world.site("site");
    world.site("other").put("e1", &[("x", "elsewhere")]).await;
    site.put("e1", &[("a", "1")]).await;
    let files = json!([{ "path": "a", "oid": oid("1") }, { "path": "b", "oid": oid("elsewhere") }, { "path": "c", "oid": oid("nowhere") }]);
    let problem = tree(&site, "t1", files).await.problem(409, "blobs_missing");
    let mut missing = vec![oid("elsewhere"), oid("nowhere")];
    missing.sort();
    assert_eq!(problem["missing"], json!(missing), "another project's content is not this one's");
    assert_eq!(site.paths().await, ["a"]);
    let files = json!([{ "path": "a", "oid": oid("new") }, { "path": "b", "content": "new" }]);
    tree(&site, "t1", files).await.expect(202);
}

#[actix_web::test]
async fn an_empty_tree_has_to_be_meant() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "1")]).await;
    assert_eq!(tree(&site, "t1", json!([])).await.wrong_fields(), ["files"]);
    let body = json!({ "event_id": "t1", "allow_empty": true, "files": [] });
    world.host().put(&site.url("/tree"), &body).await.expect(202);
    assert_eq!(site.paths().await, [""; 0]);
    assert_eq!(site.project().await["pending_changes"], 0);
}

#[actix_web::test]
async fn wrong_trees_are_refused_whole() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("keep", ""), ("long", &"x".repeat(5000))]).await;
    site.change("e2", json!([{ "op": "put", "path": "nul", "content": "a\u{0}b" }])).await.expect(202);
    let link = |path: &str, oid: String| json!({ "path": path, "oid": oid, "mode": "120000" });
    for (files, field) in [
        (json!([{ "path": "a", "content": "1" }, { "path": "a", "content": "2" }]), "files[1].path"),
        (json!([{ "path": "a", "content": "1" }, { "path": "a/b", "content": "2" }]), "files[1].path"),
        (json!([{ "path": "../a", "content": "1" }]), "files[0].path"),
        (json!([{ "path": "a" }]), "files[0].content"),
        (json!([{ "path": "a", "content": "1", "oid": oid("") }]), "files[0].oid"),
        (json!([{ "path": "a", "content": "", "mode": "120000" }]), "files[0].content"),
        (json!([link("a", oid(""))]), "files[0].content"),
        (json!([link("a", oid(&"x".repeat(5000)))]), "files[0].content"),
        (json!([link("a", oid("a\u{0}b"))]), "files[0].content"),
        (json!([link(".gitmodules", oid("a\u{0}b"))]), "files[0].path"),
        (json!([{ "path": "a", "content": "1", "extra": 1 }]), "files[0].extra"),
    ] {
        assert_eq!(tree(&site, "t1", files.clone()).await.wrong_fields(), [field], "{files}");
    }
    assert_eq!(site.paths().await, ["keep", "long", "nul"]);
    let body = json!({ "event_id": "t1", "expected_revision": 7, "files": [{ "path": "a", "content": "1" }] });
    assert_eq!(world.host().put(&site.url("/tree"), &body).await.problem(409, "revision_conflict")["revision"], 2);
}
