//! What the nulls of associations promise, tried on data in which nothing changes, and that a real change is found.
//! `make calibration-report` tells the rates at length.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod draw;
#[path = "../simulation/normal.rs"]
mod normal;

use draw::{Baseline, Draw, rates};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use stats::association::null;

#[track_caller]
fn within(rates: [f64; 3], bounds: [(f64, f64); 3]) {
    for (rate, (low, high)) in rates.iter().zip(bounds) {
        assert!(*rate >= low && *rate <= high, "{rates:?} {bounds:?}");
    }
}

/// Spearman's rate within ±25 %, at 0.001 as far as ten windows can tell.
fn spearman_of_few_rows(rho: f64) {
    let rates = rates(Draw::Normal(rho), Baseline::Windows, 300, 200, 8000);
    within(rates, [(0.75, 1.25), (0.75, 1.25), (0.4, 1.6)]);
}

fn spearman_of_many_rows(rho: f64) {
    let rates = rates(Draw::Normal(rho), Baseline::Windows, 5000, 30, 600);
    within(rates, [(0.75, 1.25), (0.5, 1.5), (0.0, 3.0)]);
}

#[test]
fn spearman_at_0() {
    spearman_of_few_rows(0.0);
}

#[test]
fn spearman_at_03() {
    spearman_of_few_rows(0.3);
}

#[test]
fn spearman_at_05() {
    spearman_of_few_rows(0.5);
}

#[test]
fn spearman_at_08() {
    spearman_of_few_rows(0.8);
}

#[test]
fn spearman_at_0_of_many_rows() {
    spearman_of_many_rows(0.0);
}

#[test]
fn spearman_at_03_of_many_rows() {
    spearman_of_many_rows(0.3);
}

#[test]
fn spearman_at_05_of_many_rows() {
    spearman_of_many_rows(0.5);
}

#[test]
fn spearman_at_08_of_many_rows() {
    spearman_of_many_rows(0.8);
}

/// Where extremes come together the variance of Fisher's z is 1.2 to 1.3 instead of 1 to 1.06: it comes from the data.
#[test]
fn spearman_of_heavy_tails_and_ties() {
    use Draw::{Student, Ties};
    for draw in [Student(0.0), Student(0.5), Ties(0.0), Ties(0.5)] {
        let rates = rates(draw, Baseline::Windows, 300, 100, 2000);
        within(rates, [(0.6, 1.4), (0.4, 2.0), (0.0, 2.0)]);
    }
}

/// Within ±25 %, and what so many baselines and windows leave open: at 0.001 thirty windows are beyond a null.
const NEAR: [(f64, f64); 3] = [(0.75, 1.25), (0.7, 1.3), (0.55, 1.5)];
/// As far as 200 baselines can tell.
const OF_MANY_ROWS: [(f64, f64); 3] = [(0.65, 1.35), (0.3, 1.6), (0.0, 2.5)];
const SHARES: [f64; 6] = [0.0, 0.05, 0.1, 0.2, 0.4, 0.8];

#[track_caller]
fn near(draw: Draw, baseline: Baseline, bounds: [(f64, f64); 3]) {
    within(rates(draw, baseline, 300, 800, 30_000), bounds);
}

#[test]
fn cramers_v() {
    for draw in SHARES.map(Draw::Categories) {
        near(draw, Baseline::Windows, NEAR);
    }
    for draw in [0.0, 0.3, 0.5].map(Draw::Bands) {
        near(draw, Baseline::Windows, NEAR);
    }
}

/// One window of the baseline tells λ better than eight, and leaves χ² less to vary by.
#[test]
fn cramers_v_against_one_window() {
    for draw in [0.0, 0.2, 0.8].map(Draw::Categories) {
        near(draw, Baseline::Whole, NEAR);
    }
}

/// With one degree of freedom a null from a baseline that is a little above independence is too small, and one from independence
/// too large; V has few values.
#[test]
fn cramers_v_of_two_by_two() {
    for draw in SHARES.map(Draw::Binary) {
        for baseline in [Baseline::Windows, Baseline::Whole] {
            near(draw, baseline, [(0.75, 1.3), (0.7, 1.4), (0.5, 1.6)]);
        }
    }
}

/// A cell expects two rows.
#[test]
fn cramers_v_of_two_rare_categories() {
    for draw in [0.0, 0.2].map(Draw::Rare) {
        near(
            draw,
            Baseline::Windows,
            [(0.6, 1.25), (0.6, 1.3), (0.55, 1.5)],
        );
    }
}

/// 64 cells of which each expects five rows, and less than that where the columns hang together.
#[test]
fn cramers_v_of_few_rows_a_cell() {
    for draw in [0.0, 0.1, 0.3].map(Draw::Eight) {
        near(
            draw,
            Baseline::Windows,
            [(0.75, 1.25), (0.65, 1.4), (0.45, 1.8)],
        );
    }
}

#[test]
fn cramers_v_of_many_rows() {
    for share in [0.0, 0.1, 0.4] {
        for draw in [Draw::Categories(share), Draw::Binary(share)] {
            within(
                rates(draw, Baseline::Windows, 5000, 200, 2000),
                OF_MANY_ROWS,
            );
        }
    }
}

#[test]
fn the_correlation_ratio() {
    for draw in [0.0, 0.05, 0.1, 0.2, 0.4, 1.0].map(Draw::Groups) {
        near(draw, Baseline::Windows, NEAR);
    }
    near(Draw::Banded(0.5), Baseline::Windows, NEAR);
}

#[test]
fn the_correlation_ratio_against_one_window() {
    for draw in [0.0, 0.4].map(Draw::Groups) {
        near(draw, Baseline::Whole, NEAR);
    }
}

/// Ranks do not know how heavy the tails are.
#[test]
fn the_correlation_ratio_of_skewed_values() {
    for draw in [0.0, 0.1, 0.4].map(Draw::SkewedGroups) {
        near(draw, Baseline::Windows, NEAR);
    }
}

#[test]
fn the_correlation_ratio_of_many_rows() {
    for draw in [0.0, 0.1, 0.4].map(Draw::Groups) {
        within(
            rates(draw, Baseline::Windows, 5000, 200, 2000),
            OF_MANY_ROWS,
        );
    }
}

/// Share of windows in which a change is over both the null, at the α of one of 39 pairs, and the floor.
fn found(before: Draw, after: Draw) -> f64 {
    const FLOOR: f64 = 0.10;
    let mut rng = SmallRng::seed_from_u64(12);
    let (baselines, windows) = (3, 60);
    let mut found = 0;
    for _ in 0..baselines {
        let reference = before.reading(&mut rng, 40_000);
        let null = null(&reference, 5000, 0.025 / 39.0).unwrap();
        for _ in 0..windows {
            let delta = after.reading(&mut rng, 5000).value - reference.value;
            found += usize::from(delta.abs() >= null.of(delta).max(FLOOR));
        }
    }
    found as f64 / (baselines * windows) as f64
}

#[test]
fn a_weaker_association_is_found() {
    for (before, after) in [
        (Draw::Normal(0.5), Draw::Normal(0.35)),
        (Draw::Categories(0.4), Draw::Categories(0.2)),
        (Draw::Groups(0.4), Draw::Groups(0.2)),
    ] {
        let share = found(before, after);
        assert!(share >= 0.95, "{before:?} {after:?}: {share}");
        assert_eq!(found(before, before), 0.0, "{before:?}");
    }
}
