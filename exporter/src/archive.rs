//! The saved baselines: the one in use, and the last few that it replaced, for a person to look at and compare.
//!
//! Nothing that a monitor does rests on a replaced one, but that no new one gets its version: where one cannot be written or read,
//! that is said, and all else goes on.

use crate::baseline::{Baseline, SAVED_AS};
use crate::store::{Store, StoreError};

/// How many replaced baselines are kept. Each is as large as the one in use.
pub const KEPT: u32 = 5;

/// What is saved.
#[derive(Debug, Default)]
pub struct Saved {
    /// The baseline in use; nothing before the first, and where it is unreadable.
    pub current: Option<Baseline>,
    /// Those that it replaced, the newest first.
    pub replaced: Vec<Baseline>,
    /// What is there and cannot be read.
    pub unreadable: Vec<StoreError>,
}

/// Where a replaced baseline is kept: in the place of the one that is so many versions older.
fn place(version: u32) -> String {
    format!("baseline-replaced-{}.json", version % KEPT)
}

/// Keeps a baseline that is about to be replaced, and says whether it did: another one of the same version, told by its digest,
/// stays where it is kept.
///
/// # Errors
/// When the store does not answer, or does not take it.
pub async fn keep(store: &Store, baseline: &Baseline) -> Result<bool, StoreError> {
    let place = place(baseline.version);
    // One that cannot be read is nothing to spare.
    let there = read(store, &place, &mut Vec::new()).await?;
    let is_other =
        |there: &Baseline| there.version == baseline.version && there.digest() != baseline.digest();
    if there.as_ref().is_some_and(is_other) {
        return Ok(false);
    }
    store.save(&place, baseline).await?;
    Ok(true)
}

/// Reads all that is saved. What is damaged, foreign or of a newer release is said, and hides nothing else.
///
/// # Errors
/// When the store cannot be opened or does not answer.
pub async fn load(store: &Store) -> Result<Saved, StoreError> {
    let mut saved = Saved::default();
    saved.current = read(store, SAVED_AS, &mut saved.unreadable).await?;
    for slot in 0..KEPT {
        let found = read(store, &place(slot), &mut saved.unreadable).await?;
        saved.replaced.extend(found);
    }
    // What was kept just before a crash is still the one in use.
    if let Some(current) = &saved.current {
        let digest = current.digest();
        let is_current = |old: &Baseline| old.version == current.version && old.digest() == digest;
        saved.replaced.retain(|old| !is_current(old));
    }
    saved
        .replaced
        .sort_by_key(|old| std::cmp::Reverse(old.version));
    Ok(saved)
}

async fn read(
    store: &Store,
    key: &str,
    unreadable: &mut Vec<StoreError>,
) -> Result<Option<Baseline>, StoreError> {
    match store.load(key).await {
        Ok(found) => Ok(found),
        Err(
            error @ (StoreError::Damaged { .. }
            | StoreError::Foreign { .. }
            | StoreError::Newer { .. }),
        ) => {
            unreadable.push(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
