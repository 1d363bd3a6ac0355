//! `POST …/changes`: what an accepted request does, and that it does it once.

use serde_json::json;

use super::oid;
use crate::world::World;

#[actix_web::test]
async fn a_request_is_answered_with_the_revision_and_what_is_pending() {
    let world = World::start().await;
    let site = world.site("site");
    let answer = site.put("evt_1", &[("src/app.ts", "export {}\n"), (".env", "SECRET=1\n")]).await;
    let expected =
        json!({ "project": "site", "event_id": "evt_1", "revision": 1, "pending_changes": 1, "duplicate": false });
    assert_eq!(answer, expected, "an excluded path is not pending");
    assert_eq!(site.file("src/app.ts").await.unwrap(), ("export {}\n".to_owned(), "100644".to_owned()));
    let project = site.project().await;
    assert_eq!((&project["files"], &project["bytes"], &project["revision"]), (&json!(2), &json!(19), &json!(1)));
}

#[actix_web::test]
async fn changes_apply_in_order() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "1"), ("b", "2"), ("c", "3")]).await;
    let changes = json!([
        { "op": "put", "path": "a", "content": "4", "mode": "100755" },
        { "op": "rename", "from": "a", "path": "b" },
        { "op": "put", "path": "a", "content": "5" },
        { "op": "delete", "path": "c" },
        { "op": "put", "path": "c/d", "content": "6" },
        { "op": "put", "path": "link", "content": "c/d", "mode": "120000" },
        { "op": "put", "path": "raw", "content": "/wA=", "encoding": "base64" },
    ]);
    site.change("e2", changes).await.expect(202);
    assert_eq!(site.paths().await, ["a", "b", "c/d", "link", "raw"]);
    assert_eq!(site.file("b").await.unwrap(), ("4".to_owned(), "100755".to_owned()));
    assert_eq!(site.file("link").await.unwrap(), ("c/d".to_owned(), "120000".to_owned()));
    assert_eq!(site.get("/files/raw").await.body.as_ref(), [0xff, 0]);
}

#[actix_web::test]
async fn every_accepted_request_raises_the_revision_even_without_effect() {
    let world = World::start().await;
    let site = world.site("site");
    assert_eq!(site.put("e1", &[("a", "1")]).await["revision"], 1);
    let again = site.put("e2", &[("a", "1")]).await;
    assert_eq!((&again["revision"], &again["pending_changes"]), (&json!(2), &json!(1)));
    let undone = site.change("e3", json!([{ "op": "delete", "path": "a" }])).await.expect(202);
    assert_eq!((&undone["revision"], &undone["pending_changes"]), (&json!(3), &json!(0)));
}

#[actix_web::test]
async fn an_event_id_sent_again_gets_the_first_answer_whatever_the_body() {
    let world = World::start().await;
    let site = world.site("site");
    let mut first = site.put("e1", &[("a", "1")]).await;
    site.put("e2", &[("b", "1")]).await;
    first["duplicate"] = json!(true);
    for body in [
        json!({ "event_id": "e1", "changes": [{ "op": "put", "path": "a", "content": "2" }] }),
        json!({ "event_id": "e1", "expected_revision": 77, "changes": [{ "op": "delete", "path": "nope" }] }),
        json!({ "event_id": "e1", "changes": [] }),
        json!({ "event_id": "e1", "what": "ever" }),
    ] {
        assert_eq!(site.send(body).await.expect(200), first);
    }
    let tree = json!({ "event_id": "e1", "files": [] });
    assert_eq!(world.host().put(&site.url("/tree"), &tree).await.expect(200), first, "shared with trees");
    assert_eq!(site.file("a").await.unwrap().0, "1");
    assert_eq!(site.project().await["revision"], 2);
    assert_eq!(world.site("other").put("e1", &[("a", "1")]).await["duplicate"], false, "ids are a project's own");
}

#[actix_web::test]
async fn two_at_once_with_one_event_id_are_done_once() {
    let world = World::start().await;
    for round in 0..8 {
        // A project that is new, so that both may want to make it.
        let name: &'static str = Box::leak(format!("site-{round}").into_boxed_str());
        let site = world.site(name);
        let send = |content: &str| site.change("same", json!([{ "op": "put", "path": "a", "content": content }]));
        let answers = futures_util::future::join_all(["1", "2", "3", "4"].map(send)).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 202]);
        let revisions: Vec<_> = answers.iter().map(|answer| answer.value()["revision"].clone()).collect();
        assert!(revisions.iter().all(|revision| *revision == 1), "{revisions:?}");
        assert_eq!(site.project().await["revision"], 1);
    }
}

#[actix_web::test]
async fn requests_at_once_are_each_counted() {
    let world = World::start().await;
    let site = world.site("site");
    let ids: Vec<String> = (0..20).map(|number| format!("e{number}")).collect();
    let requests = ids.iter().map(|id| site.change(id, json!([{ "op": "put", "path": id, "content": "x" }])));
    let answers = futures_util::future::join_all(requests).await;
    let mut revisions: Vec<i64> =
        answers.into_iter().map(|answer| answer.expect(202)["revision"].as_i64().unwrap()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=20).collect::<Vec<i64>>());
    assert_eq!(site.project().await["pending_changes"], 20);
}

#[actix_web::test]
async fn a_refused_request_uses_up_nothing() {
    let world = World::start().await;
    let site = world.site("site");
    site.change("e1", json!([{ "op": "put", "path": "a", "content": "1" }, { "op": "delete", "path": "b" }]))
        .await
        .problem(422, "validation_failed");
    site.get("").await.problem(404, "not_found");
    site.put("e1", &[("a", "1")]).await;
    site.send(json!({ "event_id": "e2", "expected_revision": 9, "changes": [{ "op": "delete", "path": "a" }] }))
        .await
        .problem(409, "revision_conflict");
    assert_eq!(site.put("e2", &[("a", "2")]).await["revision"], 2);
}

#[actix_web::test]
async fn another_revision_than_expected_is_refused_with_the_present_one() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "1")]).await;
    let body = |revision: i64| json!({ "event_id": "e2", "expected_revision": revision, "changes": [{ "op": "put", "path": "a", "content": "2" }] });
    let problem = site.send(body(0)).await.problem(409, "revision_conflict");
    assert_eq!(problem["revision"], 1);
    site.send(body(1)).await.expect(202);
    let fresh =
        json!({ "event_id": "e", "expected_revision": 0, "changes": [{ "op": "put", "path": "a", "content": "2" }] });
    world.site("fresh").send(fresh).await.expect(202);
}

#[actix_web::test]
async fn another_blob_than_the_editors_is_refused_with_path_and_oid() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "1"), ("b", "1")]).await;
    let stale = json!([
        { "op": "put", "path": "b", "content": "9" },
        { "op": "put", "path": "a", "content": "2", "base_oid": oid("0") },
        { "op": "put", "path": "new", "content": "2", "base_oid": oid("1") },
        { "op": "delete", "path": "a", "base_oid": null },
    ]);
    let problem = site.change("e2", stale).await.problem(409, "revision_conflict");
    assert_eq!(problem["revision"], 1);
    let told: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["field"].clone(), e["path"].clone(), e["oid"].clone()))
        .collect();
    let expected = [
        ("changes[1].base_oid", "a", json!(oid("1"))),
        ("changes[2].base_oid", "new", json!(null)),
        ("changes[3].base_oid", "a", json!(oid("1"))),
    ];
    assert_eq!(told, expected.map(|(field, path, oid)| (json!(field), json!(path), oid)));
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains(&oid("1")));
    assert_eq!(site.file("b").await.unwrap().0, "1", "nothing changed");
    let fresh = json!([
        { "op": "put", "path": "a", "content": "2", "base_oid": oid("1") },
        { "op": "put", "path": "new", "content": "2", "base_oid": null },
        { "op": "delete", "path": "b", "base_oid": oid("1") },
    ]);
    site.change("e2", fresh).await.expect(202);
}

#[actix_web::test]
async fn auto_sync_starts_its_window_with_the_first_pending_change() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let site = world.site("site");
    site.put("e1", &[("a", "1")]).await;
    site.connect_in_rows().await;
    site.agree_in_rows().await;
    let sql = world.sql().await;
    let window = async || {
        let select = "SELECT window_at, due_at, extract(epoch FROM due_at - window_at)::int FROM integrations";
        let row = sql.query_one(select, &[]).await.unwrap();
        let at = |column: usize| row.get::<_, Option<chrono::DateTime<chrono::Utc>>>(column);
        (at(0), at(1), row.get::<_, Option<i32>>(2))
    };
    site.put("e2", &[("a", "1")]).await;
    assert_eq!(window().await, (None, None, None), "nothing is pending");
    site.put("e3", &[(".env", "1")]).await;
    assert_eq!(window().await, (None, None, None), "an excluded path is not pending");
    site.put("e4", &[("a", "2")]).await;
    let opened = window().await;
    assert_eq!(opened.2, Some(5), "batch_seconds");
    site.put("e5", &[("a", "3")]).await;
    assert_eq!(window().await, opened, "not pushed back");
    let undone = site.put("e6", &[("a", "1")]).await;
    assert_eq!(undone["pending_changes"], 0);
    assert_eq!(window().await.0, None, "closed: the next change starts another");
}

#[actix_web::test]
async fn a_project_that_waits_for_a_retry_is_not_hurried_by_changes() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let site = world.site("site");
    site.put("e1", &[("a", "1")]).await;
    site.connect_in_rows().await;
    let sql = world.sql().await;
    let wait = "UPDATE integrations SET attempts = 2, due_at = '2100-01-01', window_at = now() - interval '1 hour'";
    sql.execute(wait, &[]).await.unwrap();
    site.put("e2", &[("a", "2")]).await;
    let row = sql.query_one("SELECT due_at = '2100-01-01' FROM integrations", &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
}

#[actix_web::test]
async fn authors_are_kept_for_what_is_pending() {
    let world = World::start().await;
    let site = world.site("site");
    let by = async |event: &str, user: &str, changes: serde_json::Value| {
        let author = json!({ "id": user, "name": user, "email": format!("{user}@example.com") });
        site.send(json!({ "event_id": event, "author": author, "changes": changes })).await.expect(202)
    };
    by("e1", "ada", json!([{ "op": "put", "path": "a", "content": "1" }])).await;
    by("e2", "bob", json!([{ "op": "put", "path": "a", "content": "2" }])).await;
    by("e3", "cyd", json!([{ "op": "rename", "from": "a", "path": "b" }])).await;
    let sql = world.sql().await;
    let select = "SELECT array_agg(a.user_id ORDER BY a.user_id) FROM files f JOIN authors a ON a.aid = ANY (f.authors) WHERE f.path = 'b'";
    let users: Vec<String> = sql.query_one(select, &[]).await.unwrap().get(0);
    assert_eq!(users, ["ada", "bob", "cyd"], "whose work was moved is named too");
}

#[actix_web::test]
async fn what_is_known_of_a_failed_transaction_is_nothing() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "1")]).await;
    let sql = world.sql().await;
    // The last statement of the transaction fails.
    sql.batch_execute("ALTER TABLE events RENAME COLUMN target TO aside").await.unwrap();
    site.change("e2", json!([{ "op": "put", "path": "b", "content": "2" }])).await.problem(500, "internal");
    sql.batch_execute("ALTER TABLE events RENAME COLUMN aside TO target").await.unwrap();
    assert_eq!(site.paths().await, ["a"]);
    let blobs: i64 = sql.query_one("SELECT count(*) FROM blobs", &[]).await.unwrap().get(0);
    assert_eq!(blobs, 1);
    assert_eq!(site.put("e2", &[("b", "2")]).await["revision"], 2);
}
