//! Rules: what is refused and where, what is unknown, and what one window says to the next. Reference values from a database
//! are in `tests/tests/business_rules.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32RunArray, Int64Array, RecordBatch,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};
use crds::manifest;
use crds::valid::{Monitor, Over};
use exporter::rules::{
    self, Before, Expression, Fault, Judgement, Measure, Measuring, Outcome, Position, Rule,
    RuleError, Unjudged,
};
use exporter::window::Span;
use jiff::Timestamp;

const ROWS: Over = Over::Rows;
const WINDOW: Over = Over::Window;

fn schema() -> Schema {
    let run = Field::new("run_ends", DataType::Int32, false);
    let values = Field::new("values", DataType::Float64, true);
    Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("spend", DataType::Float64, true),
        Field::new("age", DataType::Int64, true),
        Field::new(
            "segment",
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            true,
        ),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        Field::new("odd name (€)", DataType::Int64, true),
        Field::new(
            "encoded",
            DataType::RunEndEncoded(Arc::new(run), Arc::new(values)),
            true,
        ),
    ])
}

/// Rows, of which the batch has these columns: spend, age and segment.
type Row<'a> = (Option<f64>, Option<i64>, Option<&'a str>);

fn batch(first_id: i64, rows: &[Row<'_>]) -> RecordBatch {
    let count = rows.len() as i64;
    let segments: DictionaryArray<Int32Type> = rows.iter().map(|row| row.2).collect();
    let ages = || rows.iter().map(|row| row.1);
    let ends: Vec<i32> = (1..=rows.len() as i32).collect();
    let spends: Float64Array = rows.iter().map(|row| row.0).collect();
    let encoded = Int32RunArray::try_new(&ends.into(), &spends).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(first_id..first_id + count)),
        Arc::new(spends.clone()),
        Arc::new(ages().collect::<Int64Array>()),
        Arc::new(segments),
        Arc::new(
            ages()
                .map(|age| age.map(|age| age * 86_400_000_000))
                .collect::<TimestampMicrosecondArray>(),
        ),
        Arc::new(ages().collect::<Int64Array>()),
        Arc::new(encoded),
    ];
    RecordBatch::try_new(Arc::new(schema()), columns).unwrap()
}

fn rule(text: &str, over: Over) -> Rule {
    Rule {
        name: "rule".to_owned(),
        text: text.to_owned(),
        expression: Expression::parse(text, over),
        tolerance: 0.0,
        keys: 0,
        sensitive: false,
    }
}

/// What is wrong with an expression over these columns.
fn refused(text: &str, over: Over) -> RuleError {
    let planned = Expression::parse(text, over).and_then(|e| rules::plan(&e, &schema()));
    match planned {
        Err(error) => error,
        Ok(_) => panic!("{text} is accepted"),
    }
}

#[track_caller]
fn check_refused(text: &str, over: Over, fault: Fault, column: Option<u64>, says: &str) {
    let error = refused(text, over);
    assert_eq!(error.fault, fault, "{text}: {error}");
    let position = column.map(|column| Position { line: 1, column });
    assert_eq!(error.position, position, "{text}: {error}");
    let message = error.to_string();
    let said = message.to_lowercase();
    assert!(said.contains(&says.to_lowercase()), "{text}: {message}");
    assert!(
        !error.write.is_empty() && !message.contains('\n'),
        "{message}"
    );
}

#[test]
fn what_is_no_expression_is_refused_with_its_place() {
    let check = |text, column, says| check_refused(text, ROWS, Fault::Syntax, column, says);
    check("spend >", Some(8), "found: EOF");
    check("spend >= 0 and  ", Some(15), "found: EOF");
    check("spend between 1", Some(16), "found: EOF");
    check("\"odd name (€)\" >", Some(17), "found: EOF");
    check("spend >= ) 1", Some(10), "found: )");
    check(
        "spend >= 0 age",
        Some(12),
        "the expression has ended, and age follows",
    );
    check("spend >= 'a", Some(10), "Unterminated string");
    check("spend >= $1", Some(10), "placeholder");
    check("spend > (select 1)", Some(10), "a query inside");
    check("exists (select 1)", Some(9), "a query inside");
    check("rank() over (order by spend) > 1", Some(1), "OVER");
    let deep = format!("{}spend > 0{}", "(".repeat(400), ")".repeat(400));
    check(&deep, None, "nested too deeply");
    let error = refused("spend\n  >= oops(1)", ROWS);
    let place = Position { line: 2, column: 6 };
    assert_eq!(error.position, Some(place));
    assert!(error.to_string().starts_with("at line 2, character 6: "));
    let error = refused("spend\n  >=\n", ROWS);
    let end = Position { line: 2, column: 5 };
    assert_eq!(error.position, Some(end));
    assert!(error.to_string().starts_with("at line 2, character 5: "));
}

#[test]
fn functions_are_known_and_always_answer_alike() {
    let check = |text, column, says| check_refused(text, ROWS, Fault::Function, column, says);
    check(
        "spend > 0 and isnann(spend)",
        Some(15),
        "write isnan, if that is meant",
    );
    check(
        "frobnicate(spend)",
        Some(1),
        "there is no function frobnicate",
    );
    check("at < now()", Some(6), "gives another answer every time");
    check(
        "spend < random()",
        Some(9),
        "gives another answer every time",
    );
    check(
        "at < current_timestamp",
        Some(6),
        "gives another answer every time",
    );
}

#[test]
fn aggregates_stand_where_they_can_be_computed() {
    let check = |text, over, column, says| {
        check_refused(text, over, Fault::Aggregate, column, says);
    };
    check("spend > avg(spend)", ROWS, Some(9), "the rule is over Rows");
    check(
        "spend > previous(spend)",
        ROWS,
        Some(9),
        "the rule is over Rows",
    );
    check("1 < 2", WINDOW, None, "has no aggregate");
    check(
        "count(*) > age",
        WINDOW,
        Some(12),
        "outside of an aggregate",
    );
    check("sum(avg(spend)) > 1", WINDOW, Some(5), "inside of another");
    check("median(spend) > 1", WINDOW, Some(1), "bounded memory");
    check("count(distinct id) > 1", WINDOW, Some(1), "approx_distinct");
    check("first_value(spend) > 1", WINDOW, Some(1), "order of rows");
    check(
        "count(*) > previous(5)",
        WINDOW,
        Some(12),
        "without an aggregate",
    );
    check(
        "avg(previous(count(*))) > 5",
        WINDOW,
        Some(5),
        "only one window before",
    );
    check(
        "previous(previous(count(*))) > 5",
        WINDOW,
        Some(10),
        "only one window before",
    );
}

#[test]
fn columns_and_types_are_those_of_the_source() {
    let (column, kind) = (Fault::Column, Fault::Type);
    check_refused(
        "age > 0 and spent >= 0",
        ROWS,
        column,
        Some(13),
        "write spend, if that is meant",
    );
    check_refused(
        "Age > 0",
        ROWS,
        column,
        Some(1),
        "write age, if that is meant",
    );
    check_refused(
        "sum(nothing_like_it) > 0",
        WINDOW,
        column,
        Some(5),
        "no column nothing_like_it",
    );
    check_refused("t.age > 0", ROWS, column, Some(1), "in double quotes");
    check_refused("age > 0 and abs(segment) > 1", ROWS, kind, Some(13), "abs");
    check_refused("age > 0 and at + 5 > at", ROWS, kind, Some(13), "Timestamp");
    check_refused("spend + 1", ROWS, kind, Some(1), "has the type Float64");
    check_refused("sum(spend)", WINDOW, kind, Some(1), "has the type Float64");
    check_refused(
        "count(*) > 0 and sum(segment) > 0",
        WINDOW,
        kind,
        Some(18),
        "sum",
    );
}

fn measures(rules: &[Rule], batches: &[RecordBatch]) -> Vec<Measure> {
    let keys = ["id".to_owned()];
    let mut measuring = Measuring::new(rules, |_| true, &schema(), &keys, 1);
    for batch in batches {
        measuring.update(0, batch).unwrap();
    }
    let found = measuring.finish().into_iter();
    found.map(|(_, mut slots)| slots.remove(0)).collect()
}

/// Holds, violations and unknown rows.
fn counted(text: &str, rows: &[Row<'_>]) -> (u64, u64, u64) {
    match &measures(&[rule(text, ROWS)], &[batch(1, rows)])[0] {
        Measure::Rows(counts) => (counts.holds, counts.violations, counts.unknown),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn null_is_neither_a_violation_nor_a_proof() {
    let rows = [
        (Some(1.0), Some(20), Some("new")),
        (Some(-1.0), None, Some("loyal")),
        (None, Some(200), None),
        (Some(f64::NAN), Some(30), Some("new")),
    ];
    assert_eq!(counted("spend >= 0", &rows), (2, 1, 1));
    assert_eq!(counted("spend >= 0 and not isnan(spend)", &rows), (1, 2, 1));
    assert_eq!(counted("spend is not null", &rows), (3, 1, 0));
    // False and null is false; true or null is true.
    assert_eq!(counted("spend >= 0 and age < 100", &rows), (2, 2, 0));
    assert_eq!(counted("spend < 0 or age < 100", &rows), (3, 0, 1));
    assert_eq!(counted("segment in ('new', 'loyal')", &rows), (3, 0, 1));
    assert_eq!(counted("segment like 'n%'", &rows), (2, 1, 1));
    assert_eq!(counted("\"odd name (€)\" = age", &rows), (3, 0, 1));
    assert_eq!(counted("at >= '1970-01-25'", &rows), (2, 1, 1));
    assert_eq!(counted("encoded >= 0", &rows), (2, 1, 1));
    assert_eq!(
        counted(
            "case when age > 100 then spend is not null else true end",
            &rows
        ),
        (3, 1, 0)
    );
}

fn span(start: &str, end: &str) -> Span {
    let at = |day: &str| format!("2017-05-{day}T00:00:00Z").parse().unwrap();
    Span {
        start: at(start),
        end: at(end),
    }
}

fn outcome(rule: &Rule, measures: &[Measure], before: Option<&Before>) -> Outcome {
    let rules = std::slice::from_ref(rule);
    let judged = rules::judge(rules, measures, span("07", "14"), before);
    judged[&rule.name].1.clone()
}

#[test]
fn a_share_of_rows_is_tolerated() {
    let rows: Vec<Row<'_>> = (0..10)
        .map(|i| (Some(f64::from(i) - 1.0), None, None))
        .collect();
    let check = |text, tolerance, breached| {
        let rule = Rule {
            tolerance,
            ..rule(text, ROWS)
        };
        let measures = measures(std::slice::from_ref(&rule), &[batch(1, &rows)]);
        let outcome = outcome(&rule, &measures, None);
        let Outcome::Judged(judgement) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(judgement.breached(), breached, "{judgement:?}");
    };
    check("spend >= 0", 0.0, true);
    check("spend >= 0", 0.0999, true);
    check("spend >= 0", 0.1, false);
    check("spend >= -1", 0.0, false);
}

#[test]
fn what_nobody_can_know_is_not_judged() {
    let unknown = [(None, None, None), (None, None, None)];
    let check = |text, over, rows: &[Row<'_>], expected| {
        let rule = rule(text, over);
        let measures = measures(std::slice::from_ref(&rule), &[batch(1, rows)]);
        let judged = outcome(&rule, &measures, None);
        match expected {
            Ok(breached) => match judged {
                Outcome::Judged(judgement) => assert_eq!(judgement.breached(), breached, "{text}"),
                other => panic!("{text}: {other:?}"),
            },
            Err(reason) => assert_eq!(judged, Outcome::NotJudged(reason), "{text}"),
        }
    };
    check("spend >= 0", ROWS, &unknown, Err(Unjudged::Unknown));
    check("spend >= 0", ROWS, &[], Err(Unjudged::NoRows));
    check("avg(spend) >= 0", WINDOW, &unknown, Err(Unjudged::Unknown));
    check("avg(spend) >= 0", WINDOW, &[], Err(Unjudged::Unknown));
    // A window without rows has a volume.
    check("count(*) > 10", WINDOW, &[], Ok(true));
    check("count(*) = 0", WINDOW, &[], Ok(false));
    check(
        "count(*) >= previous(count(*))",
        WINDOW,
        &unknown,
        Err(Unjudged::NoPrevious),
    );
}

#[test]
fn a_stream_without_columns_has_no_rows_to_judge() {
    let rule = rule("spend >= 0", ROWS);
    let measuring = Measuring::new(
        std::slice::from_ref(&rule),
        |_| true,
        &Schema::empty(),
        &[],
        1,
    );
    let measures = measuring.finish().remove(0).1;
    assert_eq!(
        outcome(&rule, &measures, None),
        Outcome::NotJudged(Unjudged::NoRows)
    );
}

#[test]
fn the_window_before_is_the_one_that_ends_where_this_one_begins() {
    let text = "avg(spend) filter (where age >= 18) > 2 * previous(avg(spend) filter (where age >= 18)) or max(segment) = previous(max(segment))";
    let rule = rule(text, WINDOW);
    let window = |spend: f64, segment| {
        let rows = [
            (Some(spend), Some(30), Some(segment)),
            (Some(1e9), Some(3), None),
        ];
        measures(std::slice::from_ref(&rule), &[batch(1, &rows)])
    };
    let end = |day: &str| -> Timestamp { format!("2017-05-{day}T00:00:00Z").parse().unwrap() };
    // A tenth has no exact double: its text must bring back the same one.
    let before = Before::of(end("07"), &window(0.1, "a"));
    // As it is read back after a restart.
    let saved = serde_json::to_string(&before).unwrap();
    let before: Before = serde_json::from_str(&saved).unwrap();
    let judged = |measures: &[Measure], before| outcome(&rule, measures, before);
    let breached = |outcome: Outcome| match outcome {
        Outcome::Judged(judgement) => judgement.breached(),
        other => panic!("{other:?}"),
    };
    assert!(breached(judged(&window(0.2, "b"), Some(&before))));
    assert!(!breached(judged(&window(0.200_000_1, "b"), Some(&before))));
    assert!(!breached(judged(&window(0.0, "a"), Some(&before))));
    let not_judged = Outcome::NotJudged(Unjudged::NoPrevious);
    let earlier = Before {
        end: end("01"),
        ..before.clone()
    };
    assert_eq!(judged(&window(0.2, "b"), Some(&earlier)), not_judged);
    let others = Before {
        values: [("count(*)".to_owned(), Some("3".to_owned()))].into(),
        ..before
    };
    assert_eq!(judged(&window(0.2, "b"), Some(&others)), not_judged);
}

#[test]
fn how_rows_are_batched_changes_nothing() {
    let rows: Vec<Row<'_>> = (0..1000)
        .map(|i| {
            let number = f64::from((i * 7919) % 1000);
            let segment = ["new", "loyal", "at risk"][i as usize % 3];
            (
                (i % 11 != 0).then_some(number),
                (i % 7 != 0).then_some(i64::from(i)),
                Some(segment),
            )
        })
        .collect();
    let rules = [
        rule("spend >= 100", ROWS),
        rule("spend < age", ROWS),
        rule(
            "count(*) filter (where segment = 'new') = 334 and sum(age) = 428429",
            WINDOW,
        ),
        rule(
            "min(segment) = 'at risk' and max(at) = '1972-09-26'",
            WINDOW,
        ),
    ];
    let text = |measures: &[Measure]| {
        let judged = rules::judge(&rules, measures, span("07", "14"), None);
        format!("{judged:?}")
    };
    let whole = text(&measures(&rules, &[batch(1, &rows)]));
    for size in [1, 13, 512] {
        let mut first = 1;
        let parts = rows.chunks(size).map(|rows| {
            let part = batch(first, rows);
            first += rows.len() as i64;
            part
        });
        let parts: Vec<RecordBatch> = parts.collect();
        assert_eq!(text(&measures(&rules, &parts)), whole, "{size}");
    }
}

#[test]
fn what_cannot_be_computed_breaks_one_rule_and_shows_no_value() {
    let rows = [(Some(1.0), Some(0), Some("canary"))];
    let rules = [
        rule("10 / age > 1", ROWS),
        rule("cast(segment as bigint) > 1", ROWS),
        rule("sum(cast(segment as bigint)) > 1", WINDOW),
        rule("9223372036854775807 + (age + 1) > 0", ROWS),
        rule("try_cast(segment as bigint) > 1", ROWS),
        rule("spend > 0", ROWS),
    ];
    let measures = measures(&rules, &[batch(1, &rows)]);
    let broken = |place: usize| match &measures[place] {
        Measure::Broken(error) => error,
        other => panic!("{}: {other:?}", rules[place].text),
    };
    assert!(
        broken(0).found.contains("a division by zero"),
        "{}",
        broken(0)
    );
    assert!(broken(1).found.contains("cannot be cast"), "{}", broken(1));
    assert!(broken(2).found.contains("cannot be cast"), "{}", broken(2));
    assert!(broken(3).found.contains("beyond its type"), "{}", broken(3));
    for place in 0..4 {
        assert!(!broken(place).to_string().contains("canary"));
    }
    assert!(matches!(&measures[4], Measure::Rows(counts) if counts.unknown == 1));
    assert!(matches!(&measures[5], Measure::Rows(counts) if counts.holds == 1));
}

#[test]
fn keys_of_the_first_violations_are_kept_and_no_more() {
    let rows = |from: i32| -> Vec<Row<'static>> {
        (from..from + 4)
            .map(|i| (Some(f64::from(i % 2) - 1.0), None, None))
            .collect()
    };
    let rule = Rule {
        keys: 3,
        ..rule("spend >= 0", ROWS)
    };
    let batches = [batch(1, &rows(0)), batch(5, &rows(4))];
    match &measures(&[rule], &batches)[0] {
        Measure::Rows(counts) => {
            assert_eq!(counts.violations, 4);
            assert_eq!(counts.keys, ["id=1", "id=3", "id=5"]);
        }
        other => panic!("{other:?}"),
    }
}

const MANIFEST: &str = include_str!("../../crds/examples/latest-table.yaml");

fn monitor(rules: &str) -> Monitor {
    let text = format!("{MANIFEST}\n  rules:\n{rules}");
    let loaded = manifest::load(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    loaded.monitor
}

#[test]
fn a_manifest_is_checked_with_and_without_columns() {
    let monitor = monitor(
        "    - {name: a, expr: spend >= 0, over: Rows, severity: Critical}
    - {name: b, expr: spent >= 0, over: Rows, severity: Critical}
    - {name: c, expr: spend >=, over: Rows, severity: Critical}\n",
    );
    let paths = |columns: Option<&Schema>| -> Vec<String> {
        let found = rules::check(&monitor, columns).into_iter();
        found.map(|finding| finding.path).collect()
    };
    assert_eq!(paths(None), ["spec.rules[2].expr"]);
    let found = rules::check(&monitor, None).remove(0).error.finding();
    assert!(found.starts_with("at character 9: "), "{found}");
    let both = ["spec.rules[1].expr", "spec.rules[2].expr"];
    assert_eq!(paths(Some(&schema())), both);
}

/// A text that stands for a window's judgement says nothing that a sensitive feature hides.
#[test]
fn values_of_a_sensitive_rule_are_not_shown() {
    let rule = Rule {
        sensitive: true,
        ..rule("max(segment) = 'a'", WINDOW)
    };
    let rows = [(None, None, Some("canary"))];
    let measures = measures(std::slice::from_ref(&rule), &[batch(1, &rows)]);
    match outcome(&rule, &measures, None) {
        Outcome::Judged(Judgement::Window { values, breached }) => {
            assert!(breached && values.is_empty(), "{values:?}");
        }
        other => panic!("{other:?}"),
    }
}
