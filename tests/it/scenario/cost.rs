//! A look costs what changed, not what there is (contract 6, issue 3).

use std::time::Duration;

use serde_json::json;

use crate::api::cost::{rows, settle};
use crate::story::Story;

#[actix_web::test]
async fn a_look_at_one_change_among_100_000_files_touches_its_row() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("seed.txt", "x\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    let (sql, pid) = (story.sql().await, site.pid().await);
    sql.execute(
        "INSERT INTO files (pid, key, path, oid, mode, size, base_oid, base_mode)
         SELECT $1, convert_to(p, 'UTF8'), p, sha, 33188, 1, sha, 33188
         FROM generate_series(1, 100000) n, LATERAL (SELECT 'dir' || n % 100 || '/file' || n AS p) a,
              LATERAL (SELECT decode(repeat(lpad(to_hex(n % 16), 2, '0'), 20), 'hex') AS sha) b",
        &[&pid],
    )
    .await
    .unwrap();
    sql.batch_execute("ANALYZE files; ANALYZE projects; ANALYZE holds").await.unwrap();
    site.settings(json!({ "batch_seconds": 3600 })).await;
    site.change(&[("dir7/new.txt", "new\n")]).await;
    story.pass(Duration::from_secs(3601)).await;
    settle(&story.world, &sql).await;
    let before = rows(&sql).await;
    site.look().await;
    settle(&story.world, &sql).await;
    let after = rows(&sql).await;
    let [scanned, fetched, inserted, updated, deleted] = std::array::from_fn(|at| after[at] - before[at]);
    assert_eq!(repo.text("main", "dir7/new.txt").as_deref(), Some("new\n"));
    assert_eq!((scanned, inserted, deleted), (0, 0, 0));
    assert!(updated <= 1 && fetched <= 12, "{updated} updated, {fetched} read");
    story.engine.queue.clear().await.unwrap();
}
