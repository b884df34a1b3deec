//! A calibration for people.

use std::fmt::Write as _;

use comfy_table::Table;
use stats::{Alpha, Check, Severity};

use super::calibration::{NoLimit, Proposal, Test, Untested, Why};
use super::count::{Count, Holds};
use super::{Answer, no_limit, no_patch, per, rate, severity, short};
use crate::table::{number, part, plural, right, subject, table, tested};

/// What was replayed, whether the budget holds, which limits do not, and what to write.
pub fn tables(answer: &Answer<'_>) -> Result<String, String> {
    let mut text = heading(answer);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n\n{}", budget(answer));
    let _ = writeln!(
        text,
        "\nAn alarm is a run of breached windows of one feature. The interval is exact for independent alarms."
    );
    let notes = alpha_notes(answer);
    text.push_str(&notes);
    let untested = &answer.calibration.untested;
    if !untested.is_empty() {
        let _ = writeln!(
            text,
            "\nOn, and by which no window could be judged\n\n{}",
            reasons(untested)
        );
    }
    let tests = &answer.calibration.tests;
    let over: Vec<&Test> = tests.iter().filter(|test| test.is_over()).collect();
    if !over.is_empty() {
        let _ = writeln!(
            text,
            "\nMore alarms than their share of the budget, and the limit that these windows' own spread asks for\n\n{}",
            limits(answer, &over)
        );
        for (check, says) in [
            (
                Check::Correlation,
                "A limit of correlation is one of all pairs of its feature. Pairs may be laid to other features then: apply it, and calibrate again.",
            ),
            (
                Check::Shift,
                "A limit of shift is one of its EWMA, beside which the CUSUM does not alarm.",
            ),
        ] {
            if over.iter().any(|test| test.check == check) {
                let _ = writeln!(text, "\n{says}");
            }
        }
        if over.iter().any(|test| has_no_limit(test)) {
            text.push_str("\nWhere no limit holds, exclude the feature, or switch the check off for it by an override with enabled: false.\n");
        }
    }
    let of = |why| -> Vec<&Test> {
        let of = tests.iter().filter(|test| test.found(why).is_some());
        of.collect()
    };
    let moving = of(Why::Moving);
    if !moving.is_empty() {
        let _ = writeln!(
            text,
            "\nMove by construction, and so do not alarm: exclude them (spec.data.features.exclude), monitor their change per time,\nor write a limit yourself; it is not in the patch\n\n{}",
            would_hold(&moving, Why::Moving)
        );
    }
    let first = of(Why::FromTheFirst);
    if !first.is_empty() {
        let _ = writeln!(
            text,
            "\nOver a limit in most windows, and from the first of them on: either something had changed before them, or the baseline does\nnot fit, and every window alarms falsely. Look at the values, and move spec.baseline to windows that are like these; where they\nare as they should be, write the limit that would hold. It is not in the patch\n\n{}",
            would_hold(&first, Why::FromTheFirst)
        );
    }
    let lasting = of(Why::Lasting);
    if !lasting.is_empty() {
        let _ = writeln!(
            text,
            "\nOver a limit in most windows, but in few runs, after a first one below it: changes that last, and not false alarms, so not\nin the patch. If one is the new normal, move spec.baseline to windows that have it; a running total is better excluded\n\n{}",
            changes(&lasting)
        );
    }
    let _ = writeln!(text, "\n{}", what_to_write(answer)?);
    Ok(text)
}

fn heading(answer: &Answer<'_>) -> String {
    let (monitor, replay) = (answer.monitor, answer.replay);
    let info = &replay.baseline;
    let rows: u64 = replay.windows.iter().map(|window| window.rows).sum();
    let mut lines = vec![format!("{}/{}", monitor.namespace, monitor.name)];
    if let (Some(first), Some(last)) = (replay.windows.first(), replay.windows.last()) {
        lines.push(format!(
            "replayed  {} to {}, {}, {rows} rows",
            first.span.start,
            last.span.end,
            windows(replay.windows.len())
        ));
    }
    lines.push(
        "          They are taken as undrifted: every alarm in them counts as false. Where something changed, replay other windows."
            .to_owned(),
    );
    if replay.empty > 0 {
        let empty = windows(replay.empty);
        lines.push(format!("          {empty} had no row."));
    }
    if replay.left_out > 0 {
        let left_out = windows(replay.left_out);
        lines.push(format!("          {left_out} of the baseline left out."));
    }
    let pending = replay.target_pending();
    if pending > 0 {
        let pending = windows(pending);
        lines.push(format!(
            "          {pending} not judged by the target, which is not known yet (spec.data.target.delay)."
        ));
    }
    lines.push(format!(
        "baseline  {}, {} to {}, {}, {} rows, {}",
        info.kind,
        info.span.start,
        info.span.end,
        windows(info.windows as usize),
        info.rows,
        info.digest.get(..19).unwrap_or(&info.digest)
    ));
    lines.join("\n")
}

fn windows(count: usize) -> String {
    plural(count as u64, "window")
}

fn budget(answer: &Answer<'_>) -> Table {
    let mut table = table([
        "severity",
        "check",
        "tests",
        "α of each",
        "expected",
        "alarms",
        "95 % interval",
        "rate",
        "verdict",
        "limits proposed",
    ]);
    right(&mut table, 2..=6);
    for (of, check, count) in answer.counts() {
        let alpha = answer.replay.alpha.get(of);
        table.add_row([
            if check.is_none() { severity(of) } else { "" }.to_owned(),
            check.map_or("all", Check::name).to_owned(),
            answer.tests(check).to_string(),
            alpha.map_or_else(String::new, |alpha| number(alpha.value)),
            short(count.expected),
            count.alarms.to_string(),
            interval(count, 1.0),
            rate_of(answer, of, count),
            verdict(count),
            proposed(answer, of, check),
        ]);
    }
    table
}

/// What is to become of the limits in force at a severity, of one check or of all: those that are not named stay.
fn proposed(answer: &Answer<'_>, severity: Severity, check: Option<Check>) -> String {
    let tests = answer.calibration.tests.iter();
    let tests = tests.filter(|test| check.is_none_or(|check| check == test.check));
    let at = || tests.clone().map(|test| test.at.get(severity));
    let higher = at().filter(|at| at.patched().is_some()).count();
    let over = at().filter(|at| at.is_over());
    let none = over.filter(|at| at.patched().is_none()).count();
    match (higher, none) {
        (0, 0) => "those in force".to_owned(),
        (higher, 0) => format!("{higher} higher"),
        (0, none) => format!("none for {none}"),
        (higher, none) => format!("{higher} higher, none for {none}"),
    }
}

/// Alarms per time; nothing without a window.
fn rate_of(answer: &Answer<'_>, severity: Severity, count: &Count) -> String {
    match count.windows {
        0 => String::new(),
        _ => rate(answer.monitor, severity, count),
    }
}

fn interval(count: &Count, factor: f64) -> String {
    let [low, high] = [count.interval.low, count.interval.high].map(|end| short(end * factor));
    format!("{low} to {high}")
}

fn verdict(count: &Count) -> String {
    match (count.holds(), count.windows_to_tell()) {
        (Holds::Over, _) => "over the budget".to_owned(),
        (Holds::Within, _) => "within the budget".to_owned(),
        (Holds::NotEnoughWindows, None) => "not enough windows to tell".to_owned(),
        (Holds::NotEnoughWindows, Some(windows)) => {
            format!("not enough windows to tell ({windows} would do)")
        }
    }
}

/// Where the budget is not what the tests get.
fn alpha_notes(answer: &Answer<'_>) -> String {
    let note = |(of, alpha): (Severity, &Option<Alpha>)| {
        let alpha = alpha.as_ref()?;
        let says = if alpha.too_loose() {
            "allows more alarms than α = 0.05 makes: fewer are to be expected"
        } else if alpha.too_tight() {
            "asks for fewer alarms than α = 1e-9 makes: it cannot be promised"
        } else {
            return None;
        };
        Some(format!("The budget of {} {says}.\n", severity(of)))
    };
    answer.replay.alpha.iter().filter_map(note).collect()
}

/// Checks without a test, each with the reason.
fn reasons(untested: &[Untested]) -> Table {
    let mut table = table(["check", "because"]);
    for Untested { check, why } in untested {
        table.add_row([check.name().to_owned(), why.to_string()]);
    }
    table
}

/// The limits that are passed too often, and what they would have to be.
fn limits(answer: &Answer<'_>, tests: &[&Test]) -> Table {
    let mut table = table([
        "feature",
        "check",
        "severity",
        "alarms",
        "share",
        "limit",
        "because of",
        "min",
        "median",
        "max",
        "proposed",
        "alarms then",
    ]);
    right(&mut table, [3, 4, 5, 7, 8, 9, 10]);
    for test in tests {
        for (of, at) in test.at.iter() {
            let finding = at.finding.as_ref();
            let Some(finding) = finding.filter(|found| found.why.is_for_the_patch()) else {
                continue;
            };
            let (proposed, then) = match finding.proposal {
                Proposal::Limit { value, count } => {
                    let rate = rate(answer.monitor, of, &count);
                    let (per, _) = per(answer.monitor, of, count.windows);
                    let interval = interval(&count, per);
                    let still = match (finding.why, count.holds()) {
                        (Why::BelowTheNewWarning, _) => ", raised with the warning",
                        (_, Holds::Over) => ", still over",
                        _ => "",
                    };
                    (number(value), format!("{rate} ({interval}){still}"))
                }
                Proposal::None(why) => ("none".to_owned(), no_limit(why)),
            };
            let mut row = vec![
                subject(&test.feature).to_owned(),
                tested(test.check, test.statistic),
                severity(of).to_owned(),
                at.count.alarms.to_string(),
                short(at.count.expected),
                at.limit
                    .map_or_else(String::new, |limit| number(limit.value)),
                at.limit
                    .map_or_else(String::new, |limit| part(limit.part).to_owned()),
            ];
            row.extend(values(test));
            row.extend([proposed, then]);
            table.add_row(row);
        }
    }
    table
}

fn values(test: &Test) -> [String; 3] {
    [test.values.min, test.values.median, test.values.max].map(number)
}

fn has_no_limit(test: &Test) -> bool {
    let mut findings = test.at.iter().filter_map(|(_, at)| at.finding.as_ref());
    findings.any(|finding| matches!(finding.proposal, Proposal::None(NoLimit::NoneHolds { .. })))
}

/// Tests of which this is said, with the limit that would hold.
fn would_hold(tests: &[&Test], why: Why) -> Table {
    let mut table = table([
        "feature",
        "check",
        "min",
        "median",
        "max",
        "severity",
        "limit",
        "would hold",
    ]);
    right(&mut table, [2, 3, 4, 6]);
    for test in tests {
        for (of, at) in test.at.iter() {
            let finding = at.finding.as_ref();
            let Some(finding) = finding.filter(|found| found.why == why) else {
                continue;
            };
            let mut row = vec![
                subject(&test.feature).to_owned(),
                tested(test.check, test.statistic),
            ];
            row.extend(values(test));
            row.extend([
                severity(of).to_owned(),
                at.limit
                    .map_or_else(|| "none".to_owned(), |limit| number(limit.value)),
                match finding.proposal {
                    Proposal::Limit { value, .. } => number(value),
                    Proposal::None(why) => no_limit(why),
                },
            ]);
            table.add_row(row);
        }
    }
    table
}

/// Changes that last: for each check a list, since one cause shows in many features.
fn changes(tests: &[&Test]) -> String {
    let line = |check: Check| {
        let of = tests.iter().filter(|test| test.check == check);
        let told: Vec<String> = of
            .filter_map(|test| {
                let of = test.found(Why::Lasting)?;
                let (over, windows) = (test.at.get(of).over, test.values.windows);
                let severity = severity(of);
                Some(format!(
                    "{} ({severity} in {over} of {windows})",
                    subject(&test.feature)
                ))
            })
            .collect();
        (!told.is_empty()).then_some((check.name(), told))
    };
    let lines: Vec<(&str, Vec<String>)> = Check::ALL.into_iter().filter_map(line).collect();
    let width = lines
        .iter()
        .map(|(check, _)| check.len())
        .max()
        .unwrap_or(0);
    let lines = lines
        .iter()
        .map(|(check, told)| wrapped(format!("  {check:<width$}  "), told));
    lines.collect::<Vec<_>>().join("\n")
}

/// A list after a label, in lines of a bearable width.
fn wrapped(label: String, items: &[String]) -> String {
    const WIDTH: usize = 120;
    let indent = " ".repeat(label.chars().count());
    let (mut text, mut line) = (String::new(), label);
    for (place, item) in items.iter().enumerate() {
        let item = match items.len() - place {
            1 => item.clone(),
            _ => format!("{item}, "),
        };
        let full = line.chars().count() + item.trim_end().chars().count() > WIDTH;
        if full && line.trim() != "" {
            text.push_str(line.trim_end());
            text.push('\n');
            line.clone_from(&indent);
        }
        line.push_str(&item);
    }
    text + &line
}

fn what_to_write(answer: &Answer<'_>) -> Result<String, String> {
    let Some(patch) = answer.patch else {
        return Ok(no_patch(answer.calibration));
    };
    let left_out = if patch.left_out.is_empty() {
        String::new()
    } else {
        let names = patch.left_out.join(", ");
        format!("\nThe manifest has no room for limits of: {names}\n")
    };
    Ok(format!(
        "The patch, which `--output yaml` prints alone:\n\n{}{left_out}\nSaved as patch.yaml, it is applied by\n\n  {}",
        patch.yaml()?,
        answer.command()
    ))
}
