//! Hosts' certificates: made for the public key of a request and an id that the server gave.

use std::time::Duration;

use cutover_proto::envelope::{PublicKey, key_id};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, SanType, SubjectPublicKeyInfo};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use uuid::Uuid;
use x509_parser::{
    certificate::X509Certificate, certification_request::X509CertificationRequest,
    oid_registry::OID_SIG_ECDSA_WITH_SHA256, prelude::FromDer,
};

use super::{PkiError, authority::Authority};

/// How long a host's certificate holds. From two thirds of it on, the host is told to renew.
pub const HOST_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// A request for one P-256 key takes under 400 bytes; names may add some.
const MAX_CSR_BYTES: usize = 8 * 1024;

/// A certificate that was issued to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, DER. It is the whole chain: agents hold the authority already.
    pub der: Vec<u8>,
    /// Lower-case hex of SHA-256 over its SubjectPublicKeyInfo: what `host_key` maps to a host.
    pub spki_hash: String,
    /// Start, ms since the epoch; a little before it was issued.
    pub not_before_ms: i64,
    /// End, ms since the epoch.
    pub not_after_ms: i64,
}

/// The public key of a certificate request whose own signature was checked. Nothing else of the request is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsrKey {
    /// SubjectPublicKeyInfo, DER.
    pub spki_der: Vec<u8>,
    /// Lower-case hex of SHA-256 over it.
    pub spki_hash: String,
}

impl CsrKey {
    /// Checks a PKCS#10 request (RFC 2986): one uncompressed P-256 key that signed the request itself.
    ///
    /// # Errors
    /// [`PkiError::BadRequest`] says what is wrong.
    pub fn check(csr_der: &[u8]) -> Result<Self, PkiError> {
        let refused = |why: &str| PkiError::BadRequest(why.to_owned());
        if csr_der.len() > MAX_CSR_BYTES {
            return Err(refused("it is larger than 8 KiB"));
        }
        let (rest, csr) =
            X509CertificationRequest::from_der(csr_der).map_err(|_| refused("it is not a PKCS#10 request in DER"))?;
        if !rest.is_empty() {
            return Err(refused("bytes follow its end"));
        }
        let info = &csr.certification_request_info;
        let key = PublicKey::host(info.subject_pki.raw)
            .map_err(|_| refused("its key is not an uncompressed P-256 key; make the key anew"))?;
        if csr.signature_algorithm.algorithm != OID_SIG_ECDSA_WITH_SHA256 {
            return Err(refused("it is not signed by ECDSA with SHA-256"));
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.bytes())
            .verify(info.raw, &csr.signature_value.data)
            .map_err(|_| refused("its signature does not fit its key"))?;
        Ok(Self {
            spki_hash: key.key_id().to_owned(),
            spki_der: info.subject_pki.raw.to_vec(),
        })
    }
}

/// The name in a host's certificate (SAN URI): `urn:cutover:host:` and the UUID.
#[must_use]
pub fn host_uri(host_id: Uuid) -> String {
    format!("urn:cutover:host:{}", host_id.as_hyphenated())
}

/// Lower-case hex of SHA-256 over a certificate's SubjectPublicKeyInfo.
///
/// # Errors
/// [`PkiError::BadCertificate`] when it is not a certificate in DER.
pub fn spki_hash(certificate_der: &[u8]) -> Result<String, PkiError> {
    spki_der(certificate_der).map(|spki| key_id(&spki))
}

/// A certificate's SubjectPublicKeyInfo.
///
/// # Errors
/// [`PkiError::BadCertificate`] when it is not a certificate in DER.
pub fn spki_der(certificate_der: &[u8]) -> Result<Vec<u8>, PkiError> {
    let (_, certificate) =
        X509Certificate::from_der(certificate_der).map_err(|error| PkiError::BadCertificate(error.to_string()))?;
    Ok(certificate.public_key().raw.to_vec())
}

/// A certificate for the request's key, named by the server alone.
pub(super) fn issue(
    authority: &Authority,
    csr_der: &[u8],
    host_id: Uuid,
    now_ms: i64,
    life: Duration,
) -> Result<Certificate, PkiError> {
    let CsrKey { spki_der, spki_hash } = CsrKey::check(csr_der)?;
    let key = SubjectPublicKeyInfo::from_der(&spki_der).map_err(|error| PkiError::BadRequest(error.to_string()))?;
    let mut params = CertificateParams::default();
    let uri = host_uri(host_id)
        .try_into()
        .map_err(|_| PkiError::Crypto("writing the host's name"))?;
    params.subject_alt_names = vec![SanType::URI(uri)];
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, host_id.as_hyphenated().to_string());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let (der, validity) = authority.issue(params, &key, now_ms, life)?;
    Ok(Certificate {
        der: der.to_vec(),
        spki_hash,
        not_before_ms: validity.not_before_ms,
        not_after_ms: validity.not_after_ms,
    })
}
