//! How hosts relate to the duty: derived from buckets and now, never stored.

mod bucket;
mod headline;
mod passed;
mod totals;

#[cfg(test)]
mod tests;

pub use bucket::{Bucket, Standing, overdue_since, standing};
pub use headline::{Headline, Share};
pub use passed::{CampaignDate, StoodThen};
pub use totals::Totals;
