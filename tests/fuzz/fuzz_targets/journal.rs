//! The journal of orders: as bytes, and as entries behind checksums that fit.

#![no_main]

use cutover_agent::act::examine_journal as examine;
use sha2::{Digest, Sha256};

/// Lines whose checksums chain, so that mutations reach what is behind them.
fn chained(entries: &[u8]) -> Vec<u8> {
    let mut sum = [0; 16];
    let mut lines = Vec::new();
    for json in entries.split(|byte| *byte == b'\n') {
        let digest = Sha256::new().chain_update(sum).chain_update(json).finalize();
        sum.copy_from_slice(&digest[..16]);
        lines.extend_from_slice(hex::encode(sum).as_bytes());
        lines.push(b' ');
        lines.extend_from_slice(json);
        lines.push(b'\n');
    }
    lines
}

bounded::fuzz_target!(|data: &[u8]| {
    for bytes in [data.to_vec(), chained(data)] {
        let (sound, damage) = examine(&bytes);
        assert!(sound <= bytes.len());
        // What was found sound is sound by itself, unless nothing was.
        assert!(sound == 0 || examine(&bytes[..sound]) == (sound, None), "{damage:?}");
    }
});
