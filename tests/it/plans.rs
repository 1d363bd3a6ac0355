//! No statement of a hot path reads a large table from end to end: what the program ran and keeps
//! prepared is explained, on 1,000,000 rows of history and 100,000 files.
//!
//! Explained without values, as PostgreSQL plans statements that come again and again.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::story::Story;

/// Tables that grow with projects, files, history or time.
const LARGE: [&str; 10] = [
    "files",
    "blobs",
    "syncs",
    "sync_files",
    "undo",
    "events",
    "change_requests",
    "deliveries",
    "projects",
    "integrations",
];

/// A thousand projects with a thousandth of each, and one with 100,000 files and half of the history.
const ROWS: &str = "
    SET session_replication_role = replica; -- neither triggers nor references: these rows are only to be many
    INSERT INTO projects (id, settings, files) SELECT 'other' || n, '{}', 100 FROM generate_series(1, 1000) n;
    INSERT INTO integrations (pid, connection, installation_id, repository_id, full_name, private, default_branch, url,
                              branch, state, connected_by, initial_done)
        SELECT pid, gen_random_uuid(), pid, pid + 1000000, id, true, 'main', '', 'main', 'connected', 'x', true
        FROM projects WHERE id LIKE 'other%';
    CREATE TEMP TABLE homes AS SELECT pid, row_number() OVER (ORDER BY pid) AS n FROM projects WHERE id LIKE 'other%';
    CREATE TEMP TABLE mine AS SELECT pid FROM projects WHERE id = 'site';
    INSERT INTO files (pid, key, path, oid, mode, size, base_oid, base_mode)
        SELECT pid, convert_to(p, 'UTF8'), p, decode(repeat('01', 20), 'hex'), 33188, 1, decode(repeat('01', 20), 'hex'), 33188
        FROM mine, generate_series(1, 100000) f, LATERAL (SELECT 'd' || f % 100 || '/f' || f AS p) a;
    INSERT INTO files (pid, key, path, oid, mode, size, base_oid, base_mode)
        SELECT pid, convert_to(p, 'UTF8'), p, decode(repeat('01', 20), 'hex'), 33188, 1, decode(repeat('01', 20), 'hex'), 33188
        FROM homes, generate_series(1, 100) f, LATERAL (SELECT 'f' || f AS p) a;
    INSERT INTO syncs (id, pid, connection, kind, status, commit_sha, branch)
        SELECT gen_random_uuid(), CASE s % 2 WHEN 0 THEN mine.pid ELSE homes.pid END, '00000000-0000-0000-0000-000000000000',
               'auto', CASE s % 20 WHEN 0 THEN 'failed' ELSE 'succeeded' END, decode(lpad(to_hex(s), 40, '0'), 'hex'), 'main'
        FROM mine, generate_series(1, 1000000) s JOIN homes ON homes.n = s / 2 % 1000 + 1;
    INSERT INTO sync_files (sync_id, pid, key, path, change)
        SELECT id, pid, 'k', 'k', 'modified' FROM syncs ORDER BY id LIMIT 50000;
    INSERT INTO blobs (pid, oid, size, content) SELECT pid, int4send(b), 1, 'x' FROM homes, generate_series(1, 50) b;
    INSERT INTO undo (pid, key, upto, path) SELECT pid, int4send(u), 1, 'x' FROM homes, generate_series(1, 50) u;
    INSERT INTO events (pid, project, kind, action, actor_type)
        SELECT pid, 'other', CASE e % 2 WHEN 0 THEN 'sync.succeeded' END, CASE e % 2 WHEN 1 THEN 'x' END, 'system'
        FROM homes, generate_series(1, 50) e;
    INSERT INTO change_requests (pid, event_id, revision, pending) SELECT pid, 'e' || e, 1, 0 FROM homes, generate_series(1, 50) e;
    INSERT INTO deliveries (id, event, outcome, received_at) SELECT 'd' || d, 'push', 'applied', now() FROM generate_series(1, 50000) d;
    SET session_replication_role = DEFAULT;
    ANALYZE;";

#[actix_web::test]
async fn no_hot_statement_reads_a_large_table_from_end_to_end() {
    let story = Story::start().await;
    let repo = story.repo("acme/site").with(&[("a.txt", "one\n"), ("b.txt", "b\n")]);
    let site = story.project("site").await.connected_to(&repo).await;
    story.sql().await.batch_execute(ROWS).await.unwrap();

    site.change(&[("a.txt", "two\n"), ("new/c.txt", "c\n")]).await;
    story.drain().await;
    repo.push("main", &[("b.txt", "bb\n")]);
    story.drain().await;
    let page = site.get("/syncs?limit=20").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let tails = [
        String::new(),
        format!("/syncs?limit=20&cursor={cursor}"),
        "/syncs?status=failed".to_owned(),
        format!("/syncs/{}", page["items"][0]["id"].as_str().unwrap()),
        "/files?limit=20".to_owned(),
        "/integration".to_owned(),
        "/pending".to_owned(),
        "/conflicts".to_owned(),
    ];
    for tail in tails {
        site.get(&tail).await;
    }

    let (explained, mut found) = explain_all(&story).await;
    assert!(explained > 25, "the statements of the flows above are prepared: {explained}");
    found.sort();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// How many statements the pool's sessions have prepared, and those that read a large table whole.
async fn explain_all(story: &Story) -> (usize, Vec<String>) {
    let mut sessions = Vec::new();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    loop {
        let session = story.engine.store.client().await.unwrap();
        let prepared =
            "SELECT name, statement, coalesce(array_length(parameter_types, 1), 0) FROM pg_prepared_statements";
        let statements = session.query(prepared, &[]).await.unwrap();
        // A session that nobody has used yet: those before it were all.
        if statements.len() <= 1 {
            return (seen.len(), found);
        }
        session.batch_execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
        for row in statements {
            let (name, text): (String, String) = (row.get(0), row.get(1));
            // The sweep reads the whole of `integrations`, every so often: for an index on who holds a
            // lease, every lease would pay.
            let is_ours = !text.contains("pg_") && !text.contains("SELECT 'project', pid");
            if is_ours && seen.insert(text.clone()) {
                let values = vec!["NULL"; usize::try_from(row.get::<_, i32>(2)).unwrap()].join(", ");
                let call = if values.is_empty() { name } else { format!("{name}({values})") };
                let plan = session.simple_query(&format!("EXPLAIN (FORMAT JSON) EXECUTE {call}")).await.unwrap();
                found.extend(read_whole(&plan).into_iter().map(|table| format!("{table} is read whole: {text}")));
            }
        }
        session.batch_execute("RESET plan_cache_mode").await.unwrap();
        sessions.push(session);
    }
}

fn read_whole(plan: &[tokio_postgres::SimpleQueryMessage]) -> Vec<String> {
    let text: String = plan
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect();
    let mut tables = Vec::new();
    walk(&serde_json::from_str(&text).unwrap_or(Value::Null), &mut tables);
    tables
}

fn walk(node: &Value, tables: &mut Vec<String>) {
    let table = node["Relation Name"].as_str().unwrap_or_default();
    if node["Node Type"] == "Seq Scan" && LARGE.contains(&table) {
        tables.push(table.to_owned());
    }
    let below = node.as_array().into_iter().flatten().chain(node.get("Plan"));
    let below = below.chain(node["Plans"].as_array().into_iter().flatten());
    below.for_each(|node| walk(node, tables));
}
