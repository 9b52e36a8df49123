//! A host's keys, and the request for a certificate.

use std::sync::Arc;

use cutover_proto::{
    envelope::{self, Context, EnvelopeError, SigningKey},
    seal::{SealError, SealingKey},
    v1,
};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Both private keys of a host: P-256 for TLS and signatures, X25519 for sealed secrets.
#[derive(Debug, Clone)]
pub(super) struct HostKeys {
    tls_pkcs8: Zeroizing<Vec<u8>>,
    pub(super) signing: Arc<SigningKey>,
    pub(super) sealing: Arc<SealingKey>,
}

/// As the file has them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeysInFile {
    /// PKCS#8, hex.
    pub(super) tls: String,
    /// 32 bytes, hex.
    pub(super) sealing: String,
}

impl Drop for KeysInFile {
    fn drop(&mut self) {
        self.tls.zeroize();
        self.sealing.zeroize();
    }
}

/// Why keys cannot be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    #[error("no key can be made: the system's source of randomness is not available")]
    Random,
    #[error("key is not hexadecimal")]
    Hex,
    #[error(transparent)]
    Signing(#[from] EnvelopeError),
    #[error(transparent)]
    Sealing(#[from] SealError),
    #[error("no certificate request can be made: {0}")]
    Request(String),
}

impl HostKeys {
    pub(super) fn generate() -> Result<Self, KeyError> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|_| KeyError::Random)?;
        Self::new(Zeroizing::new(pkcs8.as_ref().to_vec()), SealingKey::generate())
    }

    fn new(tls_pkcs8: Zeroizing<Vec<u8>>, sealing: SealingKey) -> Result<Self, KeyError> {
        Ok(Self {
            signing: Arc::new(SigningKey::host(&tls_pkcs8)?),
            sealing: Arc::new(sealing),
            tls_pkcs8,
        })
    }

    pub(super) fn from_file(file: &KeysInFile) -> Result<Self, KeyError> {
        let plain = |text: &str| hex::decode(text).map(Zeroizing::new).map_err(|_| KeyError::Hex);
        Self::new(plain(&file.tls)?, SealingKey::from_private(&plain(&file.sealing)?)?)
    }

    pub(super) fn to_file(&self) -> KeysInFile {
        KeysInFile {
            tls: hex::encode(&*self.tls_pkcs8),
            sealing: hex::encode(self.sealing.private()),
        }
    }

    pub(super) fn tls_key(&self) -> PrivatePkcs8KeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.tls_pkcs8.to_vec())
    }

    /// PKCS#10 without names: the server gives the host its id.
    pub(super) fn request(&self) -> Result<Vec<u8>, KeyError> {
        let failed = |error: rcgen::Error| KeyError::Request(error.to_string());
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&self.tls_key(), &PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let request = CertificateParams::default().serialize_request(&pair).map_err(failed)?;
        Ok(request.der().to_vec())
    }

    /// The sealing key's public half, signed by the TLS key.
    pub(super) fn sealing_statement(&self) -> Result<v1::Envelope, KeyError> {
        Ok(envelope::seal(
            Context::SealingKey,
            self.sealing.public().to_vec(),
            &self.signing,
        )?)
    }
}
