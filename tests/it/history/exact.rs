//! Random histories against the model: files, conflicts, pending changes, commits and history rows
//! after every drain.

use super::cases::check;
use super::model::Policy::{self, Ask, GithubWins, ProjectWins, PullRequest};
use super::play::{History, Play, history};

async fn play(case: super::cases::Case<'_>, history: &History) {
    let mut play = Play::start(&case, history).await;
    for step in &history.steps {
        play.step(step).await;
    }
    play.end().await;
}

fn with(cases: u64, policies: &'static [Policy]) {
    check(cases, &history(policies, 2..12), play);
}

#[test]
fn what_conflicts_waits_and_the_rest_goes_on() {
    with(40, &[Ask]);
}

#[test]
fn the_project_wins() {
    with(60, &[ProjectWins]);
}

#[test]
fn github_wins() {
    with(60, &[GithubWins]);
}

#[test]
fn policies_change_on_the_way() {
    with(60, &[Ask, ProjectWins, GithubWins]);
}

#[test]
fn conflicts_go_to_pull_requests() {
    with(50, &[PullRequest]);
}
