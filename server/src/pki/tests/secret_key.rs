use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use tempfile::TempDir;

use crate::pki::{PkiError, SEAL_NONCE, SecretKey};

const NONCE: [u8; SEAL_NONCE] = [7; SEAL_NONCE];
const PLAIN: &[u8] = b"correct horse battery staple";
const FOR: [&str; 2] = ["kesl", "uninstall-password"];

fn place() -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let path = root.path().join("secrets.key");
    (root, path)
}

fn made() -> (TempDir, SecretKey) {
    let (root, path) = place();
    let key = SecretKey::open_or_make(&path).expect("a new key");
    (root, key)
}

#[test]
fn a_key_is_made_once_for_its_owner_alone_and_opened_from_then_on() {
    let (root, path) = place();
    let made = SecretKey::open_or_make(&path).expect("a new key");
    let text = fs::read_to_string(&path).expect("readable");
    assert_eq!((text.len(), text.ends_with('\n')), (65, true));
    let mode = fs::metadata(&path).expect("a file").permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    let opened = SecretKey::open_or_make(&path).expect("the same");
    assert_eq!(opened.id(), made.id());
    let sealed = made.seal(NONCE, &FOR, PLAIN).expect("sealed");
    assert_eq!(opened.open(&FOR, &sealed).expect("opens").as_slice(), PLAIN);
    assert_eq!(
        fs::read_dir(root.path()).expect("readable").count(),
        1,
        "nothing is left beside it"
    );
    assert!(!text.contains(made.id()), "its name tells nothing of it");
    assert!(!format!("{made:?}").contains(text.trim()), "{made:?}");
}

#[test]
fn what_is_sealed_opens_with_its_key_for_its_words_and_unchanged_and_not_otherwise() {
    let (_root, key) = made();
    let sealed = key.seal(NONCE, &FOR, PLAIN).expect("sealed");
    assert!(
        !sealed
            .windows(8)
            .any(|part| PLAIN.windows(8).any(|plain| plain == part))
    );
    let (_other_root, other) = made();
    assert_ne!(key.id(), other.id());
    let refused = |key: &SecretKey, words: &[&str], sealed: &[u8]| {
        let opened = key.open(words, sealed);
        assert!(matches!(opened, Err(PkiError::DoesNotOpen(_))), "{opened:?}");
    };
    refused(&other, &FOR, &sealed);
    refused(&key, &["kesl", "token"], &sealed);
    refused(&key, &["kesluninstall", "-password"], &sealed);
    refused(&key, &["kesl"], &sealed);
    for place in [0, SEAL_NONCE, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        refused(&key, &FOR, &changed);
    }
    for length in [0, SEAL_NONCE - 1, SEAL_NONCE, sealed.len() - 1] {
        refused(&key, &FOR, &sealed[..length]);
    }
    assert_eq!(key.open(&FOR, &sealed).expect("opens").as_slice(), PLAIN);
}

#[test]
fn a_damaged_key_file_and_one_that_others_can_read_are_named_and_left_as_they_are() {
    let (_root, path) = place();
    SecretKey::open_or_make(&path).expect("a new key");
    let good = fs::read_to_string(&path).expect("readable");
    for text in ["", "0123", "no hex at all", &good.repeat(2)] {
        fs::write(&path, text).expect("written");
        let error = SecretKey::open_or_make(&path).expect_err("damaged");
        assert!(
            matches!(&error, PkiError::Corrupt { path: named, .. } if *named == path),
            "{error}"
        );
        assert!(error.to_string().contains("restore it from a backup"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("readable"), text);
    }
    fs::write(&path, &good).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a new mode");
    let error = SecretKey::open_or_make(&path).expect_err("too open").to_string();
    assert!(error.contains(&format!("chmod 0600 {}", path.display())), "{error}");
}

#[test]
fn a_key_is_never_made_over_another() {
    let (_root, path) = place();
    assert!(crate::pki::disk::write_first(&path, b"one").expect("written"));
    assert!(!crate::pki::disk::write_first(&path, b"two").expect("left"));
    assert_eq!(fs::read(&path).expect("readable"), b"one");
}

#[test]
fn a_digest_tells_same_values_of_one_secret_and_nothing_without_the_key() {
    let (_root, key) = made();
    let digest = key.digest(&FOR, PLAIN);
    assert_eq!(digest, key.digest(&FOR, PLAIN));
    assert_eq!(digest.len(), 16);
    let others = [
        key.digest(&FOR, b"another"),
        key.digest(&["kesl", "token"], PLAIN),
        // Words of other lengths do not run into one another, nor into the value.
        key.digest(&["kesluninstall", "-password"], PLAIN),
        key.digest(&["kesl"], PLAIN),
        made().1.digest(&FOR, PLAIN),
    ];
    assert!(!others.contains(&digest), "{others:?}");
}
