//! `calibrate` on real data: what it counts is what the reference counts, and what it says to write helps.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod page;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;

use harness::customers::{self, Customers, python, workspace};
use harness::exporter;
use harness::server::Server;
use serde_json::{Value, json};

/// The windows of weeks 19 to 52, which is all that there is after the baseline.
const AFTER: [&str; 4] = [
    "--from",
    "2017-05-07T06:00:00Z",
    "--to",
    "2017-12-31T06:00:00Z",
];
const WEEKS: std::ops::RangeInclusive<u64> = 19..=52;

/// The weekly customers in their own time, with a folder for manifests and state.
struct Shop {
    home: tempfile::TempDir,
    server: Server,
}

impl Shop {
    fn open() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            server: Server::python("customers.py", &["--port", "0"]),
        }
    }

    /// The example, with parts of its text replaced.
    fn manifest(&self, edits: &[(&str, &str)]) -> PathBuf {
        let path = self.home.path().join("monitor.yaml");
        std::fs::write(&path, customers::example(self.server.port(), edits)).unwrap();
        path
    }

    fn calibrate(&self, manifest: &Path, arguments: &[&str]) -> String {
        let state = self.home.path().join("state");
        let state = ["--state-dir", state.to_str().unwrap()];
        let output = calibrate(manifest, &[&state, arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        assert_eq!(errors, "");
        let saved = std::fs::read_dir(self.home.path().join("state"));
        assert_eq!(saved.map_or(0, Iterator::count), 0, "nothing is saved");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The example, whose one override is that of a setting which these weeks do not need: they have rows enough.
    fn example(&self) -> PathBuf {
        let own = "minRows: 200\n      overrides: [{features: [home_store], minRows: 300}]";
        self.manifest(&[("minRows: 200", own)])
    }

    fn json(&self, manifest: &Path) -> Value {
        let text = self.calibrate(manifest, &[&AFTER[..], &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap()
    }
}

/// What is answered about the example with all its checks, which takes long enough to be asked once.
fn answer() -> &'static Value {
    static ANSWER: OnceLock<Value> = OnceLock::new();
    ANSWER.get_or_init(|| {
        let shop = Shop::open();
        shop.json(&shop.example())
    })
}

fn calibrate(manifest: &Path, arguments: &[&str]) -> Output {
    exporter::command()
        .arg("calibrate")
        .arg("-f")
        .arg(manifest)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What is said of a call that cannot be answered.
fn refused(manifest: &Path, arguments: &[&str]) -> String {
    let output = calibrate(manifest, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// The verdicts of one feature on its drift.
fn drift<'a>(answer: &'a Value, feature: &str) -> &'a Value {
    let mut tests = answer["tests"].as_array().unwrap().iter();
    tests
        .find(|test| test["feature"] == feature && test["check"] == "drift")
        .unwrap_or_else(|| panic!("no drift of {feature}"))
}

/// The row of the budget for a severity, of one check or of all.
fn budget<'a>(answer: &'a Value, severity: &str, check: Option<&str>) -> &'a Value {
    let mut rows = answer["budget"].as_array().unwrap().iter();
    rows.find(|row| row["severity"] == severity && row["check"].as_str() == check)
        .unwrap()
}

/// The runs of weeks in a list, which are the alarms.
fn runs(weeks: &[u64]) -> u64 {
    WEEKS
        .filter(|week| weeks.contains(week) && !weeks.contains(&(week - 1)))
        .count() as u64
}

/// The same 34 weeks, judged by numpy and SciPy over the same bins.
#[test]
fn the_alarms_are_those_of_the_reference() {
    let reference: Value = serde_json::from_str(&python("data/limits.py", &[])).unwrap();
    let shop = Shop::open();
    let manifest = shop.manifest(&customers::DRIFT_AND_MISSING_ALONE);
    let answer = shop.json(&manifest);
    assert_eq!(
        answer["windows"],
        json!({
            "judged": 34, "rows": answer["windows"]["rows"], "withoutRows": 0, "leftOut": 0, "targetPending": 0,
            "start": "2017-05-07T06:00:00Z", "end": "2017-12-31T06:00:00Z",
        })
    );
    assert_eq!(answer["takenAs"], "undrifted");
    assert_eq!(answer["baseline"]["rows"], 13_874);

    let features = reference.as_object().unwrap();
    assert_eq!(features.len(), 38);
    for (name, expected) in features {
        let found = drift(&answer, name);
        for (place, severity) in ["warning", "critical"].into_iter().enumerate() {
            let at = &found[severity];
            if expected["moving"] == true {
                let finding = (at["alarms"].as_u64(), at["finding"].as_str());
                assert_eq!(finding, (Some(0), Some("moving")), "{name}");
                assert_eq!(at["limit"], Value::Null, "{name}");
                continue;
            }
            let of = |series: &str| -> Vec<f64> {
                let numbers = expected["binned"][series].as_array().unwrap().iter();
                numbers.map(number).collect()
            };
            let (values, limits) = (of("values"), of(severity));
            assert_eq!((values.len(), limits.len()), (34, 34), "{name}");
            let limit = number(&at["limit"]["value"]);
            let largest = limits.iter().copied().fold(0.0, f64::max);
            assert!(
                (limit - largest).abs() <= 1e-6 * largest,
                "{severity} limit of {name}: {limit} where {largest} is expected"
            );
            let share = [7.0 / 7.0, 7.0 / 30.0][place] * 34.0 / 76.0;
            assert!((number(&at["expected"]) - share).abs() < 1e-9, "{name}");
            let judged = WEEKS.zip(values.iter().zip(&limits));
            let over = judged.filter(|(_, (value, limit))| value >= limit);
            let weeks: Vec<u64> = over.map(|(week, _)| week).collect();
            assert_eq!(at["windowsOver"], weeks.len(), "{severity} of {name}");
            assert_eq!(at["alarms"], runs(&weeks), "{severity} of {name}");
        }
    }

    for severity in ["warning", "critical"] {
        let row = |check: Option<&'static str>| budget(&answer, severity, check);
        assert_eq!(row(None)["tests"], 76);
        assert_eq!(row(Some("drift"))["tests"], 38);
        let of = |check: &'static str| row(Some(check))["alarms"].as_u64().unwrap();
        assert_eq!(row(None)["alarms"], of("drift") + of("missing"));
        let tests = answer["tests"].as_array().unwrap().iter();
        let sum: u64 = tests
            .map(|test| test[severity]["alarms"].as_u64().unwrap())
            .sum();
        assert_eq!(row(None)["alarms"], sum);
    }
    assert_eq!(number(&budget(&answer, "warning", None)["expected"]), 34.0);
}

/// What it proposes is a patch that holds, and after it those features keep to their share.
#[test]
fn the_patched_manifest_keeps_to_the_budget() {
    let shop = Shop::open();
    let manifest = shop.example();
    let before = answer();
    let name = |test: &Value| [&test["feature"], &test["check"]].map(|name| name.to_string());
    // Those with more alarms than their share; for some of them there is a limit.
    let over = |answer: &Value| -> Vec<([String; 2], bool)> {
        let tests = answer["tests"].as_array().unwrap().iter();
        let of = tests.filter_map(|test| {
            let severities = ["warning", "critical"].map(|severity| &test[severity]);
            let over = severities
                .iter()
                .find(|at| at["finding"] == "overItsShare")?;
            Some((name(test), over["proposal"]["inPatch"] == true))
        });
        of.collect()
    };
    let listed = over(before);
    assert!(
        listed.iter().filter(|(_, limit)| *limit).count() >= 3,
        "{listed:?}"
    );

    let yaml = shop.calibrate(&manifest, &[&AFTER[..], &["--output", "yaml"]].concat());
    let patch: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(patch, before["patch"], "{yaml}");
    let overrides = patch["spec"]["checks"]["drift"]["overrides"]
        .as_array()
        .unwrap();
    assert_eq!(
        overrides[0],
        json!({"features": ["home_store"], "minRows": 300})
    );
    assert!(overrides.len() > 1, "{yaml}");
    assert_eq!(
        before["command"],
        "kubectl patch featuremonitor customer-segmentation --namespace ml-prod --type merge --patch-file patch.yaml"
    );

    // As the API server applies it: fields are merged, lists are replaced.
    let mut document: Value =
        serde_saphyr::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    for (check, settings) in patch["spec"]["checks"].as_object().unwrap() {
        document["spec"]["checks"][check]["overrides"] = settings["overrides"].clone();
    }
    let patched = shop.home.path().join("patched.yaml");
    std::fs::write(&patched, serde_saphyr::to_string(&document).unwrap()).unwrap();
    let check = exporter::command()
        .arg("check")
        .arg("-f")
        .arg(&patched)
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");

    let after = shop.json(&patched);
    // Only of campaigns that come and go no limit could be found. Pairs are laid to features anew, also to others than before.
    let of_pairs = |([_, check], _): &([String; 2], bool)| check.contains("correlation");
    let none: Vec<_> = listed.iter().filter(|(_, limit)| !limit).cloned().collect();
    let apart = |of: &[([String; 2], bool)]| -> Vec<([String; 2], bool)> {
        of.iter().filter(|test| !of_pairs(test)).cloned().collect()
    };
    assert_eq!(apart(&over(&after)), apart(&none));
    assert!(
        none.iter()
            .all(|([feature, _], _)| feature.contains("campaigns_active")),
        "{none:?}"
    );
    let patched_pairs = listed.iter().filter(|test| of_pairs(test) && test.1);
    assert!(patched_pairs.count() >= 2, "{listed:?}");
    for test in before["tests"].as_array().unwrap() {
        let mut again = after["tests"].as_array().unwrap().iter();
        let again = again.find(|other| name(other) == name(test)).unwrap();
        for severity in ["warning", "critical"] {
            let (was, is) = (&test[severity], &again[severity]);
            let proposal = &was["proposal"];
            if proposal["inPatch"] == true {
                assert_eq!(is["limit"]["part"], "Manifest", "{is}");
                assert_eq!(is["limit"]["value"], proposal["limit"], "{is}");
                // It had said so.
                assert_eq!(is["alarms"], proposal["alarms"], "{is}");
                assert!(number(&proposal["limit"]) >= number(&was["limit"]["value"]));
            } else if was["finding"].is_null() && test["check"] != "correlation" {
                let what = name(test);
                assert_eq!(
                    is["alarms"], was["alarms"],
                    "no other limit moves: {what:?} {is}"
                );
            }
        }
    }
    let again = after["patch"]["spec"]["checks"].as_object();
    assert!(
        again.is_none_or(|checks| checks.keys().all(|check| check == "correlation")),
        "{again:?}"
    );
}

/// The page about these weeks, which has figures of the rows and of what is said of them.
#[test]
fn the_page_about_these_weeks_says_what_they_give() {
    let answer = answer();
    let tests = budget(answer, "warning", None)["tests"].to_string();
    let rows = python("data/customers_page.py", &["--tests", &tests]);
    page::compare(answer, &serde_json::from_str(&rows).unwrap());
}

#[test]
fn a_table_for_people_explains_itself() {
    let shop = Shop::open();
    let manifest = shop.manifest(&[]);
    let text = shop.calibrate(&manifest, &AFTER);
    for part in [
        "ml-prod/customer-segmentation\n",
        "replayed  2017-05-07T06:00:00Z to 2017-12-31T06:00:00Z, 34 windows, ",
        "They are taken as undrifted",
        "baseline  Pinned, 2017-03-26T06:00:00Z to 2017-05-07T06:00:00Z, 6 windows, 13874 rows, sha256:",
        " per 7d ",
        " per 30d ",
        "effect floor",
        "\nspec:\n  checks:\n    correlation:\n      overrides:\n",
        "\n    drift:\n      overrides:\n",
        "A limit of correlation is one of all pairs of its feature.",
        "kubectl patch featuremonitor customer-segmentation --namespace ml-prod",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let row = |words: &[&str]| {
        let mut lines = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines
            .find(|line| line.starts_with(words))
            .unwrap_or_else(|| panic!("no line {words:?} in\n{text}"))
    };
    assert_eq!(row(&["warning", "all"])[2..5], ["282", "0.003546", "34"]);
    // A running total, for which there is no limit in force.
    assert_eq!(row(&["tenure_days", "drift"])[6..8], ["warning", "none"]);
    row(&[
        "drift",
        "coupons_redeemed_91d",
        "(warning",
        "in",
        "28",
        "of",
        "34),",
    ]);
    // Of a sensitive feature nothing but statistics is shown, as in `profile`.
    for value in ["35-44", "45-54", "50-74K"] {
        assert!(!text.contains(value), "{value} in\n{text}");
    }
}

/// Alarms in one window are no reason to say that no limit would do.
#[test]
fn few_windows_make_no_limit() {
    let shop = Shop::open();
    let week = ["--from", AFTER[1], "--to", "2017-05-14T06:00:00Z"];
    let yaml = shop.calibrate(
        &shop.example(),
        &[&week[..], &["--output", "yaml"]].concat(),
    );
    assert_eq!(
        yaml,
        "# No patch: a limit follows from 4 windows with a value or more. Replay more.\n"
    );
}

/// A baseline that goes along is made of the windows before the first one that is replayed, and rolls.
#[test]
fn a_rolling_baseline_goes_along() {
    let customers = Customers::replay(8, 600);
    let text = std::fs::read_to_string(customers.manifest()).unwrap();
    let start = text.find("    pinned:").unwrap();
    let end = text.find("    revision:").unwrap();
    customers.edit(&text[start..end], "    rolling: {windows: 4}\n");
    let manifest = customers.manifest();
    let why = refused(&manifest, &[]);
    assert!(
        why.contains("Rolling baseline goes along") && why.contains("--windows N"),
        "{why}"
    );

    let output = calibrate(&manifest, &["--windows", "5", "--output", "json"]);
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["windows"]["judged"], 5);
    assert_eq!(answer["baseline"]["kind"], "Rolling");
    assert_eq!(answer["baseline"]["windows"], 4);
    // It ends where the last of the windows begins.
    let profile = exporter::command()
        .args(["profile", "--output", "json", "-f"])
        .arg(&manifest)
        .output()
        .unwrap();
    let profile: Value = serde_json::from_slice(&profile.stdout).unwrap();
    assert_eq!(answer["baseline"]["end"], profile["baseline"]["end"]);
    assert_eq!(answer["windows"]["end"], profile["window"]["end"]);
}

/// A window of the past is judged by its target as that is known now; one whose target is still to come, by all else.
#[test]
fn a_target_that_is_known_later_is_judged_where_it_is_known() {
    let customers = Customers::replay(8, 600);
    // In the fourth week after the baseline no feature tells anything about the target.
    customers.faults(&json!({"weeks": {"22": {"shuffle": ["segment"]}}}));
    let manifest = customers.manifest();
    let replayed = |arguments: &[&str]| -> String {
        let output = calibrate(&manifest, arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let json = |arguments: &[&str]| -> Value {
        let text = replayed(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap()
    };
    let at = |weeks: u64| {
        let seconds = customers.origin() + 600 * weeks;
        jiff::Timestamp::from_second(seconds as i64)
            .unwrap()
            .to_string()
    };
    let at_once = json(&["--from", &at(0), "--to", &at(6)]);

    // The sixth window has been complete for more than 24 minutes, the seventh for less than 15.
    customers.edit("kind: Class", "kind: Class\n      delay: 20m");
    let later = json(&[]);
    assert_eq!(later["windows"]["judged"], 8);
    assert_eq!(later["windows"]["targetPending"], 2);
    assert_eq!(at_once["windows"]["targetPending"], 0);
    for severity in ["warning", "critical"] {
        let [drift, performance] =
            ["drift", "performance"].map(|check| budget(&later, severity, Some(check)));
        assert_eq!(
            (&drift["windows"], &performance["windows"]),
            (&json!(8), &json!(6))
        );
        let each =
            |of: &Value| number(&of["expected"]) / number(&of["tests"]) / number(&of["windows"]);
        assert!(
            (each(drift) - each(performance)).abs() < 1e-9,
            "{performance}"
        );
        let before = budget(&at_once, severity, Some("performance"));
        assert_eq!(performance["alarms"], before["alarms"]);
        assert!(number(&performance["alarms"]) >= 1.0, "{performance}");
    }
    // What is said of each feature is what is said of the same windows where nothing is later.
    let told = |answer: &Value| -> Vec<[Value; 4]> {
        let tests = answer["tests"].as_array().unwrap().iter();
        tests
            .filter(|test| test["check"] == "performance")
            .map(|test| {
                let over = |severity: &str| test[severity]["windowsOver"].clone();
                let windows = test["values"]["windows"].clone();
                [
                    test["feature"].clone(),
                    windows,
                    over("warning"),
                    over("critical"),
                ]
            })
            .collect()
    };
    assert!(!told(&later).is_empty());
    assert_eq!(told(&later), told(&at_once));

    // Of none of the windows, nor of the baseline's, is it known yet.
    customers.edit("delay: 20m", "delay: 1d");
    let text = replayed(&[]);
    let said =
        "8 windows not judged by the target, which is not known yet (spec.data.target.delay).";
    assert!(text.contains(said), "{text}");
    // A baseline that does not know its target has no test of it, and no part of the budget for one.
    let mut lines = text.lines().map(str::trim);
    let because = "the target is not known yet: a window is judged by it spec.data.target.delay after it is complete";
    assert!(
        lines.all(|line| !line.starts_with("performance ") || line.ends_with(because)),
        "{text}"
    );
    assert!(text.contains(because), "{text}");
    assert!(!text.contains("NaN"), "{text}");
}

#[test]
fn it_says_why_it_has_no_answer() {
    let example = workspace().join("crds/examples/latest-table.yaml");
    let why = refused(&example, &[]);
    assert!(why.starts_with("spec.data.window is missing"), "{why}");

    // Half a window after the baseline.
    let customers = Customers::replay(0, 600);
    let manifest = customers.manifest();
    let why = refused(&manifest, &[]);
    assert!(why.contains("no window after the baseline"), "{why}");
    assert!(
        why.contains("--windows N") && why.contains("--from TIME --to TIME"),
        "{why}"
    );
    let why = refused(&manifest, &["--windows", "3"]);
    assert!(why.contains("are the baseline's own"), "{why}");
    let years = [
        "--from",
        "1990-01-01T00:00:00Z",
        "--to",
        "1990-01-01T01:00:00Z",
    ];
    let why = refused(&manifest, &years);
    assert!(why.contains("the source holds no row of the"), "{why}");
    let why = refused(
        &manifest,
        &[
            "--from",
            "1990-01-01T00:00:00Z",
            "--to",
            "1990-01-01T00:05:00Z",
        ],
    );
    assert!(
        why.contains("no complete window lies wholly between"),
        "{why}"
    );
    let why = refused(
        &manifest,
        &[
            "--from",
            "1990-01-01T00:00:00Z",
            "--to",
            "2000-01-01T00:00:00Z",
        ],
    );
    assert!(why.contains("at most 1000 are replayed"), "{why}");
}
