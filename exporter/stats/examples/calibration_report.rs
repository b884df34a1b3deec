//! Whether the false-alarm budget holds on simulated data, and what is found, as a page of the documentation:
//! `make calibration-report` writes it.
#![allow(
    clippy::unwrap_used,
    reason = "it simulates: what cannot be simulated is a fault of this program"
)]

#[path = "../tests/association/draw.rs"]
mod draw;
#[path = "../tests/simulation/explained.rs"]
mod explained;
#[path = "../tests/simulation/level.rs"]
mod level;
#[path = "../tests/simulation/means.rs"]
mod means;
#[path = "../tests/simulation/normal.rs"]
mod normal;
#[path = "../tests/simulation/rate.rs"]
mod rate;
#[path = "../tests/simulation/rows.rs"]
mod rows;
#[path = "../tests/simulation/shift.rs"]
mod shift;
#[path = "../tests/simulation/trial.rs"]
mod trial;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::thread::spawn;

use draw::{Baseline, Draw, rates};
use rate::Rate;
use rows::{FEATURES, NUMBERS};
use stats::{BySeverity, Check};
use trial::{
    BOUNDS, BUDGET, CHANGES, Judged, Outcome, TRIALS, Trial, WINDOWS, Wanders, found, undrifted,
};

/// Baselines against which changes are looked for: so many that where all are found it is shown, with 95 % confidence, that at least
/// 95 % are.
const CHANGED: u32 = 60;
/// The least share of changes that is to be found.
const POWER: f64 = 0.95;
/// How far from 1 a sampling null may be beyond it, as a multiple of α.
const NULL: f64 = 0.25;
/// The least share of tests that are to come to a verdict: those without one alarm for nothing. What wanders far in the baseline is moving.
const JUDGED: f64 = 0.8;

/// Pairs of columns, in words.
const PAIRS: [(&str, Draw, Baseline); 29] = [
    (
        "Spearman, normal, ρ = 0",
        Draw::Normal(0.0),
        Baseline::Windows,
    ),
    (
        "Spearman, normal, ρ = 0.3",
        Draw::Normal(0.3),
        Baseline::Windows,
    ),
    (
        "Spearman, normal, ρ = 0.5",
        Draw::Normal(0.5),
        Baseline::Windows,
    ),
    (
        "Spearman, normal, ρ = 0.8",
        Draw::Normal(0.8),
        Baseline::Windows,
    ),
    (
        "Spearman, Student's t with 3 degrees of freedom, ρ = 0.5",
        Draw::Student(0.5),
        Baseline::Windows,
    ),
    (
        "Spearman, a few values, most of them 0, ρ = 0.5",
        Draw::Ties(0.5),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 4 × 5, independent",
        Draw::Categories(0.0),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 4 × 5, independent, one baseline window of 2,400 rows",
        Draw::Categories(0.0),
        Baseline::Whole,
    ),
    (
        "Cramér's V, 4 × 5, a tenth of the rows copied",
        Draw::Categories(0.1),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 4 × 5, four tenths copied",
        Draw::Categories(0.4),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 4 × 4, normal numbers in bands, ρ = 0.5",
        Draw::Bands(0.5),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 2 × 2, independent",
        Draw::Binary(0.0),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 2 × 2, a twentieth copied",
        Draw::Binary(0.05),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 2 × 2, a tenth copied",
        Draw::Binary(0.1),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 2 × 2, four tenths copied",
        Draw::Binary(0.4),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 2 × 2, four tenths copied, one baseline window of 2,400 rows",
        Draw::Binary(0.4),
        Baseline::Whole,
    ),
    (
        "Cramér's V, 2 × 2, shares of 6 and 10 %, independent",
        Draw::Rare(0.0),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 2 × 2, shares of 6 and 10 %, a fifth copied",
        Draw::Rare(0.2),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 8 × 8, five rows a cell, independent",
        Draw::Eight(0.0),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 8 × 8, a tenth copied",
        Draw::Eight(0.1),
        Baseline::Windows,
    ),
    (
        "Cramér's V, 8 × 8, three tenths copied",
        Draw::Eight(0.3),
        Baseline::Windows,
    ),
    (
        "correlation ratio, independent",
        Draw::Groups(0.0),
        Baseline::Windows,
    ),
    (
        "correlation ratio, independent, one baseline window of 2,400 rows",
        Draw::Groups(0.0),
        Baseline::Whole,
    ),
    (
        "correlation ratio, means 0.05 σ apart",
        Draw::Groups(0.05),
        Baseline::Windows,
    ),
    (
        "correlation ratio, means 0.1 σ apart",
        Draw::Groups(0.1),
        Baseline::Windows,
    ),
    (
        "correlation ratio, means 0.4 σ apart",
        Draw::Groups(0.4),
        Baseline::Windows,
    ),
    (
        "correlation ratio, normal numbers of which one is in bands, ρ = 0.5",
        Draw::Banded(0.5),
        Baseline::Windows,
    ),
    (
        "correlation ratio, log-normal, independent",
        Draw::SkewedGroups(0.0),
        Baseline::Windows,
    ),
    (
        "correlation ratio, log-normal, means 0.4 σ apart",
        Draw::SkewedGroups(0.4),
        Baseline::Windows,
    ),
];

/// Whose null may be more careful: a table with a cell that expects two rows has few values of V.
const CAREFUL: [&str; 1] = ["Cramér's V, 2 × 2, shares of 6 and 10 %, independent"];

/// A feature and a number, in words.
const EXPLAINED: [(&str, explained::Draw); 9] = [
    ("R², normal, ρ = 0.27", explained::Draw::Normal(0.27)),
    ("R², normal, ρ = 0.8", explained::Draw::Normal(0.8)),
    (
        "R², Student's t with 5 degrees of freedom, ρ about 0.4",
        explained::Draw::Student(0.4),
    ),
    (
        "R², normal, the feature then with Tukey's h of 0.34, ρ = 0.27 before",
        explained::Draw::Heavy(0.27),
    ),
    ("R², the same, ρ = 0.8 before", explained::Draw::Heavy(0.8)),
    (
        "ε², five categories, means 0.2 σ apart",
        explained::Draw::Groups(0.2),
    ),
    ("ε², means 0.4 σ apart", explained::Draw::Groups(0.4)),
    ("ε², means 0.6 σ apart", explained::Draw::Groups(0.6)),
    (
        "ε², a log-normal number, means of the logarithm 0.4 σ apart",
        explained::Draw::SkewedGroups(0.4),
    ),
];

/// Days of the baseline, and the correlation of an hour with that of the day before.
const LEVELS: [(usize, f64); 7] = [
    (4, 0.0),
    (8, 0.0),
    (14, 0.0),
    (28, 0.0),
    (8, 0.6),
    (14, 0.6),
    (28, 0.6),
];

/// Windows of the baseline, whether they are hours with a season of the day, and the correlation of one with that before.
const SHIFTS: [(usize, bool, f64); 4] = [
    (100, false, 0.0),
    (100, false, 0.6),
    (8 * 24, true, 0.0),
    (8 * 24, true, 0.6),
];

fn main() -> ExitCode {
    println!(
        "# Does the false-alarm budget hold?

This page is written by `make calibration-report`. What the words mean is said in [Statistics](statistics.md).

Simulated are {NUMBERS} features that are numbers and {} that are a number in five categories, 5 % of them null, with a correlation of 0.5
with each other, a range and accepted categories that refuse 5 % of the values, two classes, four segments, 5 % of rows with a key that came
before. Half of the numbers are normal; the others have heavy tails (Tukey's h of 0.34), with 5 % of the values beyond the fences of outliers. Of
every second feature a flag says that 5 % of the values, all the same one, were filled in; a quarter of the numbers has three digits, so that some
come twice by chance. The budget is that of the example: one false warning a window, and {:.2} false critical alarms. Each
baseline of {WINDOWS} windows is drawn anew. An alarm is a run of windows in which one check of one feature is over its limit. What
is *used* is the number of alarms as a multiple of the check's part of the budget, with an interval that holds it with 95 %
confidence: the wider one of that which the numbers of the baselines tell, since alarms of one baseline come together, and the exact
one of alarms that are independent of each other (Garwood 1936). At most 1.25 is promised; a promise is broken where the whole interval is
above that, or the estimate of at least ten alarms. Where fewer than ten were to be expected, a line says that there are not
enough windows to tell. *Beyond the null* is how often a test was beyond its sampling null alone, as a multiple of α: the limit is
the largest of that, of what the windows of the baseline differ by, and of the effect floor. Where nothing wanders its interval is not to lie
above 1.25 or below 0.75. Two nulls are bounds and may be lower: that of correlation, the largest of a feature's 19 pairs by Bonferroni, and
that of imputation without a flag, how often a number can be that was rare in the baseline. Where alarms are few it is the upper end of
their interval that tells.
",
        FEATURES - NUMBERS,
        BUDGET.critical
    );
    // A thread each: they are of different length.
    let trials = (10..).zip(TRIALS);
    let trials: Vec<_> = trials
        .map(|(seed, (what, trial))| (what, trial, spawn(move || undrifted(seed, trial))))
        .collect();
    let changes = (20..).zip(CHANGES);
    let changes: Vec<_> = changes
        .map(|(seed, change)| (change.what, spawn(move || found(seed, change, CHANGED))))
        .collect();
    let associations = PAIRS.map(|(what, draw, baseline)| {
        let rates = spawn(move || rates(draw, baseline, 300, 1_500, 60_000));
        (what, rates)
    });
    let explained = EXPLAINED.map(|(what, draw)| {
        let rates = spawn(move || explained::rates(draw, 300, 1_000));
        (what, rates)
    });
    let levels = (1..).zip(LEVELS).map(|(seed, (cycles, rho))| {
        let alarms = spawn(move || level::undrifted(seed, cycles, rho));
        (format!("`level`, {cycles} days"), rho, alarms)
    });
    let shifts = (1..).zip(SHIFTS).map(|(seed, (windows, seasonal, rho))| {
        let alarms = spawn(move || shift::undrifted(seed, rho, windows, seasonal));
        let season = if seasonal {
            " with a season of the day"
        } else {
            ""
        };
        (format!("`shift`, {windows} windows{season}"), rho, alarms)
    });
    let of_time: Vec<_> = levels.chain(shifts).collect();
    let mut broken = Vec::new();
    let mut beyond_null = BTreeMap::<&str, u32>::new();
    for (what, trial, outcome) in trials {
        println!("## {what}\n");
        if trial.judged == Judged::WithNumber {
            println!(
                "The features tell a number, which has a correlation of 0.54 with the first of them.\n"
            );
        }
        match trial.wanders {
            Wanders::Nothing if trial.judged == Judged::Whole => println!(
                "Here, with nothing else judged, the budget is 0.1 false warnings a window and 0.02 false critical alarms, of two tests.\n"
            ),
            Wanders::Nothing => {}
            Wanders::Means => println!(
                "The mean of each feature wanders by 0.08 standard deviations: it is 0.6 times that of the window before, and \
                 something new.\n"
            ),
            Wanders::Everything if trial.judged == Judged::Whole => {
                println!("With the same budget, everything wanders as above.\n");
            }
            Wanders::Everything => println!(
                "The share of nulls and that of what flags say was filled in, each of all features together, and that of keys that come
twice wander too, by 0.14 times themselves, the correlation of the first feature with the others by 0.02, and its AUC by 0.01.
"
            ),
        }
        let outcome = outcome.join().unwrap();
        table(&outcome, trial);
        let own = broken_promises(&outcome, trial.wanders).into_iter();
        broken.extend(own.map(|promise| format!("{what}: {promise}")));
        for check in outcome.tested() {
            let beyond = outcome.beyond_null(check).warning.count;
            *beyond_null.entry(check.name()).or_default() += beyond;
        }
    }
    let idle = beyond_null.iter().filter(|(_, beyond)| **beyond == 0);
    broken.extend(
        idle.map(|(check, _)| format!("{check}: never beyond its null, so nothing is tried")),
    );
    println!(
        "## Checks of time

Windows of a single value. Of `level` the baseline is an hour of the day on so many days, and six hours of the next day are judged, of eight
features: 300 baselines, at α = 0.05 for a warning and 0.0025 for a critical alarm. Of `shift` 60 baselines are drawn, and 4,800 windows
judged by each, at α = 0.01 and 0.002. ρ is the correlation of a window with the one before, of `level` with the same hour of the day
before. None of the two has a sampling null.

| check and its baseline | ρ | warnings: alarms | used | critical: alarms | used |
|---|--:|--:|--:|--:|--:|"
    );
    for (what, rho, alarms) in of_time {
        let alarms = alarms.join().unwrap();
        let used = alarms.map(|(counts, expected)| Rate::of(&counts, expected));
        let cells = used.map(|used| format!("{} | {}", used.count, told(used)));
        println!(
            "| {what} | {rho:.1} | {} | {} |",
            cells.warning, cells.critical
        );
        for (severity, used) in [("warnings", used.warning), ("critical", used.critical)] {
            // What never alarms tries nothing; of critical alarms of few days that is what they are to be.
            if used.broken() || (severity == "warnings" && used.count == 0) {
                broken.push(format!("{what}, ρ = {rho}, {severity}: {used:.2?}"));
            }
        }
    }
    println!(
        "
## The sampling null of associations

Pairs of columns, eight baseline windows of 300 rows each: how often the association of a window of 300 rows is further from the
baseline's than the null at α, as a multiple of α. Below 1 the null is too careful. 1,500 baselines and 60,000 windows, each with
each: at 0.001 that tells the rate to about 15 %.

| pair | α = 0.05 | 0.01 | 0.001 |
|---|--:|--:|--:|"
    );
    for (what, rates) in associations {
        let [first, second, third] = rates.join().unwrap();
        println!("| {what} | {first:.2} | {second:.2} | {third:.2} |");
        broken.extend(broken_null(what, 0.05, first));
    }
    println!(
        "
## The sampling null of what a feature explains of a number

How often R² of a straight line or ε² of categories falls further than the null at α, as a multiple of α: windows of 300 rows against
eight of 300, 1,000 baselines with 20 windows each.

| feature | α = 0.05 | 0.01 |
|---|--:|--:|"
    );
    for (what, rates) in explained {
        let rates = rates.join().unwrap();
        println!("| {what} | {:.2} | {:.2} |", rates.warning, rates.critical);
        broken.extend(broken_null(what, 0.05, rates.warning));
        broken.extend(broken_null(what, 0.01, rates.critical));
    }
    println!("\n## What is found\n");
    println!(
        "{CHANGED} windows of 5,000 rows, each against a baseline of 40,000 of its own. *At least* is the lower end of the exact interval with 95 %
confidence (Clopper and Pearson 1934), of {CHANGED} runs: what one says of several features is no more than what it says of one.
"
    );
    println!("| what changes | found as a warning | at least |\n|---|--:|--:|");
    for (what, shares) in changes {
        let shares = shares.join().unwrap();
        let found: f64 = shares.iter().sum();
        let share = found / f64::from(CHANGED);
        let least = at_least(found as u32, CHANGED);
        println!(
            "| {what} | {:.1} % | {:.1} % |",
            100.0 * share,
            100.0 * least
        );
        if share < POWER {
            broken.push(format!("{what}: found in {share:.3}, at least {least:.3}"));
        }
    }
    for what in &broken {
        eprintln!("not as promised: {what}");
    }
    match broken.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What does not hold of a trial, in words.
fn broken_promises(outcome: &Outcome, wanders: Wanders) -> Vec<String> {
    let (mut broken, tested) = (Vec::new(), outcome.tested());
    if tested != outcome.judged.checks() {
        let names: Vec<&str> = tested.iter().map(|check| check.name()).collect();
        broken.push(format!("tests of {names:?} alone"));
    }
    for check in &tested {
        let share = outcome.judged_share(*check);
        if share < JUDGED {
            broken.push(format!(
                "{}: {share:.2} of its tests came to a verdict",
                check.name()
            ));
        }
    }
    let each = tested.iter().map(|check| (check.name(), vec![*check]));
    for (name, checks) in each.chain([("all", tested.clone())]) {
        let used = outcome.used(&checks);
        for (severity, used) in [("warnings", used.warning), ("critical", used.critical)] {
            if used.broken() {
                broken.push(format!("{name}, {severity}: {used:.2?}"));
            }
        }
    }
    // Where windows differ by more than chance, their spread makes the limit.
    if wanders != Wanders::Nothing {
        return broken;
    }
    let nulls = tested.iter().map(|check| {
        let exact = !BOUNDS.contains(check);
        (check.name(), outcome.beyond_null(*check), exact)
    });
    let without_flag = without_flag(outcome).map(|(name, beyond)| (name, beyond, false));
    for (name, beyond, exact) in nulls.chain(without_flag) {
        for (severity, beyond) in [("warnings", beyond.warning), ("critical", beyond.critical)] {
            let too_few = exact && beyond.tells() && beyond.surely_too_few();
            if beyond.surely_broken() || too_few {
                broken.push(format!("{name}, null of {severity}: {beyond:.2?}"));
            }
        }
    }
    broken
}

/// How often imputation without a flag is beyond its null, where it is tested.
fn without_flag(outcome: &Outcome) -> Option<(&'static str, BySeverity<Rate>)> {
    let tested = outcome.tested().contains(&Check::Imputation);
    tested.then(|| {
        (
            "imputation without a flag",
            outcome.beyond_null_without_flag(),
        )
    })
}

/// What is wrong with a sampling null that is exceeded so often, as a multiple of α.
fn broken_null(what: &str, alpha: f64, rate: f64) -> Option<String> {
    // What is no number holds nothing.
    let held = (rate - 1.0).abs() <= NULL || (CAREFUL.contains(&what) && rate < 1.0);
    (!held).then(|| format!("{what}: {rate:.2} of α = {alpha}"))
}

fn table(outcome: &Outcome, trial: Trial) {
    println!(
        "| check | warnings: alarms | used | beyond the null | critical: alarms | used | beyond the null |\n|---|--:|--:|--:|--:|--:|--:|"
    );
    for check in outcome.tested() {
        let beyond_null = outcome.beyond_null(check).map(told);
        row(check.name(), outcome.used(&[check]), beyond_null);
    }
    if let Some((name, beyond)) = without_flag(outcome) {
        let BySeverity { warning, critical } = beyond.map(told);
        println!("| {name} |  |  | {warning} |  |  | {critical} |");
    }
    let all = outcome.used(&outcome.tested());
    row("all", all, BySeverity::default());
    println!(
        "\n{} windows of {} baselines.\n",
        outcome.windows, trial.baselines
    );
}

fn row(name: &str, used: BySeverity<Rate>, beyond_null: BySeverity<String>) {
    let cells = used
        .zip(beyond_null)
        .map(|(used, beyond_null)| format!("{} | {} | {beyond_null}", used.count, told(used)));
    println!("| {name} | {} | {} |", cells.warning, cells.critical);
}

/// A rate with its interval, where it says something.
fn told(rate: Rate) -> String {
    match rate.tells() || rate.surely_broken() {
        true => format!("{:.2} ({:.2} to {:.2})", rate.share, rate.low, rate.high),
        false => "not enough windows to tell".to_owned(),
    }
}

/// The least share that is found, with 95 % confidence, where `found` of so many runs were (Clopper and Pearson 1934): with it so many
/// or more would be in one of twenty.
fn at_least(found: u32, runs: u32) -> f64 {
    let more = |share: f64| -> f64 {
        let one = |count: u32| {
            let ways = (0..runs - count).map(|k| f64::from(runs - k) / f64::from(k + 1));
            ways.product::<f64>()
                * share.powi(count as i32)
                * (1.0 - share).powi((runs - count) as i32)
        };
        (found..=runs).map(one).sum()
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        match more(middle) > 0.05 {
            true => high = middle,
            false => low = middle,
        }
    }
    low
}
