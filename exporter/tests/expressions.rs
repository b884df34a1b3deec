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
                .map(|age| age.map(|age| age.wrapping_mul(86_400_000_000)))
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
    let long = |sign: &str, terms| vec!["age"; terms].join(sign);
    let (sum, text, either) = (long("+", 500), long("||", 500), long(" > 0 or ", 110));
    check(&sum, Some(804), "more than 200 operators");
    check(&text, Some(1004), "more than 200 operators");
    check(&either, Some(1105), "more than 200 operators");
    for text in [long("+", 65), long("+", 200), long(" > 0 or ", 100)] {
        let deep = "nested more than 64 deep";
        check_refused(&text, ROWS, Fault::Syntax, Some(1), deep);
    }
    // As deep as it may be; a list has no depth.
    for text in [
        format!("{} > 0", long("+", 63)),
        format!("{} > 0", long("/", 63)),
        format!("{} > 0", long(" > 0 or ", 62)),
        format!("{} is not null", long(" is not null and ", 62)),
        format!("age in ({})", vec!["1"; 400].join(",")),
    ] {
        assert_eq!(counted(&text, &[(None, Some(1), None)]), (1, 0, 0));
    }
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
        "foo(spend) > 0",
        Some(1),
        "write one of those that the documentation of rules names",
    );
    check(
        "frobnicate(spend)",
        Some(1),
        "there is no function frobnicate",
    );
    check_refused(
        "age > 0 and user >= 0",
        ROWS,
        Fault::Column,
        Some(13),
        "user is a word of SQL; write \"user\", in double quotes",
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

/// What is the same in every row is computed before there are any, and is held to the range of its type too.
#[test]
fn constants_beyond_their_type_are_refused_with_their_place() {
    let check = |text, column, says| {
        check_refused(text, ROWS, Fault::Type, Some(column), says);
    };
    let beyond = "a number beyond their type";
    check("age < 86400 * 1000000000 * 365 * 1000", 7, beyond);
    check("age > 0 and age < abs(5) * 9223372036854775807", 19, beyond);
    check("age > -(-9223372036854775808)", 10, beyond);
    check("age > 1 / 0", 7, "a division by zero");
    check("age > cast('x' as bigint)", 12, "Cannot cast string 'x'");
    check("age > 'x'", 1, "Cannot cast string 'x'");
    let row = [(None, Some(1), None)];
    for text in [
        "age < 86400.0 * 1000000000 * 365 * 1000",
        "age > -9223372036854775808",
        "age < '5'",
        "age < 10 / 4 and 10 / 4 = 2.5",
    ] {
        assert_eq!(counted(text, &row), (1, 0, 0), "{text}");
    }
}

#[test]
fn a_text_is_compared_with_a_number_by_a_cast_alone() {
    let check = |text, column| {
        let says = "a text is compared with a number";
        check_refused(text, ROWS, Fault::Type, Some(column), says);
    };
    check("segment > 1", 1);
    check("age > 0 and age = segment", 13);
    check("segment in (1, 2)", 1);
    check("segment between 1 and 2", 1);
    check("case segment when 1 then true else false end", 1);
    let rows = [(None, None, Some("2")), (None, None, Some("x"))];
    assert_eq!(counted("try_cast(segment as double) > 1", &rows), (1, 0, 1));
}

#[test]
fn aggregates_that_can_never_be_computed_are_refused_with_their_place() {
    let item = Field::new("item", DataType::Int64, true);
    let columns = Schema::new(vec![
        Field::new("spend", DataType::Float64, true),
        Field::new("age", DataType::Int64, true),
        Field::new("bytes", DataType::Binary, true),
        Field::new("code", DataType::FixedSizeBinary(2), true),
        Field::new("list", DataType::List(Arc::new(item)), true),
        Field::new("at", DataType::Timestamp(TimeUnit::Nanosecond, None), true),
        Field::new("day", DataType::Date32, true),
        Field::new("hour", DataType::Time64(TimeUnit::Microsecond), true),
        Field::new("exact", DataType::Decimal128(38, 4), true),
        Field::new("half", DataType::Float16, true),
        Field::new("yes", DataType::Boolean, true),
        Field::new("none", DataType::Null, true),
    ]);
    let planned =
        |text: &str| Expression::parse(text, WINDOW).and_then(|e| rules::plan(&e, &columns));
    let refused = |text: &str, part: &str, fault, says: &str| {
        let error = match planned(text) {
            Err(error) => error,
            Ok(_) => panic!("{text} is accepted"),
        };
        let column = text.find(part).unwrap() as u64 + 1;
        assert_eq!(error.fault, fault, "{text}: {error}");
        let position = Some(Position { line: 1, column });
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    };
    refused(
        "count(*) > 0 and approx_distinct(spend) > 1",
        "approx_distinct",
        Fault::Type,
        "write approx_distinct(cast(x as text))",
    );
    refused(
        "count(*) > 0 and approx_percentile_cont(spend, 1.5) > 1",
        "approx_percentile_cont",
        Fault::Type,
        "1.5",
    );
    refused(
        "count(*) > 0 and approx_percentile_cont(spend, age) > 1",
        "approx_percentile_cont",
        Fault::Type,
        "literal",
    );
    for centroids in ["100000000", "1001", "0", "age"] {
        refused(
            &format!("count(*) > 0 and approx_percentile_cont(spend, 0.5, {centroids}) > 1"),
            "approx_percentile_cont",
            Fault::Aggregate,
            "no number from 1 to 1000",
        );
    }
    for column in ["bytes", "code", "list"] {
        refused(
            &format!("count(*) > 0 and previous(max({column})) is not null"),
            "max",
            Fault::Type,
            "is not remembered",
        );
    }
    for text in [
        "approx_distinct(cast(spend as text)) > 1",
        "approx_percentile_cont(spend, 0.5, 1000) > 1",
        "max(bytes) is not null",
    ] {
        planned(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for column in [
        "spend", "age", "at", "day", "hour", "exact", "half", "yes", "none",
    ] {
        let text = format!("max({column}) = previous(max({column}))");
        planned(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let text = "max(at) - min(at) < previous(max(at) - min(at)) + interval '1 hour'";
    planned(text).unwrap_or_else(|error| panic!("{text}: {error}"));
}

#[test]
fn what_is_refused_is_said_in_words() {
    let kind = Fault::Type;
    let says = "the pattern [ is no regular expression: unclosed character class";
    check_refused("regexp_like(segment, '[')", ROWS, kind, Some(1), says);
    check_refused("age > 0 and segment ~ '['", ROWS, kind, Some(13), says);
    let says = "age[1] is an element of a list";
    check_refused("spend > 0 and age[1] = 1", ROWS, kind, Some(15), says);
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
        aggregates: [("count(*)".to_owned(), Some("3".to_owned()))].into(),
        ..before
    };
    assert_eq!(judged(&window(0.2, "b"), Some(&others)), not_judged);
}

/// An aggregate of a cast is another one than that without it, within a rule and among rules, also after a restart.
#[test]
fn aggregates_are_told_apart_by_their_casts() {
    let named = |name: &str, text| Rule {
        name: name.to_owned(),
        ..rule(text, WINDOW)
    };
    let rules = [
        named(
            "numbers",
            "count(try_cast(segment as double)) >= previous(count(try_cast(segment as double)))",
        ),
        named("texts", "count(segment) >= previous(count(segment))"),
        named(
            "whole",
            "count(try_cast(segment as bigint)) >= previous(count(try_cast(segment as bigint)))",
        ),
        named(
            "both",
            "previous(count(try_cast(segment as double))) > previous(count(try_cast(segment as bigint)))",
        ),
    ];
    let window = |segments: &[&'static str]| {
        let rows = segments.iter().map(|segment| (None, None, Some(*segment)));
        measures(&rules, &[batch(1, &rows.collect::<Vec<_>>())])
    };
    let end: Timestamp = "2017-05-07T00:00:00Z".parse().unwrap();
    // Four texts, of which three are numbers, of which one is a whole one.
    let before = Before::of(end, &window(&["1", "0.5", "1.5", "x"]));
    let saved = serde_json::to_string(&before).unwrap();
    let before: Before = serde_json::from_str(&saved).unwrap();
    let now = window(&["0.5", "1.5", "2.5", "3.5", "x"]);
    let judged = |before| rules::judge(&rules, &now, span("07", "14"), Some(before));
    let outcomes = judged(&before);
    let values = |name: &str| match &outcomes[name].1 {
        Outcome::Judged(Judgement::Window { breached, values }) => {
            let values = values.iter().map(|value| {
                let before = value.before.as_deref().unwrap_or_default();
                format!("{} {before}", value.aggregate)
            });
            (*breached, values.collect::<Vec<_>>())
        }
        other => panic!("{name}: {other:?}"),
    };
    let (numbers, whole) = (
        "count(TRY_CAST(segment AS DOUBLE)) 3",
        "count(TRY_CAST(segment AS BIGINT)) 1",
    );
    assert_eq!(values("numbers"), (false, vec![numbers.to_owned()]));
    let texts = "count(segment) 4".to_owned();
    assert_eq!(values("texts"), (false, vec![texts]));
    assert_eq!(values("whole"), (true, vec![whole.to_owned()]));
    let both = vec![numbers.to_owned(), whole.to_owned()];
    assert_eq!(values("both"), (false, both));

    // What was saved when casts were left out of the name may be of any of them.
    let earlier = r#"{"end": "2017-05-07T00:00:00Z", "values": {"count(segment)": "3"}}"#;
    let outcomes = judged(&serde_json::from_str(earlier).unwrap());
    for (name, (_, outcome)) in outcomes {
        let not_judged = Outcome::NotJudged(Unjudged::NoPrevious);
        assert_eq!(outcome, not_judged, "{name}");
    }
}

#[test]
fn whole_numbers_are_divided_as_doubles() {
    let row = |age| [(Some(2.0), Some(age), None)];
    assert_eq!(counted("age / 4 = 2.5", &row(10)), (1, 0, 0));
    assert_eq!(counted("age / -2 = -3.5", &row(7)), (1, 0, 0));
    assert_eq!(counted("age / 2 / 2 = 1.75", &row(7)), (1, 0, 0));
    assert_eq!(counted("age % 4 = 2", &row(10)), (1, 0, 0));
    assert_eq!(counted("age / nullif(age - 7, 0) > 0", &row(7)), (0, 0, 1));
    let rows: Vec<Row<'_>> = (0..10).map(|i| (None, Some(i % 2), None)).collect();
    let share = rule("count(*) filter (where age = 0) / count(*) < 0.1", WINDOW);
    let found = measures(std::slice::from_ref(&share), &[batch(1, &rows)]);
    match outcome(&share, &found, None) {
        Outcome::Judged(judgement) => assert!(judgement.breached()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn there_is_one_zero() {
    let rows = [(Some(-0.0), Some(0), None), (Some(0.0), Some(0), None)];
    for text in [
        "spend >= 0",
        "spend = 0",
        "encoded in (0.0)",
        "1.0 / nullif(spend, 0) is null",
        "-spend >= 0",
    ] {
        assert_eq!(counted(text, &rows), (2, 0, 0), "{text}");
    }
}

/// `and`, `or` and `case` guard each row by itself, in rules, arguments and filters; what no guard stands before breaks the rule.
#[test]
fn guards_hold_for_each_row_however_rows_are_batched() {
    let rows: Vec<Row<'_>> = (0..999).map(|i| (None, Some(i % 3 * i), None)).collect();
    let rules = [
        rule("age = 0 or 100 / age > 1", ROWS),
        rule("age <> 0 and 100 / age > 1", ROWS),
        rule("age is null or age = 0 or 100 % age < 50", ROWS),
        rule("case when age <> 0 then 100 / age > 1 else true end", ROWS),
        rule("case when age <> 0 then 100 % age else 7 end < 50", ROWS),
        rule("bool_and(age = 0 or 100 / age > 1)", WINDOW),
        rule(
            "sum(case when age = 0 then 7 else 100 % age end) > 9",
            WINDOW,
        ),
        rule(
            "count(*) filter (where age <> 0 and 100 / age > 1) > 40",
            WINDOW,
        ),
        rule("sum(100 % age) filter (where age <> 0) > 1000", WINDOW),
    ];
    let unguarded = [
        rule("100 / age > 1 or age = 0", ROWS),
        rule("sum(100 / age) > 9", WINDOW),
        rule("count(*) filter (where 100 % age > 1) > 9", WINDOW),
    ];
    let batches =
        |size| -> Vec<RecordBatch> { rows.chunks(size).map(|rows| batch(1, rows)).collect() };
    let text = |measures: &[Measure]| {
        let judged = rules.iter().zip(measures).map(|(rule, measure)| {
            let measures = std::slice::from_ref(measure);
            let outcome = outcome(rule, measures, None);
            assert!(
                matches!(outcome, Outcome::Judged(_)),
                "{}: {outcome:?}",
                rule.text
            );
            format!("{outcome:?}")
        });
        judged.collect::<Vec<_>>()
    };
    let alone = text(&measures(&rules, &batches(1)));
    for size in [2, 7, 64, 500, 999] {
        assert_eq!(text(&measures(&rules, &batches(size))), alone, "{size}");
        for measure in measures(&unguarded, &batches(size)) {
            match measure {
                Measure::Broken(error) => assert!(error.found.contains("a division by zero")),
                other => panic!("{size}: {other:?}"),
            }
        }
    }
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
fn a_negative_beyond_its_type_breaks_the_rule() {
    let rows = [(None, Some(i64::MIN), None)];
    let rules = [
        rule("-age > 0 or age < 0", ROWS),
        rule("max(-age) > 0", WINDOW),
    ];
    for measure in measures(&rules, &[batch(1, &rows)]) {
        match measure {
            Measure::Broken(error) => assert!(error.found.contains("beyond its type"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(counted("-age = -5", &[(None, Some(5), None)]), (1, 0, 0));
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
