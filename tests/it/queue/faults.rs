//! What the queue survives: dead workers, poison, and a Redis that is emptied, gone, or full.

use super::*;
use lockstep::queue::Ingested;

#[tokio::test]
async fn what_a_dead_worker_left_is_claimed() {
    let redis = Redis::start();
    let (queue, hanging) = (queue_on(&redis), Scribe::answering(|_, _| Answer::Hang));
    queue.ingest(&delivery("left")).await.unwrap();
    queue.wake_now(&project(1)).await.unwrap();
    let dying = start(&queue, &hanging, 1);
    hanging.until_seen(2).await;
    dying.kill().await;

    let (second, scribe) = (queue_on(&redis), Scribe::new());
    let worker = start(&second, &scribe, 1);
    scribe.until_seen(2).await;
    until_empty(&second).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_was_left_is_found_behind_much_that_goes_on() {
    let redis = Redis::start();
    let (busy, hanging) = (queue_on(&redis), Scribe::answering(|_, _| Answer::Hang));
    busy.wake_all((0..60).map(project), lockstep::queue::Priority::Background).await.unwrap();
    let living = start(&busy, &hanging, 60);
    hanging.until_seen(60).await;
    let (dying, other) = (queue_on(&redis), Scribe::answering(|_, _| Answer::Hang));
    let dead = start(&dying, &other, 1);
    dying.ingest(&delivery("unused")).await.unwrap();
    // The busy one has no room left, so this is the dying one's.
    busy.wake_now(&project(99)).await.unwrap();
    other.until(|scribe| scribe.seen().contains(&Job::Wake(project(99)))).await;
    dead.kill().await;

    let (next, scribe) = (queue_on(&redis), Scribe::new());
    let worker = start(&next, &scribe, 1);
    scribe.until(|scribe| scribe.seen().contains(&Job::Wake(project(99)))).await;
    worker.stop().await;
    living.kill().await;
}

#[tokio::test]
async fn long_work_is_not_claimed_from_the_living() {
    let redis = Redis::start();
    let (queue, hanging) = (queue_on(&redis), Scribe::answering(|_, _| Answer::Hang));
    queue.wake_now(&project(1)).await.unwrap();
    let busy = start(&queue, &hanging, 2);
    hanging.until_seen(1).await;

    let (other, scribe) = (queue_on(&redis), Scribe::new());
    let worker = start(&other, &scribe, 2);
    // Far more time than the idle time passes while the other worker is asked to do other things.
    for pid in 2..6 {
        other.schedule(&project(pid), Utc::now() + TimeDelta::milliseconds(300)).await.unwrap();
        let seen = |job: &Job| *job == Job::Wake(project(pid));
        tokio::select! {
            () = scribe.until(|scribe| scribe.seen().iter().any(seen)) => {}
            () = hanging.until(|scribe| scribe.seen().iter().any(seen)) => {}
        }
    }
    assert!(!scribe.seen().contains(&Job::Wake(project(1))));
    assert_eq!(hanging.seen().iter().filter(|job| **job == Job::Wake(project(1))).count(), 1);
    worker.kill().await;
    busy.kill().await;
}

#[tokio::test]
async fn unfinished_work_is_handed_back_at_once() {
    let redis = Redis::start();
    let hanging = Scribe::answering(|_, _| Answer::Hang);
    let settings = QueueSettings::new(redis.url(), "test");
    let queue = Queue::new(settings.clone()).unwrap();
    queue.ingest(&delivery("handed back")).await.unwrap();
    let stopping = start_with_grace(&queue, &hanging, 1, Duration::ZERO);
    hanging.until_seen(1).await;
    stopping.stop().await;

    // With a claim's idle time of a minute, only what was handed back comes within the test's time.
    let (next, scribe) = (Queue::new(settings).unwrap(), Scribe::new());
    let worker = start(&next, &scribe, 1);
    scribe.until_seen(1).await;
    until_empty(&next).await;
    worker.stop().await;
}

#[tokio::test]
async fn poison_is_given_up_and_delays_nobody() {
    let redis = Redis::start();
    let queue = queue_with(&redis, 3);
    let scribe = Scribe::answering(|job, _| match job {
        Job::Delivery(delivery) if delivery.id == "poison" => Answer::Panic,
        _ => Answer::Say(Outcome::Done),
    });
    queue.ingest(&delivery("poison")).await.unwrap();
    queue.ingest(&delivery("healthy")).await.unwrap();
    let worker = start(&queue, &scribe, 1);
    scribe.until(|scribe| !scribe.given_up().is_empty()).await;
    until_empty(&queue).await;
    worker.stop().await;
    assert_eq!(scribe.given_up(), [(Job::Delivery(delivery("poison")), 3)]);
    assert_eq!(scribe.seen().len(), 4);
}

#[tokio::test]
async fn what_waits_for_the_database_is_not_given_up() {
    let redis = Redis::start();
    let queue = queue_with(&redis, 2);
    let scribe = Scribe::answering(|_, before| Answer::Say(if before < 6 { Outcome::Later } else { Outcome::Done }));
    queue.ingest(&delivery("patient")).await.unwrap();
    let worker = start(&queue, &scribe, 1);
    scribe.until_seen(7).await;
    until_empty(&queue).await;
    worker.stop().await;
    assert_eq!(scribe.given_up(), []);
}

#[tokio::test]
async fn an_emptied_redis_is_worked_with_at_once() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    let worker = start(&queue, &scribe, 2);
    for round in 0..3 {
        queue.wake_now(&project(round)).await.unwrap();
        queue.ingest(&delivery(&format!("round {round}"))).await.unwrap();
        scribe.until_seen(2 * round as usize + 2).await;
        redis.ask::<()>("FLUSHALL");
    }
    // Emptied between the append and the read: lost here, found by the sweep; the next one arrives.
    queue.wake_now(&project(9)).await.unwrap();
    scribe.until(|scribe| scribe.seen().contains(&Job::Wake(project(9)))).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_mark_without_its_entry_holds_nothing_up() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    queue.wake_now(&project(1)).await.unwrap();
    queue.ingest(&delivery("lost")).await.unwrap();
    redis.ask::<u64>("DEL test:{q}:second test:{q}:deliveries");
    queue.wake_now(&project(1)).await.unwrap();
    assert_eq!(queue.ingest(&delivery("lost")).await.unwrap(), Ingested::Queued);
    assert_eq!(queue.run_once(&*scribe, now()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_wake_up_whose_taker_died_before_saying_so_is_appended_again() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    queue.wake_now(&project(1)).await.unwrap();
    redis.ask::<::redis::Value>("XREADGROUP GROUP workers dead COUNT 1 STREAMS test:{q}:second >");
    queue.wake_now(&project(1)).await.unwrap();
    queue.wake_now(&project(1)).await.unwrap();
    assert_eq!(queue.stats().await.unwrap().depth, 2, "the taken one, and one for whoever lives");
    assert_eq!(queue.run_once(&*scribe, now()).await.unwrap(), 1);
    assert_eq!(scribe.seen(), [Job::Wake(project(1))]);
}

#[tokio::test]
async fn a_restarted_redis_loses_nothing_and_needs_no_restart_here() {
    let mut redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    let worker = start(&queue, &scribe, 2);
    queue.wake_now(&project(1)).await.unwrap();
    scribe.until_seen(1).await;

    redis.kill();
    assert!(queue.wake_now(&project(2)).await.is_err());
    assert!(queue.ingest(&delivery("refused")).await.is_err());
    assert!(queue.ping().await.is_err());
    redis.restart();
    until_answers(&queue).await;
    queue.schedule(&project(3), later(0)).await.unwrap();
    queue.ingest(&delivery("accepted")).await.unwrap();
    scribe.until(|scribe| scribe.seen().contains(&Job::Delivery(delivery("accepted")))).await;
    scribe.until(|scribe| scribe.seen().contains(&Job::Wake(project(3)))).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_dead_connection_is_replaced_without_anybody_noticing() {
    let redis = Redis::start();
    let queue = queue_on(&redis);
    queue.ping().await.unwrap();
    redis.ask::<u64>("CLIENT KILL TYPE normal SKIPME yes");
    assert_eq!(queue.ingest(&delivery("one")).await.unwrap(), Ingested::Queued);
}

#[tokio::test]
async fn a_full_redis_refuses_deliveries_and_is_emptied_by_working() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    queue.run_once(&*scribe, now()).await.unwrap();
    queue.ingest(&delivery("before")).await.unwrap();
    queue.schedule(&project(1), later(30)).await.unwrap();
    redis.ask::<()>("CONFIG SET maxmemory 1");
    assert!(queue.ingest(&delivery("refused")).await.is_err());
    assert!(queue.wake_now(&project(2)).await.is_err());

    let worker = start(&queue, &scribe, 1);
    scribe.until_seen(1).await;
    until_empty(&queue).await;
    redis.ask::<()>("CONFIG SET maxmemory 0");
    queue.ingest(&delivery("after")).await.unwrap();
    scribe.until_seen(2).await;
    worker.stop().await;
    assert_eq!(queue.run_once(&*scribe, later(31)).await.unwrap(), 1, "what was due is still due");
}

#[tokio::test]
async fn a_redis_that_was_full_before_anybody_read_is_emptied_by_working() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    queue.ingest(&delivery("before")).await.unwrap();
    queue.wake_now(&project(1)).await.unwrap();
    redis.ask::<()>("CONFIG SET maxmemory 1");
    let worker = start(&queue, &scribe, 1);
    scribe.until_seen(2).await;
    until_empty(&queue).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_was_due_in_a_full_redis_comes_when_there_is_room() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    queue.schedule(&project(1), Utc::now() + TimeDelta::milliseconds(50)).await.unwrap();
    redis.ask::<()>("CONFIG SET maxmemory 1");
    let worker = start(&queue, &scribe, 1);
    assert!(queue.wake_now(&project(2)).await.is_err());
    redis.ask::<()>("CONFIG SET maxmemory 0");
    scribe.until(|scribe| scribe.seen().contains(&Job::Wake(project(1)))).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_demoted_server_is_left_for_the_new_primary() {
    let redis = Redis::start();
    let queue = queue_on(&redis);
    queue.ping().await.unwrap();
    redis.ask::<()>("REPLICAOF 127.0.0.1 1");
    assert!(queue.ingest(&delivery("one")).await.is_err());
    redis.ask::<()>("REPLICAOF NO ONE");
    assert_eq!(queue.ingest(&delivery("one")).await.unwrap(), Ingested::Queued);
}

#[tokio::test]
async fn entries_of_a_later_version_are_left_to_others() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_with(&redis, 1), Scribe::new());
    redis.ask::<String>("XADD test:{q}:deliveries * v 99 d future");
    redis.ask::<String>("XADD test:{q}:deliveries * garbage yes");
    queue.ingest(&delivery("present")).await.unwrap();
    let worker = start(&queue, &scribe, 1);
    scribe.until_seen(1).await;
    let left = async { while queue.stats().await.unwrap().depth > 1 {} };
    tokio::time::timeout(SOON, left).await.unwrap();
    worker.stop().await;
    assert_eq!(scribe.given_up(), []);
}

async fn until_answers(queue: &Queue) {
    let answers = async {
        while queue.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, answers).await.expect("the queue did not reconnect");
}
