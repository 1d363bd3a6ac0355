//! The audit trail: every change of state has its row, in its own transaction, with who did it.

use http::Method;
use serde_json::{Value, json};

use super::routes::Site;
use super::town::Town;
use crate::world::process::run;
use crate::world::{API_KEY, Client};

/// The rows of this action, newest first.
async fn rows(town: &Town, action: &str) -> Vec<Value> {
    let page = town.host().get(&format!("/v1/audit?action={action}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// The newest row of this action: who, and on what.
async fn newest(town: &Town, action: &str) -> (String, Value, Value) {
    let rows = rows(town, action).await;
    let row = rows.first().unwrap_or_else(|| panic!("no {action}"));
    assert!(row["at"].is_string() && row["id"].is_string(), "{row}");
    let actor = format!("{} {}", row["actor"]["type"].as_str().unwrap(), row["actor"]["id"].as_str().unwrap_or("-"));
    (actor, row["project"].clone(), row["target"].clone())
}

async fn tree(town: &Town, project: &str, files: usize) {
    let files: Vec<_> =
        (0..files).map(|number| json!({ "path": format!("f{number}"), "content": number.to_string() })).collect();
    let body = json!({ "event_id": format!("tree-{}", files.len()), "files": files });
    town.host().put(&format!("/v1/projects/{project}/tree"), &body).await.expect(202);
}

#[actix_web::test]
async fn what_people_do_is_written_under_their_names() {
    let town = Town::start().await;
    let (repo, installation) = town.repo("ada/site");
    let editor = town.panel("site", "u_2", "editor").await;
    assert_eq!(newest(&town, "panel_session.created").await, ("host config".into(), json!("site"), json!("u_2")));
    tree(&town, "site", 30).await;
    assert_eq!(newest(&town, "project.changed").await.0, "host config");
    let change = json!({ "event_id": "e", "author": { "id": "u_7" }, "changes": [{ "op": "put", "path": "a", "content": "a" }] });
    town.host().post("/v1/projects/site/changes", &change).await.expect(202);
    assert_eq!(newest(&town, "project.changed").await, ("user u_7".into(), json!("site"), json!("e")));
    town.host().patch("/v1/projects/site/settings", &json!({ "batch_seconds": 0 })).await.expect(200);
    assert_eq!(newest(&town, "settings.updated").await.0, "host config");
    town.authorize("site", "u_1", "ada").await;
    assert_eq!(newest(&town, "connect.started").await, ("user u_1".into(), json!("site"), json!("u_1")));
    assert_eq!(newest(&town, "user.authorized").await, ("user u_1".into(), json!("site"), json!("ada")));
    let owner = town.panel("site", "u_1", "owner").await;
    let body = json!({ "user": "somebody", "installation_id": installation, "repository": "ada/site" });
    owner.put("/panel/site/api/integration", &body).await.expect(201);
    assert_eq!(
        newest(&town, "integration.connected").await,
        ("user u_1".into(), json!("site"), json!("ada/site@main"))
    );
    town.drain().await;
    let sync = editor.post("/panel/site/api/syncs", &json!({ "user": "somebody" })).await.expect(202);
    assert_eq!(newest(&town, "sync.requested").await, ("user u_2".into(), json!("site"), sync["id"].clone()));
    town.drain().await;
    repo.push("main", &[("a", "theirs")]);
    let change = json!({ "event_id": "c", "changes": [{ "op": "put", "path": "a", "content": "ours" }] });
    town.host().post("/v1/projects/site/changes", &change).await.expect(202);
    town.drain().await;
    let all = json!({ "strategy": "github", "user": "somebody" });
    editor.post("/panel/site/api/conflicts/resolve", &all).await.expect(202);
    assert_eq!(newest(&town, "conflict.resolved").await.0, "user u_2");
    town.drain().await;
    tree(&town, "site", 1).await;
    town.drain().await;
    assert_eq!(town.integration("site").await["error"]["code"], "confirmation_required");
    editor.post("/panel/site/api/confirm", &json!({})).await.expect(202);
    assert_eq!(newest(&town, "sync.confirmed").await.0, "user u_2");
    town.drain().await;
    let history = town.host().get("/v1/projects/site/syncs?status=succeeded").await.expect(200);
    let first = history["items"].as_array().unwrap().last().unwrap()["id"].clone();
    editor.post("/panel/site/api/restore", &json!({ "sync": first })).await.expect(202);
    assert_eq!(newest(&town, "project.restored").await.0, "user u_2");
    editor.post("/panel/site/api/pull-requests", &json!({ "title": "t" })).await.expect(201);
    assert_eq!(newest(&town, "pull_request.created").await.0, "user u_2");
    town.drain().await;
    owner.delete("/panel/site/api/integration").await.expect(204);
    assert_eq!(
        newest(&town, "integration.disconnected").await,
        ("user u_1".into(), json!("site"), json!("ada/site@main"))
    );
    town.authorize("fresh", "u_1", "ada").await;
    let body = json!({ "user": "u_1", "owner": "ada", "name": "fresh", "visibility": "private" });
    town.host().post("/v1/projects/fresh/repository", &body).await.expect(201);
    assert_eq!(newest(&town, "repository.created").await, ("user u_1".into(), json!("fresh"), json!("ada/fresh")));
    town.host().delete("/v1/projects/site").await.expect(204);
    assert_eq!(newest(&town, "project.deleted").await, ("host config".into(), json!("site"), Value::Null));
    town.drain().await;
}

/// Dead letters of these numbers.
async fn letters(town: &Town, ids: &[&str]) {
    let letter = "INSERT INTO dead_letters (id, kind, project, attempts, error, payload, body)
                  VALUES ($1::text::uuid, 'webhook', 'site', 8, '{}', '{\"delivery\": \"1\", \"event\": \"ping\", \"received_at\": 1}', '{}')";
    for id in ids {
        town.sql().await.execute(letter, &[id]).await.unwrap();
    }
}

const LETTERS: [&str; 2] = ["01919191-0000-7000-8000-000000000001", "01919191-0000-7000-8000-000000000002"];

#[actix_web::test]
async fn what_operators_do_is_written_too() {
    let town = Town::start().await;
    letters(&town, &LETTERS).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let key = format!("key={API_KEY}");
    let signed = town.internal().send(Method::POST, "/console/sign-in", &form, key.into_bytes()).await;
    assert_eq!(signed.status, 303);
    let cookie = signed.header("set-cookie").split(';').next().unwrap().to_owned();
    let console = town.internal().with("cookie", &cookie);
    let address = |id: &str, more: &str| format!("/v1/dead-letters/{id}{more}");
    console.delete(&address(LETTERS[0], "")).await.problem(403, "forbidden");
    let console = console.with("origin", town.internal().base());
    console.post(&address(LETTERS[0], "/retry"), &Value::Null).await.expect(202);
    assert_eq!(newest(&town, "dead_letter.retried").await.0, "operator config");
    console.delete(&address(LETTERS[1], "")).await.expect(204);
    assert_eq!(newest(&town, "dead_letter.deleted").await.0, "operator config");
    assert_eq!(newest(&town, "console.signed_in").await.0, "operator config");
}

/// Audit rows can be written again.
async fn rows_again(town: &Town) {
    town.sql().await.batch_execute("DROP TRIGGER no_row ON events").await.unwrap();
}

/// From now on no audit row can be written.
async fn no_more_rows(town: &Town) {
    town.sql()
        .await
        .batch_execute(
            "CREATE FUNCTION no_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$;
             CREATE TRIGGER no_row BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.action IS NOT NULL)
             EXECUTE FUNCTION no_row();",
        )
        .await
        .unwrap();
}

/// Writes of the document that do something to a connected project: each has an audit row.
const AUDITED: [&str; 12] = [
    "POST /changes",
    "PUT /tree",
    "POST /connect",
    "PUT /integration",
    "DELETE /integration",
    "POST /repository",
    "POST /syncs",
    "POST /restore",
    "PATCH /settings",
    "POST /panel-sessions",
    "POST /conflicts/resolve",
    "DELETE ",
];

#[actix_web::test]
async fn what_cannot_be_audited_does_not_happen() {
    let site = Site::start().await;
    let town = &site.town;
    // A conflict to resolve, and a project that can still be connected.
    let ours = json!({ "event_id": "ours", "changes": [{ "op": "put", "path": "README.md", "content": "ours" }] });
    town.host().post("/v1/projects/site/changes", &ours).await.expect(202);
    town.github.find_repo("ada/needle").unwrap().push("main", &[("README.md", "theirs")]);
    town.drain().await;
    assert_eq!(town.integration("site").await["conflicts"], 1);
    town.authorize("bare", "u_1", "ada").await;
    town.github.find_repo("ada/needle").unwrap().create_branch("second", "main");
    no_more_rows(town).await;
    let before = unintended(town).await;
    let mut routes = site.routes().await;
    // Making a pull request begins with an intent, as any push does; its audit row comes with what GitHub made.
    // Refreshing one reads what others did, and counts the reading.
    let reads = ["/pull-requests", "/pull-requests/{number}/refresh"];
    routes.retain(|route| route.method != Method::GET && !reads.contains(&route.tail.as_str()));
    for route in &routes {
        let unconnected = matches!(route.tail.as_str(), "/repository")
            || (route.method == Method::PUT && route.tail == "/integration");
        let project = if unconnected { "bare" } else { "site" };
        let answer = match unconnected && route.tail == "/integration" {
            true => {
                let second = json!({ "user": "u_1", "installation_id": site.installation, "repository": "ada/needle", "branch": "second" });
                town.connect("bare", &second).await
            }
            false => site.ask(&town.host(), route, &format!("/v1/projects/{project}")).await,
        };
        let what = format!("{} {}", route.method, route.tail);
        if AUDITED.contains(&what.as_str()) {
            assert_eq!(answer.status, 500, "{what}: {}", answer.text());
        }
        assert!(unintended(town).await == before, "{what} changed something: {}", answer.text());
    }
}

/// All rows but the intent to make a repository, which is written before GitHub is asked.
async fn unintended(town: &Town) -> std::collections::BTreeMap<String, Vec<String>> {
    let mut rows = town.rows().await;
    rows.remove("created_repositories");
    rows
}

#[actix_web::test]
async fn neither_operators_nor_browsers_get_past_it() {
    let town = Town::start().await;
    town.github.user("ada");
    letters(&town, &LETTERS).await;
    let url = town.authorize_url("site", "u_1", None).await;
    let mut browser = super::town::Browser::new(&town);
    let back = browser.allow(&town, &url, "ada").await;
    no_more_rows(&town).await;
    let before = town.rows().await;
    let host: Client = town.host();
    host.post(&format!("/v1/dead-letters/{}/retry", LETTERS[0]), &Value::Null).await.problem(500, "internal");
    host.delete(&format!("/v1/dead-letters/{}", LETTERS[1])).await.problem(500, "internal");
    let env = [("LOCKSTEP_DATABASE_URL".to_owned(), town.env["LOCKSTEP_DATABASE_URL"].clone())].into();
    assert_eq!(run(&["keys", "create", "--name", "x"], &env).status.code(), Some(1));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let key = format!("key={API_KEY}").into_bytes();
    assert_eq!(town.internal().send(Method::POST, "/console/sign-in", &form, key).await.status, 500);
    assert!(town.rows().await == before);
    assert_eq!(browser.open(&back).await.status, 500);
    assert_eq!(town.count("SELECT count(*) FROM authorizations").await, 0);
}

#[actix_web::test]
async fn a_deletion_that_waits_is_confirmed_with_its_row_or_not_at_all() {
    let town = Town::start().await;
    let (repo, _) = town.repo("ada/site");
    let site = town.project("site").await.connected_to(&repo).await;
    tree(&town, "site", 30).await;
    town.drain().await;
    tree(&town, "site", 1).await;
    town.drain().await;
    assert_eq!(site.status().await["error"]["code"], "confirmation_required");
    no_more_rows(&town).await;
    site.post("/confirm", json!({ "user": "u_1" })).await.problem(500, "internal");
    rows_again(&town).await;
    town.drain().await;
    assert_eq!(site.status().await["error"]["code"], "confirmation_required");
    site.post("/confirm", json!({ "user": "u_1" })).await.expect(202);
    town.drain().await;
    assert_eq!(site.status().await["error"], Value::Null);
    assert_eq!(rows(&town, "sync.confirmed").await.len(), 1);
}

#[actix_web::test]
async fn a_pull_request_whose_row_cannot_be_written_is_taken_up_when_it_can() {
    let town = Town::start().await;
    let (repo, _) = town.repo("ada/site");
    let site = town.project("site").await.connected_to(&repo).await;
    town.drain().await;
    site.settings(json!({ "auto_sync": false })).await;
    site.change(&[("README.md", "new")]).await;
    no_more_rows(&town).await;
    site.post("/pull-requests", json!({ "title": "t", "user": "u_1" })).await.problem(500, "internal");
    assert_eq!(site.get("/pull-requests").await["items"], json!([]));
    rows_again(&town).await;
    town.pulls_are_due().await;
    town.drain().await;
    let made = site.get("/pull-requests").await;
    assert_eq!((made["items"].as_array().unwrap().len(), &made["items"][0]["state"]), (1, &json!("open")));
    assert_eq!(rows(&town, "pull_request.created").await.len(), 1);
    assert_eq!((repo.pulls().len(), repo.branches().len()), (1, 2), "one at GitHub");
}
