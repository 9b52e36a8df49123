//! A file of the registry: as it is, and its cells behind a header that is sound. Every key and value is asked for, as a look
//! does; a list is whole or an error, and what is listed is found by its name.

#![no_main]

use cutover_agent::parse::hive::{Hive, HiveError, Key};

/// Longer values than this are refused.
const LONGEST: u32 = 1 << 16;
/// So many of a list are asked for by name: each asks for all in front of it again.
const ASKED: usize = 4;
/// What each input has in front of its cells: minor version, place of the root key.
const FRONT: usize = 5;

bounded::fuzz_target!(|data: &[u8]| {
    if let Ok(hive) = Hive::open(data) {
        let _ = walk(&hive);
    }
    let Some((front, cells)) = data.split_at_checked(FRONT) else {
        return;
    };
    let file = whole(front, cells);
    let hive = Hive::open(file.as_slice()).expect("the header is sound");
    let _ = walk(&hive);
});

fn whole(front: &[u8], cells: &[u8]) -> Vec<u8> {
    let length = cells.len().div_ceil(4096).max(1) * 4096;
    let mut file = vec![0; 4096];
    file[..4].copy_from_slice(b"regf");
    let minor = 3 + u32::from(front[0] % 3);
    let root = u32::from_le_bytes([front[1], front[2], front[3], front[4]]).min(u32::MAX - 1);
    let bins = u32::try_from(length).expect("an input is short");
    for (at, number) in [(20, 1), (24, minor), (32, 1), (36, root), (40, bins)] {
        file[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    let words = file[..508].chunks_exact(4);
    let sum = words.fold(0, |sum, word| {
        sum ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]])
    });
    file[508..512].copy_from_slice(
        &match sum {
            0 => 1,
            u32::MAX => u32::MAX - 1,
            sum => sum,
        }
        .to_le_bytes(),
    );
    file.extend(cells);
    file.resize(4096 + length, 0);
    file
}

fn walk(hive: &Hive<&[u8]>) -> Result<(), HiveError> {
    let root = hive.root()?;
    let mut todo: Vec<Key> = vec![root];
    while let Some(key) = todo.pop() {
        for value in hive.values(&key)? {
            if let Ok(data) = hive.data(&value, LONGEST) {
                assert!(data.len() <= LONGEST as usize);
            }
            let _ = hive.text(&value, LONGEST)?;
        }
        for value in hive.values(&key)?.iter().take(ASKED) {
            assert!(hive.value(&key, value.name())?.is_some());
        }
        let below = hive.subkeys(&key)?;
        for one in below.iter().take(ASKED) {
            assert!(hive.subkey(&key, one.name())?.is_some());
        }
        // The budget of what is read of one file ends this where keys are many.
        todo.extend(below);
    }
    Ok(())
}
