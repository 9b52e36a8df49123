//! Artifacts: files that an order may have fetched and installed. What decides is the hash, never where they came from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::WireError;

/// SHA-256 over an artifact's bytes; written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactDigest([u8; 32]);

impl ArtifactDigest {
    /// From the hash itself.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash itself.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for ArtifactDigest {
    type Err = WireError;

    fn from_str(text: &str) -> Result<Self, WireError> {
        let mut bytes = [0; 32];
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if is_lower => Ok(Self(bytes)),
            Ok(()) | Err(_) => Err(WireError::Invalid {
                field: "artifact.sha256",
                why: format!("`{text}` is no SHA-256; it takes 64 hex digits in lower case"),
            }),
        }
    }
}

impl fmt::Display for ArtifactDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl fmt::Debug for ArtifactDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for ArtifactDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArtifactDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The longest file name of an artifact; file systems take no longer one.
pub const FILE_NAME_MAX: usize = 255;

/// Checks the file name of an artifact: what package files are called and no more (letters, digits and `+ - . _ ~ % ^`), so
/// that it can be no path, no option and no hidden file.
///
/// # Errors
/// When it is anything else.
pub fn check_file_name(name: &str) -> Result<(), WireError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_' | '~' | '%' | '^');
    let begins = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if begins && name.len() <= FILE_NAME_MAX && name.chars().all(plain) {
        return Ok(());
    }
    Err(WireError::Invalid {
        field: "artifact.file_name",
        why: format!(
            "`{name}` is no file name of an artifact; it begins with a letter or digit and holds letters, digits and + - . _ ~ % ^"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_lower_case_digits_and_nothing_else() {
        let text = "ab".repeat(32);
        assert_eq!(text.parse::<ArtifactDigest>().unwrap().to_string(), text);
        for bad in [
            &text[1..],
            &text.to_uppercase(),
            &format!("{text}00"),
            "",
            &"zz".repeat(32),
        ] {
            assert!(bad.parse::<ArtifactDigest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_name_is_no_path_no_option_and_not_hidden() {
        for good in [
            "clamav_1.4.6+dfsg-1_amd64.deb",
            "a_1%3a2.0~rc1_all.deb",
            "falcon-7.1-1.el9.x86_64.rpm",
        ] {
            assert!(check_file_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(FILE_NAME_MAX + 1);
        for bad in [
            "", ".", "..", "../a.deb", "a/b.deb", "-o.deb", ".hidden", "a b.deb", "a\n.deb", "ä.deb", &long,
        ] {
            assert!(check_file_name(bad).is_err(), "{bad}");
        }
    }
}
