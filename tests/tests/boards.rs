//! The boards on history: every query of every panel brings data from a real Prometheus. What each took is printed.
//! `make boards` does it on thirty days, holds them to a bound, and draws the boards.

use harness::customers;

/// In them each thing happens that a panel is about.
const DAYS: &str = "--days=12";

#[test]
fn every_query_of_every_board_brings_data() {
    print!("{}", customers::python("boards/queries.py", &[DAYS]));
}
