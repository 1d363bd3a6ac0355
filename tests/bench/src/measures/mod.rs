//! The measures, by their numbers.

mod change;
mod edit;
mod fleet;
mod ingest;
#[cfg(feature = "plan")]
mod plan;
mod quiet;
mod requests;
mod rows;

use crate::place::Place;
use crate::report::Line;

/// What can be asked for: number, name.
pub const ALL: [(u8, &str); 13] = [
    (1, "webhook ingest beside a minimal program"),
    (2, "webhook ingest beside Probot"),
    (3, "memory, idle and under that load"),
    (4, "one change of 10,000 files"),
    (5, "one edit among 100,000 files and among 10"),
    (6, "a plan of 100,000 entries"),
    (7, "commits a second, 64 projects"),
    (8, "2,000 projects with one change each"),
    (9, "the same with two worker processes"),
    (10, "a quiet project beside busy ones"),
    (11, "requests to GitHub for a day"),
    (12, "a page of a history of 1,000,000 rows"),
    (13, "cold start with 10,000 projects"),
];

/// Runs those that were asked for, and says each line as it is known. Some give several numbers' lines.
pub async fn run(place: &Place, wanted: &[u8], mut tell: impl FnMut(&Line)) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for numbers in [&[1, 3][..], &[2], &[4], &[5], &[6], &[7], &[8, 9], &[10], &[11], &[12], &[13]] {
        if !numbers.iter().any(|number| wanted.contains(number)) {
            continue;
        }
        let found = match numbers[0] {
            1 => ingest::beside_the_floor(place).await?,
            2 => ingest::beside_probot(place).await?,
            4 => change::run(place).await?,
            5 => edit::run(place).await?,
            #[cfg(feature = "plan")]
            6 => plan::run(place).await?,
            #[cfg(not(feature = "plan"))]
            6 => Vec::new(),
            7 => fleet::commits(place).await?,
            8 => fleet::many(place).await?,
            10 => quiet::run(place).await?,
            11 => requests::run(place).await?,
            12 => rows::history(place).await?,
            _ => rows::start(place).await?,
        };
        found.iter().for_each(&mut tell);
        lines.extend(found);
    }
    Ok(lines)
}
