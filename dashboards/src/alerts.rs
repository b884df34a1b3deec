//! THE alerts: each once, with what it means and what it needs. `docs/runbooks/` has a page for each.
//!
//! A rule tests the verdict that the exporter exports, never a value against a number of its own: an alert and a board cannot
//! disagree. What an alert says has the value, its limit and its score.

use std::time::Duration;

/// What an alert is about: the label `check`, by which it can be routed.
pub use crds::notifications::About;
use metrics::Label::{
    self, Check, Condition, Feature, Kind, Monitor, Namespace, Outcome, Reason, Rule, Segment,
    Severity, State,
};
use metrics::{Family, table};

use crate::links::Board;
use crate::promql::Matcher::{Among, Is, IsNot};
use crate::promql::{Reach, count_by, max_by, names, sum_by};
use crate::timing::Pace;

mod availability;
mod chart;

use availability::availability;
pub use chart::of_all;

/// How bad it is: the label `severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Somebody must act now.
    Critical,
    /// Somebody should look.
    Warning,
    /// Nobody is told.
    None,
}

impl Level {
    /// The label's value.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Critical => "critical",
            Level::Warning => "warning",
            Level::None => "none",
        }
    }
}

/// The alert about alerts that go on; [`escalation`](crate::escalation) has its rules.
pub const ESCALATED: &str = "FeatureAlertEscalated";

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name, at most 40 characters, and that of its runbook.
    pub name: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What it is about; nothing where the query's own label `check` says so.
    pub about: Option<About>,
    /// Holds while there is a series.
    pub query: String,
    /// How long it must hold.
    pub lasts: Duration,
    /// How long it goes on when it holds no longer, so that one that flaps notifies once.
    pub keeps_firing: Duration,
    /// What it is, in one sentence that is always the same.
    pub summary: &'static str,
    /// What was found, with its numbers: a template of Prometheus.
    pub description: String,
    /// What to look at.
    pub board: Board,
}

/// A monitor whose alerts are made.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its series.
    pub reach: Reach<'a>,
    /// Its pace.
    pub pace: Pace,
    /// How long one pull may take.
    pub timeout: Duration,
}

/// A number as a template shows it. `humanize` would make 90m of 0.09.
const PLAIN: &str = "printf \"%.3g\"";

const OF_MONITOR: [Label; 2] = [Namespace, Monitor];
const OF_FEATURE: [Label; 3] = [Namespace, Monitor, Feature];
const OF_SEGMENT: [Label; 3] = [Namespace, Monitor, Segment];
const OF_RULE: [Label; 3] = [Namespace, Monitor, Rule];

/// Everything that one monitor can alert about, the worst first, and before each what keeps it from being told: rules are
/// evaluated in this order, and Alertmanager inhibits only by what has reached it.
pub fn of_monitor(subject: Subject<'_>) -> Vec<Alert> {
    let mut alerts = availability(subject);
    alerts.extend(schema(subject));
    for level in [Level::Critical, Level::Warning] {
        alerts.extend(freshness(subject, level));
        alerts.push(stale_segment(subject, level));
        alerts.push(duplicates(subject, level));
        alerts.push(quality(subject, level));
        alerts.push(imputation(subject, level));
        alerts.push(drift(subject, level));
        alerts.push(missing(subject, level));
        alerts.push(missing_patterns(subject, level));
        alerts.push(outliers(subject, level));
        alerts.push(correlation(subject, level));
        alerts.push(performance(subject, level));
        alerts.push(segments(subject, level));
        alerts.push(of_level(subject, level));
        alerts.push(shift(subject, level));
        alerts.push(rule_violated(subject, level));
    }
    alerts.push(rule_broken(subject));
    alerts
}

/// What an alert about data keeps from being told, the least first: each what those before it are, too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mutes {
    /// Nothing but its own warning.
    Nothing,
    /// What a feature tells about the target.
    Power,
    /// How a feature hangs together with others, or is missing with them.
    Pairs,
    /// What is far out.
    FarOut,
    /// Distributions.
    Distributions,
    /// What is filled in.
    FilledIn,
    /// All that is said of values.
    Values,
}

/// How long an alert about data goes on: a warning ends first, then what is critical, and last what mutes most, so that in
/// between nobody is told of what was muted.
fn ends(subject: Subject<'_>, level: Level, mutes: Mutes) -> Duration {
    let more = match level {
        Level::Critical => 1 + mutes as u32,
        Level::Warning | Level::None => 0,
    };
    subject.pace.settled_and(more)
}

/// The schema check: what is different is in the label `reason`.
fn schema(subject: Subject<'_>) -> Vec<Alert> {
    let found = |reasons: &[&str], level: Level| {
        let breached = subject.reach.of(
            &table::CHECK_BREACHED,
            &[Is(Check, About::Schema.name()), Is(Severity, level.name())],
        );
        let finding = subject
            .reach
            .of(&table::SCHEMA_FINDING, &[Among(Reason, reasons)]);
        format!(
            "{} == 1 and on ({}) {} == 1",
            max_by(&[Namespace, Monitor, Feature, Reason], &finding),
            names(&OF_FEATURE),
            max_by(&OF_FEATURE, &breached),
        )
    };
    let alert = |name, level, reasons: &[&str], summary, description: &str| Alert {
        name,
        level,
        about: Some(About::Schema),
        query: found(reasons, level),
        lasts: subject.pace.settled(),
        keeps_firing: ends(subject, level, Mutes::Values),
        summary,
        description: description.to_owned(),
        board: Board::Feature,
    };
    vec![
        alert(
            "FeatureAbsent",
            Level::Critical,
            &["missing", "renamed"],
            "An expected column is not in the source.",
            "The column {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} is {{ $labels.reason }}. \
             What needs it gets nothing.",
        ),
        alert(
            "FeatureConstant",
            Level::Critical,
            &["constant"],
            "A feature has the same value in every row.",
            "Every row of {{ $labels.namespace }}/{{ $labels.monitor }} holds the same value of {{ $labels.feature }}, which the \
             baseline's do not.",
        ),
        alert(
            "FeatureSchemaChanged",
            Level::Critical,
            &["type_changed"],
            "A column came with another type.",
            "The column {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} has another type than is \
             expected. The exporter's page names both.",
        ),
        alert(
            "FeatureSchemaChanged",
            Level::Warning,
            &["new", "unsupported_type"],
            "A column came that is not judged.",
            "The column {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} is not judged (reason: \
             {{ $labels.reason }}). Exclude it, or freeze a baseline that has it.",
        ),
    ]
}

/// The freshness check: of the monitor as a whole, which has no label `feature`, and of each feature.
fn freshness(subject: Subject<'_>, level: Level) -> [Alert; 2] {
    let about = About::Freshness;
    let alert = |name, labels: &[Label], matcher, summary, subject_of, after, board| Alert {
        name,
        level,
        about: Some(about),
        query: breached(subject, labels, level, about, &[matcher]),
        lasts: subject.pace.settled(),
        keeps_firing: ends(
            subject,
            level,
            match labels == OF_MONITOR {
                true => Mutes::Values,
                false => Mutes::Nothing,
            },
        ),
        summary,
        description: format!(
            "The newest event of {subject_of}{{{{ $labels.namespace }}}}/{{{{ $labels.monitor }}}} is {{{{ $value | humanizeDuration }}}} \
             old; the limit is {}.{after}",
            looked_up(
                &table::CHECK_LIMIT,
                labels,
                level,
                about,
                "humanizeDuration"
            ),
        ),
        board,
    };
    // Which of the two it is sends who reads it to another pipeline.
    let state = table::UPDATE_STATE.definition().name;
    let state = format!(
        " The state of the source: {{{{ with printf `{state}{{{}=%q,{}=%q}} == 1` $labels.{} $labels.{} | query }}}}\
         {{{{ . | first | label `{}` }}}}{{{{ else }}}}not known{{{{ end }}}}.",
        Namespace.name(),
        Monitor.name(),
        Namespace.name(),
        Monitor.name(),
        State.name(),
    );
    [
        alert(
            "FeatureDataStale",
            &OF_MONITOR,
            Is(Feature, ""),
            "The newest event of a source is too old.",
            "",
            state.as_str(),
            Board::Monitor,
        ),
        alert(
            "FeatureStale",
            &OF_FEATURE,
            IsNot(Feature, ""),
            "A feature is no longer filled.",
            "{{ $labels.feature }} of ",
            "",
            Board::Feature,
        ),
    ]
}

/// The drift check: distances, in the unit of the statistic.
fn drift(subject: Subject<'_>, level: Level) -> Alert {
    let alert = statistical(
        subject,
        level,
        About::Drift,
        "FeatureDrift",
        "A feature is distributed otherwise than in the baseline.",
        "{{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} is {{ $value | printf \"%.3g\" }} away from its baseline",
        PLAIN,
    );
    Alert {
        keeps_firing: ends(subject, level, Mutes::FarOut),
        ..alert
    }
}

/// The check of missing values: increases of their share.
fn missing(subject: Subject<'_>, level: Level) -> Alert {
    let alert = statistical(
        subject,
        level,
        About::Missing,
        "FeatureMissingData",
        "More values of a feature are missing than in the baseline.",
        "The missing share of {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} is {{ $value | humanizePercentage }} (percentage points) above the baseline's",
        "humanizePercentage",
    );
    Alert {
        keeps_firing: ends(subject, level, Mutes::Pairs),
        ..alert
    }
}

/// The check of which features are missing together: the distance of the patterns of the window as a whole. That more values of
/// a feature are missing is told before.
fn missing_patterns(subject: Subject<'_>, level: Level) -> Alert {
    let (about, labels) = (About::MissingPatterns, &OF_MONITOR);
    Alert {
        name: "FeatureMissingPatterns",
        level,
        about: Some(about),
        query: breached(subject, labels, level, about, &[Is(Feature, "")]),
        lasts: subject.pace.settled(),
        keeps_firing: ends(subject, level, Mutes::Nothing),
        summary: "Other features than in the baseline are missing together.",
        description: format!(
            "How often which features of {{{{ $labels.namespace }}}}/{{{{ $labels.monitor }}}} are missing in the same row is \
             {{{{ $value | {PLAIN} }}}} away from the baseline; the limit is {}. The exporter's page names the patterns.",
            looked_up(&table::CHECK_LIMIT, labels, level, about, PLAIN),
        ),
        board: Board::Monitor,
    }
}

/// The check of values that are not acceptable: increases of their share. It mutes that they drift.
fn quality(subject: Subject<'_>, level: Level) -> Alert {
    let alert = statistical(
        subject,
        level,
        About::Quality,
        "FeatureInvalidValues",
        "More values of a feature are not acceptable than in the baseline.",
        "The share of values of {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} that are not acceptable is {{ $value | humanizePercentage }} (percentage points) above the baseline's",
        "humanizePercentage",
    );
    Alert {
        keeps_firing: ends(subject, level, Mutes::FilledIn),
        ..alert
    }
}

/// The check of values that were filled in: increases of their share. It mutes that they drift.
fn imputation(subject: Subject<'_>, level: Level) -> Alert {
    let alert = statistical(
        subject,
        level,
        About::Imputation,
        "FeatureImputed",
        "More values of a feature are filled in than in the baseline.",
        "The share of values of {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} that were filled in is {{ $value | humanizePercentage }} (percentage points) above the baseline's",
        "humanizePercentage",
    );
    Alert {
        keeps_firing: ends(subject, level, Mutes::Distributions),
        ..alert
    }
}

/// The check of numbers far from the median: increases of their share. Values that are not acceptable, and those of another
/// distribution, are told before.
fn outliers(subject: Subject<'_>, level: Level) -> Alert {
    let alert = statistical(
        subject,
        level,
        About::Outliers,
        "FeatureOutliers",
        "More numbers of a feature are far out than in the baseline.",
        "The share of numbers of {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} that are far from the baseline's median is {{ $value | humanizePercentage }} (percentage points) above the baseline's",
        "humanizePercentage",
    );
    Alert {
        keeps_firing: ends(subject, level, Mutes::Pairs),
        ..alert
    }
}

/// The check of associations: their differences from the baseline's.
fn correlation(subject: Subject<'_>, level: Level) -> Alert {
    let alert = statistical(
        subject,
        level,
        About::Correlation,
        "FeatureCorrelationChanged",
        "A feature hangs together with another one otherwise than in the baseline.",
        "The association of {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} with another feature differs by {{ $value | printf \"%.3g\" }} from the baseline's",
        PLAIN,
    );
    Alert {
        keeps_firing: ends(subject, level, Mutes::Power),
        ..alert
    }
}

/// The check of what features tell about the target: by how much that fell.
fn performance(subject: Subject<'_>, level: Level) -> Alert {
    statistical(
        subject,
        level,
        About::Performance,
        "FeaturePerformanceDegraded",
        "A feature tells less about the target than in the baseline.",
        "What {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} tells about the target (AUC, or the explained share) has fallen by {{ $value | printf \"%.3g\" }} from the baseline's",
        PLAIN,
    )
}

/// The check of distributions within segments: the distance of the worst one. Where all of a feature has moved, that is told before.
fn segments(subject: Subject<'_>, level: Level) -> Alert {
    statistical(
        subject,
        level,
        About::Segments,
        "FeatureSegmentDrift",
        "Within a segment a feature is distributed otherwise than in the baseline.",
        "In one of the segments of {{ $labels.namespace }}/{{ $labels.monitor }}, {{ $labels.feature }} is {{ $value | printf \"%.3g\" }} away from the same segment of the baseline",
        PLAIN,
    )
}

/// A segment of which every row is too old, while the newest event of all may be new.
fn stale_segment(subject: Subject<'_>, level: Level) -> Alert {
    let share = subject.reach.of(
        &table::SEGMENT_STALE_ROW_RATIO,
        &[Is(Severity, level.name())],
    );
    Alert {
        name: "FeatureSegmentStale",
        level,
        about: Some(About::Freshness),
        query: format!("{} == 1", max_by(&OF_SEGMENT, &share)),
        lasts: subject.pace.settled(),
        keeps_firing: ends(subject, level, Mutes::Nothing),
        summary: "A segment of a source is no longer renewed.",
        description: "Every row of the segment {{ $labels.segment }} of {{ $labels.namespace }}/{{ $labels.monitor }} has an event \
                      that is past the limit of freshness."
            .to_owned(),
        board: Board::Monitor,
    }
}

/// The check of the mean at this time: its distance from what is usual, in deviations.
fn of_level(subject: Subject<'_>, level: Level) -> Alert {
    statistical(
        subject,
        level,
        About::Level,
        "FeatureLevel",
        "The mean of a feature is not where it usually is at this time.",
        "The mean of {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} is {{ $value | printf \"%.3g\" }} deviations from what is usual at this time",
        PLAIN,
    )
}

/// The check of slow shifts: the chart that is nearer to its limit.
fn shift(subject: Subject<'_>, level: Level) -> Alert {
    statistical(
        subject,
        level,
        About::Shift,
        "FeatureShift",
        "The mean of a feature has moved slowly, and stays.",
        "The chart of the mean of {{ $labels.feature }} of {{ $labels.namespace }}/{{ $labels.monitor }} is at {{ $value | printf \"%.3g\" }}, and alarms until it has been back at 0 for a day",
        PLAIN,
    )
}

/// The check of keys: increases of the share of rows with the key of another.
fn duplicates(subject: Subject<'_>, level: Level) -> Alert {
    let (about, labels) = (About::Duplicates, &OF_MONITOR);
    let how = "humanizePercentage";
    Alert {
        name: "FeatureDuplicateKeys",
        level,
        about: Some(about),
        query: breached(subject, labels, level, about, &[Is(Feature, "")]),
        lasts: subject.pace.settled(),
        keeps_firing: ends(subject, level, Mutes::Nothing),
        summary: "More rows than in the baseline have the key of another row.",
        description: format!(
            "The share of rows of {{{{ $labels.namespace }}}}/{{{{ $labels.monitor }}}} whose key a row before them has is \
             {{{{ $value | {how} }}}} (percentage points) above the baseline's; the limit is {}.",
            looked_up(&table::CHECK_LIMIT, labels, level, about, how),
        ),
        board: Board::Monitor,
    }
}

/// A business rule that does not hold, at its own severity.
fn rule_violated(subject: Subject<'_>, level: Level) -> Alert {
    let breached = subject
        .reach
        .of(&table::RULE_BREACHED, &[Is(Severity, level.name())]);
    Alert {
        name: "FeatureRuleViolated",
        level,
        about: Some(About::Rules),
        query: format!("{} == 1", max_by(&OF_RULE, &breached)),
        lasts: subject.pace.settled(),
        keeps_firing: ends(subject, level, Mutes::Nothing),
        summary: "A business rule does not hold.",
        description: format!(
            "The rule {{{{ $labels.rule }}}} of {{{{ $labels.namespace }}}}/{{{{ $labels.monitor }}}} does not hold in the last \
             window{{{{ with printf `{}{{namespace=%q,monitor=%q,rule=%q}}` $labels.namespace $labels.monitor $labels.rule | query }}}}: \
             {{{{ . | first | value | humanizePercentage }}}} of the rows violate it{{{{ end }}}}.",
            table::RULE_VIOLATION_RATIO.definition().name,
        ),
        board: Board::Monitor,
    }
}

/// A business rule that is judged no more, whatever comes.
fn rule_broken(subject: Subject<'_>) -> Alert {
    let broken = subject.reach.of(&table::RULE_BROKEN, &[]);
    let why = subject.reach.of(&table::RULE_INVALID_INFO, &[]);
    Alert {
        name: "FeatureRuleBroken",
        level: Level::Warning,
        about: Some(About::Rules),
        query: format!(
            "{} and on ({}) {} == 1",
            max_by(&[Namespace, Monitor, Rule, Reason], &why),
            names(&OF_RULE),
            max_by(&OF_RULE, &broken),
        ),
        // As for a check that gives no verdict: where a column is gone, that is told.
        lasts: subject.pace.repeated(20),
        keeps_firing: ends(subject, Level::Warning, Mutes::Nothing),
        summary: "A business rule cannot be judged.",
        description: "The rule {{ $labels.rule }} of {{ $labels.namespace }}/{{ $labels.monitor }} cannot be judged (reason: \
                      {{ $labels.reason }}), so nobody knows whether it holds. The exporter's page says what is wrong with it, \
                      and where."
            .to_owned(),
        board: Board::Monitor,
    }
}

/// A check that compares each feature with the baseline; `how` is how its template shows a limit.
fn statistical(
    subject: Subject<'_>,
    level: Level,
    about: About,
    name: &'static str,
    summary: &'static str,
    found: &str,
    how: &str,
) -> Alert {
    Alert {
        name,
        level,
        about: Some(about),
        query: breached(subject, &OF_FEATURE, level, about, &[]),
        lasts: subject.pace.settled(),
        keeps_firing: ends(subject, level, Mutes::Nothing),
        summary,
        description: format!(
            "{found}; the limit is {}, and the score {} times the limit.",
            looked_up(&table::CHECK_LIMIT, &OF_FEATURE, level, about, how),
            looked_up(&table::CHECK_SCORE, &OF_FEATURE, level, about, PLAIN),
        ),
        board: Board::Feature,
    }
}

/// What a check measured, where it is breached.
fn breached(
    subject: Subject<'_>,
    labels: &[Label],
    level: Level,
    about: About,
    matchers: &[crate::promql::Matcher<'_>],
) -> String {
    let check = [&[Is(Check, about.name())], matchers].concat();
    let verdict = [&check[..], &[Is(Severity, level.name())]].concat();
    format!(
        "{} and on ({}) {} == 1",
        max_by(labels, &subject.reach.of(&table::CHECK_VALUE, &check)),
        names(labels),
        max_by(labels, &subject.reach.of(&table::CHECK_BREACHED, &verdict)),
    )
}

/// A template that asks for what belongs to the alert: a limit, or a score.
fn looked_up(
    family: &Family<3>,
    labels: &[Label],
    level: Level,
    about: About,
    how: &str,
) -> String {
    let own: Vec<String> = labels
        .iter()
        .map(|label| format!("{}=%q", label.name()))
        .collect();
    let values: Vec<String> = labels
        .iter()
        .map(|label| format!("$labels.{}", label.name()))
        .collect();
    // A monitor as a whole is told from its features by an empty name.
    let whole = match labels.contains(&Feature) {
        true => String::new(),
        false => format!(",{}=''", Feature.name()),
    };
    let fixed = format!(
        "{}='{}',{}='{}'{whole}",
        Check.name(),
        about.name(),
        Severity.name(),
        level.name()
    );
    let name = family.definition().name;
    format!(
        "{{{{ with printf `{name}{{{},{fixed}}}` {} | query }}}}{{{{ . | first | value | {how} }}}}{{{{ else }}}}not known{{{{ end }}}}",
        own.join(","),
        values.join(" "),
    )
}
