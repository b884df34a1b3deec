//! One feature: how far each check is from its limit, what its values were like, and against what.

use metrics::Label::{
    Bin, Check, Column, Component, Contact, DataType, Feature, Kind, Note, Part, Partner,
    Sensitive, Severity, Statistic, Team,
};
use metrics::{Family, table};

use super::panels::{
    CHECKS, COUNT, PLAIN, SECONDS, SHARE, grouped, in_words, limited, lines, most_changed_pairs,
    p_value, reference, shades, stat, table as rows, timeline,
};
use super::state::{GOOD, REFERENCE, SERIES, VERDICTS, WARNING};
use super::{Content, ONE, baselines, dashboard, firing_marks, variables};
use crate::alerts::About;
use crate::grafana::Dashboard;
use crate::grafana::field::{Color, HideFrom, Property};
use crate::grafana::layout::{Line, Section};
use crate::grafana::panel::Panel;
use crate::links::{Board, document};
use crate::promql::Matcher::{self, Among, Is};
use crate::promql::max_by;
use crate::records::verdicts;

/// The feature that the reader chose.
const FEATURE: Matcher<'static> = Is(metrics::Label::Feature, "$feature");

/// The board.
pub fn board() -> Dashboard {
    let mut variables = variables::monitor();
    variables.push(variables::of_monitor(
        &table::FEATURE_INFO,
        metrics::Label::Feature,
        "Feature",
        "The feature's column.",
    ));
    dashboard(Content {
        board: Board::Feature,
        description: "One feature: its verdicts and limits, its values and those of the \
                      baseline.",
        from: "now-30d",
        variables,
        annotations: vec![baselines(), firing_marks(ONE, &["feature=\"$feature\""])],
        sections: vec![
            Section::new("Is it well, and whose is it?", vec![summary()]),
            Section::new("Which check says so, and since when?", vec![history()]),
            Section::new("How far from its limits?", limits()),
            Section::new("How are its values distributed?", vec![distribution()]),
            Section::new("How did its values move?", vec![values()]),
            Section::new("What is missing, odd or new in it?", vec![oddities()]),
            Section::new(
                "Which distance says so, and could it be chance?",
                vec![distances(), parts()],
            ),
        ],
    })
}

fn of(family: &Family<1>) -> String {
    max_by(&[], &ONE.of(family, &[FEATURE]))
}

fn summary() -> Line {
    let score = |title: &str, about: About| {
        let matchers = [FEATURE, Is(Check, about.name()), Is(Severity, "warning")];
        let description = format!(
            "The value of the check {}, divided by its warning limit: from 1 on it is over the \
             limit.",
            about.name()
        );
        stat(title, &description)
            .ask(
                max_by(&[], &ONE.of(&table::CHECK_SCORE, &matchers)),
                about.name(),
            )
            .unit(PLAIN)
            .decimals(2)
            .colored(GOOD, &[(1.0, WARNING)])
            .without("no verdict")
    };
    let by = [Kind, DataType, Team, Contact, Sensitive, Note];
    Line::new(
        4,
        vec![
            (
                3,
                stat("Verdict", "The worst verdict over all checks.")
                    .ask(verdicts(ONE, &[], &[FEATURE]), "verdict")
                    .states(VERDICTS)
                    .without("nothing judged"),
            ),
            (3, score("Drift", About::Drift)),
            (3, score("Missing", About::Missing)),
            (3, score("Quality", About::Quality)),
            (3, score("Freshness", About::Freshness)),
            (
                9,
                rows(
                    "What it is",
                    "Its kind and type, who owns it, and what the exporter notes about it. A \
                     sensitive feature shows no values.",
                )
                .ask(max_by(&by, &ONE.of(&table::FEATURE_INFO, &[FEATURE])), "")
                .columns(
                    &[
                        (Kind.name(), "Kind"),
                        (DataType.name(), "Type"),
                        (Team.name(), "Team"),
                        (Contact.name(), "Contact"),
                        (Sensitive.name(), "Sensitive"),
                        (Note.name(), "Note"),
                    ],
                    &[],
                )
                .without("no such feature"),
            ),
        ],
    )
}

fn history() -> Line {
    let states = verdicts(ONE, &[Check], &[FEATURE]);
    // As high as the names of all checks need.
    Line::new(
        9,
        vec![(
            24,
            timeline(
                "Verdicts",
                "The verdict of each check. No verdict is not a good verdict.",
            )
            .ask(states, "{{check}}")
            .states(VERDICTS)
            .without("nothing judged"),
        )],
    )
}

fn limits() -> Vec<Line> {
    let panel = |title: &str, description: &str, about: About, unit: &str| {
        limited(title, description, FEATURE, about, unit)
    };
    let first = Line::even(
        8,
        vec![
            panel(
                "Drift and its limits",
                "Distance from the baseline in the statistic's own unit, and the limits in \
                 force.",
                About::Drift,
                PLAIN,
            ),
            panel(
                "Missing values and limits",
                "By how much more of the values are missing than in the baseline, and the limits \
                 in force.",
                About::Missing,
                SHARE,
            ),
            panel(
                "Unacceptable values and limits",
                "By how much more of the values are not a number, infinite, out of range or of a \
                 category that is not allowed than in the baseline, and the limits in force.",
                About::Quality,
                SHARE,
            ),
        ],
    );
    let second = Line::even(
        8,
        vec![
            panel(
                "Numbers far out and limits",
                "By how much more of the numbers are far from the baseline's median than in the \
                 baseline, and the limits in force.",
                About::Outliers,
                SHARE,
            ),
            panel(
                "Freshness and limits",
                "Age of the newest event in which the feature is not null, and the limits in \
                 force.",
                About::Freshness,
                SECONDS,
            ),
            lines(
                "Quality score",
                "The share of rows that hold a value which is not null, acceptable, and of the \
                 baseline's type.",
            )
            .ask(of(&table::FEATURE_QUALITY_RATIO), "quality")
            .unit(SHARE)
            .without("nothing judged"),
        ],
    );
    let third = Line::even(
        8,
        vec![
            panel(
                "Correlation and limits",
                "By how much the association with another feature differs from the baseline's, of \
                 the pair that is worst against its limit, and the limits in force.",
                About::Correlation,
                PLAIN,
            ),
            lines(
                "Variance inflation factor",
                "How well the other numeric features tell it: from 5 on four fifths of its \
                 variance, from 10 on nine tenths.",
            )
            .ask(of(&table::FEATURE_VARIANCE_INFLATION), "factor")
            .unit(PLAIN)
            .without("told wholly, or not a number"),
        ],
    );
    let which = "Those with this feature, of the ten pairs";
    let pairs = most_changed_pairs(which, |family| {
        let as_one = |label| ONE.of(family, &[Is(label, "$feature")]);
        let both = format!("{} or {}", as_one(Feature), as_one(Partner));
        max_by(&[Feature, Partner, Statistic], &both)
    })
    .without("it is in none of the ten pairs");
    let pairs = Line::new(5, vec![(24, pairs)]);
    let usual = |sign: &str| {
        let deviation = max_by(&[], &ONE.of(&table::FEATURE_USUAL_DEVIATION, &[FEATURE]));
        let check = [
            FEATURE,
            Is(Check, About::Level.name()),
            Is(Severity, "warning"),
        ];
        let limit = max_by(&[], &ONE.of(&table::CHECK_LIMIT, &check));
        let centre = max_by(&[], &ONE.of(&table::FEATURE_USUAL_MEAN, &[FEATURE]));
        format!("{centre} {sign} {limit} * {deviation}")
    };
    let compared = |measure: &str| {
        let name = Property::DisplayName(format!("{measure} in the baseline"));
        [reference(), vec![name]].concat()
    };
    let fourth = Line::even(
        8,
        vec![
            panel(
                "Performance and limits",
                "By how much what the feature tells about the target has fallen from the \
                 baseline's, and the limits in force.",
                About::Performance,
                PLAIN,
            ),
            tells(
                "What it tells about the target",
                "By itself: AUC, R², or ε² and ω², each with its 95 % interval. Of what is judged also its \
                 value in the baseline.",
                &POWER,
            )
            .ask(
                power(&table::FEATURE_REFERENCE_POWER, &[]),
                "{{statistic}} in the baseline",
            )
            .series("auc in the baseline", compared("AUC"))
            .series("r_squared in the baseline", compared("R²"))
            .series("epsilon_squared in the baseline", compared("ε²")),
            tells(
                "Its information about the target",
                "Information value, and mutual information in nats, each with its 95 % interval.",
                &INFORMATION,
            ),
            lines(
                "Contribution",
                "What it brings to what all features explain of the target together.",
            )
            .ask(of(&table::FEATURE_CONTRIBUTION_RATIO), "contribution")
            .unit(SHARE)
            .without("no target, or no share"),
        ],
    );
    let fifth = Line::even(
        8,
        vec![
            panel(
                "Level and limits",
                "How far the mean is from what is usual at this time, in deviations, and the limits \
                 in force. Only of a seasonal baseline.",
                About::Level,
                PLAIN,
            ),
            lines(
                "Charts of the mean",
                "The EWMA of the windows' means in its deviations, and both sides of the CUSUM: what \
                 the check shift judges. They move away from 0 while the mean is shifted.",
            )
            .ask(of(&table::SHIFT_EWMA), "EWMA")
            .ask(of(&table::SHIFT_CUSUM_UPPER), "CUSUM, up")
            .ask(of(&table::SHIFT_CUSUM_LOWER), "CUSUM, down")
            .unit(PLAIN)
            .without("no charts"),
            lines(
                "Mean against what is usual at this time",
                "The mean of each window, the median of the windows of the same hour, day or class, \
                 and how far from it the check level warns. Only of a seasonal baseline.",
            )
            .ask(of(&table::FEATURE_MEAN), "mean")
            .ask(of(&table::FEATURE_USUAL_MEAN), "usual")
            .ask(usual("-"), "warning below")
            .ask(usual("+"), "warning above")
            .unit(PLAIN)
            .series("usual", reference())
            .limit("warning below", WARNING)
            .limit("warning above", WARNING)
            .without("nothing judged"),
        ],
    );
    let sixth = Line::even(
        8,
        vec![
            panel(
                "Filled-in values and limits",
                "By how much more of the values are filled in than in the baseline, and the limits \
                 in force.",
                About::Imputation,
                SHARE,
            ),
            lines(
                "Filled-in values",
                "Share of the values that were filled in, by the manifest's flag or as one number \
                 that became frequent, and that of the baseline.",
            )
            .ask(of(&table::FEATURE_IMPUTED_RATIO), "filled in")
            .ask(
                of(&table::FEATURE_REFERENCE_IMPUTED_RATIO),
                "in the baseline",
            )
            .series("in the baseline", reference())
            .unit(SHARE)
            .from(0.0)
            .at_least_to(0.01)
            .without("not told"),
            lines(
                "What filling in does",
                "How far the filled-in values are from the others (KS), their variance as a \
                 multiple of that of the others, and so the standard deviation of all values.",
            )
            .ask(of(&table::FEATURE_IMPUTED_KS), "distance")
            .ask(of(&table::FEATURE_IMPUTED_VARIANCE), "variance")
            .ask(
                of(&table::FEATURE_IMPUTED_SPREAD),
                "standard deviation of all",
            )
            .unit(PLAIN)
            .from(0.0)
            .without("nothing filled in"),
        ],
    );
    let by_cause = |family: &Family<3>, component: &str| {
        let component = [FEATURE, Is(Component, component)];
        max_by(&[Column], &ONE.of(family, &component))
    };
    let causes = |title: &str, description: &str, family| {
        lines(title, description)
            .ask(by_cause(family, "mix"), "mix by {{column}}")
            .ask(by_cause(family, "within"), "within {{column}}")
            .series_like(
                "/^mix by /",
                vec![Property::Color(Color::shades(SERIES[0]))],
            )
            .series_like(
                "/^within /",
                vec![Property::Color(Color::shades(SERIES[1]))],
            )
            .unit(PLAIN)
            .without("no segments")
    };
    let seventh = Line::even(
        8,
        vec![
            panel(
                "Segments and limits",
                "The Jensen–Shannon distance within the segment that is worst against its limit, and \
                 its limits in force.",
                About::Segments,
                PLAIN,
            ),
            causes(
                "Change of the mean by its cause",
                "How much of the change of the mean is that segments weigh more or less (mix), and \
                 how much is within them.",
                &table::FEATURE_MEAN_CHANGE,
            ),
            causes(
                "Distance by its cause",
                "How far the distribution is from the baseline's since segments weigh more or less \
                 (mix), and within them.",
                &table::FEATURE_DISTANCE_COMPONENT,
            ),
        ],
    );
    vec![first, second, third, pairs, fourth, fifth, sixth, seventh]
}

fn distribution() -> Line {
    let share = |family: &Family<2>| max_by(&[Bin], &ONE.of(family, &[FEATURE]));
    let bins = share(&table::BIN_RATIO);
    Line::even(
        10,
        vec![
            grouped(
                "Baseline against the judged window",
                "Share of values in each bin of the baseline. Nulls and NaN are in no bin; \
                 `__other__` and `__unseen__` are categories without a bin, and new ones.",
                "Bin",
            )
            .ask(share(&table::BIN_REFERENCE_RATIO), "")
            .ask(bins.clone(), "")
            .columns(&[(Bin.name(), "Bin")], &["baseline", "judged window"])
            .sorted("Bin")
            .unit(SHARE)
            .from(0.0)
            .series("baseline", vec![Property::Color(Color::fixed(REFERENCE))])
            .series("judged window", vec![Property::Color(Color::fixed("blue"))])
            .without("no bins"),
            shades(
                "Over time",
                "Share of each window's values in each bin of the baseline, by the colours of the \
                 scale below.",
            )
            .ask(bins, "{{bin}}")
            .unit(SHARE)
            .without("no bins"),
        ],
    )
}

/// What the feature tells about the target, by the measures that `matchers` choose.
fn power(family: &Family<2>, matchers: &[Matcher<'_>]) -> String {
    let matchers = [&[FEATURE], matchers].concat();
    max_by(&[Statistic], &ONE.of(family, &matchers))
}

/// Measures of what a feature tells about the target by itself, and what people call them.
const POWER: [(&str, &str); 4] = [
    ("auc", "AUC"),
    ("r_squared", "R²"),
    ("epsilon_squared", "ε²"),
    ("omega_squared", "ω²"),
];

/// The same of its information about the target.
const INFORMATION: [(&str, &str); 2] = [
    ("information_value", "information value"),
    ("mutual_information", "mutual information"),
];

/// The same of these measures, each with its interval as an area of its colour, which the legend does not name once more.
fn tells(title: &str, description: &str, measures: &[(&str, &str)]) -> Panel {
    let names: Vec<&str> = measures.iter().map(|(name, _)| *name).collect();
    let of = |family| power(family, &[Among(Statistic, &names)]);
    let panel = lines(title, description)
        .ask(of(&table::FEATURE_POWER), "{{statistic}}")
        .ask(
            of(&table::FEATURE_POWER_LOWER_BOUND),
            "{{statistic}}, at least",
        )
        .ask(
            of(&table::FEATURE_POWER_UPPER_BOUND),
            "{{statistic}}, at most",
        )
        .unit(PLAIN)
        .without("no target");
    let colored = measures.iter().zip(SERIES);
    colored.fold(panel, |panel, ((measure, words), color)| {
        let (least, most) = (
            format!("{measure}, at least"),
            format!("{measure}, at most"),
        );
        let end = vec![
            Property::Color(Color::fixed(color)),
            Property::LineWidth(0),
            Property::HideFrom(HideFrom::legend()),
        ];
        let area = [
            Property::FillBelowTo(least.clone()),
            Property::FillOpacity(15),
        ];
        panel
            .series(
                measure,
                vec![
                    Property::Color(Color::fixed(color)),
                    Property::DisplayName((*words).to_owned()),
                ],
            )
            .series(&most, [end.clone(), area.to_vec()].concat())
            .series(&least, end)
    })
}

fn values() -> Line {
    let colored = |color: &str, width: u8| {
        vec![
            Property::Color(Color::fixed(color)),
            Property::LineWidth(width),
        ]
    };
    let filled = |color: &str, to: &str, opacity| {
        let fill = [
            Property::FillBelowTo(to.to_owned()),
            Property::FillOpacity(opacity),
        ];
        [colored(color, 1), fill.to_vec()].concat()
    };
    let against = |title: &str, description: &str, now, before| {
        lines(title, description)
            .ask(of(now), "window")
            .ask(of(before), "baseline")
            .unit(PLAIN)
            .series("window", colored("blue", 2))
            .series("baseline", reference())
            .without("it has no numbers")
    };
    Line::even(
        9,
        vec![
            lines(
                "Quantiles",
                "Nine of ten values lie between the outer lines, every other one between the \
                 inner ones. Dashed: the baseline's mean.",
            )
            .ask(of(&table::FEATURE_P95), "95 %")
            .ask(of(&table::FEATURE_P75), "75 %")
            .ask(of(&table::FEATURE_P50), "median")
            .ask(of(&table::FEATURE_P25), "25 %")
            .ask(of(&table::FEATURE_P05), "5 %")
            .ask(of(&table::FEATURE_REFERENCE_MEAN), "baseline mean")
            .unit(PLAIN)
            .series("95 %", filled("light-blue", "5 %", 15))
            .series("75 %", filled("blue", "25 %", 25))
            .series("median", colored("dark-blue", 2))
            .series("25 %", colored("blue", 1))
            .series("5 %", colored("light-blue", 1))
            .series("baseline mean", reference())
            .without("no numbers, or sensitive"),
            against(
                "Mean",
                "Mean of the finite values, in the feature's own unit.",
                &table::FEATURE_MEAN,
                &table::FEATURE_REFERENCE_MEAN,
            ),
            against(
                "Standard deviation",
                "How widely the finite values spread. 0: it has become constant.",
                &table::FEATURE_STDDEV,
                &table::FEATURE_REFERENCE_STDDEV,
            )
            .from(0.0),
            lines(
                "Ends",
                "The smallest and the largest finite value, and what one value in a hundred is \
                 below or above.",
            )
            .ask(of(&table::FEATURE_MAX), "largest")
            .ask(of(&table::FEATURE_P99), "99 %")
            .ask(of(&table::FEATURE_P01), "1 %")
            .ask(of(&table::FEATURE_MIN), "smallest")
            .unit(PLAIN)
            .without("no numbers, or sensitive"),
        ],
    )
}

fn oddities() -> Line {
    let share = |title: &str, description: &str| lines(title, description).unit(SHARE).from(0.0);
    Line::new(
        8,
        vec![
            (
                5,
                share(
                    "Nulls",
                    "Share of rows that are null, and that of the baseline.",
                )
                .ask(of(&table::FEATURE_MISSING_RATIO), "null")
                .ask(
                    of(&table::FEATURE_REFERENCE_MISSING_RATIO),
                    "null in the baseline",
                )
                .series("null in the baseline", reference())
                .without("no window judged"),
            ),
            (
                5,
                share(
                    "Not acceptable, far out",
                    "Share of the values, nulls aside, that are not acceptable, and of the \
                     numbers that are far from the baseline's median.",
                )
                .ask(of(&table::FEATURE_INVALID_RATIO), "not acceptable")
                .ask(of(&table::FEATURE_OUTLIER_RATIO), "far out")
                .without("no window judged"),
            ),
            (
                5,
                share(
                    "Not a number, infinite, zero",
                    "Share of rows. A jump of zeros often is a default that stands in for missing \
                     data; NaN and infinity usually are a division by 0 upstream.",
                )
                .ask(of(&table::FEATURE_NAN_RATIO), "not a number")
                .ask(of(&table::FEATURE_INFINITE_RATIO), "infinite")
                .ask(of(&table::FEATURE_ZERO_RATIO), "zero")
                .without("it has no numbers"),
            ),
            (
                5,
                lines(
                    "Distinct values",
                    "Distinct values of a window, estimated. A number of categories that doubles \
                     often is a change of spelling.",
                )
                .ask(of(&table::FEATURE_DISTINCT_VALUES), "distinct")
                .unit(COUNT)
                .from(0.0)
                .without("no values"),
            ),
            (
                4,
                lines("Rows", "Rows of the judged window, nulls included.")
                    .ask(of(&table::FEATURE_ROWS), "rows")
                    .unit(COUNT)
                    .from(0.0)
                    .without("no window judged"),
            ),
        ],
    )
}

fn distances() -> Line {
    Line::even(
        8,
        vec![
            lines(
                "Distances",
                "How far the window is from the baseline, by each statistic that was computed. \
                 One of them decides; the others are for reading. Wasserstein is in interquartile \
                 ranges of the baseline, or standard deviations where that range is 0.",
            )
            .ask(of(&table::DRIFT_KS), "Kolmogorov-Smirnov")
            .ask(of(&table::DRIFT_PSI), "PSI")
            .ask(of(&table::DRIFT_JENSEN_SHANNON), "Jensen-Shannon")
            .ask(of(&table::DRIFT_HELLINGER), "Hellinger")
            .ask(of(&table::DRIFT_WASSERSTEIN), "Wasserstein / IQR")
            .unit(PLAIN)
            .decimals(3)
            .from(0.0)
            .without("not compared"),
            lines(
                "P-values",
                "How likely a distance as large is without drift, adjusted over the features. \
                 With many rows small ones are common and unimportant. What is below 0.0001 is shown there.",
            )
            .ask(p_value(&of(&table::DRIFT_KS_ADJUSTED_P_VALUE)), "Kolmogorov-Smirnov")
            .ask(p_value(&of(&table::DRIFT_PSI_ADJUSTED_P_VALUE)), "PSI")
            .ask(
                p_value(&of(&table::DRIFT_JENSEN_SHANNON_ADJUSTED_P_VALUE)),
                "Jensen-Shannon",
            )
            .ask(p_value(&of(&table::DRIFT_HELLINGER_ADJUSTED_P_VALUE)), "Hellinger")
            .ask(
                p_value(&of(&table::DRIFT_CHI_SQUARED_ADJUSTED_P_VALUE)),
                "chi-squared",
            )
            .probabilities()
            .without("not compared"),
        ],
    )
}

fn parts() -> Line {
    let by = [Check, Severity, Part, Statistic];
    let limit = max_by(&[Check, Severity], &ONE.of(&table::CHECK_LIMIT, &[FEATURE]));
    let parts = max_by(&by, &ONE.of(&table::CHECK_LIMIT_PART_INFO, &[FEATURE]));
    let panel: Panel = rows(
        "What gives its limits",
        &format!(
            "The limits in force, the statistic that each limits, and the part of the recipe \
             that holds: {}.",
            document("what the parts are", "statistics.md")
        ),
    )
    .ask(
        format!("{parts} * on (check, severity) group_left () {limit}"),
        "",
    )
    .columns(
        &[
            (Check.name(), "Check"),
            (Severity.name(), "Severity"),
            (Statistic.name(), "Statistic"),
            (Part.name(), "Part"),
        ],
        &["Limit"],
    )
    // What they leave is for the names of statistics and parts.
    .series("Statistic", in_words())
    .series("Part", in_words())
    .series("Check", vec![Property::Width(110)])
    .series("Severity", vec![Property::Width(85)])
    .series(
        "Limit",
        vec![
            Property::Unit(PLAIN.to_owned()),
            Property::Decimals(4),
            Property::Width(90),
        ],
    )
    .without("no limits");
    let rested = lines(
        "Rows of a verdict",
        "How many rows, or values, the verdict of each check rests on.",
    )
    .ask(
        max_by(&[Check], &ONE.of(&table::CHECK_ROWS, &[FEATURE])),
        "{{check}}",
    )
    .colors(&CHECKS)
    .unit(COUNT)
    .from(0.0)
    .without("nothing judged");
    let left_out = lines(
        "Left out of its baseline",
        "Windows in a row that its baseline, where it goes along, has not taken in, since a \
         critical limit was breached in them.",
    )
    .ask(of(&table::BASELINE_LEFT_OUT_WINDOWS), "windows")
    .unit(COUNT)
    .decimals(0)
    .from(0.0)
    .without("none is left out");
    Line::new(8, vec![(11, panel), (8, rested), (5, left_out)])
}
