//! Documents: checked, carried out, answered.

use serde_json::json;

use crate::{Story, start};

#[tokio::test]
async fn aliases_fragments_variables_and_directives_work() -> Story {
    let (sim, repo, client) = start().await?;
    let other = sim.repo("acme/other").with(&[("a", "a")]);
    let query = "query Q($owner: String!, $deep: Boolean = false) {
      one: repository(owner: $owner, name: \"site\") { ...Head databaseId @include(if: $deep) }
      two: repository(owner: $owner, name: \"other\") { ...Head }
      viewer { __typename login }
    }
    fragment Head on Repository {
      nameWithOwner
      ref(qualifiedName: \"refs/heads/main\") { target { oid ... on Commit { tree { oid } } } }
    }";
    let answer = client.graphql(query, json!({ "owner": "acme" })).await?;
    let data = &answer["data"];
    assert_eq!(data["one"]["ref"]["target"]["oid"].as_str(), repo.head("main").as_deref());
    assert_eq!(data["two"]["ref"]["target"]["oid"].as_str(), other.head("main").as_deref());
    assert!(data["one"].get("databaseId").is_none() && answer["errors"].is_null(), "{answer}");
    assert_eq!(data["viewer"], json!({ "__typename": "User", "login": "lockstep-sim[bot]" }));
    Ok(())
}

#[tokio::test]
async fn what_the_schema_does_not_know_is_refused_and_remembered() -> Story {
    let (sim, repo, client) = start().await?;
    let cases = [
        ("{ viewer { nickname } }", json!({}), "Field 'nickname' doesn't exist on type 'User'"),
        ("{ viewer }", json!({}), "Field must have selections"),
        ("{ viewer { login { x } } }", json!({}), "Selections can't be made on scalars"),
        ("{ repository(owner: \"a\") { id } }", json!({}), "missing required arguments: name"),
        ("{ viewer(x: 1) { login } }", json!({}), "doesn't accept argument 'x'"),
        ("query($o: String!) { viewer { login } }", json!({ "o": "x" }), "but not used"),
        ("query($o: String) { repository(owner: $o, name: \"x\") { id } }", json!({}), "Type mismatch on variable $o"),
        (
            "query($i: UpdateRefsInput!) { viewer { login } }",
            json!({ "i": { "refUpdates": [] } }),
            "was provided invalid value for repositoryId",
        ),
        (
            "mutation($i: UpdateRefsInput!) { updateRefs(input: $i) { clientMutationId } }",
            json!({ "i": { "repositoryId": "R_x", "refUpdates": [{ "name": "refs/heads/a", "afterOid": "12" }] } }),
            "Could not coerce value",
        ),
    ];
    for (query, variables, message) in cases.iter().cloned() {
        let answer = client.graphql(query, variables).await?;
        let said = answer["errors"].to_string();
        assert!(said.contains(message), "{query}: {said}");
        assert!(answer["data"].is_null());
    }
    assert!(sim.unknown_requests().len() >= cases.len());
    assert_eq!(repo.log("main").len(), 1);
    Ok(())
}

#[tokio::test]
async fn nodes_are_had_by_id_and_missing_ones_are_null_with_an_error() -> Story {
    let (_sim, repo, client) = start().await?;
    let id = client.get("/repos/acme/site").await?.body["node_id"].clone();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Repository {
        databaseId isArchived defaultBranchRef { name target { oid } } } } }";
    let answer = client.graphql(query, json!({ "ids": [id, "R_nonsense"] })).await?;
    assert_eq!(answer["data"]["nodes"][0]["databaseId"], json!(repo.id()));
    assert_eq!(answer["data"]["nodes"][1], json!(null));
    assert_eq!(answer["errors"][0]["type"], json!("NOT_FOUND"));
    assert_eq!(answer["errors"][0]["path"], json!(["nodes", 1]));
    Ok(())
}

#[tokio::test]
async fn refs_are_swapped_all_or_none() -> Story {
    let (_sim, repo, client) = start().await?;
    let id = client.get("/repos/acme/site").await?.body["node_id"].clone();
    let head = repo.head("main");
    let zero = "0".repeat(40);
    let mutation = "mutation($i: UpdateRefsInput!) { updateRefs(input: $i) { clientMutationId } }";
    let made = client
        .graphql(
            mutation,
            json!({ "i": { "repositoryId": id, "refUpdates": [
                { "name": "refs/heads/a", "beforeOid": zero, "afterOid": head },
                { "name": "refs/heads/b/c", "beforeOid": zero, "afterOid": head },
            ]}}),
        )
        .await?;
    assert!(made["errors"].is_null(), "{made}");
    let refused = client
        .graphql(
            mutation,
            json!({ "i": { "repositoryId": id, "refUpdates": [
                { "name": "refs/heads/a", "beforeOid": head, "afterOid": zero },
                { "name": "refs/heads/b/c", "beforeOid": zero, "afterOid": head },
            ]}}),
        )
        .await?;
    assert!(refused["errors"][0]["message"].is_string());
    let in_the_way = client
        .graphql(
            mutation,
            json!({ "i": { "repositoryId": id, "refUpdates": [
                { "name": "refs/heads/d", "beforeOid": zero, "afterOid": head },
                { "name": "refs/heads/b", "beforeOid": zero, "afterOid": head },
            ]}}),
        )
        .await?;
    assert!(in_the_way["errors"][0]["message"].is_string());
    assert_eq!(repo.branches().into_keys().collect::<Vec<_>>(), ["a", "b/c", "main"]);
    Ok(())
}

#[tokio::test]
async fn trees_and_blobs_are_read() -> Story {
    let (_sim, repo, client) = start().await?;
    repo.push("main", &[("bin", &[0u8, 1][..]), ("dir/f", &b"text"[..])]);
    let query = "{ repository(owner: \"acme\", name: \"site\") {
      object(expression: \"main^{tree}\") { ... on Tree { entries { name mode type oid
        object { ... on Blob { byteSize isBinary text } } } } }
      history: ref(qualifiedName: \"main\") { target { ... on Commit {
        history(first: 1) { totalCount nodes { messageHeadline } pageInfo { hasNextPage } } } } }
    } }";
    let answer = client.graphql(query, json!({})).await?;
    let entries = &answer["data"]["repository"]["object"]["entries"];
    assert_eq!(entries[0]["object"], json!({ "byteSize": 2, "isBinary": true, "text": null }));
    assert_eq!((&entries[1]["mode"], &entries[1]["type"]), (&json!(16384), &json!("tree")));
    assert_eq!(entries[2]["object"]["text"], json!("one\n"));
    let history = &answer["data"]["repository"]["history"]["target"]["history"];
    assert_eq!((&history["totalCount"], &history["pageInfo"]["hasNextPage"]), (&json!(2), &json!(true)));
    Ok(())
}
