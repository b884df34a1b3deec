//! Whether features are watched at all.

use super::*;

/// How many pulls an evaluation has that catches up: four windows and the one in progress.
const PULLS: f64 = 5.0;

impl Subject<'_> {
    /// An alert about whether features are watched at all.
    fn availability(
        &self,
        name: &'static str,
        level: Level,
        query: String,
        lasts: Duration,
        [summary, description]: [&'static str; 2],
    ) -> Alert {
        Alert {
            name,
            level,
            about: Some(About::Availability),
            query,
            lasts,
            // What follows from one that is critical, and is not told meanwhile, ends before it.
            keeps_firing: match level {
                Level::Critical => self.pace.steady(),
                Level::Warning | Level::None => self.pace.settled(),
            },
            summary,
            description: description.to_owned(),
            board: Board::Monitor,
        }
    }

    /// The largest value of a family of the monitor.
    fn of(&self, family: &Family<0>) -> String {
        max_by(&OF_MONITOR, &self.reach.of(family, &[]))
    }
}

pub(super) fn availability(subject: Subject<'_>) -> Vec<Alert> {
    let pace = subject.pace;
    let up = subject.reach.up();
    let dropped_within = crate::timing::text((pace.rules * 120).max(pace.features * 3));
    let dropped = subject.reach.of(&table::SERIES_DROPPED, &[]);
    // Without a baseline or a window nothing is judged yet, a column that the baseline does not have is told as a new one, and what
    // moves by construction never is judged; nor are features beyond those that are looked at together, and a baseline of one window
    // is the choice of who wrote it. All else is told: it is asked for, and somebody can do something about it.
    let blind = [
        "absent",
        "constant_target",
        "given_for_other_kind",
        "kind_changed",
        "no_common_class",
        "no_event",
        "no_flag",
        "no_keys",
        "no_sample",
        "no_segments",
        "no_target",
        "not_counted_in_baseline",
        "one_class",
        "other_bins",
        "overflow",
        "too_few_baseline_rows",
        "too_few_cycles",
        "too_few_rows",
        "too_many_categories",
        "too_persistent",
        "unknown_phase",
        "zero_spread",
    ];
    let blind = max_by(
        &[Namespace, Monitor, Feature, Check, Reason],
        &subject
            .reach
            .of(&table::CHECK_INVALID_INFO, &[Among(Reason, &blind)]),
    );
    vec![
        subject.availability(
            "FeatureMonitorExporterDown",
            Level::Critical,
            format!("{} == 0 or absent({up})", max_by(&OF_MONITOR, &up)),
            pace.steady(),
            [
                "The exporter of a feature monitor cannot be scraped.",
                "Prometheus cannot scrape the exporter of {{ $labels.namespace }}/{{ $labels.monitor }}, or does not know \
                 it. None of its features is watched: that no other alert of it fires means nothing.",
            ],
        ),
        subject.availability(
            "FeatureMonitorSourceDown",
            Level::Critical,
            format!("{} == 0", subject.of(&table::SOURCE_UP)),
            pace.steady(),
            [
                "The source of a feature monitor cannot be read.",
                "The exporter of {{ $labels.namespace }}/{{ $labels.monitor }} cannot read its features from the Flight \
                 server, though it tries again and again. Its page and its log say why.",
            ],
        ),
        subject.availability(
            "FeatureMonitorEvaluationFailing",
            Level::Critical,
            format!(
                "{} == 0 unless on ({}) {} == 0",
                subject.of(&table::EVALUATION_SUCCESS),
                names(&OF_MONITOR),
                subject.of(&table::SOURCE_UP),
            ),
            pace.steady(),
            [
                "The evaluations of a feature monitor fail, and not for its source.",
                "Evaluations of {{ $labels.namespace }}/{{ $labels.monitor }} fail, and not since its source is down: what is \
                 shown is of the last one that did not. The exporter's page and log say why.",
            ],
        ),
        subject.availability(
            "FeatureMonitorEvaluationLate",
            Level::Critical,
            format!(
                "time() - {} > 3 * {} + {}",
                subject.of(&table::EVALUATION_TIMESTAMP),
                subject.of(&table::EVALUATION_INTERVAL),
                PULLS * subject.timeout.as_secs_f64(),
            ),
            pace.settled(),
            [
                "A feature monitor no longer evaluates.",
                "The last evaluation of {{ $labels.namespace }}/{{ $labels.monitor }} ended {{ $value | humanizeDuration }} \
                 ago, though its exporter can be scraped. Evaluations hang or do not begin.",
            ],
        ),
        subject.availability(
            "FeatureMonitorBaselineAbsent",
            Level::Warning,
            format!("{} == 0", subject.of(&table::BASELINE_PRESENT)),
            pace.repeated(120),
            [
                "A feature monitor has no baseline.",
                "{{ $labels.namespace }}/{{ $labels.monitor }} has no baseline yet: drift, missing values and columns are not \
                 judged.",
            ],
        ),
        subject.availability(
            "FeatureMonitorFallingBehind",
            Level::Warning,
            format!("{} > 1", subject.of(&table::WINDOWS_PENDING)),
            pace.repeated(10),
            [
                "A feature monitor judges windows later than they are complete.",
                "{{ $labels.namespace }}/{{ $labels.monitor }} has {{ $value }} complete windows that are not judged.",
            ],
        ),
        Alert {
            about: None,
            ..subject.availability(
            "FeatureMonitorNotJudging",
            Level::Warning,
            format!(
                "{} > 0",
                count_by(&[Namespace, Monitor, Check, Reason], &blind)
            ),
            pace.repeated(20),
            [
                "A check of a feature monitor gives no verdict.",
                "The check {{ $labels.check }} of {{ $labels.namespace }}/{{ $labels.monitor }} cannot judge {{ $value }} \
                 features (reason: {{ $labels.reason }}). No verdict is not a good verdict.",
            ],
            )
        },
        subject.availability(
            "FeatureMonitorConfigRefused",
            Level::Warning,
            format!("{} == 0", subject.of(&table::CONFIG_RELOAD_SUCCESS)),
            pace.settled(),
            [
                "An exporter refused its changed configuration.",
                "The exporter of {{ $labels.namespace }}/{{ $labels.monitor }} refused a changed configuration, and goes on \
                 with the one before. Its log says what is wrong.",
            ],
        ),
        subject.availability(
            "FeatureMonitorSeriesDropped",
            Level::Warning,
            format!(
                "{} > 0",
                sum_by(
                    &[Namespace, Monitor, Reason],
                    &format!("increase({dropped}[{dropped_within}])")
                )
            ),
            pace.settled(),
            [
                "An exporter leaves series out of its scrape.",
                "{{ $labels.namespace }}/{{ $labels.monitor }} has more series than its budget (reason: {{ $labels.reason }}): bins \
                 are left out first, then statistics of features, and boards lack them.",
            ],
        ),
    ]
}
