//! What goes wrong between the operator and the API server is survived, caught up with, and counted.

use std::time::{Duration, Instant};

use harness::operator::{NAME, Release};
use harness::proxy::{Fault, Proxy, Seen};
use serde_json::json;

use crate::{Place, ephemeral, shared};

/// A place whose operator reaches the API server through a proxy. Watches last 2 s, and are broken off after 3.4 s, if
/// `flags` do not say otherwise.
fn behind_a_proxy(namespace: &str, flags: &[&str]) -> (Place, Proxy) {
    let release = Release::install_alone(shared(), namespace, &[]);
    let account = shared().service_account_kubeconfig(namespace, NAME);
    let proxy = Proxy::start(&account);
    let brisk = [
        "--status-interval=1s",
        "--discovery-interval=1s",
        "--watch-timeout=2s",
        "--request-timeout=2s",
    ];
    let kubeconfig = proxy.kubeconfig(&account);
    let name = |flag: &str| flag.split('=').next().map(str::to_owned);
    let given: Vec<_> = flags.iter().map(|flag| name(flag)).collect();
    let mut all = flags.to_vec();
    all.extend(brisk.iter().filter(|flag| !given.contains(&name(flag))));
    let mut operator = release.start_with(&kubeconfig, &all);
    operator.wait_until_it_leads();
    let place = Place { release, operator };
    place.apply("before", ephemeral);
    place.wait_until_applied("before");
    (place, proxy)
}

/// A change of everything that is watched: a new monitor, and a child that is gone.
fn something_happens(place: &Place) {
    place.apply("after", ephemeral);
    let delete = ["delete", "networkpolicy", "before-exporter"];
    place.kubectl(&delete).unwrap();
}

fn is_caught_up_with(place: &Place) {
    place.wait_until_applied("after");
    place.wait_for("the child is there again", || {
        place.child("networkpolicy", "before")
    });
}

fn watch_errors(kind: &str) -> String {
    format!("featuremonitor_operator_watch_errors_total{{kind=\"{kind}\"}}")
}

fn answers(code: &str) -> String {
    format!("featuremonitor_operator_api_answers_total{{code=\"{code}\"}}")
}

#[test]
fn a_watch_that_falls_silent_is_broken_off() {
    let (mut place, proxy) = behind_a_proxy("silent", &[]);
    for kind in ["FeatureMonitor", "NetworkPolicy"] {
        assert_eq!(place.operator.metric(&watch_errors(kind)), 0.0);
    }
    proxy.set(Fault::SilentWatches);
    something_happens(&place);
    for kind in ["FeatureMonitor", "NetworkPolicy"] {
        place
            .operator
            .wait_for_metric(&watch_errors(kind), |count| count >= 1.0);
    }
    assert!(place.child("configmap", "after").is_none());
    proxy.set(Fault::None);
    is_caught_up_with(&place);
    place.end();
}

#[test]
fn what_is_too_old_is_listed_anew() {
    let (mut place, proxy) = behind_a_proxy("expired", &[]);
    let begun = Instant::now();
    proxy.set(Fault::ExpiredWatches);
    for kind in ["FeatureMonitor", "NetworkPolicy"] {
        place
            .operator
            .wait_for_metric(&watch_errors(kind), |count| count >= 1.0);
    }
    something_happens(&place);
    is_caught_up_with(&place);
    let lists = |seen: &&Seen| seen.uri.contains("/networkpolicies?") && !seen.is_watch();
    assert!(proxy.since(begun).iter().filter(lists).count() >= 1);
    proxy.set(Fault::None);
    place.end();
}

#[test]
fn what_went_while_no_watch_told_is_forgotten() {
    let (mut place, proxy) = behind_a_proxy("unheard", &[]);
    let is_about_it = |port| {
        let text = harness::http::get(port, "/metrics").ok()?;
        Some(text.contains("monitor=\"before\""))
    };
    place.operator.wait_for("there are series of it", |port| {
        is_about_it(port)?.then_some(())
    });
    proxy.set(Fault::SilentWatches);
    let delete = ["delete", "featuremonitor", "before"];
    place.kubectl(&delete).unwrap();
    proxy.set(Fault::ExpiredWatches);
    place.operator.wait_for("there are none any more", |port| {
        (!is_about_it(port)?).then_some(())
    });
    proxy.set(Fault::None);
    place.apply("after", ephemeral);
    place.wait_until_applied("after");
    place.end();
}

#[test]
fn who_asks_for_patience_gets_it() {
    let (mut place, proxy) = behind_a_proxy("throttled", &[]);
    let begun = Instant::now();
    proxy.set(Fault::Answers {
        code: 429,
        retry_after: Some(2),
    });
    let refused = |seen: &Seen| seen.code == Some(429);
    let first = place.wait_for("a request is refused", || {
        proxy.since(begun).into_iter().find(refused)
    });
    something_happens(&place);
    let second = place.wait_for("it tries again", || {
        // Requests that were on their way do not count.
        let later = first.at + Duration::from_millis(300);
        proxy.since(later).into_iter().find(refused)
    });
    let waited = second.at - first.at;
    assert!(waited >= Duration::from_millis(1900), "{waited:?}");
    proxy.set(Fault::None);
    is_caught_up_with(&place);
    place
        .operator
        .wait_for_metric(&answers("429"), |count| count >= 2.0);
    place.end();
}

#[test]
fn errors_are_tried_again_less_and_less_often() {
    let (mut place, proxy) = behind_a_proxy("errors", &[]);
    let failures = "featuremonitor_operator_reconciliations_total{outcome=\"failure\"}";
    let refuse = |attempts: usize, monitor: &str, method: &str, change: &dyn Fn()| {
        let begun = Instant::now();
        proxy.set(Fault::RefusedWrites { code: 503 });
        change();
        let tries = || {
            let all = proxy.since(begun);
            let of_one = all
                .iter()
                .filter(|seen| seen.method == method && seen.uri.contains("/configmaps"));
            of_one.map(|seen| seen.at).collect::<Vec<_>>()
        };
        let tries = place.wait_for("it is tried again", || {
            let tries = tries();
            (tries.len() >= attempts).then_some(tries)
        });
        let said = place.wait_for_condition(monitor, "ChildrenApplied", "False", "WriteFailed");
        assert!(said.contains("It is tried again."), "{said}");
        proxy.set(Fault::None);
        place.wait_until_applied(monitor);
        let waits: Vec<f64> = tries
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64())
            .collect();
        waits
    };
    // One second, doubled each time, a fifth more or less; the attempt itself takes time too.
    let waits = refuse(4, "shop", "POST", &|| place.apply("shop", ephemeral));
    for (wait, least) in waits.iter().zip([0.8, 1.6, 3.2]) {
        assert!((least..least * 1.5 + 2.0).contains(wait), "{waits:?}");
    }
    assert!(place.operator.metric(failures) >= 4.0);
    assert!(place.operator.metric(&answers("5xx")) >= 4.0);
    // What has succeeded starts over.
    let change = json!({"spec": {"schedule": {"every": "2h"}}});
    let change = || place.merge("featuremonitor", "shop", &change);
    let waits = refuse(2, "shop", "PATCH", &change);
    assert!(waits[0] < 3.0, "{waits:?}");
    place
        .operator
        .wait_for_metric(failures, |count| count >= 5.0);
    place.end();
}

#[test]
fn answers_that_take_too_long_are_given_up() {
    let (mut place, proxy) = behind_a_proxy("slow", &[]);
    proxy.set(Fault::Slow(Duration::from_secs(3)));
    place.apply("after", ephemeral);
    place.operator.wait_for_metric(
        "featuremonitor_operator_reconciliations_total{outcome=\"failure\"}",
        |count| count >= 1.0,
    );
    proxy.set(Fault::None);
    place.wait_until_applied("after");
    // Slowness alone is no fault.
    proxy.set(Fault::Slow(Duration::from_millis(300)));
    place.apply("slowly", ephemeral);
    place.wait_until_applied("slowly");
    proxy.set(Fault::None);
    place.end();
}

#[test]
fn cut_connections_are_made_anew() {
    let (mut place, proxy) = behind_a_proxy("cut", &[]);
    proxy.set(Fault::Cut);
    something_happens(&place);
    place
        .operator
        .wait_for_metric(&answers("none"), |count| count >= 1.0);
    place
        .operator
        .wait_for_metric(&watch_errors("FeatureMonitor"), |count| count >= 1.0);
    proxy.set(Fault::None);
    is_caught_up_with(&place);
    place.end();
}

/// How long a lease lasts that cannot be renewed: by then its holder has ended.
const LEASE: Duration = Duration::from_secs(12);
const SHORT: &str = "--lease.duration=12s";

/// Waits until the operator ends because it cannot renew its lease, and gives its log.
fn ends_before_its_lease_does(place: &mut Place) -> String {
    let begun = Instant::now();
    let status = place.operator.ended();
    let took = begun.elapsed();
    assert_eq!(status.code(), Some(1), "{status}");
    assert!(took < LEASE, "ended after {took:?}");
    place.operator.log()
}

#[test]
fn who_cannot_renew_its_lease_ends() {
    let (mut place, proxy) = behind_a_proxy("unrenewed", &[SHORT]);
    proxy.set(Fault::Cut);
    let said = ends_before_its_lease_does(&mut place);
    assert!(said.contains("could not be renewed"), "{said}");
    // The next one has it as soon as it has run out.
    let mut next = place.release.start(&[]);
    next.wait_until_it_leads();
    place.operator = next;
    place.merge(
        "featuremonitor",
        "before",
        &json!({"spec": {"schedule": {"every": "2h"}}}),
    );
    place.wait_until_applied("before");
    place.end();
}

/// Everything else is answered, so that nothing but the lease tells it to end.
#[test]
fn who_hears_nothing_about_its_lease_ends_too() {
    // With a short one, the connection is given up before the lease is.
    let flags = [SHORT, "--request-timeout=30s", "--watch-timeout=60s"];
    let (mut place, proxy) = behind_a_proxy("unheard-of", &flags);
    proxy.set(Fault::SlowLeases(Duration::from_secs(25)));
    let said = ends_before_its_lease_does(&mut place);
    assert!(said.contains("the API server did not answer"), "{said}");
    // Who stands by gives up a look that is not answered, and looks again.
    let account = shared().service_account_kubeconfig("unheard-of", NAME);
    let kubeconfig = proxy.kubeconfig(&account);
    let begun = Instant::now();
    place.operator = place.release.start_with(&kubeconfig, &flags);
    let looks = |seen: &Seen| seen.method == "GET" && seen.is_lease();
    place.wait_for("it looks at the lease again", || {
        let looks = proxy.since(begun).into_iter().filter(looks).count();
        (looks >= 2).then_some(())
    });
    proxy.set(Fault::None);
    place.operator.wait_until_it_leads();
    place.apply("after", ephemeral);
    place.wait_until_applied("after");
    place.end();
}

/// Waiting for the next one ends before the lease would: it leads only because the lease is given back.
#[test]
fn who_stops_while_it_renews_its_lease_gives_it_back_too() {
    let long = "--lease.duration=90s";
    let (mut place, proxy) = behind_a_proxy("renewing", &[long]);
    let mut next = place.release.start(&[long]);
    next.wait_for("it stands by", |port| {
        let said = harness::http::get(port, "/-/ready").ok()?;
        (said == "standing by\n").then_some(())
    });
    let begun = Instant::now();
    proxy.set(Fault::Slow(Duration::from_millis(1500)));
    place.wait_for("a renewal is on its way", || {
        let seen = proxy.since(begun);
        let renews = |seen: &Seen| seen.method == "PUT" && seen.is_lease() && seen.code.is_none();
        seen.into_iter().find(renews)
    });
    place.operator.signal("-TERM");
    proxy.set(Fault::None);
    next.wait_until_it_leads();
    let status = place.operator.ended();
    assert!(status.success(), "{status}");
    place.operator = next;
    place.end();
}

/// The Deployment is written last, after answers that take half a second each.
#[test]
fn who_stops_finishes_what_it_began() {
    let (mut place, proxy) = behind_a_proxy("finishing", &["--lease.duration=6s"]);
    let begun = Instant::now();
    proxy.set(Fault::Slow(Duration::from_millis(500)));
    place.apply("after", ephemeral);
    place.wait_for("its first child is written", || {
        proxy.since(begun).into_iter().find(Seen::creates_a_child)
    });
    assert!(place.child("deployment", "after").is_none());
    place.operator.signal("-TERM");
    let status = place.operator.ended();
    assert!(status.success(), "{status}");
    assert!(place.child("deployment", "after").is_some());
    let said = place.operator.log();
    assert!(!said.contains("did not end in time"), "{said}");
    place.operator = place.release.start(&[]);
    place.wait_until_applied("after");
    place.end();
}

#[test]
fn who_stops_does_not_wait_forever() {
    let (mut place, proxy) =
        behind_a_proxy("patient", &["--request-timeout=30s", "--watch-timeout=60s"]);
    let begun = Instant::now();
    proxy.set(Fault::SlowWrites(Duration::from_secs(25)));
    place.apply("after", ephemeral);
    place.wait_for("a child is being written", || {
        proxy.since(begun).into_iter().find(Seen::creates_a_child)
    });
    let asked = Instant::now();
    place.operator.signal("-TERM");
    let status = place.operator.ended();
    let took = asked.elapsed();
    assert!(took >= Duration::from_secs(9), "ended after {took:?}");
    assert!(status.success(), "{status}");
    let said = place.operator.log();
    assert!(said.contains("did not end in time"), "{said}");
    proxy.set(Fault::None);
    place.operator = place.release.start(&[]);
    place.wait_until_applied("after");
    place.end();
}
