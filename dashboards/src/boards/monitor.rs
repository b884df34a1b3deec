//! One monitor: is it watched at all, which features breach which check since when, what is not judged and why.

use std::time::Duration;

use metrics::Label::{
    Check, Feature, Kind, Outcome, Partner, Reason, Revision, Rule, Segment, Severity,
    State as StateLabel, Statistic, Version,
};
use metrics::{Family, table};

use super::panels::{
    BYTES, CHECKS, COUNT, PLAIN, SECONDS, SHARE, counted, lines, most_changed_pairs, scored,
    stacked, stat, stated, table as rows, timeline, whole,
};
use super::pick::{self, count_of};
use super::state::{CRITICAL, GOOD, REFERENCE, SUPPLIED, UNKNOWN, VERDICTS, WARNING, flag};
use super::{Content, ONE, baselines, dashboard, firing, firing_marks, variables};
use crate::alerts::About;
use crate::grafana::Dashboard;
use crate::grafana::field::{Color, LineStyle, Link, Property};
use crate::grafana::layout::{Line, Section};
use crate::grafana::panel::Panel;
use crate::links::{Board, document};
use crate::promql::Matcher::{Among, Is, IsNot};
use crate::promql::{count_by, max_by, sum_by};
use crate::records::{
    BREACHED, FEATURE_VERDICT, PRESENT, SCORE, VALID, recorded_verdicts, verdicts,
};
use crate::timing;

/// The least time from one point to the next where each evaluation counts once: monitors are usually evaluated every hour.
const EVALUATION: Duration = Duration::from_secs(3600);

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
                vec![Line::new(10, vec![(15, features()), (9, history())])],
            ),
            Section::new(
                "Which check says so, and how far over its limit?",
                vec![checks()],
            ),
            Section::new("What is not judged, and why?", vec![unjudged()]),
            Section::new("Do features hang together as before?", vec![pairs()]),
            Section::new("What do features tell about the target?", vec![target()]),
            Section::new(
                "Which segments have changed, or are left behind?",
                segments(),
            ),
            Section::new("Are the same features missing together?", together()),
            Section::new("How much of it can be used?", vec![quality()]),
            Section::new("Do the business rules hold?", rules()),
            Section::new("Is the data new, complete and in its form?", vec![data()]),
            Section::new("Does the source go on, and how old are its rows?", supply()),
            Section::new("How much data is a verdict made of?", vec![windows()]),
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

fn score(about: About, severity: &str) -> String {
    let matchers = [
        Is(Check, about.name()),
        Is(Severity, severity),
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
            .colored(WARNING, &[(0.8, GOOD)])
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
    rows(
        "Features, the worst first",
        "Scores are the value divided by its warning limit: from 1 on it is over the limit. A \
         click on the name opens the feature.",
    )
    .ask(verdicts(ONE, &[Feature], &[IsNot(Feature, "")]), "")
    .ask(score(About::Drift, "warning"), "")
    .ask(score(About::Missing, "warning"), "")
    .ask(score(About::Quality, "warning"), "")
    .ask(score(About::Outliers, "warning"), "")
    .ask(score(About::Correlation, "warning"), "")
    .ask(score(About::Performance, "warning"), "")
    .ask(score(About::Level, "warning"), "")
    .ask(score(About::Shift, "warning"), "")
    .ask(score(About::Imputation, "warning"), "")
    .ask(score(About::Segments, "warning"), "")
    .ask(score(About::Freshness, "warning"), "")
    .columns(
        &[(Feature.name(), "Feature")],
        &[
            "Worst",
            "Drift",
            "Missing",
            "Quality",
            "Outliers",
            "Correlation",
            "Performance",
            "Level",
            "Shift",
            "Imputation",
            "Segments",
            "Freshness",
        ],
    )
    .series(
        "Feature",
        vec![Property::Links(vec![to_feature]), Property::Width(230)],
    )
    .series(
        "Worst",
        [stated(VERDICTS), vec![Property::Width(115)]].concat(),
    )
    .series("Drift", scored())
    .series("Missing", scored())
    .series("Quality", scored())
    .series("Outliers", scored())
    .series("Correlation", scored())
    .series("Performance", scored())
    .series("Level", scored())
    .series("Shift", scored())
    .series("Imputation", scored())
    .series("Segments", scored())
    .series("Freshness", scored())
    .largest_first("Worst")
    .without("nothing judged")
}

fn pairs() -> Line {
    let table =
        most_changed_pairs(|family| max_by(&[Feature, Partner, Statistic], &ONE.of(family, &[])));
    let change = lines(
        "Changes of pairs",
        "The largest difference of the association of two features from the baseline's, and the \
         Frobenius norm of the differences of all pairs: 1.4 times as large where one pair \
         changed alone.",
    )
    .ask(of(&table::ASSOCIATION_LARGEST_CHANGE), "largest change")
    .ask(of(&table::ASSOCIATION_DISTANCE), "norm of all changes")
    .unit(PLAIN)
    .without("no pair compared");
    Line::new(9, vec![(15, table), (9, change)])
}

fn target() -> Line {
    let share = max_by(&[Feature], &ONE.of(&table::FEATURE_CONTRIBUTION_RATIO, &[]));
    let contributions = lines(
        "Contribution of features",
        "The features that bring the most to what all of them explain of the target together.",
    )
    .ask(pick::largest_now(&share), "{{feature}}")
    .unit(SHARE)
    .without("no target");
    let explained = lines(
        "Explained together",
        "The share of the target that all features explain together, and how far their ranking is \
         that of the baseline: below 0.9 it has moved.",
    )
    .ask(of(&table::TARGET_EXPLAINED_RATIO), "explained")
    .ask(
        of(&table::CONTRIBUTION_STABILITY),
        "stability of the ranking",
    )
    .unit(PLAIN)
    .without("no target");
    let known = lines(
        "Rows with a known target",
        "Sampled rows whose target is known: what all that is told about it rests on.",
    )
    .ask(of(&table::TARGET_ROWS), "rows")
    .unit(COUNT)
    .from(0.0)
    .without("no target");
    Line::even(8, vec![contributions, explained, known])
}

fn segments() -> Vec<Line> {
    let by_segment = |family: &Family<1>| max_by(&[Segment], &ONE.of(family, &[]));
    let share = || {
        vec![
            Property::Unit(SHARE.to_owned()),
            Property::Decimals(1),
            Property::Width(110),
        ]
    };
    let of_segment = |family: &Family<2>| max_by(&[Feature, Segment], &ONE.of(family, &[]));
    let decimals = vec![Property::Unit(PLAIN.to_owned()), Property::Decimals(2)];
    let changed = rows(
        "Most changed segments",
        "The features and segments that are worst against their limits: the Jensen–Shannon distance of a feature within a \
         segment from the same segment of the baseline.",
    )
    .ask(of_segment(&table::SEGMENT_SCORE), "")
    .ask(of_segment(&table::SEGMENT_DISTANCE), "")
    .columns(
        &[(Feature.name(), "Feature"), (Segment.name(), "Segment")],
        &["Score", "Distance"],
    )
    .series("Score", scored())
    .series("Distance", decimals)
    .largest_first("Score")
    .without("no segments");
    let weights = lines(
        "Rows by segment",
        "The share of the rows of the judged window that is in each segment.",
    )
    .ask(by_segment(&table::SEGMENT_ROW_RATIO), "{{segment}}")
    .unit(SHARE)
    .from(0.0)
    .without("no segments");
    let compared = rows(
        "Rows by segment, against the baseline",
        "The share of the rows that was in each segment in the baseline, and is in the judged window.",
    )
    .ask(by_segment(&table::SEGMENT_REFERENCE_ROW_RATIO), "")
    .ask(by_segment(&table::SEGMENT_ROW_RATIO), "")
    .columns(&[(Segment.name(), "Segment")], &["Baseline", "Now"])
    .series("Baseline", share())
    .series("Now", share())
    .largest_first("Now")
    .without("no segments");
    let age = lines(
        "Age by segment",
        "The age that half of the rows of each segment exceed, in the newest window.",
    )
    .ask(
        format!(
            "time() - {}",
            by_segment(&table::SEGMENT_EVENT_P50_TIMESTAMP)
        ),
        "{{segment}}",
    )
    .unit(SECONDS)
    .from(0.0)
    .without("no segments");
    let old = lines(
        "Too old by segment",
        "The share of the rows of each segment whose event is past the warning limit of freshness.",
    )
    .ask(
        max_by(
            &[Segment],
            &ONE.of(&table::SEGMENT_STALE_ROW_RATIO, &[Is(Severity, "warning")]),
        ),
        "{{segment}}",
    )
    .unit(SHARE)
    .from(0.0)
    .without("no segments");
    vec![
        Line::even(9, vec![changed, compared, weights]),
        Line::even(8, vec![age, old]),
    ]
}

fn together() -> Vec<Line> {
    let check = [Is(Check, About::MissingPatterns.name()), Is(Feature, "")];
    let limit = |severity| {
        let matchers = [&check[..], &[Is(Severity, severity)]].concat();
        max_by(&[], &ONE.of(&table::CHECK_LIMIT, &matchers))
    };
    let phi = |family| max_by(&[Feature, Partner], &ONE.of(family, &[]));
    let decimals = vec![Property::Unit(PLAIN.to_owned()), Property::Decimals(2)];
    let reference = || {
        vec![
            Property::Color(Color::fixed(REFERENCE)),
            Property::LineStyle(LineStyle::dashed()),
        ]
    };
    let compared = Line::even(
        8,
        vec![
            lines(
                "Complete rows",
                "The share of rows in which no feature is missing, and the mean share of the features that a row has, each with that \
                 of the baseline.",
            )
            .ask(of(&table::COMPLETE_ROW_RATIO), "complete")
            .ask(
                of(&table::REFERENCE_COMPLETE_ROW_RATIO),
                "complete in the baseline",
            )
            .ask(of(&table::FILLED_FEATURE_RATIO), "filled features")
            .ask(
                of(&table::REFERENCE_FILLED_FEATURE_RATIO),
                "filled features in the baseline",
            )
            .unit(SHARE)
            .series("complete in the baseline", reference())
            .series("filled features in the baseline", reference())
            .without("nothing compared"),
            lines(
                "Missing patterns and limits",
                "How far the frequencies of which features are missing in the same row are from the baseline's, and the limits in \
                 force.",
            )
            .ask(max_by(&[], &ONE.of(&table::CHECK_VALUE, &check)), "value")
            .ask(limit("warning"), "warning limit")
            .ask(limit("critical"), "critical limit")
            .unit(PLAIN)
            .limits()
            .series("value", vec![Property::Color(Color::fixed("blue"))])
            .without("no verdict"),
            rows(
                "Missing in the same rows",
                "The ten pairs of features that are most strongly missing together: 1 always, 0 on their own, below 0 one where the \
                 other is not.",
            )
            .ask(phi(&table::PAIR_REFERENCE_CO_MISSING_PHI), "")
            .ask(phi(&table::PAIR_CO_MISSING_PHI), "")
            .columns(
                &[(Feature.name(), "Feature"), (Partner.name(), "Partner")],
                &["Baseline", "Now"],
            )
            .series("Baseline", decimals.clone())
            .series("Now", decimals)
            .largest_first("Now")
            .without("no two features have gaps"),
        ],
    );
    let statistic = format!(
        "{} / ({} > 0)",
        of(&table::MCAR_STATISTIC),
        of(&table::MCAR_DEGREES)
    );
    let at_random = Line::even(
        7,
        vec![
            lines(
                "Patterns",
                "How many different sets of features are missing in a row, none of them among these: many are gaps that come one by \
                 one, few are sources that fail as a whole.",
            )
            .ask(of(&table::MISSING_PATTERNS), "patterns")
            .unit(COUNT)
            .decimals(0)
            .from(0.0)
            .without("nothing compared"),
            lines(
                "Features that differ with gaps",
                "Pairs of features of which one is different where the other is missing: leaving out rows with gaps would leave out \
                 somebody in particular.",
            )
            .ask(of(&table::MISSING_DEPENDENCES), "pairs")
            .unit(COUNT)
            .decimals(0)
            .from(0.0)
            .without("nothing compared"),
            lines(
                "Little's test",
                "Its statistic divided by its degrees of freedom: about 1 where values are missing completely at random, more where \
                 rows with gaps differ from the others. It decides no verdict.",
            )
            .ask(statistic, "statistic")
            .unit(PLAIN)
            .from(0.0)
            .without("not computed"),
            lines(
                "P-value of Little's test",
                "How likely a statistic as large is where values are missing completely at random. With many rows small ones are \
                 common.",
            )
            .ask(of(&table::MCAR_P_VALUE), "p-value")
            .unit(PLAIN)
            .decimals(3)
            .from(0.0)
            .to(1.0)
            .without("not computed"),
        ],
    );
    vec![compared, at_random]
}

fn history() -> Panel {
    let ranked = max_by(
        &[Feature],
        &ONE.of(
            &table::CHECK_SCORE,
            &[Is(Severity, "warning"), IsNot(Feature, "")],
        ),
    );
    let states = max_by(&[Feature], &ONE.recorded(FEATURE_VERDICT, &[]));
    timeline(
        "Verdicts of the eight worst features",
        "The worst verdict of each feature over all checks. No verdict is not a good verdict.",
    )
    .ask(
        pick::largest(&states, Feature.name(), &ranked),
        "{{feature}}",
    )
    .states(VERDICTS)
    .without("nothing judged")
}

fn checks() -> Line {
    let breached = ONE.recorded(BREACHED, &[(Severity.name(), "warning")]);
    let scores = ONE.recorded(SCORE, &[(Severity.name(), "critical")]);
    Line::even(
        8,
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
                "The worst feature's value divided by its critical limit. From 1 on, where the \
                 line is, it is over the limit.",
            )
            .ask(max_by(&[Check], &scores), "{{check}}")
            .colors(&CHECKS)
            .unit(PLAIN)
            .decimals(2)
            .limit_at_one()
            .without("nothing judged"),
            lines(
                "Features over a limit",
                "Features that are breached at warning or worse, by check.",
            )
            .ask(sum_by(&[Check], &breached), "{{check}}")
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

fn rules() -> Vec<Line> {
    let breached = max_by(&[Rule, Severity], &ONE.of(&table::RULE_BREACHED, &[]));
    let violating = max_by(&[Rule], &ONE.of(&table::RULE_VIOLATION_RATIO, &[]));
    let why = max_by(&[Rule, Reason], &ONE.of(&table::RULE_INVALID_INFO, &[]));
    let by_rule = |family: &Family<1>| max_by(&[Rule], &ONE.of(family, &[]));
    let share = || vec![Property::Unit(SHARE.to_owned()), Property::Decimals(1)];
    let found = Line::even(
        8,
        vec![
            rows(
                "Rules that do not hold",
                "Rules of the manifest that the last judged window violates: more rows than the tolerance allows, or the window \
                 as a whole.",
            )
            .ask(format!("{breached} == 1"), "")
            .columns(
                &[(Rule.name(), "Rule"), (Severity.name(), "Severity")],
                &[],
            )
            .without("every judged rule holds"),
            lines(
                "Rows that violate a rule",
                "Share of the rows that violate a rule, of those of which it is true or false: of the eight rules where it was \
                 largest.",
            )
            .ask(pick::largest(&violating, Rule.name(), &violating), "{{rule}}")
            .unit(SHARE)
            .from(0.0)
            .at_least_to(0.01)
            .without("no rule over rows"),
            rows(
                "Rules that were not judged",
                &format!(
                    "Rules of which nothing is known in the last window, and why: {}.",
                    document("what to do", "runbooks/FeatureRuleBroken.md")
                ),
            )
            .ask(why, "")
            .columns(&[(Rule.name(), "Rule"), (Reason.name(), "Reason")], &[])
            .without("every rule was judged"),
        ],
    );
    let counts = rows(
        "Rows by rule",
        "Of each rule over rows: of how many it is true or false, how many violate it, and of how many nothing is known, since \
         something in it is null; the share that violates it, and the share that may.",
    )
    .ask(by_rule(&table::RULE_ROWS), "")
    .ask(by_rule(&table::RULE_VIOLATING_ROWS), "")
    .ask(by_rule(&table::RULE_UNKNOWN_ROWS), "")
    .ask(by_rule(&table::RULE_VIOLATION_RATIO), "")
    .ask(by_rule(&table::RULE_TOLERANCE_RATIO), "")
    .columns(
        &[(Rule.name(), "Rule")],
        &["Judged", "Violate it", "Not known", "Share", "Tolerance"],
    )
    .series("Judged", whole())
    .series("Violate it", whole())
    .series("Not known", whole())
    .series("Share", share())
    .series("Tolerance", share())
    .largest_first("Share")
    .without("no rule over rows");
    vec![found, Line::new(6, vec![(24, counts)])]
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
                    "Share of each check's verdicts that could be given.",
                )
                .ask(valid, "{{check}}")
                .colors(&CHECKS)
                .unit(SHARE)
                .decimals(0)
                .from(0.0)
                .to(1.0)
                .without("nothing judged"),
            ),
        ],
    )
}

/// Ages in seconds, with the limits of the freshness check where the manifest has some.
fn aged(panel: Panel) -> Panel {
    let limit = |severity| {
        let matchers = [
            Is(Check, About::Freshness.name()),
            Is(Severity, severity),
            Is(Feature, ""),
        ];
        max_by(&[], &ONE.of(&table::CHECK_LIMIT, &matchers))
    };
    panel
        .ask(limit("warning"), "warning limit")
        .ask(limit("critical"), "critical limit")
        .unit(SECONDS)
        .from(0.0)
        .limits()
        .without("no event seen")
}

fn data() -> Line {
    let missing = max_by(&[Feature], &ONE.of(&table::FEATURE_MISSING_RATIO, &[]));
    let finding = format!(
        "{} == 1",
        max_by(&[Feature, Reason], &ONE.of(&table::SCHEMA_FINDING, &[]))
    );
    Line::even(
        8,
        vec![
            aged(
                lines(
                    "Age of the data",
                    "Age of the newest event, and the limits of the freshness check where the \
                 manifest has some.",
                )
                .ask(age(&table::NEWEST_EVENT_TIMESTAMP), "age"),
            ),
            lines(
                "Missing values",
                "Share of rows that are null, of the eight features where it was largest.",
            )
            .ask(
                pick::largest(&missing, Feature.name(), &missing),
                "{{feature}}",
            )
            .unit(SHARE)
            .from(0.0)
            .to(1.0)
            .without("no window judged"),
            rows(
                "Columns that are not as expected",
                "Differences between the source's columns and the baseline's.",
            )
            .ask(finding, "")
            .columns(&[(Feature.name(), "Column"), (Reason.name(), "Is")], &[])
            .without("all columns are as expected"),
        ],
    )
}

fn supply() -> Vec<Line> {
    let in_state = |state| max_by(&[], &ONE.of(&table::UPDATE_STATE, &[Is(StateLabel, state)]));
    // One of them is 1, and the state's number with it.
    let state = format!(
        "{} + 2 * {} + 3 * {} + 4 * {}",
        in_state("advancing"),
        in_state("no_event_time"),
        in_state("not_advancing"),
        in_state("not_materialised"),
    );
    let stale = max_by(&[Severity], &ONE.of(&table::STALE_ROW_RATIO, &[]));
    let down = |states: &[&str]| {
        let seconds = ONE.of(&table::SOURCE_SECONDS, &[Among(StateLabel, states)]);
        format!("sum(increase({seconds}[$__rate_interval]))")
    };
    let goes_on = Line::even(
        7,
        vec![
            timeline(
                "The source",
                "Whether newer events come: rows without newer events point to what fills the table's events, no rows \
                 to the job that makes the table.",
            )
            .ask(state, "source")
            .states(SUPPLIED)
            .without("not checked"),
            lines(
                "Since the last update",
                "Time since an evaluation first saw the newest event, with the usual time between updates and the \
                 longest that is usual.",
            )
            .ask(age(&table::UPDATE_TIMESTAMP), "waiting")
            .ask(of(&table::UPDATE_MEDIAN_INTERVAL), "median")
            .ask(of(&table::UPDATE_USUAL_INTERVAL), "longest usual")
            .unit(SECONDS)
            .from(0.0)
            .limit("median", REFERENCE)
            .limit("longest usual", WARNING)
            .without("no event seen"),
            lines(
                "Source not to be read",
                "Share of the time in which the last attempt to read the source had failed.",
            )
            .ask(
                format!("{} / ({} > 0)", down(&["down"]), down(&["down", "up"])),
                "down",
            )
            .every(&timing::text(EVALUATION))
            .unit(SHARE)
            .from(0.0)
            .to(1.0)
            .without("not known"),
        ],
    );
    let rows = Line::even(
        7,
        vec![
            aged(
                lines(
                    "Age of the rows",
                    "The ages that half of the rows of the newest window exceed, one in twenty and \
                 one in a hundred, and the limits of the newest.",
                )
                .ask(age(&table::EVENT_P50_TIMESTAMP), "half")
                .ask(age(&table::EVENT_P05_TIMESTAMP), "5 %")
                .ask(age(&table::EVENT_P01_TIMESTAMP), "1 %"),
            ),
            lines(
                "Rows that are too old",
                "Share of the rows whose event is past a limit of freshness.",
            )
            .ask(stale, "{{severity}}")
            .unit(SHARE)
            .from(0.0)
            .at_least_to(0.01)
            .without("no limit"),
            lines(
                "Between the last two updates",
                "Time between the last two updates of the source by the clock, and between their newest events: where less passes in \
                 events, the source falls behind.",
            )
            .ask(of(&table::UPDATE_INTERVAL), "by the clock")
            .ask(of(&table::UPDATE_EVENT_INTERVAL), "in events")
            .unit(SECONDS)
            .from(0.0)
            .without("fewer than two updates"),
        ],
    );
    vec![goes_on, rows]
}

fn windows() -> Line {
    let mean = format!(
        "{} / ({} > 0)",
        of(&table::BASELINE_ROWS),
        of(&table::BASELINE_WINDOWS)
    );
    let present = max_by(&[], &ONE.recorded(PRESENT, &[]));
    let outside = format!(
        "sum(increase({}[$__rate_interval]))",
        ONE.of(&table::ROWS_OUTSIDE_WINDOWS, &[])
    );
    Line::even(
        7,
        vec![
            lines(
                "Rows of a window",
                "Rows of the judged window, of the one in progress, and of the baseline's mean \
                 window.",
            )
            .ask(of(&table::WINDOW_ROWS), "judged")
            .ask(of(&table::OPEN_WINDOW_ROWS), "in progress")
            .ask(mean, "baseline")
            .unit(COUNT)
            .from(0.0)
            .limit("baseline", REFERENCE)
            .without("no window yet"),
            lines(
                "Judged up to",
                "Time from the end of the judged window to now: how old a verdict is. By the \
                 target: of the last window whose target is known, where it is known later.",
            )
            .ask(age(&table::WINDOW_END_TIMESTAMP), "behind")
            .ask(age(&table::TARGET_WINDOW_END_TIMESTAMP), "by the target")
            .unit(SECONDS)
            .from(0.0)
            .without("no window judged"),
            lines(
                "Columns that arrived",
                "Share of the expected columns that were in the judged window.",
            )
            .ask(present, "arrived")
            .unit(SHARE)
            .from(0.0)
            .to(1.0)
            .without("no window judged"),
            stacked(
                "Rows outside windows",
                "Rows whose time is null or in no window that was asked for. They are in no \
                 statistic.",
            )
            .ask(outside, "rows")
            .every(&timing::text(EVALUATION))
            .unit(COUNT)
            .from(0.0)
            .colored(UNKNOWN, &[])
            .without("not known"),
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
    let errors = sum_by(&[Reason], &increase(ONE.of(&table::EVALUATION_ERRORS, &[])));
    let received = format!(
        "sum({})",
        increase(ONE.of(&table::SOURCE_RECEIVED_BYTES, &[]))
    );
    let hour = timing::text(EVALUATION);
    Line::even(
        7,
        vec![
            lines(
                "Duration",
                "How long evaluations took, from the first request to the verdicts.",
            )
            .ask(quantile("0.5"), "median")
            .ask(quantile("0.95"), "95 %")
            .every(&hour)
            .unit(SECONDS)
            .from(0.0)
            .without("no evaluation"),
            stacked("Evaluations", "Evaluations by their outcome.")
                .ask(outcomes, "{{outcome}}")
                .every(&hour)
                .unit(COUNT)
                .decimals(0)
                .series("success", vec![Property::Color(Color::fixed(GOOD))])
                .series("failure", vec![Property::Color(Color::fixed(CRITICAL))])
                .without("no evaluation"),
            stacked(
                "Failures by reason",
                "Why evaluations failed: the source, the baseline or saved state.",
            )
            .ask(format!("{} > 0", pick::largest_now(&errors)), "{{reason}}")
            .every(&hour)
            .unit(COUNT)
            .decimals(0)
            .without("no failure"),
            stacked(
                "Received",
                "Bytes of Flight messages that the monitor pulled.",
            )
            .ask(received, "received")
            .every(&hour)
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
