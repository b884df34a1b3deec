//! Writing 100,000 series, against prometheus-client's Collector writing the same ones in the same run.
//!
//! Prints the ratio first, from the fastest of several interleaved runs of each, then Criterion's figures.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_main};
use metrics::{Family, Format, Label, Samples, table};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

const FEATURES: usize = 5_000;

static FAMILIES: [&Family<1>; 20] = [
    &table::FEATURE_ROWS,
    &table::FEATURE_MISSING_RATIO,
    &table::FEATURE_NAN_RATIO,
    &table::FEATURE_ZERO_RATIO,
    &table::FEATURE_MEAN,
    &table::FEATURE_STDDEV,
    &table::FEATURE_MIN,
    &table::FEATURE_MAX,
    &table::FEATURE_P01,
    &table::FEATURE_P05,
    &table::FEATURE_P25,
    &table::FEATURE_P50,
    &table::FEATURE_P75,
    &table::FEATURE_P95,
    &table::FEATURE_P99,
    &table::DRIFT_KS,
    &table::DRIFT_PSI,
    &table::DRIFT_HELLINGER,
    &table::DRIFT_WASSERSTEIN,
    &table::DRIFT_JENSEN_SHANNON,
];

fn features() -> Vec<String> {
    (0..FEATURES).map(|i| format!("feature_{i:04}")).collect()
}

/// A mix of whole numbers and fractions with many digits, as real statistics are.
fn value(family: usize, feature: usize) -> f64 {
    let index = (family * FEATURES + feature + 1) as f64;
    if family == 0 {
        index
    } else {
        (index * 0.618_033_988_749_895).fract() * 10f64.powi(family as i32 % 5 - 2)
    }
}

fn ours(features: &[String]) -> Samples {
    let mut samples = Samples::new("ml-prod", "customer-segmentation");
    for (i, family) in FAMILIES.iter().enumerate() {
        for (j, feature) in features.iter().enumerate() {
            samples.add(family, [(Label::Feature, feature)], value(i, j));
        }
    }
    samples
}

#[derive(Debug)]
struct Theirs(Vec<String>);

impl Collector for Theirs {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        for (i, family) in FAMILIES.iter().enumerate() {
            let family = family.definition();
            let gauge = ConstGauge::new(0.0);
            let mut metric =
                encoder.encode_descriptor(family.name, family.help(), None, gauge.metric_type())?;
            for (j, feature) in self.0.iter().enumerate() {
                let labels = [
                    ("namespace", "ml-prod"),
                    ("monitor", "customer-segmentation"),
                    ("feature", feature.as_str()),
                ];
                ConstGauge::new(value(i, j)).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn timed(run: impl FnOnce() -> usize) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

fn bench(criterion: &mut Criterion) {
    let features = features();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Theirs(features.clone())));
    let theirs = || {
        let mut text = String::new();
        text::encode(&mut text, &registry).expect("a String takes every write");
        text.len()
    };
    let ours_in_one_format = || ours(&features).text(Format::OpenMetrics).len();
    let ours_in_both_formats = || {
        let samples = ours(&features);
        samples.text(Format::Classic).len() + samples.text(Format::OpenMetrics).len()
    };

    let mut fastest = [Duration::MAX; 3];
    for _ in 0..15 {
        let runs = [
            timed(theirs),
            timed(ours_in_one_format),
            timed(ours_in_both_formats),
        ];
        for (fastest, run) in fastest.iter_mut().zip(runs) {
            *fastest = run.min(*fastest);
        }
    }
    let [theirs_took, one, both] = fastest;
    let ratio = |ours: Duration| ours.as_secs_f64() / theirs_took.as_secs_f64();
    println!("100,000 series, fastest of 15");
    println!("  prometheus-client, OpenMetrics   {theirs_took:>10.2?}");
    println!(
        "  ours, OpenMetrics                {one:>10.2?}  ratio {:.2}",
        ratio(one)
    );
    println!(
        "  ours, OpenMetrics and classic    {both:>10.2?}  ratio {:.2}",
        ratio(both)
    );

    let mut group = criterion.benchmark_group("100,000 series");
    group.sample_size(20);
    group.bench_function("prometheus-client", |bencher| bencher.iter(theirs));
    group.bench_function("one format", |bencher| bencher.iter(ours_in_one_format));
    group.bench_function("both formats", |bencher| bencher.iter(ours_in_both_formats));
    group.finish();
}

// The macro writes a public function without docs.
#[allow(missing_docs)]
mod group {
    use super::bench;
    criterion::criterion_group!(benches, bench);
}
criterion_main!(group::benches);
