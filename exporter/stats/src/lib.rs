//! Feature statistics.
