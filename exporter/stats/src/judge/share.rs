//! A share of rows that may not rise above the baseline's.

use super::{ALWAYS, CheckSettings, verdict};
use crate::distance::{NotComputed, Statistic};
use crate::imputed::Imputed;
use crate::keys::Keys;
use crate::limits::{self, Alpha, Parts, floors};
use crate::summary::Summary;
use crate::verdict::{BySeverity, Check, Verdict};

/// Some of a window's rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    pub(super) counted: u64,
    pub(super) rows: u64,
}

impl Share {
    pub(super) fn missing(window: &Summary) -> Self {
        Share {
            counted: window.nulls,
            rows: window.rows,
        }
    }

    pub(super) fn invalid(window: &Summary) -> Self {
        Share {
            counted: window.invalid,
            rows: window.filled(),
        }
    }

    pub(super) fn outliers(window: &Summary) -> Self {
        Share {
            counted: window.outliers,
            rows: window.finite(),
        }
    }

    /// Of a window in which it is told which values were filled in.
    pub(super) fn imputed(imputed: &Imputed) -> Self {
        Share {
            counted: imputed.count,
            rows: imputed.rows,
        }
    }

    pub(super) fn duplicates(keys: &Keys) -> Self {
        Share {
            counted: keys.duplicates(),
            rows: keys.sampled_rows,
        }
    }

    /// That of all windows together.
    pub(super) fn pooled(windows: &[Share]) -> Self {
        let sum = |of: fn(&Share) -> u64| windows.iter().map(of).sum::<u64>();
        Share {
            counted: sum(|share| share.counted),
            rows: sum(|share| share.rows),
        }
    }

    fn value(self) -> Option<f64> {
        (self.rows > 0).then(|| self.counted as f64 / self.rows as f64)
    }
}

/// The test of one share of one feature, or of the window.
#[derive(Debug, Clone)]
pub(super) struct ShareTest {
    check: Check,
    reference: Share,
    /// Of each window less that of the others.
    differences: Vec<f64>,
    bound: BySeverity<Option<f64>>,
    /// The sampling null at an α, of so many counted of so many rows of the reference, and so many rows.
    null: fn(f64, u64, u64, u64) -> f64,
    settings: CheckSettings,
}

impl ShareTest {
    /// A test against `reference`, the baseline's `windows` pooled. Its bound between windows follows with [`bind`].
    pub(super) fn new(
        check: Check,
        reference: Share,
        windows: &[Share],
        settings: CheckSettings,
    ) -> Self {
        ShareTest {
            check,
            reference,
            differences: differences(windows),
            bound: BySeverity::default(),
            null: limits::share_null,
            settings,
        }
    }

    /// The same of the most frequent of many numbers.
    pub(super) fn of_the_most_frequent(self) -> Self {
        ShareTest {
            null: limits::fill_null,
            ..self
        }
    }

    fn statistic(&self) -> Option<Statistic> {
        match self.check {
            Check::Missing => Some(Statistic::MissingShare),
            Check::Quality => Some(Statistic::InvalidShare),
            Check::Outliers => Some(Statistic::OutlierShare),
            Check::Duplicates => Some(Statistic::DuplicateShare),
            Check::Imputation => Some(Statistic::ImputedShare),
            Check::Drift
            | Check::Correlation
            | Check::Performance
            | Check::Level
            | Check::Shift
            | Check::MissingPatterns
            | Check::Segments => None,
        }
    }

    fn judge(
        &self,
        window: Share,
        alpha: BySeverity<Option<Alpha>>,
    ) -> Result<Verdict, NotComputed> {
        let statistic = self.statistic().ok_or(NotComputed::Disabled)?;
        let floors = floors(statistic).ok_or(NotComputed::Disabled)?;
        let need = statistic.minimum();
        let none = NotComputed::NoReference { have: 0, need };
        let before = self.reference.value().ok_or(none)?;
        let none = NotComputed::TooFewRows { have: 0, need };
        let now = window.value().ok_or(none)?;
        let Share { counted, rows } = self.reference;
        let null = alpha.map(|alpha| {
            let alpha = alpha?.value;
            Some((self.null)(alpha, counted, rows, window.rows))
        });
        let parts = Parts::both(null, self.bound, self.settings.limits);
        let limits = limits::limits(floors, parts);
        Ok(verdict(
            self.check,
            statistic,
            now - before,
            window.rows,
            self.settings.min_rows,
            limits,
            ALWAYS,
        ))
    }
}

/// Gives tests of the same share their bounds between windows at `alpha`, each with the spread of all of them beside its own.
pub(super) fn bind<'a>(
    tests: impl Iterator<Item = &'a mut Result<ShareTest, NotComputed>>,
    alpha: BySeverity<Option<Alpha>>,
) {
    let mut tests: Vec<&mut ShareTest> = tests.filter_map(|test| test.as_mut().ok()).collect();
    let series: Vec<&[f64]> = tests.iter().map(|test| &*test.differences).collect();
    let bounds = limits::bounds(&series, alpha);
    for (test, bound) in tests.iter_mut().zip(bounds) {
        test.bound = bound;
    }
}

/// Judges a window by a test, or says why there is none.
pub(super) fn judge(
    test: &Result<ShareTest, NotComputed>,
    window: Result<Share, NotComputed>,
    alpha: BySeverity<Option<Alpha>>,
) -> Result<Verdict, NotComputed> {
    let test = test.as_ref().map_err(|reason| *reason)?;
    if !test.settings.enabled {
        return Err(NotComputed::Disabled);
    }
    test.judge(window?, alpha)
}

/// Share of each window minus that of the others pooled.
fn differences(windows: &[Share]) -> Vec<f64> {
    let all = Share::pooled(windows);
    let difference = |window: &Share| {
        let others = Share {
            counted: all.counted - window.counted,
            rows: all.rows - window.rows,
        };
        Some(window.value()? - others.value()?)
    };
    windows.iter().filter_map(difference).collect()
}
