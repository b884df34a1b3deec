//! Nanoseconds per cell of every kernel, on batches of 16,384 rows that pass through a working set larger than the
//! caches, beside two baselines measured in the same run: the plain sum of the same values, which is what reading
//! them costs, and a binary search over the same edges, which is what finding a bin costs without the grid.
//! A stated floor stands beside a kernel where there is one: see [`Floor`].
//!
//! A short table with ratios follows criterion's report. `KERNELS=table` prints the table alone.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stats::{Bins, Categories, Column, FeatureProfile, Kind, Validity};

/// Rows of a batch, as Flight servers send them.
const BATCH: usize = 16_384;
/// 8 MiB of values: more than a core's own caches.
const BATCHES: usize = 64;

/// One feature's batches.
struct Data {
    name: &'static str,
    values: Vec<f64>,
    bits: Option<Vec<u8>>,
}

fn data(name: &'static str, nulls: f64, mut value: impl FnMut(&mut SmallRng) -> f64) -> Data {
    let mut rng = SmallRng::seed_from_u64(7);
    let values: Vec<f64> = (0..BATCH * BATCHES).map(|_| value(&mut rng)).collect();
    let bits = (nulls > 0.0).then(|| {
        let mut bits = vec![0u8; values.len() / 8];
        (0..values.len())
            .filter(|_| rng.random::<f64>() >= nulls)
            .for_each(|row| bits[row / 8] |= 1 << (row % 8));
        bits
    });
    Data { name, values, bits }
}

fn normal(rng: &mut SmallRng) -> f64 {
    (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt()
        * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

impl Data {
    fn batches(&self) -> impl Iterator<Item = Column<'_>> {
        self.values
            .chunks(BATCH)
            .enumerate()
            .map(|(batch, values)| {
                let validity = match &self.bits {
                    Some(bits) => Validity::bitmap(bits, batch * BATCH, BATCH).unwrap(),
                    None => Validity::all(BATCH),
                };
                Column::Numeric { values, validity }
            })
    }

    fn profile(&self, bins: Option<Arc<Bins>>) -> FeatureProfile {
        let mut profile = FeatureProfile::new(Kind::Numeric, bins);
        self.batches()
            .for_each(|batch| profile.update(&batch).unwrap());
        profile
    }

    fn bins(&self) -> Arc<Bins> {
        Arc::new(self.profile(None).freeze_bins())
    }
}

/// What the same work took at least where it was measured apart from this code: one thread, CPU nanoseconds a float64
/// cell read from memory, on a machine with 2 cores whose one thread reads 13 GB/s. It is a constant, not measured by
/// this run: a machine that reads faster, or keeps these batches in a shared cache, is below it, so look at the sum first.
#[derive(Clone, Copy)]
struct Floor {
    nanoseconds: f64,
    of: &'static str,
}

const SUM: Floor = Floor {
    nanoseconds: 0.60,
    of: "sum",
};
const MOMENTS: Floor = Floor {
    nanoseconds: 0.84,
    of: "nulls, min, max, sum and sum of squares in one pass under a validity mask, AVX-512",
};
const HISTOGRAM: Floor = Floor {
    nanoseconds: 1.8,
    of: "histogram of 2,048 bins, scalar",
};
const HYPERLOGLOG: Floor = Floor {
    nanoseconds: 2.2,
    of: "HyperLogLog, p = 12",
};

/// One pass over all batches.
struct Kernel<'a> {
    name: String,
    floor: Option<Floor>,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Kernel<'a> {
    fn new(name: impl Into<String>, floor: Option<Floor>, run: impl FnMut() + 'a) -> Self {
        Self {
            name: name.into(),
            floor,
            run: Box::new(run),
        }
    }
}

fn kernels<'a>(features: &'a [Data], names: &'a Names) -> Vec<Kernel<'a>> {
    let mut kernels: Vec<Kernel<'a>> = Vec::new();
    let plain = &features[0].values;
    kernels.push(Kernel::new("sum of the values", Some(SUM), || {
        black_box(
            plain
                .chunks(BATCH)
                .map(|batch| {
                    let (blocks, _) = batch.as_chunks::<16>();
                    let mut lanes = [0.0; 16];
                    blocks.iter().for_each(|block| {
                        lanes
                            .iter_mut()
                            .zip(block)
                            .for_each(|(lane, value)| *lane += value)
                    });
                    lanes.iter().sum::<f64>()
                })
                .sum::<f64>(),
        );
    }));
    let bins = features[0].bins();
    kernels.push(Kernel::new(
        "bins by binary search, normal",
        None,
        move || {
            let Bins::Numeric(bins) = &*bins else { return };
            let mut counts = vec![0u64; bins.len()];
            plain
                .iter()
                .for_each(|value| counts[bins.edges().partition_point(|edge| value >= edge)] += 1);
            black_box(counts);
        },
    ));
    for kernel in stats::kernels::ALL {
        let floor = match kernel {
            stats::kernels::Kernel::Moments => MOMENTS,
            stats::kernels::Kernel::Bins => HISTOGRAM,
            stats::kernels::Kernel::Distinct => HYPERLOGLOG,
        };
        for feature in features.iter().filter(|feature| feature.bits.is_none()) {
            let mut state = stats::kernels::State::new(&feature.bins());
            kernels.push(Kernel::new(
                format!("{kernel}, {}", feature.name),
                Some(floor),
                move || {
                    feature
                        .values
                        .chunks(BATCH)
                        .for_each(|batch| state.run(kernel, batch))
                },
            ));
        }
    }
    for feature in features {
        let bins = feature.bins();
        kernels.push(Kernel::new(
            format!("whole numeric update, {}", feature.name),
            None,
            move || {
                black_box(feature.profile(Some(bins.clone())));
            },
        ));
    }
    kernels.push(Kernel::new("dictionary counts, 12 names", None, || {
        black_box(names.profile());
    }));
    kernels
}

/// A dictionary column.
struct Names {
    codes: Vec<i32>,
    dictionary: Vec<String>,
}

impl Names {
    fn profile(&self) -> FeatureProfile {
        let mut profile = FeatureProfile::new(Kind::Categorical, None);
        for codes in self.codes.chunks(BATCH) {
            let name = |code: usize| self.dictionary.get(code).map(String::as_str);
            let categories = Categories {
                generation: 1,
                len: self.dictionary.len(),
                name: &name,
            };
            profile
                .update(&Column::Categorical {
                    codes,
                    validity: Validity::all(codes.len()),
                    categories,
                })
                .unwrap();
        }
        profile
    }
}

fn main() {
    let features = [
        data("normal", 0.0, normal),
        data("log-normal", 0.0, |rng| normal(rng).exp()),
        data("60 % zeros", 0.0, |rng| {
            if rng.random::<f64>() < 0.6 {
                0.0
            } else {
                normal(rng)
            }
        }),
        data("counts 0 to 30", 0.0, |rng| {
            (normal(rng) * 6.0 + 12.0).clamp(0.0, 30.0).round()
        }),
        data("normal with 2 % nulls", 0.02, normal),
    ];
    let mut rng = SmallRng::seed_from_u64(8);
    let names = Names {
        codes: (0..BATCH * BATCHES)
            .map(|_| rng.random_range(0..12))
            .collect(),
        dictionary: (0..12).map(|code| format!("category {code}")).collect(),
    };
    let mut kernels = kernels(&features, &names);
    if std::env::var_os("KERNELS").is_none_or(|value| value != "table") {
        let mut criterion = Criterion::default().configure_from_args().sample_size(10);
        let mut group = criterion.benchmark_group("cells");
        group.throughput(Throughput::Elements((BATCH * BATCHES) as u64));
        group
            .measurement_time(Duration::from_secs(2))
            .warm_up_time(Duration::from_millis(200));
        for Kernel { name, run, .. } in &mut kernels {
            group.bench_function(name.as_str(), |bencher| bencher.iter(&mut *run));
        }
        group.finish();
        criterion.final_summary();
    }
    // `cargo test` runs benches once to see that they work; numbers are for `cargo bench`.
    if std::env::args().any(|argument| argument == "--bench") {
        print_table(&mut kernels);
    }
}

/// The best of several interleaved rounds, so that a busy machine slows all kernels alike.
fn print_table(kernels: &mut [Kernel<'_>]) {
    let mut best = vec![f64::INFINITY; kernels.len()];
    for _ in 0..25 {
        for (best, kernel) in best.iter_mut().zip(kernels.iter_mut()) {
            let start = Instant::now();
            (kernel.run)();
            *best = best.min(start.elapsed().as_secs_f64() * 1e9 / (BATCH * BATCHES) as f64);
        }
    }
    println!(
        "{:<44} {:>8} {:>8} {:>8} {:>8}",
        "kernel", "ns/cell", "× sum", "floor", "× floor"
    );
    for (best_time, kernel) in best.iter().zip(kernels.iter()) {
        let beside = kernel.floor.map_or_else(String::new, |floor| {
            let ratio = best_time / floor.nanoseconds;
            format!(" {:>8.2} {ratio:>8.1}", floor.nanoseconds)
        });
        let sums = best_time / best[0];
        println!("{:<44} {best_time:>8.2} {sums:>8.1}{beside}", kernel.name);
    }
    println!("floor: stated ns/cell, one thread, from memory; not measured by this run");
    for floor in [SUM, MOMENTS, HISTOGRAM, HYPERLOGLOG] {
        println!("{:>8.2} {}", floor.nanoseconds, floor.of);
    }
}
