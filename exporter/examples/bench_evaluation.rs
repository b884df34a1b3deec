//! Times one full evaluation against draining the same stream with the same client, in one process and
//! in turns, since machines are noisy. `make bench` calls it.
//!
//! ```text
//! bench_evaluation --uri URI --command COMMAND --runs N [--only drain|evaluate] [--off CHECK]...
//! ```
//!
//! Prints JSON: rows of one pull, the least seconds of each kind of run, the least processor time of an evaluation, and the
//! process' peak memory. Fails where a check that is on has no verdict.

use std::sync::Arc;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use crds::manifest;
use exporter::monitor::Monitor;
use exporter::snapshot::Snapshot;
use exporter::source::{FlightSource, SecretsDir};
use exporter::store::Store;
use jiff::Timestamp;
use stats::{Check, FeatureReport};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Windows of the baseline: so many that every check judges and every limit has all its parts.
const WINDOWS: u32 = 4;

#[derive(Parser)]
struct Arguments {
    /// The Flight server.
    #[arg(long)]
    uri: String,
    /// The command of the descriptor.
    #[arg(long)]
    command: String,
    /// How many runs of each kind.
    #[arg(long)]
    runs: usize,
    /// Only one kind of run, so that its memory can be told.
    #[arg(long)]
    only: Option<Only>,
    /// Checks that are switched off, or `rules`, so that their part of the time can be told.
    #[arg(long)]
    off: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    Drain,
    Evaluate,
}

/// The checks that have no verdict here whatever is on: level needs a seasonal baseline, shift one of at least 100 windows.
const NEVER: [Check; 2] = [Check::Level, Check::Shift];

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let off = arguments.off.iter().filter(|check| *check != "rules");
    let off: serde_json::Map<_, _> = off
        .map(|check| (check.clone(), serde_json::json!({ "enabled": false })))
        .collect();
    let rules = match arguments.off.iter().any(|check| check == "rules") {
        true => serde_json::json!([]),
        false => serde_json::json!([
            { "name": "shares", "expr": "number_04 between 0 and 1", "over": "Rows", "severity": "Critical" },
            { "name": "together", "expr": "number_00 < 200 or category_00 is not null", "over": "Rows", "severity": "Warning" },
            { "name": "volume", "expr": "count(*) > 0.5 * previous(count(*))", "over": "Window", "severity": "Warning" },
        ]),
    };
    // The manifest of a monitor without windows: every evaluation judges one whole pull.
    let document = serde_json::json!({
        "apiVersion": "featuremonitor.io/v1alpha1",
        "kind": "FeatureMonitor",
        "metadata": { "name": "bench" },
        "spec": {
            "owner": { "team": "bench" },
            "source": { "flight": { "uri": arguments.uri, "query": { "command": arguments.command }, "timeout": "600s" } },
            "data": {
                "entityKeys": ["key"],
                "eventTime": "event_time",
                "target": { "column": "target", "kind": "Class" },
                "segments": [{ "column": "category_00" }],
            },
            "schedule": { "every": "1h" },
            "baseline": { "rolling": { "windows": WINDOWS } },
            "checks": off,
            "rules": rules,
        },
    });
    let loaded = manifest::load(&document.to_string())?;
    let config = Arc::new(loaded.monitor);
    let secrets = SecretsDir::new("/nonexistent");
    let source = FlightSource::new(config.source.clone(), secrets)?;
    let evaluated = FlightSource::new(config.source.clone(), SecretsDir::new("/nonexistent"))?;
    let mut monitor = Monitor::new(config, loaded.hash, evaluated, Store::in_memory());
    let drains = arguments.only != Some(Only::Evaluate);
    let evaluates = arguments.only != Some(Only::Drain);
    if evaluates {
        // Fills the baseline, so that every run below judges a window against it.
        for _ in 0..WINDOWS {
            monitor.evaluate(&Timestamp::now).await;
        }
    }
    let (mut rows, mut drain_seconds, mut evaluate_seconds) = (0, f64::INFINITY, f64::INFINITY);
    let mut processor_seconds = f64::INFINITY;
    for _ in 0..arguments.runs {
        if drains {
            let started = Instant::now();
            rows = drain(&source).await?;
            drain_seconds = drain_seconds.min(started.elapsed().as_secs_f64());
        }
        if evaluates {
            let (started, used) = (Instant::now(), processor_time()?);
            let tally = monitor.evaluate(&Timestamp::now).await;
            let seconds = started.elapsed().as_secs_f64();
            processor_seconds = processor_seconds.min(processor_time()? - used);
            evaluate_seconds = evaluate_seconds.min(seconds);
            let snapshot = monitor.snapshot();
            let silent = silent(&snapshot, &arguments.off);
            if let Some(failure) = snapshot.evaluation.and_then(|e| e.failure) {
                return Err(failure.message.into());
            }
            if tally.windows_judged != 1 {
                return Err("the evaluation judged nothing".into());
            }
            if !silent.is_empty() {
                return Err(format!("no verdict of {}", silent.join(", ")).into());
            }
            rows = tally.rows;
        }
    }
    let seconds = |least: f64| least.is_finite().then_some(least);
    println!(
        "{}",
        serde_json::json!({
            "rows": rows,
            "drain_seconds": seconds(drain_seconds),
            "evaluate_seconds": seconds(evaluate_seconds),
            "evaluate_processor_seconds": seconds(processor_seconds),
            "peak_rss_bytes": peak_rss_bytes()?,
        })
    );
    Ok(())
}

/// The checks that are on and judged nothing: they would cost nothing, and say nothing of what they cost.
fn silent(snapshot: &Snapshot, off: &[String]) -> Vec<&'static str> {
    let features = snapshot.features.iter();
    let reports = features.filter_map(|feature| feature.report.as_ref());
    let reports: Vec<&FeatureReport> = reports.chain(&snapshot.whole.report).collect();
    // The manifest writes them in camel case.
    let is_off = |check: Check| {
        let name = check.name().replace('_', "");
        off.iter().any(|off| off.eq_ignore_ascii_case(&name))
    };
    let judged = |check: Check| {
        let mut verdicts = reports.iter().flat_map(|report| report.verdicts.iter());
        verdicts.any(|(own, verdict)| own == check && verdict.is_ok())
    };
    let on = Check::ALL
        .into_iter()
        .filter(|check| !NEVER.contains(check) && !is_off(*check));
    on.filter(|check| !judged(*check))
        .map(Check::name)
        .collect()
}

async fn drain(source: &FlightSource) -> Result<u64, Failure> {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(2);
    let (report, ()) = tokio::join!(source.pull(None, sender), async {
        while let Some(message) = receiver.recv().await {
            std::hint::black_box(message);
        }
    });
    Ok(report?.rows)
}

/// Seconds that processors spent on all threads of this process, to a hundredth.
fn processor_time() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name, which may hold anything, ends with the last bracket.
    let (_, fields) = stat
        .rsplit_once(") ")
        .ok_or("/proc/self/stat has no name")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
    // The kernel counts these in hundredths whatever its own clock is.
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}

/// The most memory this process has had, from the kernel's account of it.
fn peak_rss_bytes() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or("the kernel does not say VmHWM")?;
    Ok(kibibytes.parse::<u64>()? * 1024)
}
