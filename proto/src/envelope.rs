//! The one envelope of everything that is signed: exact bytes, a context per type, a list of signatures.
//!
//! Servers sign with Ed25519, hosts with the P-256 key of their certificate (see docs/decisions). The body is never
//! encoded again: what was signed is what is kept.

use ring::{
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use sha2::{Digest, Sha256};

use crate::{spelling::on_wire, v1, words};

const DOMAIN: &[u8] = b"cutover-envelope-v1\0";

/// DER header of a SubjectPublicKeyInfo with an uncompressed P-256 point (RFC 5480); the 65 bytes of the point follow.
const P256_SPKI_HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

words! {
    /// What the body of an envelope is. A signature under one context is worth nothing under another.
    pub enum Context("context") {
        /// By the server: `WorkOrder`.
        WorkOrder = "cutover.v1.WorkOrder",
        /// By the server: `Cancel`.
        Cancel = "cutover.v1.Cancel",
        /// By the server: `Rules`.
        Rules = "cutover.v1.Rules",
        /// By the server: `AgentRelease`.
        AgentRelease = "cutover.v1.AgentRelease",
        /// By the host: `Inventory`.
        Inventory = "cutover.v1.Inventory",
        /// By the host: `StepRecord`.
        StepRecord = "cutover.v1.StepRecord",
        /// By the host's TLS key: its X25519 public key.
        SealingKey = "cutover.v1.SealingKey",
        /// By the key that is replaced: SHA-256 of the new CSR.
        Renewal = "cutover.v1.Renewal",
        /// By the key that several machines have: SHA-256 of the new CSR, then the kernel session that asks.
        Split = "cutover.v1.Split",
        /// By the host: what it says when it leaves.
        LastStatement = "cutover.v1.LastStatement",
        /// By the server: the root over its events.
        Checkpoint = "cutover.v1.Checkpoint",
    }
}

words! {
    /// How a signature was made.
    pub enum Algorithm("signature algorithm") {
        /// Servers.
        Ed25519 = "ed25519",
        /// Hosts.
        EcdsaP256Sha256 = "ecdsa-p256-sha256",
    }
}
on_wire!(
    Algorithm,
    "signature.algorithm",
    v1::SignatureAlgorithm {
        Ed25519,
        EcdsaP256Sha256
    }
);

/// Why an envelope is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is something else than expected.
    #[error("envelope holds a {found}, a {expected} was expected")]
    WrongContext {
        /// What was expected.
        expected: Context,
        /// What it says.
        found: String,
    },
    /// No signature by a key that counts here.
    #[error("envelope is not signed by a known key (signed by: {0})")]
    UnknownSigner(String),
    /// A known key's signature does not fit the bytes.
    #[error("signature by key {0} does not fit; the bytes were changed or the key is another")]
    BadSignature(String),
    /// A key that cannot be read.
    #[error("key is not usable: {0}")]
    BadKey(String),
    /// The signing itself failed.
    #[error("signing failed; the system's source of randomness may be unavailable")]
    SigningFailed,
    /// The body is not the message that the context names.
    #[error("envelope body cannot be read: {0}")]
    Body(String),
}

/// A public key that may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key_id: String,
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// A server's raw Ed25519 key.
    ///
    /// # Errors
    /// When it is not 32 bytes.
    pub fn server(raw: &[u8]) -> Result<Self, EnvelopeError> {
        if raw.len() != 32 {
            return Err(EnvelopeError::BadKey(format!(
                "an Ed25519 key has 32 bytes, not {}",
                raw.len()
            )));
        }
        Ok(Self {
            key_id: key_id(raw),
            algorithm: Algorithm::Ed25519,
            bytes: raw.to_vec(),
        })
    }

    /// A host's key from its certificate's SubjectPublicKeyInfo (DER).
    ///
    /// # Errors
    /// When it is not an uncompressed P-256 key.
    pub fn host(spki_der: &[u8]) -> Result<Self, EnvelopeError> {
        match spki_der.split_at_checked(P256_SPKI_HEADER.len()) {
            Some((header, point)) if header == P256_SPKI_HEADER && point.len() == 65 => Ok(Self {
                key_id: key_id(spki_der),
                algorithm: Algorithm::EcdsaP256Sha256,
                bytes: point.to_vec(),
            }),
            Some(_) | None => Err(EnvelopeError::BadKey("not a P-256 public key".to_owned())),
        }
    }

    /// Lower-case hex of SHA-256 over the key as given.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The raw key: 32 bytes (Ed25519) or the uncompressed point (P-256).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn verifies(&self, message: &[u8], value: &[u8]) -> bool {
        let algorithm: &'static dyn signature::VerificationAlgorithm = match self.algorithm {
            Algorithm::Ed25519 => &signature::ED25519,
            Algorithm::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
        };
        signature::UnparsedPublicKey::new(algorithm, &self.bytes)
            .verify(message, value)
            .is_ok()
    }
}

/// Hex of SHA-256, as key ids and digests are written.
#[must_use]
pub fn key_id(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A private key that signs envelopes.
pub struct SigningKey {
    public: PublicKey,
    spki_der: Vec<u8>,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair, SystemRandom),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("key_id", &self.public.key_id)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A server's key from PKCS#8 (version 1 or 2).
    ///
    /// # Errors
    /// When it is not an Ed25519 key.
    pub fn server(pkcs8: &[u8]) -> Result<Self, EnvelopeError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
            .map_err(|error| EnvelopeError::BadKey(format!("not an Ed25519 key in PKCS#8: {error}")))?;
        let public = PublicKey::server(pair.public_key().as_ref())?;
        Ok(Self {
            public,
            spki_der: Vec::new(),
            pair: Pair::Ed25519(pair),
        })
    }

    /// A host's TLS key from PKCS#8.
    ///
    /// # Errors
    /// When it is not a P-256 key.
    pub fn host(pkcs8: &[u8]) -> Result<Self, EnvelopeError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &random)
            .map_err(|error| EnvelopeError::BadKey(format!("not a P-256 key in PKCS#8: {error}")))?;
        let spki_der = [&P256_SPKI_HEADER, pair.public_key().as_ref()].concat();
        Ok(Self {
            public: PublicKey::host(&spki_der)?,
            spki_der,
            pair: Pair::P256(pair, random),
        })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A host key's SubjectPublicKeyInfo; empty for server keys.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::P256(pair, random) => pair
                .sign(random, message)
                .map(|value| value.as_ref().to_vec())
                .map_err(|_| EnvelopeError::SigningFailed),
        }
    }
}

/// Signs exact bytes under a context.
///
/// # Errors
/// When the system's randomness fails (P-256 only).
pub fn seal(context: Context, body: Vec<u8>, key: &SigningKey) -> Result<v1::Envelope, EnvelopeError> {
    let value = key.sign(&signed_bytes(context.as_str(), &body))?;
    let signature = v1::Signature {
        key_id: key.public.key_id.clone(),
        algorithm: key.public.algorithm.number(),
        value,
    };
    Ok(v1::Envelope {
        context: context.as_str().to_owned(),
        body,
        signatures: vec![signature],
    })
}

/// Signs a message, encoding it once.
///
/// # Errors
/// As [`seal`].
pub fn seal_message(
    context: Context,
    message: &impl prost::Message,
    key: &SigningKey,
) -> Result<v1::Envelope, EnvelopeError> {
    seal(context, message.encode_to_vec(), key)
}

/// The body, once the context fits and a known key signed it. Every signature by a known key must fit.
///
/// # Errors
/// When the context is another, nobody known signed, or a known key's signature does not fit.
pub fn open<'e>(envelope: &'e v1::Envelope, context: Context, known: &[PublicKey]) -> Result<&'e [u8], EnvelopeError> {
    if envelope.context != context.as_str() {
        return Err(EnvelopeError::WrongContext {
            expected: context,
            found: envelope.context.clone(),
        });
    }
    let message = signed_bytes(&envelope.context, &envelope.body);
    let mut believed = false;
    for signature in &envelope.signatures {
        let Some(key) = known.iter().find(|key| key.key_id == signature.key_id) else {
            continue;
        };
        if signature.algorithm != key.algorithm.number() || !key.verifies(&message, &signature.value) {
            return Err(EnvelopeError::BadSignature(signature.key_id.clone()));
        }
        believed = true;
    }
    if believed {
        return Ok(&envelope.body);
    }
    let signers: Vec<&str> = envelope
        .signatures
        .iter()
        .map(|signature| signature.key_id.as_str())
        .collect();
    Err(EnvelopeError::UnknownSigner(signers.join(", ")))
}

/// [`open`], then decodes the body.
///
/// # Errors
/// As [`open`], or when the body is not such a message.
pub fn open_message<M: prost::Message + Default>(
    envelope: &v1::Envelope,
    context: Context,
    known: &[PublicKey],
) -> Result<M, EnvelopeError> {
    M::decode(open(envelope, context, known)?).map_err(|error| EnvelopeError::Body(error.to_string()))
}

/// SHA-256 over the body: how an inventory is named in check-ins.
#[must_use]
pub fn digest(envelope: &v1::Envelope) -> [u8; 32] {
    Sha256::digest(&envelope.body).into()
}

fn signed_bytes(context: &str, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(context.len()).expect("contexts are short constants or bounded by the message size");
    [DOMAIN, &length.to_be_bytes(), context.as_bytes(), body].concat()
}
