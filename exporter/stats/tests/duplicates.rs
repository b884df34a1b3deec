//! Rows with the key of another row, judged against the baseline.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use stats::{
    ByCheck, BySeverity, CheckSettings, DriftSettings, KeyHash, KeySample, NotComputed,
    QualitySettings, Reference, Settings, Statistic, Verdict, WindowSummary, judge,
};

/// A window of so many rows, of which the last `twice` have keys that came before.
fn window(rows: u32, twice: u32) -> WindowSummary {
    let mut keys = KeySample::default();
    for row in (0..rows - twice).chain(0..twice) {
        keys.insert(Some(KeyHash::of(&row.to_be_bytes())));
    }
    WindowSummary {
        keys: Some(keys.close()),
        ..WindowSummary::default()
    }
}

fn settings(own: CheckSettings) -> Settings {
    Settings {
        budget: BySeverity {
            warning: 1.0,
            critical: 7.0 / 30.0,
        },
        on: ByCheck {
            duplicates: true,
            ..ByCheck::default()
        },
        drift: DriftSettings::default(),
        quality: QualitySettings::default(),
        acceptable: BTreeMap::new(),
        features: BTreeMap::new(),
        default: ByCheck {
            duplicates: own,
            ..ByCheck::default()
        },
    }
}

fn judged(reference: &Reference, window: &WindowSummary) -> Result<Verdict, NotComputed> {
    let report = judge(reference, &[], window);
    assert_eq!(report.window.name, "");
    report.window.verdicts.duplicates
}

#[test]
fn more_duplicates_than_in_the_baseline_are_a_breach() {
    let baseline = vec![window(1000, 20); 6];
    let reference = Reference::new(&[], &baseline, &settings(CheckSettings::default()));
    assert_eq!(reference.tests(), 1);
    let same = judged(&reference, &window(1000, 20)).unwrap();
    assert_eq!(
        (same.statistic, same.value, same.rows),
        (Statistic::DuplicateShare, 0.0, 1000)
    );
    let more = judged(&reference, &window(1000, 90)).unwrap();
    assert!(
        (more.value - 0.07).abs() < 1e-12 && more.over.critical,
        "{more:?}"
    );
    let few = judged(&reference, &window(100, 50)).unwrap();
    assert!(
        few.scores.critical > 1.0 && few.over == BySeverity::default(),
        "{few:?}"
    );
    let own = CheckSettings {
        limits: BySeverity {
            warning: None,
            critical: Some(0.5),
        },
        ..CheckSettings::default()
    };
    let reference = Reference::new(&[], &baseline, &settings(own));
    let more = judged(&reference, &window(1000, 90)).unwrap();
    assert_eq!((more.over.warning, more.over.critical), (true, false));
    let calibrated = more.calibrated();
    assert_eq!((calibrated.warning, calibrated.critical), (true, false));
}

#[test]
fn without_keys_there_is_no_verdict() {
    let reference = Reference::new(&[], &[window(1000, 0)], &settings(CheckSettings::default()));
    let nothing = WindowSummary::default();
    assert_eq!(judged(&reference, &nothing), Err(NotComputed::NoKeys));
    let on = settings(CheckSettings::default());
    let without = [WindowSummary::default(), WindowSummary::default()];
    for (baseline, reason) in [
        (&[][..], NotComputed::NotInBaseline),
        (&without, NotComputed::NoKeysInBaseline),
    ] {
        let reference = Reference::new(&[], baseline, &on);
        for window in [window(1000, 0), WindowSummary::default()] {
            assert_eq!(judged(&reference, &window), Err(reason));
        }
        assert_eq!(reference.tests(), 0);
    }
    // What has keys says as much as it would alone.
    let known = [window(1000, 50)];
    let some = [WindowSummary::default(), window(1000, 50)];
    let [alone, beside] = [&known[..], &some].map(|baseline| {
        let reference = Reference::new(&[], baseline, &on);
        judged(&reference, &window(1000, 90)).unwrap()
    });
    assert_eq!(alone, beside);
    let off = Settings {
        on: ByCheck::default(),
        ..settings(CheckSettings::default())
    };
    let reference = Reference::new(&[], &[window(1000, 0)], &off);
    assert_eq!(
        judged(&reference, &window(1000, 0)),
        Err(NotComputed::Disabled)
    );
}
