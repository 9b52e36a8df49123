//! Keys, and the lists of those below one.

use super::{Cell, Hive, HiveError, NIL, Source, distinct, name, number, short};

/// What a key has in front of its name.
pub(super) const FIXED: usize = 76;
const NAME: u32 = 76;
/// 255 characters of two bytes.
const LONGEST_NAME: u16 = 512;
/// More keys below one are not looked through; Windows has some ten thousand in the largest.
const MOST: u32 = 100_000;
/// Deeper than any path that Windows takes.
const DEEPEST: usize = 512;

/// Bits of a key.
const IS_OTHER_FILE: u16 = 0x02;
const IS_LINK: u16 = 0x10;
const IS_NARROW: u16 = 0x20;
const IS_HANDLE: u16 = 0x40;

/// A key, as the file keeps it. What is below it is asked of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub(super) at: u32,
    name: String,
    flags: u16,
    below: u32,
    list: u32,
    pub(super) values: u32,
    pub(super) value_list: u32,
}

impl Key {
    /// Its own name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Refuses what does not keep its contents here.
    pub(super) const fn plain(&self) -> Result<(), HiveError> {
        if self.flags & (IS_LINK | IS_OTHER_FILE | IS_HANDLE) == 0 {
            Ok(())
        } else {
            Err(HiveError::Link)
        }
    }
}

impl<S: Source> Hive<S> {
    /// The key that everything is below.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn root(&self) -> Result<Key, HiveError> {
        self.node(self.root, None)
    }

    /// A key by its path from the root on; `None` where it is not there. Keys that a running Windows keeps in memory alone
    /// are in no file.
    ///
    /// # Errors
    /// When something on the way to it is damaged or a link, so that nobody can tell.
    pub fn key(&self, path: &str) -> Result<Option<Key>, HiveError> {
        let mut key = self.root()?;
        for (depth, part) in path.split('\\').filter(|part| !part.is_empty()).enumerate() {
            if depth == DEEPEST {
                return Ok(None);
            }
            match self.subkey(&key, part)? {
                Some(below) => key = below,
                None => return Ok(None),
            }
        }
        Ok(Some(key))
    }

    /// The key of this name below another.
    ///
    /// # Errors
    /// When it was not found, and one of those that were looked through is damaged.
    pub fn subkey(&self, key: &Key, name: &str) -> Result<Option<Key>, HiveError> {
        // Every name is compared: a list's hashes and its order may be wrong, and what they hide would read as absent.
        for offset in self.below(key)? {
            let below = self.node(offset, Some(key.at))?;
            if name::same(&below.name, name) {
                return Ok(Some(below));
            }
        }
        Ok(None)
    }

    /// All keys below one, as they are listed.
    ///
    /// # Errors
    /// When the list or any of them is damaged: it is whole or not told.
    pub fn subkeys(&self, key: &Key) -> Result<Vec<Key>, HiveError> {
        let offsets = self.below(key)?;
        offsets
            .into_iter()
            .map(|offset| self.node(offset, Some(key.at)))
            .collect()
    }

    /// A key's own cell. One that does not say that it is below `parent` is refused: so no list leads into a circle.
    fn node(&self, offset: u32, parent: Option<u32>) -> Result<Key, HiveError> {
        let cell = self.cell(offset)?;
        let mut fixed = [0; FIXED];
        self.read(cell, 0, &mut fixed)?;
        if !fixed.starts_with(b"nk") {
            return Err(cell.damaged("something else in place of a key"));
        }
        if parent.is_some_and(|parent| number(&fixed, 16) != parent || offset == self.root) {
            return Err(cell.damaged("a key that is below another"));
        }
        let length = short(&fixed, 72);
        if length > LONGEST_NAME || (length == 0 && parent.is_some()) {
            return Err(cell.damaged("the name of a key"));
        }
        let flags = short(&fixed, 2);
        let name = self.bytes(cell, NAME, length.into())?;
        Ok(Key {
            at: offset,
            name: name::decode(&name, flags & IS_NARROW != 0),
            flags,
            below: number(&fixed, 20),
            list: number(&fixed, 28),
            values: number(&fixed, 36),
            value_list: number(&fixed, 40),
        })
    }

    /// Where the keys below one lie: exactly as many as it says that it has.
    fn below(&self, key: &Key) -> Result<Vec<u32>, HiveError> {
        key.plain()?;
        let damaged = |what| HiveError::Damaged { what, at: key.at };
        if key.below == 0 {
            return match self.is_list(key.list) {
                true => Err(damaged("a count of keys that contradicts their list")),
                false => Ok(Vec::new()),
            };
        }
        if key.below > MOST {
            return Err(HiveError::TooMany("keys"));
        }
        let cell = self.cell(key.list)?;
        let (kind, count) = self.list_head(cell)?;
        let mut offsets = Vec::new();
        match &kind {
            // A list of lists, which are none of lists again.
            b"ri" => {
                for list in self.offsets(cell, 4, count, 4)? {
                    let cell = self.cell(list)?;
                    let (kind, count) = self.list_head(cell)?;
                    self.leaf(cell, kind, count, key.below, &mut offsets)?;
                }
            }
            _ => self.leaf(cell, kind, count, key.below, &mut offsets)?,
        }
        if offsets.len() != key.below as usize {
            return Err(damaged("a count of keys that contradicts their list"));
        }
        distinct(&offsets, key.at)?;
        Ok(offsets)
    }

    fn list_head(&self, cell: Cell) -> Result<([u8; 2], u32), HiveError> {
        let mut head = [0; 4];
        self.read(cell, 0, &mut head)?;
        Ok(([head[0], head[1]], short(&head, 2).into()))
    }

    fn leaf(&self, cell: Cell, kind: [u8; 2], count: u32, most: u32, out: &mut Vec<u32>) -> Result<(), HiveError> {
        let width = match &kind {
            // With the beginning of each name, or a hash of it.
            b"lf" | b"lh" => 8,
            b"li" => 4,
            _ => return Err(cell.damaged("something else in place of a list of keys")),
        };
        if out.len() + count as usize > most as usize {
            return Err(cell.damaged("a count of keys that contradicts their list"));
        }
        out.extend(self.offsets(cell, 4, count, width)?);
        Ok(())
    }

    /// Whether a list with something in it lies here.
    fn is_list(&self, offset: u32) -> bool {
        let head = |offset| self.cell(offset).and_then(|cell| self.list_head(cell));
        offset != NIL
            && head(offset).is_ok_and(|(kind, count)| matches!(&kind, b"lf" | b"lh" | b"li" | b"ri") && count > 0)
    }
}
