//! What each feature brings to what all of them together tell about the target: LMG shares of R².
//!
//! The regression is one of ranks: a number enters as its mid-rank, a category as the mean that the target has in it, and a row
//! without a value as the mean of those with one. A target of numbers is ranked too; of one with classes each class is told from
//! the rest, and R² is the mean over classes with the weights p(1−p), the part of Σ p(1−p) that is explained. Ranks, since a
//! few far-out numbers would otherwise be the whole of R².

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Predictor, Target};
use crate::association::ABSENT;
use crate::mid_ranks::MidRanks;
use crate::missingness::Indicator;
use crate::power_sums::PowerSums;
use crate::predictive::NotComputed;
use crate::predictive::contribution::lmg;
use crate::ranks::Ranks;

/// The most features that share: those that tell the most by themselves in the window. The others bring nothing.
pub const MAX_CONTRIBUTING: usize = 32;
/// The fewest rows for each feature that shares: a regression on few rows explains whatever it is given.
const ROWS_EACH: u64 = 10;

/// What each feature of a window brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contributions {
    /// R² of all that share, in 0..=1.
    pub r_squared: f64,
    /// The part of it that each brings, largest first; they sum up to it.
    pub shares: Vec<(String, f64)>,
}

impl Contributions {
    /// What a feature brings; 0 for one that does not share.
    pub fn of(&self, feature: &str) -> f64 {
        let found = self.shares.iter().find(|(name, _)| name == feature);
        found.map_or(0.0, |(_, share)| *share)
    }
}

/// Of features that are encoded for these rows, each with its name.
pub(super) fn contributions(
    target: Target<'_>,
    rows: &Rows,
    features: &[(&str, Encoded)],
) -> Result<Contributions, NotComputed> {
    if features.is_empty() {
        return Err(NotComputed::NoFeature);
    }
    let responses = rows.responses(target)?;
    let weights: f64 = responses.iter().map(|response| response.weight).sum();
    // By itself each feature explains r², the mean over responses.
    let alone = |(_, feature): &(&str, Encoded)| -> f64 {
        let explained = responses.iter().map(|response| {
            let column = feature.column(response);
            response.weight / weights * dot(&column, &response.values).powi(2)
        });
        explained.sum()
    };
    let alone: Vec<f64> = features.par_iter().map(alone).collect();
    let mut order: Vec<(usize, f64)> = alone.into_iter().enumerate().collect();
    order.retain(|(_, alone)| *alone > 0.0);
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order.truncate(MAX_CONTRIBUTING);
    if order.is_empty() {
        return Err(NotComputed::ConstantFeature);
    }
    let need = ROWS_EACH * order.len() as u64;
    let have = rows.count();
    if have < need {
        return Err(NotComputed::TooFewRows { have, need });
    }
    let shared = responses.par_iter().map(|response| {
        let chosen = order
            .iter()
            .filter_map(|(feature, _)| features.get(*feature));
        let columns: Vec<Cow<'_, [f64]>> = chosen
            .map(|(_, feature)| feature.column(response))
            .collect();
        let (correlations, with_response) = correlations(&columns, response);
        lmg(&correlations, &with_response)
    });
    let shared: Vec<_> = shared.collect::<Result<_, _>>()?;
    let mut shares = vec![0.0; order.len()];
    for (response, found) in responses.iter().zip(shared) {
        for (sum, share) in shares.iter_mut().zip(&found.shares) {
            *sum += response.weight / weights * share.value;
        }
    }
    let name = |feature: usize| features.get(feature).map_or("", |(name, _)| *name);
    let mut shares: Vec<(String, f64)> = order
        .iter()
        .zip(shares)
        .map(|((feature, _), share)| (name(*feature).to_owned(), share.max(0.0)))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(Contributions {
        r_squared: shares.iter().map(|(_, share)| share).sum::<f64>().min(1.0),
        shares,
    })
}

/// The rows whose target is known.
pub(super) struct Rows {
    unknown: Indicator,
}

/// What is explained: mean 0 and length 1.
struct Response {
    values: Vec<f64>,
    weight: f64,
}

impl Rows {
    pub(super) fn of(target: Target<'_>) -> Self {
        let unknown = match target {
            Target::Classes { codes, .. } => codes.iter().map(|code| *code == ABSENT).collect(),
            Target::Numbers(values) => Indicator::of_values(values),
        };
        Rows { unknown }
    }

    fn count(&self) -> u64 {
        self.unknown.rows() as u64 - self.unknown.count()
    }

    /// The values of a column in these rows.
    fn pick<T: Copy>(&self, column: &[T], absent: T) -> Vec<T> {
        let value = |row: usize| column.get(row).copied().unwrap_or(absent);
        self.unknown.present().map(value).collect()
    }

    /// Mid-ranks of a column among these rows, doubled and less their mean, NaN where there is no value.
    fn mid_ranks(&self, ranks: &Ranks) -> Vec<f64> {
        let own = self.pick(&ranks.rows, ABSENT);
        let n = own.iter().filter(|rank| **rank != ABSENT).count();
        let mut mid_ranks = MidRanks::default();
        mid_ranks.of(ranks, &self.unknown, n as u64);
        let table = mid_ranks.table();
        let value = |rank: &u32| match *rank {
            ABSENT => f64::NAN,
            rank => f64::from(table.twice(rank)),
        };
        own.iter().map(value).collect()
    }

    fn responses(&self, target: Target<'_>) -> Result<Vec<Response>, NotComputed> {
        match target {
            Target::Numbers(values) => {
                let values = unit(self.mid_ranks(&Ranks::of(values)));
                let values = values.ok_or(NotComputed::ConstantTarget)?;
                Ok(vec![Response {
                    values,
                    weight: 1.0,
                }])
            }
            Target::Classes { codes, classes } => {
                let codes = self.pick(codes, ABSENT);
                let one = |class: u32| {
                    let is_it = |code: &u32| f64::from(u8::from(*code == class));
                    let values: Vec<f64> = codes.iter().map(is_it).collect();
                    let share = values.iter().sum::<f64>() / values.len() as f64;
                    Some(Response {
                        values: unit(values)?,
                        weight: share * (1.0 - share),
                    })
                };
                // Of two classes either says all.
                let classes = if classes == 2 { 1 } else { classes as u32 };
                let found: Vec<Response> = (0..classes).filter_map(one).collect();
                match found.is_empty() {
                    true => Err(NotComputed::OneClass),
                    false => Ok(found),
                }
            }
        }
    }
}

/// A feature, ready for every response.
pub(super) enum Encoded {
    /// Mid-ranks with mean 0 and length 1; all 0 where it is constant.
    Ranks(Vec<f64>),
    Codes {
        codes: Vec<u32>,
        categories: usize,
    },
}

impl Encoded {
    /// With the ranks of a number.
    pub(super) fn new(rows: &Rows, feature: &Predictor<'_>, ranks: &Ranks) -> Self {
        match feature {
            Predictor::Numeric { .. } => {
                let ranks = rows.mid_ranks(ranks);
                let count = ranks.len();
                Encoded::Ranks(unit(ranks).unwrap_or_else(|| vec![0.0; count]))
            }
            Predictor::Categorical { codes, categories } => Encoded::Codes {
                codes: rows.pick(codes, ABSENT),
                categories: *categories,
            },
        }
    }

    /// As a column that may explain the response: mean 0 and length 1, or all 0.
    fn column(&self, response: &Response) -> Cow<'_, [f64]> {
        match self {
            Encoded::Ranks(ranks) => Cow::Borrowed(ranks),
            Encoded::Codes { codes, categories } => {
                let mut groups = vec![(0.0f64, 0.0f64); *categories];
                for (code, value) in codes.iter().zip(&response.values) {
                    if let Some((count, sum)) = groups.get_mut(*code as usize) {
                        *count += 1.0;
                        *sum += value;
                    }
                }
                let mean = |code: &u32| match groups.get(*code as usize) {
                    Some((count, sum)) if *count > 0.0 => sum / count,
                    _ => f64::NAN,
                };
                let means: Vec<f64> = codes.iter().map(mean).collect();
                Cow::Owned(unit(means).unwrap_or_else(|| vec![0.0; codes.len()]))
            }
        }
    }
}

/// Less the mean of what is known, what is not known there too, with length 1; `None` of a constant.
fn unit(mut values: Vec<f64>) -> Option<Vec<f64>> {
    let known = values.iter().filter(|value| !value.is_nan());
    let (count, sum) = known.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    let mean = sum / count;
    for value in &mut values {
        *value = if value.is_nan() { 0.0 } else { *value - mean };
    }
    let length = dot(&values, &values).sqrt();
    // What is left of a constant is rounding.
    let least = 1e-9 * mean.abs() * f64::sqrt(count);
    (length > least && length > 0.0).then(|| {
        values.iter_mut().for_each(|value| *value /= length);
        values
    })
}

/// Of columns with mean 0 and length 1, row by row, and those with the response; of a column of zeros 0 with every other one.
fn correlations(columns: &[Cow<'_, [f64]>], response: &Response) -> (Vec<f64>, Vec<f64>) {
    let all = columns.iter().map(|column| &**column);
    let all: Vec<&[f64]> = all.chain([response.values.as_slice()]).collect();
    let products = PowerSums::of(&all, &[(1..=1, 1)]);
    let size = columns.len();
    let r = |row: usize, column: usize| match row == column {
        true => 1.0,
        false => products.get((1, 1), (row, column)).clamp(-1.0, 1.0),
    };
    let among = (0..size).flat_map(|row| (0..size).map(move |column| (row, column)));
    (
        among.map(|(row, column)| r(row, column)).collect(),
        (0..size).map(|column| r(column, size)).collect(),
    )
}

/// With several sums side by side, which a processor adds at once.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((blocks_a, rest_a), (blocks_b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (a, b) in blocks_a.iter().zip(blocks_b) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(a, b)| a * b);
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use crate::bins::NumericBins;
    use crate::oracle::{check, row, u};
    use crate::performance::Performance;

    /// The rows of the reference values: 20 tied values, numbers of which a tenth is missing, and four categories.
    fn columns() -> (Vec<f64>, Vec<f64>, Vec<u32>) {
        let ties = u(300, 3).iter().map(|u| (u * 20.0).floor()).collect();
        let with_gaps = u(300, 7).into_iter().zip(u(300, 11));
        let with_gaps = with_gaps.map(|(value, u)| if u < 0.1 { f64::NAN } else { value });
        let codes = u(300, 5).into_iter().zip(u(300, 19));
        let codes = codes.map(|(value, u)| match u < 0.05 {
            true => ABSENT,
            false => (4.0 * value).floor() as u32,
        });
        (ties, with_gaps.collect(), codes.collect())
    }

    fn contributions(
        target: Target<'_>,
        features: &[(&str, Predictor<'_>)],
    ) -> Result<Contributions, NotComputed> {
        Performance::new("target", target, features).contributions
    }

    fn expect(found: &Contributions, key: &str) {
        let expected = row(key);
        for (name, expected) in ["ties", "gaps", "codes"].into_iter().zip(&expected) {
            check(found.of(name), *expected, 1e-10);
        }
        check(found.r_squared, expected.iter().sum(), 1e-10);
        assert!(found.shares.is_sorted_by(|a, b| a.1 >= b.1));
    }

    #[test]
    fn the_values_are_numpys() {
        let (ties, gaps, codes) = columns();
        let bins = NumericBins::freeze(ties.clone());
        let features = [
            (
                "ties",
                Predictor::Numeric {
                    values: &ties,
                    bins: &bins,
                },
            ),
            (
                "gaps",
                Predictor::Numeric {
                    values: &gaps,
                    bins: &bins,
                },
            ),
            (
                "codes",
                Predictor::Categorical {
                    codes: &codes,
                    categories: 5,
                },
            ),
        ];
        let mixed = u(300, 3).into_iter().zip(u(300, 7));
        let class = mixed.map(|(a, b)| (3.0 * ((0.7 * a + 0.5 * b) % 1.0)).floor() as u32);
        let class: Vec<u32> = class.collect();
        let classes = Target::Classes {
            codes: &class,
            classes: 4,
        };
        let found = contributions(classes, &features).unwrap();
        expect(&found, "contributions to classes");

        let number = u(300, 23).into_iter().zip(ties.iter().zip(&gaps));
        let number: Vec<f64> = number
            .map(|(u, (ties, gaps))| if u < 0.2 { *ties } else { 5.0 * gaps })
            .collect();
        let found = contributions(Target::Numbers(&number), &features).unwrap();
        expect(&found, "contributions to a number");
        assert_eq!(found.of("nobody"), 0.0);
    }

    #[test]
    fn what_has_no_contribution_is_said() {
        let values: Vec<f64> = (0..30).map(f64::from).collect();
        let bins = NumericBins::freeze(values.clone());
        let one = |values| {
            [(
                "a",
                Predictor::Numeric {
                    values,
                    bins: &bins,
                },
            )]
        };
        let halves: Vec<u32> = (0..30).map(|row| row / 15).collect();
        let of = |codes| Target::Classes { codes, classes: 2 };
        assert_eq!(contributions(of(&halves), &[]), Err(NotComputed::NoFeature));
        assert_eq!(
            contributions(of(&[0; 30]), &one(&values)),
            Err(NotComputed::OneClass)
        );
        assert_eq!(
            contributions(of(&halves), &one(&[1.0; 30])),
            Err(NotComputed::ConstantFeature)
        );
        assert_eq!(
            contributions(Target::Numbers(&[2.0; 30]), &one(&values)),
            Err(NotComputed::ConstantTarget)
        );
        let few = &halves[12..18];
        assert_eq!(
            contributions(of(few), &one(&values[12..18])),
            Err(NotComputed::TooFewRows { have: 6, need: 10 })
        );
        // Two columns that are the same share by halves.
        let twice = [one(&values)[0], ("b", one(&values)[0].1)];
        let found = contributions(of(&halves), &twice).unwrap();
        assert_eq!(found.of("a"), found.of("b"));
        assert!(found.of("a") > 0.3);
    }

    /// Of more features than may share the weakest bring nothing.
    #[test]
    fn the_strongest_share() {
        let mut random = SmallRng::seed_from_u64(1);
        let columns: Vec<Vec<f64>> = (0..40)
            .map(|_| (0..2_000).map(|_| random.random()).collect())
            .collect();
        let bins = NumericBins::freeze(columns[0].clone());
        let target: Vec<f64> = columns[0]
            .iter()
            .zip(&columns[1])
            .map(|(a, b)| a + 0.5 * b)
            .collect();
        let names: Vec<String> = (0..40).map(|column| format!("f{column}")).collect();
        let features: Vec<(&str, Predictor<'_>)> = names
            .iter()
            .zip(&columns)
            .map(|(name, values)| {
                (
                    name.as_str(),
                    Predictor::Numeric {
                        values,
                        bins: &bins,
                    },
                )
            })
            .collect();
        let found = contributions(Target::Numbers(&target), &features).unwrap();
        assert_eq!(found.shares.len(), MAX_CONTRIBUTING);
        assert_eq!(found.shares[0].0, "f0");
        assert!(found.of("f0") > 0.6 && found.r_squared > 0.95, "{found:?}");
    }
}
