//! Two real series with a season of the day and one of the year: the temperatures of San Francisco and Seattle of 2010, judged hour by
//! hour as a monitor would have, and held against what numpy finds by the definitions.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, LazyLock};

use crds::manifest::Loaded;
use crds::valid;
use exporter::calibrate::calibration::{Proposal, calibration};
use exporter::monitor::Monitor;
use exporter::monitor::replay::Which;
use exporter::snapshot::{BaselineState, Snapshot};
use exporter::source::{FlightSource, SecretsDir};
use exporter::store::Store;
use harness::customers::{python, workspace};
use harness::server::Server;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use stats::{BySeverity, Check, NotComputed, Severity, Statistic, Verdict};

const FEATURES: [&str; 2] = ["san_francisco", "seattle"];
const CYCLES: i64 = 28;
/// The replay ends with 20 March: the hour that is missing is in it, and the shift of both series. The reference has the whole year.
const HOURS: i64 = (31 + 28 + 20) * 24;
/// Two exact computations of one number differ by rounding, and sums of thousands of windows by more of it.
const EXACT: f64 = 1e-7;
/// A limit of a chart is solved from an integral over what the baseline's errors may be, by two rules.
const SOLVED: f64 = 0.01;

fn hour(number: i64) -> Timestamp {
    let start: Timestamp = "2010-01-01T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_hours(number)
}

/// What numpy has of the whole year.
fn expected() -> &'static Value {
    static EXPECTED: LazyLock<Value> = LazyLock::new(|| {
        let text = python("data/temperatures.py", &[&CYCLES.to_string()]);
        serde_json::from_str(&text).unwrap()
    });
    &EXPECTED
}

/// A monitor of a server, with the example's manifest.
fn monitor(server: &Server) -> Monitor {
    let loaded = manifest(server, &[]);
    open(Arc::new(loaded.monitor), loaded.hash)
}

/// A monitor that remembers nothing yet.
fn open(config: Arc<valid::Monitor>, hash: String) -> Monitor {
    let source = FlightSource::new(config.source.clone(), SecretsDir::new("/nonexistent"));
    Monitor::new(config, hash, source.unwrap(), Store::in_memory())
}

/// The example's manifest for a server, with texts replaced by others.
fn manifest(server: &Server, edits: &[(&str, &str)]) -> Loaded {
    let example = workspace().join("crds/examples/hourly-temperatures.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    let text = text.replace("localhost:8815", &format!("127.0.0.1:{}", server.port()));
    let text = edits.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    crds::manifest::load(&text).unwrap()
}

/// Judges the hour of this number, once it is over, and gives what is known then.
async fn judge(monitor: &mut Monitor, number: i64) -> Snapshot {
    let now = hour(number + 1);
    let tally = monitor.evaluate(&|| now).await;
    let snapshot = monitor.snapshot();
    let evaluation = snapshot.evaluation.as_ref().unwrap();
    assert_eq!(evaluation.failure, None, "{now}");
    assert!(tally.windows_judged <= 1, "{now}: {tally:?}");
    snapshot
}

/// The first evaluation makes the baseline of the days before.
async fn begin(monitor: &mut Monitor, number: i64) {
    let now = hour(number);
    monitor.evaluate(&|| now).await;
    let snapshot = monitor.snapshot();
    let evaluation = snapshot.evaluation.as_ref().unwrap();
    assert_eq!(evaluation.failure, None, "{now}");
}

fn verdicts<'a>(snapshot: &'a Snapshot, name: &str) -> [&'a Result<Verdict, NotComputed>; 2] {
    let feature = snapshot.features.iter().find(|f| f.name == name).unwrap();
    let verdicts = &feature.report.as_ref().unwrap().verdicts;
    [&verdicts.level, &verdicts.shift]
}

#[track_caller]
fn near(found: f64, expected: &Value, what: &str) {
    within(EXACT, found, expected, what);
}

#[track_caller]
fn within(error: f64, found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= error * (1.0 + expected.abs()),
        "{what}: {found} where numpy has {expected}"
    );
}

/// The daily season does not alarm, spring is a slow shift, and the hour that was not there is told.
#[tokio::test]
async fn hours_are_judged_as_numpy_judges_them() {
    let expected = expected();
    let server = Server::python("temperatures.py", &[]);
    let mut monitor = monitor(&server);
    let first = CYCLES * 24;
    begin(&mut monitor, first).await;
    let mut alarms = [[BySeverity::<u32>::default(); 2]; 2];
    let mut shifted: [Option<i64>; 2] = [None; 2];
    let mut statistics: [Option<Statistic>; 2] = [None; 2];
    // Alarms of the shift that begin, and whether it was critical in the last hour with a verdict.
    let mut begun = [(0, false); 2];
    let mut missing = Vec::new();
    for number in first..HOURS {
        let snapshot = judge(&mut monitor, number).await;
        assert_eq!(snapshot.judged.unwrap().span.start, hour(number));
        if number == first {
            let BaselineState::Ready(info) = &snapshot.baseline else {
                panic!("{:?}", snapshot.baseline)
            };
            let phase = info.phase.as_ref().unwrap();
            assert_eq!((info.kind, info.windows), ("Seasonal", 28 * 24));
            assert_eq!((phase.name.as_str(), phase.windows), ("00:00", 28));
            // Level and shift of two features.
            assert_eq!(snapshot.budget.unwrap().tests, 4);
        }
        for (place, name) in FEATURES.iter().enumerate() {
            let of = |check: &str| &expected["features"][name][check][(number - first) as usize];
            let what = format!("{name} at {}", hour(number));
            let [level, shift] = verdicts(&snapshot, name);
            let (Ok(level), Ok(shift)) = (level, shift) else {
                // "No data" is not "no drift": the check says why, and neither alarms nor ends an alarm.
                let none = Err(NotComputed::TooFewRows { have: 0, need: 1 });
                assert_eq!((level, shift), (&none, &none), "{what}");
                assert!(of("level").is_null() && of("shift").is_null(), "{what}");
                missing.push(hour(number).to_string());
                continue;
            };
            near(level.value, &of("level")[0], &what);
            near(level.limits.warning.value, &of("level")[1], &what);
            near(level.limits.critical.value, &of("level")[2], &what);
            let feature = snapshot.features.iter().find(|f| f.name == *name).unwrap();
            let charts = feature.charts.unwrap();
            near(charts.ewma, &of("shift")[0], &what);
            near(charts.innovation, &of("shift")[1], &what);
            // Once a side of the CUSUM is held, it goes on from a limit.
            if shifted[place].is_none() {
                for (place, side) in [charts.upper, charts.lower].into_iter().enumerate() {
                    near(side, &of("shift")[2 + place], &what);
                }
            }
            let limits = &expected["features"][name]["limits"];
            let chart = usize::from(shift.statistic == Statistic::Cusum);
            for (severity, limit) in shift.limits.iter() {
                let severity = match severity {
                    Severity::Warning => "warning",
                    Severity::Critical => "critical",
                };
                within(SOLVED, limit.value, &limits[severity][chart], &what);
            }
            for (check, verdict) in [level, shift].into_iter().enumerate() {
                let count = &mut alarms[place][check];
                *count = count
                    .zip(verdict.over)
                    .map(|(sum, over)| sum + u32::from(over));
            }
            let (count, was) = &mut begun[place];
            *count += u32::from(shift.over.critical && !*was);
            *was = shift.over.critical;
            if shift.over.critical && shifted[place].is_none() {
                shifted[place] = Some(number);
                statistics[place] = Some(shift.statistic);
                println!("{name} has shifted at {}: {shift:?}", hour(number));
            }
        }
    }
    // Both series lack the one hour.
    missing.dedup();
    assert_eq!(missing, ["2010-03-14T03:00:00Z"]);
    println!(
        "hours over the limit (level, shift), of {}: {alarms:?}",
        HOURS - first
    );
    // As the pages say.
    assert_eq!(statistics, [Some(Statistic::Ewma), Some(Statistic::Cusum)]);
    // Spring makes the days differ more from the nights than they did, and is no shift of every day anew.
    assert_eq!(begun, [(1, true); 2]);
    for (place, name) in FEATURES.iter().enumerate() {
        let [level, shift] = alarms[place];
        let hours = f64::from((HOURS - first) as i32);
        // An hour of the day has ten and more deviations between night and noon, and hardly one in a hundred hours is beyond.
        assert!(f64::from(level.warning) < 0.01 * hours, "{name}: {level:?}");
        // Spring begins in February. No hour of it is unusual, and the charts find it within six weeks.
        let found = shifted[place].unwrap();
        assert!(found < first + 42 * 24, "{name}: {}", hour(found));
        let page = format!("docs/temperatures-{}.md", name.replace('_', "-"));
        let page = std::fs::read_to_string(workspace().join(page)).unwrap();
        let told = hour(found).strftime("for the first time on %-d %B at %H:%M");
        assert!(page.contains(&told.to_string()), "{name}: {told}");
        assert!(shift.warning >= shift.critical, "{name}: {shift:?}");
    }
}

/// Limits that are passed in most hours, and those that the hours' own spread asks for in their place.
#[tokio::test]
async fn limits_that_hours_ask_for_are_numpys() {
    let server = Server::python("temperatures.py", &[]);
    let low = [
        ("level: {}", "level: {warning: 0.2}"),
        ("shift: {}", "shift: {warning: 0.2}"),
    ];
    let loaded = manifest(&server, &low);
    let config = Arc::new(loaded.monitor);
    let mut monitor = open(Arc::clone(&config), loaded.hash);
    let (first, hours) = (CYCLES * 24, 480);
    let which = Which::Between(hour(first), hour(first + hours));
    let replay = monitor.replay(which, hour(first + hours + 1)).await;
    let found = calibration(&config, &replay.unwrap());
    for name in FEATURES {
        for (check, statistic) in [
            (Check::Level, Statistic::LevelDeviation),
            (Check::Shift, Statistic::Ewma),
        ] {
            let mut tests = found.tests.iter();
            let test = tests.find(|test| test.feature == name && test.check == check);
            let test = test.unwrap();
            let what = format!("{} of {name}", check.name());
            assert_eq!(
                (test.statistic, test.values.windows),
                (statistic, 480),
                "{what}"
            );
            let at = &test.at.warning;
            assert_eq!(at.limit.unwrap().value, 0.2, "{what}");
            let Proposal::Limit { value, count } = at.finding.as_ref().unwrap().proposal else {
                panic!("{what}: {test:?}")
            };
            let asked = expected()["features"][name]["asked"][check.name()]["warning"].as_f64();
            let asked = asked.unwrap();
            // With two digits, and not below.
            assert!(
                asked <= value && value < 1.1 * asked,
                "{what}: {value} {asked}"
            );
            assert!(
                value > 2.0 && count.alarms <= at.count.alarms,
                "{what}: {test:?}"
            );
        }
    }
}

/// A period of a page: days from the first to the last, and hours of them.
struct Hours {
    days: (&'static str, &'static str),
    hours: &'static [i64],
    said: &'static str,
}

/// The number of a day of 2010.
fn day(date: &str) -> i64 {
    let date: jiff::civil::Date = date.parse().unwrap();
    i64::from(date.day_of_year()) - 1
}

/// What the pages say of the whole year, against the reference: how many hours are over a limit, which of them are critical, and the
/// temperatures that explain them.
#[test]
fn the_pages_say_what_numpy_has_of_the_year() {
    let expected = expected();
    let critical: [&[Hours]; 2] = [
        &[
            Hours {
                days: ("2010-08-30", "2010-08-31"),
                hours: &[8, 12, 20],
                said: "30 and 31 August at 08:00, 12:00 and 20:00",
            },
            Hours {
                days: ("2010-10-13", "2010-10-17"),
                hours: &[21, 22, 23, 0],
                said: "13 to 17 October from 21:00 to 00:00",
            },
        ],
        &[
            Hours {
                days: ("2010-04-08", "2010-04-15"),
                hours: &[0, 1, 2, 3, 4, 5, 6],
                said: "8 to 15 April from 00:00 to 06:00",
            },
            Hours {
                days: ("2010-06-25", "2010-06-26"),
                hours: &[12],
                said: "25 and 26 June at 12:00",
            },
            Hours {
                days: ("2010-08-21", "2010-08-26"),
                hours: &[0],
                said: "21 and 26 August at 00:00",
            },
        ],
    ];
    // At an hour from one day to another all temperatures lie within two, and on a later day there is a third.
    type Still = (i64, &'static str, &'static str, f64, f64, &'static str, f64);
    let still: [&[Still]; 2] = [
        &[(
            22,
            "2010-09-19",
            "2010-10-03",
            59.2,
            59.4,
            "2010-10-17",
            57.8,
        )],
        &[
            (
                3,
                "2010-03-11",
                "2010-04-02",
                42.3,
                42.8,
                "2010-04-09",
                43.9,
            ),
            (
                12,
                "2010-05-28",
                "2010-06-12",
                62.3,
                62.9,
                "2010-06-26",
                66.6,
            ),
        ],
    ];
    for (place, name) in FEATURES.iter().enumerate() {
        let page = format!("docs/temperatures-{}.md", name.replace('_', "-"));
        let page = std::fs::read_to_string(workspace().join(page)).unwrap();
        // As one text, since sentences go over several lines.
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let says = |text: &str| assert!(page.contains(text), "{name}: {text}");
        let feature = &expected["features"][name];
        let level = feature["level"].as_array().unwrap();
        let judged = level.iter().filter(|hour| !hour.is_null()).count();
        assert_eq!((judged, level.len()), (8_087, 8_088));
        says("| judged by `level` | 8,087 | all but one |");
        let over = |limit: usize| -> Vec<i64> {
            let hours = level.iter().enumerate().filter(|(_, hour)| {
                !hour.is_null() && hour[0].as_f64().unwrap() >= hour[limit].as_f64().unwrap()
            });
            hours.map(|(at, _)| CYCLES * 24 + at as i64).collect()
        };
        let (warned, alarmed) = (over(1), over(2));
        says(&format!("| over the warning limit | {} |", warned.len()));
        let groups = critical[place];
        let said: Vec<&str> = groups.iter().map(|group| group.said).collect();
        let (count, said) = (alarmed.len(), said.join("; "));
        says(&format!("| over the critical limit | {count} | {said} |"));
        let within = |group: &Hours, hour: i64| {
            let days = day(group.days.0)..=day(group.days.1);
            days.contains(&(hour / 24)) && group.hours.contains(&(hour % 24))
        };
        for hour in &alarmed {
            let held = groups.iter().any(|group| within(group, *hour));
            assert!(held, "{name}: {}", self::hour(*hour));
        }
        for group in groups {
            for end in [group.days.0, group.days.1] {
                let mut hours = alarmed.iter().filter(|hour| within(group, **hour));
                assert!(hours.any(|hour| hour / 24 == day(end)), "{name}: {end}");
            }
        }
        let told: Vec<bool> = feature["shift"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|hour| hour[5].as_bool())
            .collect();
        let hours = told.iter().filter(|told| **told).count();
        let begun = told.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        assert!(!told[0]);
        let hours = format!("{},{:03}", hours / 1000, hours % 1000);
        says(&format!(
            "| shifted, by `shift` at critical | {hours} | for the first time"
        ));
        says(&format!("; alarms in the year: {begun} |"));
        let last = feature["shift"]
            .as_array()
            .unwrap()
            .iter()
            .rposition(|hour| hour[5] == true);
        let ends = self::hour(CYCLES * 24 + last.unwrap() as i64 + 1);
        says(&ends.strftime("until %-d %B at %H:%M").to_string());
        let value = |day: i64, hour: i64| feature["values"][(day * 24 + hour) as usize].as_f64();
        for (hour, from, to, low, high, later, reached) in still[place] {
            let values = (day(from)..=day(to)).filter_map(|day| value(day, *hour));
            let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
                (a.min(v), b.max(v))
            });
            assert_eq!((least, most), (*low, *high), "{name}: {from}");
            assert_eq!(value(day(later), *hour), Some(*reached), "{name}: {later}");
            says(&format!("between {low} and {high} °F"));
            says(&format!("{reached} °F"));
        }
    }
}

/// On one day the clock of the source is twelve hours off. Each temperature is an ordinary one of that month, and none is at its hour.
#[tokio::test]
async fn a_clock_that_is_off_is_found_by_the_hour() {
    // 16 August, in weeks without a trend.
    let turned: i64 = (31 + 28 + 31 + 30 + 31 + 30 + 31 + 15) * 24;
    let server = Server::python("temperatures.py", &["--turned", "2010-08-16"]);
    let mut monitor = monitor(&server);
    begin(&mut monitor, turned - 24).await;
    let (mut before, mut on_the_day) = ([0u32; 2], [0u32; 2]);
    let mut range = [(f64::INFINITY, f64::NEG_INFINITY); 2];
    for number in turned - 24..turned + 24 {
        let snapshot = judge(&mut monitor, number).await;
        for (place, name) in FEATURES.iter().enumerate() {
            let level = verdicts(&snapshot, name)[0].as_ref().unwrap();
            let feature = snapshot.features.iter().find(|f| f.name == *name).unwrap();
            let mean = feature.summary.as_ref().unwrap().moments.unwrap().mean;
            let (low, high) = &mut range[place];
            if number < turned {
                (*low, *high) = (low.min(mean), high.max(mean));
                before[place] += u32::from(level.over.warning);
            } else {
                // Within what the day before had, but for a degree of warming.
                assert!(mean > *low - 1.0 && mean < *high + 1.0, "{name} {mean}");
                on_the_day[place] += u32::from(level.over.critical);
            }
        }
    }
    println!("hours over the limit before and on the day: {before:?}, {on_the_day:?}");
    assert!(before.iter().all(|hours| *hours <= 2), "{before:?}");
    for (hours, name) in on_the_day.iter().zip(FEATURES) {
        let page = format!("docs/temperatures-{}.md", name.replace('_', "-"));
        let page = std::fs::read_to_string(workspace().join(page)).unwrap();
        let told = format!("{hours} of 24 hours");
        assert!(*hours >= 20 && page.contains(&told), "{name}: {told}");
    }
}
