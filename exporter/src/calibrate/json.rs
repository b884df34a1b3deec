//! A calibration for programs.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use stats::poisson::Interval;
use stats::{Check, LimitPart, Severity, Statistic};

use super::calibration::{At, Finding, Proposal, Test, Values, Why};
use super::count::{Count, Holds};
use super::{Answer, rate};
use crate::profile::Baseline;
use crate::settings::check_of;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    namespace: &'a str,
    name: &'a str,
    /// Every alarm in the windows counts as false.
    taken_as: &'static str,
    windows: Windows,
    baseline: Baseline<'a>,
    budget: Vec<Budget>,
    tests: Vec<Tested<'a>>,
    /// Checks that are on, and by which no window could be judged.
    untested: Vec<Untested>,
    patch: Option<&'a Value>,
    left_out_of_patch: &'a [String],
    command: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Windows {
    judged: usize,
    rows: u64,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    without_rows: usize,
    left_out: usize,
    /// Judged by all but the target, which is not known yet.
    target_pending: usize,
}

/// The budget of one severity, of one check or of all.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Budget {
    severity: &'static str,
    check: Option<&'static str>,
    tests: usize,
    alpha: Option<f64>,
    #[serde(flatten)]
    count: Counted,
    verdict: Holds,
    windows_to_tell: Option<usize>,
}

#[derive(Serialize)]
struct Counted {
    windows: usize,
    expected: f64,
    alarms: u64,
    interval: Interval,
    /// Nothing without a window.
    rate: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested<'a> {
    feature: &'a str,
    sensitive: bool,
    check: &'static str,
    statistic: Statistic,
    consecutive: u32,
    values: Values,
    warning: Found,
    critical: Found,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    limit: Option<InForce>,
    windows_over: usize,
    #[serde(flatten)]
    count: Counted,
    finding: Option<Why>,
    proposal: Option<Proposed>,
}

#[derive(Serialize)]
struct Untested {
    check: &'static str,
    because: String,
}

#[derive(Serialize)]
struct InForce {
    value: f64,
    part: LimitPart,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Proposed {
    Limit {
        limit: f64,
        #[serde(flatten)]
        count: Counted,
        #[serde(rename = "inPatch")]
        in_patch: bool,
    },
    None {
        #[serde(rename = "noLimit")]
        because: String,
    },
}

/// The JSON document.
pub fn json(answer: &Answer<'_>) -> serde_json::Result<String> {
    let Answer {
        monitor,
        replay,
        calibration,
        patch,
    } = answer;
    let info = &replay.baseline;
    let document = Document {
        namespace: &monitor.namespace,
        name: &monitor.name,
        taken_as: "undrifted",
        windows: Windows {
            judged: replay.windows.len(),
            rows: replay.windows.iter().map(|window| window.rows).sum(),
            start: replay.windows.first().map(|window| window.span.start),
            end: replay.windows.last().map(|window| window.span.end),
            without_rows: replay.empty,
            left_out: replay.left_out,
            target_pending: replay.target_pending(),
        },
        baseline: Baseline::of(info),
        budget: budget(answer),
        tests: calibration
            .tests
            .iter()
            .map(|test| tested(answer, test))
            .collect(),
        untested: calibration
            .untested
            .iter()
            .map(|untested| Untested {
                check: untested.check.name(),
                because: untested.why.to_string(),
            })
            .collect(),
        patch: patch.as_ref().map(|patch| &patch.value),
        left_out_of_patch: patch.as_ref().map_or(&[], |patch| &patch.left_out),
        command: patch.as_ref().map(|_| answer.command()),
    };
    serde_json::to_string_pretty(&document)
}

fn budget(answer: &Answer<'_>) -> Vec<Budget> {
    let row = |severity: Severity, check: Option<Check>, count: &Count| Budget {
        severity: super::severity(severity),
        check: check.map(Check::name),
        tests: answer.tests(check),
        alpha: answer.replay.alpha.get(severity).map(|alpha| alpha.value),
        count: counted(answer, severity, count),
        verdict: count.holds(),
        windows_to_tell: count.windows_to_tell(),
    };
    answer
        .counts()
        .into_iter()
        .map(|(severity, check, count)| row(severity, check, count))
        .collect()
}

fn counted(answer: &Answer<'_>, severity: Severity, count: &Count) -> Counted {
    Counted {
        windows: count.windows,
        expected: count.expected,
        alarms: count.alarms,
        interval: count.interval,
        rate: (count.windows > 0).then(|| rate(answer.monitor, severity, count)),
    }
}

fn tested<'a>(answer: &Answer<'_>, test: &'a Test) -> Tested<'a> {
    let settings = check_of(answer.monitor, test.check).limits_for(&test.feature);
    let found = |severity| found(answer, severity, test.at.get(severity));
    Tested {
        feature: &test.feature,
        sensitive: answer.monitor.data.features.sensitive(&test.feature),
        check: test.check.name(),
        statistic: test.statistic,
        consecutive: settings.consecutive.get(),
        values: test.values,
        warning: found(Severity::Warning),
        critical: found(Severity::Critical),
    }
}

fn found(answer: &Answer<'_>, severity: Severity, at: &At) -> Found {
    Found {
        limit: at.limit.map(|limit| InForce {
            value: limit.value,
            part: limit.part,
        }),
        windows_over: at.over,
        count: counted(answer, severity, &at.count),
        finding: at.finding.as_ref().map(|finding| finding.why),
        proposal: at
            .finding
            .as_ref()
            .map(|finding| proposed(answer, severity, finding, at.patched().is_some())),
    }
}

fn proposed(
    answer: &Answer<'_>,
    severity: Severity,
    finding: &Finding,
    in_patch: bool,
) -> Proposed {
    match finding.proposal {
        Proposal::Limit { value, count } => Proposed::Limit {
            limit: value,
            count: counted(answer, severity, &count),
            in_patch,
        },
        Proposal::None(why) => Proposed::None {
            because: super::no_limit(why),
        },
    }
}
