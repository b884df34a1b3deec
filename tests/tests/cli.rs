//! The programs as somebody at a terminal has them: what they print, and with which code they end.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use harness::customers::{Customers, workspace};
use harness::exporter::{self, Exporter};
use harness::{http, tools};
use serde_json::{Value, json};

/// Five things are wrong with it, each at another place.
const WRONG: &str = "\
apiVersion: featuremonitor.io/v1alpha1
kind: FeatureMonitor
metadata:
  name: refused
  namespace: ml-prod
spec:
  owner:
    team: growth-ml
  source:
    flight:
      uri: ftp://localhost:8815
      query:
        path: [customer_features]
      timeout: 1 hour
  data:
    entityKey: household_id
    eventTime: last_event_ts
    window:
      column: snapshot_ts
      length: 7d
  schedule:
    every: 60d
  baseline:
    previous: {}
";

/// Path, line, column, finding and advice of each of the five.
const PROBLEMS: [(&str, u64, u64, &str, &str); 5] = [
    (
        "spec.source.flight.uri",
        11,
        7,
        "the uri's scheme is unknown",
        "write one of grpc, grpc+tcp, grpc+tls, http and https",
    ),
    (
        "spec.source.flight.timeout",
        14,
        7,
        r#"found "1 hour""#,
        "write a duration such as 7d, 1h30m or 250ms",
    ),
    (
        "spec.data.entityKeys",
        15,
        3,
        "the field is missing",
        "add it, such as entityKeys: [household_id]",
    ),
    (
        "spec.data.entityKey",
        16,
        5,
        "the field does not exist",
        "write entityKeys, or remove it",
    ),
    (
        "spec.schedule.every",
        22,
        5,
        r#"found "60d""#,
        "write a duration between 1s and 30d",
    ),
];

/// How a program ended, and what it printed.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn ended(command: &mut Command) -> Ended {
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdin(Stdio::null()).output().unwrap();
    Ended {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

fn exporter(arguments: &[&str]) -> Ended {
    ended(exporter::command().args(arguments))
}

fn operator(arguments: &[&str]) -> Ended {
    let program = tools::operator().unwrap_or_else(|error| panic!("{error}"));
    ended(Command::new(program).args(arguments))
}

fn wrong_manifest(folder: &Path) -> PathBuf {
    let file = folder.join("wrong.yaml");
    std::fs::write(&file, WRONG).unwrap();
    file
}

fn example(name: &str) -> String {
    let file = workspace().join("crds/examples").join(name);
    file.display().to_string()
}

#[test]
fn check_says_that_a_manifest_is_valid() {
    let file = example("customer-segmentation.yaml");
    let text = exporter(&["check", "-f", &file]);
    assert_eq!(text.code, Some(0), "{text:?}");
    assert_eq!(text.out, format!("{file}: valid\n"));
    assert_eq!(text.err, "");

    let json = exporter(&["check", "-f", &file, "--output", "json"]);
    assert_eq!(json.code, Some(0), "{json:?}");
    assert_eq!(
        json.json(),
        json!([{"file": file, "valid": true, "problems": [], "notes": []}])
    );
}

/// The objective that counts evaluations, one in 30 minutes, cannot have the short windows.
#[test]
fn a_burn_rate_without_an_alert_is_noted() {
    let file = example("warehouse-sql.yaml");
    let note = |rate, hours, minutes| {
        format!(
            "objective evaluated: a burn rate of {rate} over {hours} h cannot be seen: its short window of {minutes} min has less than two evaluations."
        )
    };
    let notes = [note("14.4", 1, 5), note("6", 6, 30)];
    let text = exporter(&["check", "-f", &file]);
    assert_eq!(text.code, Some(0), "{text:?}");
    let lines = notes.each_ref().map(|note| format!("  note: {note}\n"));
    assert_eq!(text.out, format!("{file}: valid\n{}", lines.concat()));

    let json = exporter(&["check", "-f", &file, "--output", "json"]);
    assert_eq!(json.json()[0]["notes"], json!(notes));

    let plan = operator(&["plan", "-f", &file]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    let lines = notes.map(|note| format!("# ml-prod/churn-features: {note}\n"));
    assert!(plan.out.starts_with(&lines.concat()), "{plan:?}");
}

#[test]
fn check_says_everything_that_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let file = wrong_manifest(home.path()).display().to_string();
    let text = exporter(&["check", "-f", &file]);
    assert_eq!(text.code, Some(1), "{text:?}");
    let lines = PROBLEMS.map(|(path, line, column, found, write)| {
        format!("  {line}:{column} {path}: {found}\n      {write}\n")
    });
    assert_eq!(text.out, format!("{file}: 5 problems\n{}", lines.concat()));
    assert_eq!(text.err, "");

    let json = exporter(&["check", "-f", &file, "--output", "json"]);
    assert_eq!(json.code, Some(1), "{json:?}");
    let problems = PROBLEMS.map(|(path, line, column, found, write)| {
        json!({"path": path, "line": line, "column": column, "found": found, "write": write})
    });
    assert_eq!(
        json.json(),
        json!([{"file": file, "valid": false, "problems": problems, "notes": []}])
    );
}

/// A person mends them in one round.
#[test]
fn check_reads_the_rules_of_a_manifest_that_does_not_hold() {
    let home = tempfile::tempdir().unwrap();
    let file = wrong_manifest(home.path());
    let rules = "  rules:
    - {name: cut, expr: monetary_28d >=, over: Rows, severity: Critical}
    - {name: holds, expr: monetary_28d >= 0, over: Rows, severity: Critical}
    - {name: empty, expr: ' ', over: Rows, severity: Critical}
    - {name: many, expr: nonsense(age) > 1, over: Rows, severity: Severe}
";
    std::fs::write(&file, format!("{WRONG}{rules}")).unwrap();
    let file = file.display().to_string();
    let json = exporter(&["check", "-f", &file, "--output", "json"]);
    assert_eq!(json.code, Some(1), "{json:?}");
    let answer = json.json();
    let problems = answer[0]["problems"].as_array().unwrap();
    let said = |field: &str| -> Vec<&str> {
        let problems = problems.iter().skip(PROBLEMS.len());
        problems
            .map(|problem| problem[field].as_str().unwrap())
            .collect()
    };
    assert_eq!(
        said("path"),
        [
            "spec.rules[0].expr",
            "spec.rules[2].expr",
            "spec.rules[3].expr",
            "spec.rules[3].severity"
        ]
    );
    assert_eq!(said("found")[1], "the expression is empty");
    assert_eq!(
        said("found")[2],
        "at character 1: there is no function nonsense"
    );
    assert_eq!(problems[5]["line"], 26);
}

#[test]
fn check_of_several_files_answers_for_each() {
    let home = tempfile::tempdir().unwrap();
    let wrong = wrong_manifest(home.path()).display().to_string();
    let right = example("latest-table.yaml");
    let absent = home.path().join("absent.yaml").display().to_string();
    let files = ["check", "-f", &right, &wrong, &absent];

    let text = exporter(&files);
    assert_eq!(text.code, Some(1), "{text:?}");
    for part in [
        format!("{right}: valid\n"),
        format!("{wrong}: 5 problems\n"),
        format!("{absent}: 1 problem\n  No such file or directory"),
    ] {
        assert!(text.out.contains(&part), "no {part:?} in {}", text.out);
    }

    let json = exporter(&[&files[..], &["--output", "json"]].concat());
    assert_eq!(json.code, Some(1), "{json:?}");
    let answers = json.json();
    let valid: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| (answer["file"].as_str().unwrap(), &answer["valid"]))
        .collect();
    assert_eq!(
        valid,
        [
            (&*right, &json!(true)),
            (&*wrong, &json!(false)),
            (&*absent, &json!(false))
        ]
    );
}

/// Before it listens: nobody has to look into a log for it.
#[test]
fn the_other_commands_refuse_what_check_refuses() {
    let home = tempfile::tempdir().unwrap();
    let file = wrong_manifest(home.path()).display().to_string();
    for command in ["run", "profile", "calibrate"] {
        let refused = exporter(&[command, "-f", &file]);
        assert_eq!(refused.code, Some(1), "{command}: {refused:?}");
        assert_eq!(refused.out, "", "{command}");
        for (path, line, column, found, write) in PROBLEMS {
            for part in [path, &format!("line {line}, column {column}"), found, write] {
                assert!(refused.err.contains(part), "no {part:?} in {refused:?}");
            }
        }
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_right() {
    let check = |ended: Ended, says: &str| {
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_eq!(
            ended.out, "",
            "an answer goes to standard output, this is none"
        );
        assert!(ended.err.contains(says), "no {says:?} in {ended:?}");
    };
    let file = example("latest-table.yaml");
    check(exporter(&[]), "Usage: feature-monitor-exporter");
    check(exporter(&["watch"]), "unrecognized subcommand 'watch'");
    check(exporter(&["check"]), "--file <FILE>");
    check(exporter(&["run"]), "--file <FILE>");
    check(
        exporter(&["check", "-f", &file, "--output", "yaml"]),
        "[possible values: table, json]",
    );
    check(
        exporter(&["profile", "-f", &file, "--window", "yesterday"]),
        "'--window <TIME>': write a time with its zone, such as 2017-03-26T06:00:00Z",
    );
    check(
        exporter(&["baselines", "show", "-f", &file, "newest"]),
        "'[VERSION]': write a version's number, such as 2: `baselines list` has them",
    );
    check(
        exporter(&["calibrate", "-f", &file, "--from", "2017-05-07T06:00:00Z"]),
        "--to <TIME>",
    );
    check(
        exporter(&["calibrate", "-f", &file, "--windows", "0"]),
        "1..=1000",
    );
    check(
        exporter(&["run", "-f", &file, "--log.level", "exporter=loud"]),
        "is not a level or filter, such as `info`",
    );
    check(operator(&[]), "Usage: feature-monitor-operator");
    check(operator(&["reconcile"]), "unrecognized subcommand");
    check(operator(&["plan"]), "--file <FILE>");
    check(
        operator(&["run", "--lease.duration", "soon"]),
        "--lease.duration <DURATION>",
    );
}

#[test]
fn profile_prints_a_table_for_people() {
    let customers = Customers::replay(1, 600);
    let manifest = customers.manifest().display().to_string();
    let answer = exporter(&["profile", "-f", &manifest]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.err, "");
    let rows: Vec<Vec<&str>> = answer
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let row = |words: &[&str]| {
        rows.iter()
            .find(|row| row.starts_with(words))
            .unwrap_or_else(|| panic!("no line {words:?} in\n{}", answer.out))
    };
    assert_eq!(rows[0], ["ml-prod/customer-segmentation"]);
    // What ends in blanks goes over two lines of a terminal.
    assert!(answer.out.lines().all(|line| !line.ends_with(' ')));
    assert_eq!(row(&["window"])[4..], ["2345", "rows"]);
    assert_eq!(
        row(&["baseline", "Pinned,"])[5..9],
        ["6", "windows,", "13874", "rows,"]
    );
    assert!(row(&["budget"]).ends_with(&["α", "=", "0.003546", "and", "0.000827"]));
    // What the window holds: a number, a category, and one of which nothing but statistics is shown.
    let heads = ["feature", "type", "rows", "missing", "distinct", "mean"];
    row(&heads);
    assert_eq!(
        row(&["monetary_28d", "float64"])[2..7],
        ["2345", "0.0", "%", "1949", "149.3"]
    );
    assert_eq!(
        row(&["marital_status", "string"])[2..],
        ["2345", "71.9", "%", "2", "Married", "(337)"]
    );
    assert_eq!(
        row(&["age", "string"])[2..],
        ["2345", "66.1", "%", "6", "(sensitive)"]
    );
    // And how each verdict came about.
    row(&["feature", "check", "value", "p", "warning", "at"]);
    for (words, verdict) in [
        (&["campaigns_active", "drift", "KS"][..], "critical"),
        (&["tenure_days", "drift"], "moving"),
        (&["monetary_28d", "drift", "KS"], "ok"),
        (&["age", "drift", "PSI"], "ok"),
        (&["age", "missing", "increase"], "ok"),
        (&["age", "invalid", "increase"], "ok"),
    ] {
        assert_eq!(row(words).last(), Some(&verdict), "{words:?}");
    }
    // Of six windows no feature has charts, whether it moves or not.
    assert!(!rows.iter().any(|row| row.get(1) == Some(&"shift")));
    // The last line sums up.
    let last = answer.out.trim_end().lines().last().unwrap();
    let (critical, others) = last.split_once("; ").unwrap();
    let (number, names) = critical.split_once(" critical: ").unwrap();
    assert!(names.contains("campaigns_active"), "{last}");
    assert_eq!(number, names.split(", ").count().to_string());
    assert!(others.contains(" warning"), "{last}");
}

#[test]
fn profile_says_of_a_window_in_progress_that_it_is() {
    let customers = Customers::replay(1, 600);
    let manifest = customers.manifest().display().to_string();
    let now = jiff::Timestamp::now().to_string();
    let answer = exporter(&["profile", "-f", &manifest, "--window", &now]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let window = answer.out.lines().nth(1).unwrap();
    assert!(window.starts_with("window "), "{window}");
    assert!(window.contains("; not complete: ends at "), "{window}");

    // Of one that has no rows there is one line, where each check of each feature has no verdict for the same reason.
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(10)).to_string();
    let empty = exporter(&["profile", "-f", &manifest, "--window", &later]);
    assert_eq!(empty.code, Some(0), "{empty:?}");
    let said: Vec<&str> = empty.out.lines().collect();
    assert!(said[1].contains(", 0 rows"), "{said:?}");
    assert_eq!(
        said[4..],
        [
            "",
            "The window has no rows: none of its features is judged.",
            "",
            "0 critical; 0 warning; 39 without a verdict"
        ]
    );
    // A program gets all of it.
    let json = ["--output", "json"];
    let empty = exporter(&[&["profile", "-f", &manifest, "--window", &later], &json[..]].concat());
    assert_eq!(empty.code, Some(0), "{empty:?}");
    let features = empty.json()["features"].as_array().unwrap().clone();
    assert_eq!(features.len(), 38);
    let drift = &features[0]["checks"]["drift"]["notComputed"];
    assert!(drift.as_str().unwrap().starts_with("too few"), "{drift}");
}

#[test]
fn profile_prints_json_for_programs() {
    let customers = Customers::replay(2, 600);
    let manifest = customers.manifest().display().to_string();
    let newest = exporter(&["profile", "-f", &manifest, "--output", "json"]);
    assert_eq!(newest.code, Some(0), "{newest:?}");
    let newest = newest.json();
    assert_eq!(newest["namespace"], "ml-prod");
    assert_eq!(newest["name"], "customer-segmentation");
    assert_eq!(newest["baseline"]["rows"], 13_874);
    assert_eq!(newest["budget"]["tests"], 282);
    assert_eq!(newest["features"].as_array().unwrap().len(), 38);

    // An instant names the window that it lies in: here the first one after the baseline.
    let after = newest["baseline"]["end"].as_str().unwrap();
    let first = exporter(&[
        "profile", "-f", &manifest, "--output", "json", "--window", after,
    ]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let first = first.json();
    assert_eq!(first["window"]["start"], after);
    assert_eq!(first["window"]["end"], newest["window"]["start"]);
    assert_eq!(first["window"]["rows"], 2345);
    let feature = |name: &str| {
        let mut features = first["features"].as_array().unwrap().iter();
        features.find(|feature| feature["name"] == name).unwrap()
    };
    let moved = feature("campaigns_active");
    assert_eq!(moved["state"], "critical");
    assert_eq!(moved["dataType"], "int64");
    let drift = &moved["checks"]["drift"];
    assert_eq!(drift["statistic"], "KS");
    assert_eq!(drift["limits"]["critical"]["part"], "BetweenWindowsCapped");
    let number = |value: &Value| value.as_f64().unwrap();
    assert!(number(&drift["value"]) > number(&drift["limits"]["critical"]["value"]));
    assert_eq!(feature("tenure_days")["state"], "moving");
    let age = feature("age");
    assert_eq!(age["sensitive"], true);
    assert_eq!(age["current"]["top"], json!([]));
}

/// What `check` finds is what the source lacks; an override that changes nothing is said by whoever runs it, once.
#[test]
fn names_that_the_source_does_not_have_are_said() {
    let customers = Customers::replay(1, 600);
    let manifest = customers.manifest().display().to_string();
    let right = exporter(&["check", "-f", &manifest, "--source"]);
    assert_eq!(right.code, Some(0), "{right:?}");
    customers.edit("        - age\n", "        - agee\n");
    let mut running = Exporter::run(&customers.manifest(), customers.home(), &[]);
    running.wait_for_metric("featuremonitor_windows_judged_total", |judged| {
        judged >= 1.0
    });
    let page = http::get(running.port(), "/").unwrap();
    let log = running.end_by("-TERM");
    let said = "spec.data.features.overrides[0].names[0]: no column is called agee (age, if that is meant)";
    assert!(page.contains(said), "{page}");
    let lines = log.lines().filter(|line| line.contains(said));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("WARN"), "{lines:?}");

    customers.edit("- household_id\n", "- household\n");
    customers.edit("column: segment\n", "column: segmnt\n");
    customers.edit("eventTime: last_event_ts", "eventTime: monetary_28d");
    customers.edit("      - '*'\n", "      - '*'\n      - nonsense\n");
    let wrong = exporter(&["check", "-f", &manifest, "--source", "--output", "json"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    let answer = wrong.json();
    let problems = answer[0]["problems"].as_array().unwrap().iter();
    let problems: Vec<[&str; 3]> = problems
        .map(|problem| ["path", "found", "write"].map(|field| problem[field].as_str().unwrap()))
        .collect();
    let any = "write a column that the source has, by its exact name";
    assert_eq!(
        problems,
        [
            [
                "spec.data.entityKeys[0]",
                "the source has no column household",
                any
            ],
            [
                "spec.data.eventTime",
                "monetary_28d has the type float64, which is no time",
                "write a column of timestamps or dates"
            ],
            [
                "spec.data.target.column",
                "the source has no column segmnt",
                "write segment, if that is meant"
            ],
            [
                "spec.data.features.include[1]",
                "the source has no column nonsense",
                any
            ],
            [
                "spec.data.features.overrides[0].names[0]",
                "no column is called agee",
                "write age, if that is meant"
            ],
        ]
    );
}

#[test]
fn profile_says_why_it_has_no_answer() {
    let mut customers = Customers::replay(1, 600);
    customers.stop();
    let manifest = customers.manifest().display().to_string();
    let refused = exporter(&["profile", "-f", &manifest]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(refused.out, "");
    let place = format!("127.0.0.1:{}", customers.port());
    assert!(refused.err.contains(&place), "no {place} in {refused:?}");
}

#[test]
fn help_names_every_subcommand_and_shows_how() {
    let check = |answer: Ended, program: &str, parts: &[&str]| {
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert_eq!(answer.err, "");
        for part in parts {
            assert!(answer.out.contains(part), "no {part:?} in\n{}", answer.out);
        }
        // Each subcommand is explained in a line and used in an example.
        let listed = answer.out.split_once("Commands:\n").unwrap().1;
        let listed = listed.split_once("\n\n").unwrap().0;
        let examples = answer.out.split_once("Examples:\n").unwrap().1;
        let names: Vec<&str> = listed
            .lines()
            .map(|line| {
                let (name, about) = line.trim().split_once(' ').unwrap();
                assert!(about.trim().len() > 20, "{line:?} explains nothing");
                name
            })
            .filter(|name| *name != "help")
            .collect();
        for name in &names {
            let example = format!("  {program} {name}");
            assert!(examples.contains(&example), "no {example:?} in {examples}");
        }
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names
    };
    let exit_codes = "Exit codes: 0 fine, 1 something is wrong with the input, 2 wrong usage.";
    let names = check(
        exporter(&["--help"]),
        "feature-monitor-exporter",
        &[exit_codes, "--log.format", "--log.level", "--otlp.endpoint"],
    );
    assert_eq!(names, ["run", "check", "profile", "calibrate", "baselines"]);
    let names = check(
        operator(&["--help"]),
        "feature-monitor-operator",
        &[exit_codes, "--log.format", "--log.level"],
    );
    assert_eq!(names, ["run", "plan", "render", "crd"]);

    for (command, option) in [
        ("run", "--web.config.file"),
        ("check", "--output"),
        ("profile", "--window"),
        ("calibrate", "--windows"),
        ("baselines", "diff"),
    ] {
        let answer = exporter(&[command, "--help"]);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert!(answer.out.contains(option), "no {option} in {answer:?}");
    }
}

#[test]
fn both_programs_say_their_version() {
    for answer in [exporter(&["--version"]), operator(&["--version"])] {
        assert_eq!(answer.code, Some(0), "{answer:?}");
        let version = answer.out.trim_end().rsplit_once(' ').unwrap().1;
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
    }
}

/// Each signal ends it in order, and every line of its log is one JSON object.
#[test]
fn run_logs_json_and_ends_on_either_signal() {
    let customers = Customers::replay(1, 600);
    for signal in ["-INT", "-TERM"] {
        let home = tempfile::tempdir().unwrap();
        let mut exporter = Exporter::run(
            &customers.manifest(),
            home.path(),
            &["--log.format", "json"],
        );
        exporter.wait_for_metric("featuremonitor_windows_judged_total", |judged| {
            judged >= 1.0
        });
        let log = exporter.end_by(signal);
        let lines: Vec<Value> = log
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
            })
            .collect();
        for line in &lines {
            for field in ["timestamp", "level", "message"] {
                assert!(line[field].is_string(), "no {field} in {line}");
            }
        }
        let said = |message: &str| {
            let mut lines = lines.iter();
            lines
                .find(|line| line["message"] == message)
                .unwrap_or_else(|| panic!("{signal}: no {message:?} in\n{log}"))
        };
        assert_eq!(said("serving")["monitor"], "customer-segmentation");
        assert_eq!(said("evaluated")["windows_judged"], 1);
        said("stopping");
        assert_eq!(lines.last().unwrap()["message"], "stopping", "{log}");
    }
}

#[test]
fn crd_prints_what_is_committed() {
    let answer = operator(&["crd"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.err, "");
    let committed: String = std::fs::read_dir(workspace().join("crds/generated"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(
        answer.out == committed,
        "`crd` prints something else than crds/generated holds: `make generate`, and build"
    );
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let crd = (harness::operator::command(), vec!["crd".to_owned()]);
    let example = example("customer-segmentation.yaml");
    let plan = ["plan", "-f", &example].map(str::to_owned);
    let plan = (harness::operator::command(), plan.to_vec());
    for (mut command, arguments) in [crd, plan] {
        let mut child = command
            .args(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}
