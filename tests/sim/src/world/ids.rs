//! Numeric ids. Each kind has a range of its own, so that a mix-up never works by chance; some
//! are larger than 32 bits, as GitHub's are.

use std::ops::RangeFrom;

/// The next id of each kind.
#[derive(Debug)]
pub(crate) struct Ids {
    accounts: RangeFrom<u64>,
    apps: RangeFrom<u64>,
    installations: RangeFrom<u64>,
    repositories: RangeFrom<u64>,
    hooks: RangeFrom<u64>,
    deliveries: RangeFrom<u64>,
    pulls: RangeFrom<u64>,
    reviews: RangeFrom<u64>,
    checks: RangeFrom<u64>,
    statuses: RangeFrom<u64>,
    rules: RangeFrom<u64>,
}

impl Default for Ids {
    fn default() -> Self {
        Ids {
            accounts: 1_001..,
            apps: 210_001..,
            installations: 41_000_001..,
            repositories: 900_000_001..,
            hooks: 470_000_001..,
            deliveries: 170_000_000_001..,
            pulls: 2_900_000_001..,
            reviews: 3_100_000_001..,
            checks: 52_000_000_001..,
            statuses: 33_000_000_001..,
            rules: 5_000_001..,
        }
    }
}

macro_rules! next {
    ($($kind:ident => $range:ident),*) => {
        impl Ids {
            $(pub(crate) fn $kind(&mut self) -> u64 {
                self.$range.next().unwrap_or_default()
            })*
        }
    };
}

next!(
    account => accounts, app => apps, installation => installations,
    repository => repositories, hook => hooks, delivery => deliveries, pull => pulls,
    review => reviews, check => checks, status => statuses, rule => rules
);
