//! Installation tokens: few, narrow, shared, never in the clear, replaced when refused.

use futures_util::future::join_all;
use lockstep::github::{GithubError, RepoRef};
use lockstep::model::Code;

use super::lab::Lab;

const MINT: &str = "access_tokens";

#[actix_web::test]
async fn one_token_for_many_callers_and_processes() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    let all = join_all((0..20).map(|_| site.head("main"))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(lab.sim.count(MINT), 1);
    let other = lab.process().await.repo(lab.installation, RepoRef { id: site.id(), full_name: site.full_name() });
    other.head("main").await.unwrap();
    assert_eq!(lab.sim.count(MINT), 1, "the other process took it from Redis");
}

#[actix_web::test]
async fn nothing_in_redis_can_be_used() {
    let lab = Lab::start().await;
    lab.sim.use_long_tokens(true);
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    site.head("main").await.unwrap();
    let keys: Vec<String> = lab.redis.ask("KEYS test:github:sealed:*");
    assert_eq!(keys.len(), 1);
    let sealed: Vec<u8> = lab.redis.ask(&format!("GET {}", keys[0]));
    assert!(!sealed.windows(4).any(|part| part == b"ghs_"));
}

#[actix_web::test]
async fn a_token_reaches_its_repository_only() {
    let lab = Lab::start().await;
    let (other, _) = lab.repo("acme/other", &[("a", "1")]);
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    let wrong = lab.github.repo(lab.installation, RepoRef { id: site.id(), full_name: other.full_name() });
    let look = wrong.look("main").await.unwrap();
    assert_eq!((look.repository.id, look.repository.full_name.as_str()), (site.id(), "acme/site"));
}

#[actix_web::test]
async fn a_token_that_is_too_fresh_or_ended_early_is_survived() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    lab.sim.fresh_token_401(2);
    site.head("main").await.unwrap();
    lab.sim.fresh_token_401(0);
    lab.sim.expire_tokens();
    site.head("main").await.unwrap();
    assert_eq!(lab.sim.count(MINT), 2);
}

#[actix_web::test]
async fn what_became_of_the_installation() {
    let lab = Lab::start().await;
    let (repo, site) = lab.repo("acme/site", &[("a", "1")]);
    let code = async || {
        lab.sim.expire_tokens();
        match site.head("main").await {
            Err(GithubError::Refused { code, .. }) => Some(code),
            Ok(_) => None,
            Err(other) => panic!("{other:?}"),
        }
    };
    let id = lab.installation.0.try_into().unwrap();
    lab.sim.suspend(id);
    assert_eq!(code().await, Some(Code::InstallationSuspended));
    lab.sim.unsuspend(id);
    assert_eq!(code().await, None);
    lab.sim.set_permission(id, "contents", "none");
    assert_eq!(code().await, Some(Code::PermissionMissing));
    lab.sim.set_permission(id, "contents", "write");
    lab.sim.remove_from_installation(id, repo.id());
    assert_eq!(code().await, Some(Code::RepositoryNotAccessible));
    lab.sim.uninstall(id);
    assert_eq!(code().await, Some(Code::InstallationRemoved));
}

#[actix_web::test]
async fn what_became_of_a_repository() {
    let lab = Lab::start().await;
    lab.sim.user("ada");
    // Nobody listens: what was to be delivered stands in GitHub's log all the same.
    lab.sim.set_webhook_url("http://127.0.0.1:9/");
    let code = async |repo: &lockstep::github::Repo| match repo.head("main").await {
        Err(GithubError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let (deleted, gone) = lab.repo("acme/deleted", &[("a", "1")]);
    let moved = lab.sim.public_repo("acme/moved").with(&[("a", "1")]);
    let away = lab.open(&moved);
    let (hidden, out_of_sight) = lab.repo("acme/hidden", &[("a", "1")]);
    for repo in [&gone, &away, &out_of_sight] {
        repo.head("main").await.unwrap();
    }
    deleted.delete();
    assert_eq!(code(&gone).await, Code::RepositoryGone);
    moved.transfer("ada");
    assert_eq!(code(&away).await, Code::RepositoryNotAccessible);
    hidden.transfer("ada");
    assert_eq!(code(&out_of_sight).await, Code::RepositoryNotAccessible, "nothing says that it was deleted");
    let selected = lab.sim.repo("acme/selected").with(&[("a", "1")]);
    let out = lab.open(&selected);
    out.head("main").await.unwrap();
    lab.sim.remove_from_installation(lab.installation.0.try_into().unwrap(), selected.id());
    assert_eq!(code(&out).await, Code::RepositoryNotAccessible);
}

#[actix_web::test]
async fn without_an_app_nothing_is_asked() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    lab.github.set_app(None);
    assert_eq!(site.head("main").await, Err(GithubError::NotConfigured));
    assert!(lab.sim.requests().is_empty());
}
