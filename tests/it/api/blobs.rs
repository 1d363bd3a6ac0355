//! Collecting content that nothing needs any more.

use lockstep::config::{Config, Flags};
use serde_json::json;

use super::oid;
use crate::world::World;

#[actix_web::test]
async fn only_old_content_that_nothing_needs_is_collected() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let (site, sql) = (world.site("site"), world.sql().await);
    site.put("e1", &[("now", "now"), ("base", "base"), ("undo", "undo"), ("history", "history")]).await;
    let pid = site.connect_in_rows().await;
    site.agree_in_rows().await;
    sql.batch_execute(
        "UPDATE projects SET snapshot = 1;
         INSERT INTO syncs (id, pid, connection, kind, status, branch) SELECT gen_random_uuid(), pid, connection, 'auto', 'succeeded', 'main' FROM integrations;
         INSERT INTO sync_files (sync_id, pid, key, path, change, old_oid) SELECT s.id, s.pid, f.key, f.path, 'modified', f.oid FROM syncs s, files f WHERE f.path = 'history'",
    )
    .await
    .unwrap();
    site.put("e2", &[("base", "new base"), ("undo", "x"), ("history", "x")]).await;
    sql.batch_execute("DELETE FROM undo WHERE path <> 'undo'; UPDATE files SET base_oid = oid WHERE path <> 'base'")
        .await
        .unwrap();
    site.put("e3", &[("draft", "first draft")]).await;
    site.put("e4", &[("draft", "second draft")]).await;
    let kept = async || {
        let rows = sql.query("SELECT encode(oid, 'hex') FROM blobs", &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<std::collections::HashSet<_>>()
    };
    assert_eq!(world.engine.store.collect_blobs(pid, 100).await.unwrap(), 0, "too young");
    sql.batch_execute(
        "DELETE FROM undo WHERE path = 'draft'; UPDATE blobs SET created_at = now() - interval '2 hours'",
    )
    .await
    .unwrap();
    assert_eq!(world.engine.store.collect_blobs(pid, 100).await.unwrap(), 1);
    let all = kept().await;
    assert!(!all.contains(&oid("first draft")));
    for needed in ["now", "base", "new base", "undo", "history", "x", "second draft"] {
        assert!(all.contains(&oid(needed)), "{needed}");
    }
    let missing = json!({ "event_id": "t", "files": [{ "path": "a", "oid": oid("first draft") }] });
    world.host().put(&site.url("/tree"), &missing).await.problem(409, "blobs_missing");
}

#[actix_web::test]
async fn collecting_goes_in_steps() {
    let world = World::start().await;
    let (site, sql) = (world.site("site"), world.sql().await);
    let files: Vec<(String, String)> = (0..20).map(|n| (format!("f{n}"), format!("content {n}"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    site.put("e1", &files).await;
    let body = json!({ "event_id": "t", "allow_empty": true, "files": [] });
    world.host().put(&site.url("/tree"), &body).await.expect(202);
    sql.batch_execute("UPDATE blobs SET created_at = now() - interval '2 hours'").await.unwrap();
    let pid: i64 = sql.query_one("SELECT pid FROM projects", &[]).await.unwrap().get(0);
    let mut steps = Vec::new();
    loop {
        match world.engine.store.collect_blobs(pid, 8).await.unwrap() {
            0 => break,
            gone => steps.push(gone),
        }
    }
    assert_eq!(steps, [8, 8, 4]);
}

#[actix_web::test]
async fn collecting_goes_through_all_projects_and_forgets_old_live_events() {
    let world = World::start().await;
    let sql = world.sql().await;
    for name in ["one", "two"] {
        let site = world.site(name);
        site.put("e1", &[("a", "draft")]).await;
        site.put("e2", &[("a", "final")]).await;
    }
    sql.batch_execute(
        "UPDATE blobs SET created_at = now() - interval '2 hours';
         INSERT INTO events (at, pid, kind, actor_type) SELECT now() - n * interval '1 day', 1, 'sync.progress', 'system'
         FROM unnest(ARRAY[9, 8, 2, 0]) n",
    )
    .await
    .unwrap();
    // Rows are looked through in the order in which they were written: nothing old comes behind something young.
    sql.batch_execute("UPDATE events SET at = now() - interval '10 days' WHERE action IS NOT NULL").await.unwrap();
    let retain = Config::load(&Flags::none(), &world.env).unwrap().work.retain;
    assert_eq!(world.engine.collect(std::time::Duration::ZERO, &retain).await.unwrap(), 4, "two drafts, two events");
    assert_eq!(
        world.engine.collect(std::time::Duration::from_secs(60), &retain).await.unwrap(),
        0,
        "another replica did"
    );
    let left = "SELECT (SELECT count(*) FROM blobs), (SELECT count(*) FROM events WHERE action IS NULL),
                (SELECT count(*) FROM events WHERE action IS NOT NULL)";
    let row = sql.query_one(left, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), (2, 2, 4));
}
