//! Change requests made up at random against a model of the contract's rules: what is accepted, what
//! is refused, and what the project is afterwards. Nothing is ever answered with an error of ours.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::oid;
use crate::world::World;

type Tree = BTreeMap<String, String>;

#[derive(Debug, Clone)]
enum Change {
    Put(String, String),
    Delete(String),
    Rename(String, String),
    /// Whatever it is, it is no change.
    Wrong(Value),
}

/// Few paths, in each other's way, and some that no project takes.
fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => prop::sample::select(vec!["a", "a/b", "a/b/c", "b", "b/c", "é", "é/b", "a b"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["", "/a", "a/", "a/../b", ".git/config", "b/.GIT", "a\\b", "a\u{7}"])
            .prop_map(str::to_owned),
    ]
}

fn is_path(path: &str) -> bool {
    let segments_hold =
        path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git"));
    segments_hold && !path.contains(['\\', '\u{7}'])
}

fn change() -> impl Strategy<Value = Change> {
    let wrong = prop::sample::select(vec![
        json!({}),
        json!([]),
        json!(null),
        json!({ "op": "chmod", "path": "a" }),
        json!({ "op": "put", "path": "a" }),
        json!({ "op": "put", "path": 7, "content": "x" }),
        json!({ "op": "put", "path": "a", "content": "x", "mode": "100600" }),
        json!({ "op": "put", "path": "a", "content": "%", "encoding": "base64" }),
        json!({ "op": "put", "path": "a", "content": "", "mode": "120000" }),
        json!({ "op": "delete", "path": "a", "surprise": true }),
        json!({ "op": "rename", "path": "b" }),
    ]);
    prop_oneof![
        10 => (path(), "[xyz]{0,2}").prop_map(|(path, text)| Change::Put(path, text)),
        4 => path().prop_map(Change::Delete),
        4 => (path(), path()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => wrong.prop_map(Change::Wrong),
    ]
}

fn sent(change: &Change) -> Value {
    match change {
        Change::Put(path, content) => json!({ "op": "put", "path": path, "content": content }),
        Change::Delete(path) => json!({ "op": "delete", "path": path }),
        Change::Rename(from, path) => json!({ "op": "rename", "from": from, "path": path }),
        Change::Wrong(value) => value.clone(),
    }
}

/// The tree afterwards; none: the request is refused as a whole.
fn expected(tree: &Tree, changes: &[Change]) -> Option<Tree> {
    let mut after = tree.clone();
    for change in changes {
        match change {
            Change::Put(path, text) if is_path(path) => drop(after.insert(path.clone(), text.clone())),
            Change::Delete(path) => drop(after.remove(path)?),
            Change::Rename(from, to) if is_path(to) && from != to => {
                let text = after.remove(from)?;
                after.insert(to.clone(), text);
            }
            _ => return None,
        }
    }
    let folders = |path: &str| path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect::<Vec<_>>();
    let is_tree = after.keys().all(|path| folders(path).iter().all(|folder| !after.contains_key(folder)));
    is_tree.then_some(after)
}

#[actix_web::test]
async fn what_a_request_does_follows_from_the_rules_alone() {
    let world = World::start().await;
    let site = world.site("site");
    let requests = prop::collection::vec(change(), 1..6);
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    site.put("first", &[("a", "x")]).await;
    let (mut tree, mut revision) = (Tree::from([("a".to_owned(), "x".to_owned())]), 1);
    for number in 0..300 {
        let changes = requests.new_tree(&mut runner).unwrap().current();
        let answer = site.change(&format!("e{number}"), changes.iter().map(sent).collect()).await;
        match expected(&tree, &changes) {
            Some(after) => {
                assert_eq!(answer.status, 202, "{changes:?} on {tree:?}: {}", answer.text());
                (tree, revision) = (after, revision + 1);
            }
            None => drop(answer.problem(422, "validation_failed")),
        }
        let page = site.get("/files?limit=100").await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        let there: Vec<_> =
            items.map(|item| (item["path"].as_str().unwrap(), item["oid"].as_str().unwrap().to_owned())).collect();
        let wanted: Vec<_> = tree.iter().map(|(path, text)| (path.as_str(), oid(text))).collect();
        assert_eq!((there, &page["revision"]), (wanted, &json!(revision)), "after {changes:?}");
    }
}

/// Bytes that are nearly a request: refused with a problem, and the project stays as it is.
#[actix_web::test]
async fn no_bytes_bring_the_api_down() {
    let world = World::start().await;
    let site = world.site("site");
    site.put("first", &[("a", "x")]).await;
    let whole = br#"{"event_id":"e1","expected_revision":9,"changes":[{"op":"put","path":"b","content":"x"}]}"#;
    let spoilt = (0..whole.len(), any::<u8>(), any::<bool>()).prop_map(|(at, byte, cut)| {
        let mut bytes = whole.to_vec();
        bytes[at] = byte;
        bytes.truncate(if cut { at } else { bytes.len() });
        bytes
    });
    let body = prop_oneof![3 => spoilt, 1 => prop::collection::vec(any::<u8>(), 0..64)];
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[8; 32]));
    let mut revision = 1;
    for _ in 0..300 {
        let bytes = body.new_tree(&mut runner).unwrap().current();
        let json = [("content-type", "application/json")];
        let answer = world.host().send(http::Method::POST, &site.url("/changes"), &json, bytes.clone()).await;
        let said = String::from_utf8_lossy(&bytes);
        assert!(matches!(answer.status, 200 | 202 | 400 | 409 | 422), "{said}: {} {}", answer.status, answer.text());
        revision += i64::from(answer.status == 202);
        assert_eq!(site.project().await["revision"], revision, "{said}");
    }
}
