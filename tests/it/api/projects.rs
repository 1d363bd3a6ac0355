//! `GET /v1/projects`, `GET` and `DELETE …/{project}`.

use serde_json::{Value, json};

use crate::world::World;

#[actix_web::test]
async fn a_project_shows_itself_and_its_integration() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e1", &[("a", "123"), ("b", "4")]).await;
    let project = site.project().await;
    for (member, value) in [
        ("project", json!("site")),
        ("revision", json!(1)),
        ("files", json!(2)),
        ("bytes", json!(4)),
        ("pending_changes", json!(2)),
    ] {
        assert_eq!(project[member], value, "{member}");
    }
    assert!(project["created_at"].as_str().unwrap().ends_with('Z'));
    let integration = &project["integration"];
    assert_eq!((&integration["state"], &integration["sync_status"]), (&json!("disconnected"), &json!("idle")));
    for member in [
        "repository",
        "branch",
        "connected_by",
        "connected_at",
        "last_sync_at",
        "last_commit_sha",
        "last_commit_url",
        "error",
    ] {
        assert_eq!(integration[member], Value::Null, "{member}");
    }
    assert_eq!((&integration["pending_changes"], &integration["conflicts"]), (&json!(2), &json!(0)));
    assert_eq!(integration["settings"]["branch"], Value::Null);
}

#[actix_web::test]
async fn sync_status_follows_the_rows() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let (site, sql) = (world.site("site"), world.sql().await);
    site.put("e1", &[("a", "1")]).await;
    site.connect_in_rows().await;
    let status = async |statement: &str| {
        sql.batch_execute(statement).await.unwrap();
        let integration = site.project().await["integration"].clone();
        (integration["sync_status"].as_str().unwrap().to_owned(), integration["error"]["code"].clone())
    };
    let problem =
        |code: &str| format!(r#"UPDATE integrations SET error = '{{"code":"{code}","detail":"d","action":"a"}}'"#);
    assert_eq!(status("SELECT 1").await, ("idle".to_owned(), Value::Null));
    assert_eq!(
        status("UPDATE integrations SET last_sync_at = now(), last_commit = decode(repeat('ab', 20), 'hex')").await.0,
        "success"
    );
    let integration = site.project().await["integration"].clone();
    assert_eq!(integration["last_commit_url"], format!("https://github.test/acme/site/commit/{}", "ab".repeat(20)));
    assert_eq!(integration["repository"]["full_name"], "acme/site");
    assert_eq!(status(&problem("branch_protected")).await, ("error".to_owned(), json!("branch_protected")));
    assert_eq!(status(&problem("confirmation_required")).await.0, "conflict");
    let running = "INSERT INTO syncs (id, pid, connection, kind, status, branch)
                   SELECT gen_random_uuid(), pid, connection, 'auto', 'running', 'main' FROM integrations";
    assert_eq!(status(running).await.0, "syncing");
    let waits = "UPDATE integrations SET error = NULL; DELETE FROM syncs; UPDATE files SET gh_changed = true, gh_oid = decode(repeat('cd', 20), 'hex'), gh_mode = 33188";
    assert_eq!(status(waits).await.0, "conflict");
    assert_eq!(site.project().await["integration"]["conflicts"], 1);
}

#[actix_web::test]
async fn projects_are_listed_newest_first() {
    let world = World::start().await;
    for name in ["one", "two", "three"] {
        world.site(name).put("e1", &[("a", "1")]).await;
    }
    let page = world.host().get("/v1/projects?limit=2").await.expect(200);
    let names =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|item| item["project"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&page), ["three", "two"]);
    world.site("four").put("e1", &[("a", "1")]).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = world.host().get(&format!("/v1/projects?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((names(&next), &next["next_cursor"]), (vec![json!("one")], &Value::Null));
}

#[actix_web::test]
async fn a_forgotten_project_leaves_its_audit_rows_and_nothing_else() {
    let mut world = World::start().await;
    world.allow_leftovers();
    let (site, sql) = (world.site("site"), world.sql().await);
    site.put("e1", &[("a", "1")]).await;
    let pid = site.connect_in_rows().await;
    let session = world.panel("site", "u", "owner").await;
    session.delete("/panel/site/api").await.problem(403, "forbidden");
    assert_eq!(world.host().delete("/v1/projects/site").await.status, 204);
    site.get("").await.problem(404, "not_found");
    session.get("/panel/site/api").await.problem(401, "unauthorized");
    world.host().delete("/v1/projects/site").await.problem(404, "not_found");
    let tables = "SELECT table_name::text FROM information_schema.columns
                  WHERE column_name = 'pid' AND table_schema = 'public' AND table_name <> 'events'";
    for row in sql.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let count = sql.query_one(&format!("SELECT count(*) FROM {table} WHERE pid = $1"), &[&pid]).await.unwrap();
        assert_eq!(count.get::<_, i64>(0), 0, "{table}");
    }
    let audit = world.host().get("/v1/audit?project=site").await.expect(200);
    let actions: Vec<_> = audit["items"].as_array().unwrap().iter().map(|item| item["action"].clone()).collect();
    assert_eq!(actions, ["project.deleted", "panel_session.created", "project.changed"]);
    let again = site.put("e1", &[("a", "2")]).await;
    assert_eq!((&again["revision"], &again["duplicate"]), (&json!(1), &json!(false)), "event ids went too");
}
