use std::fs;

use sha2::{Digest, Sha256};

use super::{DAY_MS, NOW_MS, fresh};
use crate::pki::{Pki, PkiError};

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_identity_is_kept_until_it_is_due() {
    let (root, pki) = fresh();
    let wanted = names(&["cutover.example", "127.0.0.1", "::1"]);
    let first = pki.server_identity(&wanted, NOW_MS).expect("an identity");
    let opened = Pki::open(&root.path().join("pki")).expect("reopened");
    // Order and case of names are no change.
    let same = names(&["::1", "Cutover.Example", "127.0.0.1"]);
    let kept = opened.server_identity(&same, NOW_MS + 59 * DAY_MS).expect("the same");
    assert_eq!(kept.chain, first.chain);
    assert_eq!(kept.key.secret_pkcs8_der(), first.key.secret_pkcs8_der());
    let renewed = opened.server_identity(&same, NOW_MS + 60 * DAY_MS).expect("a new one");
    assert_ne!(renewed.chain[0], first.chain[0]);
    assert_ne!(renewed.key.secret_pkcs8_der(), first.key.secret_pkcs8_der());
    let kept = opened
        .server_identity(&same, NOW_MS + 61 * DAY_MS)
        .expect("the new one");
    assert_eq!(kept.chain, renewed.chain);
}

#[test]
fn other_names_or_another_authority_make_a_new_identity() {
    let (_root, mut pki) = fresh();
    let first = pki
        .server_identity(&names(&["one.example"]), NOW_MS)
        .expect("an identity");
    let second = pki
        .server_identity(&names(&["one.example", "192.0.2.7"]), NOW_MS)
        .expect("another");
    assert_ne!(second.chain[0], first.chain[0]);
    assert_eq!(second.chain[1], first.chain[1]);
    let new = pki.add_ca(NOW_MS).expect("a second authority");
    pki.activate_ca(&new).expect("activated");
    let third = pki
        .server_identity(&names(&["one.example", "192.0.2.7"]), NOW_MS)
        .expect("a third");
    assert_ne!(third.chain[1], second.chain[1]);
}

#[test]
fn the_chain_ends_in_the_certificate_that_agents_pin() {
    let (_root, pki) = fresh();
    let identity = pki
        .server_identity(&names(&["localhost"]), NOW_MS)
        .expect("an identity");
    assert_eq!(hex::encode(Sha256::digest(&identity.chain[1])), pki.fingerprint());
}

#[test]
fn names_that_are_none_are_refused() {
    let (_root, pki) = fresh();
    assert!(matches!(pki.server_identity(&[], NOW_MS), Err(PkiError::NoNames)));
    for name in [
        "",
        "two words",
        "under_score.example",
        "-dash.example",
        "a..b",
        "https://x",
    ] {
        let error = pki
            .server_identity(&names(&["localhost", name]), NOW_MS)
            .expect_err(name);
        assert!(matches!(&error, PkiError::BadName(named) if named == name), "{error}");
        assert!(error.to_string().contains("agents.names"), "{error}");
    }
}

#[test]
fn a_damaged_identity_is_named_with_its_remedy() {
    let (root, pki) = fresh();
    let wanted = names(&["localhost"]);
    pki.server_identity(&wanted, NOW_MS).expect("an identity");
    let path = root.path().join("pki/server.pem");
    let whole = fs::read_to_string(&path).expect("readable");
    fs::write(&path, &whole[..whole.len() / 3]).expect("written");
    let error = pki.server_identity(&wanted, NOW_MS).expect_err("damaged").to_string();
    assert!(error.contains("server.pem") && error.contains("delete it"), "{error}");
    fs::remove_file(&path).expect("removed");
    pki.server_identity(&wanted, NOW_MS).expect("a new one");
}
