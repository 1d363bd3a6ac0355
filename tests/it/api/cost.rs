//! Cost follows the change, not the project: counted in rows, not in time.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::Site;
use crate::story::{Story, put};
use crate::world::World;

/// A project of so many files, written straight into the rows.
async fn large(site: &Site<'_>, sql: &Client, files: i32) -> i64 {
    site.put("e0", &[("seed", "x")]).await;
    let row = sql.query_one("SELECT pid FROM projects WHERE id = $1", &[&site.name]).await.unwrap();
    let pid: i64 = row.get(0);
    agreed(sql, pid, files).await;
    pid
}

/// Files that both sides have, as rows.
async fn agreed(sql: &Client, pid: i64, files: i32) {
    sql.execute(
        "INSERT INTO files (pid, key, path, oid, mode, size, base_oid, base_mode)
         SELECT $1, convert_to(p, 'UTF8'), p, sha, 33188, 1, sha, 33188
         FROM generate_series(1, $2) n, LATERAL (SELECT 'dir' || n % 100 || '/file' || n AS p) a,
              LATERAL (SELECT decode(repeat(lpad(to_hex(n % 16), 2, '0'), 20), 'hex') AS sha) b",
        &[&pid, &files],
    )
    .await
    .unwrap();
    sql.batch_execute("ANALYZE files; ANALYZE projects; ANALYZE blobs").await.unwrap();
}

/// Rows of `files` read and written so far.
async fn rows(sql: &Client) -> [i64; 5] {
    sql.batch_execute("SELECT pg_stat_clear_snapshot()").await.unwrap();
    let select = "SELECT seq_tup_read, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE relname = 'files'";
    let row = sql.query_one(select, &[]).await.unwrap();
    [0, 1, 2, 3, 4].map(|column| row.get::<_, Option<i64>>(column).unwrap_or(0))
}

/// The counters of every session of the program, told to the server.
async fn settle(world: &World, sql: &Client) {
    // A session tells its counts when it is idle for a second, or ends: the pool's are ended.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql.batch_execute(end).await.unwrap();
    // The test's own session tells its counts with its next idle moment.
    sql.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while sql.query_one(gone, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::task::yield_now().await;
    }
    while world.internal().get("/readyz").await.status != 200 {
        tokio::task::yield_now().await;
    }
}

/// What these changes cost: rows scanned, fetched, inserted, updated, deleted.
async fn cost(world: &World, site: &Site<'_>, sql: &Client, event_id: &str, changes: Value) -> [i64; 5] {
    settle(world, sql).await;
    let before = rows(sql).await;
    site.change(event_id, changes).await.expect(202);
    settle(world, sql).await;
    let after = rows(sql).await;
    std::array::from_fn(|index| after[index] - before[index])
}

#[actix_web::test]
async fn one_edit_among_100_000_files_touches_one_row() {
    let world = World::start().await;
    let (site, sql) = (world.site("site"), world.sql().await);
    large(&site, &sql, 100_000).await;
    let edit = json!([{ "op": "put", "path": "dir7/file7", "content": "edited" }]);
    let [scanned, fetched, inserted, updated, deleted] = cost(&world, &site, &sql, "e1", edit).await;
    assert_eq!((scanned, inserted, updated, deleted), (0, 0, 1, 0));
    assert!(fetched <= 2, "read once to decide, once to write: {fetched}");
}

#[actix_web::test]
async fn one_new_file_among_100_000_reads_its_surroundings_only() {
    let world = World::start().await;
    let (site, sql) = (world.site("site"), world.sql().await);
    large(&site, &sql, 100_000).await;
    let new = json!([{ "op": "put", "path": "dir7/new/file", "content": "new" }]);
    let [scanned, fetched, inserted, updated, deleted] = cost(&world, &site, &sql, "e1", new).await;
    assert_eq!((scanned, inserted, updated, deleted), (0, 1, 0, 0));
    assert!(fetched <= 2, "{fetched}");
    let gone = json!([{ "op": "delete", "path": "dir7/new/file" }, { "op": "rename", "from": "dir7/file7", "path": "dir8/x" }]);
    let [scanned, fetched, inserted, updated, deleted] = cost(&world, &site, &sql, "e2", gone).await;
    assert_eq!(
        (scanned, inserted, updated, deleted),
        (0, 1, 1, 1),
        "what was agreed on stays as a row until it is synced"
    );
    assert!(fetched <= 6, "{fetched}");
}

#[actix_web::test]
async fn ten_thousand_files_are_stored_by_sets_and_known_blobs_not_again() {
    let world = World::start().await;
    let (site, sql) = (world.site("site"), world.sql().await);
    let files = |content: &'static str| -> Value {
        (0..10_000).map(|n| json!({ "op": "put", "path": format!("src/{}/{n}.txt", n % 50), "content": format!("{content} {n}\n") })).collect()
    };
    let answer = site.change("e1", files("one")).await.expect(202);
    assert_eq!((&answer["pending_changes"], &answer["revision"]), (&json!(10_000), &json!(1)));
    let project = site.project().await;
    assert_eq!(project["files"], 10_000);
    let written = "SELECT count(*), count(DISTINCT xmin::text) FROM blobs";
    let row = sql.query_one(written, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (10_000, 1), "one transaction");
    let xmin = sql.query_one("SELECT min(xmin::text) FROM blobs", &[]).await.unwrap().get::<_, String>(0);
    let moved: Value = (0..10_000)
        .map(|n| json!({ "op": "put", "path": format!("moved/{n}.txt"), "content": format!("one {n}\n") }))
        .collect();
    site.change("e2", moved).await.expect(202);
    let row = sql.query_one("SELECT count(*), min(xmin::text), max(xmin::text) FROM blobs", &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, String>(1), row.get::<_, String>(2)), (10_000, xmin.clone(), xmin));
    assert_eq!(site.file("moved/9999.txt").await.unwrap().0, "one 9999\n");
}

#[actix_web::test]
async fn a_sync_of_one_edit_among_100_000_files_reads_and_writes_its_row_alone() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n")]);
    let (site, sql) = (story.project("site").await.connected_to(&repo).await, story.sql().await);
    let pid: i64 = sql.query_one("SELECT pid FROM projects", &[]).await.unwrap().get(0);
    agreed(&sql, pid, 100_000).await;
    site.changes(vec![put("a.txt", "two\n")]).await;
    story.github.reset_requests();
    settle(&story, &sql).await;
    let before = rows(&sql).await;
    story.drain().await;
    settle(&story, &sql).await;
    let after = rows(&sql).await;
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("two\n"));
    assert_eq!(story.github.count_created(), 1);
    let [scanned, fetched, inserted, updated, deleted] = std::array::from_fn(|index| after[index] - before[index]);
    assert_eq!((scanned, inserted, deleted), (0, 0, 0));
    assert!(updated <= 2 && fetched <= 30, "fetched {fetched}, updated {updated}");
}
