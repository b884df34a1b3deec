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
#[path = "../tests/simulation/trial.rs"]
mod trial;

use std::process::ExitCode;
use std::thread::spawn;

use draw::{Baseline, Draw, rates};
use stats::BySeverity;
use trial::{
    BUDGET, CHANGES, FEATURES, NUMBERS, Outcome, Predicted, Trial, Used, WINDOWS, Wanders, found,
    undrifted,
};

/// Baselines against which changes are looked for.
const CHANGED: u32 = 20;

const TRIALS: [(&str, Trial); 5] = [
    (
        "Windows of 300 rows",
        Trial {
            rows: 300,
            predicted: Predicted::Classes,
            wanders: Wanders::Nothing,
            baselines: 200,
            windows: 5,
        },
    ),
    (
        "Windows of 300 rows, and a number to tell",
        Trial {
            rows: 300,
            predicted: Predicted::Number,
            wanders: Wanders::Nothing,
            baselines: 120,
            windows: 5,
        },
    ),
    (
        "Windows of 5,000 rows",
        Trial {
            rows: 5_000,
            predicted: Predicted::Classes,
            wanders: Wanders::Nothing,
            baselines: 50,
            windows: 5,
        },
    ),
    (
        "Windows of 1,000 rows that resemble the one before",
        Trial {
            rows: 1_000,
            predicted: Predicted::Classes,
            wanders: Wanders::Means,
            baselines: 80,
            windows: 12,
        },
    ),
    (
        "Windows of 1,000 rows that resemble the one before in everything",
        Trial {
            rows: 1_000,
            predicted: Predicted::Classes,
            wanders: Wanders::Everything,
            baselines: 400,
            windows: 6,
        },
    ),
];

/// Pairs of columns, in words.
const PAIRS: [(&str, Draw, Baseline); 21] = [
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
        "Cramér's V, 2 × 2, independent",
        Draw::Binary(0.0),
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

/// A feature and a number, in words.
const EXPLAINED: [(&str, explained::Draw); 7] = [
    ("R², normal, ρ = 0.27", explained::Draw::Normal(0.27)),
    ("R², normal, ρ = 0.8", explained::Draw::Normal(0.8)),
    (
        "R², Student's t with 5 degrees of freedom, ρ about 0.4",
        explained::Draw::Student(0.4),
    ),
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

fn main() -> ExitCode {
    println!(
        "# Does the false-alarm budget hold?

This page is written by `make calibration-report`. What the words mean is said in [Statistics](statistics.md).

Simulated are {NUMBERS} normal features and {} that are such a number in five categories, 5 % of them null, with a correlation of 0.5
with each other, a range and accepted categories that refuse 5 % of the values, two classes, four segments, 5 % of rows with a key that came
before, and the budget of the example: one false warning a window, and {:.2} false critical alarms. Each
baseline of {WINDOWS} windows is drawn anew. An alarm is a run of windows in which one check of one feature is over its limit. What
is *used* is the number of alarms as a multiple of the check's part of the budget, with an interval that holds it with 95 %
confidence: the wider one of that which the numbers of the baselines tell, since alarms of one baseline come together, and the exact
one of alarms that are independent of each other (Garwood 1936). At most 1.25 is promised. *Beyond the null* is how often a test
was beyond its sampling null alone, as a multiple of α: the limit is the largest of that, of what the windows of the baseline
differ by, and of the effect floor.
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
        let rates = spawn(move || rates(draw, baseline, 300, 500, 20_000));
        (what, rates)
    });
    let explained = EXPLAINED.map(|(what, draw)| {
        let rates = spawn(move || explained::rates(draw, 300, 1_000));
        (what, rates)
    });
    let mut broken = Vec::new();
    for (what, trial, outcome) in trials {
        println!("## {what}\n");
        if trial.predicted == Predicted::Number {
            println!(
                "The features tell a number, which has a correlation of 0.54 with the first of them.\n"
            );
        }
        match trial.wanders {
            Wanders::Nothing => {}
            Wanders::Means => println!(
                "The mean of each feature wanders by 0.08 standard deviations: it is 0.6 times that of the window before, and \
                 something new.\n"
            ),
            Wanders::Everything => println!(
                "The share of nulls of all features together and that of keys that come twice wander too, by 0.14 times themselves, the
correlation of the first feature with the others by 0.02, and its AUC by 0.01.
"
            ),
        }
        let outcome = outcome.join().unwrap();
        table(&outcome, trial);
        broken.extend(broken_promises(&outcome).map(|check| format!("{what}: {check}")));
    }
    println!(
        "## The sampling null of associations

Pairs of columns, eight baseline windows of 300 rows each: how often the association of a window of 300 rows is further from the
baseline's than the null at α, as a multiple of α. Below 1 the null is too careful. 500 baselines and 20,000 windows, each with each.

| pair | α = 0.05 | 0.01 | 0.001 |
|---|--:|--:|--:|"
    );
    for (what, rates) in associations {
        let [first, second, third] = rates.join().unwrap();
        println!("| {what} | {first:.2} | {second:.2} | {third:.2} |");
    }
    println!(
        "
## The sampling null of what a feature explains of a number

How often R² of a straight line or ε² of categories falls further than the null at α, as a multiple of α: windows of 300 rows against
eight of 300, 1,000 baselines with 20 windows each. Of a number whose tails are as heavy as that of the last line 300 rows say little about
how much the share varies; there the windows' own spread makes the limit.

| feature | α = 0.05 | 0.01 |
|---|--:|--:|"
    );
    for (what, rates) in explained {
        let rates = rates.join().unwrap();
        println!("| {what} | {:.2} | {:.2} |", rates.warning, rates.critical);
    }
    println!("\n## What is found\n");
    println!("{CHANGED} windows of 5,000 rows, each against a baseline of 40,000 of its own.\n");
    println!("| what changes | found as a warning |\n|---|--:|");
    for (what, share) in changes {
        let share = share.join().unwrap();
        println!("| {what} | {:.1} % |", 100.0 * share);
        if share < 0.95 {
            broken.push(format!("{what}: found in {share:.3}"));
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

/// The checks that use more than 1.25 of their part of the budget, where that is more than a few alarms.
fn broken_promises(outcome: &Outcome) -> impl Iterator<Item = &'static str> {
    let tested = outcome.tested().into_iter();
    let broken = tested.filter(|check| {
        let used = outcome.used(&[*check]);
        let broken = used.map(|used| used.share > 1.25 && used.alarms >= 10);
        broken.warning || broken.critical
    });
    broken.map(|check| check.name())
}

fn table(outcome: &Outcome, trial: Trial) {
    println!(
        "| check | warnings: alarms | used | beyond the null | critical: alarms | used | beyond the null |\n|---|--:|--:|--:|--:|--:|--:|"
    );
    for check in outcome.tested() {
        let beyond_null = outcome.beyond_null(check).map(|rate| format!("{rate:.2}"));
        row(check.name(), outcome.used(&[check]), beyond_null);
    }
    let all = outcome.used(&outcome.tested());
    row("all", all, BySeverity::default());
    println!(
        "\n{} windows of {} baselines.\n",
        outcome.judged, trial.baselines
    );
}

fn row(name: &str, used: BySeverity<Used>, beyond_null: BySeverity<String>) {
    let cells = used.zip(beyond_null).map(|(used, beyond_null)| {
        format!(
            "{} | {:.2} ({:.2} to {:.2}) | {beyond_null}",
            used.alarms, used.share, used.low, used.high
        )
    });
    println!("| {name} | {} | {} |", cells.warning, cells.critical);
}
