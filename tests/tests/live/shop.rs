//! A shop: a server with the weekly customers, the exporter that watches it, and what can go wrong with both.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use harness::chain::{Chain, Watched, World};
use harness::customers::Customers;
use harness::exporter::Exporter;
use harness::sink::Sink;
use serde_json::{Value, json};

const WEEK_SECONDS: u64 = 10;
/// Who owns all of them, as the example has it.
const TEAM: &str = "growth-ml";

/// The feature that most faults are of.
pub const FEATURE: &str = "monetary_28d";
/// A feature that is filled in where it is missing, and what the manifest says of it.
pub const FILLED_IN: &str = "basket_value_mean_28d";
const OVERRIDES: &str = "      overrides:
      - {names: [basket_value_mean_28d], imputedFlag: basket_value_mean_28d_imputed}
";
/// Far less than what the baseline would take for acceptable.
const QUALITY: &str =
    "quality: {overrides: [{features: [weekend_share_91d], range: {min: 0, max: 1}}]}";

/// What must hold besides. That there are no rows at all is a matter of freshness.
const RULES: &str = "
  rules:
    - {name: non-negative-spend, expr: monetary_28d >= 0, over: Rows, severity: Critical}
    - {name: share-of-visits, expr: frequency_28d / frequency_total <= 1, over: Rows, severity: Critical}
    - {name: volume, expr: count(*) = 0 or count(*) > 2000, over: Window, severity: Critical}
";

/// What goes wrong.
pub enum Fault {
    /// The server answers with a fault, by its control file.
    Answers(Value),
    /// The same with a fault that begins at this moment.
    FromNowOn(&'static str),
    /// The same, and it is not repaired: the next revision of the baseline has it too.
    Accepted(Value),
    /// The server is killed.
    ServerDies,
    /// The exporter is killed.
    ExporterDies,
}

/// A monitor with its server.
pub struct Shop {
    watched: Watched,
    customers: Customers,
    exporter: Exporter,
    always: Value,
    revision: u32,
}

impl Shop {
    /// Opens one under a name of its own, with edits of its manifest, and with what its server always answers beside every fault.
    pub fn open(
        monitor: &'static str,
        sink: &Sink,
        edits: &[(&str, &str)],
        always: &Value,
    ) -> Self {
        let customers = Customers::unchanging(2, WEEK_SECONDS);
        // It fills in where nobody bought anything, and says so.
        let always = both(&json!({"impute": {FILLED_IN: [5, 60]}}), always);
        customers.faults(&always);
        customers.edit("name: customer-segmentation", &format!("name: {monitor}"));
        // A server that hangs is given up soon.
        customers.edit("timeout: 60s", "timeout: 2s");
        // Both limits are passed by the same evaluation: between them a group that does not wait any more would tell of the
        // first.
        customers.edit("warning: 14286ms", "warning: 20s");
        // One limit for all: which features are a little above a calibrated one differs from week to week.
        customers.edit(
            "performance: {}",
            "performance: {warning: 0.2, critical: 0.2}",
        );
        customers.edit("quality: {}", QUALITY);
        customers.edit("      overrides:\n", OVERRIDES);
        for (from, to) in edits {
            customers.edit(from, to);
        }
        let watched = Watched {
            monitor,
            team: TEAM,
        };
        customers.append(&watched.notifications(sink));
        customers.append(RULES);
        let exporter = Exporter::run(&customers.manifest(), customers.home(), &[]);
        Self {
            watched,
            customers,
            exporter,
            always,
            revision: 1,
        }
    }

    /// Who is told of it.
    pub fn watched(&self) -> Watched {
        self.watched
    }

    /// What it is watched by.
    pub fn manifest(&self) -> PathBuf {
        self.customers.manifest()
    }

    /// Waits until so many windows were judged; how many were.
    pub fn judged(&mut self, windows: f64) -> f64 {
        const JUDGED: &str = "featuremonitor_windows_judged_total";
        let metrics = self.exporter.wait_for_metric(JUDGED, |n| n >= windows);
        metrics.find(JUDGED).unwrap()
    }

    /// Is scraped from now on.
    pub fn scraped_by(&self, chain: &Chain) {
        chain.scrape(self.watched, self.exporter.port());
    }

    /// Makes the server answer with faults beside what it always does.
    fn answer(&self, faults: &Value) {
        self.customers.faults(&both(&self.always, faults));
    }
}

/// Faults of the control file and more of them, which come before those of the same name.
fn both(faults: &Value, more: &Value) -> Value {
    let fields = |faults: &Value| faults.as_object().unwrap().clone();
    let all = fields(faults).into_iter().chain(fields(more));
    Value::Object(all.collect())
}

impl World for Shop {
    type Fault = Fault;

    fn begin(&mut self, fault: &Fault) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        match fault {
            Fault::Answers(faults) | Fault::Accepted(faults) => self.answer(faults),
            Fault::FromNowOn(what) => {
                let mut faults = json!({});
                faults[*what] = json!(now.as_secs_f64());
                self.answer(&faults);
            }
            Fault::ServerDies => self.customers.stop(),
            Fault::ExporterDies => self.exporter.process.end(),
        }
    }

    fn end(&mut self, fault: &Fault, chain: &Chain) {
        match fault {
            Fault::Answers(_) | Fault::FromNowOn(_) => self.answer(&json!({})),
            Fault::Accepted(faults) => {
                self.always = both(&self.always, faults);
                let revision = |number| format!("revision: {number}");
                let (old, new) = (revision(self.revision), revision(self.revision + 1));
                self.customers.edit(&old, &new);
                self.revision += 1;
            }
            Fault::ServerDies => self.customers.start(),
            Fault::ExporterDies => {
                let (manifest, folder) = (self.customers.manifest(), self.customers.home());
                self.exporter = Exporter::run(&manifest, folder, &[]);
                // At another address, as a new pod has it.
                self.scraped_by(chain);
            }
        }
    }

    fn log(&self) -> String {
        self.exporter.log()
    }
}
