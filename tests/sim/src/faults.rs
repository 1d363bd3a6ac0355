//! Misbehaviour on order.

use std::time::Duration;

use crate::change::Change;

/// Something that is to go wrong, for the next matching requests.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Answer this status with GitHub's error body, without doing anything.
    Status(u16),
    /// The same with a page of HTML.
    Html(u16),
    /// Close the connection before anything is done.
    DropBefore,
    /// Do it, then close the connection.
    DropAfter,
    /// Do it, then answer this status.
    StatusAfter(u16),
    Delay(Duration),
    /// Just before, somebody else pushes.
    Push {
        repository: u64,
        branch: String,
        changes: Vec<Change>,
    },
    Lie(Lie),
}

/// An answer with status 200 that is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The whole answer of a success, but no ref moved.
    NotApplied,
    /// The first half of the answer.
    Truncated,
    /// Nothing.
    Empty,
    /// JSON with nothing in it.
    Blank,
}

impl Lie {
    /// `not_applied`, `truncated`, `empty`, `blank`.
    pub(crate) fn parse(name: &str) -> Option<Lie> {
        Some(match name {
            "not_applied" => Lie::NotApplied,
            "truncated" => Lie::Truncated,
            "empty" => Lie::Empty,
            "blank" => Lie::Blank,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug)]
struct Rule {
    filter: String,
    fault: Fault,
    left: u32,
}

/// What happens to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Send { times: u32 },
    Hold,
    Lose { silently: bool },
}

/// All that is ordered.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    pub(crate) down: bool,
    pub(crate) webhooks_twice: bool,
    /// Per cent of webhooks that never arrive, and whether the log calls them failed.
    pub(crate) webhooks_lost: u32,
    pub(crate) webhooks_lost_silently: bool,
    lost_share: u32,
    pub(crate) holding: bool,
    pub(crate) held: Vec<u64>,
}

/// «Until told otherwise».
pub(crate) const ALWAYS: u32 = u32::MAX;

impl Faults {
    /// Orders a fault for the next `count` requests whose label holds `filter`.
    pub(crate) fn order(&mut self, filter: &str, fault: Fault, count: u32) {
        if count > 0 {
            let filter = filter.to_owned();
            self.rules.push(Rule { filter, fault, left: count });
        }
    }

    /// Forgets everything ordered, webhooks held included.
    pub(crate) fn clear(&mut self) {
        *self = Faults::default();
    }

    /// What goes wrong with this request: everything that does not end it, and at most one
    /// that does.
    pub(crate) fn take(&mut self, label: &str) -> Vec<Fault> {
        let mut taken = Vec::new();
        let mut ended = false;
        for rule in self.rules.iter_mut().filter(|it| label.contains(&it.filter)) {
            let ends = !matches!(rule.fault, Fault::Delay(_) | Fault::Push { .. });
            if ends && ended {
                continue;
            }
            ended |= ends;
            if rule.left != ALWAYS {
                rule.left -= 1;
            }
            taken.push(rule.fault.clone());
        }
        self.rules.retain(|it| it.left > 0);
        taken
    }

    /// What happens to the next webhook.
    pub(crate) fn fate(&mut self, id: u64) -> Fate {
        self.lost_share += self.webhooks_lost;
        if self.lost_share >= 100 {
            self.lost_share -= 100;
            return Fate::Lose { silently: self.webhooks_lost_silently };
        }
        if self.holding {
            self.held.push(id);
            return Fate::Hold;
        }
        let times = if self.webhooks_twice { 2 } else { 1 };
        Fate::Send { times }
    }

    /// Ends holding; the webhooks held, in order, or shuffled by a seed.
    pub(crate) fn release(&mut self, seed: Option<u64>) -> Vec<u64> {
        self.holding = false;
        let mut held = std::mem::take(&mut self.held);
        let mut state = seed.unwrap_or_default().wrapping_add(0x9e37_79b9_7f4a_7c15);
        if seed.is_some() {
            for at in (1..held.len()).rev() {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let other = state % (at as u64 + 1);
                held.swap(at, usize::try_from(other).unwrap_or_default());
            }
        }
        held
    }
}
