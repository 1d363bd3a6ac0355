//! Faults. A filter is a part of `METHOD route operations path`, as in
//! `"POST /graphql createCommitOnBranch"` or `"git/trees"`; the empty one fits everything.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Control;
use super::repos::Repo;
use crate::change::Change;
use crate::faults::{ALWAYS, Fault, Lie};
use crate::http::limits::{Pause, PauseStyle};

impl Control {
    fn order(&self, filter: &str, fault: Fault, count: u32) {
        self.core.faults().order(filter, fault, count);
    }

    /// The next `count` matching requests are answered this status, and nothing is done.
    pub fn fail_next(&self, filter: &str, count: u32, status: u16) {
        self.order(filter, Fault::Status(status), count);
    }

    /// The next matching request is answered this status with a page of HTML.
    pub fn html_error_next(&self, filter: &str, status: u16) {
        self.order(filter, Fault::Html(status), 1);
    }

    /// The next matching request is carried out, and its connection closed without an answer.
    pub fn drop_response_after_apply(&self, filter: &str) {
        self.order(filter, Fault::DropAfter, 1);
    }

    /// The next `count` matching requests are carried out, and answered this status all the same.
    pub fn fail_after_apply(&self, filter: &str, count: u32, status: u16) {
        self.order(filter, Fault::StatusAfter(status), count);
    }

    /// The next matching request's connection is closed before anything is done.
    pub fn drop_before_apply(&self, filter: &str) {
        self.order(filter, Fault::DropBefore, 1);
    }

    /// All matching requests wait this long, until [`Control::clear_faults`].
    pub fn delay(&self, filter: &str, time: Duration) {
        self.order(filter, Fault::Delay(time), ALWAYS);
    }

    /// The next `count` matching requests wait this long.
    pub fn delay_next(&self, filter: &str, count: u32, time: Duration) {
        self.order(filter, Fault::Delay(time), count);
    }

    /// Just before the next matching request somebody else pushes to the branch.
    pub fn push_between<C: Into<Change> + Clone>(&self, filter: &str, repo: &Repo, branch: &str, changes: &[C]) {
        let fault = Fault::Push {
            repository: repo.id(),
            branch: branch.to_owned(),
            changes: changes.iter().cloned().map(Into::into).collect(),
        };
        self.order(filter, fault, 1);
    }

    /// The next matching request is answered 200, and the answer is not true.
    pub fn lie_next(&self, filter: &str, lie: Lie) {
        self.order(filter, Fault::Lie(lie), 1);
    }

    /// Forgets all orders but the clock: faults, pauses, holding of webhooks, being down.
    pub fn clear_faults(&self) {
        self.core.faults().clear();
        self.core.meters().pause = None;
        let mut world = self.core.world();
        world.fresh_token_refusals = 0;
        world.lies = 0;
        world.replication_lag = 0;
    }

    /// The hourly budget is used up until then: 403 (GraphQL: 200 and `RATE_LIMITED`) with
    /// `x-ratelimit-remaining: 0` and `x-ratelimit-reset`.
    pub fn rate_limit_until(&self, until: DateTime<Utc>) {
        self.pause(until, PauseStyle::Primary);
    }

    /// A secondary limit refuses everything for so long: 403 with `retry-after`.
    pub fn secondary_limit_for(&self, time: Duration) {
        self.pause_for(time, PauseStyle::Secondary);
    }

    /// The same as 429.
    pub fn too_many_requests_for(&self, time: Duration) {
        self.pause_for(time, PauseStyle::TooMany);
    }

    /// The same as 403 without any header that says how long.
    pub fn silent_limit_for(&self, time: Duration) {
        self.pause_for(time, PauseStyle::Silent);
    }

    fn pause_for(&self, time: Duration, style: PauseStyle) {
        let time = chrono::Duration::from_std(time).unwrap_or_default();
        let until = self.core.world().now() + time;
        self.pause(until, style);
    }

    fn pause(&self, until: DateTime<Utc>, style: PauseStyle) {
        self.core.meters().pause = Some(Pause { until, style });
    }

    /// Changes what is enforced.
    pub fn limits(&self, change: impl FnOnce(&mut crate::Limits)) {
        change(&mut self.core.world().limits);
    }

    /// The hourly budget of one installation, instead of the general one.
    pub fn limit_installation(&self, installation: u64, requests: u32) {
        let who = format!("installation {installation}");
        self.core.meters().own_limits.insert(who, requests);
    }

    /// Renews all budgets and forgets what was created.
    pub fn reset_limits(&self) {
        self.core.meters().reset();
    }

    /// Each webhook is sent twice, until [`Control::clear_faults`].
    pub fn deliver_twice(&self) {
        self.core.faults().webhooks_twice = true;
    }

    /// So many per cent of webhooks never arrive; GitHub's log calls them failed.
    pub fn lose_webhooks(&self, percent: u32) {
        self.lose(percent, false);
    }

    /// The same, and GitHub's log calls them delivered.
    pub fn lose_webhooks_silently(&self, percent: u32) {
        self.lose(percent, true);
    }

    fn lose(&self, percent: u32, silently: bool) {
        let mut faults = self.core.faults();
        faults.webhooks_lost = percent.min(100);
        faults.webhooks_lost_silently = silently;
    }

    /// Keeps webhooks back until [`Control::release_webhooks`].
    pub fn hold_webhooks(&self) {
        self.core.faults().holding = true;
    }

    /// Sends what was kept back, in order, or shuffled by a seed.
    pub fn release_webhooks(&self, shuffle: Option<u64>) {
        let held = self.core.faults().release(shuffle);
        for id in held {
            self.core.mail.post(id);
        }
    }

    /// Fresh installation tokens answer 401 for their first `count` uses.
    pub fn fresh_token_401(&self, count: u32) {
        self.core.world().fresh_token_refusals = count;
    }

    /// A tree just made «does not exist», `count` times.
    pub fn replication_lag(&self, count: u32) {
        self.core.world().replication_lag = count;
    }

    /// GitHub is gone: connections are closed without an answer.
    pub fn down(&self) {
        self.core.faults().down = true;
    }

    /// GitHub is back.
    pub fn up(&self) {
        self.core.faults().down = false;
    }
}
