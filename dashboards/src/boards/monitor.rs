//! One monitor: is it watched at all, which features breach which check since when, what is not judged and why.
//!
//! What its source brings, what its features say together, and its business rules have a file each.

mod rules;
mod source;
mod together;

use metrics::Label::{Check, Feature, Kind, Outcome, Reason, Revision, Severity, Version};
use metrics::{Family, table};

use super::panels::{
    BYTES, CHECKS, COUNT, HOUR, PLAIN, SECONDS, SHARE, counted, counted_up, lines, scored, stat,
    stated, table as rows, timeline,
};
use super::pick::{self, count_of};
use super::state::{CRITICAL, GOOD, UNKNOWN, VERDICTS, WARNING, flag};
use super::{Content, ENOUGH_VERDICTS, ONE, baselines, dashboard, firing, firing_marks, variables};
use crate::alerts::About;
use crate::grafana::Dashboard;
use crate::grafana::field::{Color, Link, Property};
use crate::grafana::layout::{Line, Section};
use crate::grafana::panel::Panel;
use crate::links::{Board, document};
use crate::promql::Matcher::{Is, IsNot};
use crate::promql::{count_by, max_by, sum_by};
use crate::records::{BREACHED, FEATURE_VERDICT, SCORE, VALID, recorded_verdicts, verdicts};

/// The board.
pub fn board() -> Dashboard {
    dashboard(Content {
        board: Board::Monitor,
        description: "One feature monitor: whether it watches, what it found, and what it could \
                      not judge.",
        from: "now-30d",
        variables: variables::monitor(),
        // Those of features are marked on their own boards: with them there would be more marks than data.
        annotations: vec![baselines(), firing_marks(ONE, &["feature=\"\""])],
        sections: vec![
            Section::new("Is it watched at all?", vec![summary()]),
            Section::new(
                "Which features breach a limit, and since when?",
                vec![
                    Line::new(10, vec![(24, features())]),
                    Line::new(8, vec![(24, history())]),
                ],
            ),
            Section::new(
                "Which check says so, and how far over its limit?",
                vec![checks()],
            ),
            Section::new("What is not judged, and why?", vec![unjudged()]),
            Section::new(
                "Do features hang together as before?",
                vec![together::pairs()],
            ),
            Section::new(
                "What do features tell about the target?",
                vec![together::target()],
            ),
            Section::new(
                "Which segments have changed, or are left behind?",
                together::segments(),
            ),
            Section::new(
                "Are the same features missing together?",
                together::missing(),
            ),
            Section::new("How much of it can be used?", vec![quality()]),
            Section::new("Do the business rules hold?", rules::rules()),
            Section::new(
                "Is the data new, complete and in its form?",
                vec![source::data()],
            ),
            Section::new(
                "Does the source go on, and how old are its rows?",
                source::supply(),
            ),
            Section::new(
                "How much data is a verdict made of?",
                vec![source::windows()],
            ),
            Section::new("Do evaluations work?", vec![evaluations()]),
            Section::new(
                "What is it compared with, and how strictly?",
                vec![baseline(), left_out()],
            ),
        ],
    })
}

fn of(family: &Family<0>) -> String {
    max_by(&[], &ONE.of(family, &[]))
}

fn age(family: &Family<0>) -> String {
    format!("time() - {}", of(family))
}

fn score(about: About) -> String {
    let matchers = [
        Is(Check, about.name()),
        Is(Severity, "warning"),
        IsNot(Feature, ""),
    ];
    max_by(&[Feature], &ONE.of(&table::CHECK_SCORE, &matchers))
}

fn summary() -> Line {
    let valid = format!("avg({})", ONE.recorded(VALID, &[]));
    let firing = count_of(&firing(ONE, &[]), &ONE.up());
    Line::even(
        4,
        vec![
            stat(
                "Exporter",
                "Whether Prometheus can scrape the exporter. While it cannot, nothing below is \
                 new.",
            )
            .ask(max_by(&[], &ONE.up()), "exporter")
            .states(&flag("down", CRITICAL, "scraped"))
            .without("no target"),
            stat(
                "Source",
                "Whether the Flight server answered the last time.",
            )
            .ask(of(&table::SOURCE_UP), "source")
            .states(&flag("down", CRITICAL, "answers"))
            .without("not asked yet"),
            stat(
                "Evaluation",
                "Whether the last evaluation succeeded. While they fail, what is shown is of the \
                 last one that did not.",
            )
            .ask(of(&table::EVALUATION_SUCCESS), "evaluation")
            .states(&flag("failed", CRITICAL, "succeeded"))
            .without("none yet"),
            stat(
                "Evaluated",
                "Time since the last evaluation ended, whatever its outcome.",
            )
            .ask(age(&table::EVALUATION_TIMESTAMP), "evaluated")
            .unit(SECONDS)
            .decimals(0)
            .without("never"),
            stat(
                "Baseline",
                "Whether there is a frozen baseline. Without one, drift, missing values and \
                 columns are not judged.",
            )
            .ask(of(&table::BASELINE_PRESENT), "baseline")
            .states(&flag("absent", WARNING, "frozen"))
            .without("not known"),
            stat(
                "Waiting",
                "Complete windows that are not judged. More than one for long: it falls behind.",
            )
            .ask(of(&table::WINDOWS_PENDING), "waiting")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(2.0, WARNING)])
            .without("not known"),
            stat(
                "Verdicts",
                "Share of all verdicts that could be given; below is why the others could not.",
            )
            .ask(valid, "verdicts given")
            .unit(SHARE)
            .decimals(0)
            .colored(WARNING, &[(ENOUGH_VERDICTS, GOOD)])
            .without("nothing judged"),
            stat(
                "Alerts",
                "Alerts of this monitor that fire now, silenced or not.",
            )
            .ask(firing, "firing")
            .unit(COUNT)
            .decimals(0)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("no target"),
        ],
    )
}

/// The checks of features, as the columns of the table that has a line for each.
const SCORED: [(About, &str); 11] = [
    (About::Drift, "Drift"),
    (About::Missing, "Missing"),
    (About::Quality, "Quality"),
    (About::Outliers, "Outliers"),
    (About::Correlation, "Correlation"),
    (About::Performance, "Performance"),
    (About::Level, "Level"),
    (About::Shift, "Shift"),
    (About::Imputation, "Imputation"),
    (About::Segments, "Segments"),
    (About::Freshness, "Freshness"),
];

fn features() -> Panel {
    let to_feature = Link {
        title: "Open the feature".to_owned(),
        url: Board::Feature.drill_down(&[
            ("namespace", "${namespace}"),
            ("monitor", "${monitor}"),
            ("feature", "${__data.fields.Feature:percentencode}"),
        ]),
        target_blank: false,
    };
    let schema = [Is(Check, About::Schema.name()), IsNot(Feature, "")];
    let worst = rows(
        "Features, the worst first",
        "Scores are the value divided by its warning limit: from 1 on it is over the limit. None: the \
         check gave no verdict. The schema has a verdict and no score. A click on the name opens the \
         feature.",
    )
    .ask(verdicts(ONE, &[Feature], &[IsNot(Feature, "")]), "")
    .ask(verdicts(ONE, &[Feature], &schema), "");
    let titles = SCORED.map(|(_, title)| title);
    let table = SCORED
        .into_iter()
        .fold(worst, |panel, (about, _)| panel.ask(score(about), ""))
        .columns(
            &[(Feature.name(), "Feature")],
            &[&["Worst", "Schema"], &titles[..]].concat(),
        )
        .series(
            "Feature",
            vec![Property::Links(vec![to_feature]), Property::Width(216)],
        )
        .series(
            "Worst",
            [stated(VERDICTS), vec![Property::Width(100)]].concat(),
        )
        .series(
            "Schema",
            [stated(VERDICTS), vec![none(), Property::Width(90)]].concat(),
        );
    // The longest titles need more than their part of 1366 pixels.
    let width = |title: &str| match title {
        "Performance" => Some(100),
        "Correlation" | "Imputation" => Some(92),
        _ => None,
    };
    let scored = |title: &str| {
        let mut properties = scored();
        properties.push(none());
        properties.extend(width(title).map(Property::Width));
        properties
    };
    titles
        .into_iter()
        .fold(table, |panel, title| panel.series(title, scored(title)))
        .largest_first("Worst")
        .without("nothing judged")
}

fn history() -> Panel {
    let scores = max_by(
        &[Feature],
        &ONE.of(
            &table::CHECK_SCORE,
            &[Is(Severity, "warning"), IsNot(Feature, "")],
        ),
    );
    let verdicts = max_by(&[Feature], &ONE.recorded(FEATURE_VERDICT, &[]));
    timeline(
        "Verdicts of the eight worst features",
        "The worst verdict of each feature over all checks, of those that are worst at the end. No \
         verdict is not a good verdict.",
    )
    .ask(
        pick::worst(&verdicts, Feature.name(), &verdicts, &scores),
        "{{feature}}",
    )
    .states(VERDICTS)
    .without("nothing judged")
}

/// Among so many columns there is no room for more than a word where there is no verdict.
fn none() -> Property {
    Property::NoValue("none".to_owned())
}

fn checks() -> Line {
    let breached = sum_by(
        &[Check],
        &ONE.recorded(BREACHED, &[(Severity.name(), "warning")]),
    );
    let scores = max_by(
        &[Check],
        &ONE.recorded(SCORE, &[(Severity.name(), "critical")]),
    );
    let worst = |query: &str| pick::largest(query, Check.name(), query);
    // As high as the names of all checks need, beside the states and below the charts.
    Line::even(
        10,
        vec![
            timeline(
                "Verdicts by check",
                "The worst verdict of each check over all features.",
            )
            .ask(recorded_verdicts(ONE, &[Check]), "{{check}}")
            .states(VERDICTS)
            .without("nothing judged"),
            lines(
                "Worst score by check",
                "The worst feature's value divided by its critical limit, of the eight checks where \
                 it was largest. From 1 on, where the line is, it is over the limit, and the scale \
                 is logarithmic.",
            )
            .ask(worst(&scores), "{{check}}")
            .colors(&CHECKS)
            .unit(PLAIN)
            .decimals(2)
            .limit_at_one()
            .logarithmic_from(1.0)
            .without("nothing judged"),
            lines(
                "Features over a limit",
                "Features that are breached at warning or worse, of the eight checks with most.",
            )
            .ask(worst(&breached), "{{check}}")
            .colors(&CHECKS)
            .unit(COUNT)
            .decimals(0)
            .from(0.0)
            .without("nothing judged"),
        ],
    )
}

fn quality() -> Line {
    let worst = max_by(
        &[Feature],
        &ONE.of(&table::FEATURE_QUALITY_RATIO, &[IsNot(Feature, "")]),
    );
    Line::even(
        8,
        vec![
            lines(
                "Quality score",
                "What can be used of a window: the share of rows that hold a usable value, on average over the expected \
                 features, times the share of rows with a key of their own.",
            )
            .ask(of(&table::QUALITY_RATIO), "quality")
            .unit(SHARE)
            .without("nothing judged"),
            rows(
                "Features that can be used least",
                "The share of rows that hold a value which is not null, acceptable, and of the baseline's type.",
            )
            .ask(format!("bottomk(8, {worst})"), "")
            .columns(&[(Feature.name(), "Feature")], &["Usable"])
            .series("Usable", vec![Property::Unit(SHARE.to_owned()), Property::Width(110)])
            .without("nothing judged"),
            lines(
                "Keys",
                "The share of rows whose entity key a row before them has, and of those in which a part of the key is null.",
            )
            .ask(of(&table::DUPLICATE_KEY_RATIO), "duplicates")
            .ask(of(&table::MISSING_KEY_RATIO), "without a key")
            .unit(SHARE)
            .from(0.0)
            .at_least_to(0.01)
            .without("no keys named"),
        ],
    )
}

fn unjudged() -> Line {
    let reasons = count_by(
        &[Check, Reason],
        &max_by(
            &[Feature, Check, Reason],
            &ONE.of(&table::CHECK_INVALID_INFO, &[]),
        ),
    );
    let valid = max_by(&[Check], &ONE.recorded(VALID, &[]));
    Line::new(
        7,
        vec![
            (
                10,
                rows(
                    "Without a verdict",
                    &format!(
                        "Features that a check cannot judge now, and why: {}.",
                        document(
                            "what to do about each reason",
                            "runbooks/FeatureMonitorNotJudging.md"
                        )
                    ),
                )
                .ask(reasons, "")
                .columns(
                    &[(Check.name(), "Check"), (Reason.name(), "Reason")],
                    &["Features"],
                )
                .series(
                    "Features",
                    [counted(UNKNOWN), vec![Property::Width(100)]].concat(),
                )
                .largest_first("Features")
                .without("everything is judged"),
            ),
            (
                14,
                lines(
                    "Verdicts given",
                    "Share of each check's verdicts that could be given, of the eight where it was \
                     smallest.",
                )
                .ask(pick::smallest(&valid, Check.name(), &valid), "{{check}}")
                .colors(&CHECKS)
                .unit(SHARE)
                .at_least_from(0.5)
                .to(1.0)
                .without("nothing judged"),
            ),
        ],
    )
}

fn evaluations() -> Line {
    let increase = |series: String| format!("increase({series}[$__rate_interval])");
    let rate = |series: String| format!("rate({series}[$__rate_interval])");
    let quantile = |q: &str| {
        let buckets = rate(ONE.buckets(&table::EVALUATION_DURATION));
        format!("histogram_quantile({q}, sum by (le) ({buckets}))")
    };
    let outcomes = sum_by(&[Outcome], &increase(ONE.of(&table::EVALUATIONS, &[])));
    let errors = pick::grown(&ONE.of(&table::EVALUATION_ERRORS, &[]), Reason.name());
    let received = format!(
        "sum({})",
        increase(ONE.of(&table::SOURCE_RECEIVED_BYTES, &[]))
    );
    Line::even(
        7,
        vec![
            lines(
                "Duration",
                "How long evaluations took, from the first request to the verdicts.",
            )
            .ask(quantile("0.5"), "median")
            .ask(quantile("0.95"), "95 %")
            .every(HOUR)
            .unit(SECONDS)
            .from(0.0)
            .without("no evaluation"),
            counted_up("Evaluations", "Evaluations by their outcome.")
                .ask(outcomes, "{{outcome}}")
                .series("success", vec![Property::Color(Color::fixed(GOOD))])
                .series("failure", vec![Property::Color(Color::fixed(CRITICAL))])
                .without("no evaluation"),
            counted_up(
                "Failures by reason",
                "Why evaluations failed: the source, the baseline or saved state.",
            )
            .ask(errors, "{{reason}}")
            .tinted(CRITICAL)
            .without("no failure"),
            counted_up(
                "Received",
                "Bytes of Flight messages that the monitor pulled.",
            )
            .ask(received, "received")
            .unit(BYTES)
            .without("nothing received"),
        ],
    )
}

fn baseline() -> Line {
    let by = [Kind, Version, Revision];
    let budget = max_by(&[Severity], &ONE.of(&table::FALSE_ALARM_BUDGET, &[]));
    let alpha = max_by(&[Severity], &ONE.of(&table::TEST_ALPHA, &[]));
    Line::new(
        5,
        vec![
            (
                8,
                rows(
                    "Baseline",
                    "The baseline in use: what sort it is, and its versions. Marks in the charts \
                     are where it was frozen.",
                )
                .ask(max_by(&by, &ONE.of(&table::BASELINE_INFO, &[])), "")
                .columns(
                    &[
                        (Kind.name(), "Kind"),
                        (Version.name(), "Version"),
                        (Revision.name(), "Revision"),
                    ],
                    &[],
                )
                .without("no baseline"),
            ),
            (
                4,
                stat(
                    "Windows in it",
                    "With fewer than four, no limit follows from how windows differ.",
                )
                .ask(of(&table::BASELINE_WINDOWS), "windows")
                .unit(COUNT)
                .decimals(0)
                .colored(WARNING, &[(4.0, GOOD)])
                .without("no baseline"),
            ),
            (
                4,
                stat(
                    "Tests a window",
                    "Statistical tests: what the budget of false alarms is divided by.",
                )
                .ask(of(&table::TESTS), "tests")
                .unit(COUNT)
                .decimals(0)
                .without("no baseline"),
            ),
            (
                8,
                rows(
                    "Strictness",
                    "False alarms that the budget expects in a window, and the probability \
                     allowed to one test.",
                )
                .ask(budget, "")
                .ask(alpha, "")
                .columns(
                    &[(Severity.name(), "Severity")],
                    &["False alarms", "Per test"],
                )
                .unit(PLAIN)
                .without("no limit"),
            ),
        ],
    )
}

fn left_out() -> Line {
    let windows = |feature| ONE.of(&table::BASELINE_LEFT_OUT_WINDOWS, &[feature]);
    let features = max_by(&[Feature], &windows(IsNot(Feature, "")));
    let panel = lines(
        "Windows left out of the baseline",
        "Windows in a row that a baseline which goes along has not taken in, since a critical limit was breached in them: of the \
         eight features where they were most, and of what features say together.",
    )
    .ask(max_by(&[], &windows(Is(Feature, ""))), "features together")
    .ask(
        pick::largest(&features, Feature.name(), &features),
        "{{feature}}",
    )
    .unit(COUNT)
    .decimals(0)
    .from(0.0)
    .without("none is left out");
    Line::new(6, vec![(24, panel)])
}
