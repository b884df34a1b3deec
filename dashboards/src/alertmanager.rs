//! Routes as Alertmanager reads them: as the spec of an AlertmanagerConfig
//! (<https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1alpha1.AlertmanagerConfig>), or as a whole
//! configuration (<https://prometheus.io/docs/alerting/latest/configuration/>) for those without the Prometheus operator.
//!
//! Both say the same with the same fields, one in camel case and one in snake case; they differ in how they name a secret, a
//! matcher and a header.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crds::valid::notifications::{Channel, Mute, Notifications, Receiver, Span, WebhookUrl};
use crds::valid::{FileRef, Monitor};
use serde_json::{Map, Value, json};

use crate::routes::{self, GROUP_BY, Inhibition, Matcher, NOBODY, Route};
use crate::timing;

/// The heading of a message: what it is about, and whether it still is.
const TITLE: &str = "{{ if eq .Status \"firing\" }}{{ .CommonLabels.severity | toUpper }}{{ else }}Ended{{ end }}: {{ .GroupLabels.alertname }}\
{{ with .GroupLabels.source_alertname }} ({{ . }}){{ end }} of {{ .GroupLabels.namespace }}/{{ .GroupLabels.monitor }}\
{{ if gt (len .Alerts) 1 }} ({{ len .Alerts }} alerts){{ end }}";

/// What a message says: each alert in its own words, the first ten of many, and where to look.
const TEXT: &str = "{{ with .CommonAnnotations.summary }}{{ . }}\n{{ end }}\
{{ range $i, $alert := .Alerts }}{{ if lt $i 10 }}\n{{ if eq .Status \"resolved\" }}Ended: {{ end }}{{ .Annotations.description }}\
{{ with .Annotations.dashboard_url }}\nBoard: {{ . }}{{ end }}\n{{ end }}{{ end }}\
{{ if gt (len .Alerts) 10 }}\nand others: {{ len .Alerts }} in all.\n{{ end }}\
{{ with (index .Alerts 0).Annotations.runbook_url }}\nRunbook: {{ . }}{{ end }}";

/// How it is written.
#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    /// As a spec of AlertmanagerConfig.
    Resource,
    /// As a file, for a monitor of this namespace, with secrets as files in this folder.
    Plain {
        namespace: &'a str,
        monitor: &'a str,
        secrets: &'a Path,
    },
}

/// The spec of a monitor's AlertmanagerConfig. Mutes of a time zone are left out: it knows UTC alone.
pub fn resource(monitor: &Monitor, notifications: &Notifications) -> Value {
    let form = Form::Resource;
    let mutes: Vec<&Mute> = (notifications.mutes.iter())
        .filter(|mute| mute.zone.is_none())
        .collect();
    let names: Vec<&str> = mutes.iter().map(|mute| mute.name.as_str()).collect();
    let mut route = route(form, &routes::of_monitor(monitor, notifications, &names));
    timed(form, &mut route, notifications);
    let mut spec = Map::from_iter([
        ("route".to_owned(), Value::Object(route)),
        (
            "receivers".to_owned(),
            Value::Array(receivers(form, notifications)),
        ),
        ("inhibitRules".to_owned(), inhibitions(form)),
    ]);
    if !mutes.is_empty() {
        let mutes = mutes.into_iter().map(|mute| interval(form, mute));
        spec.insert("muteTimeIntervals".to_owned(), mutes.collect());
    }
    Value::Object(spec)
}

/// A whole configuration for some monitors; `secrets` is the folder with the file `<namespace>/<Secret>/<key>` of each secret.
/// Alerts of others are told to nobody: the file says where to add receivers for them.
pub fn plain(monitors: &[&Monitor], secrets: &Path) -> Value {
    let mut all = vec![json!({"name": NOBODY})];
    let mut tree = Vec::new();
    let mut mutes = Vec::new();
    for monitor in monitors {
        let Some(notifications) = &monitor.notifications else {
            continue;
        };
        let form = Form::Plain {
            namespace: &monitor.namespace,
            monitor: &monitor.name,
            secrets,
        };
        let names: Vec<&str> = (notifications.mutes.iter())
            .map(|mute| mute.name.as_str())
            .collect();
        let mut route = route(form, &routes::of_monitor(monitor, notifications, &names));
        timed(form, &mut route, notifications);
        tree.push(Value::Object(route));
        all.extend(receivers(form, notifications).into_iter().skip(1));
        mutes.extend(notifications.mutes.iter().map(|mute| interval(form, mute)));
    }
    let form = Form::Plain {
        namespace: "",
        monitor: "",
        secrets,
    };
    let mut config = json!({
        "route": {"receiver": NOBODY, "group_by": GROUP_BY, "routes": tree},
        "receivers": all,
        "inhibit_rules": inhibitions(form),
    });
    if !mutes.is_empty() {
        config["time_intervals"] = Value::Array(mutes);
    }
    config
}

impl Form<'_> {
    /// A field's name. `apiURL` is `api_url` in the plain form.
    fn name(self, camel: &str) -> String {
        match self {
            Form::Resource => camel.to_owned(),
            Form::Plain { .. } => snake(camel),
        }
    }

    /// The name of a receiver or a time: in a file they need one that no other monitor has.
    fn own(self, name: &str) -> String {
        match self {
            Form::Plain {
                namespace, monitor, ..
            } if name != NOBODY => format!("{namespace}/{monitor}/{name}"),
            _ => name.to_owned(),
        }
    }

    /// A field that is a secret: a reference to it, or the path of its file.
    fn secret(self, camel: &str, file: &FileRef) -> (String, Value) {
        match self {
            Form::Resource => (
                camel.to_owned(),
                json!({"name": file.name, "key": file.key}),
            ),
            Form::Plain {
                namespace, secrets, ..
            } => {
                let path: PathBuf = [secrets, Path::new(namespace), &file.path()]
                    .iter()
                    .collect();
                (
                    format!("{}_file", snake(camel)),
                    json!(path.to_string_lossy()),
                )
            }
        }
    }

    /// A field with a value.
    fn field(self, camel: &str, value: impl Into<Value>) -> (String, Value) {
        (self.name(camel), value.into())
    }

    /// Fields that nobody knows beforehand: headers, details.
    fn pairs(self, pairs: &[(&str, &str)]) -> Value {
        match self {
            Form::Resource => {
                let pairs = pairs
                    .iter()
                    .map(|(key, value)| json!({"key": key, "value": value}));
                pairs.collect()
            }
            Form::Plain { .. } => {
                let pairs = pairs
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), json!(value)));
                Value::Object(pairs.collect())
            }
        }
    }

    fn matchers(self, matchers: &[Matcher]) -> Value {
        let one = |matcher: &Matcher| match self {
            Form::Resource => json!({
                "name": matcher.label,
                "matchType": matcher.how,
                "value": matcher.value,
            }),
            Form::Plain { .. } => json!(format!(
                "{}{}{}",
                matcher.label,
                matcher.how,
                crate::promql::quote(&matcher.value)
            )),
        };
        matchers.iter().map(one).collect()
    }
}

/// `apiURL` as `api_url`: an underscore before each run of capitals.
fn snake(camel: &str) -> String {
    let mut text = String::new();
    let mut before_is_small = false;
    for letter in camel.chars() {
        if letter.is_uppercase() && before_is_small {
            text.push('_');
        }
        before_is_small = !letter.is_uppercase();
        text.extend(letter.to_lowercase());
    }
    text
}

fn route(form: Form<'_>, from: &Route) -> Map<String, Value> {
    let mut fields = Map::new();
    if !from.matchers.is_empty() {
        fields.insert("matchers".to_owned(), form.matchers(&from.matchers));
    }
    if let Some(receiver) = &from.receiver {
        fields.insert("receiver".to_owned(), form.own(receiver).into());
    }
    if from.goes_on {
        fields.insert("continue".to_owned(), true.into());
    }
    if !from.mutes.is_empty() {
        let mutes: Vec<String> = from.mutes.iter().map(|name| form.own(name)).collect();
        fields.insert(form.name("muteTimeIntervals"), mutes.into());
    }
    if !from.routes.is_empty() {
        let below = from.routes.iter().map(|below| route(form, below));
        let below = below.map(Value::Object);
        fields.insert("routes".to_owned(), below.collect());
    }
    fields
}

/// How alerts become messages, which the routes below take over.
fn timed(form: Form<'_>, route: &mut Map<String, Value>, notifications: &Notifications) {
    let time = |time: Duration| Value::from(timing::text(time));
    route.extend([
        form.field("groupBy", json!(GROUP_BY)),
        form.field("groupWait", time(notifications.group_wait)),
        form.field("groupInterval", time(notifications.group_interval)),
        form.field("repeatInterval", time(notifications.repeat_interval)),
    ]);
}

fn inhibitions(form: Form<'_>) -> Value {
    let [source, target] = match form {
        Form::Resource => ["sourceMatch", "targetMatch"],
        Form::Plain { .. } => ["source_matchers", "target_matchers"],
    };
    let one = |rule: Inhibition| {
        json!({
            source: form.matchers(&rule.source),
            target: form.matchers(&rule.target),
            "equal": rule.equal,
        })
    };
    routes::inhibitions().into_iter().map(one).collect()
}

/// All receivers, the one that tells nobody first.
fn receivers(form: Form<'_>, notifications: &Notifications) -> Vec<Value> {
    let own = notifications
        .receivers
        .iter()
        .map(|receiver| told(form, receiver));
    std::iter::once(json!({"name": NOBODY}))
        .chain(own)
        .collect()
}

fn told(form: Form<'_>, receiver: &Receiver) -> Value {
    let optional = |name: &str, value: &Option<String>| {
        let value = value.as_ref()?;
        Some(form.field(name, value.as_str()))
    };
    let (kind, mut fields): (&str, Vec<(String, Value)>) = match &receiver.channel {
        Channel::Slack { url, channel } => {
            let mut fields = vec![
                form.secret("apiURL", url),
                form.field("title", TITLE),
                form.field("text", TEXT),
            ];
            fields.extend(optional("channel", channel));
            ("slackConfigs", fields)
        }
        Channel::PagerDuty { routing_key, url } => {
            let severity = "{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}error{{ end }}";
            let mut fields = vec![
                form.secret("routingKey", routing_key),
                form.field("description", TITLE),
                form.field("severity", severity),
                form.field("details", form.pairs(&[("what", TEXT)])),
            ];
            fields.extend(optional("url", url));
            ("pagerdutyConfigs", fields)
        }
        Channel::Opsgenie { api_key, url } => {
            let priority = "{{ if eq .CommonLabels.severity \"critical\" }}P1{{ else }}P3{{ end }}";
            let mut fields = vec![
                form.secret("apiKey", api_key),
                form.field("message", TITLE),
                form.field("description", TEXT),
                form.field("priority", priority),
            ];
            fields.extend(optional("apiURL", url));
            ("opsgenieConfigs", fields)
        }
        Channel::Email {
            to,
            from,
            smarthost,
            login,
            require_tls,
        } => {
            let mut fields = vec![
                form.field("to", to.join(", ")),
                form.field("from", from.as_str()),
                form.field("smarthost", smarthost.as_str()),
                form.field("requireTLS", *require_tls),
                form.field("headers", form.pairs(&[("Subject", TITLE)])),
                form.field("text", TEXT),
                // Alertmanager's own page of HTML says less.
                form.field("html", ""),
            ];
            if let Some((username, password)) = login {
                fields.push(form.field("authUsername", username.as_str()));
                fields.push(form.secret("authPassword", password));
            }
            ("emailConfigs", fields)
        }
        Channel::Teams { url } => (
            "msteamsv2Configs",
            vec![
                form.secret("webhookURL", url),
                form.field("title", TITLE),
                form.field("text", TEXT),
            ],
        ),
        Channel::Webhook { url, bearer } => {
            let mut fields = vec![match (url, form) {
                (WebhookUrl::Plain(url), _) => form.field("url", url.as_str()),
                (WebhookUrl::Secret(file), Form::Resource) => form.secret("urlSecret", file),
                (WebhookUrl::Secret(file), Form::Plain { .. }) => form.secret("url", file),
            }];
            if let Some(token) = bearer {
                let token = Map::from_iter([form.secret("credentials", token)]);
                fields.push(form.field("httpConfig", json!({"authorization": token})));
            }
            ("webhookConfigs", fields)
        }
    };
    fields.push(form.field("sendResolved", true));
    let fields: Map<String, Value> = fields.into_iter().collect();
    json!({"name": form.own(&receiver.name), (form.name(kind)): [fields]})
}

fn interval(form: Form<'_>, mute: &Mute) -> Value {
    let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let one = |span: &Span| {
        let days: Vec<&str> = span.days.iter().map(|day| day.name()).collect();
        let times = Map::from_iter([
            form.field("startTime", clock(span.from)),
            form.field("endTime", clock(span.to)),
        ]);
        let mut fields = json!({"times": [times], "weekdays": days});
        if let (Form::Plain { .. }, Some(zone)) = (form, &mute.zone) {
            fields["location"] = json!(zone);
        }
        fields
    };
    let times: Vec<Value> = mute.spans.iter().map(one).collect();
    let fields = [
        ("name".to_owned(), Value::from(form.own(&mute.name))),
        form.field("timeIntervals", times),
    ];
    Value::Object(Map::from_iter(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_capitals_is_one_word() {
        assert_eq!(snake("apiURL"), "api_url");
        assert_eq!(snake("requireTLS"), "require_tls");
        assert_eq!(snake("msteamsv2Configs"), "msteamsv2_configs");
        assert_eq!(snake("muteTimeIntervals"), "mute_time_intervals");
    }
}
