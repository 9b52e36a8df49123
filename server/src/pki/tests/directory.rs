use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use cutover_proto::envelope::{self, Context, key_id};
use sha2::{Digest, Sha256};

use super::{DAY_MS, NOW_MS, file_starting, fresh};
use crate::pki::{Pki, PkiError};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a new mode");
}

#[test]
fn what_was_made_is_opened_again_with_the_same_keys() {
    let (root, made) = fresh();
    let opened = Pki::open(&root.path().join("pki")).expect("the same directory");
    assert_eq!(opened.fingerprint(), made.fingerprint());
    assert_eq!(opened.roots(), made.roots());
    assert_eq!(opened.signing().public_keys(), made.signing().public_keys());
    assert_eq!(made.fingerprint(), hex::encode(Sha256::digest(&made.roots()[0])));
}

#[test]
fn keys_are_for_their_owner_alone() {
    let (root, pki) = fresh();
    pki.server_identity(&["localhost".into()], NOW_MS).expect("an identity");
    let directory = root.path().join("pki");
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = fs::read_dir(&directory).expect("readable").flatten().collect();
    assert_eq!(files.len(), 4);
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{}", file.path().display());
    }
}

#[test]
fn an_authority_is_never_made_over_another() {
    let (root, made) = fresh();
    let again = Pki::create(&root.path().join("pki"), NOW_MS);
    assert!(matches!(again, Err(PkiError::AlreadyThere(_))), "{again:?}");
    let opened = Pki::open(&root.path().join("pki")).expect("untouched");
    assert_eq!(opened.fingerprint(), made.fingerprint());
}

#[test]
fn an_interrupted_init_may_be_run_again() {
    let (root, _) = fresh();
    let directory = root.path().join("pki");
    fs::remove_file(directory.join("ca-active")).expect("removed");
    fs::write(directory.join(".ca-active.new"), "half").expect("written");
    let again = Pki::create(&directory, NOW_MS + 1).expect("made after all");
    let opened = Pki::open(&directory).expect("whole");
    assert_eq!(opened.fingerprint(), again.fingerprint());
}

#[test]
fn a_missing_directory_names_init_as_the_remedy() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let error = Pki::open(&root.path().join("pki"))
        .expect_err("nothing there")
        .to_string();
    assert!(error.contains("cutover init") && error.contains("pki"), "{error}");
}

#[test]
fn keys_that_others_can_read_are_refused_with_the_command_that_mends_it() {
    let (root, _) = fresh();
    let directory = root.path().join("pki");
    for path in [
        directory.clone(),
        directory.join("ca-active"),
        file_starting(&directory, "ca-"),
        file_starting(&directory, "signing-"),
    ] {
        let before = mode(&path);
        set_mode(&path, before | 0o040);
        let error = Pki::open(&directory).expect_err("too open").to_string();
        assert!(
            error.contains(&format!("chmod {before:04o} {}", path.display())),
            "{error}"
        );
        set_mode(&path, before);
    }
    Pki::open(&directory).expect("mended");
}

#[test]
fn damaged_files_are_named_and_never_replaced() {
    let (root, _) = fresh();
    let directory = root.path().join("pki");
    let ca = file_starting(&directory, "ca-");
    let other = tempfile::tempdir().expect("a temporary directory");
    let other_pki = other.path().join("pki");
    Pki::create(&other_pki, NOW_MS).expect("another authority");
    let other_ca = fs::read_to_string(file_starting(&other_pki, "ca-")).expect("readable");
    let other_key = other_ca
        .split("-----BEGIN CERTIFICATE")
        .next()
        .expect("a key")
        .to_owned();
    let own = fs::read_to_string(&ca).expect("readable");
    let own_certificate = &own[own.find("-----BEGIN CERTIFICATE").expect("a certificate")..];

    let damages = [
        (ca.clone(), "no PEM at all".to_owned()),
        (ca.clone(), own[..own.len() / 2].to_owned()),
        (ca.clone(), own_certificate.to_owned()),
        (ca, other_key + own_certificate),
        (file_starting(&directory, "signing-"), String::new()),
        (directory.join("ca-active"), "0123".to_owned()),
        (directory.join("ca-active"), "x".repeat(65 * 1024)),
    ];
    for (path, text) in damages {
        let before = fs::read(&path).expect("readable");
        fs::write(&path, &text).expect("written");
        let error = Pki::open(&directory).expect_err("damaged");
        assert!(
            matches!(&error, PkiError::Corrupt { path: named, .. } if *named == path),
            "{error}"
        );
        assert_eq!(
            fs::read(&path).expect("readable"),
            text.as_bytes(),
            "left as it was found"
        );
        fs::write(&path, before).expect("written");
    }
    Pki::open(&directory).expect("mended");
}

#[test]
fn missing_authorities_and_signing_keys_are_errors_not_empty_lists() {
    for start in ["ca-", "signing-"] {
        let (root, _) = fresh();
        let directory = root.path().join("pki");
        fs::remove_file(file_starting(&directory, start)).expect("removed");
        let error = Pki::open(&directory).expect_err("incomplete");
        assert!(matches!(error, PkiError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn the_newest_key_signs_and_all_verify() {
    let (root, mut pki) = fresh();
    let directory = root.path().join("pki");
    let before = envelope::seal(Context::Cancel, b"one".to_vec(), pki.signing().newest()).expect("signed");
    // Even when the clock has gone back.
    pki.add_signing_key(NOW_MS - DAY_MS).expect("a second key");
    for pki in [pki, Pki::open(&directory).expect("reopened")] {
        let known = pki.signing().public_keys();
        assert_eq!(known.len(), 2);
        assert_eq!(pki.signing().newest().public(), &known[0]);
        assert_ne!(before.signatures[0].key_id, known[0].key_id());
        let after = envelope::seal(Context::Cancel, b"two".to_vec(), pki.signing().newest()).expect("signed");
        assert_eq!(envelope::open(&before, Context::Cancel, &known), Ok(&b"one"[..]));
        assert_eq!(envelope::open(&after, Context::Cancel, &known), Ok(&b"two"[..]));
        let wire = pki.signing().wire();
        assert_eq!(wire[0].key_id, key_id(&wire[0].public_key));
    }
}

#[test]
fn a_retired_signing_key_is_gone_and_the_newest_cannot_be_retired() {
    let (root, mut pki) = fresh();
    let old = pki.signing().newest().public().key_id().to_owned();
    assert!(matches!(pki.retire_signing_key(&old), Err(PkiError::InUse { .. })));
    pki.add_signing_key(NOW_MS + 1).expect("a second key");
    assert!(matches!(pki.retire_signing_key("beef"), Err(PkiError::Unknown { .. })));
    pki.retire_signing_key(&old).expect("retired");
    assert_eq!(pki.signing().public_keys().len(), 1);
    let opened = Pki::open(&root.path().join("pki")).expect("reopened");
    assert_eq!(opened.signing().public_keys(), pki.signing().public_keys());
}

#[test]
fn an_authority_is_added_then_signs_then_the_old_one_goes() {
    let (root, mut pki) = fresh();
    let directory = root.path().join("pki");
    let old = pki.fingerprint().to_owned();
    let new = pki.add_ca(NOW_MS).expect("a second authority");
    assert_eq!(pki.fingerprint(), old, "adding does not activate");
    assert_eq!(Pki::open(&directory).expect("reopened").roots().len(), 2);
    assert!(matches!(pki.retire_ca(&old), Err(PkiError::InUse { .. })));
    assert!(matches!(pki.activate_ca("beef"), Err(PkiError::Unknown { .. })));
    pki.activate_ca(&new).expect("activated");
    let opened = Pki::open(&directory).expect("reopened");
    assert_eq!((opened.fingerprint(), opened.roots().len()), (new.as_str(), 2));
    pki.retire_ca(&old).expect("retired");
    let opened = Pki::open(&directory).expect("reopened");
    assert_eq!((opened.fingerprint(), opened.roots().len()), (new.as_str(), 1));
}

#[test]
fn a_clock_before_1970_is_refused() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let error = Pki::create(&root.path().join("pki"), -1).expect_err("no such time");
    assert!(matches!(error, PkiError::BadTime(_)), "{error}");
}
