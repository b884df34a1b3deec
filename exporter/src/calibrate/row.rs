//! One check of one feature in all replayed windows: its alarms, and the limit that would hold its share of the budget. Pure.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crds::valid;
use stats::limits::{Between, MIN_WINDOWS, Pooled, floors};
use stats::sequential::told_by_ewma;
use stats::{
    Alpha, BySeverity, Check, FeatureReport, Limit, NotComputed, Severity, Statistic, score,
};

use super::calibration::{At, Finding, NoLimit, Proposal, Test, Values, Why};
use super::count::{Count, Holds, alarms};
use super::limit::{self, largest, round_up, sides, spread};
use super::pairs::{Numbers, Pairs};
use crate::monitor::replay::{MeanReading, Replay, Watched};
use crate::settings::check_of;

/// One test in one window.
#[derive(Debug)]
struct Cell {
    statistic: Statistic,
    /// With its sign, where it may pass its limit in both directions.
    signed: f64,
    value: f64,
    /// Whether the window has enough rows to alarm.
    may_alarm: bool,
    over: BySeverity<bool>,
    limits: Option<BySeverity<Limit>>,
}

/// One test in all windows; nothing where it was not computed.
#[derive(Debug)]
pub struct Row<'a> {
    /// The feature, and its place in the baseline.
    feature: (usize, &'a Watched),
    check: Check,
    /// What its values are of.
    pub statistic: Statistic,
    consecutive: NonZeroU32,
    cells: Vec<Option<Cell>>,
    /// Its values in the windows with enough rows, with their signs.
    pub signed: Vec<f64>,
    /// How much they differ; nothing below four, and of a test whose limit does not rest on its own values.
    pub between: Option<Between>,
}

/// What decides about a limit besides its own windows.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// α of one test.
    pub alpha: BySeverity<Option<Alpha>>,
    /// The pairs of features.
    pub pairs: &'a Pairs<'a>,
    /// How many windows a day has, the last one begun counted in.
    pub day: u32,
}

/// A test whose limits are found, and not tried yet.
#[derive(Debug)]
pub struct Draft<'a> {
    row: &'a Row<'a>,
    values: Values,
    at: BySeverity<At>,
    found: BySeverity<Option<(Why, Result<f64, NoLimit>)>>,
}

/// Each check of each feature that was computed in some window, with how much its windows differ.
pub fn rows<'a>(monitor: &valid::Monitor, replay: &'a Replay) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (place, feature) in replay.features.iter().enumerate() {
        for check in Check::ALL {
            let settings = check_of(monitor, check).limits_for(&feature.name);
            let cells = replay.windows.iter().map(|window| {
                let report = window.reports.get(place)?;
                let reading = window.means.get(place).copied().unwrap_or_default();
                cell(
                    report,
                    check,
                    reading,
                    (feature.statistic, settings.min_rows),
                )
            });
            let cells: Vec<Option<Cell>> = cells.collect();
            let Some(last) = cells.iter().flatten().next_back() else {
                continue;
            };
            let may_alarm = cells.iter().flatten().filter(|cell| cell.may_alarm);
            let signed: Vec<f64> = may_alarm.map(|cell| cell.signed).collect();
            rows.push(Row {
                feature: (place, feature),
                check,
                statistic: last.statistic,
                consecutive: settings.consecutive,
                between: spread(last.statistic, &signed),
                signed,
                cells,
            });
        }
    }
    stretch(&mut rows);
    rows
}

/// Widens the bounds of statistics whose windows are like the ones before.
fn stretch(rows: &mut [Row<'_>]) {
    let mut series: BTreeMap<Statistic, Vec<&[f64]>> = BTreeMap::new();
    for row in rows.iter() {
        series.entry(row.statistic).or_default().push(&row.signed);
    }
    let alike = |(statistic, series): (&Statistic, &Vec<&[f64]>)| {
        (*statistic, limit::alike(*statistic, series))
    };
    let alike: BTreeMap<Statistic, f64> = series.iter().map(alike).collect();
    for row in rows {
        let rho = alike.get(&row.statistic).copied().unwrap_or_default();
        row.between = row.between.map(|between| between.stretched(rho));
    }
}

/// What a report says of one check. A feature that moves by construction has no verdict on its drift, but a distance; a shift is told by
/// two charts, of which a limit can be written for the EWMA.
fn cell(
    report: &FeatureReport,
    check: Check,
    reading: MeanReading,
    (alarming, min_rows): (Option<Statistic>, u64),
) -> Option<Cell> {
    match report.verdicts.get(check) {
        Ok(verdict) => {
            let own = Cell {
                statistic: verdict.statistic,
                signed: verdict.value,
                value: verdict.value,
                may_alarm: verdict.rows >= verdict.min_rows,
                over: verdict.over,
                limits: Some(verdict.limits),
            };
            let ewma = reading.ewma.filter(|_| check == Check::Shift);
            Some(match ewma {
                Some(ewma) => Cell {
                    statistic: Statistic::Ewma,
                    signed: ewma.value,
                    value: ewma.value.abs(),
                    limits: Some(ewma.limits),
                    ..own
                },
                None if check == Check::Level => Cell {
                    signed: reading.level.unwrap_or(own.value),
                    ..own
                },
                None => own,
            })
        }
        Err(NotComputed::Moving) if check == Check::Drift => {
            let statistic = alarming?;
            let mut distances = report.distances.iter();
            let (_, distance) = distances.find(|(of, _)| *of == statistic)?;
            let distance = distance.as_ref().ok()?;
            Some(Cell {
                statistic,
                signed: distance.value,
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

    /// What the windows say; nothing when none has enough rows.
    pub fn draft(&self, pooled: Pooled, beside: &Beside<'_>) -> Option<Draft<'_>> {
        let values = Values::of(self.may_alarm().map(|cell| cell.value).collect())?;
        let at = both(|severity| self.at(severity, *beside.alpha.get(severity)));
        let limit = both(|severity| self.limit(severity, pooled, beside, at.get(severity)));
        let why = both(|severity| self.why(severity, at.get(severity), values.windows));
        let warning = why.warning.zip(limit.warning);
        // A warning that is above the limit of a critical alarm would make every warning a critical one.
        let passed = match (&warning, at.critical.limit) {
            (Some((why, Ok(value))), Some(limit)) => why.is_for_the_patch() && *value > limit.value,
            _ => false,
        };
        let critical = match why.critical {
            Some(Why::OverItsShare) => Some(Why::OverItsShare),
            _ if passed => Some(Why::BelowTheNewWarning),
            other => other,
        };
        Some(Draft {
            row: self,
            values,
            at,
            found: BySeverity {
                warning,
                critical: critical.zip(limit.critical),
            },
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

    /// The limit that the windows' own spread asks for at α, never below the one in force; nothing without α.
    fn limit(
        &self,
        severity: Severity,
        pooled: Pooled,
        beside: &Beside<'_>,
        at: &At,
    ) -> Option<Result<f64, NoLimit>> {
        let alpha = (*beside.alpha.get(severity))?.value;
        let place = self.feature.0;
        let bound = match self.check {
            Check::Correlation => beside.pairs.bound(place, alpha),
            _ => {
                let alpha = alpha / sides(self.statistic);
                self.between.map(|between| between.bound(pooled, alpha))
            }
        };
        let Some(bound) = bound else {
            let have = at.count.windows;
            return Some(Err(NoLimit::TooFewWindows { have }));
        };
        let in_force = match (self.check, at.limit) {
            (Check::Correlation, _) => beside.pairs.in_force(place, severity),
            (_, Some(limit)) => limit.value,
            (_, None) => floors(self.statistic).map_or(0.0, |floors| *floors.get(severity)),
        };
        let value = round_up(bound.max(in_force));
        let largest = largest(self.statistic);
        Some(match value < largest {
            true => Ok(value),
            false => Err(NoLimit::NoneHolds { largest }),
        })
    }

    /// The alarms that there would have been with this limit, and with these of pairs.
    fn alarms(
        &self,
        severity: Severity,
        limit: f64,
        beside: &Beside<'_>,
        numbers: &Numbers,
    ) -> u64 {
        let there = self.cells.iter();
        let over: Vec<Option<bool>> = match self.check {
            Check::Correlation => {
                let mut numbers = numbers.clone();
                let own = numbers.entry(self.feature.0).or_default();
                match severity {
                    Severity::Warning => own.warning = Some(limit),
                    Severity::Critical => own.critical = Some(limit),
                }
                let over = beside.pairs.over(self.feature.0, severity, &numbers);
                let over = there.zip(over);
                over.map(|(cell, over)| cell.as_ref().map(|_| over))
                    .collect()
            }
            Check::Shift => {
                let values = self.cells.iter().flatten().map(|cell| cell.signed);
                let mut told = told_by_ewma(values, limit, beside.day).into_iter();
                there
                    .map(|cell| cell.as_ref().and_then(|_| told.next()))
                    .collect()
            }
            _ => {
                let over = |cell: &Cell| cell.may_alarm && score(cell.value, limit) >= 1.0;
                there.map(|cell| cell.as_ref().map(over)).collect()
            }
        };
        alarms(over, self.consecutive)
    }
}

impl Draft<'_> {
    /// The limits of a feature's pairs that are for the patch, with the feature's place; nothing of another check.
    pub fn numbers(&self) -> Option<(usize, BySeverity<Option<f64>>)> {
        let number = |severity| {
            let (why, limit) = (*self.found.get(severity))?;
            let value = limit.ok().filter(|_| why.is_for_the_patch())?;
            self.at.get(severity).raises(value).then_some(value)
        };
        (self.row.check == Check::Correlation).then(|| (self.row.feature.0, both(number)))
    }

    /// The test, with the alarms that its limits would have let through.
    pub fn tried(self, beside: &Beside<'_>, numbers: &Numbers) -> Test {
        let row = self.row;
        let mut at = self.at;
        for (severity, at) in [
            (Severity::Warning, &mut at.warning),
            (Severity::Critical, &mut at.critical),
        ] {
            at.finding = self.found.get(severity).map(|(why, limit)| Finding {
                why,
                proposal: match limit {
                    Err(none) => Proposal::None(none),
                    Ok(value) => {
                        let alarms = row.alarms(severity, value, beside, numbers);
                        let count = Count::new(at.count.windows, at.count.expected, alarms);
                        Proposal::Limit { value, count }
                    }
                },
            });
        }
        Test {
            feature: row.feature.1.name.clone(),
            check: row.check,
            statistic: row.statistic,
            values: self.values,
            at,
        }
    }
}

/// Both severities, by a function of the severity.
pub fn both<T>(mut of: impl FnMut(Severity) -> T) -> BySeverity<T> {
    BySeverity {
        warning: of(Severity::Warning),
        critical: of(Severity::Critical),
    }
}
