//! `POST …/restore`.

use serde_json::json;
use uuid::Uuid;

use super::Site;
use crate::world::World;

/// A finished sync that left the project as it is now.
async fn synced(site: &Site<'_>) -> Uuid {
    let (sql, id) = (site.world.sql().await, Uuid::now_v7());
    sql.execute("UPDATE projects SET snapshot = snapshot + 1 WHERE id = $1", &[&site.name]).await.unwrap();
    sql.execute(
        "INSERT INTO syncs (id, pid, connection, kind, status, branch, snapshot)
         SELECT $1, p.pid, i.connection, 'auto', 'succeeded', 'main', p.snapshot FROM projects p JOIN integrations i USING (pid)",
        &[&id],
    )
    .await
    .unwrap();
    site.agree_in_rows().await;
    id
}

#[actix_web::test]
async fn the_tree_of_any_sync_comes_back_as_a_new_revision() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let site = world.site("site");
    site.put("e1", &[("a", "1"), ("b", "1"), ("d/x", "1"), (".env", "1")]).await;
    site.connect_in_rows().await;
    let first = synced(&site).await;
    let changes = json!([
        { "op": "put", "path": "a", "content": "2", "mode": "100755" },
        { "op": "delete", "path": "b" },
        { "op": "delete", "path": "d/x" },
        { "op": "put", "path": "d", "content": "file" },
        { "op": "put", "path": "new", "content": "2" },
        { "op": "put", "path": ".env", "content": "2" },
    ]);
    site.change("e2", changes).await.expect(202);
    site.put("e3", &[("a", "3")]).await;
    let second = synced(&site).await;
    site.put("e4", &[("a", "4")]).await;
    let restore = async |sync: Uuid, event: &str| {
        let body = json!({ "sync": sync.to_string(), "user": "u_9", "event_id": event });
        world.host().post(&site.url("/restore"), &body).await
    };
    let answer = restore(first, "r1").await.expect(202);
    assert_eq!(
        (&answer["revision"], &answer["pending_changes"], &answer["event_id"]),
        (&json!(5), &json!(5), &json!("r1"))
    );
    assert_eq!(site.paths().await, [".env", "a", "b", "d/x"]);
    assert_eq!(site.file("a").await.unwrap(), ("1".to_owned(), "100644".to_owned()));
    assert_eq!(site.file(".env").await.unwrap().0, "2", "excluded paths stay");
    let again = restore(second, "r1").await.expect(200);
    assert_eq!((&again["revision"], &again["duplicate"]), (&json!(5), &json!(true)));
    restore(second, "r2").await.expect(202);
    assert_eq!(site.file("a").await.unwrap(), ("3".to_owned(), "100755".to_owned()));
    assert_eq!(site.paths().await, [".env", "a", "d", "new"]);
    let audit = world.host().get("/v1/audit?action=project.restored").await.expect(200);
    assert_eq!(audit["items"][0]["actor"], json!({ "type": "user", "id": "u_9" }));
}

#[actix_web::test]
async fn what_is_no_such_sync_is_refused() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let (site, other) = (world.site("site"), world.site("other"));
    site.put("e1", &[("a", "1")]).await;
    other.put("e1", &[("a", "1")]).await;
    other.connect_in_rows().await;
    let others = synced(&other).await;
    let restore = async |body: serde_json::Value| world.host().post(&site.url("/restore"), &body).await;
    restore(json!({ "sync": Uuid::now_v7().to_string() })).await.problem(404, "not_found");
    restore(json!({ "sync": others.to_string() })).await.problem(404, "not_found");
    assert_eq!(restore(json!({ "sync": "7" })).await.wrong_fields(), ["sync"]);
    assert_eq!(restore(json!({})).await.wrong_fields(), ["sync"]);
    assert_eq!(restore(json!({ "sync": others.to_string(), "event_id": "" })).await.wrong_fields(), ["event_id"]);
    world.sql().await.execute("UPDATE syncs SET snapshot = NULL", &[]).await.unwrap();
    let body = json!({ "sync": others.to_string() });
    assert_eq!(world.host().post(&other.url("/restore"), &body).await.wrong_fields(), ["sync"]);
    let missing = world.host().post("/v1/projects/nope/restore", &body).await;
    missing.problem(404, "not_found");
    let viewer = world.panel("site", "u", "viewer").await;
    viewer.post("/panel/site/api/restore", &body).await.problem(403, "forbidden");
}
