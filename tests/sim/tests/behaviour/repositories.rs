//! Repositories: names, redirects, archives, reach, refusals.

use serde_json::json;

use crate::{Client, Story, start};

#[tokio::test]
async fn creating_asks_for_the_right_and_a_free_name() -> Story {
    let (sim, _repo, client) = start().await?;
    let made = client.post("/orgs/acme/repos", json!({ "name": "ä b", "private": true })).await?;
    assert_eq!((made.status, made.body["full_name"].as_str()), (201, Some("acme/-b")), "{made:?}");
    let twice = client.post("/orgs/acme/repos", json!({ "name": "site" })).await?;
    assert_eq!(twice.status, 422);
    assert_eq!(twice.body["errors"][0]["message"], json!("name already exists on this account"));
    for name in ["", "..", "a.git", "a.wiki", &"x".repeat(101)] {
        let refused = client.post("/orgs/acme/repos", json!({ "name": name })).await?;
        assert_eq!(refused.status, 422, "{name}");
    }
    assert_eq!(client.post("/user/repos", json!({ "name": "mine" })).await?.status, 403);
    let alice = Client::user(&sim, "alice");
    assert_eq!(alice.post("/user/repos", json!({ "name": "mine" })).await?.status, 201);
    sim.members_can_create("acme", false);
    let bob = Client::user(&sim, "bob");
    assert_eq!(bob.post("/orgs/acme/repos", json!({ "name": "bobs" })).await?.status, 403);
    assert_eq!(alice.post("/orgs/acme/repos", json!({ "name": "hers" })).await?.status, 201);
    sim.set_permission(sim.install("acme"), "administration", "read");
    let refused = client.post("/orgs/acme/repos", json!({ "name": "other" })).await?;
    assert_eq!((refused.status, refused.message()), (403, "Resource not accessible by integration"));
    Ok(())
}

#[tokio::test]
async fn what_an_app_creates_joins_its_selected_installation() -> Story {
    let (sim, repo, _client) = start().await?;
    sim.org("other", &[("dora", "admin")]);
    sim.repo("other/one");
    let installation = sim.install_selected("other", &["other/one"]);
    let client = Client::installation(&sim, installation);
    let made = client.post("/orgs/other/repos", json!({ "name": "two" })).await?;
    assert_eq!(made.status, 201);
    let reach = sim.installation("other").map(|it| it.repositories.len());
    assert_eq!(reach, Some(2));
    assert_eq!(sim.deliveries_of("installation_repositories").len(), 1);
    assert_eq!(client.get(&format!("/repositories/{}", repo.id())).await?.status, 404);
    let list = client.get("/installation/repositories?per_page=1").await?;
    assert_eq!(list.body["total_count"], json!(2));
    Ok(())
}

#[tokio::test]
async fn old_names_redirect_until_somebody_takes_them() -> Story {
    let (sim, repo, client) = start().await?;
    repo.rename("web");
    let moved = client.get("/repos/acme/site/branches?per_page=1").await?;
    assert_eq!(moved.status, 301);
    let location = moved.header("location").to_owned();
    assert!(location.ends_with(&format!("/repositories/{}/branches", repo.id())), "{location}");
    assert_eq!(client.get(&location).await?.status, 200);
    let body = json!({ "content": "x" });
    assert_eq!(client.post("/repos/acme/site/git/blobs", body).await?.status, 307);
    assert_eq!(client.get("/repos/acme/web").await?.body["id"], json!(repo.id()));
    assert_eq!(client.delete("/repos/acme/web/git/refs/heads/none").await?.status, 422);
    let taken = sim.repo("acme/site");
    assert_eq!(client.get("/repos/acme/site").await?.body["id"], json!(taken.id()));
    Ok(())
}

#[tokio::test]
async fn archives_workflows_and_secrets_are_refused() -> Story {
    let (sim, repo, client) = start().await?;
    repo.forbid_secret("hunter2");
    let blob = json!({ "content": "my hunter2 is" });
    let refused = client.post("/repos/acme/site/git/blobs", blob).await?;
    assert_eq!(refused.status, 422);
    assert!(refused.body["metadata"]["secret_scanning"]["bypass_placeholders"].is_array());
    let contents = json!({ "message": "x", "content": "aHVudGVyMg==" });
    let refused = client.put("/repos/acme/site/contents/a", contents).await?;
    assert_eq!(refused.status, 409);
    sim.set_permission(sim.install("acme"), "workflows", "none");
    let without = Client::installation(&sim, sim.install("acme"));
    let tree = json!({ "tree": [{ "path": ".github/workflows/ci.yml", "mode": "100644",
        "type": "blob", "content": "on: push" }] });
    let refused = without.post("/repos/acme/site/git/trees", tree).await?;
    assert_eq!((refused.status, refused.message()), (403, "Resource not accessible by integration"));
    repo.archive(true);
    let refused = client.post("/repos/acme/site/git/blobs", json!({ "content": "x" })).await?;
    assert_eq!((refused.status, refused.message()), (403, "Repository was archived so is read-only."));
    assert_eq!(client.get("/repos/acme/site").await?.body["archived"], json!(true));
    Ok(())
}

#[tokio::test]
async fn trees_are_truncated_refused_when_too_large_and_chained() -> Story {
    let (sim, repo, client) = start().await?;
    sim.limits(|it| it.tree_entries = 3);
    repo.push("main", &[("a/1", "1"), ("a/2", "2"), ("b", "b")]);
    let tree = client.get("/repos/acme/site/git/trees/main?recursive=1").await?;
    assert_eq!(tree.body["truncated"], json!(true));
    assert_eq!(tree.body["tree"].as_array().map(Vec::len), Some(3));
    let entries: Vec<_> = (0..201)
        .map(|n| json!({ "path": format!("n/{n}"), "mode": "100644", "type": "blob", "content": "" }))
        .collect();
    let large = client.post("/repos/acme/site/git/trees", json!({ "tree": entries })).await?;
    assert_eq!((large.status, large.body.is_null()), (502, true));
    let head = repo.log("main")[0].tree.clone();
    let missing = json!({ "base_tree": head, "tree": [
        { "path": "nowhere", "mode": "100644", "type": "blob", "sha": null }] });
    assert_eq!(client.post("/repos/acme/site/git/trees", missing).await?.status, 422);
    Ok(())
}

#[tokio::test]
async fn comparisons_show_at_most_so_many_files() -> Story {
    let (sim, repo, client) = start().await?;
    sim.limits(|it| it.compare_files = 2);
    let base = repo.head("main").unwrap_or_default();
    repo.push("main", &[("a", "1\n"), ("b", "2\n"), ("index.md", "two\n")]);
    let path = format!("/repos/acme/site/compare/{base}...main");
    let compared = client.get(&path).await?;
    assert_eq!(compared.body["status"], json!("ahead"));
    assert_eq!(compared.body["files"].as_array().map(Vec::len), Some(2));
    let head = client.get("/repos/acme/site/commits/main").await?;
    assert_eq!(head.body["stats"]["additions"], json!(2), "{}", head.body);
    assert_eq!(head.body["files"][0]["patch"], json!("@@ -0,0 +1 @@\n+1"));
    let unknown = client.get("/repos/acme/site/unheard-of").await?;
    assert_eq!(unknown.status, 404);
    assert_eq!(sim.unknown_requests(), ["GET /repos/acme/site/unheard-of"]);
    Ok(())
}
