//! THE table: every metric family, once.
//!
//! A row reads: help (its doc comment), identifier, kind, unit, scope, name, labels besides those of the
//! scope, and how to use it (a sentence and a query). Names follow Prometheus' conventions: one quantity and
//! one unit per family, base units, `_ratio` from 0 to 1, `_total` for counters only, timestamps and never
//! ages, since `time() - x` also grows when the exporter is stuck. A family is absent while its value is not
//! known: never 0, never NaN.

use crate::family::{Definition, Family, Kind, Label, Scope, Unit, Usage};

/// How many labels a row has, as the const argument of its type.
const fn count(labels: &[Label]) -> usize {
    labels.len()
}

macro_rules! table {
    ($(
        $(#[doc = $help:literal])+
        $id:ident = $kind:ident, $unit:ident, $scope:ident $name:literal [$($label:ident),*];
        $sentence:literal => $query:literal;
    )+) => {
        /// The families' positions in the table, so that samples are found by index and not by name.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Position { $($id),+ }

        $(
            $(#[doc = $help])+
            pub static $id: Family<{ count(&[$(Label::$label),*]) }> = Family(Definition {
                name: $name,
                kind: Kind::$kind,
                unit: Unit::$unit,
                scope: Scope::$scope,
                labels: &[$(Label::$label),*],
                usage: Usage { sentence: $sentence, query: $query },
                help: concat!($($help),+),
                position: Position::$id as usize,
            });
        )+

        /// Every family, in the order in which a scrape shows them.
        pub static ALL: &[&Definition] = &[$(&$id.0),+];
    };
}

table! {
    // ---- Is the answer to be had at all: source, evaluation, windows -------------------------------------

    /// Whether the last attempt to read the source succeeded.
    SOURCE_UP = Gauge, Flag, Monitor "featuremonitor_source_up" [];
    "Alert when the source has been unreachable for some evaluations." => "max_over_time(featuremonitor_source_up[15m]) == 0";

    /// Seconds for which the source was `up` (the last attempt to read it succeeded), `down` or `unknown` (not asked yet), since
    /// the process started. It grows at every scrape, so that it also tells shares of short times.
    SOURCE_SECONDS = Counter, Seconds, Monitor "featuremonitor_source_seconds_total" [State];
    "See for which share of the time the source could not be read." => "sum by (namespace, monitor) (rate(featuremonitor_source_seconds_total{state=\"down\"}[1d])) / (sum by (namespace, monitor) (rate(featuremonitor_source_seconds_total{state!=\"unknown\"}[1d])) > 0)";

    /// Whether the last evaluation succeeded. While it is 0, every other value is of the last one that did.
    EVALUATION_SUCCESS = Gauge, Flag, Monitor "featuremonitor_evaluation_success" [];
    "Alert when evaluations keep failing; what is shown is then old." => "max_over_time(featuremonitor_evaluation_success[15m]) == 0";

    /// When the last evaluation ended, whatever its outcome. Values change at evaluations, not at scrapes.
    EVALUATION_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_evaluation_timestamp_seconds" [];
    "Find monitors that no longer evaluate, also when the process hangs." => "time() - featuremonitor_evaluation_timestamp_seconds > 3 * featuremonitor_evaluation_interval_seconds";

    /// When the last successful evaluation ended. The values shown are of this moment.
    EVALUATION_LAST_SUCCESS_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_evaluation_last_success_timestamp_seconds" [];
    "Show how old the numbers are." => "time() - featuremonitor_evaluation_last_success_timestamp_seconds";

    /// Time from one evaluation to the next, as the schedule asks for it.
    EVALUATION_INTERVAL = Gauge, Seconds, Monitor "featuremonitor_evaluation_interval_seconds" [];
    "Scale a limit on the age of evaluations to the monitor's own schedule." => "time() - featuremonitor_evaluation_last_success_timestamp_seconds > 3 * featuremonitor_evaluation_interval_seconds";

    /// How long evaluations took, from the first request to the verdicts.
    EVALUATION_DURATION = Histogram, Seconds, Monitor "featuremonitor_evaluation_duration_seconds" [];
    "Compare with the interval: an evaluation that takes longer than that delays the next." => "histogram_quantile(0.95, sum by (namespace, monitor, le) (rate(featuremonitor_evaluation_duration_seconds_bucket[1h])))";

    /// Evaluations by their outcome.
    EVALUATIONS = Counter, Count, Monitor "featuremonitor_evaluations_total" [Outcome];
    "Count failed evaluations of a day." => "increase(featuremonitor_evaluations_total{outcome=\"failure\"}[1d])";

    /// Evaluations that failed, by reason.
    EVALUATION_ERRORS = Counter, Count, Monitor "featuremonitor_evaluation_errors_total" [Reason];
    "See why evaluations fail: the source, the baseline, or saved state." => "sum by (namespace, monitor, reason) (increase(featuremonitor_evaluation_errors_total[1h])) > 0";

    /// Bytes of Flight messages received from the source, as they came over the wire.
    SOURCE_RECEIVED_BYTES = Counter, Bytes, Monitor "featuremonitor_source_received_bytes_total" [];
    "Show the traffic that monitoring causes." => "rate(featuremonitor_source_received_bytes_total[5m])";

    /// Rows read from the source.
    ROWS = Counter, Count, Monitor "featuremonitor_rows_total" [];
    "Show rows per second." => "rate(featuremonitor_rows_total[5m])";

    /// Record batches read from the source.
    BATCHES = Counter, Count, Monitor "featuremonitor_batches_total" [];
    "See the mean size of a batch; very small ones cost more than their rows." => "rate(featuremonitor_rows_total[5m]) / (rate(featuremonitor_batches_total[5m]) > 0)";

    /// Rows read whose time is null or in no window that was asked for. They are in no statistic.
    ROWS_OUTSIDE_WINDOWS = Counter, Count, Monitor "featuremonitor_rows_outside_windows_total" [];
    "A growing count points to late data, or to a query that returns more than the window." => "increase(featuremonitor_rows_outside_windows_total[1h])";

    /// Series left out of the scrape, by reason, counted at each evaluation.
    SERIES_DROPPED = Counter, Count, Monitor "featuremonitor_series_dropped_total" [Reason];
    "Any increase means that a monitor needs fewer features or categories." => "increase(featuremonitor_series_dropped_total[1h]) > 0";

    /// Start of the window that the values describe.
    WINDOW_START_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_window_start_timestamp_seconds" [];
    "Show the length of the window." => "featuremonitor_window_end_timestamp_seconds - featuremonitor_window_start_timestamp_seconds";

    /// End of the window that the values describe; the window does not contain it.
    WINDOW_END_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_window_end_timestamp_seconds" [];
    "Show how far judgement is behind the clock." => "time() - featuremonitor_window_end_timestamp_seconds";

    /// Whether a complete window stands behind the values. 0 while the first one is still filling: nothing is judged.
    WINDOW_COMPLETE = Gauge, Flag, Monitor "featuremonitor_window_complete" [];
    "Find monitors that have judged nothing yet." => "featuremonitor_window_complete == 0";

    /// Rows of the window that the values describe.
    WINDOW_ROWS = Gauge, Count, Monitor "featuremonitor_window_rows" [];
    "Find a window with far fewer rows than the baseline's mean window." => "featuremonitor_window_rows < 0.5 * featuremonitor_baseline_rows / (featuremonitor_baseline_windows > 0)";

    /// Rows seen so far in the window that is still open.
    OPEN_WINDOW_ROWS = Gauge, Count, Monitor "featuremonitor_open_window_rows" [];
    "See that data arrives before the window is complete." => "featuremonitor_open_window_rows";

    /// Windows judged since the process started.
    WINDOWS_JUDGED = Counter, Count, Monitor "featuremonitor_windows_judged_total" [];
    "Compare with what the window's length promises." => "increase(featuremonitor_windows_judged_total[7d])";

    /// Alarms that began since the process started: a calibrated check of a feature, or of the window as a whole, passed a
    /// limit that is no number of the manifest, for as many windows in a row as it asks for, and was not alarming in the window before.
    ALARMS = Counter, Count, Monitor "featuremonitor_alarms_total" [Check, Severity];
    "Compare with the false alarms that the budget expects in as many windows." => "sum by (namespace, monitor, severity) (increase(featuremonitor_alarms_total[30d]))";

    /// Windows that are complete and not judged yet.
    WINDOWS_PENDING = Gauge, Count, Monitor "featuremonitor_windows_pending" [];
    "Above 1 for long: the monitor is catching up, or cannot." => "featuremonitor_windows_pending > 1";

    // ---- What the values are compared with, and how strictly ---------------------------------------------

    /// Whether a baseline is frozen. Without one nothing is judged.
    BASELINE_PRESENT = Gauge, Flag, Monitor "featuremonitor_baseline_present" [];
    "Alert when a monitor still has no baseline." => "max_over_time(featuremonitor_baseline_present[1h]) == 0";

    /// The baseline in use.
    BASELINE_INFO = Info, Plain, Monitor "featuremonitor_baseline_info" [Kind, Version, Revision, Digest];
    "Mark in a graph when the baseline changed." => "count by (namespace, monitor) (count_over_time(featuremonitor_baseline_info[1h])) > 1";

    /// When the baseline's bins were frozen.
    BASELINE_FROZEN_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_baseline_frozen_timestamp_seconds" [];
    "Find baselines nobody has looked at for half a year." => "time() - featuremonitor_baseline_frozen_timestamp_seconds > 180 * 86400";

    /// Rows of all baseline windows together.
    BASELINE_ROWS = Gauge, Count, Monitor "featuremonitor_baseline_rows" [];
    "Small baselines give wide limits." => "featuremonitor_baseline_rows < 1000";

    /// Windows in the baseline. With fewer than four, no limit follows from how windows differ.
    BASELINE_WINDOWS = Gauge, Count, Monitor "featuremonitor_baseline_windows" [];
    "Find baselines too short to learn the variation between windows." => "featuremonitor_baseline_windows < 4";

    /// Statistical tests per window: what the budget of false alarms is divided by.
    TESTS = Gauge, Count, Monitor "featuremonitor_statistical_tests" [];
    "Check that every test got its share of the budget, unless a limit of the probability was reached." => "featuremonitor_test_alpha * on (namespace, monitor) group_left () featuremonitor_statistical_tests";

    /// False alarms that the budget expects per window, all tests together.
    FALSE_ALARM_BUDGET = Gauge, Plain, Monitor "featuremonitor_false_alarm_budget_per_window" [Severity];
    "Compare the breaches of 30 days with what the budget expects by chance." => "increase(featuremonitor_windows_judged_total[30d]) * on (namespace, monitor) group_right () featuremonitor_false_alarm_budget_per_window";

    /// Probability of a false alarm allowed to a single test.
    TEST_ALPHA = Gauge, Plain, Monitor "featuremonitor_test_alpha" [Severity];
    "See how strict a single test is." => "featuremonitor_test_alpha{severity=\"critical\"}";

    // ---- The window as a whole ---------------------------------------------------------------------------

    /// What can be used of the window: the mean of the expected features' quality, times the share of rows whose key no row
    /// before them has.
    QUALITY_RATIO = Gauge, Ratio, Monitor "featuremonitor_quality_ratio" [];
    "List the monitors whose data can be used least." => "bottomk(5, featuremonitor_quality_ratio)";

    /// Share of the window's rows, of those with a key, whose key a row before them has.
    DUPLICATE_KEY_RATIO = Gauge, Ratio, Monitor "featuremonitor_duplicate_key_ratio" [];
    "Find sources that serve entities twice." => "featuremonitor_duplicate_key_ratio > 0";

    /// Share of the window's rows in which a part of the key is null.
    MISSING_KEY_RATIO = Gauge, Ratio, Monitor "featuremonitor_missing_key_ratio" [];
    "Find sources that serve rows of nobody." => "featuremonitor_missing_key_ratio > 0";

    // ---- The features ------------------------------------------------------------------------------------

    /// A feature that is expected or was seen, with who owns it.
    FEATURE_INFO = Info, Plain, Monitor "featuremonitor_feature_info" [Feature, Kind, DataType, Team, Contact, Sensitive, Note];
    "Join the owning team to a verdict." => "featuremonitor_check_breached * on (namespace, monitor, feature) group_left (team, contact) featuremonitor_feature_info";

    /// Whether the feature's column was in the window.
    FEATURE_PRESENT = Gauge, Flag, Monitor "featuremonitor_feature_present" [Feature];
    "List the features that did not arrive." => "featuremonitor_feature_present == 0";

    /// Rows of the window, nulls included.
    FEATURE_ROWS = Gauge, Count, Monitor "featuremonitor_feature_rows" [Feature];
    "Find features with too few rows to say anything." => "featuremonitor_feature_rows < 200";

    /// Share of the values, nulls aside, that are not acceptable: not a number, infinite, outside of the range, or of a
    /// category that is not allowed.
    FEATURE_INVALID_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_invalid_ratio" [Feature];
    "List features with values that should not be." => "featuremonitor_feature_invalid_ratio > 0";

    /// Share of the finite numbers that are further from the baseline's median than 3.5 of its scaled median absolute
    /// deviations.
    FEATURE_OUTLIER_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_outlier_ratio" [Feature];
    "List features with many numbers far out." => "topk(5, featuremonitor_feature_outlier_ratio)";

    /// Share of the window's rows that hold a usable value: not null, acceptable, and of the baseline's type.
    FEATURE_QUALITY_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_quality_ratio" [Feature];
    "List the features that can be used least." => "bottomk(5, featuremonitor_feature_quality_ratio)";

    /// Share of rows that are null.
    FEATURE_MISSING_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_missing_ratio" [Feature];
    "Compare with the baseline." => "featuremonitor_feature_missing_ratio - featuremonitor_feature_reference_missing_ratio";

    /// Share of rows that are null in the baseline.
    FEATURE_REFERENCE_MISSING_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_reference_missing_ratio" [Feature];
    "List features that were mostly missing already." => "featuremonitor_feature_reference_missing_ratio > 0.5";

    /// Share of rows that are not a number. A NaN is not a null.
    FEATURE_NAN_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_nan_ratio" [Feature];
    "Any NaN usually is a division by zero upstream." => "featuremonitor_feature_nan_ratio > 0";

    /// Share of rows that are infinite.
    FEATURE_INFINITE_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_infinite_ratio" [Feature];
    "Any infinity usually is a division by zero upstream." => "featuremonitor_feature_infinite_ratio > 0";

    /// Share of rows that are exactly zero.
    FEATURE_ZERO_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_zero_ratio" [Feature];
    "A jump often is a default value standing in for missing data." => "delta(featuremonitor_feature_zero_ratio[7d]) > 0.2";

    /// Mean of the finite values.
    FEATURE_MEAN = Gauge, Feature, Monitor "featuremonitor_feature_mean" [Feature];
    "Show the shift against the baseline." => "featuremonitor_feature_mean - featuremonitor_feature_reference_mean";

    /// Mean of the finite values in the baseline.
    FEATURE_REFERENCE_MEAN = Gauge, Feature, Monitor "featuremonitor_feature_reference_mean" [Feature];
    "Show the relative shift where the mean is not zero." => "featuremonitor_feature_mean / (featuremonitor_feature_reference_mean != 0) - 1";

    /// Standard deviation of the finite values (n − 1 in the denominator).
    FEATURE_STDDEV = Gauge, Feature, Monitor "featuremonitor_feature_stddev" [Feature];
    "A feature that has become constant carries no information." => "featuremonitor_feature_stddev == 0";

    /// Standard deviation of the finite values in the baseline.
    FEATURE_REFERENCE_STDDEV = Gauge, Feature, Monitor "featuremonitor_feature_reference_stddev" [Feature];
    "Show the shift of the mean in standard deviations of the baseline." => "(featuremonitor_feature_mean - featuremonitor_feature_reference_mean) / (featuremonitor_feature_reference_stddev > 0)";

    /// Smallest finite value.
    FEATURE_MIN = Gauge, Feature, Monitor "featuremonitor_feature_min" [Feature];
    "Find features that should not be negative and are." => "featuremonitor_feature_min < 0";

    /// Largest finite value.
    FEATURE_MAX = Gauge, Feature, Monitor "featuremonitor_feature_max" [Feature];
    "Show the range." => "featuremonitor_feature_max - featuremonitor_feature_min";

    /// 1st percentile of the finite values. Quantiles have a rank error of at most 1 %.
    FEATURE_P01 = Gauge, Feature, Monitor "featuremonitor_feature_p01" [Feature];
    "Draw the lower edge of the bulk." => "featuremonitor_feature_p01";

    /// 5th percentile of the finite values.
    FEATURE_P05 = Gauge, Feature, Monitor "featuremonitor_feature_p05" [Feature];
    "Draw the band that holds nine values of ten, together with p95." => "featuremonitor_feature_p95 - featuremonitor_feature_p05";

    /// First quartile of the finite values.
    FEATURE_P25 = Gauge, Feature, Monitor "featuremonitor_feature_p25" [Feature];
    "Show the interquartile range, together with p75." => "featuremonitor_feature_p75 - featuremonitor_feature_p25";

    /// Median of the finite values.
    FEATURE_P50 = Gauge, Feature, Monitor "featuremonitor_feature_p50" [Feature];
    "Draw the middle; it resists outliers." => "featuremonitor_feature_p50";

    /// Third quartile of the finite values.
    FEATURE_P75 = Gauge, Feature, Monitor "featuremonitor_feature_p75" [Feature];
    "See the skew: how much farther p75 is from the median than p25." => "featuremonitor_feature_p75 + featuremonitor_feature_p25 - 2 * featuremonitor_feature_p50";

    /// 95th percentile of the finite values.
    FEATURE_P95 = Gauge, Feature, Monitor "featuremonitor_feature_p95" [Feature];
    "Draw the upper tail." => "featuremonitor_feature_p95";

    /// 99th percentile of the finite values.
    FEATURE_P99 = Gauge, Feature, Monitor "featuremonitor_feature_p99" [Feature];
    "See how far the largest value lies outside the bulk." => "featuremonitor_feature_max - featuremonitor_feature_p99";

    /// Share of the values that were filled in: of the rows by the flag of the manifest, else of the numbers by one that the baseline
    /// does not know as a frequent one.
    FEATURE_IMPUTED_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_imputed_ratio" [Feature];
    "List features whose source fills in what it does not know." => "featuremonitor_feature_imputed_ratio > 0.05";

    /// Share of the baseline's values that were filled in.
    FEATURE_REFERENCE_IMPUTED_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_reference_imputed_ratio" [Feature];
    "Show where more is filled in than before." => "featuremonitor_feature_imputed_ratio - featuremonitor_feature_reference_imputed_ratio > 0";

    /// Kolmogorov-Smirnov statistic of the values that were filled in against the others, 0 to 1.
    FEATURE_IMPUTED_KS = Gauge, Plain, Monitor "featuremonitor_feature_imputed_ks_statistic" [Feature];
    "Values that are filled in by a model should be near the others; a constant is 0.5 away or more." => "featuremonitor_feature_imputed_ks_statistic > 0.5";

    /// Variance of the values that were filled in over that of the others; 0 where one number is filled in.
    FEATURE_IMPUTED_VARIANCE = Gauge, Plain, Monitor "featuremonitor_feature_imputed_relative_variance" [Feature];
    "Find imputation that hides variation." => "featuremonitor_feature_imputed_relative_variance < 0.5";

    /// Standard deviation of all values over that of those that were not filled in.
    FEATURE_IMPUTED_SPREAD = Gauge, Plain, Monitor "featuremonitor_feature_imputed_relative_stddev" [Feature];
    "See by how much filling in narrows or widens the distribution." => "featuremonitor_feature_imputed_relative_stddev - 1";

    /// Distinct values, estimated (relative error about 2 %), never more than there are values.
    FEATURE_DISTINCT_VALUES = Gauge, Count, Monitor "featuremonitor_feature_distinct_values" [Feature];
    "A category count that doubled overnight often is a change of spelling." => "featuremonitor_feature_distinct_values > 2 * (featuremonitor_feature_distinct_values offset 1d)";

    /// Share of the window's values in a bin of the baseline. Nulls and NaN are in no bin. The ends of a bin are told in
    /// five significant digits, or as many more as tell them apart.
    BIN_RATIO = Gauge, Ratio, Monitor "featuremonitor_bin_ratio" [Feature, Bin];
    "Show which bins gained and which lost." => "featuremonitor_bin_ratio - featuremonitor_bin_reference_ratio";

    /// Share of the baseline's values in a bin.
    BIN_REFERENCE_RATIO = Gauge, Ratio, Monitor "featuremonitor_bin_reference_ratio" [Feature, Bin];
    "Draw beside the window's shares." => "featuremonitor_bin_reference_ratio";

    // ---- Level: where the mean lies at this time of day, week or month -------------------------------------

    /// Median of the means of the baseline's windows of the same phase as the judged window. Only of a seasonal baseline.
    FEATURE_USUAL_MEAN = Gauge, Feature, Monitor "featuremonitor_feature_usual_mean" [Feature];
    "Draw beside the mean." => "featuremonitor_feature_mean - featuremonitor_feature_usual_mean";

    /// Unit of the deviation from it: 1.4826 times the median absolute deviation of these means, at least a quarter of that of
    /// all phases.
    FEATURE_USUAL_DEVIATION = Gauge, Feature, Monitor "featuremonitor_feature_usual_deviation" [Feature];
    "Draw the band in which the mean is usual." => "featuremonitor_feature_usual_mean + 3 * featuremonitor_feature_usual_deviation";

    /// Windows that are left out of the feature's baseline since in them a critical limit was breached or it became constant, in a row
    /// until now. Without the label `feature` those that are left out of what features say together. Only of baselines that go along,
    /// and absent while there is none.
    BASELINE_LEFT_OUT_WINDOWS = Gauge, Count, Monitor "featuremonitor_baseline_left_out_windows" [Feature];
    "List features whose baseline stands still." => "featuremonitor_baseline_left_out_windows > 0";

    // ---- Shift: charts of the means, against how they moved when the baseline was frozen --------------------

    /// EWMA of the windows' means, standardised as they moved in the baseline, in its standard deviations.
    SHIFT_EWMA = Gauge, Plain, Monitor "featuremonitor_shift_ewma" [Feature];
    "See whether a feature is on its way, and where to." => "featuremonitor_shift_ewma > 2 or featuremonitor_shift_ewma < -2";

    /// Upper side of the CUSUM of the windows' means, standardised alike: it grows while they are above what is usual.
    SHIFT_CUSUM_UPPER = Gauge, Plain, Monitor "featuremonitor_shift_cusum_upper" [Feature];
    "Since when it has been growing, the mean has been higher." => "featuremonitor_shift_cusum_upper > 0";

    /// Lower side of the CUSUM of the windows' means: it grows while they are below what is usual.
    SHIFT_CUSUM_LOWER = Gauge, Plain, Monitor "featuremonitor_shift_cusum_lower" [Feature];
    "Since when it has been growing, the mean has been lower." => "featuremonitor_shift_cusum_lower > 0";

    // ---- Correlation: how features hang together, over a sample of rows -----------------------------------

    /// Largest difference of the association of two features from the baseline's, of all pairs.
    ASSOCIATION_LARGEST_CHANGE = Gauge, Plain, Monitor "featuremonitor_association_largest_change" [];
    "List the monitors in which features hang together otherwise than before." => "topk(5, featuremonitor_association_largest_change)";

    /// Frobenius norm of the difference of the matrix of associations from the baseline's.
    ASSOCIATION_DISTANCE = Gauge, Plain, Monitor "featuremonitor_association_distance" [];
    "See whether one pair changed or all did: divided by the root of two it is the change of one pair alone." => "featuremonitor_association_distance / 2 ^ 0.5 / featuremonitor_association_largest_change";

    /// Association of the two features of one of the ten most changed pairs: Spearman's rank correlation, Cramér's V, or the
    /// correlation ratio of ranks.
    PAIR_ASSOCIATION = Gauge, Plain, Monitor "featuremonitor_pair_association" [Feature, Partner, Statistic];
    "Show what became of the pairs that changed most." => "featuremonitor_pair_association - featuremonitor_pair_reference_association";

    /// Association of the two features of one of the ten most changed pairs in the baseline.
    PAIR_REFERENCE_ASSOCIATION = Gauge, Plain, Monitor "featuremonitor_pair_reference_association" [Feature, Partner, Statistic];
    "Find pairs that had hung together and do no more." => "abs(featuremonitor_pair_reference_association) > 0.5 and abs(featuremonitor_pair_association) < 0.2";

    /// Change of the association of one of the ten most changed pairs in units of its warning limit.
    PAIR_ASSOCIATION_SCORE = Gauge, Plain, Monitor "featuremonitor_pair_association_score" [Feature, Partner, Statistic];
    "List the pairs that are over their limit." => "featuremonitor_pair_association_score >= 1";

    /// Variance inflation factor of a numeric feature among the others: from 5 on they tell four fifths of it, from 10 on nine
    /// tenths, and at +Inf all of it.
    FEATURE_VARIANCE_INFLATION = Gauge, Plain, Monitor "featuremonitor_feature_variance_inflation_factor" [Feature];
    "List features that others tell almost wholly." => "featuremonitor_feature_variance_inflation_factor >= 10";

    // ---- Performance: what features tell about the target, over a sample of rows -------------------------

    /// Rows of the sample whose target is known.
    TARGET_ROWS = Gauge, Count, Monitor "featuremonitor_target_sampled_rows" [];
    "See how much what is told about the target rests on." => "featuremonitor_target_sampled_rows < 1000";

    /// End of the window that was last judged by its target, where `data.target.delay` says that it is known later: what is told
    /// about the target is about that window.
    TARGET_WINDOW_END_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_target_window_end_timestamp_seconds" [];
    "See of how long ago what is told about the target is." => "time() - featuremonitor_target_window_end_timestamp_seconds";

    /// Share of the target that all features explain together, R² of a regression of ranks.
    TARGET_EXPLAINED_RATIO = Gauge, Ratio, Monitor "featuremonitor_target_explained_ratio" [];
    "Show whether the features as a whole tell less than a month ago." => "featuremonitor_target_explained_ratio / (featuremonitor_target_explained_ratio offset 30d) - 1";

    /// How far the ranking of features by their contribution is that of the baseline: normalised discounted cumulative gain, 1
    /// when it is. Below 0.9 it is taken to have moved.
    CONTRIBUTION_STABILITY = Gauge, Plain, Monitor "featuremonitor_contribution_rank_stability" [];
    "List the monitors whose important features are other ones now." => "featuremonitor_contribution_rank_stability < 0.9";

    /// Share of the target that a feature brings to what all explain together (LMG): they sum up to
    /// `featuremonitor_target_explained_ratio`. At most 32 features share.
    FEATURE_CONTRIBUTION_RATIO = Gauge, Ratio, Monitor "featuremonitor_feature_contribution_ratio" [Feature];
    "List the features that bring the most." => "topk(5, featuremonitor_feature_contribution_ratio)";

    /// What a feature by itself tells about the target: AUC (macro average of each class against the rest), R², ε², ω²,
    /// information value, or mutual information in nats, the last four less what chance puts there. Also of a feature that is not judged,
    /// since it told nothing in the baseline.
    FEATURE_POWER = Gauge, Plain, Monitor "featuremonitor_feature_predictive_power" [Feature, Statistic];
    "Show how a feature's AUC goes on." => "featuremonitor_feature_predictive_power{statistic=\"auc\"}";

    /// Lower end of the 95 % interval of what a feature tells.
    FEATURE_POWER_LOWER_BOUND = Gauge, Plain, Monitor "featuremonitor_feature_predictive_power_lower_bound" [Feature, Statistic];
    "List the features of which it is sure that they tell something." => "featuremonitor_feature_predictive_power_lower_bound{statistic=\"auc\"} > 0.5";

    /// Upper end of the 95 % interval of what a feature tells.
    FEATURE_POWER_UPPER_BOUND = Gauge, Plain, Monitor "featuremonitor_feature_predictive_power_upper_bound" [Feature, Statistic];
    "See how sure it is." => "featuremonitor_feature_predictive_power_upper_bound - featuremonitor_feature_predictive_power_lower_bound";

    /// What a feature by itself told about the target in the baseline, by the measure that is judged, cross-fitted.
    FEATURE_REFERENCE_POWER = Gauge, Plain, Monitor "featuremonitor_feature_reference_predictive_power" [Feature, Statistic];
    "Show by how much a feature tells less than in the baseline." => "featuremonitor_feature_reference_predictive_power - featuremonitor_feature_predictive_power";

    // ---- How features are missing together: complete rows over all rows and features, the others over a sample of rows and the
    // first 128 features -------------------------------------------------------------------------------------

    /// Share of the window's rows in which no feature is missing, of all that the baseline has.
    COMPLETE_ROW_RATIO = Gauge, Ratio, Monitor "featuremonitor_complete_row_ratio" [];
    "List the monitors with the fewest complete rows." => "bottomk(5, featuremonitor_complete_row_ratio)";

    /// Share of the baseline's rows in which no feature is missing.
    REFERENCE_COMPLETE_ROW_RATIO = Gauge, Ratio, Monitor "featuremonitor_reference_complete_row_ratio" [];
    "Find monitors whose rows have become less complete." => "featuremonitor_reference_complete_row_ratio - featuremonitor_complete_row_ratio > 0.05";

    /// Share of the window's entities of which each feature that the baseline has is filled in at least one row. Where
    /// `data.entityKeys` are given; over at most 16,384 entities.
    COMPLETE_ENTITY_RATIO = Gauge, Ratio, Monitor "featuremonitor_complete_entity_ratio" [];
    "See what is gained by joining the rows of an entity." => "featuremonitor_complete_entity_ratio - featuremonitor_complete_row_ratio";

    /// Share of the entities of a window of the baseline of which each feature is filled in at least one row.
    REFERENCE_COMPLETE_ENTITY_RATIO = Gauge, Ratio, Monitor "featuremonitor_reference_complete_entity_ratio" [];
    "Find monitors whose entities have become less complete." => "featuremonitor_reference_complete_entity_ratio - featuremonitor_complete_entity_ratio > 0.05";

    /// Mean share of the features that are filled in a row of the window, of all that the baseline has.
    FILLED_FEATURE_RATIO = Gauge, Ratio, Monitor "featuremonitor_filled_feature_ratio" [];
    "See how complete an entity is on average." => "featuremonitor_filled_feature_ratio";

    /// Mean share of the features that are filled in a row of the baseline.
    REFERENCE_FILLED_FEATURE_RATIO = Gauge, Ratio, Monitor "featuremonitor_reference_filled_feature_ratio" [];
    "Draw beside the window's share." => "featuremonitor_filled_feature_ratio - featuremonitor_reference_filled_feature_ratio";

    /// How many different sets of features rows of the window miss, of the baseline's first 128; the complete row is one of them.
    MISSING_PATTERNS = Gauge, Count, Monitor "featuremonitor_missing_patterns" [];
    "Many patterns are gaps that come one by one, few are sources that fail as a whole." => "featuremonitor_missing_patterns";

    /// Pairs of features of which one is different where the other is missing: by Welch's test, adjusted over all pairs, or one constant
    /// where it is missing and another where it is not.
    MISSING_DEPENDENCES = Gauge, Count, Monitor "featuremonitor_missing_dependences" [];
    "Find monitors in which leaving out rows with gaps would leave out somebody in particular." => "featuremonitor_missing_dependences > 0";

    /// Statistic of Little's test of values missing completely at random.
    MCAR_STATISTIC = Gauge, Plain, Monitor "featuremonitor_mcar_statistic" [];
    "Divided by its degrees of freedom it is about 1 where values are missing completely at random." => "featuremonitor_mcar_statistic / featuremonitor_mcar_degrees_of_freedom";

    /// Degrees of freedom of Little's test.
    MCAR_DEGREES = Gauge, Count, Monitor "featuremonitor_mcar_degrees_of_freedom" [];
    "Read it beside the statistic." => "featuremonitor_mcar_degrees_of_freedom";

    /// P-value of Little's test: small where rows with gaps differ from the others.
    MCAR_P_VALUE = Gauge, Plain, Monitor "featuremonitor_mcar_p_value" [];
    "For reading; it decides no verdict." => "featuremonitor_mcar_p_value < 0.05";

    /// Correlation (phi) of the gaps of the two features of one of the ten pairs that are most strongly missing together, -1 to 1.
    PAIR_CO_MISSING_PHI = Gauge, Plain, Monitor "featuremonitor_pair_co_missing_phi" [Feature, Partner];
    "List the features that come and go together." => "featuremonitor_pair_co_missing_phi > 0.9";

    /// Correlation (phi) of the gaps of one of the ten pairs that are most strongly missing together, in the baseline.
    PAIR_REFERENCE_CO_MISSING_PHI = Gauge, Plain, Monitor "featuremonitor_pair_reference_co_missing_phi" [Feature, Partner];
    "Show what became of the pairs." => "featuremonitor_pair_co_missing_phi - featuremonitor_pair_reference_co_missing_phi";

    // ---- Segments: the parts of the rows, and what changed within them --------------------------------------

    /// Share of the rows that are in a segment, in the judged window.
    SEGMENT_ROW_RATIO = Gauge, Ratio, Monitor "featuremonitor_segment_row_ratio" [Segment];
    "See what the rows are made of." => "featuremonitor_segment_row_ratio";

    /// Share of the rows that are in a segment, in the baseline.
    SEGMENT_REFERENCE_ROW_RATIO = Gauge, Ratio, Monitor "featuremonitor_segment_reference_row_ratio" [Segment];
    "List the segments that have become larger or smaller." => "featuremonitor_segment_row_ratio - featuremonitor_segment_reference_row_ratio";

    /// Jensen-Shannon distance of a feature within a segment from the same segment of the baseline, missing values being a bin; of
    /// the ten of each column that are worst against their limits.
    SEGMENT_DISTANCE = Gauge, Plain, Monitor "featuremonitor_segment_distance" [Feature, Segment];
    "See in which segments a feature moved." => "featuremonitor_segment_distance";

    /// That distance in units of its warning limit.
    SEGMENT_SCORE = Gauge, Plain, Monitor "featuremonitor_segment_score" [Feature, Segment];
    "List the segments that are over their limit." => "featuremonitor_segment_score >= 1";

    /// Change of the mean of a feature from the baseline, apart by its causes: `mix`, because segments of the column weigh more or
    /// less, and `within` them. They add up to the change of the mean over the sampled rows.
    FEATURE_MEAN_CHANGE = Gauge, Feature, Monitor "featuremonitor_feature_mean_change" [Feature, Column, Component];
    "Find features that changed since other rows are served, and not since they are others." => "abs(featuremonitor_feature_mean_change{component=\"mix\"}) > on (namespace, monitor, feature, column) abs(featuremonitor_feature_mean_change{component=\"within\"})";

    /// Jensen-Shannon distance of a feature from the baseline, apart by its causes: `mix` and `within`, as of the mean; together they
    /// are at least the whole.
    FEATURE_DISTANCE_COMPONENT = Gauge, Plain, Monitor "featuremonitor_feature_distance_component" [Feature, Column, Component];
    "List the features that moved within segments, whatever these weigh." => "topk(5, featuremonitor_feature_distance_component{component=\"within\"})";

    // ---- Drift: one family per statistic, since a sum over a mix of them means nothing --------------------

    /// Kolmogorov-Smirnov statistic: the largest difference of the two distribution functions, 0 to 1.
    DRIFT_KS = Gauge, Plain, Monitor "featuremonitor_drift_ks_statistic" [Feature];
    "Rank features by how far they moved." => "topk by (namespace, monitor) (5, featuremonitor_drift_ks_statistic)";

    /// P-value of the Kolmogorov-Smirnov statistic (two-sample, asymptotic).
    DRIFT_KS_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_ks_p_value" [Feature];
    "Read it beside the statistic: with many rows, small p-values are common and unimportant." => "featuremonitor_drift_ks_p_value < 0.001 and featuremonitor_drift_ks_statistic > 0.05";

    /// P-value of the Kolmogorov-Smirnov statistic, adjusted over the features (Benjamini-Hochberg).
    DRIFT_KS_ADJUSTED_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_ks_adjusted_p_value" [Feature];
    "For reading; it decides no verdict." => "featuremonitor_drift_ks_adjusted_p_value < 0.05";

    /// By how much the Kolmogorov-Smirnov statistic may be larger than shown, from counting values in bins.
    DRIFT_KS_BINNING_ERROR = Gauge, Plain, Monitor "featuremonitor_drift_ks_binning_error" [Feature];
    "Show the most that the statistic can be." => "featuremonitor_drift_ks_statistic + featuremonitor_drift_ks_binning_error";

    /// Population stability index over the baseline's bins, with ½ added to every count (Jeffreys).
    DRIFT_PSI = Gauge, Plain, Monitor "featuremonitor_drift_psi" [Feature];
    "The conventional bands are 0.1 (look) and 0.25 (act); the limit in force is in featuremonitor_check_limit." => "featuremonitor_drift_psi > 0.1";

    /// P-value of the population stability index against its distribution without drift.
    DRIFT_PSI_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_psi_p_value" [Feature];
    "Read it beside the index." => "featuremonitor_drift_psi_p_value < 0.001 and featuremonitor_drift_psi > 0.1";

    /// P-value of the population stability index, adjusted over the features (Benjamini-Hochberg).
    DRIFT_PSI_ADJUSTED_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_psi_adjusted_p_value" [Feature];
    "For reading; it decides no verdict." => "featuremonitor_drift_psi_adjusted_p_value < 0.05";

    /// Jensen-Shannon distance: the root of the divergence to base 2, 0 to 1.
    DRIFT_JENSEN_SHANNON = Gauge, Plain, Monitor "featuremonitor_drift_jensen_shannon_distance" [Feature];
    "Compare features of different kinds on one scale." => "topk by (namespace, monitor) (5, featuremonitor_drift_jensen_shannon_distance)";

    /// P-value of the Jensen-Shannon distance against its distribution without drift.
    DRIFT_JENSEN_SHANNON_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_jensen_shannon_p_value" [Feature];
    "Read it beside the distance." => "featuremonitor_drift_jensen_shannon_p_value < 0.001";

    /// P-value of the Jensen-Shannon distance, adjusted over the features (Benjamini-Hochberg).
    DRIFT_JENSEN_SHANNON_ADJUSTED_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_jensen_shannon_adjusted_p_value" [Feature];
    "For reading; it decides no verdict." => "featuremonitor_drift_jensen_shannon_adjusted_p_value < 0.05";

    /// Hellinger distance over the baseline's bins, 0 to 1.
    DRIFT_HELLINGER = Gauge, Plain, Monitor "featuremonitor_drift_hellinger_distance" [Feature];
    "Compare features of different kinds on one scale." => "topk by (namespace, monitor) (5, featuremonitor_drift_hellinger_distance)";

    /// P-value of the Hellinger distance against its distribution without drift.
    DRIFT_HELLINGER_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_hellinger_p_value" [Feature];
    "Read it beside the distance." => "featuremonitor_drift_hellinger_p_value < 0.001";

    /// P-value of the Hellinger distance, adjusted over the features (Benjamini-Hochberg).
    DRIFT_HELLINGER_ADJUSTED_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_hellinger_adjusted_p_value" [Feature];
    "For reading; it decides no verdict." => "featuremonitor_drift_hellinger_adjusted_p_value < 0.05";

    /// Wasserstein-1 distance divided by the baseline's interquartile range, or by its standard deviation where that is 0.
    DRIFT_WASSERSTEIN = Gauge, Plain, Monitor "featuremonitor_drift_wasserstein_iqr" [Feature];
    "See how far values moved, in widths of the baseline's middle half." => "featuremonitor_drift_wasserstein_iqr > 0.1";

    /// By how much the Wasserstein distance may be off, in its own unit, from counting values in bins.
    DRIFT_WASSERSTEIN_BINNING_ERROR = Gauge, Plain, Monitor "featuremonitor_drift_wasserstein_binning_error" [Feature];
    "Show the least that the distance can be." => "clamp_min(featuremonitor_drift_wasserstein_iqr - featuremonitor_drift_wasserstein_binning_error, 0)";

    /// Chi-squared statistic of homogeneity, on bins pooled until their expected counts suffice.
    DRIFT_CHI_SQUARED = Gauge, Plain, Monitor "featuremonitor_drift_chi_squared_statistic" [Feature];
    "It grows with the rows; compare p-values instead." => "featuremonitor_drift_chi_squared_statistic and featuremonitor_drift_chi_squared_p_value < 0.001";

    /// P-value of the chi-squared statistic.
    DRIFT_CHI_SQUARED_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_chi_squared_p_value" [Feature];
    "Read it beside a distance: with many rows, small p-values are common and unimportant." => "featuremonitor_drift_chi_squared_p_value < 0.001 and featuremonitor_drift_hellinger_distance > 0.1";

    /// P-value of the chi-squared statistic, adjusted over the features (Benjamini-Hochberg).
    DRIFT_CHI_SQUARED_ADJUSTED_P_VALUE = Gauge, Plain, Monitor "featuremonitor_drift_chi_squared_adjusted_p_value" [Feature];
    "For reading; it decides no verdict." => "featuremonitor_drift_chi_squared_adjusted_p_value < 0.05";

    /// Whether the feature moves by construction: already the baseline's windows differ by more than the floor.
    DRIFT_MOVING = Gauge, Flag, Monitor "featuremonitor_drift_moving" [Feature];
    "List features to exclude, or to monitor by their change per time." => "featuremonitor_drift_moving == 1";

    // ---- The verdicts: uniform over the checks ------------------------------------------------------------

    /// What the check measured at the last evaluation, in the check's own unit; where it gives no verdict and a breach stands,
    /// what it measured when it last did.
    CHECK_VALUE = Gauge, Check, Monitor "featuremonitor_check_value" [Feature, Check];
    "Draw beside its limits." => "featuremonitor_check_value{check=\"drift\"}";

    /// The limit in force, in the check's own unit.
    CHECK_LIMIT = Gauge, Check, Monitor "featuremonitor_check_limit" [Feature, Check, Severity];
    "Draw as a line in the chart of the value." => "featuremonitor_check_limit{check=\"drift\", severity=\"critical\"}";

    /// Which part of the recipe gives the limit, and which statistic it limits.
    CHECK_LIMIT_PART_INFO = Info, Plain, Monitor "featuremonitor_check_limit_part_info" [Feature, Check, Severity, Part, Statistic];
    "Count limits by what gives them." => "count by (namespace, monitor, check, severity, part) (featuremonitor_check_limit_part_info)";

    /// Value divided by limit in the direction that is bad: 1 and above is over the limit.
    CHECK_SCORE = Gauge, Plain, Monitor "featuremonitor_check_score" [Feature, Check, Severity];
    "Rank what is closest to a breach, over all checks." => "topk by (namespace, monitor) (10, featuremonitor_check_score{severity=\"critical\"})";

    /// Whether the check is breached: over its limit, with enough rows, for as many windows as it asks for. While the check gives
    /// no verdict, a breach stands as it was at the last one, with its value, limits and score.
    CHECK_BREACHED = Gauge, Flag, Monitor "featuremonitor_check_breached" [Feature, Check, Severity];
    "Alert on this, never on a value." => "featuremonitor_check_breached{severity=\"critical\"} == 1";

    /// Whether the check gave a verdict. No verdict is not a good verdict.
    CHECK_VALID = Gauge, Flag, Monitor "featuremonitor_check_valid" [Feature, Check];
    "Alert when a check has been blind for long." => "max_over_time(featuremonitor_check_valid[1d]) == 0";

    /// Why the check gave no verdict.
    CHECK_INVALID_INFO = Info, Plain, Monitor "featuremonitor_check_invalid_info" [Feature, Check, Reason];
    "List what was not judged, and why." => "count by (namespace, monitor, check, reason) (featuremonitor_check_invalid_info)";

    /// Rows that the check's verdict rests on.
    CHECK_ROWS = Gauge, Count, Monitor "featuremonitor_check_rows" [Feature, Check];
    "See how much a verdict weighs." => "featuremonitor_check_rows{check=\"drift\"}";

    /// A difference between the source's schema and the baseline's, by kind of difference.
    SCHEMA_FINDING = Gauge, Flag, Monitor "featuremonitor_schema_finding" [Feature, Reason];
    "List missing, new and renamed columns and changed types." => "featuremonitor_schema_finding == 1";

    // ---- Business rules ----------------------------------------------------------------------------------

    /// A business rule of the manifest: what it is over (`rows` or `window`), and how bad it is when it does not hold.
    RULE_INFO = Info, Plain, Monitor "featuremonitor_rule_info" [Rule, Kind, Severity];
    "List the rules of all monitors." => "count by (namespace, monitor, rule, kind, severity) (featuremonitor_rule_info)";

    /// Whether the rule is violated: more rows than its tolerance violate it, or the window does.
    RULE_BREACHED = Gauge, Flag, Monitor "featuremonitor_rule_breached" [Rule, Severity];
    "Alert on this: it is at the rule's own severity." => "featuremonitor_rule_breached{severity=\"critical\"} == 1";

    /// Whether the rule was judged in the last window. What was not judged neither holds nor is violated.
    RULE_VALID = Gauge, Flag, Monitor "featuremonitor_rule_valid" [Rule];
    "Find rules that have not been judged for long." => "max_over_time(featuremonitor_rule_valid[1d]) == 0";

    /// Why the rule was not judged in the last window.
    RULE_INVALID_INFO = Info, Plain, Monitor "featuremonitor_rule_invalid_info" [Rule, Reason];
    "List what was not judged, and why." => "count by (namespace, monitor, rule, reason) (featuremonitor_rule_invalid_info)";

    /// Whether the rule cannot be judged before somebody acts: it is no SQL, names a column that is not there, or cannot be
    /// computed.
    RULE_BROKEN = Gauge, Flag, Monitor "featuremonitor_rule_broken" [Rule];
    "Alert on this: a rule that is not judged says nothing." => "featuremonitor_rule_broken == 1";

    /// Rows of which the rule is true or false.
    RULE_ROWS = Gauge, Count, Monitor "featuremonitor_rule_rows" [Rule];
    "See how much a share of violations weighs." => "featuremonitor_rule_rows";

    /// Rows of which the rule is false.
    RULE_VIOLATING_ROWS = Gauge, Count, Monitor "featuremonitor_rule_violating_rows" [Rule];
    "Rank rules by how many rows they find." => "topk by (namespace, monitor) (5, featuremonitor_rule_violating_rows)";

    /// Rows of which the rule is neither true nor false, since something in it is null.
    RULE_UNKNOWN_ROWS = Gauge, Count, Monitor "featuremonitor_rule_unknown_rows" [Rule];
    "A growing share means that the rule sees less and less." => "featuremonitor_rule_unknown_rows / (featuremonitor_rule_rows + featuremonitor_rule_unknown_rows > 0)";

    /// Share of the rows of which the rule is true or false that violate it.
    RULE_VIOLATION_RATIO = Gauge, Ratio, Monitor "featuremonitor_rule_violation_ratio" [Rule];
    "Draw beside the tolerance." => "featuremonitor_rule_violation_ratio";

    /// Share of the rows that may violate the rule.
    RULE_TOLERANCE_RATIO = Gauge, Ratio, Monitor "featuremonitor_rule_tolerance_ratio" [Rule];
    "See how near a rule is to its tolerance." => "featuremonitor_rule_violation_ratio / (featuremonitor_rule_tolerance_ratio > 0)";

    // ---- Freshness ---------------------------------------------------------------------------------------

    /// Newest event time in the data that is not in the future.
    NEWEST_EVENT_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_newest_event_timestamp_seconds" [];
    "Show the age of what is served." => "time() - featuremonitor_newest_event_timestamp_seconds";

    /// Newest event time of a row in which the feature is not null.
    FEATURE_NEWEST_EVENT_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_feature_newest_event_timestamp_seconds" [Feature];
    "Find features that stopped being filled while others go on." => "time() - featuremonitor_feature_newest_event_timestamp_seconds";

    /// Share of the rows with an event time whose event is in the future: more than five minutes, or the length of a window where
    /// that is less, ahead of the exporter's clock. They count as rows without an event time in all that is said of freshness.
    FUTURE_EVENT_RATIO = Gauge, Ratio, Monitor "featuremonitor_future_event_ratio" [];
    "Find sources whose event times are no times, or whose clock is wrong." => "featuremonitor_future_event_ratio > 0";

    /// Median of the event times of the rows served: of the newest window that has any.
    EVENT_P50_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_event_p50_timestamp_seconds" [];
    "See how old half of the rows are, at least." => "time() - featuremonitor_event_p50_timestamp_seconds";

    /// Fifth percentile of the event times of the rows served: 95 % of the rows are newer.
    EVENT_P05_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_event_p05_timestamp_seconds" [];
    "Show the age that one row in twenty exceeds." => "time() - featuremonitor_event_p05_timestamp_seconds";

    /// First percentile of the event times of the rows served: 99 % of the rows are newer.
    EVENT_P01_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_event_p01_timestamp_seconds" [];
    "Find rows that are left behind while the newest event is new." => "featuremonitor_newest_event_timestamp_seconds - featuremonitor_event_p01_timestamp_seconds";

    /// Share of the rows served whose event was, at the last evaluation, as old as the freshness limit of the severity or older.
    /// Within 0.0005; beyond 80,000 rows a sample adds up to 0.01.
    STALE_ROW_RATIO = Gauge, Ratio, Monitor "featuremonitor_stale_row_ratio" [Severity];
    "See how many rows are too old, not only whether the newest is." => "featuremonitor_stale_row_ratio{severity=\"warning\"}";

    /// Median of the event times of the rows served that are in a segment: of the newest window with at least 20 of them. Of a
    /// segment that no longer has rows, that window stays.
    SEGMENT_EVENT_P50_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_segment_event_p50_timestamp_seconds" [Segment];
    "Find segments that are left behind." => "time() - featuremonitor_segment_event_p50_timestamp_seconds";

    /// Share of the rows of a segment whose event was, at the last evaluation, as old as the freshness limit of the severity or older.
    SEGMENT_STALE_ROW_RATIO = Gauge, Ratio, Monitor "featuremonitor_segment_stale_row_ratio" [Segment, Severity];
    "List the segments of which every row is too old." => "featuremonitor_segment_stale_row_ratio{severity=\"critical\"} == 1";

    /// When an evaluation first saw the newest event: the last update of the source.
    UPDATE_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_update_timestamp_seconds" [];
    "Show for how long nothing newer has come." => "time() - featuremonitor_update_timestamp_seconds";

    /// Time between the last two updates of the source, by the exporter's clock. It is known to the interval of evaluations.
    UPDATE_INTERVAL = Gauge, Seconds, Monitor "featuremonitor_update_interval_seconds" [];
    "Find the last update that came later than usual." => "featuremonitor_update_interval_seconds > featuremonitor_update_usual_interval_seconds";

    /// Time between the newest events of the last two updates.
    UPDATE_EVENT_INTERVAL = Gauge, Seconds, Monitor "featuremonitor_update_event_interval_seconds" [];
    "Find sources that fall behind: less time passes in their events than on the clock." => "featuremonitor_update_event_interval_seconds < 0.5 * featuremonitor_update_interval_seconds";

    /// Median time between updates, by the exporter's clock. Absent while fewer than 8 gaps between updates are known.
    UPDATE_MEDIAN_INTERVAL = Gauge, Seconds, Monitor "featuremonitor_update_median_interval_seconds" [];
    "Compare sources by how often they are updated." => "sort_desc(featuremonitor_update_median_interval_seconds)";

    /// Longest time between updates that is still usual, by the exporter's clock. Absent while fewer than 8 gaps are known.
    UPDATE_USUAL_INTERVAL = Gauge, Seconds, Monitor "featuremonitor_update_usual_interval_seconds" [];
    "Find sources whose next update is later than usual." => "time() - featuremonitor_update_timestamp_seconds > featuremonitor_update_usual_interval_seconds";

    /// Whether the source goes on: `advancing`; `not_advancing` when it has rows and a newer event is later than usual;
    /// `not_materialised` when the newest windows have no rows; `no_event_time`; `unknown` when the last evaluation did not see
    /// the newest rows.
    UPDATE_STATE = Gauge, Flag, Monitor "featuremonitor_update_state" [State];
    "Tell a pipeline that runs without new events from one that does not run." => "featuremonitor_update_state{state=~\"not_advancing|not_materialised\"} == 1";

    // ---- Configuration and program -----------------------------------------------------------------------

    /// Whether the last attempt to load the configuration succeeded. While it is 0, the one before is in force.
    CONFIG_RELOAD_SUCCESS = Gauge, Flag, Monitor "featuremonitor_config_reload_success" [];
    "Alert when a changed configuration was refused." => "max_over_time(featuremonitor_config_reload_success[5m]) == 0";

    /// When the configuration in force was loaded.
    CONFIG_RELOAD_TIMESTAMP = Gauge, Seconds, Monitor "featuremonitor_config_reload_timestamp_seconds" [];
    "Mark configuration changes in a graph." => "changes(featuremonitor_config_reload_timestamp_seconds[5m]) > 0";

    /// The configuration in force.
    CONFIG_INFO = Info, Plain, Monitor "featuremonitor_config_info" [Hash];
    "See whether the exporter runs what was written." => "featuremonitor_config_info";

    /// The program.
    BUILD_INFO = Info, Plain, Program "featuremonitor_build_info" [Version, Revision];
    "Count programs by version." => "count by (version) (featuremonitor_build_info)";

    // ---- The operator ------------------------------------------------------------------------------------

    /// The operator's version and the revision of its source code.
    OPERATOR_BUILD_INFO = Info, Plain, Program "featuremonitor_operator_build_info" [Version, Revision];
    "See which versions run." => "count by (version) (featuremonitor_operator_build_info)";

    /// Whether this operator holds the lease, and so is the one that writes.
    OPERATOR_LEADING = Gauge, Flag, Program "featuremonitor_operator_leading" [];
    "Alert when nobody leads: no change of a FeatureMonitor is acted on." => "sum(featuremonitor_operator_leading) == 0";

    /// FeatureMonitors that the operator has reconciled and that still exist.
    OPERATOR_MONITORS = Gauge, Count, Program "featuremonitor_operator_monitors" [];
    "Count the monitors of the cluster." => "sum(featuremonitor_operator_monitors)";

    /// Whether a condition of a FeatureMonitor holds; absent while that is not known.
    OPERATOR_MONITOR_CONDITION = Gauge, Flag, Program "featuremonitor_operator_monitor_condition" [Namespace, Monitor, Condition];
    "Find the monitors that are not ready, with the condition that fails." => "featuremonitor_operator_monitor_condition{condition!=\"Ready\"} == 0";

    /// Reconciliations by their outcome. `unreadable` is a resource that is none: it waits for a change.
    OPERATOR_RECONCILIATIONS = Counter, Count, Program "featuremonitor_operator_reconciliations_total" [Outcome];
    "See the share that fails." => "sum(rate(featuremonitor_operator_reconciliations_total{outcome!=\"success\"}[10m])) / (sum(rate(featuremonitor_operator_reconciliations_total[10m])) > 0)";

    /// How long reconciliations took, with their writes.
    OPERATOR_RECONCILIATION_DURATION = Histogram, Seconds, Program "featuremonitor_operator_reconciliation_duration_seconds" [];
    "See how long a change takes to be acted on." => "histogram_quantile(0.95, sum by (le) (rate(featuremonitor_operator_reconciliation_duration_seconds_bucket[10m])))";

    /// Writes of children, by their kind and what was done.
    OPERATOR_WRITES = Counter, Count, Program "featuremonitor_operator_writes_total" [Kind, Verb];
    "In steady state there are none; a steady rate means that somebody else changes the same objects." => "sum by (kind, verb) (rate(featuremonitor_operator_writes_total[10m])) > 0";

    /// Watches that broke off and began anew, by the kind that was watched.
    OPERATOR_WATCH_ERRORS = Counter, Count, Program "featuremonitor_operator_watch_errors_total" [Kind];
    "See that the operator sees: a watch that always fails is blind." => "sum by (kind) (increase(featuremonitor_operator_watch_errors_total[10m])) > 3";

    /// Answers of the API server, by the class of their code.
    OPERATOR_API_ANSWERS = Counter, Count, Program "featuremonitor_operator_api_answers_total" [Code];
    "See whether the API server throttles or fails." => "sum by (code) (rate(featuremonitor_operator_api_answers_total{code=~\"429|5xx|none\"}[10m])) > 0";
}
