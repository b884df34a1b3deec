//! The tables that `profile` prints for people: what the window holds, and how each verdict came about.

use std::fmt::Write as _;

use comfy_table::Table;
use crds::valid;
use jiff::Timestamp;
use stats::{BySeverity, Check, FeatureReport, LimitPart, NotComputed, Scope, Severity, Verdict};

use super::{because, state};
use crate::page;
use crate::snapshot::{
    BaselineInfo, BaselineState, Breaches, Budget, FeatureState, JudgedWindow, RuleState, Snapshot,
};
use crate::table::{number, part, percent, plural, right, subject, table, tested};

/// What is said in place of a line for each check of each feature.
const NO_ROWS: &str = "The window has no rows: none of its features is judged.";

/// All of them, under what they are about.
pub(super) fn tables(snapshot: &Snapshot, now: Timestamp) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", heading(snapshot, now));
    let is_empty = snapshot.judged.is_some_and(|judged| judged.rows == 0);
    if is_empty {
        let _ = writeln!(text, "\n{NO_ROWS}");
    } else {
        let _ = writeln!(text, "\n{}", values(&snapshot.features));
        let _ = writeln!(text, "\n{}", verdicts(snapshot));
    }
    // Of a window without rows too a rule may say something, such as that it has none.
    if !snapshot.rules.is_empty() {
        let _ = writeln!(text, "\n{}", rules(&snapshot.rules));
    }
    let reports = snapshot.features.iter().map(|own| own.report.as_ref());
    let reports = reports.chain([snapshot.whole.report.as_ref()]).flatten();
    let notes: Vec<String> = reports.filter_map(note).collect();
    if !is_empty && !notes.is_empty() {
        let _ = writeln!(text, "\n{}", notes.join("\n"));
    }
    let _ = writeln!(text, "\n{}", summary(&subjects(snapshot)));
    text
}

/// What a feature, the window as a whole, or a rule comes to.
struct Subject<'a> {
    name: &'a str,
    /// The worst breach.
    worst: Option<Severity>,
    /// Whether something was said of it.
    judged: bool,
}

/// All that is judged, in the order in which it is shown.
fn subjects(snapshot: &Snapshot) -> Vec<Subject<'_>> {
    let judged = |report: Option<&FeatureReport>, scope| {
        let mut verdicts = report
            .into_iter()
            .flat_map(|report| report.verdicts.of(scope));
        verdicts.any(|(_, verdict)| verdict.is_ok())
    };
    let schema = snapshot.monitor.checks.schema.enabled;
    let features = snapshot.features.iter().map(|feature| Subject {
        name: &feature.name,
        worst: feature.worst(schema),
        judged: judged(feature.report.as_ref(), Scope::Feature),
    });
    let breaches = snapshot.whole.breached.of(Scope::Window);
    let breaches: Vec<BySeverity<bool>> = breaches.filter_map(|(_, own)| *own).collect();
    let whole = snapshot.whole.report.as_ref().map(|report| Subject {
        name: subject(""),
        worst: if breaches.iter().any(|own| own.critical) {
            Some(Severity::Critical)
        } else if breaches.iter().any(|own| own.warning) {
            Some(Severity::Warning)
        } else {
            None
        },
        judged: judged(Some(report), Scope::Window),
    });
    let rules = snapshot.rules.iter().map(|state| Subject {
        name: &state.rule.name,
        worst: state
            .breached()
            .filter(|breached| *breached)
            .map(|_| match state.rule.severity {
                crds::valid::Severity::Critical => Severity::Critical,
                crds::valid::Severity::Warning => Severity::Warning,
            }),
        judged: state.breached().is_some(),
    });
    features.chain(whole).chain(rules).collect()
}

/// How many are over a limit, and which; and of how many nothing is known, which is not that they are well.
fn summary(subjects: &[Subject<'_>]) -> String {
    let told = |severity: Severity| {
        let own = subjects.iter().filter(|own| own.worst == Some(severity));
        let names: Vec<&str> = own.map(|own| own.name).collect();
        let listed = match names.is_empty() {
            true => String::new(),
            false => format!(": {}", names.join(", ")),
        };
        format!("{} {}{listed}", names.len(), severity.name())
    };
    let unjudged = subjects
        .iter()
        .filter(|own| own.worst.is_none() && !own.judged)
        .count();
    let mut parts = vec![told(Severity::Critical), told(Severity::Warning)];
    if unjudged > 0 {
        parts.push(format!("{unjudged} without a verdict"));
    }
    parts.join("; ")
}

/// When a window whose time is not over ends; nothing where it is.
fn ends(end: Timestamp, now: Timestamp) -> String {
    match end > now {
        true => format!("; not complete: ends at {end}"),
        false => String::new(),
    }
}

fn heading(snapshot: &Snapshot, now: Timestamp) -> String {
    let monitor = &snapshot.monitor;
    let mut lines = vec![format!("{}/{}", monitor.namespace, monitor.name)];
    lines.push(match snapshot.judged {
        Some(JudgedWindow { span, rows }) => {
            format!(
                "window    {} to {}, {}{}",
                span.start,
                span.end,
                plural(rows, "row"),
                ends(span.end, now)
            )
        }
        None => "window    none was judged".to_owned(),
    });
    lines.push(match &snapshot.baseline {
        BaselineState::Ready(BaselineInfo {
            kind,
            span,
            windows,
            rows,
            digest,
            ..
        }) => format!(
            "baseline  {kind}, {} to {}, {}, {}, {}",
            span.start,
            span.end,
            plural((*windows).into(), "window"),
            plural(*rows, "row"),
            digest.get(..19).unwrap_or(digest)
        ),
        BaselineState::Forming { have, need } => {
            format!(
                "baseline  forming: {have} of {}",
                plural((*need).into(), "window")
            )
        }
        BaselineState::Absent => "baseline  none".to_owned(),
    });
    if let Some(Budget {
        per_window,
        tests,
        alpha,
    }) = snapshot.budget
    {
        let alpha = |severity| {
            alpha
                .get(severity)
                .map_or_else(|| "none".to_owned(), |a| number(a.value))
        };
        lines.push(format!(
            "budget    false alarms expected a window: {} at warning, {} at critical; shared by {tests} tests: α = {} and {}",
            number(per_window.warning),
            number(per_window.critical),
            alpha(Severity::Warning),
            alpha(Severity::Critical)
        ));
    }
    lines.join("\n")
}

fn values(features: &[FeatureState]) -> Table {
    let mut table = table([
        "feature",
        "type",
        "rows",
        "missing",
        "distinct",
        "mean",
        "std dev",
        "p05",
        "p50",
        "p95",
        "most frequent",
    ]);
    right(&mut table, 2..=9);
    for feature in features {
        let Some(summary) = &feature.summary else {
            table.add_row([
                feature.name.as_str(),
                feature.data_type.as_deref().unwrap_or(""),
            ]);
            continue;
        };
        let hidden = feature.sensitive;
        let moments = summary.moments.filter(|_| !hidden);
        let quantile = |i: usize| {
            let quantiles = summary.quantiles.filter(|_| !hidden);
            quantiles.map_or_else(String::new, |q| number(q.values[i]))
        };
        let top = summary.top.first().filter(|_| !hidden);
        table.add_row([
            feature.name.clone(),
            feature.data_type.clone().unwrap_or_default(),
            summary.rows.to_string(),
            summary.missing_share().map_or_else(String::new, percent),
            format!("{:.0}", summary.distinct),
            moments.map_or_else(String::new, |m| number(m.mean)),
            moments
                .and_then(|m| m.variance)
                .map_or_else(String::new, |v| number(v.sqrt())),
            quantile(1),
            quantile(3),
            quantile(5),
            match top {
                Some((name, count)) => format!("{name} ({count})"),
                None if hidden => "(sensitive)".to_owned(),
                None => String::new(),
            },
        ]);
    }
    table
}

fn verdicts(snapshot: &Snapshot) -> Table {
    let mut table = table([
        "feature",
        "check",
        "value",
        "p",
        "warning at",
        "because of",
        "critical at",
        "because of",
        "verdict",
    ]);
    right(&mut table, [2, 3, 4, 6]);
    let monitor = &snapshot.monitor;
    for feature in &snapshot.features {
        let Some(report) = &feature.report else {
            table.add_row(
                [feature.name.clone(), "schema".into()]
                    .into_iter()
                    .chain(std::iter::repeat_n(String::new(), 6).chain([state(feature)])),
            );
            continue;
        };
        add(
            &mut table,
            monitor,
            (Scope::Feature, report),
            &feature.breached,
        );
    }
    let whole = &snapshot.whole;
    if let Some(report) = &whole.report {
        add(
            &mut table,
            monitor,
            (Scope::Window, report),
            &whole.breached,
        );
    }
    table
}

/// A row for each business rule.
fn rules(rules: &[RuleState]) -> Table {
    let mut table = table(["rule", "severity", "breached", "found"]);
    for state in rules {
        table.add_row([
            state.rule.name.as_str(),
            state.rule.severity.name(),
            match state.breached() {
                Some(true) => "yes",
                Some(false) => "no",
                None => "not known",
            },
            &page::rule_in_words(state),
        ]);
    }
    table
}

/// A row for each check that judges this.
fn add(
    table: &mut Table,
    monitor: &valid::Monitor,
    (scope, report): (Scope, &FeatureReport),
    breached: &Breaches,
) {
    for (check, verdict) in report.verdicts.of(scope) {
        // What is not about this feature, or not about a baseline like this one.
        let not_about = matches!(
            verdict,
            Err(NotComputed::NotForKind { .. }
                | NotComputed::NotSeasonal
                | NotComputed::Seasonal
                | NotComputed::TooFewWindows { .. })
        );
        if !not_about {
            table.add_row(verdict_row(monitor, report, breached, check, verdict));
        }
    }
}

fn verdict_row(
    monitor: &valid::Monitor,
    report: &FeatureReport,
    breached: &Breaches,
    check: Check,
    verdict: &Result<Verdict, NotComputed>,
) -> Vec<String> {
    let name = subject(&report.name);
    let moving = report.moving && check == Check::Drift;
    match verdict {
        Ok(verdict) => {
            let p = report
                .distances
                .iter()
                .find(|(statistic, _)| *statistic == verdict.statistic)
                .and_then(|(_, distance)| distance.as_ref().ok()?.p_value)
                .map_or_else(String::new, number);
            let limits = &verdict.limits;
            vec![
                name.to_owned(),
                tested(check, verdict.statistic),
                number(verdict.value),
                p,
                number(limits.warning.value),
                part(limits.warning.part).to_owned(),
                number(limits.critical.value),
                part(limits.critical.part).to_owned(),
                breached
                    .get(check)
                    .map_or_else(String::new, |breached| word(breached, moving).to_owned()),
            ]
        }
        Err(reason) => {
            let mut row = vec![name.to_owned(), check.words().to_owned()];
            row.extend(std::iter::repeat_n(String::new(), 6));
            row.push(match reason {
                NotComputed::Moving => "moving".to_owned(),
                reason => because(monitor, check, reason),
            });
            row
        }
    }
}

/// What a person should do about a feature, or the window as a whole, that a verdict alone does not explain.
fn note(report: &FeatureReport) -> Option<String> {
    let name = subject(&report.name);
    let moves = report.moving.then(|| {
        format!(
            "{name}: moves by construction, its baseline windows differ from each other by more than the effect floor. Exclude it, monitor its change per time, or give it a limit of its own."
        )
    });
    let limits = match capped(report).as_slice() {
        [] => None,
        [one] => Some(format!("the limit of {one} is")),
        [first @ .., last] => Some(format!("the limits of {} and {last} are", first.join(", "))),
    };
    let cut = limits.map(|limits| {
        format!(
            "{name}: its baseline windows differ so much that {limits} cut at twice the critical floor; the false-alarm budget is not promised for it."
        )
    });
    match (moves, cut) {
        (Some(moves), Some(cut)) => Some(format!("{moves}\n{cut}")),
        (moves, cut) => moves.or(cut),
    }
}

/// The checks whose limits are cut, in words.
fn capped(report: &FeatureReport) -> Vec<&'static str> {
    let judged = report.verdicts.iter();
    let cut = judged.filter(|(_, verdict)| {
        verdict.as_ref().is_ok_and(|verdict| {
            let limits = [verdict.limits.warning, verdict.limits.critical];
            limits
                .iter()
                .any(|limit| limit.part == LimitPart::BetweenWindowsCapped)
        })
    });
    cut.map(|(check, _)| check.words()).collect()
}

fn word(breached: BySeverity<bool>, moving: bool) -> &'static str {
    match (breached.critical, breached.warning) {
        (true, _) => "critical",
        (_, true) => "warning",
        _ if moving => "moving",
        _ => "ok",
    }
}

#[cfg(test)]
mod tests {
    use stats::Statistic;

    use super::*;

    #[test]
    fn a_window_whose_time_is_not_over_says_so() {
        let [end, now] = ["2017-06-04T06:00:00Z", "2017-06-03T12:00:00Z"]
            .map(|text| text.parse::<Timestamp>().unwrap());
        assert_eq!(
            ends(end, now),
            "; not complete: ends at 2017-06-04T06:00:00Z"
        );
        assert_eq!(ends(end, end), "");
    }

    #[test]
    fn the_last_line_sums_up() {
        let subject = |name, worst, judged| Subject {
            name,
            worst,
            judged,
        };
        let line = summary(&[
            subject("a", Some(Severity::Warning), true),
            subject("b", Some(Severity::Critical), true),
            subject("c", None, true),
            subject("d", Some(Severity::Warning), true),
            subject("e", None, false),
        ]);
        assert_eq!(line, "1 critical: b; 2 warning: a, d; 1 without a verdict");
        assert_eq!(
            summary(&[subject("c", None, true)]),
            "0 critical; 0 warning"
        );
    }

    /// Of whatever check the limit is cut, the budget does not hold for it.
    #[test]
    fn cut_limits_of_every_check_are_noted() {
        let limit = |part| stats::Limit {
            value: 0.2,
            part,
            floor: 0.1,
            null: None,
            bound: Some(0.3),
            capped: part == LimitPart::BetweenWindowsCapped,
        };
        let report = |cut: &[Check], moving| FeatureReport {
            name: "age".to_owned(),
            distances: Vec::new(),
            verdicts: stats::ByCheck::from_fn(|check| {
                let part = match cut.contains(&check) {
                    true => LimitPart::BetweenWindowsCapped,
                    false => LimitPart::EffectFloor,
                };
                Ok(Verdict {
                    check,
                    statistic: Statistic::Psi,
                    value: 0.05,
                    rows: 500,
                    min_rows: 200,
                    limits: BySeverity {
                        warning: limit(LimitPart::EffectFloor),
                        critical: limit(part),
                    },
                    scores: BySeverity::default(),
                    over: BySeverity::default(),
                })
            }),
            moving,
            pair: None,
            pair_laid_elsewhere: None,
            power: None,
            segment: None,
        };
        let cut = |limits: &str| {
            format!(
                "age: its baseline windows differ so much that {limits} cut at twice the critical floor; the false-alarm budget is not \
                 promised for it."
            )
        };
        assert_eq!(note(&report(&[], false)), None);
        let one = note(&report(&[Check::Missing], false));
        assert_eq!(one, Some(cut("the limit of missing is")));
        let checks = [Check::Drift, Check::Quality, Check::MissingPatterns];
        let many = cut("the limits of drift, quality and missing patterns are");
        assert_eq!(note(&report(&checks, false)), Some(many));
        let both = note(&report(&[Check::Missing], true)).unwrap();
        assert!(both.starts_with("age: moves by construction"), "{both}");
        assert!(both.ends_with(&cut("the limit of missing is")), "{both}");
    }
}
