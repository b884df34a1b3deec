//! The baseline of every pair: its windows pooled, and how far each window is from the others.
//!
//! Correlations are averaged on Fisher's z scale with the weights n − 3 (Fisher 1921), the squares of V and of the
//! correlation ratio with the weights n, before they are cut at 0: the mean of values that are cut lies above 0 where there is
//! nothing.

use super::matrix::{Matrix, Pair};
use super::measure::{
    Association, Independence, InputError, NEARLY_ONE, NotComputed, round, round_variance,
};

/// A pooled baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    /// Every pair over all windows; its n is the sum of theirs. A pair that no window has is not computed for the
    /// first window's reason.
    pub matrix: Matrix,
    /// For each pair of the matrix, in its order, the signed difference of the alarming measure in each window to the
    /// others pooled, on the plain scale; of the windows that have the pair, and none where only one has it. They are
    /// what [`crate::limits::Between::differences`] takes.
    pub differences: Vec<Vec<f64>>,
}

/// Pools the matrices of a baseline's windows.
///
/// # Errors
/// When there is none, or when they are about different columns.
pub fn pool(windows: &[Matrix]) -> Result<Pooled, InputError> {
    let Some(first) = windows.first() else {
        return Err(InputError::NoMatrix);
    };
    if windows.iter().any(|window| window.kinds != first.kinds) {
        return Err(InputError::OtherColumns);
    }
    let mut pairs = Vec::with_capacity(first.pairs.len());
    let mut differences = Vec::with_capacity(first.pairs.len());
    for (at, pair) in first.pairs.iter().enumerate() {
        let of = |reading: fn(&Pair) -> Option<Result<Association, NotComputed>>| {
            let pairs = windows.iter().filter_map(|window| window.pairs.get(at));
            let computed = pairs.filter_map(reading).filter_map(Result::ok);
            computed.collect::<Vec<_>>()
        };
        let alarming = of(|pair| Some(pair.alarming));
        let pearson = of(|pair| pair.pearson);
        differences.push(leave_one_out(&alarming));
        pairs.push(Pair {
            alarming: pooled(&alarming).map_or(pair.alarming, Ok),
            pearson: pair
                .pearson
                .map(|reading| pooled(&pearson).map_or(reading, Ok)),
        });
    }
    let kinds = first.kinds.clone();
    Ok(Pooled {
        matrix: Matrix { kinds, pairs },
        differences,
    })
}

/// A value on the scale on which it is averaged, and its weight there.
fn scaled(reading: &Association) -> (f64, f64) {
    let n = reading.n as f64;
    match reading.independence {
        Some(near) => (near.square, n),
        None => {
            let value = reading.value.clamp(-NEARLY_ONE, NEARLY_ONE);
            (value.atanh(), (n - 3.0).max(1.0))
        }
    }
}

/// Back from that scale.
fn plain(reading: &Association, scaled: f64) -> f64 {
    match reading.independence {
        Some(_) => scaled.max(0.0).sqrt(),
        None => scaled.tanh(),
    }
}

/// Sum of the weights, and of the weighted values.
fn totals(readings: &[Association]) -> (f64, f64) {
    readings
        .iter()
        .map(scaled)
        .fold((0.0, 0.0), |(weights, sum), (value, weight)| {
            (weights + weight, sum + weight * value)
        })
}

fn pooled(readings: &[Association]) -> Option<Association> {
    let first = readings.first()?;
    let (weights, sum) = totals(readings);
    let mean = sum / weights;
    let n: u64 = readings.iter().map(|reading| reading.n).sum();
    // Weighted by rows.
    let average = |of: &dyn Fn(&Association) -> f64| {
        readings.iter().map(|r| r.n as f64 * of(r)).sum::<f64>() / n as f64
    };
    let near = |of: fn(&Independence) -> f64| {
        average(&|reading| reading.independence.as_ref().map_or(0.0, of))
    };
    let third = round_variance(near(|near| near.third));
    let cells = [
        near(|near| near.cells.0 as f64),
        near(|near| near.cells.1 as f64),
    ];
    let [cells_variance, cells_third] = cells.map(|mean| mean.round() as i64);
    let all = readings.iter().filter_map(|reading| reading.independence);
    Some(Association {
        measure: first.measure,
        value: round(plain(first, mean)),
        n,
        variance: round_variance(average(&|reading| reading.variance)),
        // A category that one window has may turn up in the next.
        independence: all.reduce(|a, b| Independence {
            degrees: a.degrees.max(b.degrees),
            scale: a.scale.max(b.scale),
            square: round(mean),
            third,
            cells: (cells_variance, cells_third),
            windows: a.windows + b.windows,
        }),
    })
}

fn leave_one_out(readings: &[Association]) -> Vec<f64> {
    if readings.len() < 2 {
        return Vec::new();
    }
    let (weights, sum) = totals(readings);
    let difference = |reading: &Association| {
        let (value, weight) = scaled(reading);
        reading.value - plain(reading, (sum - weight * value) / (weights - weight))
    };
    readings.iter().map(difference).collect()
}
