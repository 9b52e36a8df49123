//! Rates as files and people write them: `95 %`, `99.5 %`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rate in parts of a million: so many of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(u32);

impl Rate {
    /// All of it, in parts of a million.
    pub(crate) const WHOLE: u32 = 1_000_000;

    /// So many parts of a million; at most the whole.
    #[must_use]
    pub const fn of_million(parts: u32) -> Self {
        Self(if parts < Self::WHOLE { parts } else { Self::WHOLE })
    }

    /// Parts of a million.
    #[must_use]
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// What is missing to the whole.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(Self::WHOLE - self.0)
    }

    /// Reads a percentage with at most four decimals.
    ///
    /// # Errors
    /// When it is none, or above 100 %.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse =
            || format!("`{text}` is no percentage from 0 % to 100 %; write for example \"95 %\" or \"99.5 %\"");
        let number = text.trim().strip_suffix('%').ok_or_else(refuse)?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || whole.len() > 3 || !is_digits(decimals) || decimals.len() > 4 {
            return Err(refuse());
        }
        let parts: u32 = format!("{whole}{decimals:0<4}").parse().map_err(|_| refuse())?;
        if parts > Self::WHOLE {
            return Err(refuse());
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0 / 10_000, format!("{:04}", self.0 % 10_000));
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole} %"),
            decimals => write!(f, "{whole}.{decimals} %"),
        }
    }
}
