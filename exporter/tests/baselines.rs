//! `baselines list`, `show` and `diff`, on saved baselines that are made up here.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use crds::valid;
use exporter::archive::{self, KEPT};
use exporter::baseline::{Baseline, Definition, SAVED_AS, Windows};
use exporter::cli::{Cli, Command};
use exporter::store::{Place, Store};
use exporter::window::Span;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stats::{Categories, Column, FeatureProfile, FrozenFeature, Kind, Validity};

const EXAMPLE: &str = include_str!("../../crds/examples/customer-segmentation.yaml");
/// A category of a feature that the example marks as sensitive.
const CANARY: &str = "canary-17";

/// A folder with a manifest and the state of its monitor.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("monitor.yaml"), EXAMPLE).unwrap();
        Self(folder)
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn store(&self) -> Store {
        let monitor = monitor();
        let place = Place::Directory(self.state());
        Store::new(place, Path::new("."), &monitor.namespace, &monitor.name)
    }

    fn file(&self, name: &str) -> PathBuf {
        let monitor = monitor();
        self.state()
            .join(monitor.namespace)
            .join(monitor.name)
            .join(name)
    }

    /// What the command prints, or the error it ends with.
    async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        self.ended(arguments).await.map(|(text, _)| text)
    }

    /// The same, and whether all that is listed can be read.
    async fn ended(&self, arguments: &[&str]) -> Result<(String, bool), String> {
        let manifest = self.0.path().join("monitor.yaml");
        let state = self.state();
        let mut line = vec!["exporter", "baselines"];
        line.extend(arguments);
        let where_they_are = [
            "-f",
            manifest.to_str().unwrap(),
            "--state-dir",
            state.to_str().unwrap(),
        ];
        line.extend(where_they_are);
        let Command::Baselines(args) = Cli::parse_from(line).command else {
            panic!("another command");
        };
        exporter::baselines::baselines(&args).await
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--output", "json"]].concat();
        serde_json::from_str(&self.run(&arguments).await.unwrap()).unwrap()
    }
}

fn monitor() -> valid::Monitor {
    crds::manifest::load(EXAMPLE).unwrap().monitor
}

fn uniform(rows: usize) -> impl Iterator<Item = f64> {
    (0..rows).map(|i| (i as f64 + 1.0) * 0.618_033_988_749_895 % 1.0)
}

fn numbers(name: &str, data_type: &str, of: impl Fn(f64) -> f64, nulls: usize) -> FrozenFeature {
    let values: Vec<f64> = uniform(2_000).map(of).collect();
    let mut bits = vec![0xffu8; 250];
    for row in 0..nulls {
        bits[row / 8] &= !(1 << (row % 8));
    }
    let profiled = |bins| {
        let mut profile = FeatureProfile::new(Kind::Numeric, bins);
        let validity = Validity::bitmap(&bits, 0, values.len()).unwrap();
        let column = Column::Numeric {
            values: &values,
            validity,
        };
        profile.update(&column).unwrap();
        profile
    };
    let bins = Arc::new(profiled(None).freeze_bins());
    let summary = profiled(Some(bins.clone())).close();
    FrozenFeature::new(name, data_type, bins, vec![summary])
}

fn names(name: &str, first: &str, share: f64) -> FrozenFeature {
    let codes: Vec<i32> = uniform(2_000).map(|u| i32::from(u >= share)).collect();
    let known = [first, "other one"];
    let profiled = |bins| {
        let mut profile = FeatureProfile::new(Kind::Categorical, bins);
        let column = Column::Categorical {
            codes: &codes,
            validity: Validity::all(codes.len()),
            categories: Categories {
                generation: 1,
                len: 2,
                name: &|code| known.get(code).copied(),
            },
        };
        profile.update(&column).unwrap();
        profile
    };
    let bins = Arc::new(profiled(None).freeze_bins());
    let summary = profiled(Some(bins.clone())).close();
    FrozenFeature::new(name, "string", bins, vec![summary])
}

fn baseline(version: u32, definition: Definition, features: Vec<FrozenFeature>) -> Baseline {
    let begin: Timestamp = "2017-03-26T06:00:00Z".parse().unwrap();
    let week = SignedDuration::from_hours(168);
    Baseline {
        definition,
        version,
        frozen_at: begin + week * i32::try_from(10 + version).unwrap(),
        spans: vec![Span {
            start: begin,
            end: begin + week,
        }],
        need: 1,
        rows: vec![2_000],
        windows: Vec::new(),
        windows_at: Vec::new(),
        newest: None,
        features,
        target: None,
        segments: Vec::new(),
        history: None,
        reloaded: false,
    }
}

fn features(shift: f64) -> Vec<FrozenFeature> {
    vec![
        numbers("spend", "double", move |u| 100.0 * (u + shift), 0),
        numbers("visits", "int64", |u| (12.0 * u).floor(), 0),
        names("age", CANARY, 0.5),
        names("home_store", "north", 0.5),
    ]
}

/// Version 1 was made of other windows, lacks a feature and has another; version 2 is what the manifest asks for.
async fn two() -> Home {
    let home = Home::new();
    let store = home.store();
    let now = Definition::new(&monitor());
    let before = Definition {
        windows: Windows::Rolling(4),
        revision: 9,
        ..now.clone()
    };
    let mut old = features(0.0);
    old.push(names("gone", "x", 0.5));
    archive::keep(&store, &baseline(1, before, old))
        .await
        .unwrap();
    let mut new = features(0.3);
    new[1] = numbers("visits", "double", |u| (12.0 * u).floor(), 500);
    new[3] = names("home_store", "north", 0.8);
    new.push(names("fresh", "x", 0.5));
    store.save(SAVED_AS, &baseline(2, now, new)).await.unwrap();
    home
}

#[tokio::test]
async fn a_list_has_the_one_in_force_first() {
    let home = two().await;
    let list = home.json(&["list"]).await;
    let baselines = list["baselines"].as_array().unwrap();
    let of = |field: &str| -> Vec<&Value> { baselines.iter().map(|b| &b[field]).collect() };
    assert_eq!(of("version"), [&json!(2), &json!(1)]);
    assert_eq!(of("standing"), [&json!("inForce"), &json!("replaced")]);
    assert_eq!(of("kind"), [&json!("Pinned"), &json!("Rolling")]);
    assert_eq!(of("rows"), [&json!(2000), &json!(2000)]);
    assert_eq!(of("features"), [&json!(5), &json!(5)]);
    assert_ne!(baselines[0]["digest"], baselines[1]["digest"]);
    let text = home.run(&["list"]).await.unwrap();
    assert!(
        text.starts_with("ml-prod/customer-segmentation\n"),
        "{text}"
    );
    let line = text.lines().find(|line| line.contains("in force")).unwrap();
    let digest = baselines[0]["digest"].as_str().unwrap();
    assert!(
        line.contains("Pinned") && line.contains(&digest[..19]),
        "{line}"
    );
}

#[tokio::test]
async fn one_that_the_manifest_no_longer_asks_for_is_told() {
    let home = two().await;
    let manifest = home.0.path().join("monitor.yaml");
    std::fs::write(&manifest, EXAMPLE.replace("revision: 1", "revision: 3")).unwrap();
    let list = home.json(&["list"]).await;
    assert_eq!(list["baselines"][0]["standing"], "toBeReplaced");
}

#[tokio::test]
async fn what_is_in_one_is_shown_without_values_of_sensitive_features() {
    let home = two().await;
    let shown = home.json(&["show"]).await;
    assert_eq!(
        (&shown["version"], &shown["rows"]),
        (&json!(2), &json!(2000))
    );
    let definition = shown["definition"].as_array().unwrap();
    let field =
        |name: &str| definition.iter().find(|f| f["field"] == name).unwrap()["value"].clone();
    assert_eq!(field("spec.data.window.length"), "7d");
    assert_eq!(field("spec.baseline.revision"), "1");
    assert!(
        field("spec.baseline")
            .as_str()
            .unwrap()
            .starts_with("pinned, 2017-03-26T06:00:00Z to ")
    );
    let features = shown["reference"].as_array().unwrap();
    let feature = |name: &str| features.iter().find(|f| f["name"] == name).unwrap();
    let spend = feature("spend");
    assert_eq!(spend["quantiles"][3]["probability"], 0.5);
    let median = spend["quantiles"][3]["value"].as_f64().unwrap();
    assert!((median - 80.0).abs() < 0.2, "{median}");
    assert_eq!(feature("visits")["missingShare"], 0.25);
    assert_eq!(
        feature("home_store")["categories"][0],
        json!({"name": "north", "count": 1600})
    );
    let age = feature("age");
    assert_eq!(
        (&age["sensitive"], age.get("categories")),
        (&json!(true), None)
    );
    for output in ["json", "table"] {
        let text = home.run(&["show", "--output", output]).await.unwrap();
        assert!(
            text.contains("home_store") && !text.contains(CANARY),
            "{text}"
        );
    }
    // An older one by its version.
    let old = home.json(&["show", "1"]).await;
    assert_eq!((&old["version"], &old["revision"]), (&json!(1), &json!(9)));
}

#[tokio::test]
async fn a_difference_has_the_largest_change_first() {
    let home = two().await;
    let diff = home.json(&["diff", "1", "2"]).await;
    assert_eq!(diff["added"], json!(["fresh"]));
    assert_eq!(diff["removed"], json!(["gone"]));
    let changed = diff["definition"].as_array().unwrap();
    let fields: Vec<&Value> = changed.iter().map(|change| &change["field"]).collect();
    assert_eq!(
        fields,
        [&json!("spec.baseline"), &json!("spec.baseline.revision")]
    );
    assert_eq!(changed[0]["from"], "rolling, 4 windows");
    let features = diff["features"].as_array().unwrap();
    let names: Vec<&Value> = features.iter().map(|feature| &feature["name"]).collect();
    assert_eq!(
        names,
        [
            &json!("visits"),
            &json!("spend"),
            &json!("home_store"),
            &json!("age")
        ]
    );
    let [visits, spend, store, age] = &features[..] else {
        panic!("four features");
    };
    assert_eq!(visits["dataType"], json!({"from": "int64", "to": "double"}));
    assert_eq!(visits["missingShare"], json!({"from": 0.0, "to": 0.25}));
    // A uniform feature moved by three tenths of its width.
    let ks = spend["value"].as_f64().unwrap();
    assert!(
        spend["statistic"] == "KS" && (ks - 0.3).abs() < 0.005,
        "{spend}"
    );
    assert!((spend["timesFloor"].as_f64().unwrap() - ks / 0.05).abs() < 1e-9);
    assert_eq!(spend["median"]["to"].as_f64().unwrap().round(), 80.0);
    // Half and half became 0.8 and 0.2: the shares' differences times the logarithms of their ratios.
    let psi = 0.3 * (0.8f64 / 0.5).ln() - 0.3 * (0.2f64 / 0.5).ln();
    let found = store["value"].as_f64().unwrap();
    assert!(
        store["statistic"] == "PSI" && (found - psi).abs() < 0.002,
        "{store} {psi}"
    );
    assert_eq!(age["value"], 0.0);
    let text = home.run(&["diff", "1"]).await.unwrap();
    assert!(
        text.contains("only in the second: fresh") && !text.contains(CANARY),
        "{text}"
    );
    assert!(text.contains("type int64 is double now"), "{text}");
    // A quarter began to be missing, where two in a hundred are worth a warning.
    let visits = text.lines().find(|line| line.contains(" visits "));
    assert!(
        visits.is_some_and(|line| line.contains(" +25.0 pp          12.5× ")),
        "{text}"
    );
}

#[tokio::test]
async fn the_last_few_are_kept_and_a_damaged_one_hides_no_other() {
    let home = Home::new();
    let store = home.store();
    let definition = Definition::new(&monitor());
    for version in 1..=8 {
        let old = baseline(version, definition.clone(), Vec::new());
        archive::keep(&store, &old).await.unwrap();
    }
    store
        .save(SAVED_AS, &baseline(9, definition, Vec::new()))
        .await
        .unwrap();
    let versions = |list: &Value| -> Vec<u64> {
        let baselines = list["baselines"].as_array().unwrap();
        baselines
            .iter()
            .map(|b| b["version"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(versions(&home.json(&["list"]).await), [9, 8, 7, 6, 5, 4]);
    assert_eq!(KEPT, 5);
    assert!(home.ended(&["list"]).await.unwrap().1);
    let damaged = home.file("baseline-replaced-1.json");
    std::fs::write(&damaged, "half a fi").unwrap();
    assert!(!home.ended(&["list"]).await.unwrap().1, "one is damaged");
    let list = home.json(&["list"]).await;
    assert_eq!(versions(&list), [9, 8, 7, 5, 4]);
    let said = list["unreadable"][0].as_str().unwrap();
    assert!(
        said.contains("baseline-replaced-1.json is damaged"),
        "{said}"
    );
    let error = home.run(&["show", "6"]).await.unwrap_err();
    assert!(
        error.contains("9, 8, 7, 5, 4") && error.contains("is damaged"),
        "{error}"
    );
    // The one in use is damaged: those that it replaced can still be looked at.
    std::fs::write(home.file("baseline.json"), "half a fi").unwrap();
    assert_eq!(versions(&home.json(&["list"]).await), [8, 7, 5, 4]);
    let error = home.run(&["show"]).await.unwrap_err();
    assert!(error.contains("cannot be read"), "{error}");
    assert_eq!(home.json(&["show", "8"]).await["standing"], "replaced");
}

/// Where a release gave a version twice, both are shown, and the older one stays.
#[tokio::test]
async fn a_kept_one_is_not_replaced_by_another_of_its_version() {
    let home = Home::new();
    let store = home.store();
    let definition = Definition::new(&monitor());
    let old = baseline(1, definition.clone(), features(0.0));
    let other = baseline(1, definition.clone(), features(0.3));
    assert!(archive::keep(&store, &old).await.unwrap());
    store.save(SAVED_AS, &other).await.unwrap();
    let of = |list: &Value, field: &str| -> Vec<Value> {
        let baselines = list["baselines"].as_array().unwrap();
        baselines.iter().map(|b| b[field].clone()).collect()
    };
    let list = home.json(&["list"]).await;
    assert_eq!(of(&list, "standing"), ["inForce", "replaced"]);
    assert_eq!(of(&list, "digest"), [other.digest(), old.digest()]);

    assert!(!archive::keep(&store, &other).await.unwrap());
    let next = baseline(2, definition, features(0.6));
    store.save(SAVED_AS, &next).await.unwrap();
    let list = home.json(&["list"]).await;
    assert_eq!(of(&list, "digest"), [next.digest(), old.digest()]);
    // The same one once more, as after a crash, is no other; and the one in use is not shown twice.
    assert!(archive::keep(&store, &old).await.unwrap());
    assert!(archive::keep(&store, &next).await.unwrap());
    assert_eq!(of(&home.json(&["list"]).await, "version"), [2, 1]);
}

#[tokio::test]
async fn before_the_first_there_is_nothing_to_show() {
    let home = Home::new();
    // A folder that is named and not there is misspelt.
    for command in [&["list"][..], &["show"], &["diff", "1", "2"]] {
        let error = home.run(command).await.unwrap_err();
        let state = home.state();
        let said = format!(
            "there is no folder {}: write --state-dir as `run` has it",
            state.display()
        );
        assert_eq!(error, said);
        assert!(!state.exists());
    }
    std::fs::create_dir(home.state()).unwrap();
    let (text, readable) = home.ended(&["list"]).await.unwrap();
    assert!(text.contains("no baseline is saved yet"), "{text}");
    assert!(readable);
    let error = home.run(&["diff", "1", "2"]).await.unwrap_err();
    assert!(error.contains("no baseline is saved"), "{error}");
}
