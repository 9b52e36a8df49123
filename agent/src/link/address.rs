//! Where a server is.

use std::{fmt, str::FromStr};

use rustls_pki_types::ServerName;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The agents' listener, unless an address names another port.
pub const DEFAULT_PORT: u16 = 7443;

/// A server's name or IP address, and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a server's address: {why}; write HOST:PORT, for example cutover.example.org:7443 or [::1]:7443"
)]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl Address {
    /// Name or IP address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What the server's certificate has to be for.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, AddressError> {
        ServerName::try_from(self.host.clone()).map_err(|_| AddressError {
            text: self.to_string(),
            why: "it holds no name that a certificate can be for",
        })
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let refused = |why| AddressError {
            text: text.to_owned(),
            why,
        };
        if text.contains("://") || text.contains('/') {
            return Err(refused("it has a scheme or a path"));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, "")) => (host, None),
                Some((host, port)) => (
                    host,
                    Some(port.strip_prefix(':').ok_or(refused("`]` is not followed by `:`"))?),
                ),
                None => return Err(refused("`[` is not closed")),
            },
            None => match text.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => {
                    return Err(refused("an IPv6 address stands in brackets"));
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port.map(str::parse) {
            None => DEFAULT_PORT,
            Some(Ok(port)) if port != 0 => port,
            Some(_) => return Err(refused("its port is not a number from 1 to 65535")),
        };
        let address = Self {
            host: host.to_owned(),
            port,
        };
        address
            .server_name()
            .map_err(|_| refused("its host is not a name or an IP address"))?;
        Ok(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
