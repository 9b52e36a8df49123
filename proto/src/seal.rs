//! Secrets sealed to one host for one order: HPKE base mode (RFC 9180) with X25519, HKDF-SHA256, ChaCha20-Poly1305.
//!
//! Plain text exists only in memory and is wiped when dropped. A secret for another host, order or name does not open.

use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use zeroize::Zeroizing;

use crate::{ids::HostId, v1};

type Kem = X25519HkdfSha256;
type PublicKey = <Kem as hpke::Kem>::PublicKey;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;
type EncappedKey = <Kem as hpke::Kem>::EncappedKey;

/// Why a secret cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is not an X25519 key.
    #[error("sealing key is not 32 bytes of X25519; the host has to enrol again")]
    BadKey,
    /// Sealed for another host, order or name, or changed on the way.
    #[error("secret does not open for this host, order and name")]
    DoesNotOpen,
    /// The system's randomness or the cipher failed.
    #[error("sealing failed")]
    Failed,
}

/// A host's key pair for sealed secrets.
pub struct SealingKey {
    private: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealingKey")
            .field("public", &hex::encode(&self.public))
            .finish_non_exhaustive()
    }
}

impl SealingKey {
    /// A new pair, from the system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        let (private, public) = Kem::gen_keypair();
        Self {
            private: Zeroizing::new(private.to_bytes().to_vec()),
            public: public.to_bytes().to_vec(),
        }
    }

    /// From the 32 bytes of the private key, as the host keeps it.
    ///
    /// # Errors
    /// When they are not 32 bytes.
    pub fn from_private(bytes: &[u8]) -> Result<Self, SealError> {
        let private = PrivateKey::from_bytes(bytes).map_err(|_| SealError::BadKey)?;
        let public = Kem::sk_to_pk(&private).to_bytes().to_vec();
        Ok(Self {
            private: Zeroizing::new(bytes.to_vec()),
            public,
        })
    }

    /// What the host tells the server at enrolment.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// What the host keeps, in a file only it can read.
    #[must_use]
    pub fn private(&self) -> &[u8] {
        &self.private
    }

    /// Opens a secret of an order for this host.
    ///
    /// # Errors
    /// When it was sealed for another host, order or name, or changed.
    pub fn open(&self, host: HostId, order: u64, secret: &v1::SealedSecret) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let private = PrivateKey::from_bytes(&self.private).map_err(|_| SealError::BadKey)?;
        let encapped = EncappedKey::from_bytes(&secret.encapsulated_key).map_err(|_| SealError::DoesNotOpen)?;
        let bound = bound_to(host, order, &secret.name);
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &private,
            &encapped,
            &bound,
            &secret.ciphertext,
            &bound,
        )
        .map(Zeroizing::new)
        .map_err(|_| SealError::DoesNotOpen)
    }
}

/// Seals a secret to one host's key for one order under one name.
///
/// # Errors
/// When the key is not an X25519 key.
pub fn seal(
    host_key: &[u8],
    host: HostId,
    order: u64,
    name: &str,
    plain: &[u8],
) -> Result<v1::SealedSecret, SealError> {
    let public = PublicKey::from_bytes(host_key).map_err(|_| SealError::BadKey)?;
    let bound = bound_to(host, order, name);
    let (encapped, ciphertext) =
        hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Kem>(&OpModeS::Base, &public, &bound, plain, &bound)
            .map_err(|_| SealError::Failed)?;
    Ok(v1::SealedSecret {
        name: name.to_owned(),
        encapsulated_key: encapped.to_bytes().to_vec(),
        ciphertext,
        ..v1::SealedSecret::default()
    })
}

fn bound_to(host: HostId, order: u64, name: &str) -> Vec<u8> {
    [
        b"cutover.v1.SealedSecret\0".as_slice(),
        host.uuid().as_bytes(),
        &order.to_be_bytes(),
        name.as_bytes(),
    ]
    .concat()
}
