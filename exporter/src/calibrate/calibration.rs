//! From the verdicts on replayed windows to how often each check alarms, and which limits would hold the budget. Pure.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::num::NonZeroU32;

use crds::valid;
use serde::Serialize;
use stats::limits::{Between, MIN_WINDOWS, Pooled, floors};
use stats::{
    Alpha, ByCheck, BySeverity, Check, FeatureReport, Limit, NotComputed, Scope, Severity,
    Statistic, score,
};

use super::count::{Count, Holds, alarms};
use super::limit::{self, largest, not_proposed, round_up, spread};
use crate::monitor::replay::{Replay, Watched};
use crate::settings::{budget_per_window, check_of};

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
    /// The recipe asks for more than the largest value there is, or than the manifest takes.
    NoneHolds {
        /// That number.
        largest: f64,
    },
    /// The limit is shared with other tests.
    Shared,
    /// Too few windows have a value.
    TooFewWindows {
        /// How many have one.
        have: usize,
    },
    /// The limit is a quantile of the season: windows say none, however many there are.
    OfSeason,
    /// The limits are those of charts, which follow from a run length: windows say none, however many there are.
    OfRunLength,
}

/// One test in one window.
struct Cell {
    statistic: Statistic,
    value: f64,
    /// Whether the window has enough rows to alarm.
    may_alarm: bool,
    over: BySeverity<bool>,
    limits: Option<BySeverity<Limit>>,
}

/// One test in all windows; nothing where it was not computed.
struct Row<'a> {
    feature: &'a Watched,
    check: Check,
    statistic: Statistic,
    consecutive: NonZeroU32,
    cells: Vec<Option<Cell>>,
    between: Option<Between>,
}

/// Counts the alarms of a replay, and computes limits where there are too many.
pub fn calibration(monitor: &valid::Monitor, replay: &Replay) -> Calibration {
    let mut rows = rows(monitor, replay);
    stretch(&mut rows);
    let mut spreads: BTreeMap<Statistic, Vec<(Vec<f64>, &Between)>> = BTreeMap::new();
    for row in &rows {
        let spread = row.between.iter().map(|between| (row.values(), between));
        spreads.entry(row.statistic).or_default().extend(spread);
    }
    let pooled: BTreeMap<Statistic, Pooled> = spreads
        .iter()
        .map(|(statistic, tests)| {
            let tests = tests.iter().map(|(values, own)| (values.as_slice(), *own));
            (*statistic, limit::pooled(*statistic, tests))
        })
        .collect();
    let tests: Vec<Test> = rows
        .iter()
        .filter_map(|row| {
            let pooled = pooled.get(&row.statistic).copied().unwrap_or_default();
            row.test(pooled, replay.alpha)
        })
        .collect();

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
            match reasons.iter_mut().find(same) {
                _ if is_about_nothing(&reason) => {}
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
    /// The limit that the patch is to have: one that helps, and is another than the one in force.
    pub fn patched(&self) -> Option<f64> {
        let finding = self.finding.as_ref()?;
        match finding.proposal {
            Proposal::Limit { value, .. } if finding.why.is_for_the_patch() => {
                let in_force = self.limit.map(|limit| limit.value);
                in_force.is_none_or(|limit| value > limit).then_some(value)
            }
            _ => None,
        }
    }
}

impl Test {
    /// Whether it has more alarms than its share, at one severity at least.
    pub fn is_over(&self) -> bool {
        self.found(Why::OverItsShare).is_some()
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

/// Both severities, by a function of the severity.
fn both<T>(mut of: impl FnMut(Severity) -> T) -> BySeverity<T> {
    BySeverity {
        warning: of(Severity::Warning),
        critical: of(Severity::Critical),
    }
}

fn rows<'a>(monitor: &valid::Monitor, replay: &'a Replay) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (place, feature) in replay.features.iter().enumerate() {
        for check in Check::ALL {
            let settings = check_of(monitor, check).limits_for(&feature.name);
            let cell = |reports: &Vec<FeatureReport>| {
                let report = reports.get(place)?;
                cell(report, check, feature.statistic, settings.min_rows)
            };
            let cells: Vec<Option<Cell>> = replay
                .windows
                .iter()
                .map(|window| cell(&window.reports))
                .collect();
            let Some(statistic) = cells
                .iter()
                .flatten()
                .next_back()
                .map(|cell| cell.statistic)
            else {
                continue;
            };
            let mut row = Row {
                feature,
                check,
                statistic,
                consecutive: settings.consecutive,
                cells,
                between: None,
            };
            row.between = spread(statistic, &row.values());
            rows.push(row);
        }
    }
    rows
}

/// Widens the bounds of statistics whose windows are like the ones before.
fn stretch(rows: &mut [Row<'_>]) {
    let mut series: BTreeMap<Statistic, Vec<Vec<f64>>> = BTreeMap::new();
    for row in rows.iter() {
        series.entry(row.statistic).or_default().push(row.values());
    }
    let alike = |(statistic, series): (&Statistic, &Vec<Vec<f64>>)| {
        let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
        (*statistic, limit::alike(*statistic, &series))
    };
    let alike: BTreeMap<Statistic, f64> = series.iter().map(alike).collect();
    for row in rows {
        let rho = alike.get(&row.statistic).copied().unwrap_or_default();
        row.between = row.between.map(|between| between.stretched(rho));
    }
}

/// What a report says of one check. A feature that moves by construction has no verdict on its drift, but a distance.
fn cell(
    report: &FeatureReport,
    check: Check,
    alarming: Option<Statistic>,
    min_rows: u64,
) -> Option<Cell> {
    match report.verdicts.get(check) {
        Ok(verdict) => Some(Cell {
            statistic: verdict.statistic,
            value: verdict.value,
            may_alarm: verdict.rows >= verdict.min_rows,
            over: verdict.over,
            limits: Some(verdict.limits),
        }),
        Err(NotComputed::Moving) if check == Check::Drift => {
            let statistic = alarming?;
            let mut distances = report.distances.iter();
            let (_, distance) = distances.find(|(of, _)| *of == statistic)?;
            let distance = distance.as_ref().ok()?;
            Some(Cell {
                statistic,
                value: distance.value,
                may_alarm: distance.compared.1 >= min_rows,
                over: BySeverity::default(),
                limits: None,
            })
        }
        Err(_) => None,
    }
}

impl Row<'_> {
    fn may_alarm(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().flatten().filter(|cell| cell.may_alarm)
    }

    fn values(&self) -> Vec<f64> {
        self.may_alarm().map(|cell| cell.value).collect()
    }

    /// What the windows say; nothing when none has enough rows.
    fn test(&self, pooled: Pooled, alpha: BySeverity<Option<Alpha>>) -> Option<Test> {
        let values = Values::of(self.values())?;
        let mut at = both(|severity| self.at(severity, *alpha.get(severity)));
        let proposal = |severity, alpha: BySeverity<Option<Alpha>>, at: &BySeverity<At>| {
            let alpha = (*alpha.get(severity))?.value;
            Some(self.proposal(severity, pooled, alpha, at.get(severity)))
        };
        let proposals = both(|severity| proposal(severity, alpha, &at));
        let why = both(|severity| self.why(severity, at.get(severity), values.windows));
        let finding = |why: Option<Why>, proposal: Option<Proposal>| {
            why.zip(proposal)
                .map(|(why, proposal)| Finding { why, proposal })
        };
        at.warning.finding = finding(why.warning, proposals.warning);
        // A warning that is above the limit of a critical alarm would make every warning a critical one.
        let passed = match (&at.warning.finding, at.critical.limit) {
            (Some(finding), Some(limit)) if finding.why.is_for_the_patch() => matches!(
                finding.proposal,
                Proposal::Limit { value, .. } if value > limit.value
            ),
            _ => false,
        };
        let critical = match why.critical {
            Some(Why::OverItsShare) => Some(Why::OverItsShare),
            _ if passed => Some(Why::BelowTheNewWarning),
            other => other,
        };
        at.critical.finding = finding(critical, proposals.critical);
        Some(Test {
            feature: self.feature.name.clone(),
            check: self.check,
            statistic: self.statistic,
            values,
            at,
        })
    }

    fn at(&self, severity: Severity, alpha: Option<Alpha>) -> At {
        let over = |cell: &Cell| *cell.over.get(severity);
        let limits = self
            .may_alarm()
            .filter_map(|cell| Some(*cell.limits?.get(severity)));
        let windows = self.may_alarm().count();
        let share = alpha.map_or(0.0, |alpha| alpha.asked) * windows as f64;
        let cells = self.cells.iter().map(|cell| cell.as_ref().map(over));
        At {
            // Of windows of several sizes the smallest has the largest one, and a number has to do for all.
            limit: limits.max_by(|a, b| a.value.total_cmp(&b.value)),
            over: self.may_alarm().filter(|cell| over(cell)).count(),
            count: Count::new(windows, share, alarms(cells, self.consecutive)),
            finding: None,
        }
    }

    fn why(&self, severity: Severity, at: &At, windows: usize) -> Option<Why> {
        if self.may_alarm().any(|cell| cell.limits.is_none()) {
            Some(Why::Moving)
        } else if at.count.holds() == Holds::Over {
            Some(Why::OverItsShare)
        } else if windows >= MIN_WINDOWS && at.over * 2 > windows {
            let first = self.may_alarm().next();
            match first.is_some_and(|cell| *cell.over.get(severity)) {
                true => Some(Why::FromTheFirst),
                false => Some(Why::Lasting),
            }
        } else {
            None
        }
    }

    /// The limit that the windows' own spread asks for at α, never below the one in force.
    fn proposal(&self, severity: Severity, pooled: Pooled, alpha: f64, at: &At) -> Proposal {
        if let Some(none) = not_proposed(self.statistic) {
            return none;
        }
        let have = at.count.windows;
        let Some(between) = self.between else {
            return Proposal::TooFewWindows { have };
        };
        let floor = floors(self.statistic).map_or(0.0, |floors| *floors.get(severity));
        let least = at.limit.map_or(floor, |limit| limit.value);
        let value = round_up(between.bound(pooled, alpha).max(least));
        let largest = largest(self.statistic);
        if value >= largest {
            return Proposal::NoneHolds { largest };
        }
        let over = |cell: &Cell| cell.may_alarm && score(cell.value, value) >= 1.0;
        let cells = self.cells.iter().map(|cell| cell.as_ref().map(over));
        let alarms = alarms(cells, self.consecutive);
        let count = Count::new(have, at.count.expected, alarms);
        Proposal::Limit { value, count }
    }
}

impl Values {
    fn of(mut values: Vec<f64>) -> Option<Self> {
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
