//! What is known of a business rule.

use metrics::{Label, table};

use super::{Out, flag};
use crate::rules::{Judgement, Outcome};
use crate::snapshot::RuleState;

/// What is known of a business rule.
pub(super) fn business_rule(out: &mut Out, state: &RuleState) {
    let rule = &state.rule;
    let name = [(Label::Rule, rule.name.as_str())];
    let severity = (Label::Severity, rule.severity.name());
    out.add(
        &table::RULE_INFO,
        [name[0], (Label::Kind, rule.over.name()), severity],
        1.0,
    );
    if rule.over == crds::valid::Over::Rows {
        out.add(&table::RULE_TOLERANCE_RATIO, name, rule.tolerance);
    }
    let reason = match &state.outcome {
        Some(Outcome::Judged(_)) => None,
        Some(Outcome::NotJudged(reason)) => Some(reason.as_str()),
        Some(Outcome::Broken(error)) => Some(error.fault.as_str()),
        None => Some("no_window"),
    };
    let broken = matches!(state.outcome, Some(Outcome::Broken(_)));
    out.add(&table::RULE_BROKEN, name, flag(broken));
    out.add(&table::RULE_VALID, name, flag(reason.is_none()));
    if let Some(reason) = reason {
        let why = [name[0], (Label::Reason, reason)];
        out.add(&table::RULE_INVALID_INFO, why, 1.0);
    }
    let Some(Outcome::Judged(judgement)) = &state.outcome else {
        return;
    };
    let breached = flag(judgement.breached());
    out.add(&table::RULE_BREACHED, [name[0], severity], breached);
    out.add_some(&table::RULE_VIOLATION_RATIO, name, judgement.ratio());
    if let Judgement::Rows {
        rows,
        violations,
        unknown,
        ..
    } = judgement
    {
        out.add(&table::RULE_ROWS, name, *rows as f64);
        out.add(&table::RULE_VIOLATING_ROWS, name, *violations as f64);
        out.add(&table::RULE_UNKNOWN_ROWS, name, *unknown as f64);
    }
}
