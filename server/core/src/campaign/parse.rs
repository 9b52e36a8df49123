//! Reading campaign files.

use super::Campaign;

/// Why a campaign file is refused. Nothing of it takes effect.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// Not TOML of this format. The text names line and key.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser says.
        source: Box<toml::de::Error>,
    },
    /// A date without a time and a zone.
    #[error(
        "{file}: {key} = `{value}` names no instant; write it with a time and an offset, for example {example}"
    )]
    BareDate {
        /// The file.
        file: String,
        /// Which key.
        key: String,
        /// What stands there.
        value: String,
        /// What could stand there.
        example: String,
    },
    /// Well formed, but it makes no sense.
    #[error("{file}: {why}")]
    Invalid {
        /// The file.
        file: String,
        /// What to change.
        why: String,
    },
}

impl Campaign {
    /// Reads and checks a file; `version` comes from the store, 1 for a new one.
    ///
    /// # Errors
    /// When it is not of this format, an instant lacks an offset, or it makes no sense.
    pub fn parse(file: &str, text: &str, version: u32) -> Result<Self, CampaignError> {
        todo!("{file} {text} {version}")
    }

    /// The preset that new installations start with, version 1.
    ///
    /// # Errors
    /// When the compiled-in file is not sound; a test keeps it so.
    pub fn preset() -> Result<Self, CampaignError> {
        todo!()
    }
}
