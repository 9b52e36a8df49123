//! Who this host is: its id, keys, certificate, and whom it believes. One file, replaced whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cutover_proto::{
    envelope::{PublicKey, SigningKey},
    ids::HostId,
    seal::SealingKey,
    v1,
};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Address, Fingerprint,
    keys::{HostKeys, KeysInFile},
};
use crate::disk::{make_private_dir, write_private};

/// The version of the file's format.
const VERSION: u32 = 1;

/// An enrolled host.
#[derive(Debug, Clone)]
pub struct Identity {
    host_id: HostId,
    servers: Vec<Address>,
    pub(super) keys: HostKeys,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) anchors: Vec<CertificateDer<'static>>,
    server_keys: Vec<PublicKey>,
    validity_ms: (i64, i64),
}

/// What a server gives with a certificate.
pub(super) struct Granted {
    pub(super) certificate_chain: Vec<Vec<u8>>,
    pub(super) trust_anchors: Vec<Vec<u8>>,
    pub(super) signing_keys: Vec<v1::ServerKey>,
}

/// Where a host's identity lies: `identity.json`, and `pending.json` with keys whose certificate is being asked for. Where
/// other machines have this identity too, `split.json` has the keys of the next one, and `next.json` the next one itself.
#[derive(Debug, Clone)]
pub struct IdentityDir(PathBuf);

/// Why an identity cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The disk said no.
    #[error("{path}: {what}: {source}; check that the directory exists, is writable for the agent, and has room")]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {why}; move the file away and enrol this host again with a new token")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No keys can be made.
    #[error("{0}")]
    Keys(String),
    /// What the server sent is no identity.
    #[error("the server's answer cannot be used: {0}; look at the server's log and version")]
    Granted(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitFile {
    /// The kernel session that the keys are for: a copy of this disk makes its own.
    boot_id: String,
    keys: KeysInFile,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityFile {
    version: u32,
    host_id: HostId,
    servers: Vec<Address>,
    /// DER, hex, leaf first.
    certificate_chain: Vec<String>,
    trust_anchors: Vec<String>,
    /// Raw Ed25519 keys, hex.
    signing_keys: Vec<String>,
    keys: KeysInFile,
}

impl Identity {
    /// From the reply to an enrolment, or to a machine that gets an identity of its own.
    pub(super) fn of_reply(
        reply: v1::EnrollReply,
        servers: Vec<Address>,
        keys: HostKeys,
    ) -> Result<Self, IdentityError> {
        let host_id = reply
            .host_id
            .parse()
            .map_err(|error: cutover_proto::WireError| IdentityError::Granted(error.to_string()))?;
        let granted = Granted {
            certificate_chain: reply.certificate_chain,
            trust_anchors: reply.trust_anchors,
            signing_keys: reply.signing_keys,
        };
        Self::granted(host_id, servers, keys, granted).map_err(IdentityError::Granted)
    }

    /// From what a server granted for these keys.
    pub(super) fn granted(
        host_id: HostId,
        servers: Vec<Address>,
        keys: HostKeys,
        granted: Granted,
    ) -> Result<Self, String> {
        let server_keys = granted
            .signing_keys
            .iter()
            .map(|key| PublicKey::server(&key.public_key).map_err(|error| error.to_string()))
            .collect::<Result<Vec<_>, _>>()?;
        let ders = |all: Vec<Vec<u8>>| all.into_iter().map(CertificateDer::from).collect::<Vec<_>>();
        Self::checked(
            host_id,
            servers,
            keys,
            ders(granted.certificate_chain),
            ders(granted.trust_anchors),
            server_keys,
        )
    }

    fn checked(
        host_id: HostId,
        servers: Vec<Address>,
        keys: HostKeys,
        chain: Vec<CertificateDer<'static>>,
        anchors: Vec<CertificateDer<'static>>,
        server_keys: Vec<PublicKey>,
    ) -> Result<Self, String> {
        let leaf = chain.first().ok_or("there is no certificate")?;
        let (_, read) = x509_parser::parse_x509_certificate(leaf)
            .map_err(|error| format!("the certificate cannot be read: {error}"))?;
        if read.public_key().raw != keys.signing.spki_der() {
            return Err("the certificate is for another key than this host's".to_owned());
        }
        if anchors.is_empty() {
            return Err("there is no trust anchor".to_owned());
        }
        if server_keys.is_empty() {
            return Err("there is no key that signs work orders".to_owned());
        }
        let validity = read.validity();
        let ms = |seconds: i64| seconds.saturating_mul(1000);
        Ok(Self {
            validity_ms: (ms(validity.not_before.timestamp()), ms(validity.not_after.timestamp())),
            host_id,
            servers,
            keys,
            chain,
            anchors,
            server_keys,
        })
    }

    /// As the server named it.
    #[must_use]
    pub const fn host_id(&self) -> HostId {
        self.host_id
    }

    /// Where it was enrolled.
    #[must_use]
    pub fn servers(&self) -> &[Address] {
        &self.servers
    }

    /// What the server's authority is known by, the one that signs.
    #[must_use]
    pub fn authority(&self) -> Fingerprint {
        // There is at least one, or it would be no identity.
        Fingerprint::of(self.anchors.first().map_or(&[][..], |anchor| anchor.as_ref()))
    }

    /// The key that signs inventories and records; the certificate's.
    #[must_use]
    pub fn signing(&self) -> Arc<SigningKey> {
        self.keys.signing.clone()
    }

    /// The key that secrets are sealed to.
    #[must_use]
    pub fn sealing(&self) -> Arc<SealingKey> {
        self.keys.sealing.clone()
    }

    /// Keys that sign work orders, cancels and rules.
    #[must_use]
    pub fn server_keys(&self) -> &[PublicKey] {
        &self.server_keys
    }

    /// From when to when the certificate is good, in milliseconds since the epoch.
    #[must_use]
    pub const fn validity_ms(&self) -> (i64, i64) {
        self.validity_ms
    }

    fn to_file(&self) -> IdentityFile {
        let hexes = |all: &[CertificateDer<'_>]| all.iter().map(hex::encode).collect();
        IdentityFile {
            version: VERSION,
            host_id: self.host_id,
            servers: self.servers.clone(),
            certificate_chain: hexes(&self.chain),
            trust_anchors: hexes(&self.anchors),
            signing_keys: self.server_keys.iter().map(|key| hex::encode(key.bytes())).collect(),
            keys: self.keys.to_file(),
        }
    }
}

impl IdentityFile {
    fn read(self) -> Result<Identity, String> {
        if self.version != VERSION {
            return Err(format!("format {} is not known to this version", self.version));
        }
        let bytes = |text: &String| hex::decode(text).map_err(|_| "it holds what is not hexadecimal".to_owned());
        let ders = |all: &[String]| {
            all.iter()
                .map(|text| bytes(text).map(CertificateDer::from))
                .collect::<Result<Vec<_>, _>>()
        };
        let server_keys = self
            .signing_keys
            .iter()
            .map(|text| PublicKey::server(&bytes(text)?).map_err(|error| error.to_string()))
            .collect::<Result<Vec<_>, _>>()?;
        let keys = HostKeys::from_file(&self.keys).map_err(|error| error.to_string())?;
        let (chain, anchors) = (ders(&self.certificate_chain)?, ders(&self.trust_anchors)?);
        Identity::checked(self.host_id, self.servers, keys, chain, anchors, server_keys)
    }
}

impl IdentityDir {
    /// A directory; made when something is first kept.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// Where the identity lies.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.0.join("identity.json")
    }

    fn pending_file(&self) -> PathBuf {
        self.0.join("pending.json")
    }

    /// The identity, or none before enrolment.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged: that is never taken for "not enrolled".
    pub fn load(&self) -> Result<Option<Identity>, IdentityError> {
        let path = self.file();
        let file: Option<IdentityFile> = read_json(&path)?;
        file.map(IdentityFile::read)
            .transpose()
            .map_err(|why| IdentityError::Damaged { path, why })
    }

    /// Who signs a look that is carried to the server by hand: the host, or before enrolment the key that it will enrol
    /// with, under the nil id.
    ///
    /// # Errors
    /// As [`Self::load`], and when a new key cannot be kept.
    pub fn signer(&self) -> Result<(HostId, Arc<SigningKey>), IdentityError> {
        Ok(match self.load()? {
            Some(identity) => (identity.host_id(), identity.signing()),
            None => (HostId::new(uuid::Uuid::nil()), self.next_keys()?.signing),
        })
    }

    /// Keeps an identity in place of the one before. Its keys are no longer pending then.
    pub(super) fn keep(&self, identity: &Identity) -> Result<(), IdentityError> {
        self.write(&self.file(), &identity.to_file())?;
        match fs::remove_file(self.pending_file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(disk(&self.pending_file(), "cannot remove")(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The keys for the next certificate: those whose request is pending, or new ones, kept before they are used. So a
    /// lost answer is asked for again with the same key, and the server knows it again.
    pub(super) fn next_keys(&self) -> Result<HostKeys, IdentityError> {
        let path = self.pending_file();
        match read_json::<KeysInFile>(&path) {
            Ok(Some(file)) => match HostKeys::from_file(&file) {
                Ok(keys) => return Ok(keys),
                Err(error) => tracing::warn!(%error, "pending keys cannot be read and are made anew"),
            },
            Ok(None) => {}
            Err(error @ IdentityError::Disk { .. }) => return Err(error),
            Err(error) => tracing::warn!(%error, "pending keys cannot be read and are made anew"),
        }
        let keys = HostKeys::generate().map_err(|error| IdentityError::Keys(error.to_string()))?;
        self.write(&path, &keys.to_file())?;
        Ok(keys)
    }

    /// The keys for an identity of this machine alone: those that this kernel session asked with before, or new ones, kept
    /// before they are used.
    pub(super) fn split_keys(&self, boot_id: &str) -> Result<HostKeys, IdentityError> {
        let path = self.0.join("split.json");
        match read_json::<SplitFile>(&path) {
            Ok(Some(file)) if file.boot_id == boot_id => match HostKeys::from_file(&file.keys) {
                Ok(keys) => return Ok(keys),
                Err(error) => tracing::warn!(%error, "keys cannot be read and are made anew"),
            },
            Ok(_) => {}
            Err(error @ IdentityError::Disk { .. }) => return Err(error),
            Err(error) => tracing::warn!(%error, "keys cannot be read and are made anew"),
        }
        let keys = HostKeys::generate().map_err(|error| IdentityError::Keys(error.to_string()))?;
        let file = SplitFile {
            boot_id: boot_id.to_owned(),
            keys: keys.to_file(),
        };
        self.write(&path, &file)?;
        Ok(keys)
    }

    fn next_file(&self) -> PathBuf {
        self.0.join("next.json")
    }

    /// Keeps an identity that [`Self::take_next`] puts in force.
    pub(super) fn keep_for_the_next_start(&self, identity: &Identity) -> Result<(), IdentityError> {
        self.write(&self.next_file(), &identity.to_file())
    }

    /// The identity that waits to be put in force; none where none does.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn next(&self) -> Result<Option<Identity>, IdentityError> {
        let path = self.next_file();
        let file: Option<IdentityFile> = read_json(&path)?;
        file.map(IdentityFile::read)
            .transpose()
            .map_err(|why| IdentityError::Damaged { path, why })
    }

    /// Puts the identity in force that waits for it. Safe to repeat after an end in the middle.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn take_next(&self, next: &Identity) -> Result<(), IdentityError> {
        self.keep(next)?;
        for path in [self.0.join("split.json"), self.next_file()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(disk(&path, "cannot remove")(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn write(&self, path: &Path, value: &impl Serialize) -> Result<(), IdentityError> {
        make_private_dir(&self.0).map_err(disk(&self.0, "cannot make"))?;
        let json = serde_json::to_vec_pretty(value)
            .map(Zeroizing::new)
            .map_err(|error| IdentityError::Granted(error.to_string()))?;
        write_private(path, &json).map_err(disk(path, "cannot write"))
    }
}

fn disk(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> IdentityError {
    let path = path.to_owned();
    move |source| IdentityError::Disk { path, what, source }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, IdentityError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(path, "cannot read")(error)),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| IdentityError::Damaged {
            path: path.to_owned(),
            why: error.to_string(),
        })
}
