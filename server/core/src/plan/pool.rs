//! Machines that come and go from one image (VDI): one plan for all of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::campaign::External;

/// A pool of machines that are made from an image and forgotten again. No order goes to any of them, for the next session has
/// the image's disk: whoever makes the image does the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// What people call it.
    pub name: String,
    /// Who answers for its image.
    pub owner: String,
    /// How long another image may take from when the plan is queued.
    pub within: Duration,
}

impl Pool {
    /// Who does the work.
    #[must_use]
    pub fn executor(&self) -> External {
        External {
            name: format!("another image for pool {}", self.name),
            owner: self.owner.clone(),
            within: self.within,
        }
    }
}
