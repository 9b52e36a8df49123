//! A host's keys and what is said with them before there is a certificate.

use cutover_proto::{
    envelope::{self, Context, SigningKey},
    seal::SealingKey,
    v1,
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};

/// Its private keys, as an agent has them.
pub(crate) struct Keys {
    pub(crate) pair: KeyPair,
    pub(crate) signing: SigningKey,
    pub(crate) sealing: SealingKey,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let signing = SigningKey::host(&pair.serialize_der()).unwrap();
        let sealing = SealingKey::generate();
        Self { pair, signing, sealing }
    }

    /// The same keys, on a copy of the disk.
    pub(crate) fn copied(&self) -> Self {
        let pair = KeyPair::try_from(self.pair.serialize_der()).unwrap();
        let signing = SigningKey::host(&pair.serialize_der()).unwrap();
        let sealing = SealingKey::from_private(self.sealing.private()).unwrap();
        Self { pair, signing, sealing }
    }

    pub(crate) fn request(&self) -> Vec<u8> {
        self.request_named(None)
    }

    /// A certificate request that also claims a name.
    pub(crate) fn request_named(&self, name: Option<&str>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        if let Some(name) = name {
            params.subject_alt_names = vec![SanType::URI(name.try_into().unwrap())];
            params.distinguished_name.push(DnType::CommonName, name);
        }
        params.serialize_request(&self.pair).unwrap().der().to_vec()
    }

    pub(crate) fn sealing_statement(&self) -> v1::Envelope {
        let public = self.sealing.public().to_vec();
        envelope::seal(Context::SealingKey, public, &self.signing).unwrap()
    }

    pub(crate) fn spki_hash(&self) -> String {
        self.signing.public().key_id().to_owned()
    }
}
