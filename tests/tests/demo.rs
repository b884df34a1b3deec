//! `make demo` as a script would run it: it ends by itself or on Ctrl-C, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness::http::free_port;
use harness::tools;

/// The demo on a free port, without a terminal.
fn demo(port: u16, arguments: &[&str]) -> Child {
    let script = folder().join("demo.py");
    Command::new(tools::python().unwrap())
        .arg(script)
        .args(["--port", &port.to_string()])
        .args(arguments)
        .env("FM_EXPORTER", tools::exporter().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo")
}

/// Processes whose command line names this port or a file of the demo on this port.
fn left_behind(port: u16) -> Vec<String> {
    let of_this_demo = [format!("demo-{port}/"), format!("127.0.0.1:{port}")];
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| of_this_demo.iter().any(|part| line.contains(part)))
        .collect()
}

#[test]
fn once_ends_with_a_summary() {
    let port = free_port();
    let output = demo(port, &["--weeks", "2", "--once"])
        .wait_with_output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    for part in [
        "week 19 (snapshot of 2017-05-14), 2,345 rows",
        "week 20 (snapshot of 2017-05-21)",
        "Judged 2 windows of 38 features: weeks 19 to 20",
        "critical, drift, weeks 19 to 20: campaigns_active",
        "moves by construction, so it does not alarm: tenure_days",
    ] {
        assert!(said.contains(part), "`{part}` is not in\n{said}\n{errors}");
    }
    assert_eq!(left_behind(port), Vec::<String>::new());
}

#[test]
fn ctrl_c_ends_everything() {
    let port = free_port();
    let mut demo = demo(port, &[]);
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let judged = lines.find(|line| line.as_ref().unwrap().starts_with("week 19"));
    if judged.is_none() {
        let mut errors = String::new();
        demo.stderr.unwrap().read_to_string(&mut errors).unwrap();
        panic!("no week was judged\n{errors}");
    }
    assert!(
        !left_behind(port).is_empty(),
        "the exporter is seen while it runs"
    );
    let sent = Command::new("kill")
        .args(["-INT", &demo.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert!(demo.wait().unwrap().success());
    assert_eq!(left_behind(port), Vec::<String>::new());
}

/// What the live table shows fits the terminal that most people have.
#[test]
fn a_terminal_of_80_columns_has_every_column_of_the_table() {
    let port = free_port();
    let output = Command::new(tools::python().unwrap())
        .arg(folder().join("terminal.py"))
        .args(["80", "24"])
        .arg(tools::python().unwrap())
        .arg(folder().join("demo.py"))
        .args(["--port", &port.to_string(), "--weeks", "1", "--once"])
        .env("FM_EXPORTER", tools::exporter().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    let words = |line: &str| -> Vec<String> {
        let words = line.split_whitespace();
        words.map(str::to_owned).collect()
    };
    let heads = [
        "feature",
        "rows",
        "missing",
        "drift",
        "warn/crit",
        "age",
        "state",
    ];
    let mut table = said.lines().skip_while(|line| words(line) != heads);
    assert!(table.next().is_some(), "no line {heads:?} in\n{said}");
    // Below the rule stands what is farthest from its normal, with a value in every column.
    let first = words(table.nth(1).unwrap());
    assert_eq!(first[0], "campaigns_active", "{said}");
    assert_eq!(first[1], "2.3k", "{said}");
    assert!(first[2].ends_with('%') && first[5].ends_with('d'), "{said}");
    assert!(
        first[3] > first[4],
        "drift stands beside its limits\n{said}"
    );
    // The worst of its checks, and how many more there are.
    assert_eq!(first[6..], ["✖", "drift", "+2"], "{said}");
    for line in said.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line:?}\n{said}");
    }
    assert_eq!(left_behind(port), Vec::<String>::new());
}

/// The demo is a reader of /metrics like any other: a family that is renamed must be renamed there too.
#[test]
fn reads_families_that_exist() {
    let reference =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md"))
            .unwrap();
    let known = names(&reference);
    let read: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .flat_map(|path| names(&std::fs::read_to_string(path).unwrap()))
        .collect();
    assert!(read.len() > 10, "the demo reads families by name: {read:?}");
    let unknown: Vec<_> = read.difference(&known).collect();
    assert!(unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
}

fn names(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("featuremonitor_"))
        .map(str::to_owned)
        .collect()
}
