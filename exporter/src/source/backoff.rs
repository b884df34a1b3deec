//! How long to wait before the next attempt.

use std::time::Duration;

use rand::Rng;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait: a source that comes back is asked again within this time.
const LONGEST: Duration = Duration::from_secs(300);

/// The wait before the next attempt, after `attempt` failures in a row (0 and 1 are the first).
///
/// Exponential with jitter: drawn evenly from the upper half of 1 s, 2 s, 4 s, … 5 min, so that many
/// exporters which lost the same server do not come back to it together.
pub fn backoff(attempt: u32, rng: &mut impl Rng) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let ceiling = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    ceiling.mul_f64(rng.random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    fn check(attempt: u32, ceiling_seconds: u64) {
        let mut rng = SmallRng::seed_from_u64(u64::from(attempt));
        let ceiling = Duration::from_secs(ceiling_seconds);
        let waits: Vec<_> = (0..200).map(|_| backoff(attempt, &mut rng)).collect();
        assert!(
            waits
                .iter()
                .all(|wait| *wait >= ceiling / 2 && *wait <= ceiling)
        );
        assert!(waits.iter().any(|wait| *wait != waits[0]), "no jitter");
    }

    #[test]
    fn doubles_up_to_five_minutes() {
        check(0, 1);
        check(1, 1);
        check(2, 2);
        check(5, 16);
        check(10, 300);
        check(u32::MAX, 300);
    }
}
