//! What the features of a monitor say together: in pairs, about the target, within segments of the rows, and by what is missing
//! in the same row.

use metrics::Label::{Feature, Partner, Segment, Severity, Statistic};
use metrics::{Family, table};

use super::of;
use crate::alerts::About;
use crate::boards::panels::{
    COUNT, PLAIN, SECONDS, SHARE, limited, lines, most_changed_pairs, p_value, reference, scored,
    table as rows,
};
use crate::boards::{ONE, pick};
use crate::grafana::field::Property;
use crate::grafana::layout::Line;
use crate::promql::Matcher::Is;
use crate::promql::max_by;

pub(super) fn pairs() -> Line {
    let table = most_changed_pairs("The ten pairs of features", |family| {
        max_by(&[Feature, Partner, Statistic], &ONE.of(family, &[]))
    });
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

pub(super) fn target() -> Line {
    let share = max_by(&[Feature], &ONE.of(&table::FEATURE_CONTRIBUTION_RATIO, &[]));
    let contributions = lines(
        "Contribution of features",
        "The eight features that brought the most to what all of them explain of the target together.",
    )
    .ask(
        pick::largest(&share, Feature.name(), &share),
        "{{feature}}",
    )
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

pub(super) fn segments() -> Vec<Line> {
    let by_segment = |family: &Family<1>| in_words(&max_by(&[Segment], &ONE.of(family, &[])));
    let share = || {
        vec![
            Property::Unit(SHARE.to_owned()),
            Property::Decimals(1),
            Property::Width(110),
        ]
    };
    let of_segment =
        |family: &Family<2>| in_words(&max_by(&[Feature, Segment], &ONE.of(family, &[])));
    let decimals = vec![
        Property::Unit(PLAIN.to_owned()),
        Property::Decimals(2),
        Property::Width(90),
    ];
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
    .series("Score", [scored(), vec![Property::Width(120)]].concat())
    .series("Distance", decimals)
    .largest_first("Score")
    .without("no segments");
    let chart = |title: &str, description: &str, query: String| {
        lines(title, description)
            .ask(query, "{{segment}}")
            .from(0.0)
            .without("no segments")
    };
    let weights = chart(
        "Rows by segment",
        "The share of the rows of the judged window that is in each segment.",
        by_segment(&table::SEGMENT_ROW_RATIO),
    )
    .unit(SHARE);
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
    let age = chart(
        "Age by segment",
        "The age that half of the rows of each segment exceed, in the newest window.",
        format!(
            "time() - {}",
            by_segment(&table::SEGMENT_EVENT_P50_TIMESTAMP)
        ),
    )
    .unit(SECONDS);
    let old = chart(
        "Too old by segment",
        "The share of the rows of each segment whose event is past the warning limit of freshness.",
        in_words(&max_by(
            &[Segment],
            &ONE.of(&table::SEGMENT_STALE_ROW_RATIO, &[Is(Severity, "warning")]),
        )),
    )
    .unit(SHARE);
    // The names of features and segments need half of the width.
    vec![
        Line::even(9, vec![changed, compared]),
        Line::even(8, vec![weights, age, old]),
    ]
}

/// A query by segment, with the segments of no value and of all other values called as on the exporter's page.
fn in_words(query: &str) -> String {
    let names = [("__null__", "no value"), ("__other__", "all others")];
    names.iter().fold(query.to_owned(), |query, (name, words)| {
        let segment = Segment.name();
        format!(
            "label_replace({query}, \"{segment}\", \"$1={words}\", \"{segment}\", \"(.+)={name}\")"
        )
    })
}

pub(super) fn missing() -> Vec<Line> {
    let phi = |family| max_by(&[Feature, Partner], &ONE.of(family, &[]));
    let decimals = vec![
        Property::Unit(PLAIN.to_owned()),
        Property::Decimals(2),
        Property::Width(90),
    ];
    // The names of two features need half of the width.
    let compared = Line::new(
        9,
        vec![
            (7, lines(
                "Complete rows",
                "The share of rows in which no feature is missing, that of entities of which each feature is filled in some row, and \
                 the mean share of the features that a row has, each with that of the baseline.",
            )
            .ask(of(&table::COMPLETE_ROW_RATIO), "complete")
            .ask(
                of(&table::REFERENCE_COMPLETE_ROW_RATIO),
                "complete in the baseline",
            )
            .ask(of(&table::COMPLETE_ENTITY_RATIO), "complete entities")
            .ask(
                of(&table::REFERENCE_COMPLETE_ENTITY_RATIO),
                "complete entities in the baseline",
            )
            .ask(of(&table::FILLED_FEATURE_RATIO), "filled features")
            .ask(
                of(&table::REFERENCE_FILLED_FEATURE_RATIO),
                "filled features in the baseline",
            )
            .unit(SHARE)
            .series("complete in the baseline", reference())
            .series("complete entities in the baseline", reference())
            .series("filled features in the baseline", reference())
            .without("nothing compared")),
            (5, limited(
                "Missing patterns and limits",
                "How far the frequencies of which features are missing in the same row are from the baseline's, and the limits in \
                 force.",
                Is(Feature, ""),
                About::MissingPatterns,
                PLAIN,
            )),
            (12, rows(
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
            .without("no two features have gaps")),
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
                "Pairs that differ with gaps",
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
                 common. What is below 0.0001 is shown there.",
            )
            .ask(p_value(&of(&table::MCAR_P_VALUE)), "p-value")
            .probabilities()
            .without("not computed"),
        ],
    );
    vec![compared, at_random]
}
