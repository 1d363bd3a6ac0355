//! One long history of one large project: edits on both sides, webhooks shuffled, and both sides end
//! the same. `LOCKSTEP_TEST_EDITS` and `LOCKSTEP_TEST_FILES` make it longer and larger.

use lockstep::config::{Config, Flags};
use lockstep::github::{AppCredentials, Budget, GitHub, GithubSettings, Limits};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};

use super::cases::{Case, number};
use super::files::{self, Content, Edit, File, Mode, Tree};
use super::model::Policy;
use super::play::{History, Play, Step};
use crate::story::Story;

const EDITS: u64 = 120;
const FILES: u64 = 1_000;
/// Edits between two drains.
const TOGETHER: usize = 8;
const VALUES: u8 = 3;

fn paths(count: u64) -> Vec<String> {
    (0..count).map(|n| format!("part-{}/folder-{}/file-{n}.txt", n % 7, n / 7 % 40)).collect()
}

/// A world whose GitHub lets as much through as there is: the series is about what is right.
async fn unlimited() -> Story {
    let mut story = Story::start().await;
    story.github.limits(|limits| {
        (limits.primary, limits.graphql, limits.enforce_primary) = (1_000_000, 1_000_000, false);
    });
    let config = Config::load(&Flags::none(), &story.world.env).unwrap();
    let limits = Limits { per_minute: 1_000_000, per_hour: 1_000_000, points: (1_000_000, 1_000_000) };
    let engine = &story.world.engine;
    let redis = engine.queue.connection_manager().unwrap();
    let budget = Budget::with_limits(redis, &format!("{}:series", config.redis.prefix), limits);
    let urls = &config.github;
    let settings = GithubSettings::new(&urls.api_url, &urls.graphql_url, &urls.web_url);
    let github = GitHub::new(settings, engine.vault.clone(), budget, engine.metrics.clone());
    let app = story.github.app();
    let credentials = AppCredentials::new(
        app.id.try_into().unwrap(),
        app.slug,
        app.client_id,
        app.client_secret.into(),
        &app.private_key,
        app.webhook_secret.unwrap_or_default().into(),
    );
    github.set_app(Some(credentials.unwrap()));
    story.world.engine.github = github;
    story
}

/// A change of either side with some of the edits.
fn step(edits: Vec<Edit>, by_host: bool) -> Step {
    if by_host { Step::Change(edits) } else { Step::Push(edits) }
}

#[tokio::test]
async fn a_long_series_of_edits_on_both_sides_of_a_large_project_ends_equal() {
    let (edits, count) =
        (number("LOCKSTEP_TEST_EDITS").unwrap_or(EDITS), number("LOCKSTEP_TEST_FILES").unwrap_or(FILES));
    let seed = number("LOCKSTEP_TEST_SEED").unwrap_or(1);
    let paths: &'static [String] = Vec::leak(paths(count));
    let names: &'static [&'static str] = Vec::leak(paths.iter().map(String::as_str).collect());
    // Half of all edits are of a few files, so that both sides meet.
    let few: &'static [&'static str] = &names[..names.len().min(40)];
    let edit = prop_oneof![files::edit(names, VALUES), files::edit(few, VALUES)];
    let steps = (prop::collection::vec(edit, 1..4), any::<bool>()).prop_map(|(edits, by_host)| step(edits, by_host));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Cases::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));

    let file =
        |at: usize| File { mode: Mode::Regular, content: Content::Cells([(at % 3) as u8, (at / 3 % 3) as u8, 0]) };
    let project: Tree = paths.iter().enumerate().map(|(at, path)| (path.clone(), file(at))).collect();
    let story = unlimited().await;
    let case = Case { story: &story, name: "series".to_owned() };
    let history = History { project, github: Tree::new(), steps: Vec::new() };
    let mut play = Play::start(&case, &history).await;
    play.every = 25;
    let policies = [Policy::Ask, Policy::ProjectWins, Policy::GithubWins];
    let mut done = 0;
    for round in 0_usize.. {
        let mut together = 0;
        while together < TOGETHER {
            let step = steps.new_tree(&mut runner).unwrap().current();
            let (Step::Change(edits) | Step::Push(edits)) = &step else { continue };
            together += edits.len();
            play.step(&step).await;
        }
        done += together as u64;
        play.step(&Step::Drain(round as u64 * 7_919 + seed)).await;
        if round % 20 == 19 {
            play.step(&Step::Resolve { pick: None, project: round % 40 == 19 }).await;
            play.step(&Step::Policy(policies[round / 20 % 3])).await;
        }
        if done >= edits {
            break;
        }
    }
    play.step(&Step::Resolve { pick: None, project: true }).await;
    play.end().await;
    assert!(play.model.conflicts().is_empty());
    assert_eq!(play.model.project, play.model.github, "both sides");
}
