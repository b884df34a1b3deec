//! How often values leave a seasonal band when nothing changes, and what it finds when something does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "simulation/normal.rs"]
mod normal;

use normal::pair;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use stats::seasonal::{Level, Phase, Point, Seasons, Width};

fn normal(rng: &mut SmallRng) -> f64 {
    pair(rng).0
}

/// Far more between the hours than within one, and weekends apart.
fn usual(hour_of_week: u8) -> f64 {
    let angle = std::f64::consts::TAU * f64::from(hour_of_week % 24) / 24.0;
    let weekend = if hour_of_week >= 120 { -20.0 } else { 0.0 };
    100.0 + 30.0 * angle.sin() + weekend
}

fn chains() -> Vec<[Phase; 2]> {
    (0..168u8)
        .map(|hour| [Phase::HourOfWeek(hour), Phase::HourOfDay(hour % 24)])
        .collect()
}

/// The hour of every window of so many weeks.
fn hours(weeks: usize) -> Vec<(i64, usize)> {
    (0..weeks * 168)
        .map(|hour| ((hour / 24) as i64, hour % 168))
        .collect()
}

fn series<'a>(
    rng: &mut SmallRng,
    chains: &'a [[Phase; 2]],
    hours: &[(i64, usize)],
) -> Vec<Point<'a, Phase>> {
    hours
        .iter()
        .map(|(day, hour)| Point {
            day: *day,
            phases: &chains[*hour],
            value: usual(*hour as u8) + normal(rng),
            excluded: false,
        })
        .collect()
}

/// The share of the windows of a week that leave the band of the weeks before, hour of week by hour of week.
fn beyond(cycles: usize, width: Width) -> f64 {
    let mut rng = SmallRng::seed_from_u64(cycles as u64);
    let (chains, hours) = (chains(), hours(cycles + 1));
    let mut found = 0u32;
    let replications = 35_000 / (40 * cycles);
    for _ in 0..replications {
        let series = series(&mut rng, &chains, &hours);
        let seasons = Seasons::before(&series, cycles * 168);
        for point in &series[cycles * 168..] {
            let band = seasons.band(point.phases, width).unwrap();
            assert_eq!(band.level, Level::Phase(point.phases[0]));
            found += u32::from(!band.contains(point.value));
        }
    }
    f64::from(found) / (replications * 168) as f64
}

#[test]
fn false_alarms_are_at_most_as_many_as_promised() {
    // Of few values the floor of the MAD keeps the rare, very narrow bands away for which the width is made.
    for (cycles, alpha, least) in [
        (4, 0.05, 0.2),
        (5, 0.02, 0.2),
        (8, 0.02, 0.4),
        (13, 0.02, 0.6),
    ] {
        let rate = beyond(cycles, Width::Alpha(alpha)) / alpha;
        println!("{cycles} cycles: {rate:.2} of α = {alpha}");
        assert!((least..=1.25).contains(&rate), "{cycles} {rate}");
    }
}

/// The page of the module states these rates; they are far above those of the normal distribution.
#[test]
fn four_deviations_of_few_values_are_crossed_as_often_as_stated() {
    for (cycles, stated) in [(4, 0.114), (8, 0.033)] {
        let rate = beyond(cycles, Width::default());
        println!("{cycles} cycles: {rate:.4} beyond four deviations");
        // The floor of the MAD takes some of them away.
        assert!((0.85..=1.05).contains(&(rate / stated)), "{cycles} {rate}");
    }
}

#[test]
fn a_shift_of_one_phase_is_found_there_alone() {
    let mut rng = SmallRng::seed_from_u64(1);
    let (chains, hours) = (chains(), hours(13));
    let mut series = series(&mut rng, &chains, &hours);
    let last = 12 * 168;
    // Within what other hours have, so that only the hour's own band tells it.
    series[last + 30].value += 25.0;
    let seasons = Seasons::before(&series, last);
    let width = Width::Alpha(0.0001);
    let found: Vec<usize> = (0..168)
        .filter(|hour| {
            let point = &series[last + hour];
            !seasons
                .band(point.phases, width)
                .unwrap()
                .contains(point.value)
        })
        .collect();
    assert_eq!(found, [30]);
    let value = series[last + 30].value;
    assert!(seasons.band(&[], width).unwrap().contains(value));
}

/// On the day when summer time begins an hour is missing, on the day when it ends one is there twice.
#[test]
fn a_missing_and_a_double_hour_make_no_false_alarm() {
    let mut rng = SmallRng::seed_from_u64(2);
    let chains = chains();
    let mut hours = hours(14);
    // The last hours of a week's Sunday night: 03:00 on day 6 is hour 147 of the week.
    let missing = 12 * 168 + 147;
    let double = 5 * 168 + 147;
    assert_eq!(hours[missing], (12 * 7 + 6, 147));
    hours.remove(missing);
    hours.insert(double, hours[double]);
    let series = series(&mut rng, &chains, &hours);
    let start = 12 * 168 + 1;
    let width = Width::Alpha(0.0001);
    let (mut phased, mut by_position) = (0, 0);
    for at in (start..series.len()).step_by(7) {
        let point = &series[at];
        let seasons = Seasons::before(&series, at);
        let band = seasons.band(point.phases, width).unwrap();
        phased += u32::from(!band.contains(point.value));
        let shifted = seasons.band(series[at - 167].phases, width).unwrap();
        by_position += u32::from(!shifted.contains(point.value));
    }
    assert_eq!(phased, 0);
    assert!(
        by_position > 0,
        "the test would not notice an hour that is off by one"
    );
    let seasons = Seasons::new(&series);
    let phases = &chains[147];
    let band = seasons.band(phases, width).unwrap();
    assert_eq!((band.values, band.cycles), (14, 13));
}
