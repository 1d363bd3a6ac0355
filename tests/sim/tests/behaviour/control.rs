//! The verbs over HTTP, and the program.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::client::start;
use crate::{Client, Story};

#[tokio::test]
async fn a_world_is_built_and_driven_over_http() -> Story {
    let (sim, _repo, _client) = start().await?;
    let verbs = Client::new(&sim, None);
    let org = json!({ "login": "beta", "members": { "erin": "admin" } });
    assert_eq!(verbs.post("/_sim/orgs", org).await?.status, 200);
    let made = verbs
        .post(
            "/_sim/repos",
            json!({ "name": "beta/app", "files": [
                { "op": "put", "path": "a.txt", "content": "a\n" },
                { "op": "put", "path": "b.bin", "content": { "base64": "AAE=" }, "mode": "100755" },
            ]}),
        )
        .await?;
    assert_eq!(made.body["branches"].as_object().map(|it| it.len()), Some(1), "{made:?}");
    let installed = verbs.post("/_sim/installations", json!({ "account": "beta" })).await?;
    assert_eq!(installed.body["repository_selection"], json!("all"));
    let pushed = verbs
        .post(
            "/_sim/repos/beta/app/push",
            json!({ "by": "erin", "changes": [
        { "op": "delete", "path": "a.txt" }, { "op": "put", "path": "c", "content": "c" }] }),
        )
        .await?;
    assert!(pushed.body["oid"].is_string());
    let missing = json!({ "changes": [{ "op": "delete", "path": "nowhere" }] });
    assert_eq!(verbs.post("/_sim/repos/beta/app/push", missing).await?.status, 422);
    let files = verbs.get("/_sim/repos/beta/app/files").await?;
    assert_eq!(files.body["c"], json!("c"));
    let log = verbs.get("/_sim/repos/beta/app/log").await?;
    assert_eq!(log.body[0]["files"], json!(["a.txt", "c"]));
    let fault = json!({ "fault": "status", "filter": "/zen", "status": 503 });
    assert_eq!(verbs.post("/_sim/faults", fault).await?.status, 204);
    assert_eq!(verbs.get("/zen").await?.status, 503);
    assert_eq!(verbs.get("/zen").await?.status, 200);
    let limits = verbs.post("/_sim/limits", json!({ "primary": 7 })).await?;
    assert_eq!((&limits.body["primary"], limits.status), (&json!(7), 200));
    assert_eq!(verbs.post("/_sim/limits", json!({ "primry": 7 })).await?.status, 422);
    let token = verbs.post("/_sim/tokens", json!({ "login": "erin" })).await?;
    let erin = Client::new(&sim, token.body["access_token"].as_str().map(|it| format!("Bearer {it}")));
    assert_eq!(erin.get("/user").await?.body["login"], json!("erin"));
    let counted = verbs.get("/_sim/requests?filter=GET%20/user").await?;
    assert_eq!(counted.body["count"], json!(1));
    assert_eq!(verbs.post("/_sim/idle", json!({})).await?.status, 204);
    let pushes = verbs.get("/_sim/deliveries?event=push").await?;
    assert_eq!(pushes.body.as_array().map(Vec::len), Some(1), "{}", pushes.body);
    assert_eq!(verbs.get("/_sim").await?.body["repositories"], json!(["acme/site", "beta/app"]));
    Ok(())
}

#[test]
fn the_program_says_where_it_is_in_one_line() -> Story {
    let data = tempfile::tempdir()?;
    let mut program = Command::new(env!("CARGO_BIN_EXE_github-sim"))
        .args(["--listen", "127.0.0.1:0", "--default-user", "alice"])
        .arg("--data")
        .arg(data.path())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(out) = program.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    program.kill()?;
    program.wait()?;
    let said: Value = serde_json::from_str(&line)?;
    assert!(said["url"].as_str().is_some_and(|it| it.starts_with("http://127.0.0.1:")));
    for field in ["app_id", "app_slug", "client_id", "client_secret", "webhook_secret", "private_key_path"] {
        assert!(!said[field].is_null(), "{field}");
    }
    Ok(())
}
