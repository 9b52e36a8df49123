use cutover_proto::{
    ids::HostId,
    seal::{SealError, SealingKey},
    secret::{PROPERTIES, SecretForm, SecretUse, is_property},
    v1,
};

fn host() -> HostId {
    "01920000-0000-7000-8000-000000000001".parse().unwrap()
}

fn password() -> SecretUse {
    SecretUse {
        product: "klnagent-windows".into(),
        attempt: 1,
        property: "KLUNINSTPASSWD".to_owned(),
        form: SecretForm::Utf16leHex,
    }
}

fn sealed() -> (SealingKey, v1::SealedSecret) {
    let key = SealingKey::from_private(&[9; 32]).unwrap();
    let secret = password().seal(key.public(), host(), 7, b"hush").unwrap();
    (key, secret)
}

#[test]
fn a_secret_says_to_which_product_and_by_which_property_it_goes() {
    let (key, secret) = sealed();
    assert_eq!(SecretUse::of(&secret), Ok(Some(password())));
    assert_eq!(key.open(host(), 7, &secret).unwrap().as_slice(), b"hush");
    // Orders of before said nothing of it.
    let earlier = v1::SealedSecret {
        name: "password".to_owned(),
        ..v1::SealedSecret::default()
    };
    assert_eq!(SecretUse::of(&earlier), Ok(None));
}

#[test]
fn a_secret_of_another_product_property_or_form_does_not_pass_for_this_one() {
    let changes: [fn(&mut v1::SealedSecret); 4] = [
        |it| it.product = "kes-windows".to_owned(),
        |it| it.attempt = 0,
        |it| it.property = "KLPASSWD".to_owned(),
        |it| it.form = SecretForm::Plain.number(),
    ];
    for change in changes {
        let (key, mut secret) = sealed();
        change(&mut secret);
        let error = SecretUse::of(&secret).unwrap_err().to_string();
        assert!(error.contains("sealed for another use"), "{error}");
        // Nor with a name to match.
        let renamed = v1::SealedSecret {
            name: format!(
                "{}/{}/{}/{}",
                secret.product,
                secret.attempt,
                secret.property,
                SecretForm::try_from(secret.form).unwrap()
            ),
            ..secret
        };
        assert_eq!(key.open(host(), 7, &renamed).unwrap_err(), SealError::DoesNotOpen);
    }
}

#[test]
fn a_property_that_is_not_for_secrets_and_a_form_that_nobody_knows_are_refused() {
    let of = |property: &str, form| {
        SecretUse::of(&v1::SealedSecret {
            property: property.to_owned(),
            form,
            ..sealed().1
        })
        .unwrap_err()
        .to_string()
    };
    for property in ["TRANSFORMS", "klpasswd", "", "KLPASSWD "] {
        let error = of(property, SecretForm::Plain.number());
        assert!(error.contains("none by which a secret is said"), "{property}: {error}");
    }
    assert!(of("KLPASSWD", 99).contains("99"));
    assert!(of("KLPASSWD", 0).contains("lacks secret.form"));
}

#[test]
fn every_property_for_secrets_is_one_that_reaches_an_installation() {
    assert!(PROPERTIES.iter().all(|name| is_property(name)));
    for bad in ["", "kllogin", "A B", "A=\"", "1A", ".A", "A\""] {
        assert!(!is_property(bad), "{bad}");
    }
}

#[test]
fn a_secret_is_said_as_it_is_or_as_hex_of_its_utf_16() {
    assert_eq!(SecretForm::Plain.say("Pä§§").as_str(), "Pä§§");
    assert_eq!(SecretForm::Utf16leHex.say("Ab1я").as_str(), "4100620031004F04");
}
