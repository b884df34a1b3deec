//! What becomes of a monitor's alerts where the Prometheus Operator is: scraped, judged, routed, told.

use harness::{http, prometheus};
use serde_json::{Value, json};

use super::{EXPORTER, MONITOR, NAMESPACE, OPERATOR, Story};

/// A column that is lost in this story.
const LOST: &str = "monetary_28d";

impl Story {
    pub fn is_scraped_and_judged_by_its_rules(&self) {
        let of_it = format!("{{namespace=\"{NAMESPACE}\",monitor=\"{MONITOR}\"}}");
        let (port, operators) = (
            self.port("Prometheus"),
            format!("up{{namespace=\"{OPERATOR}\"}}"),
        );
        for (query, targets) in [(format!("up{of_it}"), 1), (operators, 2)] {
            self.wait(&format!("{query} is 1, {targets} times"), || {
                let up = prometheus::query(port, &query)?;
                (up.len() == targets && up.iter().all(|(_, up)| *up == 1.0)).then_some(())
            });
        }
        // What Prometheus renames it calls exported_.
        let labels = format!("labels?match[]={}", http::escaped(&of_it));
        let labels = prometheus::ask(port, &labels).unwrap();
        let labels: Vec<&str> = labels
            .as_array()
            .unwrap()
            .iter()
            .flat_map(Value::as_str)
            .collect();
        assert!(labels.contains(&"feature"), "{labels:?}");
        assert!(
            !labels.iter().any(|name| name.starts_with("exported_")),
            "{labels:?}"
        );

        self.wait_for_rules(NAMESPACE, EXPORTER);
        self.wait_for_rules(OPERATOR, "feature-monitor-operator");
    }

    pub fn has_its_routes_in_force(&self) {
        let config = self.wait("Alertmanager has its routes", || {
            self.alertmanager().filter(routed)
        });
        let mut names = receivers(&config);
        names.retain(|name| name.starts_with(&format!("{NAMESPACE}/")));
        names.sort();
        let own = ["chat", "lead", "nobody", "page"];
        assert_eq!(
            names,
            own.map(|name| format!("{NAMESPACE}/{EXPORTER}/{name}"))
        );
        let routes = config["route"]["routes"].as_array().unwrap();
        let nobody = format!("{NAMESPACE}/{EXPORTER}/nobody");
        let route = routes
            .iter()
            .find(|route| route["receiver"] == json!(nobody))
            .unwrap();
        let matchers: Vec<String> = (route["matchers"].as_array().unwrap().iter())
            .map(|matcher| matcher.as_str().unwrap().replace(['"', ' '], ""))
            .collect();
        for label in [
            format!("namespace={NAMESPACE}"),
            format!("monitor={MONITOR}"),
        ] {
            assert!(matchers.contains(&label), "{matchers:?}");
        }
        // Which always fires: the whole chain is whole.
        let watchdog = self.wait("the watchdog is heard", || {
            let told = self.messages("watchdog")?;
            told.into_iter().rfind(|told| is(told, "Watchdog", ""))
        });
        assert_eq!(watchdog["status"], "firing");
        assert_eq!(watchdog["labels"]["namespace"], OPERATOR);
    }

    pub fn tells_of_a_fault_by_its_routes(&self) {
        let alert = self.break_it(Fault::ColumnLost);
        let labels = &alert["labels"];
        for (name, value) in [
            ("namespace", NAMESPACE),
            ("monitor", MONITOR),
            ("feature", LOST),
            ("reason", "missing"),
            ("check", "schema"),
            ("severity", "critical"),
            ("team", "growth-ml"),
        ] {
            assert_eq!(labels[name], value, "{alert:#}");
        }
        let runbook = alert["annotations"]["runbook_url"].as_str().unwrap();
        assert!(runbook.ends_with("/FeatureAbsent.md"), "{runbook}");
        let source = alert["generatorURL"].as_str().unwrap();
        let prometheus = format!("http://localhost:{}/", self.port("Prometheus"));
        assert!(source.starts_with(&prometheus), "{source}");
        // The route of what is critical ends with the page.
        let chat = self.messages("chat").unwrap();
        assert!(
            !chat.iter().any(|told| is(told, "FeatureAbsent", LOST)),
            "{chat:#?}"
        );
    }

    pub fn says_which_secret_of_a_receiver_is_missing(&self) {
        let receivers = self.monitor()["spec"]["notifications"]["receivers"].clone();
        let mut secret = receivers.clone();
        let reference = json!({"name": "page", "key": "token"});
        secret[0]["webhook"]["bearer"] = json!({"secretRef": reference});
        self.patch(json!({"notifications": {"receivers": secret}}));
        let condition = self.wait_for_condition("IntegrationsApplied", "False", "LeftOut");
        let message = condition["message"].as_str().unwrap();
        for part in [
            "AlertmanagerConfig",
            "was rejected due to invalid configuration",
            "unable to get secret \"page\"",
        ] {
            assert!(message.contains(part), "`{part}` is not in {message}");
        }
        // Left out as a whole: nobody is told of anything.
        self.wait("its routes are gone", || {
            self.alertmanager().filter(|config| !routed(config))
        });

        let token = "--from-literal=token=canary-81d0";
        self.kubectl(&["create", "secret", "generic", "page", token]);
        self.wait("its routes are back", || self.alertmanager().filter(routed));
        let alert = self.break_it(Fault::SourceDown);
        assert_eq!(alert["authorization"], "Bearer canary-81d0");
        // Nobody says that all is well again: it shows when the Prometheus operator is made to look.
        self.wait_for_condition("IntegrationsApplied", "True", "Applied");

        self.patch(json!({"notifications": {"receivers": receivers}}));
        self.wait_for_condition("IntegrationsApplied", "True", "Applied");
        let said = "--for=alertmanagerconfig/customer-segmentation-exporter";
        println!("{}", self.kubectl(&["events", said]));
    }

    /// The monitor is deleted.
    pub fn has_neither_rules_nor_routes(&self) {
        self.wait("Prometheus has no rules of it", || {
            self.rules(NAMESPACE, EXPORTER)?.is_empty().then_some(())
        });
        self.wait("Alertmanager has no routes of it", || {
            let config = self.alertmanager()?;
            let left = receivers(&config)
                .into_iter()
                .any(|name| name.starts_with(NAMESPACE));
            (!left && !routed(&config)).then_some(())
        });
        let operators = receivers(&self.alertmanager().unwrap());
        let others = format!("{OPERATOR}/feature-monitor-operator/operators");
        assert!(operators.contains(&others), "{operators:?}");
    }

    /// Waits until Prometheus evaluates all rules of a PrometheusRule.
    fn wait_for_rules(&self, namespace: &str, name: &str) {
        let names = |groups: &[Value]| -> Vec<String> {
            let mut names: Vec<String> = (groups.iter())
                .flat_map(|group| {
                    let rules = group["rules"].as_array().unwrap().iter();
                    // As the resource has it, and as Prometheus says it.
                    rules.map(|rule| ["alert", "record", "name"].map(|key| rule[key].as_str()))
                })
                .map(|names| names.into_iter().flatten().next().unwrap().to_owned())
                .collect();
            names.sort();
            names
        };
        let rule = ["prometheusrule", name, "--namespace", namespace];
        let rule = self.cluster.get(&rule).unwrap();
        let wanted = names(rule["spec"]["groups"].as_array().unwrap());
        let groups = self.wait(&format!("the rules of {name} are evaluated"), || {
            let groups = self.rules(namespace, name)?;
            let rules = groups
                .iter()
                .flat_map(|group| group["rules"].as_array().unwrap());
            let evaluated = rules.clone().all(|rule| rule["health"] != "unknown");
            (rules.count() > 0 && evaluated).then_some(groups)
        });
        for rule in groups
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap())
        {
            assert_eq!(rule["health"], "ok", "{rule:#}");
        }
        assert_eq!(names(&groups), wanted);
        println!("{namespace}/{name}: {} rules are evaluated", wanted.len());
    }

    /// Those groups of rules of Prometheus that are of a PrometheusRule; nothing while it does not answer.
    fn rules(&self, namespace: &str, name: &str) -> Option<Vec<Value>> {
        let rules = prometheus::ask(self.port("Prometheus"), "rules")?;
        let file = format!("/{namespace}-{name}-");
        let mut groups = rules["groups"].as_array()?.clone();
        groups.retain(|group| {
            group["file"]
                .as_str()
                .is_some_and(|path| path.contains(&file))
        });
        Some(groups)
    }

    /// The configuration with which Alertmanager works; nothing while it does not answer.
    fn alertmanager(&self) -> Option<Value> {
        let status = http::get(self.port("Alertmanager"), "/api/v2/status").ok()?;
        let status: Value = serde_json::from_str(&status).ok()?;
        serde_saphyr::from_str(status["config"]["original"].as_str()?).ok()
    }

    /// Every alert in the messages to somebody, oldest first, each with `at` and `authorization` of its message.
    fn messages(&self, to: &str) -> Option<Vec<Value>> {
        let body = http::get(self.port("who was told what"), &format!("/{to}")).ok()?;
        let messages: Vec<Value> = serde_json::from_str(&body).ok()?;
        let alerts = messages.iter().flat_map(|taken| {
            let alerts = taken["message"]["alerts"].as_array().unwrap().iter();
            alerts.map(|alert| {
                let mut alert = alert.clone();
                for about in ["at", "authorization"] {
                    alert[about] = taken[about].clone();
                }
                alert
            })
        });
        Some(alerts.collect())
    }

    /// Waits for a message that comes from now on; what it says of the alert.
    fn wait_for_message(&self, to: &str, status: &str, alert: &str, feature: &str) -> Value {
        let begun = jiff::Timestamp::now();
        let found = self.wait(&format!("{to} is told that {alert} is {status}"), || {
            let told = self.messages(to)?;
            told.into_iter().rfind(|told| {
                told["status"] == status
                    && is(told, alert, feature)
                    && super::time(&told["at"]) >= begun
            })
        });
        let seconds = super::time(&found["at"]).duration_since(begun);
        let seconds = seconds.as_secs_f64();
        println!("{to} is told that {alert} is {status} after {seconds:.1} s");
        found
    }

    /// Something goes wrong with the source; what the page is told of it.
    fn break_it(&self, fault: Fault) -> Value {
        let faults = self.cluster.folder().join("faults.json");
        let new = faults.with_extension("new");
        let (text, alert, feature) = match fault {
            Fault::ColumnLost => (json!({"drop": [LOST]}), "FeatureAbsent", LOST),
            Fault::SourceDown => (
                json!({"fail": "unavailable"}),
                "FeatureMonitorSourceDown",
                "",
            ),
        };
        std::fs::write(&new, text.to_string()).unwrap();
        // Renamed into place, so that half of it is never read.
        std::fs::rename(&new, &faults).unwrap();
        let told = self.wait_for_message("page", "firing", alert, feature);
        if let Fault::ColumnLost = fault {
            let escalated = "FeatureAlertEscalated";
            let told = self.wait_for_message("lead", "firing", escalated, feature);
            assert_eq!(told["labels"]["source_alertname"], alert, "{told:#}");
        }
        std::fs::remove_file(faults).unwrap();
        self.wait_for_message("page", "resolved", alert, feature);
        told
    }
}

/// What goes wrong with the source.
enum Fault {
    /// A column is not there: as long as there is data, which ends some minutes after `make cluster`.
    ColumnLost,
    /// Every call fails.
    SourceDown,
}

/// Whether a configuration of Alertmanager has the monitor's routes.
fn routed(config: &Value) -> bool {
    receivers(config).contains(&format!("{NAMESPACE}/{EXPORTER}/page"))
}

fn receivers(config: &Value) -> Vec<String> {
    let receivers = config["receivers"].as_array().into_iter().flatten();
    let names = receivers.map(|receiver| receiver["name"].as_str().unwrap().to_owned());
    names.collect()
}

/// Whether an alert is that of a feature.
fn is(alert: &Value, name: &str, feature: &str) -> bool {
    let labels = &alert["labels"];
    labels["alertname"] == name && labels["feature"].as_str().unwrap_or_default() == feature
}
