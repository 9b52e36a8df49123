//! The directory of keys as a whole: made once by `init`, opened by `serve`, changed by rotation.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rustls_pki_types::CertificateDer;
use uuid::Uuid;

use super::{Certificate, PkiError, ServerIdentity, SigningKeys, authority::Authority, disk, host, server};

const ACTIVE_FILE: &str = "ca-active";
const SERVER_FILE: &str = "server.pem";

/// The authorities, the server's certificate and the signing keys of one installation.
///
/// Rotating an authority takes three steps: [`Pki::add_ca`] makes it trusted, enrolment and renewal hand it out, and
/// once every host has it [`Pki::activate_ca`] lets it sign. [`Pki::retire_ca`] ends the old one. A running server
/// opens the directory again and swaps its TLS identity.
pub struct Pki {
    directory: PathBuf,
    active: Authority,
    /// Trusted, not signing; ordered by fingerprint.
    others: Vec<Authority>,
    signing: SigningKeys,
}

impl std::fmt::Debug for Pki {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pki")
            .field("directory", &self.directory)
            .field("active", &self.active.fingerprint())
            .finish_non_exhaustive()
    }
}

impl Pki {
    /// Makes the directory, an authority and a signing key.
    ///
    /// # Errors
    /// When one is there already, or nothing can be written.
    pub fn create(directory: &Path, now_ms: i64) -> Result<Self, PkiError> {
        disk::create_directory(directory)?;
        if disk::list(directory)?.iter().any(|name| name == ACTIVE_FILE) {
            return Err(PkiError::AlreadyThere(directory.to_owned()));
        }
        let signing = SigningKeys::create(directory, now_ms)?;
        let active = Authority::generate(now_ms)?;
        active.save(&ca_path(directory, active.fingerprint()))?;
        // Written last: without it the directory counts as not made, and `init` may be run again.
        write_active(directory, active.fingerprint())?;
        Ok(Self {
            directory: directory.to_owned(),
            active,
            others: Vec::new(),
            signing,
        })
    }

    /// Opens what `create` made.
    ///
    /// # Errors
    /// Names the file that is missing, damaged or open to others, and what to do.
    pub fn open(directory: &Path) -> Result<Self, PkiError> {
        if !directory.join(ACTIVE_FILE).exists() {
            return Err(PkiError::NotThere(directory.to_owned()));
        }
        let files = disk::list(directory)?;
        let mut others = files
            .iter()
            .filter(|name| name.starts_with("ca-") && name.ends_with(".pem"))
            .map(|name| Authority::load(&directory.join(name)))
            .collect::<Result<Vec<_>, _>>()?;
        others.sort_by(|a, b| a.fingerprint().cmp(b.fingerprint()));
        let fingerprint = read_active(directory)?;
        let Some(index) = others.iter().position(|ca| ca.fingerprint() == fingerprint) else {
            return Err(PkiError::Corrupt {
                path: ca_path(directory, &fingerprint),
                why: format!("{ACTIVE_FILE} names this authority, and it is not there"),
                remedy: "restore the directory from a backup",
            });
        };
        Ok(Self {
            directory: directory.to_owned(),
            active: others.remove(index),
            others,
            signing: SigningKeys::load(directory, &files)?,
        })
    }

    /// Fingerprint of the authority that signs: SHA-256 over its DER, lower-case hex. Agents pin it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.active.fingerprint()
    }

    /// Every authority that is trusted, the signing one first.
    #[must_use]
    pub fn roots(&self) -> Vec<CertificateDer<'static>> {
        std::iter::once(&self.active)
            .chain(&self.others)
            .map(|ca| ca.certificate().clone())
            .collect()
    }

    /// A client certificate for the public key of a PKCS#10 request; names in the request are ignored.
    ///
    /// # Errors
    /// When the request is not acceptable, or the authority has ended.
    pub fn issue_host(
        &self,
        csr_der: &[u8],
        host_id: Uuid,
        now_ms: i64,
        life: Duration,
    ) -> Result<Certificate, PkiError> {
        host::issue(&self.active, csr_der, host_id, now_ms, life)
    }

    /// The listener's certificate for these DNS names and IP addresses. Kept in a file; a new one is made when there is
    /// none, two thirds of its life are over, or names or authority changed.
    ///
    /// # Errors
    /// When a name cannot be used, or the file is damaged or cannot be written.
    pub fn server_identity(&self, names: &[String], now_ms: i64) -> Result<ServerIdentity, PkiError> {
        server::load_or_issue(&self.directory.join(SERVER_FILE), &self.active, names, now_ms)
    }

    /// The keys that sign envelopes.
    #[must_use]
    pub const fn signing(&self) -> &SigningKeys {
        &self.signing
    }

    /// Adds a signing key, which signs from then on. Agents learn of it at their next renewal.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_signing_key(&mut self, now_ms: i64) -> Result<(), PkiError> {
        self.signing.add(&self.directory, now_ms)
    }

    /// Deletes an older signing key.
    ///
    /// # Errors
    /// When it is the one that signs, or not known.
    pub fn retire_signing_key(&mut self, key_id: &str) -> Result<(), PkiError> {
        self.signing.retire(&self.directory, key_id)
    }

    /// Adds an authority that is trusted and does not sign yet. Returns its fingerprint.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_ca(&mut self, now_ms: i64) -> Result<String, PkiError> {
        let ca = Authority::generate(now_ms)?;
        let fingerprint = ca.fingerprint().to_owned();
        ca.save(&ca_path(&self.directory, &fingerprint))?;
        let index = self
            .others
            .partition_point(|other| other.fingerprint() < fingerprint.as_str());
        self.others.insert(index, ca);
        Ok(fingerprint)
    }

    /// Lets another trusted authority sign. The former one stays trusted.
    ///
    /// # Errors
    /// When it is not known, or the choice cannot be written.
    pub fn activate_ca(&mut self, fingerprint: &str) -> Result<(), PkiError> {
        if self.active.fingerprint() == fingerprint {
            return Ok(());
        }
        let index = self.position(fingerprint)?;
        write_active(&self.directory, fingerprint)?;
        std::mem::swap(&mut self.active, &mut self.others[index]);
        self.others.sort_by(|a, b| a.fingerprint().cmp(b.fingerprint()));
        Ok(())
    }

    /// Deletes an authority that does not sign. Hosts whose certificate it signed must enrol anew.
    ///
    /// # Errors
    /// When it is the one that signs, or not known.
    pub fn retire_ca(&mut self, fingerprint: &str) -> Result<(), PkiError> {
        if self.active.fingerprint() == fingerprint {
            return Err(PkiError::InUse {
                what: "certificate authority",
                name: fingerprint.to_owned(),
                remedy: "activate another one first",
            });
        }
        let index = self.position(fingerprint)?;
        disk::remove(&ca_path(&self.directory, fingerprint))?;
        self.others.remove(index);
        Ok(())
    }

    fn position(&self, fingerprint: &str) -> Result<usize, PkiError> {
        let found = self.others.iter().position(|ca| ca.fingerprint() == fingerprint);
        found.ok_or_else(|| {
            let known: Vec<&str> = std::iter::once(&self.active)
                .chain(&self.others)
                .map(Authority::fingerprint)
                .collect();
            PkiError::Unknown {
                what: "certificate authority",
                name: fingerprint.to_owned(),
                known: known.join(", "),
            }
        })
    }
}

fn ca_path(directory: &Path, fingerprint: &str) -> PathBuf {
    let short = fingerprint.get(..16).unwrap_or(fingerprint);
    directory.join(format!("ca-{short}.pem"))
}

fn write_active(directory: &Path, fingerprint: &str) -> Result<(), PkiError> {
    disk::write(&directory.join(ACTIVE_FILE), format!("{fingerprint}\n").as_bytes())
}

fn read_active(directory: &Path) -> Result<String, PkiError> {
    let path = directory.join(ACTIVE_FILE);
    let bytes = disk::read(&path)?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err(PkiError::Corrupt {
        path,
        why: "it holds no fingerprint".to_owned(),
        remedy: "write the fingerprint of the authority that signs into it, or restore it from a backup",
    })
}
