//! What GitHub says about waiting becomes a time, and holds for the whole installation.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use lockstep::github::{GithubError, Throttle};

use super::lab::Lab;

#[actix_web::test]
async fn every_kind_of_limit_is_a_time() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    let wait = async || {
        // Redis forgets, so that each kind is met anew; a process of its own has no memory either.
        lab.redis.ask::<()>("FLUSHALL");
        let repo = lab
            .process()
            .await
            .repo(lab.installation, lockstep::github::RepoRef { id: site.id(), full_name: site.full_name() });
        match repo.head("main").await {
            Err(GithubError::RetryAt { at, reason }) => ((at - Utc::now()).num_seconds(), reason),
            other => panic!("{other:?}"),
        }
    };
    site.head("main").await.unwrap();
    lab.sim.rate_limit_until(Utc::now() + TimeDelta::minutes(20));
    let (seconds, reason) = wait().await;
    assert!((1190..=1200).contains(&seconds) && reason == Throttle::Primary, "{seconds} {reason}");
    lab.sim.clear_faults();
    lab.sim.secondary_limit_for(Duration::from_secs(40));
    let (seconds, reason) = wait().await;
    assert!((35..=41).contains(&seconds) && reason == Throttle::RetryAfter, "{seconds} {reason}");
    lab.sim.clear_faults();
    lab.sim.silent_limit_for(Duration::from_secs(40));
    let (seconds, reason) = wait().await;
    assert!((55..=61).contains(&seconds) && reason == Throttle::Secondary, "{seconds} {reason}");
}

#[actix_web::test]
async fn nobody_asks_again_before_the_time() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    let (_, other) = lab.repo("acme/other", &[("a", "1")]);
    site.head("main").await.unwrap();
    other.head("main").await.unwrap();
    lab.sim.secondary_limit_for(Duration::from_secs(40));
    assert!(site.head("main").await.is_err());
    lab.sim.reset_requests();
    assert!(matches!(other.head("main").await, Err(GithubError::RetryAt { .. })));
    assert!(lab.sim.requests().is_empty(), "GitHub was left in peace");
}

#[actix_web::test]
async fn an_hourly_budget_is_not_used_to_its_last() {
    let lab = Lab::start().await;
    let (_, site) = lab.repo("acme/site", &[("a", "1")]);
    lab.sim.limits(|limits| limits.graphql = 100);
    let mut asked = 0;
    while site.head("main").await.is_ok() {
        asked += 1;
    }
    assert_eq!(asked, 99, "the last is for people");
    let person = site.clone().with_priority(lockstep::github::Priority::Person);
    assert!(person.head("main").await.is_ok());
    assert!(matches!(person.head("main").await, Err(GithubError::RetryAt { reason: Throttle::Primary, .. })));
    assert!(lab.sim.requests().iter().all(|request| request.status < 400), "GitHub never had to refuse");
}
