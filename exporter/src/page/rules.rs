//! The business rules: what each found, the violated ones first.

use crds::valid::{Over, Severity};
use maud::{Markup, html};

use crate::rules::{Judgement, Outcome, Unjudged};
use crate::snapshot::RuleState;
use crate::words;

/// All rules; nothing where there is none.
pub fn section(rules: &[RuleState]) -> Markup {
    let mut rules: Vec<&RuleState> = rules.iter().collect();
    rules.sort_by_key(|rule| rank(rule));
    html! {
        @if !rules.is_empty() {
            h2 { "Rules" }
            div.whole {
                ul.why {
                    @for rule in rules {
                        li class=(tone(rule)) {
                            strong { (rule.rule.name) } " " code { (rule.rule.expr) } ": " (found(rule))
                        }
                    }
                }
            }
        }
    }
}

/// What somebody should look at comes first.
fn rank(rule: &RuleState) -> u8 {
    match (&rule.outcome, rule.breached(), rule.rule.severity) {
        (_, Some(true), Severity::Critical) => 0,
        (_, Some(true), Severity::Warning) => 1,
        (Some(Outcome::Broken(_)), ..) => 2,
        (_, None, _) => 3,
        (_, Some(false), _) => 4,
    }
}

fn tone(rule: &RuleState) -> &'static str {
    match (&rule.outcome, rule.breached()) {
        (Some(Outcome::Broken(_)), _) => "warning",
        (_, Some(true)) => rule.rule.severity.name(),
        _ => "",
    }
}

/// What is known of a rule, in a sentence.
pub fn found(rule: &RuleState) -> String {
    match &rule.outcome {
        None => "no window was judged yet.".to_owned(),
        Some(Outcome::Broken(error)) => format!("cannot be judged: {error}."),
        Some(Outcome::NotJudged(Unjudged::NoRows)) => {
            "not judged: the window has no row.".to_owned()
        }
        Some(Outcome::NotJudged(Unjudged::Unknown)) => match rule.rule.over {
            Over::Rows => "not judged: it is null for every row.".to_owned(),
            Over::Window => "not judged: it is null for the window.".to_owned(),
        },
        Some(Outcome::NotJudged(Unjudged::NoPrevious)) => {
            "not judged: nothing is remembered of the window before.".to_owned()
        }
        Some(Outcome::Judged(Judgement::Rows {
            rows,
            violations,
            unknown,
            breached,
        })) => {
            let share = *violations as f64 / *rows as f64;
            let verdict = if *breached { "violated" } else { "holds" };
            let unknown = match unknown {
                0 => String::new(),
                unknown => format!(
                    "; null, and so unknown, for {}",
                    words::plural(*unknown, "row")
                ),
            };
            format!(
                "{verdict}: false for {} of {} ({}, {} allowed){unknown}.",
                words::count(*violations),
                words::plural(*rows, "row"),
                words::percent(share),
                words::percent(rule.rule.tolerance),
            )
        }
        Some(Outcome::Judged(Judgement::Window { breached, values })) => {
            let verdict = if *breached { "violated" } else { "holds" };
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
            let values = values.iter().map(|value| {
                let now = format!("{} = {}", value.aggregate, shown(&value.now));
                match &value.before {
                    Some(before) => format!("{now}, in the window before {before}"),
                    None => now,
                }
            });
            let values: Vec<String> = values.collect();
            match values.is_empty() {
                true => format!("{verdict}."),
                false => format!("{verdict}: {}.", values.join("; ")),
            }
        }
    }
}
