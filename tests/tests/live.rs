//! The chain as it runs: a Flight server with the weekly customers, an exporter, a Prometheus with the rules and an
//! Alertmanager with the routes that `render` writes, and somebody who is told. One thing goes wrong after the other; of each
//! the right one is told once when it begins and once when it ends, by its alert and by nothing else: what fires too, and is
//! written beside it, is inhibited. Beside it a second monitor, whose data never changes, alerts about nothing.
//!
//! Time is short, not mocked: a week takes ten seconds, features and rules are evaluated every second.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use harness::chain::{Case, Chain, Line, Told, Watched, World};
use harness::customers::Customers;
use harness::exporter::Exporter;
use harness::sink::Sink;
use serde_json::{Value, json};

const WEEK_SECONDS: u64 = 10;
const SHOP: Watched = Watched {
    monitor: "customer-segmentation",
    team: "growth-ml",
};
const QUIET: Watched = Watched {
    monitor: "quiet",
    ..SHOP
};

/// A feature that is filled in where it is missing, and what the manifest says of it.
const FILLED_IN: &str = "basket_value_mean_28d";
const OVERRIDES: &str = "      overrides:
      - {names: [basket_value_mean_28d], imputedFlag: basket_value_mean_28d_imputed}
";
/// Far less than what the baseline would take for acceptable.
const QUALITY: &str =
    "quality: {overrides: [{features: [weekend_share_91d], range: {min: 0, max: 1}}]}";

/// What must hold besides. That there are no rows at all is a matter of freshness.
const RULES: &str = "
  rules:
    - {name: non-negative-spend, expr: monetary_28d >= 0, over: Rows, severity: Critical}
    - {name: volume, expr: count(*) = 0 or count(*) > 2000, over: Window, severity: Critical}
";

/// What goes wrong.
enum Fault {
    /// The server answers with a fault, by its control file.
    Answers(Value),
    /// The same with a fault that begins at this moment.
    FromNowOn(&'static str),
    /// The server is killed.
    ServerDies,
    /// The exporter is killed.
    ExporterDies,
}

/// A source that is down brings no newer events, and windows wait for it.
const WAITING: &[&str] = &[
    "FeatureDataStale",
    "FeatureStale",
    "FeatureSegmentStale",
    "FeatureMonitorFallingBehind",
];

/// A column that is not there has no newer events, and cannot be judged.
const GONE: &[&str] = &[
    "FeatureStale",
    "FeatureMonitorNotJudging",
    "FeatureRuleBroken",
];

fn cases() -> Vec<Case<Fault>> {
    const FEATURE: &str = "monetary_28d";
    let (case, answers) = (Case::new, Fault::Answers);
    let down: &[Told] = &[("FeatureMonitorSourceDown", "critical", "", None)];
    let stale: &[Told] = &[("FeatureDataStale", "critical", "", None)];
    vec![
        Case {
            escalates: true,
            ..case("the server is killed", Fault::ServerDies, down, WAITING)
        },
        case(
            "the server hangs",
            answers(json!({"hang": 60})),
            down,
            WAITING,
        ),
        case(
            "a wrong token",
            answers(json!({"fail": "unauthenticated"})),
            down,
            WAITING,
        ),
        // Before the next one: of a source that has stood still for long it is usual.
        Case {
            says: "not_advancing",
            ..case(
                "rows come, and no newer events",
                Fault::FromNowOn("events_until"),
                stale,
                &["FeatureStale", "FeatureSegmentStale"],
            )
        },
        Case {
            says: "not_materialised",
            ..case(
                "the data stands still",
                Fault::FromNowOn("freeze"),
                stale,
                &[
                    "FeatureStale",
                    "FeatureSegmentStale",
                    "FeatureMonitorNotJudging",
                ],
            )
        },
        case(
            "one segment stands still",
            answers(json!({"late": {"household_size": ["5+", 60]}})),
            &[("FeatureSegmentStale", "critical", "", None)],
            &[],
        ),
        case(
            "30 % nulls in one feature",
            answers(json!({"nulls": {FEATURE: 0.3}})),
            &[("FeatureMissingData", "critical", FEATURE, None)],
            &["FeatureMissingPatterns", "FeatureSegmentDrift"],
        ),
        case(
            "a small segment has lost half of a feature",
            answers(json!({"nulls_where": {FEATURE: ["household_size", "5+", 0.5]}})),
            &[("FeatureSegmentDrift", "critical", FEATURE, None)],
            &[],
        ),
        case(
            "as many nulls as before, in other rows",
            answers(json!({"moved_gaps": {"marital_status": 0.9}})),
            &[
                ("FeatureMissingPatterns", "critical", "", None),
                ("FeatureSegmentDrift", "critical", "marital_status", None),
            ],
            &[],
        ),
        case(
            "a category that never occurred",
            answers(json!({"unseen": {"home_store": 0.3}})),
            &[("FeatureInvalidValues", "critical", "home_store", None)],
            &["FeatureDrift", "FeatureSegmentDrift"],
        ),
        case(
            "NaN in one feature, and another out of its range",
            answers(json!({"nans": {FEATURE: 0.1}, "set": {"weekend_share_91d": [0.1, 1.2]}})),
            &[
                ("FeatureInvalidValues", "critical", FEATURE, None),
                (
                    "FeatureInvalidValues",
                    "critical",
                    "weekend_share_91d",
                    None,
                ),
            ],
            &[
                "FeatureDrift",
                "FeatureImputed",
                "FeatureOutliers",
                "FeatureSegmentDrift",
            ],
        ),
        case(
            "numbers far out in one row of ten",
            answers(json!({"between": {FEATURE: [0.1, 550, 650]}})),
            &[
                ("FeatureOutliers", "critical", FEATURE, None),
                ("FeatureDrift", "warning", FEATURE, None),
            ],
            &["FeatureCorrelationChanged", "FeatureSegmentDrift"],
        ),
        case(
            "one value of ten is filled in",
            answers(json!({"set": {FEATURE: [0.1, 87.125]}})),
            &[("FeatureImputed", "critical", FEATURE, None)],
            &[
                "FeatureDrift",
                "FeatureOutliers",
                "FeatureCorrelationChanged",
                "FeatureSegmentDrift",
            ],
        ),
        case(
            "a third is missing, filled in and flagged",
            answers(json!({"nulls": {FILLED_IN: 0.3}})),
            &[("FeatureImputed", "critical", FILLED_IN, None)],
            &["FeatureCorrelationChanged"],
        ),
        case(
            "one row of a hundred that a business rule forbids",
            answers(json!({"set": {FEATURE: [0.01, -1]}})),
            &[(
                "FeatureRuleViolated",
                "critical",
                "",
                Some("non-negative-spend"),
            )],
            &[],
        ),
        case(
            "every second row does not come",
            answers(json!({"only": 0.5})),
            &[("FeatureRuleViolated", "critical", "", Some("volume"))],
            &[],
        ),
        case(
            "rows are served twice",
            answers(json!({"twice": 0.1})),
            &[("FeatureDuplicateKeys", "critical", "", None)],
            &[],
        ),
        case(
            "a feature has become constant",
            answers(json!({"set": {FEATURE: [1, 0]}})),
            &[("FeatureConstant", "critical", FEATURE, Some("constant"))],
            &[
                "FeatureDrift",
                "FeatureOutliers",
                "FeatureInvalidValues",
                "FeatureMissingData",
                "FeaturePerformanceDegraded",
                "FeatureSegmentDrift",
            ],
        ),
        case(
            "a feature is shifted",
            answers(json!({"shift": {FEATURE: 50}})),
            &[("FeatureDrift", "critical", FEATURE, None)],
            &["FeatureOutliers", "FeatureSegmentDrift"],
        ),
        case(
            "values go to the wrong rows",
            answers(json!({"shuffle": [FEATURE]})),
            &[("FeatureCorrelationChanged", "critical", FEATURE, None)],
            &["FeaturePerformanceDegraded", "FeatureSegmentDrift"],
        ),
        // Features that tell much have lost it all, in one message.
        case(
            "labels go to the wrong rows",
            answers(json!({"shuffle": ["segment"]})),
            &[(
                "FeaturePerformanceDegraded",
                "critical",
                "monetary_91d",
                None,
            )],
            &[],
        ),
        case(
            "a column is dropped",
            answers(json!({"drop": [FEATURE]})),
            &[("FeatureAbsent", "critical", FEATURE, Some("missing"))],
            GONE,
        ),
        case(
            "a column is renamed",
            answers(json!({"rename": {FEATURE: "spend_28d"}})),
            &[
                ("FeatureAbsent", "critical", FEATURE, Some("renamed")),
                ("FeatureSchemaChanged", "warning", "spend_28d", Some("new")),
            ],
            GONE,
        ),
        case(
            "a column has another type",
            answers(json!({"cast": {"frequency_28d": "float64"}})),
            &[(
                "FeatureSchemaChanged",
                "critical",
                "frequency_28d",
                Some("type_changed"),
            )],
            &[],
        ),
        case(
            "the exporter dies",
            Fault::ExporterDies,
            &[("FeatureMonitorExporterDown", "critical", "", None)],
            &[],
        ),
    ]
}

/// A monitor with its server, and one whose data never changes.
struct Shops {
    customers: Customers,
    exporter: Exporter,
    quiet: Customers,
    still: Exporter,
}

impl Shops {
    fn open(sink: &Sink) -> Self {
        let (customers, quiet) = (
            Customers::unchanging(2, WEEK_SECONDS),
            Customers::unchanging(2, WEEK_SECONDS),
        );
        for (one, watched) in [(&customers, SHOP), (&quiet, QUIET)] {
            answer(one, &json!({}));
            // A server that hangs is given up soon.
            one.edit("timeout: 60s", "timeout: 2s");
            // Both limits are passed by the same evaluation: between them a group that does not wait any more would tell of the
            // first.
            one.edit("warning: 14286ms", "warning: 20s");
            // One limit for all: which features are a little above a calibrated one differs from week to week.
            one.edit(
                "performance: {}",
                "performance: {warning: 0.2, critical: 0.2}",
            );
            one.edit("quality: {}", QUALITY);
            one.edit("      overrides:\n", OVERRIDES);
            one.append(&watched.notifications(sink));
            one.append(RULES);
        }
        let name = |watched: Watched| format!("name: {}", watched.monitor);
        quiet.edit(&name(SHOP), &name(QUIET));
        let run = |one: &Customers| Exporter::run(&one.manifest(), one.home(), &[]);
        let (mut exporter, mut still) = (run(&customers), run(&quiet));
        for exporter in [&mut exporter, &mut still] {
            exporter.wait_for_metric("featuremonitor_windows_judged_total", |n| n >= 2.0);
        }
        Self {
            customers,
            exporter,
            quiet,
            still,
        }
    }

    fn scrape(&self, chain: &Chain) {
        chain.scrape(&[
            (self.exporter.port(), SHOP.monitor),
            (self.still.port(), QUIET.monitor),
        ]);
    }
}

/// Makes a server answer with faults beside what it always does.
fn answer(customers: &Customers, faults: &Value) {
    let mut all = faults.clone();
    // It fills in where nobody bought anything, and says so.
    all["impute"] = json!({FILLED_IN: [5, 60]});
    customers.faults(&all);
}

impl World for Shops {
    type Fault = Fault;

    fn begin(&mut self, fault: &Fault) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        match fault {
            Fault::Answers(faults) => answer(&self.customers, faults),
            Fault::FromNowOn(what) => {
                let mut faults = json!({});
                faults[*what] = json!(now.as_secs_f64());
                answer(&self.customers, &faults);
            }
            Fault::ServerDies => self.customers.stop(),
            Fault::ExporterDies => self.exporter.process.end(),
        }
    }

    fn end(&mut self, fault: &Fault, chain: &Chain) {
        match fault {
            Fault::Answers(_) | Fault::FromNowOn(_) => answer(&self.customers, &json!({})),
            Fault::ServerDies => self.customers.start(),
            Fault::ExporterDies => {
                let (manifest, folder) = (self.customers.manifest(), self.customers.home());
                self.exporter = Exporter::run(&manifest, folder, &[]);
                // At another address, as a new pod has it.
                self.scrape(chain);
            }
        }
    }

    fn log(&self) -> String {
        self.exporter.log()
    }
}

#[test]
fn every_fault_is_told_by_its_alert_and_ends_with_it() {
    let sink = Sink::start();
    let mut shops = Shops::open(&sink);
    let manifests = [shops.customers.manifest(), shops.quiet.manifest()];
    let chain = Chain::start(sink, &manifests);
    shops.scrape(&chain);
    let begun = Instant::now();
    chain.wait("nothing fires before", SHOP, &shops, |firing| {
        firing.is_empty()
    });
    let mut lines = vec![Line::head()];
    for case in cases() {
        lines.push(chain.tells(SHOP, &mut shops, &case).to_string());
    }
    let quiet = chain.fired(QUIET, begun.elapsed());
    assert!(
        quiet.is_empty(),
        "nothing changed, and these fired: {quiet:?}"
    );
    let judged = shops
        .still
        .wait_for_metric("featuremonitor_windows_judged_total", |n| n > 2.0);
    let judged = judged.find("featuremonitor_windows_judged_total").unwrap();
    // Past the test runner, which shows the output of tests that fail only.
    let _ = write!(
        std::io::stderr(),
        "\n{}\nnothing changed for {:.0} s and {judged} windows: no alert\n\n",
        lines.join("\n"),
        begun.elapsed().as_secs_f64()
    );
}
