//! One of several operators writes.

use std::time::{Duration, Instant};

use harness::operator::{NAME, Release};
use serde_json::json;

use crate::{PATIENCE, ephemeral, monitor, shared};

/// Longer than a test waits for the next one: who leads after such a lease was given it back.
const LONG: [&str; 1] = ["--lease.duration=90s"];
/// Short enough to wait for its end.
const SHORT: [&str; 1] = ["--lease.duration=6s"];

fn holder(release: &Release) -> Option<String> {
    let lease = ["lease", NAME, "--namespace", release.namespace()];
    let lease = release.cluster().get(&lease)?;
    Some(lease["spec"]["holderIdentity"].as_str()?.to_owned())
}

/// Applies a monitor and waits until there is a child of it.
fn is_reconciled(release: &Release, name: &str) {
    let cluster = release.cluster();
    let manifest = monitor(release.namespace(), name, ephemeral);
    cluster.apply(&manifest).unwrap();
    let child = format!("{name}-exporter");
    let child = ["deployment", &child, "--namespace", release.namespace()];
    cluster.wait_for(&format!("{name} is reconciled"), PATIENCE, || {
        cluster.get(&child)
    });
}

#[test]
fn who_stops_hands_over_and_who_crashes_is_replaced() {
    let release = Release::install_alone(shared(), "replicas", &[]);
    let mut first = release.start(&LONG);
    first.wait_until_it_leads();
    let mut second = release.start(&SHORT);
    second.wait_for("it stands by", |port| {
        let said = harness::http::get(port, "/-/ready").ok()?;
        (said == "standing by\n").then_some(())
    });
    is_reconciled(&release, "one");
    assert_eq!(second.metric("featuremonitor_operator_leading"), 0.0);
    assert_eq!(second.reconciliations(), 0.0);
    assert_eq!(holder(&release).as_deref(), Some(first.identity()));

    first.signal("-TERM");
    second.wait_until_it_leads();
    let status = first.ended();
    assert!(status.success(), "{status}");
    is_reconciled(&release, "two");

    let mut third = release.start(&SHORT);
    third.wait_for("it stands by", |port| {
        let said = harness::http::get(port, "/-/ready").ok()?;
        (said == "standing by\n").then_some(())
    });
    let killed = Instant::now();
    second.signal("-KILL");
    third.wait_until_it_leads();
    // It was renewed every second.
    let took = killed.elapsed();
    assert!(took > Duration::from_secs(3), "replaced in {took:?}");
    is_reconciled(&release, "three");

    // Whoever loses the lease must not go on: there would be two that write.
    let lease = ["patch", "lease", NAME, "--namespace", release.namespace()];
    let patch = json!({"spec": {"holderIdentity": "another"}}).to_string();
    let patch = ["--type=merge", "--patch", &patch];
    release
        .cluster()
        .kubectl(&[&lease[..], &patch].concat())
        .unwrap();
    let status = third.ended();
    assert_eq!(status.code(), Some(1), "{status}");
    let said = third.log();
    assert!(said.contains("another holds the lease now"), "{said}");

    let requests = release.requests();
    let refused = requests.iter().filter(|request| !request.permitted);
    assert_eq!(refused.count(), 0, "{requests:?}");
}
