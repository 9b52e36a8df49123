//! One certificate authority: an ECDSA P-256 key and its self-signed certificate.

use std::{path::Path, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use sha2::{Digest, Sha256};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::{PkiError, disk, validity::Validity};

/// Ten years: longer than any campaign. A new one is added beside it in good time.
const CA_LIFE: Duration = Duration::from_secs(3650 * 24 * 3600);

const REMEDY: &str = "restore it from a backup; without it no host's certificate can be checked";

/// Key and certificate of one authority.
pub(super) struct Authority {
    fingerprint: String,
    certificate: CertificateDer<'static>,
    validity: Validity,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new one.
    pub(super) fn generate(now_ms: i64) -> Result<Self, PkiError> {
        let key = new_key()?;
        let mut params = CertificateParams::default();
        let validity = Validity::starting(now_ms, CA_LIFE)?;
        validity.write(&mut params)?;
        params.serial_number = Some(serial_number()?);
        // Each has a name of its own: a verifier that holds several finds the right one by name.
        let name = hex::encode(&Sha256::digest(key.subject_public_key_info())[..4]);
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Cutover CA {name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&key)
            .map_err(|_| PkiError::Crypto("signing the authority's certificate"))?
            .der()
            .clone();
        Self::assemble(certificate, key).map_err(PkiError::BadCertificate)
    }

    /// Reads one; key and certificate must belong together.
    pub(super) fn load(path: &Path) -> Result<Self, PkiError> {
        let bytes = disk::read(path)?;
        let corrupt = |why: String| PkiError::Corrupt {
            path: path.to_owned(),
            why,
            remedy: REMEDY,
        };
        let key = read_key(&bytes).map_err(corrupt)?;
        let certificate = CertificateDer::from_pem_slice(&bytes)
            .map_err(|error| corrupt(format!("no certificate in PEM ({error})")))?;
        Self::assemble(certificate, key).map_err(corrupt)
    }

    /// Key and certificate in one file, so that they can only be there together.
    pub(super) fn save(&self, path: &Path) -> Result<(), PkiError> {
        let text =
            disk::pem("PRIVATE KEY", self.issuer.key().serialized_der()) + &disk::pem("CERTIFICATE", &self.certificate);
        disk::write(path, text.as_bytes())
    }

    fn assemble(certificate: CertificateDer<'static>, key: KeyPair) -> Result<Self, String> {
        let validity = {
            let (rest, parsed) = X509Certificate::from_der(&certificate)
                .map_err(|error| format!("the certificate cannot be read ({error})"))?;
            if !rest.is_empty() || !parsed.is_ca() {
                return Err("its certificate is not an authority's".to_owned());
            }
            if parsed.public_key().raw != key.subject_public_key_info() {
                return Err("key and certificate do not belong together".to_owned());
            }
            Validity::read(parsed.validity())
        };
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|error| format!("the certificate cannot be read ({error})"))?;
        Ok(Self {
            fingerprint: hex::encode(Sha256::digest(&certificate)),
            certificate,
            validity,
            issuer,
        })
    }

    /// SHA-256 over the certificate's DER, lower-case hex.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Signs a certificate that never outlives the authority. Returns it with its validity.
    pub(super) fn issue(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
        now_ms: i64,
        life: Duration,
    ) -> Result<(CertificateDer<'static>, Validity), PkiError> {
        let validity = Validity::starting(now_ms, life)?.until(self.validity.not_after_ms);
        if validity.not_after_ms <= now_ms {
            return Err(PkiError::AuthorityEnded {
                fingerprint: self.fingerprint.clone(),
            });
        }
        validity.write(&mut params)?;
        params.serial_number = Some(serial_number()?);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params
            .signed_by(key, &self.issuer)
            .map_err(|_| PkiError::Crypto("signing a certificate"))?;
        Ok((certificate.der().clone(), validity))
    }
}

/// A new P-256 key.
pub(super) fn new_key() -> Result<KeyPair, PkiError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| PkiError::Crypto("making a key"))
}

/// The P-256 key of a PEM file.
pub(super) fn read_key(pem: &[u8]) -> Result<KeyPair, String> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|error| format!("no private key in PEM ({error})"))?;
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
        .map_err(|_| "its private key is not a P-256 key in PKCS#8".to_owned())
}

/// 127 random bits. Not derived from the key: one key may get several certificates.
fn serial_number() -> Result<SerialNumber, PkiError> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| PkiError::Crypto("drawing a serial number"))?;
    bytes[0] &= 0x7f;
    // A leading zero byte would not be the shortest form that DER demands.
    bytes[0] |= 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}
