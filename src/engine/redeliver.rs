//! Missed deliveries: GitHub's log has them (for 3 days), and nobody here has a record of their
//! outcome, whatever GitHub says about their status. GitHub is asked to deliver them again; nobody
//! else does that. One replica at a time walks the log, newest first, back to where everything older
//! is known to have an outcome.
//! <https://docs.github.com/en/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-a-github-app-webhook>

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::github::{GithubError, HookDelivery};
use crate::store::StoreError;

const TASK: &str = "redeliver";
/// A delivery this young, that GitHub says arrived or is under way, may still get its outcome.
const SETTLES: TimeDelta = TimeDelta::seconds(30);
/// Clocks differ, and the log may lag: so much of it is read again by the next walk.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// GitHub keeps no older ones.
const LOG: TimeDelta = TimeDelta::days(3);
/// Requests for redelivery in one walk; the next one goes on.
const AT_ONCE: usize = 500;
/// The pause before the same delivery is asked for again doubles up to this.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(6);

/// What one walk leaves for the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Walked {
    /// Everything delivered before this has an outcome, was asked for, or is past hope.
    through: Option<DateTime<Utc>>,
    /// What was asked for and has no outcome yet, by its GUID.
    asked: BTreeMap<String, Asked>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    times: u32,
    /// Not asked for again before.
    next: DateTime<Utc>,
    found: Found,
}

/// All attempts of one delivery that were met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    newest_attempt: i64,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    /// GitHub says that the newest attempt did not arrive.
    failed: bool,
}

/// How often the log is walked, and when that is now.
#[derive(Debug, Clone, Copy)]
struct Clock {
    every: TimeDelta,
    now: DateTime<Utc>,
}

/// What a walk does about a delivery without an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It may get one by itself: the next walk sees.
    Wait,
    /// It was asked for not long ago.
    Keep(Asked),
    Ask,
    /// GitHub does not have it any more.
    Forget,
}

#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    GitHub(#[from] GithubError),
}

impl Engine {
    /// Asks GitHub for what was missed, unless another replica did within `every`. Answers how many
    /// deliveries were asked for.
    pub async fn redeliver_missed(&self, every: Duration) -> Result<usize, WalkError> {
        if self.github.app().is_none() {
            return Ok(0);
        }
        let asked = self.in_turn(TASK, every, async |state| {
            let before: Walked = serde_json::from_value(state).unwrap_or_default();
            let clock = Clock { every: TimeDelta::from_std(every).unwrap_or(TimeDelta::days(1)), now: Utc::now() };
            let (after, asked) = self.walk(&before, clock).await?;
            Ok::<_, WalkError>((to_json(&after)?, asked))
        });
        Ok(asked.await?.unwrap_or(0))
    }

    async fn walk(&self, before: &Walked, clock: Clock) -> Result<(Walked, usize), WalkError> {
        let now = clock.now;
        let mut found = self.logged_since(before.through.unwrap_or(now - LOG)).await?;
        for (guid, asked) in &before.asked {
            found.entry(guid.clone()).or_insert(asked.found);
        }
        let mut after = Walked { through: Some(now - OVERLAP), asked: BTreeMap::new() };
        let mut asked = 0;
        for (guid, one, queued) in self.without_outcome(&found).await? {
            let known = before.asked.get(&guid).copied();
            match step(one, queued, known, clock) {
                Step::Ask if asked < AT_ONCE => {
                    asked += 1;
                    self.ask_again(&guid, one).await?;
                    after.asked.insert(guid, next(one, known, clock));
                }
                Step::Keep(known) => {
                    after.asked.insert(guid, Asked { found: one, ..known });
                }
                Step::Wait | Step::Ask => after.through = after.through.min(Some(one.first)),
                Step::Forget => {}
            }
        }
        Ok((after, asked))
    }

    async fn logged_since(&self, since: DateTime<Utc>) -> Result<HashMap<String, Found>, WalkError> {
        let mut found = HashMap::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = self.github.deliveries(cursor.as_deref(), None).await?;
            let reached = page.items.iter().any(|one| one.delivered_at < since);
            page.items.iter().filter(|one| one.delivered_at >= since).for_each(|one| note(&mut found, one));
            match page.cursor {
                Some(next) if !reached && cursor.as_ref() != Some(&next) => cursor = Some(next),
                _ => return Ok(found),
            }
        }
    }

    /// Those whose outcome is not recorded, oldest first, and whether they wait in the queue.
    async fn without_outcome(&self, found: &HashMap<String, Found>) -> Result<Vec<(String, Found, bool)>, WalkError> {
        let mut open = Vec::new();
        let guids: Vec<String> = found.keys().cloned().collect();
        for part in guids.chunks(1000) {
            let recorded: HashSet<String> = self.store.recorded_deliveries(part).await?.into_iter().collect();
            let rest: Vec<String> = part.iter().filter(|guid| !recorded.contains(*guid)).cloned().collect();
            // Without Redis nothing is queued, and nothing could be taken: the next walk sees to it.
            let queued = self.queue.queued(&rest).await.unwrap_or_else(|_| vec![true; rest.len()]);
            for (guid, queued) in rest.into_iter().zip(queued) {
                let one = found[&guid];
                open.push((guid, one, queued));
            }
        }
        open.sort_by_key(|(_, one, _)| one.first);
        Ok(open)
    }

    async fn ask_again(&self, guid: &str, one: Found) -> Result<(), WalkError> {
        tracing::info!(delivery_id = guid, "a webhook was missed: asking GitHub for it");
        match self.github.redeliver(one.newest_attempt).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_transient() => Err(error.into()),
            Err(error) => {
                tracing::warn!(delivery_id = guid, %error, "GitHub does not deliver it again");
                Ok(())
            }
        }
    }
}

fn note(found: &mut HashMap<String, Found>, one: &HookDelivery) {
    let at = one.delivered_at;
    let failed = !matches!(one.status.as_str(), "OK" | "pending");
    let known = found.entry(one.guid.clone()).or_insert(Found { newest_attempt: one.id, first: at, last: at, failed });
    if at > known.last {
        (known.newest_attempt, known.last, known.failed) = (one.id, at, failed);
    }
    known.first = known.first.min(at);
}

fn step(one: Found, queued: bool, known: Option<Asked>, clock: Clock) -> Step {
    let now = clock.now;
    match known {
        _ if one.first < now - LOG => Step::Forget,
        _ if queued || !one.failed && one.last > now - SETTLES.min(clock.every) => Step::Wait,
        Some(known) if known.next > now => Step::Keep(known),
        _ => Step::Ask,
    }
}

/// Not at once again: the next walk finds the outcome, if it arrives this time.
fn next(found: Found, known: Option<Asked>, clock: Clock) -> Asked {
    let times = known.map_or(0, |known| known.times);
    let pause = (clock.every / 2 * (1 << times.min(12))).min(LONGEST_PAUSE);
    Asked { times: times + 1, next: clock.now + pause, found }
}

fn to_json(walked: &Walked) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(walked).map_err(|error| StoreError::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn attempt(id: i64, seconds: i64) -> HookDelivery {
        HookDelivery {
            id,
            guid: "g".into(),
            delivered_at: at(seconds),
            redelivery: false,
            status: "OK".into(),
            status_code: 202,
            event: "push".into(),
            action: None,
            installation_id: None,
            repository_id: None,
        }
    }

    #[test]
    fn attempts_of_one_delivery_are_one() {
        let mut found = HashMap::new();
        for one in [attempt(7, 50), attempt(9, 90), attempt(3, 10)] {
            note(&mut found, &one);
        }
        assert_eq!(found["g"], Found { newest_attempt: 9, first: at(10), last: at(90), failed: false });
    }

    fn found(first: i64, last: i64) -> Found {
        Found { newest_attempt: 1, first: at(first), last: at(last), failed: false }
    }

    fn clock(now: i64) -> Clock {
        Clock { every: TimeDelta::minutes(5), now: at(now) }
    }

    #[test]
    fn pauses_grow_to_hours() {
        let mut asked = None;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let next = next(found(0, 0), asked, clock(0));
            pauses.push((next.next - at(0)).num_seconds());
            asked = Some(next);
        }
        assert_eq!(pauses[..4], [150, 300, 600, 1200]);
        assert_eq!(pauses[11], 6 * 3600);
    }

    #[test]
    fn each_delivery_without_an_outcome_has_its_step() {
        let day = 86_400;
        let asked = |next: i64| Some(Asked { times: 1, next: at(next), found: found(2 * day, 2 * day) });
        for (one, queued, known, expected) in [
            (found(2 * day, 2 * day), false, None, Step::Ask),
            (found(2 * day, 2 * day), true, None, Step::Wait),
            (found(2 * day, 4 * day - 5), false, None, Step::Wait),
            (Found { failed: true, ..found(2 * day, 4 * day - 5) }, false, None, Step::Ask),
            (found(day - 1, 2 * day), false, None, Step::Forget),
            (found(2 * day, 2 * day), false, asked(4 * day - 1), Step::Ask),
        ] {
            assert_eq!(step(one, queued, known, clock(4 * day)), expected);
        }
        let known = asked(4 * day + 1);
        assert_eq!(
            known.map(|one| step(found(2 * day, 2 * day), false, known, clock(4 * day)) == Step::Keep(one)),
            Some(true)
        );
    }

    #[test]
    fn what_an_older_version_left_is_read() {
        assert_eq!(serde_json::from_str::<Walked>("{}").ok(), Some(Walked::default()));
    }
}
