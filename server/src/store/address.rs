//! Where the store is, and how a PostgreSQL server is reached.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::StoreError;
use super::postgres::{PostgresConn, refused};

/// Where the store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// A database file.
    Sqlite(PathBuf),
    /// A connection text of PostgreSQL, with its password if it has one.
    Postgres(String),
}

impl Address {
    /// Reads `postgres://...`, `postgresql://...`, `sqlite:PATH` or a plain path.
    ///
    /// # Errors
    /// [`StoreError::Address`] for an empty text or another scheme.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path.is_empty() || path.contains("://") {
            return Err(StoreError::Address {
                why: "write a path, sqlite:PATH or postgres://USER@HOST/DATABASE".to_owned(),
            });
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            // The text may hold a password.
            Self::Postgres(_) => write!(f, "postgres://..."),
        }
    }
}

/// Opens sessions to one PostgreSQL server.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    /// Reads the address and decides about TLS: plain on loopback and on Unix sockets, TLS anywhere else. Only
    /// `sslmode=disable` turns it off beyond loopback; the driver's default, which falls back to plain text when the
    /// server (or somebody between) says that it has no TLS, does not.
    pub(super) fn new(address: &str, ca_pem: Option<&[u8]>) -> Result<Self, StoreError> {
        let mut config = Config::from_str(address).map_err(|error| StoreError::Address {
            why: format!("{error}; write postgres://USER@HOST:PORT/DATABASE"),
        })?;
        if config.get_application_name().is_none() {
            config.application_name("cutover");
        }
        let near = config.get_hosts().iter().all(is_near);
        let mode = config.get_ssl_mode();
        let plain = mode == SslMode::Disable || (near && mode != SslMode::Require);
        let tls = if plain {
            config.ssl_mode(SslMode::Disable);
            None
        } else {
            config.ssl_mode(SslMode::Require);
            Some(connect_tls(ca_pem)?)
        };
        Ok(Self { config, tls })
    }

    /// Opens a session. Must not be called on a thread of an async runtime.
    pub(super) fn connect(&self) -> Result<PostgresConn, StoreError> {
        PostgresConn::new(self.client()?)
    }

    fn client(&self) -> Result<Client, StoreError> {
        match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        }
        .map_err(|error| refused("", &error))
    }
}

/// Whether a host is this machine.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// TLS with ring against the given authority, or against the system's.
fn connect_tls(ca_pem: Option<&[u8]>) -> Result<MakeRustlsConnect, StoreError> {
    let Some(pem) = ca_pem else {
        return MakeRustlsConnect::with_native_certs()
            .map(|(tls, _skipped)| tls)
            .map_err(|_| StoreError::Address {
                why: "this machine has no certificate authorities; name the one of the database server".to_owned(),
            });
    };
    let bad = |why: String| StoreError::Address {
        why: format!("the authority of the database server cannot be read: {why}"),
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("it holds no certificate".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_path_or_a_postgres_url_and_nothing_else() {
        let path = |text: &str| Ok(Address::Sqlite(PathBuf::from(text)));
        assert_eq!(
            Address::parse("/var/lib/cutover/store.db"),
            path("/var/lib/cutover/store.db")
        );
        assert_eq!(Address::parse("sqlite:store.db"), path("store.db"));
        assert!(matches!(Address::parse("postgres://u@h/d"), Ok(Address::Postgres(_))));
        for wrong in ["", "sqlite:", "mysql://u@h/d"] {
            let refused = Address::parse(wrong).expect_err(wrong).to_string();
            assert!(refused.contains("postgres://USER@HOST"), "{refused}");
        }
    }

    #[test]
    fn an_address_never_prints_its_password() {
        let address = Address::parse("postgres://user:secret@db.example/x").expect("an address");
        assert!(!format!("{address:?}").contains("secret"));
    }

    #[test]
    fn a_database_beyond_loopback_is_reached_by_tls_unless_that_is_turned_off() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let authority = rcgen::generate_simple_self_signed(["db.example".to_owned()])
            .expect("a certificate")
            .cert
            .pem();
        let tls = |address: &str| {
            Connector::new(address, Some(authority.as_bytes()))
                .expect("an address")
                .tls
                .is_some()
        };
        assert!(!tls("postgres://u@127.0.0.1/d"));
        assert!(!tls("postgres://u@localhost,[::1]/d"));
        assert!(!tls("postgres://u@%2Frun%2Fpostgresql/d"));
        assert!(tls("postgres://u@127.0.0.1/d?sslmode=require"));
        assert!(tls("postgres://u@db.example/d"));
        assert!(tls("postgres://u@127.0.0.1,db.example/d"));
        assert!(!tls("postgres://u@db.example/d?sslmode=disable"));
    }

    #[test]
    fn an_authority_that_is_none_is_refused() {
        for pem in [&b""[..], b"not a certificate"] {
            assert!(matches!(
                Connector::new("postgres://u@db.example/d", Some(pem)),
                Err(StoreError::Address { .. })
            ));
        }
    }
}
