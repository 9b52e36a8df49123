//! Opening a store, and what a lost process leaves.

use super::lab::{Lab, NOW, event, stream};
use crate::store::events::{self, ChainState};
use crate::store::{Address, Store, StoreError, StoreOptions, meta};

fn set(lab: &Lab, key: &'static str, value: &'static str) {
    lab.store
        .write_now(move |tx| meta::set(tx, key, value))
        .expect("written");
}

fn get(store: &Store, key: &'static str) -> Option<String> {
    store.read_now(move |tx| meta::get(tx, key)).expect("read")
}

#[test]
fn what_was_acknowledged_survives_the_loss_of_the_process() {
    let lab = Lab::sqlite();
    let kept = tempfile::tempdir().expect("a directory");
    for round in 0..5 {
        lab.store
            .write_now(move |tx| {
                events::append(tx, &stream(), round, &[event("made")])?;
                meta::set(tx, "round", &round.to_string())
            })
            .expect("acknowledged");
        // What a process that dies here leaves: the file and its journal, without the shared memory.
        for ending in ["", "-wal"] {
            let name = format!("store.db{ending}");
            std::fs::copy(lab.file().with_file_name(&name), kept.path().join(&name)).expect("copied");
        }
        let left = Store::open(&StoreOptions::sqlite(&kept.path().join("store.db")), NOW).expect("opens");
        assert_eq!(get(&left, "round"), Some(round.to_string()));
        let state = left.read_now(|tx| events::verify_chain(tx, &stream()));
        assert_eq!(state, Ok(ChainState::Whole { events: round + 1 }));
        left.close();
    }
}

#[test]
#[cfg(unix)]
fn a_new_database_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::sqlite();
    set(&lab, "a", "1");
    for ending in ["", "-wal"] {
        let file = lab.file().with_file_name(format!("store.db{ending}"));
        let mode = std::fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn a_store_that_cannot_be_opened_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |path: &std::path::Path| Store::open(&StoreOptions::sqlite(path), NOW).map(drop);
    let missing = at(&dir.path().join("missing/store.db"));
    assert!(matches!(missing, Err(StoreError::File { .. })), "{missing:?}");
    let garbage = dir.path().join("garbage.db");
    std::fs::write(&garbage, [b'x'; 4096]).expect("written");
    let damaged = at(&garbage);
    assert!(matches!(damaged, Err(StoreError::Corrupt { .. })), "{damaged:?}");
    assert_eq!(std::fs::read(&garbage).expect("kept"), [b'x'; 4096], "nothing is lost");
}

#[test]
fn a_store_on_a_network_file_system_is_refused_before_a_file_is_made() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = StoreOptions {
        file_system: |_| {
            Ok(crate::store::FileSystem {
                magic: 0x6969,
                name: "nfs4".to_owned(),
            })
        },
        ..StoreOptions::sqlite(&dir.path().join("store.db"))
    };
    let refused = Store::open(&options, NOW).map(drop);
    assert!(
        matches!(refused, Err(StoreError::NetworkFileSystem { .. })),
        "{refused:?}"
    );
    assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 0);
}

#[test]
fn a_database_server_that_does_not_answer_is_unavailable() {
    // A port that the system gave out and that nobody listens on any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let address = Address::parse(&format!("postgres://nobody@127.0.0.1:{port}/none")).expect("an address");
    let refused = Store::open(&StoreOptions::new(address), NOW).map(drop);
    let Err(StoreError::Unavailable { why }) = refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("refused"), "{why}");
}
