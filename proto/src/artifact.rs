//! Artifacts: files that an order may have fetched and installed. What decides is the hash, never where they came from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{WireError, package_file::PackageName, v1};

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

/// The most addresses that one artifact may name.
pub const URLS_MAX: usize = 8;

/// The longest address.
const URL_MAX: usize = 2048;

/// An artifact as an order names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactRef {
    /// What its bytes hash to. This alone decides.
    pub sha256: ArtifactDigest,
    /// How many bytes it has; a source that gives more is cut off.
    pub size: u64,
    /// What package managers see.
    pub file_name: String,
    /// Mirrors, asked in this order before the server; empty means the server alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

impl ArtifactRef {
    /// Checks what an order or a recipe says of an artifact.
    ///
    /// # Errors
    /// When it has no byte, or its name or an address is not plain.
    pub fn check(&self) -> Result<(), WireError> {
        let invalid = |field, why: String| WireError::Invalid { field, why };
        if self.size == 0 {
            return Err(WireError::Missing("artifact.size"));
        }
        check_file_name(&self.file_name)?;
        if self.urls.len() > URLS_MAX {
            let why = format!("there are more than {URLS_MAX} addresses");
            return Err(invalid("artifact.urls", why));
        }
        let plain = |url: &&String| {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            url.len() <= URL_MAX
                && rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
        };
        match self.urls.iter().find(|url| !plain(url)) {
            Some(bad) => Err(invalid(
                "artifact.urls",
                format!("`{bad}` is no address; it begins with https:// or http://"),
            )),
            None => Ok(()),
        }
    }

    /// The package that the file holds, by its name; none where it is not called as package files are.
    #[must_use]
    pub fn package(&self) -> Option<&str> {
        PackageName::read(&self.file_name).map(|name| name.package)
    }
}

impl From<ArtifactRef> for v1::ArtifactRef {
    fn from(artifact: ArtifactRef) -> Self {
        Self {
            sha256: artifact.sha256.bytes().to_vec(),
            size: artifact.size,
            file_name: artifact.file_name,
            urls: artifact.urls,
        }
    }
}

impl TryFrom<v1::ArtifactRef> for ArtifactRef {
    type Error = WireError;

    fn try_from(wire: v1::ArtifactRef) -> Result<Self, WireError> {
        let sha256 = wire.sha256.try_into().map_err(|bytes: Vec<u8>| WireError::Invalid {
            field: "artifact.sha256",
            why: format!("it has {} bytes and not 32", bytes.len()),
        })?;
        let artifact = Self {
            sha256: ArtifactDigest::new(sha256),
            size: wire.size,
            file_name: wire.file_name,
            urls: wire.urls,
        };
        artifact.check()?;
        Ok(artifact)
    }
}

impl From<ArtifactRef> for v1::FetchArtifact {
    fn from(artifact: ArtifactRef) -> Self {
        let v1::ArtifactRef {
            sha256,
            size,
            file_name,
            urls,
        } = artifact.into();
        Self {
            sha256,
            size,
            file_name,
            urls,
        }
    }
}

impl TryFrom<v1::FetchArtifact> for ArtifactRef {
    type Error = WireError;

    fn try_from(wire: v1::FetchArtifact) -> Result<Self, WireError> {
        v1::ArtifactRef {
            sha256: wire.sha256,
            size: wire.size,
            file_name: wire.file_name,
            urls: wire.urls,
        }
        .try_into()
    }
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

    fn named(file_name: &str) -> ArtifactRef {
        ArtifactRef {
            sha256: ArtifactDigest::new([7; 32]),
            size: 1,
            file_name: file_name.to_owned(),
            urls: Vec::new(),
        }
    }

    #[test]
    fn a_package_file_names_its_package() {
        for (file, package) in [
            ("clamav_1.4.6+dfsg-1_amd64.deb", Some("clamav")),
            ("libclamav12_1.4_amd64.deb", Some("libclamav12")),
            ("falcon-sensor-7.10-17106.el9.x86_64.rpm", Some("falcon-sensor")),
            ("setup.sh", None),
            ("clamav.deb", None),
            ("a.rpm", None),
        ] {
            assert_eq!(named(file).package(), package, "{file}");
        }
    }

    #[test]
    fn an_address_is_http_and_nothing_else() {
        let at = |url: &str| ArtifactRef {
            urls: vec![url.to_owned()],
            ..named("a_1_all.deb")
        };
        assert!(at("http://mirror.example/a.deb").check().is_ok());
        for bad in [
            "",
            "https://",
            "file:///etc/shadow",
            "ftp://a/b",
            "https://a b/c",
            "https://a\n/c",
        ] {
            assert!(at(bad).check().is_err(), "{bad}");
        }
        let many = ArtifactRef {
            urls: vec!["https://a/b".to_owned(); URLS_MAX + 1],
            ..named("a_1_all.deb")
        };
        assert!(many.check().is_err());
        assert!(
            ArtifactRef {
                size: 0,
                ..named("a_1_all.deb")
            }
            .check()
            .is_err()
        );
    }
}
