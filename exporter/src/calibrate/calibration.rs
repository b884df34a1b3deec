//! From the verdicts on replayed windows to how often each check alarms, and which limits would hold the budget. Pure.

use std::collections::BTreeMap;
use std::mem::discriminant;

use crds::valid;
use serde::Serialize;
use stats::limits::{Between, Pooled};
use stats::{ByCheck, BySeverity, Check, Limit, NotComputed, Scope, Severity, Statistic};

use super::count::Count;
use super::limit;
use super::pairs::{Numbers, Pairs};
use super::row::{Beside, Draft, Row, both, rows};
use crate::monitor::replay::Replay;
use crate::settings::{budget_per_window, check_of, windows_a_day};

/// What the replayed windows say about the budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Of all checks together.
    pub all: BySeverity<Count>,
    /// Of each check that has tests.
    pub checks: ByCheck<Option<BySeverity<Count>>>,
    /// Of each check of each feature that could be judged in some window.
    pub tests: Vec<Test>,
    /// Checks that are on, and by which no window could be judged.
    pub untested: Vec<Untested>,
}

/// A check without a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untested {
    /// The check.
    pub check: Check,
    /// Why, of most features and windows.
    pub why: NotComputed,
}

/// One check of one feature in all windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The feature.
    pub feature: String,
    /// The check.
    pub check: Check,
    /// What it looks at.
    pub statistic: Statistic,
    /// The values of the windows.
    pub values: Values,
    /// What came of them.
    pub at: BySeverity<At>,
}

/// The values of a statistic in the windows that have enough rows to alarm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Values {
    /// How many there are.
    pub windows: usize,
    /// The smallest.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

/// One test at one severity.
#[derive(Clone, Debug, PartialEq)]
pub struct At {
    /// The limit in force, the largest one of the windows; nothing for a feature that moves by construction.
    pub limit: Option<Limit>,
    /// Windows over it.
    pub over: usize,
    /// Alarms, and the share of the budget that is this test's.
    pub count: Count,
    /// What there is to be said about it.
    pub finding: Option<Finding>,
}

/// Why a limit is looked at, and which one would hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Why.
    pub why: Why,
    /// The limit that these windows ask for, or why there is none.
    pub proposal: Proposal,
}

/// Why a limit is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// More alarms than its share of the budget.
    OverItsShare,
    /// The limit of warnings rises above it.
    BelowTheNewWarning,
    /// The feature moves by construction, and so does not alarm.
    Moving,
    /// Over its limit in more than half of the windows and in the first of them, with few alarms: the baseline may not fit.
    FromTheFirst,
    /// Over its limit in more than half of the windows and not in the first, with few alarms: a change that lasts.
    Lasting,
}

impl Why {
    /// Whether another limit is what helps.
    pub fn is_for_the_patch(self) -> bool {
        matches!(self, Self::OverItsShare | Self::BelowTheNewWarning)
    }
}

/// A limit computed from the replayed windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proposal {
    /// A number, and the alarms that there would have been with it.
    Limit {
        /// The number.
        value: f64,
        /// The alarms.
        count: Count,
    },
    /// There is no such number.
    None(NoLimit),
}

/// Why no limit is proposed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoLimit {
    /// The recipe asks for more than the largest value there is, or than the manifest takes.
    NoneHolds {
        /// That number.
        largest: f64,
    },
    /// Too few windows have a value.
    TooFewWindows {
        /// How many have one.
        have: usize,
    },
}

/// Counts the alarms of a replay, and computes limits where there are too many.
pub fn calibration(monitor: &valid::Monitor, replay: &Replay) -> Calibration {
    let rows = rows(monitor, replay);
    let mut spreads: BTreeMap<Statistic, Vec<(&[f64], &Between)>> = BTreeMap::new();
    for row in &rows {
        let spread = row.between.iter().map(|between| (&*row.signed, between));
        spreads.entry(row.statistic).or_default().extend(spread);
    }
    let pooled: BTreeMap<Statistic, Pooled> = spreads
        .iter()
        .map(|(statistic, tests)| (*statistic, limit::pooled(*statistic, tests.iter().copied())))
        .collect();
    let pairs = Pairs::new(
        replay.windows.iter().map(|window| &*window.pairs).collect(),
        min_rows_of_pairs(monitor, replay),
    );
    let beside = Beside {
        alpha: replay.alpha,
        pairs: &pairs,
        day: windows_a_day(monitor),
    };
    let draft = |row| {
        let row: &Row<'_> = row;
        let pooled = pooled.get(&row.statistic).copied().unwrap_or_default();
        row.draft(pooled, &beside)
    };
    let drafts: Vec<Draft<'_>> = rows.iter().filter_map(draft).collect();
    let numbers: Numbers = drafts.iter().filter_map(Draft::numbers).collect();
    let tests = drafts.into_iter();
    let tests: Vec<Test> = tests.map(|draft| draft.tried(&beside, &numbers)).collect();

    let budget = budget_per_window(monitor);
    let alarms = |check: Option<Check>, severity| {
        let of = tests
            .iter()
            .filter(|test| check.is_none_or(|c| c == test.check));
        of.map(|test| test.at.get(severity).count.alarms).sum()
    };
    // `budgets`: the budget of how many windows.
    let count = |check, windows: usize, budgets: f64| {
        both(|severity| {
            let expected = budget.get(severity) * budgets;
            Count::new(windows, expected, alarms(check, severity))
        })
    };
    let sum: usize = replay.tests.iter().map(|(_, tests)| tests).sum();
    let share = |check: Check| *replay.tests.get(check) as f64 / sum.max(1) as f64;
    let windows = replay.windows.len();
    // What features tell about a target that is not known yet cannot alarm, and so has no part of the budget either.
    let pending = replay.target_pending();
    let judged = |check: Check| match check {
        Check::Performance => windows - pending,
        _ => windows,
    };
    let budgets = windows as f64 - share(Check::Performance) * pending as f64;
    Calibration {
        all: count(None, windows, budgets),
        checks: ByCheck::from_fn(|check| {
            let windows = judged(check);
            let any = *replay.tests.get(check) > 0;
            any.then(|| count(Some(check), windows, share(check) * windows as f64))
        }),
        untested: untested(replay, &tests),
        tests,
    }
}

/// The checks without a test that could have one: not those that are off, or about nothing in this manifest.
fn untested(replay: &Replay, tests: &[Test]) -> Vec<Untested> {
    let without = |check: &Check| !tests.iter().any(|test| test.check == *check);
    let why = |check: Check| {
        let whole = check.scope() == Scope::Window;
        let reports = replay.windows.iter().flat_map(|window| &window.reports);
        let reports = reports.filter(|report| report.name.is_empty() == whole);
        let mut reasons: Vec<(NotComputed, usize)> = Vec::new();
        for report in reports {
            let reason = match report.verdicts.get(check) {
                Ok(verdict) => NotComputed::TooFewRows {
                    have: verdict.rows,
                    need: verdict.min_rows,
                },
                Err(reason) => *reason,
            };
            let same = |(known, _): &&mut (NotComputed, usize)| {
                discriminant(known) == discriminant(&reason)
            };
            if is_about_nothing(&reason) {
                continue;
            }
            match reasons.iter_mut().find(same) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason, 1)),
            }
        }
        let (why, _) = reasons.into_iter().max_by_key(|(_, count)| *count)?;
        Some(Untested { check, why })
    };
    Check::ALL
        .into_iter()
        .filter(without)
        .filter_map(why)
        .collect()
}

fn is_about_nothing(reason: &NotComputed) -> bool {
    matches!(
        reason,
        NotComputed::Disabled
            | NotComputed::NotForKind { .. }
            | NotComputed::NotSeasonal
            | NotComputed::Seasonal
    )
}

impl At {
    /// Whether it has more alarms than its share.
    pub fn is_over(&self) -> bool {
        let finding = self.finding.as_ref();
        finding.is_some_and(|finding| finding.why == Why::OverItsShare)
    }

    /// The limit that the patch is to have: one that helps, and is another than the one in force.
    pub fn patched(&self) -> Option<f64> {
        let finding = self.finding.as_ref()?;
        match finding.proposal {
            Proposal::Limit { value, .. } if finding.why.is_for_the_patch() => {
                self.raises(value).then_some(value)
            }
            _ => None,
        }
    }

    /// Whether a limit is above the one in force.
    pub fn raises(&self, value: f64) -> bool {
        self.limit.is_none_or(|limit| value > limit.value)
    }
}

impl Test {
    /// Whether it has more alarms than its share, at one severity at least.
    pub fn is_over(&self) -> bool {
        self.at.iter().any(|(_, at)| at.is_over())
    }

    /// The highest severity of which this is said.
    pub fn found(&self, why: Why) -> Option<Severity> {
        let of = self.at.iter().filter(|(_, at)| {
            let finding = at.finding.as_ref();
            finding.is_some_and(|finding| finding.why == why)
        });
        of.map(|(severity, _)| severity).last()
    }
}

/// How many rows a pair needs to alarm for each feature.
fn min_rows_of_pairs(monitor: &valid::Monitor, replay: &Replay) -> Vec<u64> {
    let settings = check_of(monitor, Check::Correlation);
    let features = replay.features.iter();
    features
        .map(|feature| settings.limits_for(&feature.name).min_rows)
        .collect()
}

impl Values {
    /// Those of some numbers; nothing of none.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            *values.get(middle)?
        } else {
            values
                .get(middle.checked_sub(1)?)?
                .midpoint(*values.get(middle)?)
        };
        Some(Self {
            windows: values.len(),
            min: *values.first()?,
            median,
            max: *values.last()?,
        })
    }
}
