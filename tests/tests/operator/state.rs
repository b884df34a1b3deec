//! The claim that holds an exporter's state.

use serde_json::{Value, json};

use crate::{Place, REPAIR, ephemeral, uid};

const CLAIM: &str = "persistentvolumeclaim";

fn retained(manifest: &mut Value) {
    manifest["spec"]["exporter"]["state"]["volumeClaim"]["retain"] = json!(true);
}

#[test]
fn a_deleted_claim_is_said_to_go_and_made_anew() {
    let place = Place::new("claim");
    place.apply("shop", |_| {});
    place.wait_until_applied("shop");
    let before = place.child(CLAIM, "shop").unwrap();
    // As the pod that uses it would, this keeps it for now.
    let mut kept = before["metadata"]["finalizers"].clone();
    kept.as_array_mut().unwrap().push(json!("example.com/used"));
    let keep = json!({"metadata": {"finalizers": kept}});
    place.merge(CLAIM, "shop-exporter", &keep);
    place
        .kubectl(&["delete", CLAIM, "shop-exporter", "--wait=false"])
        .unwrap();
    let said = place.wait_for_condition("shop", "ChildrenApplied", "False", "BeingDeleted");
    assert!(said.contains("PersistentVolumeClaim"), "{said}");
    let gone = json!({"metadata": {"finalizers": null}});
    place.merge(CLAIM, "shop-exporter", &gone);
    place.within(REPAIR, "there is a claim again", || {
        let now = place.child(CLAIM, "shop")?;
        (uid(&now) != uid(&before)).then_some(())
    });
    place.wait_until_applied("shop");
    place.end();
}

#[test]
fn a_retained_claim_outlives_its_monitor() {
    let place = Place::new("retained");
    place.apply("shop", retained);
    place.wait_until_applied("shop");
    let claim = place.child(CLAIM, "shop").unwrap();
    assert!(claim["metadata"]["ownerReferences"].is_null());
    place
        .kubectl(&["delete", "featuremonitor", "shop"])
        .unwrap();
    place.wait_for("the others are collected", || {
        place.child("deployment", "shop").is_none().then_some(())
    });
    assert_eq!(uid(&place.child(CLAIM, "shop").unwrap()), uid(&claim));
    // The next monitor of the name takes it up, and owns it when it does not retain it.
    place.apply("shop", |_| {});
    place.wait_until_applied("shop");
    let taken = place.child(CLAIM, "shop").unwrap();
    assert_eq!(uid(&taken), uid(&claim));
    let resource = place.get("featuremonitor", "shop").unwrap();
    assert_eq!(
        taken["metadata"]["ownerReferences"][0]["uid"],
        resource["metadata"]["uid"]
    );
    // And lets go of it when it retains it after all.
    place.apply("shop", retained);
    place.wait_for("the claim has no owner", || {
        let owners = &place.child(CLAIM, "shop")?["metadata"]["ownerReferences"];
        owners.is_null().then_some(())
    });
    place.wait_until_applied("shop");
    // A retained claim is kept also when the state goes elsewhere.
    place.apply("shop", ephemeral);
    place.wait_for("the pod has no claim", || {
        let child = place.child("deployment", "shop")?;
        (child["spec"]["strategy"]["type"] == "RollingUpdate").then_some(())
    });
    place.wait_until_applied("shop");
    assert_eq!(uid(&place.child(CLAIM, "shop").unwrap()), uid(&claim));
    place.end();
}

#[test]
fn state_that_goes_elsewhere_takes_its_claim_along() {
    let place = Place::new("elsewhere");
    place.apply("shop", |_| {});
    place.wait_until_applied("shop");
    place.apply("shop", ephemeral);
    place.wait_for("the claim is gone", || {
        place.child(CLAIM, "shop").is_none().then_some(())
    });
    place.wait_until_applied("shop");
    let strategy = || place.child("deployment", "shop").unwrap()["spec"]["strategy"].clone();
    assert_eq!(strategy()["type"], "RollingUpdate");
    // And back: what the API server has filled in for the one strategy is refused with the other.
    place.apply("shop", |_| {});
    place.wait_for("there is a claim", || place.child(CLAIM, "shop"));
    place.wait_until_applied("shop");
    assert_eq!(strategy(), json!({"type": "Recreate"}));
    place.end();
}
