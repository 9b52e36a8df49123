//! Bytes of a file by their place, the last ones kept.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
};

use super::HiveError;

/// What is read at a time.
const BLOCK: u64 = 4096;
/// So many are kept: 256 kB.
const KEPT: usize = 64;
/// So many bytes are read of one open file, each part counted as one of at least [`LEAST`]. A whole look at the largest
/// registry takes a tenth of it; cells that lie over each other could ask for any number.
const MOST: u64 = 32 << 20;
const LEAST: u64 = 32;

/// Something that is read by places.
pub trait Source {
    /// How long it is.
    ///
    /// # Errors
    /// When that cannot be told.
    fn length(&self) -> io::Result<u64>;

    /// Fills the bytes from a place on.
    ///
    /// # Errors
    /// When there are fewer, or they cannot be read.
    fn fill(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

impl Source for &[u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn fill(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..));
        match from.and_then(|rest| rest.get(..into.len())) {
            Some(bytes) => {
                into.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// One block; the last of a file may be shorter.
struct Block {
    number: u64,
    bytes: Vec<u8>,
}

/// A source, and those of its blocks that were read last.
pub(super) struct Blocks<S> {
    source: S,
    length: u64,
    kept: RefCell<Vec<Option<Block>>>,
    read: Cell<u64>,
}

impl<S> fmt::Debug for Blocks<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl<S: Source> Blocks<S> {
    pub(super) fn new(source: S) -> io::Result<Self> {
        let length = source.length()?;
        Ok(Self {
            source,
            length,
            kept: RefCell::new((0..KEPT).map(|_| None).collect()),
            read: Cell::new(0),
        })
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Whether it begins so; one that is shorter does not.
    pub(super) fn starts_with(&self, head: &[u8; 4]) -> io::Result<bool> {
        let mut found = [0; 4];
        if self.length < found.len() as u64 {
            return Ok(false);
        }
        self.source.fill(0, &mut found)?;
        Ok(found == *head)
    }

    /// Fills the bytes from a place on.
    pub(super) fn read(&self, at: u64, into: &mut [u8]) -> Result<(), HiveError> {
        if self.length.checked_sub(at).is_none_or(|rest| rest < into.len() as u64) {
            return Err(HiveError::Short);
        }
        let read = self.read.get() + LEAST.max(into.len() as u64);
        if read > MOST {
            return Err(HiveError::TooMany("bytes"));
        }
        self.read.set(read);
        let mut kept = self.kept.borrow_mut();
        let (mut at, mut left) = (at, into);
        while !left.is_empty() {
            let number = at / BLOCK;
            // A remainder of the number of slots is a number of one.
            let slot = &mut kept[(number % KEPT as u64) as usize];
            let block = match slot {
                Some(block) if block.number == number => block,
                _ => slot.insert(self.block(number)?),
            };
            let rest = block.bytes.get((at % BLOCK) as usize..).unwrap_or_default();
            let count = rest.len().min(left.len());
            if count == 0 {
                return Err(HiveError::Short);
            }
            let (now, later) = left.split_at_mut(count);
            now.copy_from_slice(&rest[..count]);
            at += count as u64;
            left = later;
        }
        Ok(())
    }

    fn block(&self, number: u64) -> io::Result<Block> {
        let from = number * BLOCK;
        let length = BLOCK.min(self.length.saturating_sub(from));
        let mut bytes = vec![0; length as usize];
        self.source.fill(from, &mut bytes)?;
        Ok(Block { number, bytes })
    }
}
