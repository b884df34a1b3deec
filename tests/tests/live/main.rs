//! The chain as it runs: Flight servers, exporters, a Prometheus with the rules and an Alertmanager with the routes that `render`
//! writes, and somebody who is told. One thing goes wrong after the other; of each the right one is told once when it begins and
//! once when it ends, by its alert and by nothing else: what fires too, and is written beside it, is inhibited.
//!
//! What can go wrong is divided among four shops with a monitor each, to which it happens at the same time: that something is
//! wrong with one keeps nobody from being told of another. A fifth, whose data never changes, alerts about nothing. In
//! [`seasons`] is a chain of its own over a seasonal baseline.
//!
//! Time is short, not mocked: a week takes ten seconds, features and rules are evaluated every second.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arrivals;
mod changes;
mod seasons;
mod shop;
mod source;
mod values;

use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use harness::chain::{Case, Chain, Line};
use harness::sink::Sink;
use serde_json::json;
use shop::{Fault, Shop};

#[test]
fn every_fault_is_told_by_its_alert_and_ends_with_it() {
    let sink = Sink::start();
    let usual = |name| Shop::open(name, &sink, &[], &json!({}));
    let mut shops = [
        (usual("source"), source::cases()),
        (
            Shop::open("arrivals", &sink, arrivals::EDITS, &arrivals::always()),
            arrivals::cases(),
        ),
        (usual("values"), values::cases()),
        (usual("changes"), changes::cases()),
    ];
    let mut quiet = usual("quiet");
    let all = || shops.iter().map(|(shop, _)| shop).chain([&quiet]);
    let manifests: Vec<PathBuf> = all().map(Shop::manifest).collect();
    let chain = Chain::start(sink, &manifests);
    all().for_each(|shop| shop.scraped_by(&chain));
    chain.is_quiet(quiet.watched(), &quiet);
    let begun = Instant::now();
    let lines: Vec<String> = thread::scope(|scope| {
        let happening = shops.each_mut().map(|(shop, cases)| {
            let chain = &chain;
            scope.spawn(move || happen(chain, shop, cases))
        });
        let lines = happening.into_iter().map(|shop| shop.join().unwrap());
        lines.flatten().collect()
    });
    let judged = quiet.judged(3.0);
    let fired = chain.fired(quiet.watched(), begun.elapsed());
    assert!(
        fired.is_empty(),
        "nothing changed, and these fired: {fired:?}"
    );
    let told = chain.messages(quiet.watched());
    assert!(
        told.is_empty(),
        "nothing changed, and this was told: {told:?}"
    );
    // Past the test runner, which shows the output of tests that fail only.
    let _ = write!(
        std::io::stderr(),
        "\n{}\n{}\nnothing changed for {:.0} s and {judged} windows: no alert\n\n",
        Line::head(),
        lines.join("\n"),
        begun.elapsed().as_secs_f64()
    );
}

/// Lets one thing after the other go wrong with a shop; a line about each.
fn happen(chain: &Chain, shop: &mut Shop, cases: &[Case<Fault>]) -> Vec<String> {
    shop.judged(2.0);
    let watched = shop.watched();
    chain.is_quiet(watched, shop);
    let lines = cases
        .iter()
        .map(|case| chain.tells(watched, shop, case).to_string());
    lines.collect()
}
