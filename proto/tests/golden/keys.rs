//! Fixed keys of the kept samples. They guard nothing: anyone can read them here.

use cutover_proto::{envelope::SigningKey, ids::HostId, seal::SealingKey};

use crate::files::kept_bytes;

/// The host that samples speak of.
pub(crate) const HOST: &str = "01920000-0000-7000-8000-000000000001";

/// PKCS#8 version 1 around a fixed Ed25519 seed (RFC 8410, section 7).
pub(crate) fn server_key() -> SigningKey {
    let header = hex::decode("302e020100300506032b657004220420").unwrap();
    let pkcs8 = [header, vec![0x11; 32]].concat();
    SigningKey::server(&pkcs8).unwrap()
}

/// A P-256 key made once for these samples.
pub(crate) fn host_key() -> SigningKey {
    let pkcs8 = kept_bytes("keys/host-p256-pkcs8", || {
        let random = ring::rand::SystemRandom::new();
        let algorithm = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &random)
            .unwrap()
            .as_ref()
            .to_vec()
    });
    SigningKey::host(&pkcs8).unwrap()
}

pub(crate) fn sealing_key() -> SealingKey {
    SealingKey::from_private(&[0x22; 32]).unwrap()
}

pub(crate) fn host_id() -> HostId {
    HOST.parse().unwrap()
}
