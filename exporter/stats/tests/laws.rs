//! Laws of a profile: batches may be cut, reordered and merged in any way.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use proptest::prelude::*;
use stats::{
    Bins, Categories, Column, ColumnError, Counts, FeatureProfile, Kind, MergeError, Summary,
    Validity,
};

/// One row of a numeric feature, `None` for null.
fn number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        8 => (-1e6..1e6f64).prop_map(Some),
        4 => (0..6i32).prop_map(|value| Some(f64::from(value))),
        1 => Just(None),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(Some),
    ]
}

fn numbers(rows: &[Option<f64>], bins: Option<Arc<Bins>>) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Numeric, bins);
    let values: Vec<f64> = rows.iter().map(|row| row.unwrap_or(12345.0)).collect();
    let mut bits = vec![0u8; rows.len() / 8 + 1];
    rows.iter()
        .enumerate()
        .filter(|(_, row)| row.is_some())
        .for_each(|(i, _)| bits[i / 8] |= 1 << (i % 8));
    let validity = Validity::bitmap(&bits, 0, rows.len()).unwrap();
    profile
        .update(&Column::Numeric {
            values: &values,
            validity,
        })
        .unwrap();
    profile
}

/// Rows of a categorical feature through a dictionary of their own order.
fn names(rows: &[Option<String>], bins: Option<Arc<Bins>>, generation: u64) -> FeatureProfile {
    let mut dictionary: Vec<&str> = rows.iter().flatten().map(String::as_str).collect();
    dictionary.sort_unstable();
    dictionary.dedup();
    let code = |row: &Option<String>| {
        row.as_ref().map_or(-7, |name| {
            dictionary.binary_search(&name.as_str()).unwrap() as i32
        })
    };
    let codes: Vec<i32> = rows.iter().map(code).collect();
    let mut bits = vec![0u8; rows.len() / 8 + 1];
    rows.iter()
        .enumerate()
        .filter(|(_, row)| row.is_some())
        .for_each(|(i, _)| bits[i / 8] |= 1 << (i % 8));
    let validity = Validity::bitmap(&bits, 0, rows.len()).unwrap();
    let categories = Categories {
        generation,
        len: dictionary.len(),
        name: &|code| dictionary.get(code).copied(),
    };
    let mut profile = FeatureProfile::new(Kind::Categorical, bins);
    profile
        .update(&Column::Categorical {
            codes: &codes,
            validity,
            categories,
        })
        .unwrap();
    profile
}

/// Equal, sums of floating-point numbers within 1e-12 of the values' size.
fn same(a: &Summary, b: &Summary) -> Result<(), TestCaseError> {
    let close = |a: f64, b: f64, scale: f64| (a - b).abs() <= 1e-12 * scale;
    let (mut a, b) = (a.clone(), b.clone());
    if let (Some(left), Some(right)) = (&mut a.moments, &b.moments) {
        let scale = left.min.abs().max(left.max.abs());
        prop_assert!(close(left.mean, right.mean, scale), "{left:?} {right:?}");
        let (x, y) = (left.variance.unwrap_or(0.0), right.variance.unwrap_or(0.0));
        prop_assert!(close(x, y, x.max(y)), "{left:?} {right:?}");
        *left = *right;
    }
    let means = |counts: &mut Counts| match counts {
        Counts::Numeric {
            mean, below, above, ..
        } => [mean, &mut below.mean, &mut above.mean]
            .map(std::mem::take)
            .to_vec(),
        Counts::Categorical { .. } => Vec::new(),
    };
    let mut b = b.clone();
    let (left, right) = (a.counts.as_mut().map(means), b.counts.as_mut().map(means));
    for (left, right) in left.into_iter().flatten().zip(right.into_iter().flatten()) {
        prop_assert!(close(left, right, left.abs().max(1e6)), "{left} {right}");
    }
    prop_assert_eq!(a, b);
    Ok(())
}

fn merged(parts: impl IntoIterator<Item = FeatureProfile>) -> Summary {
    let mut parts = parts.into_iter();
    let mut whole = parts.next().unwrap();
    parts.for_each(|part| whole.merge(part).unwrap());
    whole.close()
}

proptest! {
    // Integration tests have no source folder in which proptest could keep failures.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_merge_in_any_order(rows in prop::collection::vec(number(), 3..600), first in 0usize..200, second in 0usize..200) {
        let (first, second) = (first % rows.len(), second % rows.len());
        let (first, second) = (first.min(second), first.max(second));
        let parts = [&rows[..first], &rows[first..second], &rows[second..]];
        for bins in [None, Some(Arc::new(numbers(&rows[..rows.len() / 2], None).freeze_bins()))] {
            let part = |i: usize| numbers(parts[i], bins.clone());
            let whole = numbers(&rows, bins.clone()).close();
            same(&merged([part(0), part(1), part(2)]), &whole)?;
            same(&merged([part(2), part(0), part(1)]), &whole)?;
            let mut right = part(1);
            right.merge(part(2)).unwrap();
            same(&merged([part(0), right]), &whole)?;
        }
    }

    #[test]
    fn numbers_count_what_they_hold(rows in prop::collection::vec(number(), 0..300)) {
        let bins = Arc::new(numbers(&rows, None).freeze_bins());
        let summary = numbers(&rows, Some(bins)).close();
        let values: Vec<f64> = rows.iter().flatten().copied().filter(|value| !value.is_nan()).collect();
        let count = |holds: &dyn Fn(f64) -> bool| values.iter().filter(|value| holds(**value)).count() as u64;
        prop_assert_eq!(summary.rows, rows.len() as u64);
        prop_assert_eq!(summary.nulls, rows.iter().filter(|row| row.is_none()).count() as u64);
        prop_assert_eq!(summary.values(), values.len() as u64);
        prop_assert_eq!(summary.infinities, count(&f64::is_infinite));
        prop_assert_eq!(summary.zeros, count(&|value| value == 0.0));
        let Some(Counts::Numeric { fine, .. }) = &summary.counts else { return Err(TestCaseError::fail("no counts")) };
        prop_assert_eq!(fine.iter().sum::<u64>(), values.len() as u64);
        let json = serde_json::to_string(&summary).unwrap();
        prop_assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
    }

    #[test]
    fn names_merge_in_any_order(rows in prop::collection::vec(prop::option::of("[a-f]{1,2}"), 3..300), cut in 0usize..300) {
        let cut = cut % rows.len();
        for bins in [None, Some(Arc::new(names(&rows[..rows.len() / 3], None, 1).freeze_bins()))] {
            let whole = names(&rows, bins.clone(), 1).close();
            let part = |rows: &[Option<String>], generation| names(rows, bins.clone(), generation);
            same(&merged([part(&rows[..cut], 2), part(&rows[cut..], 3)]), &whole)?;
            same(&merged([part(&rows[cut..], 3), part(&rows[..cut], 2)]), &whole)?;
            prop_assert_eq!(whole.top.iter().map(|(_, count)| count).sum::<u64>() + whole.nulls, whole.rows);
        }
    }

    #[test]
    fn bins_survive_their_file(rows in prop::collection::vec(number(), 0..2000)) {
        let bins = numbers(&rows, None).freeze_bins();
        let again: Bins = serde_json::from_str(&serde_json::to_string(&bins).unwrap()).unwrap();
        prop_assert_eq!(&again, &bins);
        let Bins::Numeric(bins) = bins else { return Err(TestCaseError::fail("not numeric")) };
        prop_assert!(bins.edges().is_sorted_by(|a, b| a < b));
        prop_assert_eq!(bins.coarse(&vec![1; bins.len()]).iter().sum::<u64>(), bins.len() as u64);
        prop_assert_eq!(bins.coarse(&vec![1; bins.len()]).len(), bins.coarse_edges().len() + 1);
    }
}

#[test]
fn category_bins_tell_top_other_and_unseen() {
    let baseline: Vec<Option<String>> = (0..60)
        .flat_map(|i| (0..=60 - i).map(move |_| Some(format!("n{i:02}"))))
        .collect();
    let bins = Arc::new(names(&baseline, None, 1).freeze_bins());
    let Bins::Categorical(categories) = &*bins else {
        panic!("not categorical")
    };
    assert_eq!(categories.names().len(), 50);
    assert_eq!(
        (categories.names()[0].as_str(), categories.tells_unseen()),
        ("n00", true)
    );
    let rows = ["n00", "n59", "n59", "new", "n49"].map(|name| Some(name.to_owned()));
    let summary = names(&rows, Some(bins.clone()), 2).close();
    let Some(Counts::Categorical {
        top, other, unseen, ..
    }) = summary.counts
    else {
        panic!("no counts")
    };
    assert_eq!((top[0], top[49], other, unseen), (1, 1, 2, 1));
    let again: Bins = serde_json::from_str(&serde_json::to_string(&*bins).unwrap()).unwrap();
    assert_eq!(again, *bins);
}

#[test]
fn a_dictionary_with_nulls_and_one_larger_than_the_batch() {
    let name = |code: usize| (code != 3).then_some(["a", "b", "c", "", "e"][code % 5]);
    let mut profile = FeatureProfile::new(Kind::Categorical, None);
    let codes = [3, 0, 3, 0];
    let categories = Categories {
        generation: 1,
        len: 100_000,
        name: &name,
    };
    profile
        .update(&Column::Categorical {
            codes: &codes,
            validity: Validity::all(4),
            categories,
        })
        .unwrap();
    let summary = profile.close();
    assert_eq!(
        (summary.rows, summary.nulls, summary.top),
        (4, 2, vec![("a".to_owned(), 2)])
    );
}

#[test]
fn what_contradicts_itself_is_refused_and_changes_nothing() {
    let mut profile = FeatureProfile::new(Kind::Categorical, None);
    for codes in [[0, 1], [0, -1], [0, i32::MIN]] {
        let name = |_: usize| Some("a");
        let categories = Categories {
            generation: 1,
            len: 1,
            name: &name,
        };
        let column = Column::Categorical {
            codes: &codes,
            validity: Validity::all(2),
            categories,
        };
        assert_eq!(
            profile.update(&column),
            Err(ColumnError::Code {
                rows: 1,
                categories: 1
            })
        );
    }
    let column = Column::Numeric {
        values: &[1.0],
        validity: Validity::all(1),
    };
    assert!(matches!(
        profile.update(&column),
        Err(ColumnError::Kind { .. })
    ));
    let name = |_: usize| Some("a");
    let categories = Categories {
        generation: 1,
        len: 1,
        name: &name,
    };
    let column = Column::Categorical {
        codes: &[0],
        validity: Validity::all(2),
        categories,
    };
    assert_eq!(
        profile.update(&column),
        Err(ColumnError::Length {
            values: 1,
            validity: 2
        })
    );
    assert_eq!(profile.rows(), 0);
    assert_eq!(
        profile.merge(FeatureProfile::new(Kind::Numeric, None)),
        Err(MergeError::Kind {
            mine: Kind::Categorical,
            other: Kind::Numeric
        })
    );
    let bins = Arc::new(FeatureProfile::new(Kind::Categorical, None).freeze_bins());
    assert_eq!(
        profile.merge(FeatureProfile::new(Kind::Categorical, Some(bins))),
        Err(MergeError::Bins)
    );
}

#[test]
fn damaged_bins_are_refused() {
    for damaged in [
        r#"{"Numeric":{"edges":[2.0,1.0],"coarse":[],"spread":null}}"#,
        r#"{"Numeric":{"edges":[1.0,2.0],"coarse":[2],"spread":null}}"#,
        r#"{"Numeric":{"edges":[1.0],"coarse":[0],"spread":-1.0}}"#,
        r#"{"Categorical":{"names":["a"],"hashes":[],"seen":[],"seen_complete":true}}"#,
    ] {
        assert!(serde_json::from_str::<Bins>(damaged).is_err(), "{damaged}");
    }
}

/// 200,000 rows of 100 values: the sample is not complete, counts and moments stay exact.
#[test]
fn a_window_longer_than_the_sample_keeps_its_quantiles_within_one_percent() {
    let rows: Vec<Option<f64>> = (0..200_000u32)
        .map(|i| Some(f64::from(i.wrapping_mul(2_654_435_761) % 100_000)))
        .collect();
    let summary = merged(rows.chunks(30_000).map(|part| numbers(part, None)));
    let quantiles = summary.quantiles.unwrap();
    assert_eq!(quantiles.rank_error, 0.01);
    let mut sorted: Vec<f64> = rows.into_iter().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    for (value, p) in quantiles.values.iter().zip(stats::PROBABILITIES) {
        let rank = sorted.partition_point(|other| other <= value) as f64 / sorted.len() as f64;
        assert!((rank - p).abs() <= 0.01, "{p}: {rank}");
    }
    sorted.dedup();
    let distinct = sorted.len() as f64;
    assert!(
        (summary.distinct / distinct - 1.0).abs() < 0.05,
        "{} {distinct}",
        summary.distinct
    );
}
