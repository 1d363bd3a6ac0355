//! `GET …/pending`.

use serde_json::{Value, json};

use crate::world::World;

fn brief(page: &Value) -> Vec<String> {
    let line = |item: &Value| {
        let from = item["from"].as_str().map(|from| format!(" from {from}")).unwrap_or_default();
        let text = |value: &Value| value.as_u64().map_or("-".to_owned(), |number| number.to_string());
        let (plus, minus) = (text(&item["additions"]), text(&item["deletions"]));
        format!("{} {}{from} +{plus} -{minus}", item["change"].as_str().unwrap(), item["path"].as_str().unwrap())
    };
    page["items"].as_array().unwrap().iter().map(line).collect()
}

#[actix_web::test]
async fn every_kind_of_change_is_told_with_its_lines() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let site = world.site("site");
    let similar = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";
    site.put(
        "e1",
        &[
            ("edit", "1\n2\n3\n"),
            ("gone", "1\n2\n"),
            ("mode", "x\n"),
            ("old", "exact\n"),
            ("sim", similar),
            (".env", "a\n"),
        ],
    )
    .await;
    site.change("e2", json!([{ "op": "put", "path": "bin", "content": "AAEC", "encoding": "base64" }]))
        .await
        .expect(202);
    site.connect_in_rows().await;
    site.agree_in_rows().await;
    let changes = json!([
        { "op": "put", "path": "edit", "content": "1\n3\n4\n5\n" },
        { "op": "delete", "path": "gone" },
        { "op": "put", "path": "mode", "content": "x\n", "mode": "100755" },
        { "op": "rename", "from": "old", "path": "new/old" },
        { "op": "delete", "path": "sim" },
        { "op": "put", "path": "sim2", "content": format!("{similar}nine\n") },
        { "op": "put", "path": "bin", "content": "AAEE", "encoding": "base64" },
        { "op": "put", "path": "add", "content": "a\nb" },
        { "op": "put", "path": ".env", "content": "b\n" },
    ]);
    let pending = site.change("e3", changes).await.expect(202)["pending_changes"].clone();
    let page = site.get("/pending").await.expect(200);
    let expected = [
        "added add +2 -0",
        "modified bin +- --",
        "modified edit +2 -1",
        "deleted gone +0 -2",
        "mode_changed mode +0 -0",
        "renamed new/old from old +0 -0",
        "deleted old +0 -1",
        "deleted sim +0 -8",
        "renamed sim2 from sim +1 -0",
    ];
    assert_eq!(brief(&page), expected);
    assert_eq!(pending, json!(expected.len()));
    assert!(page["items"].as_array().unwrap().iter().all(|item| item["held"].is_null() && item["excluded"] == false));
    let excluded = site.get("/pending?excluded=true").await.expect(200);
    assert_eq!(brief(&excluded), ["added .env +1 -0"]);
    assert_eq!(excluded["items"][0]["excluded"], true);
    let first = site.get("/pending?limit=6").await.expect(200);
    let next =
        site.get(&format!("/pending?limit=6&cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!([brief(&first), brief(&next)].concat(), expected, "renames are found across pages");
}

#[actix_web::test]
async fn what_is_kept_back_says_why() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let (site, sql) = (world.site("site"), world.sql().await);
    site.put("e1", &[("both", "1"), ("secret", "1"), ("tried", "1"), ("free", "1")]).await;
    site.connect_in_rows().await;
    site.agree_in_rows().await;
    site.put("e2", &[("both", "2"), ("secret", "2"), ("tried", "2"), ("free", "2")]).await;
    let problem = r#"{"code":"push_protection","detail":"A key.","action":"Remove it."}"#;
    sql.batch_execute(&format!(
        "UPDATE files SET gh_changed = true, gh_oid = decode(repeat('ab', 20), 'hex'), gh_mode = 33188 WHERE path = 'both';
         INSERT INTO holds (pid, key, path, reason, problem, oid, mode)
         SELECT pid, key, path, 'refused', '{problem}', CASE path WHEN 'secret' THEN oid ELSE base_oid END, mode
         FROM files WHERE path IN ('secret', 'tried')"
    ))
    .await
    .unwrap();
    let page = site.get("/pending").await.expect(200);
    let held: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["held"]["code"].clone()).collect();
    assert_eq!(held, [json!("sync_conflict"), Value::Null, json!("push_protection"), Value::Null]);
    assert_eq!(page["items"][2]["held"]["action"], "Remove it.");
    world.site("nope").get("/pending").await.problem(404, "not_found");
}
