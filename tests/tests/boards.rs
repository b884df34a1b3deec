//! The boards on thirty days of history: every query of every panel brings data from a real Prometheus. What each took is
//! printed; `make boards` holds it to a bound, and draws the boards.

use harness::customers;

#[test]
fn every_query_of_every_board_brings_data() {
    print!("{}", customers::python("boards/queries.py", &[]));
}
