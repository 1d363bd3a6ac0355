//! `GET /v1/audit`.

use serde_json::{Value, json};

use crate::world::World;

fn column(page: &Value, name: &str) -> Vec<Value> {
    page["items"].as_array().unwrap().iter().map(|item| item[name].clone()).collect()
}

#[actix_web::test]
async fn rows_say_who_did_what_in_which_request() {
    let world = World::start().await;
    let site = world.site("site");
    let author = json!({ "id": "u_7", "name": "Ada" });
    let body = json!({ "event_id": "e1", "author": author, "changes": [{ "op": "put", "path": "a", "content": "1" }] });
    let answer = world.host().with("x-request-id", "request-0001").post(&site.url("/changes"), &body).await;
    answer.expect(202);
    site.put("e2", &[("a", "2")]).await;
    let page = world.host().get("/v1/audit").await.expect(200);
    let actors = column(&page, "actor");
    assert_eq!(actors, [json!({ "type": "host", "id": "config" }), json!({ "type": "user", "id": "u_7" })]);
    let row = &page["items"][1];
    assert_eq!(
        (&row["action"], &row["project"], &row["target"]),
        (&json!("project.changed"), &json!("site"), &json!("e1"))
    );
    assert_eq!(row["request_id"], "request-0001");
    assert!(row["id"].is_string() && row["at"].as_str().unwrap().ends_with('Z'));
}

#[actix_web::test]
async fn filters_and_pages_are_stable() {
    let world = World::start().await;
    let (one, two) = (world.site("one"), world.site("two"));
    for event in ["e1", "e2", "e3"] {
        one.put(event, &[("a", event)]).await;
    }
    two.put("e1", &[("a", "1")]).await;
    let host = world.host();
    let page = host.get("/v1/audit?project=one&limit=2").await.expect(200);
    assert_eq!(column(&page, "target"), ["e3", "e2"]);
    one.put("e4", &[("a", "4")]).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = host.get(&format!("/v1/audit?project=one&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((column(&next, "target"), &next["next_cursor"]), (vec![json!("e1")], &Value::Null));
    assert_eq!(column(&host.get("/v1/audit?action=project.changed").await.expect(200), "project").len(), 5);
    assert_eq!(column(&host.get("/v1/audit?action=project.deleted").await.expect(200), "project").len(), 0);
    assert_eq!(column(&host.get("/v1/audit?actor=config&project=two").await.expect(200), "target"), ["e1"]);
    assert_eq!(host.get("/v1/audit?who=me").await.wrong_fields(), ["who"]);
    assert_eq!(host.get("/v1/audit?actor=a%00").await.wrong_fields(), ["actor"]);
}
