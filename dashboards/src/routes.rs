//! Who is told of the alerts of a monitor, as a tree of routes that Alertmanager walks: a pure function of the manifest.
//!
//! [`Routes`] says it in Alertmanager's terms; [`alertmanager`](crate::alertmanager) writes it, as an AlertmanagerConfig or as
//! a part of a plain configuration.

use std::collections::BTreeMap;

use crds::valid::Monitor;
use crds::valid::notifications::{Match, Notifications, Severity, Sort, sorts};
use metrics::Label::{
    Check, Monitor as MonitorLabel, Namespace, Reason, Rule, Segment, Severity as SeverityLabel,
};

use crate::alerts::About;
use crate::escalation;

/// The receiver that tells nobody.
pub const NOBODY: &str = "nobody";

/// The labels by which alerts become one message.
pub const GROUP_BY: [&str; 4] = ["alertname", "namespace", "monitor", escalation::SOURCE];

/// A route: what it matches is told to its receiver, or goes on to those below it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Route {
    /// What it matches: all of these.
    pub matchers: Vec<Matcher>,
    /// Name of the receiver; [`None`] is that of the route above.
    pub receiver: Option<String>,
    /// Whether the routes after it are looked at too.
    pub goes_on: bool,
    /// Names of times in which nobody is told.
    pub mutes: Vec<String>,
    /// The routes below it.
    pub routes: Vec<Route>,
}

/// What a label must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// Its name.
    pub label: &'static str,
    /// How it is compared: `=`, `!=`, `=~` or `!~`.
    pub how: &'static str,
    /// What with.
    pub value: String,
}

/// Which alerts keep which others from being told of, as long as they have the same values of some labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inhibition {
    /// Those that keep.
    pub source: Vec<Matcher>,
    /// Those that are kept.
    pub target: Vec<Matcher>,
    /// The labels.
    pub equal: Vec<&'static str>,
}

fn is(label: &'static str, value: &str) -> Matcher {
    Matcher {
        label,
        how: "=",
        value: value.to_owned(),
    }
}

fn is_not(label: &'static str, value: &str) -> Matcher {
    Matcher {
        how: "!=",
        ..is(label, value)
    }
}

/// One of these names, which have nothing that a regular expression reads otherwise.
fn among(label: &'static str, values: &[&str]) -> Matcher {
    match values {
        [value] => is(label, value),
        values => Matcher {
            how: "=~",
            ..is(label, &values.join("|"))
        },
    }
}

/// The route of a monitor's alerts. Its own receiver tells nobody, so that what no route of the manifest matches ends here and
/// not at somebody else's. `mutes` are the names of the times that mute and can be written.
pub fn of_monitor(monitor: &Monitor, notifications: &Notifications, mutes: &[&str]) -> Route {
    let team = &monitor.owner.team;
    let muted = |sort: Sort| -> Vec<String> {
        let all = notifications.mutes.iter();
        all.filter(|mute| mutes.contains(&mute.name.as_str()) && mute.matches.holds(sort, team))
            .map(|mute| mute.name.clone())
            .collect()
    };
    // Who escalates comes first: a route of the manifest is about the first message.
    let escalations = notifications.escalations.iter();
    let escalations = escalations
        .filter(|one| one.matches.of_team(team))
        .map(|one| {
            let level = is(escalation::LEVEL, &one.level.to_string());
            // The rule has chosen already which alerts escalate.
            told([level].into(), &one.to, &Match::default(), &muted, team)
        });
    let routes = notifications.routes.iter();
    let routes = routes
        .filter(|route| route.matches.of_team(team))
        .map(|route| {
            let matchers = matchers(&route.matches);
            told(matchers, &route.to, &route.matches, &muted, team)
        });
    Route {
        matchers: vec![
            is(Namespace.name(), &monitor.namespace),
            is(MonitorLabel.name(), &monitor.name),
        ],
        receiver: Some(NOBODY.to_owned()),
        routes: escalations.chain(routes).collect(),
        ..Route::default()
    }
}

/// What a match says of labels. That a monitor is owned by a team is known here, and says nothing.
fn matchers(matches: &Match) -> Vec<Matcher> {
    let about: Vec<&str> = matches.about.iter().map(|about| about.name()).collect();
    let severity = matches.severity.map(Severity::name);
    severity
        .map(|severity| is(SeverityLabel.name(), severity))
        .into_iter()
        .chain((!about.is_empty()).then(|| among(Check.name(), &about)))
        .collect()
}

/// A route whose alerts are told to all of `to`, but for the times in which each sort of them is muted.
fn told(
    matchers: Vec<Matcher>,
    to: &[String],
    matches: &Match,
    muted: &impl Fn(Sort) -> Vec<String>,
    team: &str,
) -> Route {
    let mut by_mutes: BTreeMap<Vec<String>, Vec<Sort>> = BTreeMap::new();
    for sort in sorts().filter(|sort| matches.holds(*sort, team)) {
        by_mutes.entry(muted(sort)).or_default().push(sort);
    }
    let mut mutes: Vec<(Vec<String>, Vec<Sort>)> = by_mutes.into_iter().collect();
    // All sorts alike need not be told from each other.
    if let [(all, _)] = mutes.as_slice() {
        let all = all.clone();
        return to_all(matchers, to, all);
    }
    let mut routes = Vec::new();
    mutes.retain(|(names, _)| !names.is_empty());
    for (names, sorts) in mutes {
        for severity in Severity::ALL {
            let about: Vec<&str> = sorts
                .iter()
                .filter(|(other, _)| *other == severity)
                .map(|(_, about)| about.name())
                .collect();
            if !about.is_empty() {
                let mut sort = vec![is(SeverityLabel.name(), severity.name())];
                if about.len() < About::ALL.len() {
                    sort.push(among(Check.name(), &about));
                }
                routes.push(to_all(sort, to, names.clone()));
            }
        }
    }
    routes.push(to_all(Vec::new(), to, Vec::new()));
    Route {
        matchers,
        routes,
        ..Route::default()
    }
}

/// A route to all of `to`: one receiver, or a route below it for each.
fn to_all(matchers: Vec<Matcher>, to: &[String], mutes: Vec<String>) -> Route {
    if let [one] = to {
        return Route {
            matchers,
            receiver: Some(one.clone()),
            mutes,
            ..Route::default()
        };
    }
    let each = to.iter().enumerate().map(|(i, name)| Route {
        receiver: Some(name.clone()),
        goes_on: i + 1 < to.len(),
        mutes: mutes.clone(),
        ..Route::default()
    });
    Route {
        matchers,
        routes: each.collect(),
        ..Route::default()
    }
}

/// What says the same or follows is not told: one fault, one message. Every rule speaks of one monitor.
pub fn inhibitions() -> Vec<Inhibition> {
    const NAME: &str = "alertname";
    const OBJECTIVE: &str = "sloth_slo";
    let critical = || is(SeverityLabel.name(), Severity::Critical.name());
    let warning = || is(SeverityLabel.name(), Severity::Warning.name());
    let values = [
        About::Drift,
        About::Freshness,
        About::Missing,
        About::Quality,
        About::Outliers,
        About::Correlation,
        About::Performance,
        About::Level,
        About::Shift,
        About::Duplicates,
        About::Rules,
        About::MissingPatterns,
        About::Imputation,
        About::Segments,
    ];
    let values = values.map(About::name);
    let of_values = || among(Check.name(), &values);
    let of_data = || {
        among(
            Check.name(),
            &[&values[..], &[About::Schema.name()]].concat(),
        )
    };
    let check = |about: About| is(Check.name(), about.name());
    let checks = |abouts: &[About]| {
        let names: Vec<&str> = abouts.iter().map(|about| about.name()).collect();
        among(Check.name(), &names)
    };
    // What a distribution that has moved brings with it.
    let of_distributions = [
        About::Outliers,
        About::Correlation,
        About::Performance,
        About::Level,
        About::Segments,
    ];
    let of_schema = || vec![check(About::Schema), critical()];
    let column_gone = || {
        let reasons = among(Reason.name(), &["missing", "renamed", "type_changed"]);
        [of_schema(), vec![reasons]].concat()
    };
    // An objective is about time, and stays when what used its budget up is told.
    let no_objective = || is(OBJECTIVE, "");
    let rule = |source: Vec<Matcher>, target: Vec<Matcher>, equal: &[&'static str]| {
        let of_one = [Namespace.name(), MonitorLabel.name()];
        // A label that both lack is the same too: without this, alerts of other programs would keep each other back.
        let ours = |matchers: Vec<Matcher>| {
            let ours = is_not(MonitorLabel.name(), "");
            std::iter::once(ours).chain(matchers).collect()
        };
        Inhibition {
            source: ours(source),
            target: ours(target),
            equal: of_one.iter().chain(equal).copied().collect(),
        }
    };
    let down = "FeatureMonitorExporterDown";
    let stale = "FeatureDataStale";
    let unread = [
        "FeatureMonitorEvaluationFailing",
        "FeatureMonitorEvaluationLate",
        "FeatureMonitorSourceDown",
    ];
    // All but the alert itself, and what escalates of it.
    let but = |name| {
        [
            is_not(NAME, name),
            is_not(escalation::SOURCE, name),
            no_objective(),
        ]
    };
    vec![
        // The same, and worse.
        rule(
            vec![critical()],
            vec![warning()],
            &[
                Check.name(),
                "feature",
                Segment.name(),
                Rule.name(),
                OBJECTIVE,
                escalation::LEVEL,
            ],
        ),
        // Nothing is known of a monitor whose exporter is down.
        rule(vec![is(NAME, down)], but(down).into(), &[]),
        // Nor of features that are not read: what is shown of them is old.
        rule(
            vec![among(NAME, &unread)],
            vec![of_data(), no_objective()],
            &[],
        ),
        // Values that are not renewed are those of the past: that is told already.
        rule(
            vec![is(NAME, stale), critical()],
            [&[of_values()], &but(stale)[..]].concat(),
            &[],
        ),
        rule(
            vec![is(NAME, stale)],
            [&[of_values(), warning()], &but(stale)[..]].concat(),
            &[],
        ),
        // Values that should not be are distributed otherwise, and are far out, too.
        rule(
            vec![check(About::Quality), critical()],
            vec![
                checks(&[
                    About::Drift,
                    About::Outliers,
                    About::Correlation,
                    About::Performance,
                    About::Level,
                    About::Imputation,
                    About::Segments,
                ]),
                no_objective(),
            ],
            &["feature"],
        ),
        // And so are values that nobody measured.
        rule(
            vec![check(About::Imputation), critical()],
            vec![
                checks(&[&[About::Drift], &of_distributions[..]].concat()),
                no_objective(),
            ],
            &["feature"],
        ),
        // Where all of a distribution has moved, so has its mean, much of it is far out, and belongs to its rows no more.
        rule(
            vec![check(About::Drift), critical()],
            vec![checks(&of_distributions)],
            &["feature"],
        ),
        // Numbers that are far out change every rank.
        rule(
            vec![check(About::Outliers), critical()],
            vec![checks(&[
                About::Correlation,
                About::Performance,
                About::Segments,
            ])],
            &["feature"],
        ),
        // What belongs to other rows tells nothing about the target of these, and is in each segment what it is in all.
        rule(
            vec![check(About::Correlation), critical()],
            vec![checks(&[About::Performance, About::Segments])],
            &["feature"],
        ),
        // What changed in all of the rows changed in their segments.
        rule(
            vec![check(About::Missing), critical()],
            vec![check(About::Segments)],
            &["feature"],
        ),
        rule(
            vec![checks(&[About::Drift, About::Missing])],
            vec![check(About::Segments), warning()],
            &["feature"],
        ),
        // Where more of one feature is missing, other rows than before are complete.
        rule(
            vec![check(About::Missing), critical()],
            vec![check(About::MissingPatterns)],
            &[],
        ),
        rule(
            vec![check(About::Missing)],
            vec![check(About::MissingPatterns), warning()],
            &[],
        ),
        // A column that is gone, of another type or of one value has no values to speak of.
        rule(of_schema(), vec![of_values()], &["feature"]),
        // They have no label of the feature: that a column is gone or of another type says why a check cannot judge, or a rule. One
        // value breaks none, and is judged.
        rule(
            column_gone(),
            vec![among(
                NAME,
                &["FeatureMonitorNotJudging", "FeatureRuleBroken"],
            )],
            &[],
        ),
    ]
}
