//! What the queue promises while everything works.

use super::*;
use lockstep::queue::{Ingested, Priority};

#[tokio::test]
async fn a_delivery_is_queued_once_and_comes_back_as_it_was() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    let long = Delivery { body: vec![b'x'; 50_000].into(), ..delivery("one") };
    assert_eq!(queue.ingest(&long).await.unwrap(), Ingested::Queued);
    assert_eq!(queue.ingest(&long).await.unwrap(), Ingested::Duplicate);
    assert_eq!(queue.queued(&["one".into(), "two".into()]).await.unwrap(), [true, false]);
    assert_eq!(queue.stats().await.unwrap().depth, 1);

    assert_eq!(queue.run_once(&*scribe, now()).await.unwrap(), 1);
    assert_eq!(scribe.seen(), [Job::Delivery(long.clone())]);
    assert_eq!(queue.left().await.unwrap(), (0, 0));
    assert_eq!(queue.queued(&["one".into()]).await.unwrap(), [false]);
    assert_eq!(queue.ingest(&long).await.unwrap(), Ingested::Queued, "its outcome is the ledger's matter");
}

#[tokio::test]
async fn of_many_copies_at_once_one_is_queued() {
    let redis = Redis::start();
    let queue = queue_on(&redis);
    let copies = (0..40).map(|_| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.ingest(&delivery("same")).await.unwrap() })
    });
    let answers = futures_util::future::join_all(copies).await;
    let queued = answers.into_iter().filter(|answer| *answer.as_ref().unwrap() == Ingested::Queued).count();
    assert_eq!((queued, queue.stats().await.unwrap().depth), (1, 1));
}

#[tokio::test]
async fn wake_ups_coalesce_until_somebody_takes_them() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    for _ in 0..5 {
        queue.wake_now(&project(1)).await.unwrap();
    }
    queue.schedule_all(&[(project(1), later(-1)), (project(2), later(-1))]).await.unwrap();
    assert_eq!(queue.stats().await.unwrap().depth, 2);
    assert_eq!(queue.run_once(&*scribe, now()).await.unwrap(), 2);
    queue.wake_now(&project(1)).await.unwrap();
    assert_eq!(queue.run_once(&*scribe, now()).await.unwrap(), 1);
    assert_eq!(scribe.seen(), [1, 2, 1].map(|pid| Job::Wake(project(pid))));
}

#[tokio::test]
async fn the_earliest_time_wins() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    queue.schedule(&project(1), later(100)).await.unwrap();
    queue.schedule(&project(1), later(50)).await.unwrap();
    queue.schedule(&project(1), later(200)).await.unwrap();
    assert_eq!(queue.run_once(&*scribe, later(49)).await.unwrap(), 0);
    assert_eq!(queue.left().await.unwrap(), (0, 1));
    assert_eq!(queue.run_once(&*scribe, later(51)).await.unwrap(), 1);
    assert_eq!(queue.left().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn more_than_one_script_moves_are_moved() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    let many: Vec<_> = (0..1201).map(|pid| (project(pid), later(60))).collect();
    queue.schedule_all(&many).await.unwrap();
    queue.wake_all((0..1201).map(|id| Wake::Notification { id }), Priority::Background).await.unwrap();
    assert_eq!(queue.run_once(&*scribe, later(61)).await.unwrap(), 2402);
}

#[tokio::test]
async fn people_go_first() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    queue.wake_all((0..50).map(project), Priority::Background).await.unwrap();
    queue.wake_first(&project(49)).await.unwrap();
    let worker = start(&queue, &scribe, 1);
    scribe.until_seen(51).await;
    worker.stop().await;
    assert_eq!(scribe.seen()[0], Job::Wake(project(49)));
}

#[tokio::test]
async fn a_worker_takes_what_comes_and_what_becomes_due() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::new());
    queue.ingest(&delivery("before")).await.unwrap();
    let worker = start(&queue, &scribe, 4);
    scribe.until_seen(1).await;
    queue.schedule(&project(3), Utc::now() + TimeDelta::milliseconds(80)).await.unwrap();
    queue.ingest(&delivery("after")).await.unwrap();
    queue.wake_now(&project(4)).await.unwrap();
    scribe.until_seen(4).await;
    until_empty(&queue).await;
    worker.stop().await;
    assert!(scribe.seen().contains(&Job::Wake(project(3))));
    assert_eq!(redis.ask::<Vec<::redis::Value>>("XINFO CONSUMERS test:{q}:first workers").len(), 0);
}

#[tokio::test]
async fn no_more_jobs_at_once_than_workers() {
    let redis = Redis::start();
    let (queue, scribe) = (queue_on(&redis), Scribe::answering(|_, _| Answer::Hang));
    queue.wake_all((0..20).map(project), Priority::Background).await.unwrap();
    let worker = start(&queue, &scribe, 3);
    scribe.until_seen(3).await;
    queue.ingest(&delivery("webhooks have room of their own")).await.unwrap();
    scribe.until_seen(4).await;
    assert_eq!(scribe.seen().iter().filter(|job| matches!(job, Job::Wake(_))).count(), 3);
    let pending: (u64, ::redis::Value, ::redis::Value, ::redis::Value) = redis.ask("XPENDING test:{q}:second workers");
    assert_eq!(pending.0, 3, "what there is no room for is left to other processes");
    worker.kill().await;
}

#[tokio::test]
async fn two_workers_share_without_doubling() {
    let redis = Redis::start();
    let (one, other, scribe) = (queue_on(&redis), queue_on(&redis), Scribe::new());
    let workers = [start(&one, &scribe, 4), start(&other, &scribe, 4)];
    one.wake_all((0..300).map(project), Priority::Background).await.unwrap();
    scribe.until_seen(300).await;
    until_empty(&one).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(scribe.seen().len(), 300);
}
