//! What was measured, beside what it was to be: one line each, and the table of all.

use std::fmt;

use crate::stats::{Turns, median};

/// What a ratio or a value is to be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Goal::AtLeast(least) => value >= least,
            Goal::AtMost(most) => value <= most,
        }
    }
}

/// In what a value is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    PerSecond,
    Microseconds,
    Milliseconds,
    Seconds,
    Mib,
    Requests,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::PerSecond => format!("{value:.0}/s"),
            Unit::Microseconds => format!("{value:.1} µs"),
            Unit::Milliseconds => format!("{value:.1} ms"),
            Unit::Seconds => format!("{value:.2} s"),
            Unit::Mib => format!("{value:.1} MiB"),
            Unit::Requests => format!("{value:.0}"),
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Line {
    measure: u8,
    what: String,
    ours: String,
    theirs: String,
    /// What the goal is about: a ratio, or the value itself.
    judged: f64,
    is_ratio: bool,
    unit: Unit,
    goal: Goal,
}

impl Line {
    /// Two things that took turns: medians, and the median of their ratios.
    pub fn turns(measure: u8, what: &str, turns: &Turns, unit: Unit, goal: Goal) -> Self {
        let (ours, theirs) = (unit.show(median(&turns.ours)), unit.show(median(&turns.theirs)));
        Line { measure, what: what.to_owned(), ours, theirs, judged: turns.ratio(), is_ratio: true, unit, goal }
    }

    /// A value that has nothing beside it.
    pub fn value(measure: u8, what: &str, values: &[f64], unit: Unit, goal: Goal) -> Self {
        let value = median(values);
        let (ours, theirs) = (unit.show(value), "–".to_owned());
        Line { measure, what: what.to_owned(), ours, theirs, judged: value, is_ratio: false, unit, goal }
    }

    pub fn is_met(&self) -> bool {
        self.goal.is_met(self.judged)
    }

    fn goal(&self) -> String {
        let show = |value: f64| if self.is_ratio { ratio(value) } else { self.unit.show(value) };
        match self.goal {
            Goal::AtLeast(least) => format!("≥ {}", show(least)),
            Goal::AtMost(most) => format!("≤ {}", show(most)),
        }
    }
}

/// Small ones are easier read as a part of one.
fn ratio(value: f64) -> String {
    if value < 0.2 { format!("1/{:.1}", 1.0 / value) } else { format!("{value:.2}") }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judged = if self.is_ratio { ratio(self.judged) } else { "–".to_owned() };
        let verdict = if self.is_met() { "met" } else { "**missed**" };
        let (number, what, ours, theirs) = (self.measure, &self.what, &self.ours, &self.theirs);
        write!(f, "| {number} | {what} | {ours} | {theirs} | {judged} | {} | {verdict} |", self.goal())
    }
}

/// The table, as README has it.
pub fn table(lines: &[Line]) -> String {
    let mut text =
        "| # | measure | Lockstep | beside it | ratio | goal | |\n|---|---|---|---|---|---|---|\n".to_owned();
    for line in lines {
        text.push_str(&format!("{line}\n"));
    }
    let met = lines.iter().filter(|line| line.is_met()).count();
    text.push_str(&format!("\n{met} of {} goals met\n", lines.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_whether_the_goal_is_met() {
        let mut turns = Turns::default();
        turns.add(90.0, 100.0);
        let line = Line::turns(1, "requests", &turns, Unit::PerSecond, Goal::AtLeast(0.9));
        assert_eq!(line.to_string(), "| 1 | requests | 90/s | 100/s | 0.90 | ≥ 0.90 | met |");
        let line = Line::value(3, "idle", &[30.0], Unit::Mib, Goal::AtMost(24.0));
        assert_eq!(line.to_string(), "| 3 | idle | 30.0 MiB | – | – | ≤ 24.0 MiB | **missed** |");
        assert_eq!(ratio(1.0 / 20.0), "1/20.0");
    }
}
