//! Who is told of alerts, and when: receivers, routes, escalation, and times in which nobody is told.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;
use crate::secret::FromSecret;

/// An address of the web without credentials.
const WEB_ADDRESS: &str = r"^https?://[^\s/?#@]+[^\s@]*$";
/// An address of e-mail; several are a list.
const MAIL_ADDRESS: &str = r"^[^\s@,]+@[^\s@,]+$";

/// Who is told of alerts. It becomes an AlertmanagerConfig, or a part of a configuration of Alertmanager.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Notifications {
    /// Who can be told, 1 to 16. No default. Example: `[{name: chat, slack: {url: {secretRef: {name: slack, key: url}}}}]`.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    pub receivers: Vec<Receiver>,

    /// Who is told of which alerts, 1 to 32: the first that matches an alert counts. Of what none matches nobody is told,
    /// and the status says so. No default. Example: `[{match: {severity: Critical}, to: [oncall, chat]}, {to: [chat]}]`.
    #[schemars(length(min = 1, max = 32))]
    pub routes: Vec<Route>,

    /// Who is told when an alert goes on, at most 4, the soonest first: each is a level, from 2. Default: nobody.
    /// Example: `[{after: 30m, match: {severity: Critical}, to: [lead]}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4))]
    pub escalation: Option<Vec<Escalation>>,

    /// Times in which nobody is told, at most 8. Default: none.
    /// Example: `[{name: nights, times: [{from: "20:00", to: "07:00"}], match: {severity: Warning}}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    pub mute: Option<Vec<Mute>>,

    /// How long alerts of one kind are collected before the first message about them, 0s to 1h. Default: `30s`.
    /// Example: `1m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_wait: Option<DurationText>,

    /// How long after a message the next one about further alerts of that kind comes at the soonest, 1s to 1d.
    /// Default: `5m`. Example: `15m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_interval: Option<DurationText>,

    /// How long after a message it is sent again while nothing changes, 1m to 30d. Default: `12h`. Example: `1d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_interval: Option<DurationText>,
}

/// Somebody who can be told. Exactly one of the kinds.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("[has(self.slack), has(self.pagerduty), has(self.opsgenie), has(self.email), has(self.teams), has(self.webhook)].exists_one(given, given)")
        .message("exactly one of slack, pagerduty, opsgenie, email, teams and webhook is needed: write one of them, and only one")
)]
#[serde(rename_all = "camelCase")]
pub struct Receiver {
    /// Name, one of its kind in the monitor: lower-case letters, digits and `-`, starting with a letter, at most 30
    /// characters. No default. Example: `oncall`.
    #[schemars(
        length(min = 1, max = 30),
        regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,

    /// A channel of Slack. Default: none. Example: `{url: {secretRef: {name: slack, key: url}}, channel: "#growth-ml"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,

    /// A service of PagerDuty. Default: none. Example: `{routingKey: {secretRef: {name: pagerduty, key: routing-key}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagerduty: Option<PagerDuty>,

    /// A team of Opsgenie. Default: none. Example: `{apiKey: {secretRef: {name: opsgenie, key: api-key}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opsgenie: Option<Opsgenie>,

    /// Addresses of e-mail. Default: none.
    /// Example: `{to: [lead@example.com], from: alerts@example.com, smarthost: "smtp.example.com:587"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,

    /// A channel of Microsoft Teams, by a workflow. Default: none.
    /// Example: `{url: {secretRef: {name: teams, key: url}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<Teams>,

    /// Anything that takes Alertmanager's JSON. Default: none. Example: `{url: "http://incidents.ml-prod.svc:8080/alerts"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// A channel of Slack.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Slack {
    /// The address of the incoming webhook, which is a secret. No default. Example: `{secretRef: {name: slack, key: url}}`.
    pub url: FromSecret,

    /// The channel, where the webhook lets choose, at most 80 characters. Default: that of the webhook.
    /// Example: `"#growth-ml"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 80))]
    pub channel: Option<String>,
}

/// A service of PagerDuty.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PagerDuty {
    /// The integration key of the Events API v2. No default. Example: `{secretRef: {name: pagerduty, key: routing-key}}`.
    pub routing_key: FromSecret,

    /// Address of the Events API. Default: `https://events.pagerduty.com/v2/enqueue`.
    /// Example: `https://events.eu.pagerduty.com/v2/enqueue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 2048),
        regex(pattern = WEB_ADDRESS)
    )]
    pub url: Option<String>,
}

/// A team of Opsgenie.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Opsgenie {
    /// The key of an API integration. No default. Example: `{secretRef: {name: opsgenie, key: api-key}}`.
    pub api_key: FromSecret,

    /// Address of the API. Default: `https://api.opsgenie.com/`. Example: `https://api.eu.opsgenie.com/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 2048),
        regex(pattern = WEB_ADDRESS)
    )]
    pub url: Option<String>,
}

/// Addresses of e-mail, and the server that takes messages for them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.username) == has(self.password)")
        .message("username and password go together: write both, or neither")
)]
#[serde(rename_all = "camelCase")]
pub struct Email {
    /// Who gets the message, 1 to 16 addresses. No default. Example: `[lead@example.com]`.
    #[schemars(length(min = 1, max = 16))]
    #[schemars(inner(length(min = 3, max = 254), regex(pattern = MAIL_ADDRESS)))]
    pub to: Vec<String>,

    /// Who it comes from. No default. Example: `alerts@example.com`.
    #[schemars(length(min = 3, max = 254), regex(pattern = MAIL_ADDRESS))]
    pub from: String,

    /// The server that takes it, as `host:port`. No default. Example: `smtp.example.com:587`.
    #[schemars(length(min = 3, max = 259), regex(pattern = r"^[^\s:@/]+:[0-9]{1,5}$"))]
    pub smarthost: String,

    /// Who logs in there, at most 254 characters. Default: nobody. Example: `alerts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 254))]
    pub username: Option<String>,

    /// The password. Default: none. Example: `{secretRef: {name: smtp, key: password}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<FromSecret>,

    /// Whether the connection must be encrypted. Default: `true`. Example: `false`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "requireTLS"
    )]
    pub require_tls: Option<bool>,
}

/// A channel of Microsoft Teams.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Teams {
    /// The address of the workflow that posts what it receives, which is a secret. No default.
    /// Example: `{secretRef: {name: teams, key: url}}`.
    pub url: FromSecret,
}

/// Anything that takes Alertmanager's JSON.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.url) != has(self.secretUrl)")
        .message("exactly one of url and secretUrl is needed: write one of them, and only one")
)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// The address, where it is no secret; without credentials. Default: none.
    /// Example: `http://incidents.ml-prod.svc:8080/alerts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 2048),
        regex(pattern = WEB_ADDRESS)
    )]
    pub url: Option<String>,

    /// The address, where it is one. Default: none. Example: `{secretRef: {name: incidents, key: url}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_url: Option<FromSecret>,

    /// A token sent as `Authorization: Bearer …`. Default: none. Example: `{secretRef: {name: incidents, key: token}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<FromSecret>,
}

/// Who is told of some alerts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Which alerts. Default: all. Example: `{severity: Warning, check: [Drift, Missing]}`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "match")]
    pub matches: Option<Match>,

    /// Names of receivers, 1 to 8: all of them are told. No default. Example: `[oncall, chat]`.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 30)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub to: Vec<String>,
}

/// Which alerts: those that have everything that is written here.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// How bad they are. Default: however. Example: `Critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,

    /// What they are about, 1 to 8. Default: anything. Example: `[Drift, Missing]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub check: Option<Vec<About>>,

    /// Teams that own the monitor (`owner.team`), 1 to 8: so that monitors of several teams can have the same routes.
    /// Default: any. Example: `[growth-ml]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub team: Option<Vec<String>>,
}

/// Who is told when an alert goes on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Escalation {
    /// How long the alert has fired by then, 1s to 30d. No default. Example: `30m`.
    pub after: DurationText,

    /// Which alerts. Default: all. Example: `{severity: Critical}`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "match")]
    pub matches: Option<Match>,

    /// Names of receivers, 1 to 8: all of them are told. No default. Example: `[lead]`.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 30)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub to: Vec<String>,
}

/// Times in which nobody is told of some alerts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Mute {
    /// Name, one of its kind in the monitor: lower-case letters, digits and `-`, starting with a letter, at most 30
    /// characters. No default. Example: `nights`.
    #[schemars(
        length(min = 1, max = 30),
        regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,

    /// The times, 1 to 16. No default. Example: `[{days: [Saturday, Sunday]}, {from: "20:00", to: "07:00"}]`.
    #[schemars(length(min = 1, max = 16))]
    pub times: Vec<MuteTime>,

    /// Time zone of the times, by its IANA name. An AlertmanagerConfig knows UTC alone: there, times of another zone do not
    /// mute, and the status says so. Default: `UTC`. Example: `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 64),
        regex(pattern = r"^[A-Za-z][-+/_A-Za-z0-9]*$")
    )]
    pub time_zone: Option<String>,

    /// Which alerts. Default: all. Example: `{severity: Warning}`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "match")]
    pub matches: Option<Match>,
}

/// A time that comes again every week.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.from) == has(self.to)")
        .message("from and to go together: write both, or neither for whole days"),
    validation = Rule::new("has(self.from) || has(self.days)")
        .message("nothing says when: write days, or from and to")
)]
#[serde(rename_all = "camelCase")]
pub struct MuteTime {
    /// Days of the week on which it begins. Default: every day. Example: `[Saturday, Sunday]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 7))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub days: Option<Vec<Weekday>>,

    /// When it begins, as `HH:MM`. Default: the whole day, without `to`. Example: `"20:00"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 5, max = 5),
        regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    )]
    pub from: Option<String>,

    /// When it ends, as `HH:MM`, up to `24:00`; not later than `from` is on the next day. Default: the whole day, without
    /// `from`. Example: `"07:00"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 5, max = 5),
        regex(pattern = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")
    )]
    pub to: Option<String>,
}

/// How bad an alert is.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum Severity {
    /// Somebody must act now.
    Critical,
    /// Somebody should look.
    Warning,
}

impl Severity {
    /// Both.
    pub const ALL: [Severity; 2] = [Severity::Critical, Severity::Warning];

    /// The value of the label `severity`.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
        }
    }
}

/// What an alert is about.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[schemars(inline, transform = crate::schema::undescribed)]
pub enum About {
    /// Whether the features are watched at all.
    Availability,
    /// The check of the columns.
    Schema,
    /// The check of the age of values.
    Freshness,
    /// The check of distributions.
    Drift,
    /// The check of missing values.
    Missing,
    /// The check of values that are not acceptable.
    Quality,
    /// The check of numbers far from the median.
    Outliers,
    /// The check of how features hang together.
    Correlation,
    /// The check of what features tell about the target.
    Performance,
    /// The check of where the mean lies at this time.
    Level,
    /// The check of slow shifts of the mean.
    Shift,
    /// The check of rows with the keys of another row.
    Duplicates,
    /// The business rules of `rules`.
    Rules,
    /// The check of which features are missing together.
    MissingPatterns,
    /// The check of values that were filled in.
    Imputation,
    /// The check of distributions within segments.
    Segments,
}

impl About {
    /// Everything.
    pub const ALL: [About; 16] = [
        About::Availability,
        About::Schema,
        About::Freshness,
        About::Drift,
        About::Missing,
        About::Quality,
        About::Outliers,
        About::Correlation,
        About::Performance,
        About::Level,
        About::Shift,
        About::Duplicates,
        About::Rules,
        About::MissingPatterns,
        About::Imputation,
        About::Segments,
    ];

    /// The value of the label `check`: for checks that of the metrics.
    pub const fn name(self) -> &'static str {
        match self {
            About::Availability => "availability",
            About::Schema => "schema",
            About::Freshness => "freshness",
            About::Drift => "drift",
            About::Missing => "missing",
            About::Quality => "quality",
            About::Outliers => "outliers",
            About::Correlation => "correlation",
            About::Performance => "performance",
            About::Level => "level",
            About::Shift => "shift",
            About::Duplicates => "duplicates",
            About::Rules => "rules",
            About::MissingPatterns => "missing_patterns",
            About::Imputation => "imputation",
            About::Segments => "segments",
        }
    }
}

/// A day of the week.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[schemars(inline, transform = crate::schema::undescribed)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All, from Monday.
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// The name, in lower case as Alertmanager has it.
    pub const fn name(self) -> &'static str {
        match self {
            Weekday::Monday => "monday",
            Weekday::Tuesday => "tuesday",
            Weekday::Wednesday => "wednesday",
            Weekday::Thursday => "thursday",
            Weekday::Friday => "friday",
            Weekday::Saturday => "saturday",
            Weekday::Sunday => "sunday",
        }
    }

    /// The day after it.
    pub const fn next(self) -> Weekday {
        Self::ALL[(self as usize + 1) % 7]
    }
}
