use cutover_proto::{
    envelope::{self, Context, EnvelopeError, PublicKey, SigningKey},
    v1,
};
use proptest::prelude::*;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};

/// PKCS#8 version 1 around an Ed25519 seed (RFC 8410, section 7).
pub(crate) fn server_key(seed: u8) -> SigningKey {
    let header = hex::decode("302e020100300506032b657004220420").unwrap();
    SigningKey::server(&[header, vec![seed; 32]].concat()).unwrap()
}

pub(crate) fn host_key() -> SigningKey {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
    SigningKey::host(pkcs8.as_ref()).unwrap()
}

fn known(keys: &[&SigningKey]) -> Vec<PublicKey> {
    keys.iter().map(|key| key.public().clone()).collect()
}

#[test]
fn what_a_known_key_signed_is_believed() {
    for key in [server_key(1), host_key()] {
        let sealed = envelope::seal(Context::Cancel, b"body".to_vec(), &key).unwrap();
        assert_eq!(
            envelope::open(&sealed, Context::Cancel, &known(&[&key])).unwrap(),
            b"body"
        );
    }
}

#[test]
fn a_signature_under_one_context_is_worth_nothing_under_another() {
    let key = server_key(1);
    let mut sealed = envelope::seal(Context::Cancel, b"body".to_vec(), &key).unwrap();
    let refused = envelope::open(&sealed, Context::Rules, &known(&[&key])).unwrap_err();
    assert!(matches!(
        refused,
        EnvelopeError::WrongContext {
            expected: Context::Rules,
            ..
        }
    ));

    sealed.context = Context::Rules.as_str().to_owned();
    let refused = envelope::open(&sealed, Context::Rules, &known(&[&key])).unwrap_err();
    assert!(matches!(refused, EnvelopeError::BadSignature(_)));
}

#[test]
fn an_unknown_signer_is_named() {
    let (ours, theirs) = (server_key(1), server_key(2));
    let sealed = envelope::seal(Context::Cancel, b"body".to_vec(), &theirs).unwrap();
    let refused = envelope::open(&sealed, Context::Cancel, &known(&[&ours])).unwrap_err();
    assert_eq!(
        refused,
        EnvelopeError::UnknownSigner(theirs.public().key_id().to_owned())
    );
}

#[test]
fn an_envelope_without_signatures_is_refused() {
    let key = server_key(1);
    let mut sealed = envelope::seal(Context::Cancel, b"body".to_vec(), &key).unwrap();
    sealed.signatures.clear();
    assert!(envelope::open(&sealed, Context::Cancel, &known(&[&key])).is_err());
}

#[test]
fn a_false_signature_beside_a_good_one_refuses_the_whole() {
    let (one, two) = (server_key(1), server_key(2));
    let mut sealed = envelope::seal(Context::Cancel, b"body".to_vec(), &one).unwrap();
    let other = envelope::seal(Context::Cancel, b"another".to_vec(), &two).unwrap();
    sealed.signatures.extend(other.signatures);
    let keys = known(&[&one, &two]);
    let refused = envelope::open(&sealed, Context::Cancel, &keys).unwrap_err();
    assert_eq!(refused, EnvelopeError::BadSignature(two.public().key_id().to_owned()));
    assert!(
        envelope::open(&sealed, Context::Cancel, &keys[..1]).is_ok(),
        "an unknown one is passed over"
    );
}

#[test]
fn keys_of_the_wrong_kind_are_refused() {
    assert!(PublicKey::server(&[0; 31]).is_err());
    assert!(PublicKey::host(&[0; 91]).is_err());
    assert!(SigningKey::server(b"not a key").is_err());
    assert!(SigningKey::host(b"not a key").is_err());
}

#[test]
fn a_private_key_is_not_printed() {
    let printed = format!("{:?}", server_key(7));
    assert!(printed.contains("key_id") && !printed.contains("7, 7"), "{printed}");
}

fn flip(sealed: &mut v1::Envelope, at: usize, bit: u8) {
    let body = sealed.body.len();
    if at < body {
        sealed.body[at] ^= 1 << bit;
    } else {
        sealed.signatures[0].value[at - body] ^= 1 << bit;
    }
}

proptest! {
    #[test]
    fn one_flipped_bit_anywhere_is_refused(
        body in proptest::collection::vec(any::<u8>(), 1..200),
        at in any::<proptest::sample::Index>(),
        bit in 0u8..8,
    ) {
        for key in [server_key(1), host_key()] {
            let mut sealed = envelope::seal(Context::Inventory, body.clone(), &key).unwrap();
            let places = sealed.body.len() + sealed.signatures[0].value.len();
            flip(&mut sealed, at.index(places), bit);
            prop_assert!(envelope::open(&sealed, Context::Inventory, &known(&[&key])).is_err());
        }
    }
}
