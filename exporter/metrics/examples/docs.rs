//! Prints the metric reference; `make generate` writes it to `docs/metrics.md`.

fn main() {
    print!("{}", metrics::docs::markdown());
}
