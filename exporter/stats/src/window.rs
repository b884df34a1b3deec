//! One window as a whole: what is about all of its columns and not about one of them.

use serde::{Deserialize, Serialize};

use crate::keys::Keys;

/// A window as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowSummary {
    /// Its entity keys; `None` where none are named, or one is not in the window.
    #[serde(default)]
    pub keys: Option<Keys>,
}
