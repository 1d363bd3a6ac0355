//! The measures, by their numbers.

mod change;
mod edit;
mod ingest;
mod requests;

use crate::place::Place;
use crate::report::Line;

/// What can be asked for: number, name.
pub const ALL: [(u8, &str); 6] = [
    (1, "webhook ingest beside a minimal program"),
    (2, "webhook ingest beside Probot"),
    (3, "memory, idle and under that load"),
    (4, "one change of 10,000 files"),
    (5, "one edit among 100,000 files and among 10"),
    (11, "requests to GitHub for a day"),
];

/// Runs those that were asked for, and says each line as it is known.
pub async fn run(place: &Place, wanted: &[u8], mut tell: impl FnMut(&Line)) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let is_wanted = |numbers: &[u8]| numbers.iter().any(|number| wanted.contains(number));
    let mut keep = |some: Vec<Line>| {
        some.iter().for_each(&mut tell);
        lines.extend(some);
    };
    if is_wanted(&[1, 3]) {
        keep(ingest::beside_the_floor(place).await?);
    }
    if is_wanted(&[2]) {
        keep(ingest::beside_probot(place).await?);
    }
    if is_wanted(&[4]) {
        keep(change::run(place).await?);
    }
    if is_wanted(&[5]) {
        keep(edit::run(place).await?);
    }
    if is_wanted(&[11]) {
        keep(requests::run(place).await?);
    }
    Ok(lines)
}
