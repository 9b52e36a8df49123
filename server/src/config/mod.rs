//! The server's configuration: `server.toml`, then its drop-in directory in name order, then `CUTOVER_…` variables.
//!
//! Three stages: text becomes a TOML tree, trees are laid over one another, the result becomes [`Config`] and is
//! checked. Unknown keys are errors that name file and key.

mod check;
mod error;
mod load;
mod model;

#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use load::DEFAULT_FILE;
pub use model::{Agents, Artifacts, CampaignAt, CheckIn, Config, Forecast, Log, LogFormat, People, Report, StoreAt};
