//! The shared budget: two processes, one Redis that may be emptied or gone. Time is moved by making
//! what Redis remembers older.

use chrono::{DateTime, TimeDelta, Utc};
use lockstep::github::{Admission, Ask, Budget, GithubError, Primary, Priority, Seen, Throttle};

use crate::queue::Redis;

const LOG: &str = "test:github:7:content";

async fn budget(redis: &Redis) -> Budget {
    let client = ::redis::Client::open(redis.url()).unwrap();
    Budget::new(client.get_connection_manager().await.unwrap(), "test")
}

fn write(party: &str, priority: Priority) -> Ask<'_> {
    Ask { installation: 7, party, priority, graphql: false, content: true }
}

fn person(party: &str) -> Ask<'_> {
    write(party, Priority::Person)
}

fn background(party: &str) -> Ask<'_> {
    write(party, Priority::Background)
}

fn done() -> Seen {
    Seen { sent: true, ..Seen::default() }
}

async fn spend(budget: &Budget, ask: Ask<'_>) -> Result<(), GithubError> {
    let admission = budget.admit(ask).await?;
    budget.settle(admission, done()).await;
    Ok(())
}

/// How many go through before one is refused, and the refusal.
async fn spend_all(budget: &Budget, ask: Ask<'_>) -> (usize, DateTime<Utc>, Throttle) {
    for count in 0..1000 {
        match spend(budget, ask.clone()).await {
            Ok(()) => {}
            Err(GithubError::RetryAt { at, reason }) => return (count, at, reason),
            Err(other) => panic!("{other}"),
        }
    }
    panic!("no limit at all");
}

/// Everything in the log happened this much earlier.
fn age(redis: &Redis, seconds: i64) {
    let members: Vec<String> = redis.ask(&format!("ZRANGE {LOG} 0 -1"));
    for member in members {
        redis.ask::<f64>(&format!("ZINCRBY {LOG} -{} {member}", seconds * 1000));
    }
    redis.ask::<i64>("DEL test:github:7:points");
}

#[actix_web::test]
async fn eighty_in_a_minute_and_five_hundred_in_an_hour() {
    let redis = Redis::start();
    let budget = budget(&redis).await;
    let (count, at, reason) = spend_all(&budget, person("1")).await;
    assert_eq!((count, reason), (80, Throttle::Content));
    assert!(at > Utc::now() + TimeDelta::seconds(55) && at < Utc::now() + TimeDelta::seconds(62), "{at}");
    let mut total = count;
    for _ in 0..7 {
        age(&redis, 61);
        total += spend_all(&budget, person("1")).await.0;
    }
    assert_eq!(total, 500);
    age(&redis, 3601);
    assert_eq!(spend_all(&budget, person("1")).await.0, 80);
}

#[actix_web::test]
async fn two_processes_share_one_budget() {
    let redis = Redis::start();
    let (one, other) = (budget(&redis).await, budget(&redis).await);
    for _ in 0..40 {
        spend(&one, person("1")).await.unwrap();
        spend(&other, person("1")).await.unwrap();
    }
    assert!(matches!(spend(&one, person("1")).await, Err(GithubError::RetryAt { .. })));
    assert!(matches!(spend(&other, person("1")).await, Err(GithubError::RetryAt { .. })));
}

#[actix_web::test]
async fn a_request_in_flight_counts_until_a_minute_after_its_answer() {
    let redis = Redis::start();
    let budget = budget(&redis).await;
    let held: Admission = budget.admit(person("1")).await.unwrap();
    for _ in 0..79 {
        spend(&budget, person("1")).await.unwrap();
    }
    age(&redis, 61);
    // The one in flight may reach GitHub only now.
    assert_eq!(spend_all(&budget, person("1")).await.0, 79);
    budget.settle(held, Seen::default()).await;
    assert_eq!(spend_all(&budget, person("1")).await.0, 1, "it was never sent, so it gave its place back");
}

#[actix_web::test]
async fn who_waits_gets_a_share_and_a_person_the_rest() {
    let redis = Redis::start();
    let budget = budget(&redis).await;
    assert_eq!(spend_all(&budget, background("greedy")).await.0, 72, "the last tenth is for people");
    assert!(spend(&budget, background("small")).await.is_err(), "now it waits");
    assert_eq!(spend_all(&budget, person("small")).await.0, 8);
    age(&redis, 61);
    let (count, at, reason) = spend_all(&budget, background("greedy")).await;
    assert_eq!((count, reason), (36, Throttle::Share), "half, because another waits");
    assert!(at < Utc::now() + TimeDelta::seconds(22), "asked again when the other may have gone: {at}");
    assert!(spend(&budget, background("small")).await.is_ok());
}

#[actix_web::test]
async fn an_emptied_redis_is_told_again() {
    let redis = Redis::start();
    let budget = budget(&redis).await;
    for _ in 0..60 {
        spend(&budget, person("1")).await.unwrap();
    }
    redis.ask::<()>("FLUSHALL");
    assert_eq!(spend_all(&budget, person("1")).await.0, 20);
}

#[actix_web::test]
async fn without_redis_a_process_is_careful_alone() {
    let mut redis = Redis::start();
    let budget = budget(&redis).await;
    spend(&budget, person("1")).await.unwrap();
    redis.kill();
    let (count, _, reason) = spend_all(&budget, person("1")).await;
    assert_eq!((count, reason), (19, Throttle::Content), "a quarter of GitHub's limit, what went before included");
    let read = Ask { content: false, ..person("1") };
    assert!(budget.admit(read).await.is_ok(), "reading goes on");
}

#[actix_web::test]
async fn what_github_said_holds_for_all_processes() {
    let redis = Redis::start();
    let (one, other) = (budget(&redis).await, budget(&redis).await);
    let until = Utc::now() + TimeDelta::seconds(30);
    let admission = one.admit(person("1")).await.unwrap();
    one.settle(admission, Seen { wait: Some((until, Throttle::RetryAfter)), ..done() }).await;
    let refused = other.admit(Ask { content: false, ..person("2") }).await.unwrap_err();
    let GithubError::RetryAt { at, reason: Throttle::RetryAfter } = refused else { panic!("{refused}") };
    assert!((at - until).abs() < TimeDelta::seconds(1), "{at}");
}

#[actix_web::test]
async fn a_secondary_limit_hit_again_waits_longer() {
    let redis = Redis::start();
    let budget = budget(&redis).await;
    let hit = async || {
        let admission = budget.admit(Ask { content: false, ..person("1") }).await.unwrap();
        let wait = Some((Utc::now() + TimeDelta::seconds(60), Throttle::Secondary));
        budget.settle(admission, Seen { wait, ..done() }).await.unwrap()
    };
    assert!(hit().await < Utc::now() + TimeDelta::seconds(61));
    redis.ask::<i64>("HDEL test:github:7:state blocked");
    let other = self::budget(&redis).await;
    let admission = other.admit(Ask { content: false, ..person("1") }).await.unwrap();
    let wait = Some((Utc::now() + TimeDelta::seconds(60), Throttle::Secondary));
    let until = other.settle(admission, Seen { wait, ..done() }).await.unwrap();
    assert!(until > Utc::now() + TimeDelta::seconds(110), "{until}");
}

#[actix_web::test]
async fn what_others_cannot_use_up_in_the_hour_is_there_for_all() {
    let redis = Redis::start();
    let budget = budget(&redis).await;
    let read = |party: &'static str, priority| Ask { content: false, ..write(party, priority) };
    let see = async |party: &'static str, remaining: i64, reset: DateTime<Utc>| {
        let admission = budget.admit(read(party, Priority::Person)).await.unwrap();
        let primary = Some(Primary { remaining, limit: 20, reset });
        budget.settle(admission, Seen { primary, ..done() }).await;
    };
    let greedy = async || budget.admit(read("greedy", Priority::Background)).await.is_ok();
    let reset = Utc::now() + TimeDelta::minutes(30);
    see("small", 19, reset).await;
    for used in 1..=10 {
        see("greedy", 19 - used, reset).await;
    }
    assert!(greedy().await, "nine are left, and small can use five of them in half an hour");
    see("greedy", 6, reset).await;
    assert!(!greedy().await, "those are small's");
    // The same with three minutes to go.
    redis.ask::<i64>(&format!(
        "HSET test:github:7:state core:reset {}",
        (Utc::now() + TimeDelta::minutes(3)).timestamp_millis()
    ));
    assert!(greedy().await, "six are left, and small can use one");
}

#[actix_web::test]
async fn the_hourly_budget_is_kept_and_shared() {
    let redis = Redis::start();
    let budget = budget(&redis).await;
    let reset = Utc::now() + TimeDelta::minutes(30);
    let read = |party: &'static str, priority| Ask { content: false, ..write(party, priority) };
    let see = async |party: &'static str, remaining: i64| {
        let admission = budget.admit(read(party, Priority::Person)).await.unwrap();
        let primary = Some(Primary { remaining, limit: 6, reset });
        budget.settle(admission, Seen { primary, ..done() }).await;
    };
    see("small", 5).await;
    see("greedy", 4).await;
    see("greedy", 3).await;
    see("greedy", 2).await;
    let refused = budget.admit(read("greedy", Priority::Background)).await.unwrap_err();
    assert!(matches!(refused, GithubError::RetryAt { reason: Throttle::Share, .. }), "{refused}");
    let GithubError::RetryAt { at, .. } = refused else { unreachable!("it is one") };
    assert!(at < Utc::now() + TimeDelta::seconds(61), "looked at again: the hour goes on");
    assert!(budget.admit(read("small", Priority::Background)).await.is_ok());
    see("greedy", 0).await;
    let refused = budget.admit(read("small", Priority::Person)).await.unwrap_err();
    assert!(matches!(refused, GithubError::RetryAt { reason: Throttle::Primary, at } if at <= reset), "{refused}");
}
