//! The target: what a model predicts, as a baseline knows it.

use std::sync::Arc;

use crds::valid;
use serde::{Deserialize, Serialize};
use stats::association::Collapse;
use stats::performance::Target;
use stats::{Bins, FeatureProfile, Kind, RowValues};

use crate::columns::FeatureColumn;

/// A numeric target with at most so many values is likely one of classes.
const FEW_VALUES: usize = 10;

/// The target of a baseline. Its values are sampled with those of the features, over these bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrozenTarget {
    /// Its column.
    pub column: String,
    /// Classes or numbers.
    pub kind: Kind,
    /// The names that are told apart; of numbers nothing is read off it.
    pub bins: Arc<Bins>,
    /// Which classes are joined; nothing of numbers.
    pub classes: Option<Collapse>,
}

impl FrozenTarget {
    /// Of all rows of a baseline; `least` is the share of rows below which a class is joined with others.
    pub fn freeze(column: &FeatureColumn, profile: &FeatureProfile, least: f64) -> Self {
        let bins = profile.freeze_bins();
        if let Bins::Numeric(numbers) = &bins
            && numbers.edges().len() <= 2 * FEW_VALUES
        {
            tracing::warn!(
                column = %column.name,
                "the target holds only a few different numbers and is taken for a number: if they are classes, write spec.data.target.kind: Class"
            );
        }
        Self {
            column: column.name.clone(),
            kind: column.kind,
            bins: Arc::new(bins),
            classes: profile.classes(least),
        }
    }

    /// Whether it is the target that the manifest names.
    pub fn serves(&self, data: &valid::Data) -> bool {
        let kept = |target: &valid::Target| {
            let kind = target.kind.map(crate::columns::target_kind);
            target.column == self.column && kind.is_none_or(|kind| kind == self.kind)
        };
        data.target.as_ref().is_some_and(kept)
    }

    /// Its sampled values, with rare classes joined.
    pub fn joined(&self, values: RowValues) -> RowValues {
        values.joined(self.classes.as_ref())
    }

    /// Those as what features tell about; nothing of another kind.
    pub fn values<'a>(&self, joined: &'a RowValues) -> Option<Target<'a>> {
        match (joined, &self.classes) {
            (RowValues::Categorical(codes), Some(classes)) => Some(Target::Classes {
                codes,
                classes: classes.categories() as usize,
            }),
            (RowValues::Numeric(values), None) => Some(Target::Numbers(values)),
            _ => None,
        }
    }
}
