//! GitHub's real answers and what the caller does next.
#![expect(clippy::unwrap_used, reason = "tests")]

use http::header::{HeaderName, HeaderValue};

use super::*;

const NOW: i64 = 1_700_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
}

fn write() -> About {
    About { subject: Subject::Installation, writes: true }
}

fn said(status: u16, body: &str) -> GithubError {
    of_answer(write(), status, &HeaderMap::new(), body.as_bytes(), now())
}

fn graph(kind: &str, message: &str) -> GithubError {
    of_graphql(write(), kind, message, &HeaderMap::new(), now())
}

/// The code of a refusal, with the paths it names.
fn refusal(error: GithubError) -> (Code, Vec<String>) {
    match error {
        GithubError::Refused { code, paths, .. } => (code, paths),
        other => panic!("{other:?}"),
    }
}

fn in_seconds(seconds: i64, reason: Throttle) -> GithubError {
    GithubError::RetryAt { at: now() + TimeDelta::seconds(seconds), reason }
}

#[test]
fn limits_in_the_order_of_obedience() {
    let secondary = r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}"#;
    let primary = r#"{"message":"API rate limit exceeded for installation ID 1234."}"#;
    let reset = (NOW + 1200).to_string();
    let used_up: &[(&str, &str)] = &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)];
    let with = |status, pairs: &[(&'static str, &str)], body: &str| {
        of_answer(write(), status, &headers(pairs), body.as_bytes(), now())
    };
    assert_eq!(with(403, &[("retry-after", "30")], secondary), in_seconds(30, Throttle::RetryAfter));
    assert_eq!(
        with(429, &[("retry-after", "30"), ("x-ratelimit-remaining", "0")], ""),
        in_seconds(30, Throttle::RetryAfter)
    );
    assert_eq!(
        with(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)], primary),
        in_seconds(1200, Throttle::Primary)
    );
    assert_eq!(with(403, &[("x-ratelimit-remaining", "4000")], secondary), in_seconds(60, Throttle::Secondary));
    assert_eq!(with(429, &[], "<html>slow down</html>"), in_seconds(60, Throttle::Secondary));
    assert_eq!(with(503, &[("retry-after", "5")], ""), in_seconds(5, Throttle::RetryAfter));
    let pairs: Vec<(&'static str, &str)> = vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", used_up[1].1)];
    let limited = of_graphql(write(), "RATE_LIMITED", "API rate limit exceeded", &headers(&pairs), now());
    assert_eq!(limited, in_seconds(1200, Throttle::Primary));
    assert_eq!(with(404, &[("x-ratelimit-remaining", "0")], "{}"), GithubError::NotFound);
}

#[test]
fn what_may_pass_by_itself() {
    for (status, body) in [(500, ""), (502, "<html><h1>502 Bad Gateway</h1></html>"), (503, "Unicorn!"), (504, "{}")] {
        assert!(matches!(said(status, body), GithubError::Unavailable { ambiguous: true, .. }), "{status}");
        let read = of_answer(About { writes: false, ..write() }, status, &HeaderMap::new(), body.as_bytes(), now());
        assert!(matches!(read, GithubError::Unavailable { ambiguous: false, .. }), "{status}");
    }
    let lost = "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug. Please include `ABCD:1` when reporting this issue.";
    assert!(matches!(graph("", lost), GithubError::Unavailable { ambiguous: true, .. }));
}

#[test]
fn a_moved_branch() {
    assert_eq!(
        graph("STALE_DATA", "Expected branch to point to \"a\" but it did not.  Pull and try again."),
        GithubError::Stale
    );
    assert_eq!(said(422, r#"{"message":"Update is not a fast forward","documentation_url":"x"}"#), GithubError::Stale);
    assert_eq!(said(422, r#"{"message":"Reference already exists"}"#), GithubError::Stale);
    assert_eq!(said(409, r#"{"message":"a.txt does not match 1234"}"#), GithubError::Stale);
    assert_eq!(said(422, r#"{"message":"Invalid request.\n\n\"sha\" wasn't supplied."}"#), GithubError::Stale);
}

#[test]
fn rules_and_permissions() {
    let cases = [
        (403, r#"{"message":"Resource not accessible by integration"}"#, Code::PermissionMissing),
        (403, r#"{"message":"Repository was archived so is read-only."}"#, Code::RepositoryArchived),
        (403, r#"{"message":"This installation has been suspended"}"#, Code::InstallationSuspended),
        (403, r#"{"message":"Repository access blocked"}"#, Code::RepositoryNotAccessible),
        (
            422,
            r#"{"message":"Repository rule violations found\n\nChanges must be made through a pull request.\n\n"}"#,
            Code::BranchProtected,
        ),
        (
            409,
            r#"{"message":"Repository rule violations found\n\nChanges must be made through a pull request.\n\n"}"#,
            Code::BranchProtected,
        ),
        (422, r#"{"message":"Reference update failed"}"#, Code::BranchProtected),
        (
            422,
            r#"{"message":"Validation Failed","errors":["A pull request already exists for acme:x."]}"#,
            Code::PullRequestExists,
        ),
        (
            422,
            r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"No commits between main and x"}]}"#,
            Code::NothingToSync,
        ),
        (
            422,
            r#"{"message":"Repository creation failed.","errors":[{"resource":"Repository","code":"custom","field":"name","message":"name already exists on this account"}]}"#,
            Code::RepositoryNameTaken,
        ),
        (422, r#"{"message":"tree.path contains a malformed path component"}"#, Code::ValidationFailed),
        (451, r#"{"message":"Repository access blocked"}"#, Code::RepositoryNotAccessible),
    ];
    for (status, body, code) in cases {
        assert_eq!(refusal(said(status, body)).0, code, "{body}");
    }
    assert_eq!(
        refusal(graph("BRANCH_PROTECTION_RULE_VIOLATION", "At least 1 approving review is required")).0,
        Code::BranchProtected
    );
    assert_eq!(
        refusal(graph("", "Repository rule violations found\n\nFile path is restricted")).0,
        Code::ValidationFailed
    );
}

#[test]
fn secrets_and_workflows_name_their_files() {
    let blob = r#"{"message":"Repository rule violations found\n\nSecret detected in content\n\nBlocked\n","metadata":{"secret_scanning":{"bypass_placeholders":[{"placeholder_id":"2x","token_type":"aws_key"}]}}}"#;
    assert_eq!(refusal(said(422, blob)), (Code::PushProtection, vec![]));
    assert_eq!(refusal(said(409, blob)), (Code::PushProtection, vec![]));
    let listed = "Repository rule violations found\n\nPush cannot contain secrets\n  locations:\n   - commit: abc\n     path: conf/keys.txt:3\n   - path: b c.env:12";
    assert_eq!(
        refusal(graph("", listed)),
        (Code::PushProtection, vec!["b c.env".to_owned(), "conf/keys.txt".to_owned()])
    );
    let workflow = r#"{"message":"refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission"}"#;
    assert_eq!(refusal(said(422, workflow)), (Code::PermissionMissing, vec![".github/workflows/ci.yml".to_owned()]));
}

#[test]
fn minting_a_token() {
    let mint = |status, body: &str| {
        let about = About { subject: Subject::Mint, writes: false };
        of_answer(about, status, &HeaderMap::new(), body.as_bytes(), now())
    };
    assert_eq!(refusal(mint(404, r#"{"message":"Not Found"}"#)).0, Code::InstallationRemoved);
    assert_eq!(
        refusal(mint(403, r#"{"message":"This installation has been suspended"}"#)).0,
        Code::InstallationSuspended
    );
    let out = r#"{"message":"There is at least one repository that does not exist or is not accessible to the parent installation."}"#;
    assert_eq!(refusal(mint(422, out)).0, Code::RepositoryNotAccessible);
    let permissions = r#"{"message":"The permissions requested are not granted to this installation."}"#;
    assert_eq!(refusal(mint(422, permissions)).0, Code::PermissionMissing);
    assert!(matches!(
        mint(401, r#"{"message":"A JSON web token could not be decoded"}"#),
        GithubError::Unavailable { .. }
    ));
}

#[test]
fn size_emptiness_and_the_rest() {
    assert_eq!(said(409, r#"{"message":"Git Repository is empty."}"#), GithubError::Empty);
    assert!(matches!(
        said(
            422,
            r#"{"message":"Sorry, your request timed out. It's likely that your input was too large to process."}"#
        ),
        GithubError::TooLarge { .. }
    ));
    assert!(matches!(said(405, "<!DOCTYPE html><p>Not allowed"), GithubError::TooLarge { .. }));
    assert!(matches!(said(413, ""), GithubError::TooLarge { .. }));
    assert_eq!(said(404, ""), GithubError::NotFound);
    assert_eq!(said(410, "{}"), GithubError::NotFound);
    assert_eq!(graph("NOT_FOUND", "Could not resolve to a Repository with the name 'a/b'."), GithubError::NotFound);
    assert_eq!(said(422, r#"{"message":"Reference does not exist"}"#), GithubError::NotFound);
    assert!(
        matches!(said(422, r#"{"message":"Validation Failed","errors":[{"resource":"X","field":"y","code":"missing"}]}"#), GithubError::Invalid(text) if text.contains("y: missing"))
    );
    let person = About { subject: Subject::User, writes: false };
    assert_eq!(
        of_answer(person, 401, &HeaderMap::new(), br#"{"message":"Bad credentials"}"#, now()),
        GithubError::BadToken
    );
}

#[test]
fn tokens_that_are_not_enough() {
    let forbidden = graph("FORBIDDEN", "Resource not accessible by integration");
    assert_eq!(refusal(forbidden).0, Code::PermissionMissing);
    let saml = r#"{"message":"Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.","documentation_url":"https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/"}"#;
    assert_eq!(refusal(said(403, saml)).0, Code::RepositoryNotAccessible);
    let locked = r#"{"message":"Repository has been locked for migration."}"#;
    assert_eq!(refusal(said(403, locked)).0, Code::RepositoryNotAccessible);
    // A token that ended early is replaced, and the request tried again.
    assert!(matches!(said(401, r#"{"message":"Bad credentials"}"#), GithubError::Unavailable { .. }));
}

#[test]
fn limits_without_a_header_wait_a_minute() {
    let abuse = r#"{"message":"You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/overview/resources-in-the-rest-api#abuse-rate-limits"}"#;
    assert_eq!(said(403, abuse), in_seconds(60, Throttle::Secondary));
    let quickly = r#"{"message":"was submitted too quickly"}"#;
    assert_eq!(said(403, quickly), in_seconds(60, Throttle::Secondary));
    assert_eq!(said(429, "{}"), in_seconds(60, Throttle::Secondary));
    assert_eq!(graph("RATE_LIMITED", "API rate limit exceeded"), in_seconds(60, Throttle::Primary));
    let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    assert_eq!(graph("", secondary), in_seconds(60, Throttle::Secondary));
}
