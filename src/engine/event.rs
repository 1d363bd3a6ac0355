//! What a webhook means for us: pure, from the raw JSON to what is to be looked at.
//!
//! Events come doubled, late and in any order, so next to nothing of them is believed: they say where
//! to look, and the look asks GitHub. Only fields that are used are read; an event, action or shape
//! that is not known means nothing.

use serde::Deserialize;

use crate::model::Oid;
use crate::store::deliveries::{Effect, Place, Push};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    action: Option<String>,
    repository: Option<Numbered>,
    installation: Option<Numbered>,
    sender: Option<Sender>,
    /// `push create delete`.
    r#ref: Option<String>,
    ref_type: Option<String>,
    after: Option<String>,
    created: Option<bool>,
    deleted: Option<bool>,
    forced: Option<bool>,
    /// `installation`, `installation_repositories`.
    repositories: Option<Vec<Numbered>>,
    repositories_added: Option<Vec<Numbered>>,
    repositories_removed: Option<Vec<Numbered>>,
    pull_request: Option<PullRequest>,
    check_suite: Option<Check>,
    check_run: Option<Check>,
    /// `status`.
    sha: Option<String>,
    branches: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Numbered {
    id: i64,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Sender {
    id: i64,
}

#[derive(Deserialize)]
struct PullRequest {
    number: i64,
}

/// A check suite, or a run and the suite it belongs to.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Check {
    head_sha: Option<String>,
    head_branch: Option<String>,
    pull_requests: Option<Vec<PullRequest>>,
    check_suite: Option<Box<Check>>,
}

/// What is to be done about an event; `Effect::Nothing` for what means nothing to us.
pub fn effect_of(event: &str, body: &[u8]) -> Effect {
    let Ok(payload) = serde_json::from_slice::<Payload>(body) else { return Effect::Nothing };
    let effect = match event {
        "push" => push(&payload),
        "create" | "delete" => branch(&payload),
        "pull_request" | "pull_request_review" => pull_request(&payload),
        "check_suite" => payload.check_suite.as_ref().and_then(|check| checked(&payload, check)),
        "check_run" => payload.check_run.as_ref().and_then(|check| checked(&payload, check)),
        "status" => status(&payload),
        "repository" => repository(&payload),
        "installation" => installation(&payload),
        "installation_repositories" => installation_repositories(&payload),
        "github_app_authorization" => authorization(&payload),
        _ => None,
    };
    effect.unwrap_or(Effect::Nothing)
}

fn push(payload: &Payload) -> Option<Effect> {
    let branch = named(payload.r#ref.as_deref()?.strip_prefix("refs/heads/")?)?;
    let said = |flag: Option<bool>| flag.unwrap_or(false);
    let after = payload.after.as_deref().and_then(oid).filter(|oid| *oid != Oid::ZERO);
    Some(Effect::Push(Push {
        repository: payload.repository.as_ref()?.id,
        branch,
        after: after.filter(|_| !said(payload.deleted)),
        rewritten: said(payload.forced) || said(payload.created),
    }))
}

/// Made or deleted: for the branch that is synced, and for those of pull requests.
fn branch(payload: &Payload) -> Option<Effect> {
    let branch = named(payload.r#ref.as_deref().filter(|_| payload.ref_type.as_deref() == Some("branch"))?)?;
    Some(Effect::Push(Push { repository: payload.repository.as_ref()?.id, branch, after: None, rewritten: true }))
}

fn pull_request(payload: &Payload) -> Option<Effect> {
    let numbers = vec![payload.pull_request.as_ref()?.number];
    let repository = payload.repository.as_ref()?.id;
    Some(Effect::PullRequests { repository, numbers, commits: Vec::new(), branches: Vec::new() })
}

fn checked(payload: &Payload, check: &Check) -> Option<Effect> {
    let suite = check.check_suite.as_deref();
    let parts = || std::iter::once(check).chain(suite);
    Some(Effect::PullRequests {
        repository: payload.repository.as_ref()?.id,
        numbers: parts().flat_map(|part| part.pull_requests.iter().flatten()).map(|pull| pull.number).collect(),
        commits: parts().filter_map(|part| oid(part.head_sha.as_deref()?)).collect(),
        branches: parts().filter_map(|part| named(part.head_branch.as_deref()?)).collect(),
    })
}

fn status(payload: &Payload) -> Option<Effect> {
    Some(Effect::PullRequests {
        repository: payload.repository.as_ref()?.id,
        numbers: Vec::new(),
        commits: payload.sha.as_deref().and_then(oid).into_iter().collect(),
        branches: payload.branches.iter().flatten().filter_map(|branch| named(&branch.name)).collect(),
    })
}

/// The look notices what became of it; only that it was deleted no look can tell from «out of reach».
fn repository(payload: &Payload) -> Option<Effect> {
    let ids = vec![payload.repository.as_ref()?.id];
    match payload.action.as_deref()? {
        "deleted" => Some(Effect::Gone { repositories: ids }),
        "renamed" | "edited" | "archived" | "unarchived" | "publicized" | "privatized" => {
            Some(Effect::Look(Place { repositories: ids, ..Place::default() }))
        }
        // Only the new owner's installation is told, so this one reaches it.
        action @ ("transferred" | "created") => Some(Effect::Look(Place {
            repositories: ids,
            reached_by: number(&payload.installation),
            moved: action == "transferred",
            ..Place::default()
        })),
        _ => None,
    }
}

fn installation(payload: &Payload) -> Option<Effect> {
    let id = payload.installation.as_ref()?.id;
    let repositories = ids(&payload.repositories);
    match payload.action.as_deref()? {
        "deleted" | "suspend" => Some(Effect::Look(Place { installation: Some(id), ..Place::default() })),
        "created" | "unsuspend" | "new_permissions_accepted" => {
            Some(Effect::Look(Place { installation: Some(id), repositories, reached_by: Some(id), moved: false }))
        }
        _ => None,
    }
}

fn installation_repositories(payload: &Payload) -> Option<Effect> {
    let id = number(&payload.installation);
    match payload.action.as_deref()? {
        "added" => {
            let repositories = ids(&payload.repositories_added);
            Some(Effect::Look(Place { repositories, reached_by: id, ..Place::default() }))
        }
        "removed" => {
            let repositories = ids(&payload.repositories_removed);
            Some(Effect::Look(Place { repositories, ..Place::default() }))
        }
        _ => None,
    }
}

fn authorization(payload: &Payload) -> Option<Effect> {
    let sender = payload.sender.as_ref().filter(|_| payload.action.as_deref() == Some("revoked"))?;
    Some(Effect::Deauthorize { github_id: sender.id })
}

/// A branch that there can be: git allows no control characters in names, and PostgreSQL no NUL.
fn named(branch: &str) -> Option<String> {
    (!branch.contains(char::is_control)).then(|| branch.to_owned())
}

fn oid(text: &str) -> Option<Oid> {
    text.parse().ok()
}

fn number(of: &Option<Numbered>) -> Option<i64> {
    of.as_ref().map(|numbered| numbered.id)
}

fn ids(of: &Option<Vec<Numbered>>) -> Vec<i64> {
    of.iter().flatten().map(|numbered| numbered.id).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::{Value, json};

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn effect(event: &str, body: Value) -> Effect {
        effect_of(event, body.to_string().as_bytes())
    }

    fn pushed(more: Value) -> Effect {
        let mut body = json!({ "ref": "refs/heads/feature/x", "after": A, "repository": { "id": 7 } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        effect("push", body)
    }

    fn expected(after: Option<&str>, rewritten: bool) -> Effect {
        let after = after.map(|text| text.parse().unwrap());
        Effect::Push(Push { repository: 7, branch: "feature/x".into(), after, rewritten })
    }

    #[test]
    fn pushes_of_branches() {
        assert_eq!(pushed(json!({})), expected(Some(A), false));
        assert_eq!(pushed(json!({ "forced": true })), expected(Some(A), true));
        assert_eq!(pushed(json!({ "created": true, "before": ZERO })), expected(Some(A), true));
        assert_eq!(pushed(json!({ "deleted": true, "after": ZERO })), expected(None, false));
        assert_eq!(pushed(json!({ "ref": "refs/tags/v1" })), Effect::Nothing);
        assert_eq!(pushed(json!({ "repository": null })), Effect::Nothing);
        let made = json!({ "ref": "feature/x", "ref_type": "branch", "repository": { "id": 7 } });
        assert_eq!(effect("create", made.clone()), expected(None, true));
        assert_eq!(effect("delete", made), expected(None, true));
        let tag = json!({ "ref": "v1", "ref_type": "tag", "repository": { "id": 7 } });
        assert_eq!(effect("create", tag), Effect::Nothing);
    }

    #[test]
    fn everything_about_pull_requests() {
        let of = |numbers: Vec<i64>, commits: Vec<&str>, branches: Vec<&str>| Effect::PullRequests {
            repository: 7,
            numbers,
            commits: commits.into_iter().map(|text| text.parse().unwrap()).collect(),
            branches: branches.into_iter().map(str::to_owned).collect(),
        };
        let pull = json!({ "action": "brand_new", "pull_request": { "number": 3 }, "repository": { "id": 7 } });
        assert_eq!(effect("pull_request", pull.clone()), of(vec![3], vec![], vec![]));
        assert_eq!(effect("pull_request_review", pull), of(vec![3], vec![], vec![]));
        let suite = json!({ "head_sha": A, "head_branch": "x", "pull_requests": [{ "number": 3 }] });
        let body = json!({ "check_suite": suite, "repository": { "id": 7 } });
        assert_eq!(effect("check_suite", body), of(vec![3], vec![A], vec!["x"]));
        let run = json!({ "head_sha": A, "pull_requests": [], "check_suite": { "head_branch": null } });
        assert_eq!(
            effect("check_run", json!({ "check_run": run, "repository": { "id": 7 } })),
            of(vec![], vec![A], vec![])
        );
        let body = json!({ "sha": A, "branches": [{ "name": "x" }], "repository": { "id": 7 } });
        assert_eq!(effect("status", body), of(vec![], vec![A], vec!["x"]));
    }

    #[test]
    fn repositories_and_installations() {
        let look = |installation, repositories: &[i64], reached_by| {
            Effect::Look(Place { installation, repositories: repositories.to_vec(), reached_by, moved: false })
        };
        let repository = |action: &str| {
            effect("repository", json!({ "action": action, "repository": { "id": 7 }, "installation": { "id": 2 } }))
        };
        assert_eq!(repository("renamed"), look(None, &[7], None));
        let moved = Place { repositories: vec![7], reached_by: Some(2), moved: true, ..Place::default() };
        assert_eq!(repository("transferred"), Effect::Look(moved));
        assert_eq!(repository("deleted"), Effect::Gone { repositories: vec![7] });
        assert_eq!(repository("starred"), Effect::Nothing);
        let installation = |action: &str| {
            effect(
                "installation",
                json!({ "action": action, "installation": { "id": 2 }, "repositories": [{ "id": 7 }] }),
            )
        };
        assert_eq!(installation("deleted"), look(Some(2), &[], None));
        assert_eq!(installation("suspend"), look(Some(2), &[], None));
        assert_eq!(installation("created"), look(Some(2), &[7], Some(2)));
        assert_eq!(installation("unsuspend"), look(Some(2), &[7], Some(2)));
        let change = |action: &str| {
            let (added, removed) = (json!([{ "id": 7 }]), json!([{ "id": 8 }]));
            let body = json!({ "action": action, "installation": { "id": 2 }, "repositories_added": added,
                "repositories_removed": removed });
            effect("installation_repositories", body)
        };
        assert_eq!(change("added"), look(None, &[7], Some(2)));
        assert_eq!(change("removed"), look(None, &[8], None));
        let revoked = json!({ "action": "revoked", "sender": { "id": 5, "login": "ada" } });
        assert_eq!(effect("github_app_authorization", revoked), Effect::Deauthorize { github_id: 5 });
    }

    #[test]
    fn anything_else_means_nothing() {
        for body in ["7", "[]", "null", "\"x\"", "{}", r#"{"repository":7}"#, r#"{"ref":{"a":1}}"#] {
            for event in
                ["push", "create", "pull_request", "check_run", "status", "repository", "installation", "ping", "new"]
            {
                let effect = effect_of(event, body.as_bytes());
                assert_eq!(effect, Effect::Nothing, "{event} {body}");
            }
        }
        // No name of git's, and nothing to stumble over: neither NUL nor half a surrogate pair.
        for name in [r"a\u0000b", r"\u0000", r"a\ud800b"] {
            let body = format!(r#"{{"ref":"refs/heads/{name}","ref_type":"branch","repository":{{"id":7}}}}"#);
            for event in ["push", "create"] {
                assert_eq!(effect_of(event, body.as_bytes()), Effect::Nothing, "{event} {name}");
            }
        }
        let body = r#"{"sha":"","branches":[{"name":"a\u0000b"}],"repository":{"id":7}}"#;
        let nothing = |effect| matches!(effect, Effect::PullRequests { branches, .. } if branches.is_empty());
        assert!(nothing(effect_of("status", body.as_bytes())));
        let body = r#"{"check_suite":{"head_branch":"\u0000"},"repository":{"id":7}}"#;
        assert!(nothing(effect_of("check_suite", body.as_bytes())));
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(effect_of("push", deep.as_bytes()), Effect::Nothing);
    }
}
