//! Profiles of the values that a test names.

use std::sync::Arc;

use stats::{Bins, Categories, Column, FeatureProfile, Kind, Validity};

/// A window of numbers, none of them missing.
pub fn numbers(values: &[f64], bins: Option<&Arc<Bins>>) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Numeric, bins.cloned());
    let column = Column::Numeric {
        values,
        validity: Validity::all(values.len()),
    };
    profile.update(&column).unwrap();
    profile
}

/// A window of names, a row for each code into them.
pub fn categories(names: &[&str], codes: &[i32], bins: Option<&Arc<Bins>>) -> FeatureProfile {
    let mut profile = FeatureProfile::new(Kind::Categorical, bins.cloned());
    let column = Column::Categorical {
        codes,
        validity: Validity::all(codes.len()),
        categories: Categories {
            generation: 1,
            len: names.len(),
            name: &|code| names.get(code).copied(),
        },
    };
    profile.update(&column).unwrap();
    profile
}
