//! The registry as Windows keeps it in files (`SOFTWARE`, `SYSTEM`, `NTUSER.DAT`; "hives"), read and never written
//! (docs/decisions/0024). A user may write his own, and the agent reads it as the system: nothing in it is believed before
//! it was checked against the bounds of what holds it, and nothing is reserved because a file says so.
//!
//! Read by places, through a small cache: of a file of 100 MB a look needs some hundred cells.
//!
//! Invariant: an error in a list of keys or values is an error of the whole list, never a shorter one. What a caller reads
//! is whole, or he hears why it is not.

mod blocks;
mod error;
mod header;
mod key;
mod name;
mod value;

pub use blocks::Source;
pub use error::HiveError;
pub use key::Key;
pub use name::same as same_name;
pub use value::{Kind, Value};

use blocks::Blocks;
use header::HEADER;

/// No key, no list.
const NIL: u32 = u32::MAX;
/// In front of what a cell holds: its size, negative where it is in use.
const SIZE: u32 = 4;

/// An open file of the registry.
#[derive(Debug)]
pub struct Hive<S> {
    blocks: Blocks<S>,
    /// Bytes of all cells together.
    bins: u32,
    root: u32,
    /// Whether long values lie in segments.
    has_segments: bool,
}

/// What a cell holds: where in the file, and how long it is.
#[derive(Debug, Clone, Copy)]
struct Cell {
    /// As the file names it.
    offset: u32,
    at: u64,
    length: u32,
}

impl<S: Source> Hive<S> {
    /// Opens a file: reads its header, and no more.
    ///
    /// # Errors
    /// When it is no such file, is of a version that is not read, was not written out whole, or is shorter than it says.
    pub fn open(source: S) -> Result<Self, HiveError> {
        let blocks = Blocks::new(source)?;
        if blocks.length() < HEADER {
            return Err(if blocks.starts_with(header::SIGNATURE)? {
                HiveError::Short
            } else {
                HiveError::NoHive
            });
        }
        let mut bytes = [0; header::CHECKED];
        blocks.read(0, &mut bytes)?;
        let header = header::parse(&bytes)?;
        if blocks.length() - HEADER < u64::from(header.bins) {
            return Err(HiveError::Short);
        }
        Ok(Self {
            blocks,
            bins: header.bins,
            root: header.root,
            has_segments: header.has_segments,
        })
    }

    /// A cell in use.
    fn cell(&self, offset: u32) -> Result<Cell, HiveError> {
        let damaged = |what| HiveError::Damaged { what, at: offset };
        if !offset.is_multiple_of(8) || offset > self.bins.saturating_sub(2 * SIZE) {
            return Err(damaged("a place outside the file"));
        }
        let at = HEADER + u64::from(offset);
        let mut size = [0; SIZE as usize];
        self.blocks.read(at, &mut size)?;
        let size = i32::from_le_bytes(size);
        if size >= 0 {
            return Err(damaged("a cell that is not in use"));
        }
        let size = size.unsigned_abs();
        if size < 2 * SIZE || !size.is_multiple_of(8) || size > self.bins - offset {
            return Err(damaged("the size of a cell"));
        }
        Ok(Cell {
            offset,
            at: at + u64::from(SIZE),
            length: size - SIZE,
        })
    }

    /// Bytes of a cell, none of them outside it.
    fn read(&self, cell: Cell, from: u32, into: &mut [u8]) -> Result<(), HiveError> {
        let end = u64::from(from) + into.len() as u64;
        if end > u64::from(cell.length) {
            return Err(cell.damaged("a cell that is too short for what it holds"));
        }
        self.blocks.read(cell.at + u64::from(from), into)
    }

    /// So many bytes of a cell, reserved only after they were seen to fit.
    fn bytes(&self, cell: Cell, from: u32, length: u32) -> Result<Vec<u8>, HiveError> {
        if u64::from(from) + u64::from(length) > u64::from(cell.length) {
            return Err(cell.damaged("a cell that is too short for what it holds"));
        }
        let mut bytes = vec![0; length as usize];
        self.read(cell, from, &mut bytes)?;
        Ok(bytes)
    }

    /// So many offsets, from a place in a cell on; `width` bytes lie between the beginnings of two.
    fn offsets(&self, cell: Cell, from: u32, count: u32, width: u32) -> Result<Vec<u32>, HiveError> {
        let length = count
            .checked_mul(width)
            .ok_or_else(|| cell.damaged("the length of a list"))?;
        let bytes = self.bytes(cell, from, length)?;
        let entries = bytes.chunks_exact(width as usize);
        Ok(entries.map(|entry| number(entry, 0)).collect())
    }
}

impl Cell {
    const fn damaged(self, what: &'static str) -> HiveError {
        HiveError::Damaged { what, at: self.offset }
    }
}

/// Refuses a list that names one thing twice: it would hide another.
fn distinct(offsets: &[u32], at: u32) -> Result<(), HiveError> {
    let mut sorted = offsets.to_vec();
    sorted.sort_unstable();
    let what = "a list that names one thing twice";
    match sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(HiveError::Damaged { what, at }),
        false => Ok(()),
    }
}

/// Zero where the bytes end before it; who calls has checked their length.
fn number(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().map_or(0, u32::from_le_bytes)
}

/// As [`number`], of two bytes.
fn short(bytes: &[u8], at: usize) -> u16 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().map_or(0, u16::from_le_bytes)
}

#[cfg(test)]
mod tests;
