//! Why settings are not taken.

use std::{io, path::PathBuf};

use super::Key;

/// Why settings are not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path}: {why}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// Not TOML. The text names line and column.
    #[error("{path}: {why}")]
    Syntax {
        /// Which.
        path: PathBuf,
        /// What the parser says.
        why: Box<toml::de::Error>,
    },
    /// A key that does not exist.
    #[error("{place}: unknown key `{key}`; the keys are: {known}")]
    UnknownKey {
        /// File or environment.
        place: String,
        /// As it stands there.
        key: String,
        /// Every key.
        known: String,
    },
    /// A value that the key does not take.
    #[error("{place}: `{key}` {why}")]
    Value {
        /// File or environment.
        place: String,
        /// Which key.
        key: Key,
        /// What it takes.
        why: String,
    },
}

impl ConfigError {
    /// Whether whoever runs this may not read the settings.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Read { why, .. } if why.kind() == io::ErrorKind::PermissionDenied)
    }
}
