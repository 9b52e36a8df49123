//! What a refusal of the configuration says.

use std::path::PathBuf;

/// Why the configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, or a key or value that is not known. The text names line and key.
    #[error("{origin}: {why}")]
    Malformed {
        /// File or variable.
        origin: String,
        /// What the parser says.
        why: String,
    },
    /// Well formed, and not acceptable.
    #[error("{key}: {why}")]
    Refused {
        /// Which key.
        key: &'static str,
        /// What to change.
        why: String,
    },
}
