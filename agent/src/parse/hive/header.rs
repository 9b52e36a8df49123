//! The first block of a file.

use super::{HiveError, NIL, number};

/// The header's whole length; cells begin after it.
pub(super) const HEADER: u64 = 4096;
/// The part of it that is read: what the checksum covers, and the checksum.
pub(super) const CHECKED: usize = 512;
pub(super) const SIGNATURE: &[u8; 4] = b"regf";

/// Where the numbers lie.
const FIRST_SEQUENCE: usize = 4;
const SECOND_SEQUENCE: usize = 8;
const MAJOR: usize = 20;
const MINOR: usize = 24;
const KIND: usize = 28;
const FORMAT: usize = 32;
const ROOT: usize = 36;
const BINS: usize = 40;
const CHECKSUM: usize = 508;

/// Bins are made of pages.
const PAGE: u32 = 4096;
/// Windows addresses cells with 31 bits.
const LARGEST: u32 = 1 << 31;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) root: u32,
    pub(super) bins: u32,
    pub(super) has_segments: bool,
}

pub(super) fn parse(bytes: &[u8; CHECKED]) -> Result<Header, HiveError> {
    if !bytes.starts_with(SIGNATURE) {
        return Err(HiveError::NoHive);
    }
    let at = |place| number(bytes, place);
    // A header whose checksum is wrong was being written when the machine stopped; so was a file whose numbers differ.
    if at(CHECKSUM) != checksum(bytes) || at(FIRST_SEQUENCE) != at(SECOND_SEQUENCE) {
        return Err(HiveError::Unfinished);
    }
    // 1.6 is that of a container's, which has differences from another file alone: what it lacks may be there.
    let (major, minor) = (at(MAJOR), at(MINOR));
    if major != 1 || !(3..=5).contains(&minor) {
        return Err(HiveError::Version(major, minor));
    }
    let damaged = |what| HiveError::Damaged { what, at: 0 };
    if at(KIND) != 0 || at(FORMAT) != 1 {
        return Err(damaged("the kind of file in the header"));
    }
    let (root, bins) = (at(ROOT), at(BINS));
    if bins == 0 || bins >= LARGEST || !bins.is_multiple_of(PAGE) {
        return Err(damaged("the length in the header"));
    }
    if root == NIL {
        return Err(damaged("a header without a root key"));
    }
    Ok(Header {
        root,
        bins,
        has_segments: minor >= 4,
    })
}

/// All numbers in front of it, each bit an even or odd count; two results are kept for something else.
fn checksum(bytes: &[u8; CHECKED]) -> u32 {
    let words = bytes[..CHECKSUM].chunks_exact(4);
    match words.fold(0, |sum, word| sum ^ number(word, 0)) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    }
}
