//! The business rules of a monitor: which do not hold, in how many rows, and which could not be judged.

use metrics::Label::{Reason, Rule, Severity};
use metrics::{Family, table};

use crate::boards::panels::{SHARE, lines, severity, table as rows, whole};
use crate::boards::{ONE, pick};
use crate::grafana::field::Property;
use crate::grafana::layout::Line;
use crate::links::document;
use crate::promql::max_by;

pub(super) fn rules() -> Vec<Line> {
    let breached = max_by(&[Rule, Severity], &ONE.of(&table::RULE_BREACHED, &[]));
    let violating = max_by(&[Rule], &ONE.of(&table::RULE_VIOLATION_RATIO, &[]));
    let why = max_by(&[Rule, Reason], &ONE.of(&table::RULE_INVALID_INFO, &[]));
    let by_rule = |family: &Family<1>| max_by(&[Rule], &ONE.of(family, &[]));
    let share = || vec![Property::Unit(SHARE.to_owned()), Property::Decimals(1)];
    let not_judged = || vec![Property::NoValue("not judged".to_owned())];
    let found = Line::even(
        8,
        vec![
            rows(
                "Rules that do not hold",
                "Rules of the manifest that the last judged window violates: more rows than the tolerance allows, or the window \
                 as a whole.",
            )
            .ask(format!("{breached} == 1"), "")
            .columns(
                &[(Rule.name(), "Rule"), (Severity.name(), "Severity")],
                &[],
            )
            .series(
                "Severity",
                [severity(), vec![Property::Width(110)]].concat(),
            )
            .without("every judged rule holds"),
            lines(
                "Rows that violate a rule",
                "Share of the rows that violate a rule, of those of which it is true or false: of the eight rules where it was \
                 largest.",
            )
            .ask(pick::largest(&violating, Rule.name(), &violating), "{{rule}}")
            .unit(SHARE)
            .from(0.0)
            .at_least_to(0.01)
            .without("no rule over rows"),
            rows(
                "Rules that were not judged",
                &format!(
                    "Rules of which nothing is known in the last window, and why: {}.",
                    document("what to do", "runbooks/FeatureRuleBroken.md")
                ),
            )
            .ask(why, "")
            .columns(&[(Rule.name(), "Rule"), (Reason.name(), "Reason")], &[])
            .without("every rule was judged"),
        ],
    );
    let counts = rows(
        "Rows by rule",
        "Of each rule over rows: of how many it is true or false, how many violate it, and of how many nothing is known, since \
         something in it is null; the share that violates it, and the share that may.",
    )
    .ask(by_rule(&table::RULE_ROWS), "")
    .ask(by_rule(&table::RULE_VIOLATING_ROWS), "")
    .ask(by_rule(&table::RULE_UNKNOWN_ROWS), "")
    .ask(by_rule(&table::RULE_VIOLATION_RATIO), "")
    .ask(by_rule(&table::RULE_TOLERANCE_RATIO), "")
    .columns(
        &[(Rule.name(), "Rule")],
        &["Judged", "Violate it", "Not known", "Share", "Tolerance"],
    )
    // A rule that is broken, or waits, has a tolerance and nothing else.
    .series("Judged", [whole(), not_judged()].concat())
    .series("Violate it", [whole(), not_judged()].concat())
    .series("Not known", [whole(), not_judged()].concat())
    .series("Share", [share(), not_judged()].concat())
    .series("Tolerance", share())
    .largest_first("Share")
    .without("no rule over rows");
    vec![found, Line::new(6, vec![(24, counts)])]
}
