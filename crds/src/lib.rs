//! The FeatureMonitor API.
