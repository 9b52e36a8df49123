use cutover_proto::{
    ids::HostId,
    seal::{self, SealError, SealingKey},
};

fn host(last: char) -> HostId {
    format!("01920000-0000-7000-8000-00000000000{last}").parse().unwrap()
}

#[test]
fn a_secret_opens_for_its_host_order_and_name_alone() {
    let key = SealingKey::from_private(&[9; 32]).unwrap();
    let sealed = seal::seal(key.public(), host('1'), 7, "password", b"hush").unwrap();
    assert_eq!(key.open(host('1'), 7, &sealed).unwrap().as_slice(), b"hush");

    let refused = |result: Result<zeroize::Zeroizing<Vec<u8>>, SealError>| {
        assert_eq!(result.unwrap_err(), SealError::DoesNotOpen);
    };
    refused(key.open(host('2'), 7, &sealed));
    refused(key.open(host('1'), 8, &sealed));
    let mut renamed = sealed.clone();
    renamed.name = "token".to_owned();
    refused(key.open(host('1'), 7, &renamed));
    refused(SealingKey::from_private(&[8; 32]).unwrap().open(host('1'), 7, &sealed));
}

#[test]
fn one_flipped_byte_of_a_secret_is_refused() {
    let key = SealingKey::from_private(&[9; 32]).unwrap();
    let sealed = seal::seal(key.public(), host('1'), 7, "password", b"hush").unwrap();
    for at in 0..sealed.ciphertext.len() {
        let mut changed = sealed.clone();
        changed.ciphertext[at] ^= 1;
        assert_eq!(key.open(host('1'), 7, &changed).unwrap_err(), SealError::DoesNotOpen);
    }
    let mut cut = sealed;
    cut.encapsulated_key.truncate(31);
    assert_eq!(key.open(host('1'), 7, &cut).unwrap_err(), SealError::DoesNotOpen);
}

#[test]
fn a_key_of_another_length_is_refused() {
    assert_eq!(SealingKey::from_private(&[9; 31]).unwrap_err(), SealError::BadKey);
    assert_eq!(
        seal::seal(&[9; 31], host('1'), 7, "n", b"p").unwrap_err(),
        SealError::BadKey
    );
}

#[test]
fn a_generated_key_survives_being_kept() {
    let made = SealingKey::generate();
    let kept = SealingKey::from_private(made.private()).unwrap();
    assert_eq!(made.public(), kept.public());
    assert!(!format!("{made:?}").contains(&hex::encode(made.private())));
}
