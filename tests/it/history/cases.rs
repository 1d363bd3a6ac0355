//! Cases: how many, from which seed, and how one that fails is told.
//!
//! `LOCKSTEP_TEST_CASES=N` plays N cases of each property, `LOCKSTEP_TEST_SEED=S` begins with the
//! case of that seed. The same seed is the same case; without one, all runs play the same cases.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::runtime::Builder;

use crate::story::Story;

/// A case in the world of its property: the name of what belongs to it.
pub struct Case<'a> {
    pub story: &'a Story,
    pub name: String,
}

/// A number that whoever starts the tests gave.
pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Plays so many cases of a property, one after the other in one world.
pub fn check<S>(cases: u64, strategy: &S, play: impl AsyncFn(Case<'_>, &S::Value))
where
    S: Strategy<Value: Debug>,
{
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let story = runtime.block_on(Story::start());
    let first = number("LOCKSTEP_TEST_SEED").unwrap_or(1);
    let cases = number("LOCKSTEP_TEST_CASES").unwrap_or(cases);
    let names = std::cell::Cell::new(0_u64);
    for seed in first..first + cases {
        let mut runner = TestRunner::new_with_rng(config(), rng(seed));
        let outcome = runner.run(strategy, |value| {
            names.set(names.get() + 1);
            let name = format!("case-{}", names.get());
            runtime.block_on(async {
                forget_others(&story).await;
                play(Case { story: &story, name }, &value).await;
            });
            Ok(())
        });
        if let Err(failure) = outcome {
            panic!("{failure}\nAgain: LOCKSTEP_TEST_SEED={seed} LOCKSTEP_TEST_CASES=1");
        }
    }
    runtime.block_on(async {
        forget_others(&story).await;
        drop(story);
    });
}

fn config() -> Config {
    Config { cases: 1, max_shrink_iters: 500, max_shrink_time: 40_000, failure_persistence: None, ..Config::default() }
}

fn rng(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// What an earlier case left, had it failed in the middle.
async fn forget_others(story: &Story) {
    story.github.clear_faults();
    let projects = story.host().get("/v1/projects").await.expect(200);
    for project in projects["items"].as_array().unwrap() {
        let path = format!("/v1/projects/{}", project["project"].as_str().unwrap());
        story.host().delete(&path).await.expect(204);
    }
    story.drain().await;
}
