//! Acting as a person and as the App: authorization, what may be reached, repositories, deliveries,
//! pull requests.

use lockstep::github::{Checks, GithubError, NewPull, NewRepository, Permission, PullState, Review};
use lockstep::model::{Code, RepoName};

use super::lab::{Lab, head_of, oid};

const CALLBACK: &str = "http://127.0.0.1:8080/github/callback";

/// PKCE's own example (RFC 7636, appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn code_of(lab: &Lab, login: &str) -> String {
    let url = lab.github.authorize_url(CALLBACK, "state", CHALLENGE).unwrap();
    let back = lab.sim.authorize(&url, login).await.unwrap();
    let back = url::Url::parse(&back).unwrap();
    let value = back.query_pairs().find(|(name, _)| name == "code").map(|(_, value)| value.into_owned());
    value.unwrap()
}

fn new(name: &str) -> NewRepository {
    NewRepository { name: RepoName::parse(name).unwrap(), description: "d".to_owned(), private: true }
}

#[actix_web::test]
async fn a_persons_authorization_from_code_to_end() {
    let lab = Lab::start().await;
    lab.sim.user("ada");
    let code = code_of(&lab, "ada").await;
    let wrong = lab.github.exchange_code(&code, CALLBACK, "not-the-verifier-0123456789-0123456789-0123").await;
    assert_eq!(wrong.unwrap_err(), GithubError::BadToken);
    let code = code_of(&lab, "ada").await;
    let first = lab.github.exchange_code(&code, CALLBACK, VERIFIER).await.unwrap();
    assert_eq!(lab.github.user(&first.access).await.unwrap().login, "ada");
    let again = lab.github.exchange_code(&code, CALLBACK, VERIFIER).await;
    assert_eq!(again.unwrap_err(), GithubError::BadToken);
    let first = match lab.github.user(&first.access).await {
        Ok(_) => first,
        // GitHub may end what a code that is used twice had given.
        Err(_) => lab.github.exchange_code(&code_of(&lab, "ada").await, CALLBACK, VERIFIER).await.unwrap(),
    };
    let second = lab.github.refresh(first.refresh.as_ref().unwrap()).await.unwrap();
    assert_eq!(lab.github.user(&first.access).await, Err(GithubError::BadToken));
    assert_eq!(lab.github.refresh(first.refresh.as_ref().unwrap()).await.unwrap_err(), GithubError::BadToken);
    assert_eq!(lab.github.user(&second.access).await.unwrap().login, "ada");
    lab.github.revoke_token(&second.access).await.unwrap();
    assert!(!lab.sim.is_live(&second.access));
    lab.github.revoke_token(&second.access).await.unwrap();
}

#[actix_web::test]
async fn what_a_person_may_reach_and_do() {
    let lab = Lab::start().await;
    lab.sim.user("ada");
    lab.sim.user("eve");
    lab.sim.org("acme", &[("octocat", "admin"), ("ada", "member")]);
    let (repo, _) = lab.repo("acme/site", &[("a", "1")]);
    for n in 0..105 {
        lab.sim.repo(&format!("acme/r{n:03}"));
    }
    let (ada, _) = lab.sim.user_token("ada");
    let seen = lab.github.installations(&ada).await.unwrap();
    assert_eq!(
        seen.iter().map(|one| (one.id, one.account.login.as_str())).collect::<Vec<_>>(),
        [(lab.installation.0, "acme")]
    );
    let first = lab.github.installation_repositories(&ada, lab.installation, 1).await.unwrap();
    assert_eq!((first.items.len(), first.next), (100, Some(2)));
    let found = lab.github.find_repository(&ada, lab.installation, "Acme/Site").await.unwrap().unwrap();
    assert_eq!(found.permission, Permission::Read);
    repo.collaborator("ada", "write");
    let found = lab.github.find_repository(&ada, lab.installation, "acme/site").await.unwrap().unwrap();
    assert_eq!(found.permission, Permission::Write);
    assert_eq!(lab.github.repository_as_user(&ada, "acme/site").await.unwrap().repository.id, found.repository.id);
    let (stranger, _) = lab.sim.user_token("eve");
    assert_eq!(lab.github.repository_as_user(&stranger, "acme/site").await, Err(GithubError::NotFound));
    assert!(lab.github.installation_repositories(&stranger, lab.installation, 1).await.is_err());
}

#[actix_web::test]
async fn repositories_are_made_once() {
    let lab = Lab::start().await;
    let made = lab.github.create_org_repo(lab.installation, "acme", &new("fresh")).await.unwrap();
    assert_eq!((made.full_name.as_str(), made.private), ("acme/fresh", true));
    let taken = lab.github.create_org_repo(lab.installation, "acme", &new("fresh")).await.unwrap_err();
    assert!(matches!(taken, GithubError::Refused { code: Code::RepositoryNameTaken, .. }), "{taken:?}");
    lab.sim.user("ada");
    let (token, _) = lab.sim.user_token("ada");
    lab.sim.install("ada");
    let own = lab.github.create_user_repo(&token, &new("mine")).await.unwrap();
    assert_eq!(own.full_name, "ada/mine");
}

#[actix_web::test]
async fn the_app_knows_itself_and_its_installations() {
    let lab = Lab::start().await;
    let app = lab.github.app_info().await.unwrap();
    assert_eq!(app.id, lab.github.app().unwrap().id);
    assert!(app.permissions.contains_key("contents"));
    let found = lab.github.installation_of_owner("acme").await.unwrap().unwrap();
    assert_eq!((found.id, found.suspended_at), (lab.installation.0, None));
    assert_eq!(lab.github.installation(lab.installation).await.unwrap().account.login, "acme");
    assert_eq!(lab.github.installation_of_owner("nobody-here").await.unwrap(), None);
    lab.sim.user("ada");
    let at_ada = lab.sim.install("ada");
    assert_eq!(lab.github.installation_of_owner("ada").await.unwrap().unwrap().id, i64::try_from(at_ada).unwrap());
    lab.repo("acme/site", &[("a", "1")]);
    assert_eq!(lab.github.installation_of_repository("acme/site").await.unwrap().unwrap().id, lab.installation.0);
}

#[actix_web::test]
async fn deliveries_are_listed_and_asked_for_again() {
    let lab = Lab::start().await;
    lab.sim.set_webhook_url("http://127.0.0.1:9/webhooks/github");
    let (repo, _) = lab.repo("acme/site", &[("a", "1")]);
    for n in 0..3 {
        repo.push("main", &[("a", format!("{n}").as_str())]);
    }
    lab.sim.deliveries_idle().await;
    let page = lab.github.deliveries(None, None).await.unwrap();
    assert!(page.items.iter().filter(|one| one.event == "push").count() >= 3);
    let pushed = page.items.iter().find(|one| one.event == "push").unwrap();
    lab.github.redeliver(pushed.id).await.unwrap();
    lab.sim.deliveries_idle().await;
    let again = lab.github.deliveries(None, Some("failure")).await.unwrap();
    assert_eq!(again.items.iter().filter(|one| one.guid == pushed.guid).count(), 2);
    assert_eq!(lab.github.hook_config().await.unwrap().url, "http://127.0.0.1:9/webhooks/github");
}

#[actix_web::test]
async fn a_pull_request_and_everything_about_it() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a", "1")]);
    let pull = NewPull {
        title: "Change a".to_owned(),
        body: "why".to_owned(),
        head: "lockstep/a".to_owned(),
        base: "main".to_owned(),
        draft: false,
    };
    site.create_ref("lockstep/a", head_of(&site, "main").await.commit).await.unwrap();
    let nothing = site.create_pull(&pull).await.unwrap_err();
    assert!(matches!(nothing, GithubError::Refused { code: Code::NothingToSync, .. }), "{nothing:?}");
    let head = repo.push("lockstep/a", &[("a", "2")]);
    let made = site.create_pull(&pull).await.unwrap();
    assert_eq!((made.state, made.head_oid), (PullState::Open, oid(&head)));
    let twice = site.create_pull(&pull).await.unwrap_err();
    assert!(matches!(twice, GithubError::Refused { code: Code::PullRequestExists, .. }), "{twice:?}");
    let status = site.pull_status(made.number).await.unwrap();
    assert_eq!((status.checks, status.review), (Checks::None, Review::None));
    let number = u64::try_from(made.number).unwrap();
    repo.check_run(&head, "build", "success");
    repo.status(&head, "ci/legacy", "pending");
    repo.review("ada", number, "approve");
    let status = site.pull_status(made.number).await.unwrap();
    assert_eq!((status.checks, status.review), (Checks::Pending, Review::Approved));
    repo.status(&head, "ci/legacy", "failure");
    repo.review("bob", number, "request_changes");
    let status = site.pull_status(made.number).await.unwrap();
    assert_eq!((status.checks, status.review), (Checks::Failure, Review::ChangesRequested));
    assert_eq!(site.find_pull("lockstep/a").await.unwrap().unwrap().number, made.number);
    assert_eq!(site.find_pull("lockstep/b").await.unwrap(), None);
    let merged = repo.merge_pull(number, github_sim::MergeMethod::Squash);
    let status = site.pull_status(made.number).await.unwrap();
    assert_eq!((status.pull.state, status.pull.merge_commit), (PullState::Merged, Some(oid(&merged))));
    assert_eq!(site.pull_status(999).await.unwrap_err(), GithubError::NotFound);
}

#[actix_web::test]
async fn without_sight_of_checks_the_rest_is_known() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a", "1")]);
    let head = repo.push("topic", &[("a", "2")]);
    repo.check_run(&head, "build", "failure");
    let number = repo.open_pull("ada", "T", "topic", "main");
    let id = lab.installation.0.try_into().unwrap();
    lab.sim.set_permission(id, "checks", "none");
    lab.sim.set_permission(id, "statuses", "none");
    let status = site.pull_status(number.try_into().unwrap()).await.unwrap();
    assert_eq!((status.pull.state, status.checks), (PullState::Open, Checks::None));
}
