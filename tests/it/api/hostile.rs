//! `POST …/changes` with what only an enemy, or a fuzzer, sends.

use http::Method;
use serde_json::json;

use super::Site;
use crate::world::{Answer, World};

async fn raw(site: &Site<'_>, body: impl Into<Vec<u8>>) -> Answer {
    let headers = [("content-type", "application/json")];
    site.world.host().send(Method::POST, &site.url("/changes"), &headers, body.into()).await
}

#[actix_web::test]
async fn what_is_no_json_is_malformed() {
    let world = World::start().await;
    let site = world.site("site");
    let deep = format!(r#"{{"event_id":"e","changes":{}1{}}}"#, "[".repeat(64), "]".repeat(64));
    let very_deep = "[".repeat(1 << 20);
    for body in
        ["", " ", "{", "nope", "{}{}", "{\"a\":1,}", "\u{feff}{}", "{'a':1}", "{\"a\":\"\t\"}", &deep, &very_deep]
    {
        raw(&site, body).await.problem(400, "malformed");
    }
    raw(&site, b"{\"event_id\":\"\xc3\x28\"}".to_vec()).await.problem(400, "malformed");
}

#[actix_web::test]
async fn odd_json_is_named_field_by_field() {
    let world = World::start().await;
    let site = world.site("site");
    let one = r#""changes":[{"op":"put","path":"a","content":"x"}]"#;
    for (body, field) in [
        (r#"[1]"#.to_owned(), "body"),
        (format!(r#"{{"event_id":"e","event_id":"f",{one}}}"#), "event_id"),
        (format!(r#"{{"event_id":"e","expected_revision":1{},{one}}}"#, "0".repeat(5000)), "expected_revision"),
        (format!(r#"{{"event_id":"e","expected_revision":1e400,{one}}}"#), "expected_revision"),
        (format!(r#"{{"event_id":"e","expected_revision":0.5,{one}}}"#), "expected_revision"),
        (format!(r#"{{"event_id":"\ud800",{one}}}"#), "event_id"),
        (format!(r#"{{"event_id":"a\u0000b",{one}}}"#), "event_id"),
        (r#"{"event_id":"e","changes":[{"op":"put","path":"a","content":"\ud83d"}]}"#.to_owned(), "changes[0].content"),
        (r#"{"event_id":"e","changes":[{"op":"put","path":"\udc00","content":""}]}"#.to_owned(), "changes[0].path"),
        (r#"{"event_id":"e","changes":[{"op":"put","op":"delete","path":"a"}]}"#.to_owned(), "changes[0].op"),
        (r#"{"event_id":"e","changes":[null]}"#.to_owned(), "changes[0]"),
        (r#"{"event_id":"e","changes":"all"}"#.to_owned(), "changes"),
    ] {
        let fields = raw(&site, body.clone()).await.wrong_fields();
        assert!(fields.contains(&field.to_owned()), "{body}: {fields:?}");
    }
}

#[actix_web::test]
async fn base64_is_strict() {
    let world = World::start().await;
    let site = world.site("site");
    let put = |content: &str| json!([{ "op": "put", "path": "a", "content": content, "encoding": "base64" }]);
    for bad in
        ["aGk", "aGk=\n", "aGk= ", " aGk=", "aGl=", "aGk==", "_w==", "aG\u{0}k", "ä", "====", "data:;base64,aGk="]
    {
        assert_eq!(site.change("e1", put(bad)).await.wrong_fields(), ["changes[0].content"], "{bad:?}");
    }
    site.change("e1", put("aGk=")).await.expect(202);
    assert_eq!(site.file("a").await.unwrap().0, "hi");
    site.change("e2", put("")).await.expect(202);
    assert_eq!(site.file("a").await.unwrap().0, "");
}

/// Text that does not compress, so that an index entry of it stays as long as it is.
fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[(state % 64) as usize])
    };
    (0..length).map(|_| next()).collect()
}

#[actix_web::test]
async fn long_paths_that_do_not_compress_are_kept_apart_and_in_order() {
    let world = World::start().await;
    let site = world.site("site");
    let shared = noise(1, 3000);
    let mut paths: Vec<String> =
        [867, 868, 869, 899, 900, 901, 2704, 4096].iter().map(|length| noise(2, *length)).collect();
    paths.extend((0..12).map(|number| format!("{shared}/{:02}{}", 11 - number, noise(number, 1000))));
    paths.extend(["a", "z"].map(str::to_owned));
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), path.as_str())).collect();
    site.put("e1", &files).await;
    paths.sort();
    assert_eq!(site.paths().await, paths);
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = site.get(&format!("/files?limit=3{cursor}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        paged.extend(items.iter().map(|item| item["path"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        assert_eq!(items.len(), 3);
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, paths);
    for path in &paths {
        assert_eq!(site.file(path).await.unwrap().0, *path);
    }
}

#[actix_web::test]
async fn paths_of_two_thousand_folders_cost_no_more_than_others() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("e0", &[("0/a/a", "x")]).await;
    let deep = |number: usize| format!("{number}/{}", "a/".repeat(2040));
    let put = |number: usize| json!({ "op": "put", "path": format!("{}f", deep(number)), "content": "x" });
    site.change("e1", (1..200).map(put).collect()).await.expect(202);
    let clash = json!([put(300), put(0)]);
    assert_eq!(site.change("e2", clash).await.wrong_fields(), ["changes[1].path"]);
    let many: Vec<_> = (0..100).map(put).collect();
    assert_eq!(site.change("e2", json!(many)).await.wrong_fields(), ["changes[0].path"]);
}
