//! The table of metric families.
