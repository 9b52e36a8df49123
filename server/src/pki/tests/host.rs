use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ED25519,
};
use uuid::Uuid;
use x509_parser::{
    certificate::X509Certificate, certification_request::X509CertificationRequest, extensions::GeneralName,
    prelude::FromDer,
};

use super::{DAY_MS, NOW_MS, fresh};
use crate::pki::{CsrKey, HOST_LIFE, PkiError, renew_due, spki_hash};

const HOST: Uuid = Uuid::from_u128(0x0192_4f00_0000_7000_8000_0000_0000_0001);

/// A request that asks for everything it must not get.
fn greedy_csr(key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::new(["cutover.example".to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, "administrator");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.serialize_request(key).expect("a request").der().to_vec()
}

fn p256() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}

#[test]
fn only_the_key_of_a_request_reaches_the_certificate() {
    let (_root, pki) = fresh();
    let key = p256();
    let issued = pki
        .issue_host(&greedy_csr(&key), HOST, NOW_MS, HOST_LIFE)
        .expect("a certificate");
    let (rest, certificate) = X509Certificate::from_der(&issued.der).expect("DER");
    assert!(rest.is_empty());
    let names = certificate
        .subject_alternative_name()
        .expect("readable")
        .expect("present");
    let uri = "urn:cutover:host:01924f00-0000-7000-8000-000000000001";
    assert_eq!(names.value.general_names, [GeneralName::URI(uri)]);
    assert_eq!(certificate.subject().to_string(), format!("CN={HOST}"));
    assert!(!certificate.is_ca());
    let uses = certificate
        .extended_key_usage()
        .expect("readable")
        .expect("present")
        .value;
    assert!(uses.client_auth && !uses.server_auth && !uses.any);
    assert_eq!(issued.spki_hash, spki_hash(&issued.der).expect("a hash"));
    let asked = CsrKey::check(&greedy_csr(&key)).expect("a good request");
    assert_eq!(issued.spki_hash, asked.spki_hash);
    assert_eq!(certificate.public_key().raw, asked.spki_der);
}

#[test]
fn one_key_gets_certificates_with_serial_numbers_of_their_own() {
    let (_root, pki) = fresh();
    let csr = greedy_csr(&p256());
    let serial = || {
        let issued = pki.issue_host(&csr, HOST, NOW_MS, HOST_LIFE).expect("a certificate");
        let (_, certificate) = X509Certificate::from_der(&issued.der).expect("DER");
        certificate.raw_serial().to_vec()
    };
    assert_ne!(serial(), serial());
}

#[test]
fn a_certificate_lives_ninety_days_and_is_due_from_two_thirds_on() {
    let (_root, pki) = fresh();
    let issued = pki
        .issue_host(&greedy_csr(&p256()), HOST, NOW_MS, HOST_LIFE)
        .expect("a certificate");
    assert_eq!(issued.not_after_ms, NOW_MS - 500 + 90 * DAY_MS);
    assert_eq!(issued.not_before_ms, NOW_MS - 500 - 3_600_000);
    let due = |now_ms| renew_due(issued.not_before_ms, issued.not_after_ms, now_ms);
    assert!(!due(NOW_MS + 59 * DAY_MS));
    assert!(due(NOW_MS + 60 * DAY_MS));
    assert!(due(NOW_MS + 900 * DAY_MS));
    let (_, certificate) = X509Certificate::from_der(&issued.der).expect("DER");
    assert_eq!(certificate.validity().not_after.timestamp() * 1000, issued.not_after_ms);
}

#[test]
fn a_certificate_never_outlives_its_authority() {
    let (_root, pki) = fresh();
    let csr = greedy_csr(&p256());
    let end = NOW_MS - 500 + 3650 * DAY_MS;
    let issued = pki
        .issue_host(&csr, HOST, end - DAY_MS, HOST_LIFE)
        .expect("a certificate");
    assert_eq!(issued.not_after_ms, end);
    let late = pki.issue_host(&csr, HOST, end, HOST_LIFE);
    assert!(matches!(late, Err(PkiError::AuthorityEnded { .. })), "{late:?}");
    let never = pki.issue_host(&csr, HOST, NOW_MS, Duration::MAX);
    assert!(matches!(never, Err(PkiError::BadTime(_))), "{never:?}");
}

#[test]
fn requests_with_other_keys_are_refused() {
    for algorithm in [&PKCS_ED25519, &PKCS_ECDSA_P384_SHA384] {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let error = CsrKey::check(&greedy_csr(&key))
            .expect_err("another kind of key")
            .to_string();
        assert!(error.contains("P-256"), "{error}");
    }
}

#[test]
fn requests_that_are_not_whole_are_refused() {
    let csr = greedy_csr(&p256());
    let longer = [csr.as_slice(), &[0]].concat();
    let huge = vec![0x30; 9 * 1024];
    for bytes in [&[][..], b"nonsense", &csr[..csr.len() - 1], &longer, &huge] {
        let refused = CsrKey::check(bytes);
        assert!(matches!(refused, Err(PkiError::BadRequest(_))), "{refused:?}");
    }
}

#[test]
fn no_flipped_bit_of_a_request_gets_another_key_certified() {
    let csr = greedy_csr(&p256());
    let asked = CsrKey::check(&csr).expect("a good request");
    let mut refused = 0;
    for index in 0..csr.len() {
        let mut flipped = csr.clone();
        flipped[index] ^= 1;
        match CsrKey::check(&flipped) {
            Ok(key) => assert_eq!(key, asked, "byte {index}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > csr.len() * 9 / 10, "{refused} of {}", csr.len());
}

#[test]
fn a_request_signed_by_another_key_is_refused() {
    let (own, other) = (greedy_csr(&p256()), greedy_csr(&p256()));
    let (_, own) = X509CertificationRequest::from_der(&own).expect("DER");
    let body = own.certification_request_info.raw;
    let (_, parsed) = X509CertificationRequest::from_der(&other).expect("DER");
    let others = parsed.certification_request_info.raw;
    let start = other
        .windows(others.len())
        .position(|part| part == others)
        .expect("inside");
    let mixed = [body, &other[start + others.len()..]].concat();
    let length = u16::try_from(mixed.len()).expect("short").to_be_bytes();
    let mixed = [&[0x30, 0x82], &length[..], &mixed].concat();
    let error = CsrKey::check(&mixed)
        .expect_err("somebody else's signature")
        .to_string();
    assert!(error.contains("signature does not fit"), "{error}");
}
