//! What 20 business rules cost over 1,000,000 rows, on one thread: the exporter's measuring beside the same conditions written by
//! hand with Arrow's kernels in the same run, which is what evaluating a batch costs without a language.
//!
//! Rows are those of a wide table: 50 float64 and 10 dictionary columns, 2 % nulls, in batches of 131,072. Prints the least
//! milliseconds of some runs, and the ratio.
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, RecordBatch, Scalar,
    StringArray,
};
use arrow::compute::kernels::boolean::{and_kleene, or_kleene};
use arrow::compute::kernels::cmp::{eq, gt, gt_eq, lt, lt_eq};
use arrow::compute::{is_not_null, max, sum};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use crds::valid::Over;
use exporter::rules::{Expression, Measure, Measuring, Rule};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

const ROWS: usize = 1_000_000;
const BATCH: usize = 131_072;
const NUMBERS: usize = 50;
const NAMES: usize = 10;
const RUNS: usize = 7;

/// A rule, and the same with kernels: rows for which it is true, or a number of the window.
struct Both {
    expr: &'static str,
    over: Over,
    by_hand: fn(&RecordBatch) -> f64,
}

fn number(batch: &RecordBatch, column: usize) -> &Float64Array {
    batch.column(column).as_any().downcast_ref().unwrap()
}

fn at(value: f64) -> Scalar<Float64Array> {
    Float64Array::new_scalar(value)
}

fn holding(values: &BooleanArray) -> f64 {
    values.true_count() as f64
}

fn is_name(batch: &RecordBatch, column: usize, name: &str) -> BooleanArray {
    eq(batch.column(column), &StringArray::new_scalar(name)).unwrap()
}

const fn rows(expr: &'static str, by_hand: fn(&RecordBatch) -> f64) -> Both {
    Both {
        expr,
        over: Over::Rows,
        by_hand,
    }
}

const fn window(expr: &'static str, by_hand: fn(&RecordBatch) -> f64) -> Both {
    Both {
        expr,
        over: Over::Window,
        by_hand,
    }
}

const RULES: [Both; 20] = [
    rows("f0 >= 0", |b| {
        holding(&gt_eq(number(b, 0), &at(0.0)).unwrap())
    }),
    rows("f1 < 3", |b| holding(&lt(number(b, 1), &at(3.0)).unwrap())),
    rows("f2 > -1", |b| {
        holding(&gt(number(b, 2), &at(-1.0)).unwrap())
    }),
    rows("f3 <= 1", |b| {
        holding(&lt_eq(number(b, 3), &at(1.0)).unwrap())
    }),
    rows("f4 >= -2", |b| {
        holding(&gt_eq(number(b, 4), &at(-2.0)).unwrap())
    }),
    rows("f5 < f6", |b| {
        holding(&lt(number(b, 5), number(b, 6)).unwrap())
    }),
    rows("f7 <= f8", |b| {
        holding(&lt_eq(number(b, 7), number(b, 8)).unwrap())
    }),
    rows("f9 is not null", |b| {
        holding(&is_not_null(number(b, 9)).unwrap())
    }),
    rows("f10 is not null", |b| {
        holding(&is_not_null(number(b, 10)).unwrap())
    }),
    rows("f11 >= 0 and f11 < 2", |b| {
        let from = gt_eq(number(b, 11), &at(0.0)).unwrap();
        let to = lt(number(b, 11), &at(2.0)).unwrap();
        holding(&and_kleene(&from, &to).unwrap())
    }),
    rows("f12 between -1 and 1", |b| {
        let from = gt_eq(number(b, 12), &at(-1.0)).unwrap();
        let to = lt_eq(number(b, 12), &at(1.0)).unwrap();
        holding(&and_kleene(&from, &to).unwrap())
    }),
    rows("f13 > 0 or f14 > 0", |b| {
        let one = gt(number(b, 13), &at(0.0)).unwrap();
        let other = gt(number(b, 14), &at(0.0)).unwrap();
        holding(&or_kleene(&one, &other).unwrap())
    }),
    rows("f15 + f16 < 2", |b| {
        let both = arrow::compute::kernels::numeric::add(number(b, 15), number(b, 16)).unwrap();
        holding(&lt(&both, &at(2.0)).unwrap())
    }),
    rows("abs(f17) < 3", |b| {
        let size: Float64Array = number(b, 17).unary(f64::abs);
        holding(&lt(&size, &at(3.0)).unwrap())
    }),
    rows("c0 = 'name 3'", |b| holding(&is_name(b, NUMBERS, "name 3"))),
    rows("c1 in ('name 1', 'name 2')", |b| {
        let either = or_kleene(
            &is_name(b, NUMBERS + 1, "name 1"),
            &is_name(b, NUMBERS + 1, "name 2"),
        );
        holding(&either.unwrap())
    }),
    window("count(*) > 1000", |b| b.num_rows() as f64),
    window("avg(f18) < 1", |b| sum(number(b, 18)).unwrap_or_default()),
    window("max(f19) < 100", |b| max(number(b, 19)).unwrap_or_default()),
    window(
        "count(*) filter (where f20 is null) < 0.1 * count(*)",
        |b| number(b, 20).null_count() as f64,
    ),
];

fn table() -> Vec<RecordBatch> {
    let mut rng = SmallRng::seed_from_u64(7);
    let names: Vec<String> = (0..100).map(|name| format!("name {name}")).collect();
    let names: ArrayRef = Arc::new(StringArray::from(names));
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let numbers = (0..NUMBERS).map(|i| Field::new(format!("f{i}"), DataType::Float64, true));
    let words = (0..NAMES).map(|i| Field::new(format!("c{i}"), text.clone(), true));
    let schema = Arc::new(Schema::new(numbers.chain(words).collect::<Vec<_>>()));
    let mut batches = Vec::new();
    let mut left = ROWS;
    while left > 0 {
        let rows = left.min(BATCH);
        left -= rows;
        let mut columns: Vec<ArrayRef> = Vec::new();
        for _ in 0..NUMBERS {
            let values = (0..rows).map(|_| {
                let value = rng.random::<f64>() * 6.0 - 3.0;
                (rng.random::<f64>() >= 0.02).then_some(value)
            });
            columns.push(Arc::new(values.collect::<Float64Array>()));
        }
        for _ in 0..NAMES {
            let codes = (0..rows).map(|_| {
                let code = rng.random_range(0..100);
                (rng.random::<f64>() >= 0.02).then_some(code)
            });
            let codes: Int32Array = codes.collect();
            let column = DictionaryArray::<Int32Type>::try_new(codes, names.clone()).unwrap();
            columns.push(Arc::new(column));
        }
        batches.push(RecordBatch::try_new(schema.clone(), columns).unwrap());
    }
    batches
}

fn measure(rules: &[Rule], batches: &[RecordBatch]) -> Vec<Measure> {
    let schema = batches[0].schema();
    let mut measuring = Measuring::new(rules, |_| true, &schema, &[], 1);
    for batch in batches {
        measuring.update(0, batch).unwrap();
    }
    let found = measuring.finish().into_iter();
    found.flat_map(|(_, slots)| slots).collect()
}

/// The least milliseconds of some runs.
fn least(mut run: impl FnMut()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let batches = table();
    let rule = |both: &Both| Rule {
        name: both.expr.to_owned(),
        text: both.expr.to_owned(),
        expression: Expression::parse(both.expr, both.over),
        tolerance: 0.0,
        keys: 0,
        sensitive: false,
    };
    let compare = |name: &str, some: &[&Both]| {
        let rules: Vec<Rule> = some.iter().map(|both| rule(both)).collect();
        // Both count the same.
        for (both, measure) in some.iter().zip(measure(&rules, &batches)) {
            match measure {
                Measure::Rows(counts) => {
                    let by_hand: f64 = batches.iter().map(both.by_hand).sum();
                    assert_eq!(counts.holds as f64, by_hand, "{}", both.expr);
                }
                Measure::Window(..) => {}
                other => panic!("{}: {other:?}", both.expr),
            }
        }
        let ours = least(|| {
            black_box(measure(&rules, &batches));
        });
        let by_hand = least(|| {
            for both in some {
                black_box(batches.iter().map(both.by_hand).sum::<f64>());
            }
        });
        println!(
            "{name:<56} {ours:>9.1} {by_hand:>9.1} {:>6.2}",
            ours / by_hand
        );
    };
    println!(
        "{:<56} {:>9} {:>9} {:>6}",
        "rule, 1,000,000 rows, one thread", "ms", "by hand", "ratio"
    );
    for both in &RULES {
        compare(both.expr, &[both]);
    }
    compare("all 20 rules", &RULES.iter().collect::<Vec<_>>());
}
