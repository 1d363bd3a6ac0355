//! Fifty projects that sync while it storms: workers killed at random moments, Redis emptied, answers
//! of GitHub's lost, leases taken away. The random numbers are a seed's; the moments are the n-th
//! message to somebody, so that the same seed storms alike on any machine.

use std::collections::BTreeSet;
use std::time::Duration;

use github_sim::Repo;
use serde_json::{Value, json};

use super::batch::ours;
use super::{Peer, Workers};
use crate::queue::Redis;
use crate::story::{Project, Story, put};
use crate::world::process::Program;
use crate::world::tap::{Stop, Stopping};

const PROJECTS: usize = 50;
/// Each has its own installation, and limits of its own.
const OWNERS: usize = 13;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Workers are killed.
    Kills,
    /// Workers are killed, and Redis is emptied.
    Floods,
    /// GitHub answers 502 after it did what was asked, or before.
    Gateway,
    /// Leases are taken from workers that stand still, which then go on.
    Theft,
}

/// Sebastiano Vigna's splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `most`, without it.
    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }

    fn moment(&mut self) -> (Peer, Stop) {
        match self.below(3) {
            0 => (Peer::PostgreSql, Stop::Count(1 + self.below(2000))),
            1 => (Peer::Redis, Stop::Count(1 + self.below(150))),
            _ => (Peer::GitHub, Stop::Count(1 + self.below(60))),
        }
    }
}

struct Fleet<'a> {
    story: &'a Story,
    places: Vec<(Project<'a>, Repo)>,
}

impl<'a> Fleet<'a> {
    async fn launch(story: &'a Story) -> Fleet<'a> {
        let mut places = Vec::new();
        for number in 0..PROJECTS {
            let owner = format!("org-{}", number % OWNERS);
            if number < OWNERS {
                story.github.org(&owner, &[("ada", "admin")]);
                story.github.install(&owner);
            }
            let repo = story.repo(&format!("{owner}/site-{number}")).with(&[("a.txt", "0\n")]);
            let site = story.project(&format!("site-{number}")).await;
            site.connect(&repo).await;
            places.push((site, repo));
        }
        story.drain().await;
        Fleet { story, places }
    }

    /// Everybody edits; some repositories get a commit of somebody else's too.
    async fn edit(&self, random: &mut Random, text: &str) {
        for (site, repo) in &self.places {
            let other = format!("{}.txt", random.below(5));
            accepted(site, text, &[put("a.txt", text), put(&other, text)]).await;
            if random.below(5) == 0 {
                repo.push("main", &[("theirs.txt", text)]);
            }
        }
    }

    async fn is_at_rest(&self) -> bool {
        let due = "SELECT count(*) FROM integrations WHERE due_at IS NOT NULL OR lease_token IS NOT NULL";
        self.story.sql().await.query_one(due, &[]).await.unwrap().get::<_, i64>(0) == 0
    }

    /// The sky clears: whoever comes next finishes everything.
    async fn calm(&self) {
        self.story.github.clear_faults();
        for _ in 0..8 {
            self.story.world.others_take_over().await;
            self.story.pass(Duration::from_secs(120)).await;
            self.story.drain().await;
            if self.is_at_rest().await {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Nothing lost, nothing twice, nothing left.
    async fn check(&self, name: &str, last: &str) {
        let sql = self.story.sql().await;
        let unfinished = "SELECT count(*) FROM syncs WHERE finished_at IS NULL";
        assert_eq!(sql.query_one(unfinished, &[]).await.unwrap().get::<_, i64>(0), 0, "{name}");
        assert_eq!(self.story.engine.queue.left().await.unwrap().0, 0, "{name}: entries are left");
        for (site, repo) in &self.places {
            let name = format!("{name} {}", site.id);
            assert_eq!(repo.text("main", "a.txt").as_deref(), Some(last), "{name}");
            site.agrees_with(repo, "main").await;
            let (commits, rows) = (ours(repo), self.rows(site).await);
            for commit in &commits {
                let naming: Vec<&Value> = rows.iter().filter(|row| row["commit_sha"] == commit.as_str()).collect();
                assert_eq!(naming.len(), 1, "{name} {commit}: {naming:?}");
                assert_eq!(naming[0]["status"], "succeeded", "{name}: {naming:?}");
            }
            let texts: BTreeSet<_> = commits.iter().map(|commit| repo.text(commit, "a.txt")).collect();
            assert_eq!(texts.len(), commits.len(), "{name}: a version was committed twice");
        }
    }

    async fn rows(&self, site: &Project<'_>) -> Vec<Value> {
        site.get("/syncs?limit=100").await["items"].as_array().unwrap().clone()
    }
}

/// Sent until it is accepted, as a host does that is told to try again: all this takes a machine's breath.
async fn accepted(site: &Project<'_>, event: &str, changes: &[Value]) {
    let body = json!({ "event_id": event.trim(), "changes": changes });
    loop {
        let answer = site.post("/changes", body.clone()).await;
        match answer.status {
            200 | 202 => return,
            status => assert_eq!(status, 503, "{}", answer.text()),
        }
    }
}

/// Two worker processes, and what is about to happen to them.
struct Crew {
    hands: Vec<(Workers, Program)>,
}

impl Crew {
    async fn sign_on(story: &Story) -> Crew {
        let mut hands = Vec::new();
        for _ in 0..2 {
            let workers = Workers::of(story).await.set("SWEEP_SECONDS", "1");
            let process = workers.start();
            hands.push((workers, process));
        }
        Crew { hands }
    }

    fn kill(&mut self, which: usize) {
        let (workers, process) = &mut self.hands[which];
        workers.kill(process);
    }
}

/// The moment, or that all was done before it came.
async fn until(fleet: &Fleet<'_>, stopping: &Stopping) -> bool {
    let wait = async {
        loop {
            if stopping.is_reached() {
                return true;
            }
            if fleet.is_at_rest().await {
                return false;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("neither the moment nor the end came")
}

async fn storm(weather: Weather, seeds: std::ops::Range<u64>) {
    let redis = Redis::start();
    let mut story = Story::with(|plan| plan.set("REDIS_URL", redis.url())).await;
    let fleet = Fleet::launch(&story).await;
    for seed in seeds {
        let mut random = Random(seed);
        let name = format!("{weather:?}, seed {seed}");
        let mut crew = Crew::sign_on(&story).await;
        let mut text = String::new();
        for round in 0..3 {
            story.renew_limits().await;
            if weather == Weather::Gateway {
                story.github.fail_after_apply("POST /graphql createCommitOnBranch", 12, 502);
                story.github.fail_next("POST /graphql", 3, 502);
            }
            let (which, (peer, moment)) = (random.below(2), random.moment());
            let stopping = crew.hands[which].0.stop_at(peer, moment);
            text = format!("{name}, round {round}\n");
            fleet.edit(&mut random, &text).await;
            let came = until(&fleet, &stopping).await;
            match weather {
                Weather::Theft if came => {
                    steal(&story).await;
                    stopping.release();
                }
                Weather::Gateway => stopping.release(),
                Weather::Floods => {
                    redis.ask::<()>("FLUSHALL");
                    crew.kill(which);
                    crew.hands[which].1 = crew.hands[which].0.start();
                }
                _ => {
                    crew.kill(which);
                    crew.hands[which].1 = crew.hands[which].0.start();
                }
            }
        }
        (0..2).for_each(|which| crew.kill(which));
        fleet.calm().await;
        fleet.check(&name, &text).await;
    }
    drop(fleet);
    // Wake-ups for later than the story goes on.
    story.world.allow_leftovers();
}

/// All leases are somebody else's, who is gone.
async fn steal(story: &Story) {
    let stolen = "UPDATE integrations SET lease_token = gen_random_uuid(), lease_until = now() - interval '1 second'
                  WHERE lease_token IS NOT NULL";
    story.sql().await.execute(stolen, &[]).await.unwrap();
    story.engine.sweep().await.unwrap();
}

/// Seeds of one storm: a few, or as many as were asked for.
fn seeds(first: u64) -> std::ops::Range<u64> {
    let many = std::env::var("LOCKSTEP_TEST_STORMS").ok().and_then(|many| many.parse().ok());
    first..first + many.unwrap_or(2)
}

#[actix_web::test]
async fn workers_killed_at_random_moments() {
    storm(Weather::Kills, seeds(100)).await;
}

#[actix_web::test]
async fn redis_emptied_at_random_moments() {
    storm(Weather::Floods, seeds(200)).await;
}

#[actix_web::test]
async fn commits_answered_with_502() {
    storm(Weather::Gateway, seeds(300)).await;
}

#[actix_web::test]
async fn leases_taken_from_the_living() {
    storm(Weather::Theft, seeds(400)).await;
}
