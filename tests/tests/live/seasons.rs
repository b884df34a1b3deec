//! A chain over a seasonal baseline: two airports, hour by hour. What is unusual for its hour is told by
//! one alert, and what stays though no hour of it is unusual by another; of either nobody is told more.
//!
//! All hours are over when the test begins, and are judged by and by. It is August, when there is no trend: by themselves they
//! alarm about nothing.

use std::io::Write as _;

use harness::chain::{Case, Chain, Line, Watched, World};
use harness::exporter::Exporter;
use harness::sink::Sink;
use harness::temperatures::{Length, Temperatures};
use serde_json::{Value, json};

const AIRPORTS: Watched = Watched {
    monitor: "hourly-temperatures",
    team: "weather-ml",
};
/// 00:00 on 10 August.
const FIRST: u64 = 5304;
/// Hours that are judged before anything goes wrong.
const QUIET: u64 = 6;
/// As many as an evaluation judges: of more it would be told that they wait.
const AT_A_TIME: u64 = 4;

/// What is added to the series, for so many hours, and how many hours pass after it.
struct Fault {
    shift: Value,
    hours: u64,
    after: u64,
}

fn cases() -> [Case<Fault>; 2] {
    [
        // Of all hours of a day these are the steadiest: half a degree is much.
        Case::new(
            "an hour of the night is warmer",
            Fault {
                shift: json!({"san_francisco": 0.6}),
                hours: 1,
                after: 8,
            },
            &[("FeatureLevel", "critical", "san_francisco", None)],
            &[],
        ),
        // From 15:00 on, when days differ by nearly as much. That it ends is a shift too, of the same size: by then both limits of the
        // other side are passed, so that warning and critical end together, once the charts have been back at 0 for a day.
        Case::new(
            "all hours are warmer",
            Fault {
                shift: json!({"seattle": 2.75}),
                hours: 6,
                after: 64,
            },
            &[("FeatureShift", "critical", "seattle", None)],
            &[],
        ),
    ]
}

struct Airports {
    temperatures: Temperatures,
    exporter: Exporter,
    passed: u64,
}

impl Airports {
    fn open(sink: &Sink) -> Self {
        let hours = |case: &Case<Fault>| case.fault.hours + case.fault.after;
        let ahead = QUIET + cases().iter().map(hours).sum::<u64>();
        let temperatures = Temperatures::replay(Length::Hour, FIRST, ahead);
        temperatures.append(&AIRPORTS.notifications(sink));
        let mut exporter = Exporter::run(&temperatures.manifest(), temperatures.home(), &[]);
        exporter.wait_for_metric("featuremonitor_baseline_present", |there| there == 1.0);
        let mut airports = Self {
            temperatures,
            exporter,
            passed: 0,
        };
        airports.pass(QUIET);
        airports
    }

    /// Lets so many hours more be complete, and waits until they are judged.
    fn pass(&mut self, hours: u64) {
        let last = self.passed + hours;
        while self.passed < last {
            let next = AT_A_TIME.min(last - self.passed);
            self.temperatures.pass(next);
            self.passed += next;
            let passed = self.passed as f64;
            self.exporter
                .wait_for_metric("featuremonitor_windows_judged_total", |n| n >= passed);
        }
    }
}

impl World for Airports {
    type Fault = Fault;

    fn begin(&mut self, fault: &Fault) {
        self.temperatures.faults(&json!({"shift": fault.shift}));
        self.pass(fault.hours);
    }

    fn end(&mut self, fault: &Fault, _: &Chain) {
        self.temperatures.faults(&json!({}));
        self.pass(fault.after);
    }

    fn log(&self) -> String {
        self.exporter.log()
    }
}

#[test]
fn what_is_unusual_for_its_hour_and_what_stays_are_told_apart() {
    let sink = Sink::start();
    let mut airports = Airports::open(&sink);
    let chain = Chain::start(sink, &[airports.temperatures.manifest()]);
    chain.scrape(AIRPORTS, airports.exporter.port());
    chain.is_quiet(AIRPORTS, &airports);
    let mut lines = vec![Line::head()];
    for case in cases() {
        lines.push(chain.tells(AIRPORTS, &mut airports, &case).to_string());
    }
    // Past the test runner, which shows the output of tests that fail only.
    let _ = write!(std::io::stderr(), "\n{}\n\n", lines.join("\n"));
}
