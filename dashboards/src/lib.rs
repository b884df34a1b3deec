//! What Prometheus evaluates and people look at, as code: made of the table of metrics and of a `FeatureMonitor`.
//!
//! [`alerts`] and [`records`] have every rule once; [`rules`] puts them into the files that Prometheus reads. [`routes`] says
//! who is told; [`alertmanager`] puts it into what Alertmanager reads. [`boards`] has what people look at, over a model of the
//! JSON that Grafana reads ([`grafana`]). A query is text made of families of the table ([`promql`]) and of the few series of
//! others ([`foreign`]); that each parses, names labels that its families have, and can fire is tested over the parsed text.
//!
//! The crate is pure: no clock, no IO, no runtime.

pub mod alertmanager;
pub mod alerts;
pub mod boards;
pub mod docs;
pub mod escalation;
pub mod foreign;
pub mod grafana;
pub mod links;
pub mod promql;
pub mod records;
pub mod routes;
pub mod rules;
pub mod slos;
pub mod timing;
