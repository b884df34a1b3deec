//! Reference values, laws and edges of associations.

use nalgebra::DMatrix;
use proptest::prelude::*;

use super::*;
use crate::Kind;
use crate::oracle::{check, number, row, rows, u};

fn categorical(codes: &[u32], categories: u32) -> Values<'_> {
    Values::Categorical { codes, categories }
}

fn only(columns: &[Values<'_>]) -> Pair {
    *matrix(columns).unwrap().pair(0, 1).unwrap()
}

fn pearson_of(pair: &Pair) -> Association {
    pair.pearson.unwrap().unwrap()
}

/// The x and y of the reference values.
fn xy() -> (Vec<f64>, Vec<f64>) {
    let steps = |u: f64| (2.0 * u).round_ties_even();
    let x = u(60, 0);
    let y = x.iter().zip(u(60, 77));
    let y = y.map(|(x, other)| (4.0 * x * x).round_ties_even() + steps(other));
    let y = y.collect();
    (x, y)
}

/// Rounded to six decimals, and variances to three digits.
#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 0.51e-6, "{found} {expected}");
}

#[test]
fn correlations_are_scipys() {
    let (mut x, mut y) = xy();
    let pair = only(&[Values::Numeric(&x), Values::Numeric(&y)]);
    let (spearman, pearson) = (pair.alarming.unwrap(), pearson_of(&pair));
    close(spearman.value, number("Spearman with ties"));
    close(pearson.value, number("Pearson"));
    assert_eq!((spearman.n, pearson.n), (60, 60));
    assert_eq!(spearman.measure, Measure::Spearman);
    check(pearson.variance, number("Pearson variance"), 6e-3);
    let ranks = number("Spearman variance of ranks");
    let estimated = 1.0 + 0.16 * spearman.value * spearman.value;
    check(spearman.variance, ranks * estimated, 6e-3);

    let infinite: Vec<f64> = (0..60)
        .map(|i| if i % 20 == 0 { f64::INFINITY } else { x[i] })
        .collect();
    let pair = only(&[Values::Numeric(&infinite), Values::Numeric(&y)]);
    close(
        pair.alarming.unwrap().value,
        number("Spearman with infinities"),
    );
    close(pearson_of(&pair).value, number("Pearson of finite rows"));
    assert_eq!((pair.alarming.unwrap().n, pearson_of(&pair).n), (60, 57));

    // Gaps in different rows take the other way of computing.
    (0..60).filter(|i| i % 7 == 3).for_each(|i| x[i] = f64::NAN);
    (0..60).filter(|i| i % 5 == 1).for_each(|i| y[i] = f64::NAN);
    let pair = only(&[Values::Numeric(&x), Values::Numeric(&y)]);
    let expected = "Spearman of complete rows";
    close(pair.alarming.unwrap().value, number(expected));
    close(pearson_of(&pair).value, number("Pearson of complete rows"));
    let complete = x.iter().zip(&y).filter(|(x, y)| !(*x + *y).is_nan());
    assert_eq!(pair.alarming.unwrap().n, complete.count() as u64);
}

#[test]
fn cramers_v_is_bergsmas() {
    let table = [[10, 20, 30], [25, 15, 20]];
    let mut codes = (Vec::new(), Vec::new());
    for (i, row) in table.iter().enumerate() {
        for (j, count) in row.iter().enumerate() {
            codes.0.extend(vec![i as u32; *count]);
            codes.1.extend(vec![j as u32; *count]);
        }
    }
    // Codes that do not occur are no categories.
    let x: Vec<u32> = codes.0.iter().map(|code| 7 * code).collect();
    let found = only(&[categorical(&x, 9), categorical(&codes.1, 3)]);
    let found = found.alarming.unwrap();
    close(found.value, number("Cramer V of a contingency table"));
    assert_eq!((found.measure, found.n), (Measure::CramersV, 120));
    let near = found.independence.unwrap();
    assert_eq!((near.degrees, near.scale), (2, 1));
    // Σ1/p is 4 of the rows and 120/35 + 120/35 + 120/50 = 9.257 of the columns: (4 − 6)·(9.257 − 13) = 7.49, and
    // 12·7.49 + 6·0·0.257 + 4·0·2.257 = 89.8.
    assert_eq!((near.cells, near.windows), ((7, 90), 1));
    check(found.variance, number("phi squared variance"), 6e-3);
    check(near.third, number("phi squared third"), 6e-3);
    // The corrected V comes of the raw one, which scipy has.
    let raw = number("Cramer V raw").powi(2);
    let corrected = (raw - 2.0 / 119.0) / (1.0 - 1.0 / 119.0);
    close(found.value, corrected.sqrt());
}

#[test]
fn the_correlation_ratio_is_that_of_kruskal_and_wallis() {
    let groups: Vec<u32> = (0..60).map(|i| i % 3).collect();
    let values: Vec<f64> = u(60, 0)
        .iter()
        .zip(&groups)
        .map(|(u, group)| u + 0.2 * f64::from(*group))
        .collect();
    let found = only(&[categorical(&groups, 3), Values::Numeric(&values)]);
    let found = found.alarming.unwrap();
    close(found.value, number("correlation ratio"));
    check(found.variance, number("eta squared variance"), 6e-3);
    let third = number("eta squared third");
    check(found.independence.unwrap().third, third, 6e-3);
    let near = found.independence.unwrap();
    assert_eq!((near.degrees, near.scale), (2, 1));
    assert!((near.square - number("correlation ratio").powi(2)).abs() < 0.51e-6);
}

#[test]
fn inflation_factors_are_numpys() {
    let (a, b, c) = (u(80, 0), u(80, 31), u(80, 57));
    let mixed: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 0.7 * a + 0.3 * b).collect();
    let columns = [&a, &mixed, &c].map(|column| Values::Numeric(column));
    let found = vif(&matrix(&columns).unwrap());
    assert!(found.relations.is_empty());
    let bands = [Band::Severe, Band::Severe, Band::Low];
    for ((found, expected), band) in found.columns.iter().zip(row("VIF")).zip(bands) {
        let Ok(Vif::Factor { value, band: found }) = *found else {
            panic!("no factor");
        };
        // Correlations of six decimals.
        check(value, expected, 1e-4);
        assert_eq!(found, band);
    }
}

#[test]
fn what_the_others_tell_wholly_is_named() {
    let (a, b, c) = (u(80, 0), u(80, 31), u(80, 57));
    let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - 3.0 * b).collect();
    let copy: Vec<f64> = c.iter().map(|c| 5.0 - c).collect();
    let other: Vec<f64> = u(80, 123);
    let flat = [1.0; 80];
    let codes = [0; 80];
    let columns = [
        Values::Numeric(&a),
        Values::Numeric(&flat),
        Values::Numeric(&b),
        Values::Numeric(&sum),
        Values::Numeric(&c),
        categorical(&codes, 1),
        Values::Numeric(&copy),
        Values::Numeric(&other),
    ];
    let found = vif(&matrix(&columns).unwrap());
    let named: Vec<_> = found.relations.iter().map(|r| &r.columns[..]).collect();
    assert_eq!(named, [&[0, 2, 3][..], &[4, 6]]);
    for column in [0, 2, 3, 4, 6] {
        assert_eq!(found.columns[column], Ok(Vif::Dependent));
    }
    assert_eq!(found.columns[1], Err(NotComputed::Constant));
    assert_eq!(found.columns[5], Err(NotComputed::NotNumeric));
    let Ok(Vif::Factor { value, .. }) = found.columns[7] else {
        panic!("no factor");
    };
    // By the regression on the columns that span the others.
    let design = DMatrix::from_columns(&[
        nalgebra::DVector::from_element(80, 1.0),
        a.into(),
        b.into(),
        c.into(),
    ]);
    let target = nalgebra::DVector::from(other);
    let gram = design.transpose() * &design;
    let weights = gram.try_inverse().unwrap() * (design.transpose() * &target);
    let rest = (&target - design * weights).norm_squared();
    let mean = target.mean();
    let total = target.add_scalar(-mean).norm_squared();
    check(value, total / rest, 1e-4);
}

/// Correlations of −0.9 among three columns, each pair of other rows.
#[test]
fn correlations_that_contradict_each_other_make_no_factor() {
    let mut columns = vec![vec![f64::NAN; 300]; 3];
    for (block, (i, j)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
        for (at, u) in u(100, 3).into_iter().enumerate() {
            columns[i][100 * block + at] = u;
            columns[j][100 * block + at] = 0.1 * noise(at) - u;
        }
    }
    let values: Vec<_> = columns.iter().map(|c| Values::Numeric(c)).collect();
    let found = vif(&matrix(&values).unwrap());
    assert_eq!(found.columns[2], Err(NotComputed::Inconsistent));
}

fn noise(at: usize) -> f64 {
    (at as f64 * 0.7548776662466927) % 1.0
}

#[test]
fn fishers_z_and_the_null_are_scipys() {
    let association = |value, variance, n| Association {
        measure: Measure::Pearson,
        value,
        n,
        variance,
        independence: None,
    };
    for row in rows("correlation null") {
        let [value, variance, reference, n, alpha, expected] = row[..] else {
            panic!("six numbers");
        };
        let reference = association(value, variance, reference as u64);
        let found = null(&reference, n as u64, alpha).unwrap();
        check(found.rise, expected, 1e-9);
        assert_eq!(found.fall, found.rise);
    }
    // Around a correlation of 0 both tails are alike, and this is Fisher's test of two correlations.
    let z = 0.6f64.atanh() - 0.45f64.atanh();
    let around = association(0.0, 1.0, 400);
    let found = null(&around, 300, number("Fisher p")).unwrap();
    check(found.rise, z.tanh(), 1e-9);
    check(
        z / (1.0f64 / 397.0 + 1.0 / 297.0).sqrt(),
        number("Fisher z"),
        1e-12,
    );
    for (n, alpha) in [(3, 0.05), (300, 0.0), (300, 1.0), (300, f64::NAN)] {
        assert_eq!(null(&around, n, alpha), None);
    }
    let certain = null(&association(1.0, 1.0, 400), 300, 0.01);
    assert!(
        certain.is_some_and(|null| null.rise.is_finite()),
        "{certain:?}"
    );
}

#[test]
fn the_null_of_squares_is_scipys() {
    for row in rows("square null") {
        let [
            ratio,
            square,
            variance,
            third,
            degrees,
            scale,
            a,
            b,
            reference,
            windows,
            n,
            alpha,
            rise,
            fall,
        ] = row[..]
        else {
            panic!("fourteen numbers");
        };
        let measure = match ratio > 0.0 {
            true => Measure::CorrelationRatio,
            false => Measure::CramersV,
        };
        let reference = Association {
            measure,
            value: square.max(0.0).sqrt(),
            n: reference as u64,
            variance,
            independence: Some(Independence {
                degrees: degrees as u32,
                scale: scale as u32,
                square,
                third,
                cells: (a as i64, b as i64),
                windows: windows as u32,
            }),
        };
        let found = null(&reference, n as u64, alpha).unwrap();
        check(found.rise, rise, 1e-7);
        match fall < 0.0 {
            // Nothing falls that far.
            true => assert!(found.fall > reference.value, "{found:?}"),
            false => check(found.fall, fall, 1e-7),
        }
    }
}

/// The mean of windows is that of their squares before they are cut at 0, and what each differs by that of their values.
#[test]
fn what_squares_differ_by_is_cut_at_0_after_the_mean() {
    let window = |square: f64, n| {
        let independence = Independence {
            degrees: 6,
            scale: 2,
            square,
            third: 0.0,
            cells: (0, 0),
            windows: 1,
        };
        Matrix {
            kinds: vec![Kind::Categorical; 2],
            pairs: vec![Pair {
                alarming: Ok(Association {
                    measure: Measure::CramersV,
                    value: square.max(0.0).sqrt(),
                    n,
                    variance: 1.0,
                    independence: Some(independence),
                }),
                pearson: None,
            }],
        }
    };
    let found = pool(&[window(0.04, 100), window(-0.03, 300), window(0.09, 200)]).unwrap();
    let (_, _, pair) = found.matrix.pairs().next().unwrap();
    let all = pair.alarming.unwrap();
    // (4 − 9 + 18)/600, and of the others (−9 + 18)/500, (4 + 18)/300 and (4 − 9)/400.
    check(all.value, (13.0f64 / 600.0).sqrt(), 1e-5);
    let expected = [
        0.2 - (9.0f64 / 500.0).sqrt(),
        0.0 - (22.0f64 / 300.0).sqrt(),
        0.3,
    ];
    for (found, expected) in found.differences[0].iter().zip(expected) {
        check(*found, expected, 1e-9);
    }
}

#[test]
fn windows_are_pooled_on_fishers_scale() {
    let window = |value: f64, n| {
        let reading = |measure| {
            Ok(Association {
                measure,
                value,
                n,
                variance: 1.0,
                independence: None,
            })
        };
        Matrix {
            kinds: vec![Kind::Numeric; 2],
            pairs: vec![Pair {
                alarming: reading(Measure::Spearman),
                pearson: Some(reading(Measure::Pearson)),
            }],
        }
    };
    let windows = [window(0.6, 400), window(0.45, 300), window(0.52, 1000)];
    let pooled = pool(&windows).unwrap();
    let found = pooled.matrix.pairs[0].alarming.unwrap();
    close(found.value, number("pooled correlation"));
    assert_eq!(found.n, 1700);
    let expected = row("leave-one-out correlation");
    for (found, expected) in pooled.differences[0].iter().zip(expected) {
        check(*found, expected, 1e-12);
    }
    let same = pool(&[window(1.0, 40), window(1.0, 40)]).unwrap();
    assert_eq!(pearson_of(&same.matrix.pairs[0]).value, 1.0);
    assert!(same.differences[0].iter().all(|d| d.abs() < 1e-6));
    assert_eq!(pool(&[]), Err(InputError::NoMatrix));
    let other = matrix(&[]).unwrap();
    assert_eq!(
        pool(&[windows[0].clone(), other]),
        Err(InputError::OtherColumns)
    );
}

#[test]
fn a_pair_that_a_window_lacks_is_pooled_from_the_others() {
    let (x, y) = xy();
    let flat = vec![2.0; 60];
    let full = matrix(&[Values::Numeric(&x), Values::Numeric(&y)]).unwrap();
    let lacking = matrix(&[Values::Numeric(&x), Values::Numeric(&flat)]).unwrap();
    assert_eq!(
        lacking.pair(0, 1).unwrap().alarming,
        Err(NotComputed::Constant)
    );
    let one = pool(&[lacking.clone(), full.clone()]).unwrap();
    let (found, expected) = (one.matrix.pair(0, 1).unwrap(), full.pair(0, 1).unwrap());
    close(
        found.alarming.unwrap().value,
        expected.alarming.unwrap().value,
    );
    assert_eq!(one.differences, [Vec::<f64>::new()]);
    let none = pool(&[lacking.clone(), lacking.clone()]).unwrap();
    assert_eq!(none.matrix, lacking);
    let changes = Changes::new(&full, &lacking).unwrap();
    assert_eq!(changes.not_computed, [((0, 1), NotComputed::Constant)]);
    assert_eq!((changes.largest(), changes.frobenius()), (None, None));
}

#[test]
fn what_independence_tells_is_pooled_by_rows() {
    let window = |rows: u32, of: u32| {
        let x: Vec<u32> = (0..rows).map(|i| i % 2).collect();
        let y: Vec<u32> = (0..rows).map(|i| i * i % of % 3).collect();
        matrix(&[categorical(&x, 2), categorical(&y, 3)]).unwrap()
    };
    let windows = [window(60, 5), window(120, 7)];
    let near = |matrix: &Matrix| {
        let alarming = matrix.pair(0, 1).unwrap().alarming.unwrap();
        alarming.independence.unwrap()
    };
    let (one, other) = (near(&windows[0]), near(&windows[1]));
    let pooled = near(&pool(&windows).unwrap().matrix);
    assert_eq!((one.windows, other.windows, pooled.windows), (1, 1, 2));
    assert_ne!(one.third, other.third);
    check(pooled.third, (one.third + 2.0 * other.third) / 3.0, 6e-3);
    let cells = |of: fn((i64, i64)) -> i64| (of(one.cells) + 2 * of(other.cells)) as f64 / 3.0;
    assert!((pooled.cells.0 as f64 - cells(|of| of.0)).abs() <= 0.5);
    assert!((pooled.cells.1 as f64 - cells(|of| of.1)).abs() <= 0.5);
}

#[test]
fn what_cannot_be_computed_says_why() {
    let few = NotComputed::TooFewRows { have: 29, need: 30 };
    let (x, y) = (u(29, 0), u(29, 9));
    let codes: Vec<u32> = (0..29).map(|i| i % 2).collect();
    for columns in [
        [Values::Numeric(&x), Values::Numeric(&y)],
        [Values::Numeric(&x), categorical(&codes, 2)],
        [categorical(&codes, 2), categorical(&codes, 2)],
    ] {
        assert_eq!(only(&columns).alarming, Err(few));
    }
    let (x, nothing) = (u(600, 0), vec![f64::NAN; 600]);
    let (flat, infinite) = (vec![0.0; 600], vec![f64::INFINITY; 600]);
    let none = NotComputed::TooFewRows { have: 0, need: 30 };
    let (one, absent) = (vec![3; 600], vec![ABSENT; 600]);
    let each: Vec<u32> = (0..600).collect();
    let x = Values::Numeric(&x);
    let constant = NotComputed::Constant;
    let many = NotComputed::TooManyCategories {
        have: 600,
        most: 256,
    };
    for (other, expected) in [
        (Values::Numeric(&nothing), none),
        (Values::Numeric(&flat), constant),
        (Values::Numeric(&infinite), constant),
        (categorical(&one, 4), constant),
        (categorical(&absent, 4), none),
        (categorical(&each, 600), many),
    ] {
        assert_eq!(only(&[x, other]).alarming, Err(expected), "{other:?}");
        assert_eq!(only(&[other, x]).alarming, Err(expected), "{other:?}");
    }
    let pair = only(&[x, Values::Numeric(&infinite)]);
    assert_eq!(pair.pearson, Some(Err(none)));
    // A table of 40 rows says nothing about 30 categories.
    let thirty: Vec<u32> = (0..40).map(|i| i % 30).collect();
    let need = NotComputed::TooFewRows { have: 40, need: 60 };
    let two: Vec<u32> = (0..40).map(|i| i % 2).collect();
    let found = only(&[categorical(&thirty, 30), categorical(&two, 2)]);
    assert_eq!(found.alarming, Err(need));

    let short = [0u32; 3];
    assert_eq!(
        matrix(&[x, categorical(&short, 1)]),
        Err(InputError::Rows {
            column: 1,
            rows: 3,
            expected: 600
        })
    );
    assert_eq!(
        matrix(&[x, categorical(&one, 3)]),
        Err(InputError::Code {
            column: 1,
            code: 3,
            categories: 3
        })
    );
    let empty = matrix(&[Values::Numeric(&[]), Values::Numeric(&[])]).unwrap();
    assert_eq!(empty.pair(0, 1).unwrap().alarming, Err(none));
    assert_eq!((empty.pair(0, 0), empty.pair(0, 2)), (None, None));
}

#[test]
fn perfect_association_is_one() {
    let x = u(100, 0);
    let cubes: Vec<f64> = x.iter().map(|x| -(1e200 * x).cbrt() * 1e230).collect();
    let pair = only(&[Values::Numeric(&x), Values::Numeric(&cubes)]);
    assert_eq!(pair.alarming.unwrap().value, -1.0);
    let codes: Vec<u32> = (0..100).map(|i| i % 4).collect();
    let turned: Vec<u32> = codes.iter().map(|code| 3 - code).collect();
    let pair = only(&[categorical(&codes, 4), categorical(&turned, 4)]);
    assert_eq!(pair.alarming.unwrap().value, 1.0);
    let values: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
    let pair = only(&[categorical(&codes, 4), Values::Numeric(&values)]);
    assert_eq!(pair.alarming.unwrap().value, 1.0);
}

#[test]
fn a_saved_matrix_is_short_and_comes_back() {
    let count = 128usize;
    let columns: Vec<Vec<f64>> = (0..count as u32)
        .map(|c| u(64, 17 * c * c).iter().map(|u| u * u).collect())
        .collect();
    let values: Vec<_> = columns.iter().map(|c| Values::Numeric(c)).collect();
    let found = matrix(&values).unwrap();
    let saved = serde_json::to_string(&found).unwrap();
    assert!(saved.len() < 250_000, "{}", saved.len());
    assert_eq!(serde_json::from_str::<Matrix>(&saved).unwrap(), found);
    // Lists that do not fit each other are no matrix.
    for (from, to) in [
        ("\"n\":[[64,8128]]", "\"n\":[[64,8127]]"),
        ("\"squares\":[]", "\"squares\":[0]"),
        ("\"thirds\":[]", "\"thirds\":[0.0]"),
    ] {
        let damaged = saved.replacen(from, to, 1);
        assert_ne!(damaged, saved, "{from}");
        assert!(serde_json::from_str::<Matrix>(&damaged).is_err(), "{to}");
    }
}

#[test]
fn the_most_changed_pairs_are_those_furthest_over_their_limits() {
    let (x, y) = xy();
    let z = u(60, 5);
    let before = matrix(&[&x, &y, &z].map(|c| Values::Numeric(c))).unwrap();
    let after = matrix(&[&x, &z, &y].map(|c| Values::Numeric(c))).unwrap();
    let changes = Changes::new(&before, &after).unwrap();
    let deltas: Vec<f64> = changes.computed.iter().map(Change::delta).collect();
    // Of (0, 1) and (0, 2) the values have changed places, (1, 2) is the same.
    assert_eq!((deltas[0], deltas[2]), (-deltas[1], 0.0));
    assert_eq!(changes.largest().unwrap().columns, (0, 1));
    check(changes.frobenius().unwrap(), 2.0 * deltas[0].abs(), 1e-12);
    let limit = |change: &Change| match change.columns {
        (0, 1) => Some(0.2),
        (0, 2) => Some(0.1),
        _ => None,
    };
    let most = changes.most_changed(5, limit);
    let columns: Vec<_> = most.iter().map(|(change, _)| change.columns).collect();
    assert_eq!(columns, [(0, 2), (0, 1)]);
    check(most[0].1, deltas[1].abs() / 0.1, 1e-12);
    assert_eq!(changes.most_changed(1, limit).len(), 1);
}

#[test]
fn rare_categories_are_joined() {
    let collapse = Collapse::learn(&[50, 2, 30, 3, 15], 0.06);
    // 2 and 3 of 100 are not enough together: 15 goes with them.
    assert_eq!(collapse.categories(), 3);
    assert_eq!(collapse.kept().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(
        collapse.apply(&[0, 1, 2, 3, 4, 9, ABSENT]),
        [0, 2, 1, 2, 2, 2, ABSENT]
    );
    let collapse = Collapse::learn(&[50, 4, 40, 6], 0.1);
    assert_eq!(collapse.apply(&[0, 1, 2, 3]), [0, 2, 1, 2]);
    assert_eq!(Collapse::learn(&[], 0.1).apply(&[5]), [0]);
    // Nothing is rare: a new code is alone in the last category.
    assert_eq!(Collapse::learn(&[5, 5], 0.1).apply(&[0, 1, 2]), [0, 1, 2]);
}

/// Two numeric columns with ties, gaps and infinities, and two categorical ones with gaps.
fn columns() -> impl Strategy<Value = [Vec<(f64, u32)>; 2]> {
    let value = prop_oneof![
        6 => (-9i32..9).prop_map(f64::from),
        6 => -1e3..1e3f64,
        1 => Just(f64::NAN),
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, 5e-324]),
    ];
    let code = prop_oneof![9 => 0u32..5, 1 => Just(ABSENT)];
    prop::collection::vec(((value.clone(), code.clone()), (value, code)), 1..200).prop_map(|rows| {
        let (first, second) = rows.into_iter().unzip();
        [first, second]
    })
}

fn all(columns: &[Vec<(f64, u32)>; 2], order: impl Fn(usize) -> usize) -> Matrix {
    let rows = columns[0].len();
    let numbers = |c: usize| -> Vec<f64> { (0..rows).map(|i| columns[c][order(i)].0).collect() };
    let codes = |c: usize| -> Vec<u32> { (0..rows).map(|i| columns[c][order(i)].1).collect() };
    let (a, b, c, d) = (numbers(0), codes(0), numbers(1), codes(1));
    matrix(&[
        Values::Numeric(&a),
        categorical(&b, 5),
        Values::Numeric(&c),
        categorical(&d, 5),
    ])
    .unwrap()
}

proptest! {
    #[test]
    fn values_are_bounded_and_rows_have_no_order(columns in columns()) {
        let rows = columns[0].len();
        let found = all(&columns, |i| i);
        let turned = all(&columns, |i| rows - 1 - i);
        for ((_, _, pair), (_, _, turned)) in found.pairs().zip(turned.pairs()) {
            let readings = [Some(pair.alarming), pair.pearson].into_iter().flatten();
            let others = [Some(turned.alarming), turned.pearson].into_iter().flatten();
            for (reading, other) in readings.zip(others) {
                let Ok(reading) = reading else {
                    prop_assert_eq!(reading, other);
                    continue;
                };
                let other = other.unwrap();
                let near = |reading: &Association| reading.independence.map(|near| (near.degrees, near.scale));
                prop_assert_eq!((reading.n, near(&reading)), (other.n, near(&other)));
                prop_assert!((reading.value - other.value).abs() <= 1.01e-6);
                let low = if reading.measure.is_correlation() { -1.0 } else { 0.0 };
                prop_assert!((low..=1.0).contains(&reading.value) && reading.n <= rows as u64);
                prop_assert!(reading.variance.is_finite());
                prop_assert!(reading.variance >= -1e-9 && reading.independence.is_none_or(|near| near.third.is_finite()));
                for alpha in [0.05, 1e-9] {
                    let null = null(&reading, 300, alpha).unwrap();
                    for limit in [null.rise, null.fall] {
                        prop_assert!(limit > 0.0 && limit <= 2.0, "{null:?} {reading:?}");
                    }
                }
            }
        }
        let saved = serde_json::to_string(&found).unwrap();
        prop_assert_eq!(serde_json::from_str::<Matrix>(&saved).unwrap(), found.clone());
        let factors = vif(&found);
        for factor in factors.columns.into_iter().flatten() {
            if let Vif::Factor { value, .. } = factor {
                prop_assert!((1.0..2e4).contains(&value));
            }
        }
        // A window does not differ from itself.
        let changes = Changes::new(&found, &found).unwrap();
        prop_assert!(changes.computed.iter().all(|change| change.delta() == 0.0));
        let pooled = pool(&[found.clone(), found.clone()]).unwrap();
        // A square is rounded to a millionth, and its root to the root of that.
        prop_assert!(pooled.differences.iter().flatten().all(|d| d.abs() < 1e-3));
    }

    /// Ranks know of no monotone map, Pearson of no linear one, both turn with the sign, and the order of columns is
    /// no matter.
    #[test]
    fn correlations_are_invariant(x in prop::collection::vec(-20i32..20, 40..120), seed in 0u32..1000) {
        let y: Vec<f64> = u(x.len() as u32, seed).iter().zip(&x).map(|(u, x)| 15.0 * u + f64::from(*x)).collect();
        let x: Vec<f64> = x.into_iter().map(f64::from).collect();
        prop_assume!(x.iter().any(|value| *value != x[0]));
        let found = only(&[Values::Numeric(&x), Values::Numeric(&y)]);
        let cubed: Vec<f64> = x.iter().map(|x| x.powi(3) * 1e60).collect();
        let scaled: Vec<f64> = y.iter().map(|y| 7.0 - 1e-200 * y).collect();
        let halved: Vec<f64> = y.iter().map(|y| -1e-200 * y).collect();
        let turned = only(&[Values::Numeric(&halved), Values::Numeric(&cubed)]);
        prop_assert_eq!(turned.alarming.unwrap().value, -found.alarming.unwrap().value);
        let linear = only(&[Values::Numeric(&halved), Values::Numeric(&x)]);
        prop_assert!((pearson_of(&linear).value + pearson_of(&found).value).abs() <= 1.01e-6);
        // All of it is lost beside the 7.
        let lost = only(&[Values::Numeric(&scaled), Values::Numeric(&x)]);
        prop_assert_eq!(lost.alarming, Err(NotComputed::Constant));
    }

    /// Columns with gaps in different rows are computed in another way than those of their complete rows, to the same.
    #[test]
    fn gaps_leave_the_complete_rows(x in prop::collection::vec((-20i32..20, 0u32..10), 90..200), seed in 0u32..1000, far in prop::sample::select(vec![0.0, 1e3, 1e7])) {
        let rows = x.len() as u32;
        let gap = |u: f64, value: f64| if u < 0.1 { f64::NAN } else { value };
        let y: Vec<f64> = u(rows, seed).iter().zip(u(rows, seed + 7)).zip(&x).map(|((u, v), (x, _))| gap(v, 15.0 * u + f64::from(*x))).collect();
        // What stands far out is where y has no value.
        let x: Vec<f64> = x.iter().zip(&y).map(|((x, gap), y)| match *gap {
            0 => f64::NAN,
            _ if y.is_nan() => f64::from(*x) + far,
            _ => f64::from(*x),
        }).collect();
        let codes: Vec<u32> = u(rows, seed + 3).iter().map(|u| if *u < 0.1 { ABSENT } else { (5.0 * u) as u32 }).collect();
        let z = u(rows, seed + 11);
        let found = matrix(&[Values::Numeric(&x), Values::Numeric(&y), categorical(&codes, 5), Values::Numeric(&z)]).unwrap();
        let complete = |of: &dyn Fn(usize) -> bool, values: &[f64]| -> Vec<f64> {
            (0..values.len()).filter(|row| of(*row)).map(|row| values[row]).collect()
        };
        let both = |row: usize| !x[row].is_nan() && !y[row].is_nan();
        let expected = only(&[Values::Numeric(&complete(&both, &x)), Values::Numeric(&complete(&both, &y))]);
        let coded = |row: usize| !x[row].is_nan() && codes[row] != ABSENT;
        let their: Vec<u32> = (0..codes.len()).filter(|row| coded(*row)).map(|row| codes[row]).collect();
        let ratio = only(&[Values::Numeric(&complete(&coded, &x)), categorical(&their, 5)]);
        let pair = found.pair(0, 1).unwrap();
        let pairs = [(pair.alarming, expected.alarming), (pair.pearson.unwrap(), expected.pearson.unwrap()), (found.pair(0, 2).unwrap().alarming, ratio.alarming)];
        for (found, expected) in pairs {
            let (Ok(found), Ok(expected)) = (found, expected) else {
                prop_assert_eq!(found, expected);
                continue;
            };
            prop_assert_eq!((found.measure, found.n), (expected.measure, expected.n));
            prop_assert!((found.value - expected.value).abs() <= 1.01e-6, "{:?} {:?}", found, expected);
            prop_assert!((found.variance - expected.variance).abs() <= 0.011 * expected.variance.abs() + 1e-9, "{:?} {:?}", found, expected);
        }
    }

    /// Both ways of computing give the same.
    #[test]
    fn together_and_apart_agree(x in prop::collection::vec(-20i32..20, 40..120), seed in 0u32..1000) {
        let y: Vec<f64> = u(x.len() as u32, seed).iter().zip(&x).map(|(u, x)| 15.0 * u + f64::from(*x)).collect();
        let mut x: Vec<f64> = x.into_iter().map(f64::from).collect();
        let found = only(&[Values::Numeric(&x), Values::Numeric(&y)]);
        x.push(f64::NAN);
        let longer = [&y[..], &[9.0]].concat();
        let apart = only(&[Values::Numeric(&x), Values::Numeric(&longer)]);
        let (Ok(found), Ok(apart)) = (found.alarming, apart.alarming) else {
            return Ok(());
        };
        prop_assert!((found.value - apart.value).abs() <= 1.01e-6);
        prop_assert!((found.variance - apart.variance).abs() <= 0.011 * found.variance);
        prop_assert_eq!(found.n, apart.n);
    }
}
