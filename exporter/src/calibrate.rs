//! `calibrate`: windows of the past against the baseline, and whether the false-alarm budget holds on them.
//!
//! ```text
//! monitor::replay (pulls) -> calibration (pure) -> patch (pure) -> table, json (print)
//! ```

pub mod calibration;
pub mod count;
mod json;
mod limit;
mod pairs;
pub mod patch;
mod row;
mod table;

use crds::valid;
use jiff::Timestamp;
use stats::{Check, Severity};

use self::calibration::{Calibration, NoLimit, Proposal, calibration};
use self::count::Count;
use self::patch::{Patch, patch};
use crate::cli::{Calibrate, CalibrateOutput};
use crate::monitor::replay::{Replay, Which};
use crate::{config, run};

/// All that is printed.
struct Answer<'a> {
    monitor: &'a valid::Monitor,
    replay: &'a Replay,
    calibration: &'a Calibration,
    patch: &'a Option<Patch>,
}

/// Replays windows and gives the text to print, or what went wrong.
pub async fn calibrate(args: &Calibrate, now: Timestamp) -> Result<String, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let config = config::load(&args.input.file).map_err(|error| text(&error))?;
    let mut monitor = run::open(&args.input).map_err(|error| text(&error))?;
    let replay = monitor.replay(which(args), now).await;
    let replay = replay.map_err(|error| text(&error))?;
    let calibration = calibration(&config.monitor, &replay);
    let patch = patch(&config.document.spec, &calibration);
    let answer = Answer {
        monitor: &config.monitor,
        replay: &replay,
        calibration: &calibration,
        patch: &patch,
    };
    match args.output {
        CalibrateOutput::Table => table::tables(&answer),
        CalibrateOutput::Json => json::json(&answer).map_err(|error| text(&error)),
        CalibrateOutput::Yaml => match &patch {
            Some(patch) => patch.yaml(),
            None => Ok(format!("# {}", no_patch(&calibration))),
        },
    }
}

/// What is said instead of a patch.
fn no_patch(calibration: &Calibration) -> String {
    let over = calibration.tests.iter().filter(|test| test.is_over());
    let findings = over
        .flat_map(|test| test.at.iter())
        .filter_map(|(_, at)| at.finding.as_ref());
    let proposals: Vec<Proposal> = findings.map(|finding| finding.proposal).collect();
    let too_few =
        |proposal: &Proposal| matches!(proposal, Proposal::None(NoLimit::TooFewWindows { .. }));
    if proposals.is_empty() {
        "No patch: of no feature are alarms more than their share of the budget.".to_owned()
    } else if proposals.iter().any(too_few) {
        format!(
            "No patch: a limit follows from {} windows with a value or more. Replay more.",
            stats::limits::MIN_WINDOWS
        )
    } else if proposals
        .iter()
        .any(|found| matches!(found, Proposal::Limit { .. }))
    {
        "No patch: where alarms are more than their share of the budget, these windows ask for no other limit than the one in force."
            .to_owned()
    } else {
        "No patch: where alarms are more than their share of the budget, no limit can be proposed; the table says why not."
            .to_owned()
    }
}

fn which(args: &Calibrate) -> Which {
    match (args.from, args.to, args.windows) {
        (Some(from), Some(to), _) => Which::Between(from, to),
        (_, _, Some(windows)) => Which::Newest(windows),
        _ => Which::AfterBaseline,
    }
}

impl<'a> Answer<'a> {
    /// How many tests share the budget in one window: of one check, or of all.
    fn tests(&self, check: Option<Check>) -> usize {
        let tests = self.replay.tests.iter();
        let of = tests.filter(|(of, _)| check.is_none_or(|check| check == *of));
        of.map(|(_, tests)| tests).sum()
    }

    /// What is counted: at each severity all checks together, then each.
    fn counts(&self) -> Vec<(Severity, Option<Check>, &'a Count)> {
        let mut counts = Vec::new();
        for (severity, all) in self.calibration.all.iter() {
            counts.push((severity, None, all));
            for (check, count) in self.calibration.checks.iter() {
                let count = count.as_ref().map(|count| count.get(severity));
                counts.extend(count.map(|count| (severity, Some(check), count)));
            }
        }
        counts
    }

    /// What brings the patch into a cluster.
    fn command(&self) -> String {
        format!(
            "kubectl patch featuremonitor {} --namespace {} --type merge --patch-file patch.yaml",
            self.monitor.name, self.monitor.namespace
        )
    }
}

/// The name of a severity in the manifest.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Alarms per time, in the time that the manifest's budget is written in: `1.4 per 7d`.
fn rate(monitor: &valid::Monitor, severity: Severity, count: &Count) -> String {
    let (per, unit) = per(monitor, severity, count.windows);
    format!("{} per {unit}", short(count.alarms as f64 * per))
}

/// What makes a rate of a number of alarms in so many windows, and its unit.
fn per(monitor: &valid::Monitor, severity: Severity, windows: usize) -> (f64, String) {
    let budget = match severity {
        Severity::Warning => monitor.false_alarms.warning,
        Severity::Critical => monitor.false_alarms.critical,
    };
    let time = crate::settings::window_length(monitor).as_secs_f64() * windows as f64;
    let per = budget.per.as_secs_f64() / time.max(f64::MIN_POSITIVE);
    (per, crds::duration::display(budget.per))
}

/// Why there is no limit to write.
fn no_limit(why: NoLimit) -> String {
    match why {
        NoLimit::NoneHolds { largest } => {
            format!("no limit below {largest}, the largest there can be, holds")
        }
        NoLimit::TooFewWindows { have } => {
            format!("needs {} windows, has {have}", stats::limits::MIN_WINDOWS)
        }
    }
}

/// A number that is an estimate: with two significant digits, or all that stand before the point.
fn short(value: f64) -> String {
    if value >= 9.95 {
        return format!("{value:.0}");
    }
    let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    crate::table::number(rounded)
}
