//! The operator: FeatureMonitor resources in, running exporters and a status out.
//!
//! Read in this order: [`run`] (the program: lease, watches, controllers), [`controller`] (one reconciliation), [`plan`]
//! (what a monitor's children shall be), [`apply`] (what is done about each), [`conditions`] (what is said of it). The
//! rest are leaves.

pub mod apis;
pub mod apply;
pub mod ask;
pub mod child;
pub mod children;
pub mod cli;
pub mod client;
pub mod complaints;
pub mod conditions;
pub mod controller;
pub mod events;
pub mod fields;
pub mod http;
pub mod key;
pub mod lease;
pub mod offline;
pub mod plan;
pub mod pods;
pub mod process;
pub mod reason;
pub mod run;
pub mod settings;
pub mod status;
pub mod watch;
pub mod words;
