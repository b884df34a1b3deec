//! From what a monitor holds to what it shows: the snapshot, assembled anew after each evaluation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::valid;
use jiff::Timestamp;
use stats::{
    CompleteEntities, CompleteRows, FeatureReport, FrozenFeature, MissingnessReport, Reference,
};

use crate::baseline::{Baseline, Definition};
use crate::contaminated::WHOLE;
use crate::progress::{Columns, JudgedState, Progress};
use crate::quality::{FeatureQuality, MonitorQuality};
use crate::rules::{Outcome, Rule};
use crate::schema::{self, Part, Present, Problem};
use crate::season::Clock;
use crate::settings::budget_per_window;
use crate::snapshot::{
    BaselineState, Breaches, Budget, EntitiesState, Evaluation, FeatureState, JudgedWindow,
    OpenWindow, PairsState, RuleState, Snapshot, Standing, UpdatesState, WholeState,
};

/// What a snapshot is made from.
pub struct Parts<'a> {
    /// The manifest.
    pub config: &'a Arc<valid::Monitor>,
    /// Its hash.
    pub config_hash: &'a str,
    /// Its rules, in its order.
    pub rules: &'a [Rule],
    /// The baseline.
    pub baseline: Option<BaselineView<'a>>,
    /// What else is known.
    pub progress: &'a Progress,
    /// The window in progress.
    pub open: Option<OpenWindow>,
    /// Complete windows that wait.
    pub pending: u64,
    /// Whether the source answered.
    pub source_up: Option<bool>,
    /// How the last evaluation ended.
    pub evaluation: Option<&'a Evaluation>,
    /// The last one that failed.
    pub last_failure: Option<&'a Evaluation>,
    /// When one last succeeded.
    pub last_success: Option<Timestamp>,
}

/// A baseline with what follows from it.
#[derive(Clone, Copy)]
pub struct BaselineView<'a> {
    /// The baseline.
    pub baseline: &'a Baseline,
    /// Its digest.
    pub digest: &'a str,
    /// Its limits.
    pub reference: &'a Reference,
}

/// Assembles the snapshot.
pub fn snapshot(parts: Parts<'_>) -> Snapshot {
    let budget = parts.baseline.map(|view| Budget {
        per_window: budget_per_window(parts.config),
        tests: view.reference.tests(),
        alpha: view.reference.alpha(),
    });
    let features = features(&parts);
    Snapshot {
        monitor: parts.config.clone(),
        config_hash: parts.config_hash.to_owned(),
        evaluation: parts.evaluation.cloned(),
        last_failure: parts.last_failure.cloned(),
        last_success: parts.last_success,
        source_up: parts.source_up,
        baseline: baseline(&parts),
        budget,
        judged: parts.progress.judged.as_ref().map(|judged| JudgedWindow {
            span: judged.span,
            rows: judged.rows,
        }),
        open: parts.open,
        windows_pending: parts.pending,
        freshness: parts.progress.freshness.get("").cloned(),
        served: parts
            .progress
            .served
            .clone()
            .filter(|_| parts.config.data.event_time.is_some()),
        future_events: parts
            .progress
            .future_events()
            .filter(|_| parts.config.data.event_time.is_some()),
        updates: updates(&parts),
        whole: whole(&parts, &features),
        rules: rules(&parts),
        unmatched: parts.progress.unmatched(parts.config),
        features,
    }
}

fn updates(parts: &Parts<'_>) -> Option<UpdatesState> {
    let Parts {
        config, progress, ..
    } = parts;
    if !config.checks.freshness.enabled || config.data.event_time.is_none() {
        return None;
    }
    Some(UpdatesState {
        supply: progress.supply?,
        seen: progress.updates.seen(),
        interval: progress.updates.interval(config.schedule.every),
    })
}

fn whole(parts: &Parts<'_>, features: &[FeatureState]) -> WholeState {
    let Some(judged) = &parts.progress.judged else {
        return WholeState::default();
    };
    let keys = judged.found.window.keys;
    let expected = features.iter().filter(|feature| feature.expected);
    let scores = expected.filter_map(|feature| Some(feature.quality?.score()));
    let (missingness, complete_in) = missingness(parts, judged);
    WholeState {
        pairs: pairs(parts, judged),
        performance: match &parts.progress.labels.judged {
            Some(labelled) => labelled.performance.clone(),
            None => judged.performance.clone(),
        },
        target: parts.baseline.and_then(|view| view.baseline.target.clone()),
        labelled: parts
            .progress
            .labels
            .judged
            .as_ref()
            .map(|labelled| labelled.span),
        missingness,
        complete_in,
        entities: entities(parts, judged),
        segments: judged.segments.clone(),
        left_out: parts.progress.contaminated.left_out(WHOLE),
        keys,
        quality: MonitorQuality::of(scores, keys.as_ref()),
        report: judged.report("").cloned(),
        breached: judged.breached.get("").copied().unwrap_or_default(),
        standing: judged.standing.get("").cloned().unwrap_or_default(),
    }
}

/// How the features are missing together, and in how many features rows are complete.
///
/// In all of the baseline, over all rows; in those of the patterns, over the rows of the sample, where baseline and window do not
/// have the same number of features, and where some window of the baseline went in before all were counted.
fn missingness(
    parts: &Parts<'_>,
    judged: &JudgedState,
) -> (Option<MissingnessReport>, Option<u64>) {
    let Some(mut report) = judged.missingness.clone() else {
        return (None, None);
    };
    let of_patterns = report.features as u64;
    let windows = parts
        .baseline
        .iter()
        .flat_map(|view| &view.baseline.windows);
    let known: Option<Vec<CompleteRows>> = windows.map(|window| window.complete).collect();
    let current = judged.found.window.complete;
    let both = known.and_then(CompleteRows::pool).zip(current);
    let Some((reference, current)) = both.filter(|(was, is)| was.columns == is.columns) else {
        return (Some(report), Some(of_patterns));
    };
    for (side, counted) in [
        (&mut report.reference, reference),
        (&mut report.current, current),
    ] {
        side.complete = counted.complete_share().unwrap_or(side.complete);
        side.filled = counted.filled_share().unwrap_or(side.filled);
    }
    (Some(report), Some(current.columns))
}

fn entities(parts: &Parts<'_>, judged: &JudgedState) -> Option<EntitiesState> {
    let current = judged.found.window.entities?;
    let windows = parts
        .baseline
        .iter()
        .flat_map(|view| &view.baseline.windows);
    let known: Option<Vec<CompleteEntities>> = windows.map(|window| window.entities).collect();
    let reference = known.and_then(CompleteEntities::pool);
    Some(EntitiesState {
        reference: reference.filter(|reference| reference.columns == current.columns),
        current,
    })
}

fn pairs(parts: &Parts<'_>, judged: &JudgedState) -> Option<PairsState> {
    let (features, reference) = parts.baseline?.reference.associations().ok()?;
    Some(PairsState {
        report: judged.associations.clone()?,
        features: features.to_vec(),
        reference: reference.clone(),
        current: judged.found.window.associations.as_ref()?.of(features),
    })
}

fn rules(parts: &Parts<'_>) -> Vec<RuleState> {
    let given = parts.config.rules.iter().zip(parts.rules);
    let states = given.map(|(given, read)| RuleState {
        rule: given.clone(),
        outcome: match &read.expression {
            // It will not be judged, whatever comes.
            Err(error) => Some(Outcome::Broken(error.clone())),
            Ok(_) => parts
                .progress
                .rules
                .outcome(&read.name, &read.text)
                .cloned(),
        },
    });
    states.collect()
}

fn baseline(parts: &Parts<'_>) -> BaselineState {
    let complete = parts
        .baseline
        .filter(|view| view.baseline.is_complete())
        .and_then(|view| {
            let clock = Clock::of(parts.config);
            view.baseline.info(view.digest.to_owned(), clock.as_ref())
        });
    if let Some(info) = complete {
        return BaselineState::Ready(info);
    }
    let have = parts.baseline.map_or(0, |view| view.baseline.len() as u32);
    match Definition::new(parts.config).windows.needed() {
        Some(need) => BaselineState::Forming { have, need },
        None => BaselineState::Absent,
    }
}

fn features(parts: &Parts<'_>) -> Vec<FeatureState> {
    let data = &parts.config.data;
    let frozen: &[FrozenFeature] = parts.baseline.map_or(&[], |view| &view.baseline.features);
    let baseline: BTreeMap<&str, &FrozenFeature> =
        frozen.iter().map(|f| (f.name.as_str(), f)).collect();
    // Of the last pull with rows, which may have been before the manifest excluded a column.
    let columns = || {
        let found = parts
            .progress
            .latest
            .iter()
            .flat_map(|found| found.features());
        found.filter(|(name, ..)| data.features.selects(name))
    };
    let judged = parts.progress.judged.as_ref();
    let present: BTreeMap<&str, Present<'_>> = columns()
        .map(|(name, _, data_type, summary)| {
            let column = Present {
                name,
                data_type,
                summary,
                judged: judged.and_then(|judged| judged.found.summary(name)),
            };
            (name, column)
        })
        .collect();
    let kinds: BTreeMap<&str, stats::Kind> =
        columns().map(|(name, kind, ..)| (name, kind)).collect();
    let problems = problems(parts, frozen, &present);
    let places: BTreeMap<&str, usize> = frozen.iter().map(|f| f.name.as_str()).zip(0..).collect();
    let prepared = |name: &str| Some((parts.baseline?.reference, *places.get(name)?));
    let named: BTreeSet<&str> = data.features.literal_names().into_iter().collect();

    let names: BTreeSet<&str> = baseline
        .keys()
        .copied()
        .chain(present.keys().copied())
        .chain(problems.keys().map(String::as_str))
        .chain(named.iter().copied())
        .collect();
    names
        .into_iter()
        .map(|name| {
            let frozen = baseline.get(name);
            let column = present.get(name);
            let report = judged.and_then(|j| j.report(name));
            let (report, breached, standing) = labelled(parts, report, judged, name);
            let summary = judged.and_then(|j| j.found.summary(name));
            FeatureState {
                name: name.to_owned(),
                kind: kinds.get(name).copied().or(frozen.map(|f| f.kind)),
                data_type: column
                    .map(|c| c.data_type.to_owned())
                    .or_else(|| frozen.map(|f| f.data_type.clone()))
                    .or_else(|| match problems.get(name)? {
                        Problem::Unsupported { data_type } => Some(data_type.clone()),
                        _ => None,
                    }),
                sensitive: data.features.sensitive(name),
                expected: frozen.is_some() || named.contains(name),
                present: parts.progress.latest.as_ref().map(|_| column.is_some()),
                problem: problems.get(name).cloned(),
                quality: FeatureQuality::of(summary, problems.get(name)),
                summary: summary.cloned(),
                reference: frozen.map(|f| f.reference.clone()),
                bins: frozen.map(|f| f.bins.clone()),
                collapse: frozen.and_then(|f| f.collapse.clone()),
                acceptable: prepared(name)
                    .and_then(|(reference, place)| reference.acceptable(place).ok().cloned()),
                fences: prepared(name).and_then(|(reference, place)| reference.fences(place).ok()),
                usual: prepared(name).and_then(|(reference, place)| reference.usual(place).ok()),
                charts: parts
                    .progress
                    .shifts
                    .get(name)
                    .and_then(|state| state.reading().copied()),
                standard: frozen
                    .and_then(|frozen| frozen.shift.as_ref()?.as_ref().ok())
                    .map(|shift| *shift.standard()),
                left_out: parts.progress.contaminated.left_out(name),
                report,
                breached,
                standing,
                freshness: parts.progress.freshness.get(name).cloned(),
            }
        })
        .collect()
}

/// A feature's report, breaches and alarms that stand, with what the last window says of it whose target is known.
fn labelled(
    parts: &Parts<'_>,
    report: Option<&FeatureReport>,
    judged: Option<&JudgedState>,
    name: &str,
) -> (Option<FeatureReport>, Breaches, Standing) {
    let mut report = report.cloned();
    let breached = judged.and_then(|judged| judged.breached.get(name));
    let mut breached = breached.copied().unwrap_or_default();
    let standing = judged.and_then(|judged| judged.standing.get(name));
    let mut standing = standing.cloned().unwrap_or_default();
    if let (Some(report), Some(labelled)) = (&mut report, &parts.progress.labels.judged) {
        labelled.complete(report, &mut breached, &mut standing);
    }
    (report, breached, standing)
}

/// What the schema check finds in the newest columns, and in the values of the window judged last, by column.
fn problems(
    parts: &Parts<'_>,
    baseline: &[FrozenFeature],
    present: &BTreeMap<&str, Present<'_>>,
) -> BTreeMap<String, Problem> {
    let Some(latest) = &parts.progress.latest else {
        return BTreeMap::new();
    };
    let present: Vec<Present<'_>> = present.values().copied().collect();
    let features = &parts.config.data.features;
    let mut unsupported = latest.columns.unsupported.clone();
    unsupported.retain(|(name, _)| features.selects(name));
    let findings = schema::findings(baseline, features.literal_names(), &present, &unsupported);
    // Without a baseline every column would be new, which says nothing.
    let mut problems: BTreeMap<String, Problem> = findings
        .into_iter()
        .filter(|finding| !baseline.is_empty() || finding.problem != Problem::New)
        .map(|finding| (finding.feature, finding.problem))
        .collect();
    problems.extend(misfits(&latest.columns, &parts.config.data));
    problems
}

/// What is wrong with the columns to which the manifest gives a part beside that of a feature. They are those of the last pull
/// with rows, which may have been before the manifest was changed: of one that it no longer names nothing is said.
fn misfits(columns: &Columns, data: &valid::Data) -> Vec<(String, Problem)> {
    let absent = columns.absent.iter();
    let absent = absent.filter(|column| data.features.gives_part(column));
    let absent = absent.map(|column| (column.clone(), Problem::Missing));
    // What is said of a feature, the schema check says.
    let is_beside =
        |column: &str| data.features.gives_part(column) && !data.features.selects(column);
    let unwatched = columns.unsupported.iter();
    let unwatched = unwatched.filter(|(column, _)| is_beside(column));
    let unwatched = unwatched.map(|(column, data_type)| {
        let data_type = data_type.clone();
        (column.clone(), Problem::Unsupported { data_type })
    });
    let flag = |column: &str| {
        let mut flags = data.features.flag_fields();
        let named = flags.find(|(_, flag)| *flag == column);
        named.map(|(field, _)| field)
    };
    let time = |column: &str| {
        let window = data.window.as_ref().map(|window| window.column.as_str());
        let times = [
            ("spec.data.eventTime", data.event_time.as_deref()),
            ("spec.data.window.column", window),
        ];
        let named = times.into_iter().find(|(_, time)| *time == Some(column));
        named.map(|(field, _)| field.to_owned())
    };
    let unfit = |(column, data_type): &(String, String), part, field: Option<String>| {
        let problem = Problem::Unfit {
            field: field?,
            column: column.clone(),
            data_type: data_type.clone(),
            part,
        };
        Some((column.clone(), problem))
    };
    let flags = columns.not_a_flag.iter();
    let flags = flags.filter_map(|found| unfit(found, Part::Flag, flag(&found.0)));
    let times = columns.not_a_time.iter();
    let times = times.filter_map(|found| unfit(found, Part::Time, time(&found.0)));
    absent.chain(unwatched).chain(flags).chain(times).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "
apiVersion: featuremonitor.io/v1alpha1
kind: FeatureMonitor
metadata: {name: test}
spec:
  owner: {team: test}
  source: {flight: {uri: 'grpc://localhost:1', query: {path: [x]}}}
  data:
    entityKeys: [id]
    eventTime: at
    window: {column: day, length: 7d}
    target: {column: label}
    segments: [{column: region}]
    features: {overrides: [{names: [age], imputedFlag: was_imputed}]}
  schedule: {every: 1h}
  baseline: {previous: {}}
";

    /// The columns are of a pull before the manifest was mended: it names each under its right name, and one no more at all.
    #[test]
    fn of_columns_that_the_manifest_no_longer_names_nothing_is_said() {
        let data = crds::manifest::load(MANIFEST).unwrap().monitor.data;
        let texts = |names: &[&str]| {
            let typed = names
                .iter()
                .map(|name| ((*name).to_owned(), "string".to_owned()));
            typed.collect::<Vec<_>>()
        };
        let mut columns = Columns::default();
        columns.absent = ["id", "regio", "region", "target"]
            .map(str::to_owned)
            .to_vec();
        columns.not_a_time = texts(&["at", "att", "day"]);
        columns.not_a_flag = texts(&["was_imputed", "was_imptued"]);
        columns.unsupported = texts(&["label", "labels", "age"]);
        let found = misfits(&columns, &data);
        let said: Vec<String> = found
            .iter()
            .map(|(column, problem)| format!("{column}: {problem}"))
            .collect();
        assert_eq!(
            said,
            [
                "id: the column is missing",
                "region: the column is missing",
                "label: columns of type string are not watched",
                "was_imputed: spec.data.features.overrides[0].imputedFlag names was_imputed, and string is no flag",
                "at: spec.data.eventTime names at, and string is no time",
                "day: spec.data.window.column names day, and string is no time",
            ]
        );
    }
}
