//! What must hold besides: rules that show no key that must not be shown.

use super::Door;
use crate::FeatureMonitorSpec;
use crate::valid::{Data, Rule};
use crate::violation::quote;

impl Door {
    pub(super) fn rules(&mut self, spec: &FeatureMonitorSpec, data: Option<&Data>) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (i, rule) in spec.rules.iter().flatten().enumerate() {
            if rule.expr.trim().is_empty() {
                self.refuse(
                    &format!("spec.rules[{i}].expr"),
                    "the expression is empty",
                    "write what must hold, such as monetary_28d >= 0",
                );
            }
            let keys = data.iter().flat_map(|data| &data.entity_keys);
            let sensitive = |key: &&String| data.is_some_and(|d| d.features.sensitive(key));
            if rule.sample_keys.is_some()
                && let Some(key) = keys.clone().find(sensitive)
            {
                let found = format!(
                    "the key {} is sensitive by data.features.overrides, and keys would be logged",
                    quote(key)
                );
                self.refuse(
                    &format!("spec.rules[{i}].sampleKeys"),
                    found,
                    "remove sampleKeys, or narrow the override",
                );
            }
            rules.push(Rule {
                name: rule.name.clone(),
                expr: rule.expr.clone(),
                over: rule.over,
                severity: rule.severity,
                tolerance: rule.tolerance.unwrap_or(0.0),
                sample_keys: usize::try_from(rule.sample_keys.unwrap_or(0)).unwrap_or(0),
            });
        }
        rules
    }
}
