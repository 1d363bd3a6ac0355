//! `GET` and `PATCH …/settings`.

use serde_json::{Value, json};

use super::Site;
use crate::world::{Answer, World};

async fn patch(site: &Site<'_>, body: Value) -> Answer {
    site.world.host().patch(&site.url("/settings"), &body).await
}

#[actix_web::test]
async fn defaults_are_there_before_connecting() {
    let world = World::start().await;
    let site = world.site("site");
    site.get("/settings").await.problem(404, "not_found");
    let settings = patch(&site, json!({})).await.expect(200);
    let expected = json!({
        "auto_sync": true, "branch": null, "batch_seconds": 5, "commit_template": "",
        "exclude": [".env", ".env.*", "!.env.example", "node_modules/", ".DS_Store"],
        "conflict_policy": "ask", "pull": true, "max_delete_percent": 50,
    });
    assert_eq!(settings, expected, "a project that is new is made");
    assert_eq!(site.get("/settings").await.expect(200), expected);
}

#[actix_web::test]
async fn any_subset_is_taken_and_kept() {
    let world = World::start().await;
    let site = world.site("site");
    let body = json!({
        "auto_sync": false, "batch_seconds": 3600, "commit_template": "{{ summary }} [{{ revision }}]",
        "exclude": ["*.log", "!keep.log"], "conflict_policy": "pull_request", "pull": false, "max_delete_percent": 100,
    });
    let settings = patch(&site, body.clone()).await.expect(200);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(settings[name], *value, "{name}");
    }
    assert_eq!(patch(&site, json!({ "batch_seconds": 0 })).await.expect(200)["conflict_policy"], "pull_request");
    let audit = world.host().get("/v1/audit?action=settings.updated").await.expect(200);
    assert_eq!(audit["items"].as_array().unwrap().len(), 2);
    assert_eq!(audit["items"][0]["target"], "batch_seconds");
}

#[actix_web::test]
async fn a_wrong_value_changes_nothing_and_names_the_field() {
    let world = World::start().await;
    let site = world.site("site");
    patch(&site, json!({})).await.expect(200);
    for (field, value) in [
        ("batch_seconds", json!(3601)),
        ("batch_seconds", json!(-1)),
        ("batch_seconds", json!(1.5)),
        ("max_delete_percent", json!(101)),
        ("auto_sync", json!("yes")),
        ("pull", json!(1)),
        ("conflict_policy", json!("mine")),
        ("commit_template", json!("{{ nope")),
        ("commit_template", json!("{% include 'x' %}")),
        ("commit_template", json!("   ")),
        ("commit_template", json!("x".repeat(4097))),
        ("commit_template", json!("{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}")),
        ("commit_template", json!("a\u{0}b")),
        ("exclude", json!("*.log")),
        ("exclude", json!(vec!["a"; 501])),
        ("branch", json!("a..b")),
        ("colour", json!("red")),
    ] {
        let mut body = json!({ "pull": false });
        body[field] = value.clone();
        assert_eq!(patch(&site, body).await.wrong_fields(), [field], "{value}");
    }
    let long = patch(&site, json!({ "exclude": ["ok", "x".repeat(501)] })).await;
    assert_eq!(long.wrong_fields(), ["exclude[1]"]);
    let both = patch(&site, json!({ "batch_seconds": 9999, "max_delete_percent": 999 })).await;
    assert_eq!(both.wrong_fields(), ["batch_seconds", "max_delete_percent"]);
    assert_eq!(site.get("/settings").await.expect(200)["pull"], true);
    for branch in ["main", "other"] {
        patch(&site, json!({ "branch": branch, "pull": false })).await.problem(409, "not_connected");
    }
    world.site("new").get("").await.problem(404, "not_found");
    patch(&world.site("new"), json!({ "branch": "main" })).await.problem(409, "not_connected");
}

#[actix_web::test]
async fn other_patterns_hide_and_show_files_at_once() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let (site, sql) = (world.site("site"), world.sql().await);
    site.put("e1", &[("a.log", "1"), ("b.txt", "2"), (".env", "3"), ("logs/x", "4")]).await;
    site.connect_in_rows().await;
    site.agree_in_rows().await;
    site.put("e2", &[("logs/x", "5")]).await;
    site.change("e3", json!([{ "op": "delete", "path": "a.log" }])).await.expect(202);
    assert_eq!(site.project().await["pending_changes"], 2);
    sql.execute("UPDATE integrations SET due_at = NULL, rescan = false", &[]).await.unwrap();
    patch(&site, json!({ "exclude": ["*.log", "logs/"] })).await.expect(200);
    let rows = sql.query("SELECT path, excluded, base_oid IS NULL FROM files ORDER BY path", &[]).await.unwrap();
    let rows: Vec<(String, bool, bool)> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let expected = [(".env", false, true), ("b.txt", false, false), ("logs/x", true, true)];
    assert_eq!(
        rows,
        expected.map(|(path, excluded, bare)| (path.to_owned(), excluded, bare)),
        "a deleted one is gone whole"
    );
    assert_eq!(site.project().await["pending_changes"], 1, ".env is compared anew");
    let row = sql.query_one("SELECT rescan, due_at <= now() FROM integrations", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), (true, Some(true)));
    assert_eq!(site.paths().await, [".env", "b.txt", "logs/x"], "the project's own files stay");
}

#[actix_web::test]
async fn auto_sync_switched_on_takes_up_what_is_pending() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let (site, sql) = (world.site("site"), world.sql().await);
    patch(&site, json!({ "auto_sync": false })).await.expect(200);
    site.put("e1", &[("a", "1")]).await;
    site.connect_in_rows().await;
    site.put("e2", &[("a", "2")]).await;
    let due = async || {
        sql.query_one("SELECT due_at IS NOT NULL, window_at IS NOT NULL FROM integrations", &[])
            .await
            .map(|row| (row.get(0), row.get(1)))
            .unwrap()
    };
    assert_eq!(due().await, (false, false));
    patch(&site, json!({ "auto_sync": true })).await.expect(200);
    assert_eq!(due().await, (true, true));
    patch(&site, json!({ "auto_sync": false })).await.expect(200);
    assert!(!due().await.1);
}

#[actix_web::test]
async fn only_owners_change_settings_in_a_panel() {
    let world = World::start().await;
    let site = world.site("site");
    patch(&site, json!({})).await.expect(200);
    let editor = world.panel("site", "u", "editor").await;
    editor.get("/panel/site/api/settings").await.expect(200);
    editor.patch("/panel/site/api/settings", &json!({ "pull": false })).await.problem(403, "forbidden");
    let owner = world.panel("site", "boss", "owner").await;
    owner.patch("/panel/site/api/settings", &json!({ "pull": false })).await.expect(200);
    let audit = world.host().get("/v1/audit?action=settings.updated").await.expect(200);
    assert_eq!(audit["items"][0]["actor"], json!({ "type": "user", "id": "boss" }));
}
