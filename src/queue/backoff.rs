//! When to try again: pure arithmetic, the random part is an argument.

use std::time::Duration;

/// After this many failed attempts nothing is tried again by itself.
pub const MAX_ATTEMPTS: u32 = 12;
/// No delay is longer than this many times the first one (before jitter).
const CAP: f64 = 450.0;
/// Each delay is up to this share longer or shorter.
const SPREAD: f64 = 0.25;

/// How long to wait after failed attempt number `attempt` (1 is the first): `base` seconds, doubling,
/// capped at 450 × `base`, ±25 % by `jitter` (0 to 1).
pub fn delay(attempt: u32, base: f64, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let plain = base * f64::from(1u32 << doublings).min(CAP);
    let spread = 1.0 + SPREAD * (2.0 * jitter.clamp(0.0, 1.0) - 1.0);
    Duration::try_from_secs_f64(plain * spread).unwrap_or(Duration::ZERO)
}

/// [`delay`] with randomness of its own.
pub fn random_delay(attempt: u32, base: f64) -> Duration {
    delay(attempt, base, random_share())
}

/// A number from 0 to 1; the middle where the system has no randomness to give.
pub fn random_share() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(attempt: u32, base: f64, jitter: f64) -> f64 {
        delay(attempt, base, jitter).as_secs_f64()
    }

    #[test]
    fn doubles_from_the_base_to_the_cap() {
        let plain: Vec<f64> = (1..=12).map(|attempt| seconds(attempt, 2.0, 0.5)).collect();
        assert_eq!(plain, [2., 4., 8., 16., 32., 64., 128., 256., 512., 900., 900., 900.]);
    }

    #[test]
    fn jitter_is_a_quarter_either_way() {
        assert_eq!(seconds(3, 2.0, 0.0), 6.0);
        assert_eq!(seconds(3, 2.0, 1.0), 10.0);
        assert_eq!(seconds(3, 2.0, 7.0), 10.0);
    }

    #[test]
    fn odd_arguments_are_harmless() {
        assert_eq!(seconds(0, 2.0, 0.5), 2.0);
        assert_eq!(seconds(u32::MAX, 0.01, 0.5), 4.5);
        assert_eq!(seconds(1, 0.0, 0.5), 0.0);
        assert_eq!(delay(1, f64::NAN, 0.5), Duration::ZERO);
        assert!((0.0..=1.0).contains(&random_share()));
    }
}
