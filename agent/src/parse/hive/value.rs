//! Values of a key.

use super::{Hive, HiveError, Key, Source, distinct, name, number, short};

/// What a value has in front of its name.
const FIXED: usize = 20;
const NAME: u32 = 20;
/// More values of one key are not looked through.
const MOST: u32 = 1 << 16;
/// In a value's length: its bytes stand in place of where they lie.
const IS_HERE: u32 = 1 << 31;
/// The most that lies in one cell where longer values have segments, and the length of each but the last.
const SEGMENT: u32 = 16_344;
const IS_NARROW: u16 = 1;

/// What Windows calls a value's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `REG_SZ`, `REG_EXPAND_SZ`.
    Text,
    /// `REG_BINARY`.
    Bytes,
    /// `REG_DWORD`, `REG_QWORD`.
    Number,
    /// Any other.
    Other,
}

/// A value: its name, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    name: String,
    kind: u32,
    size: u32,
    data: u32,
    at: u32,
}

impl Value {
    /// Its name; empty for the key's own.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.kind {
            1 | 2 => Kind::Text,
            3 => Kind::Bytes,
            4 | 11 => Kind::Number,
            _ => Kind::Other,
        }
    }
}

impl<S: Source> Hive<S> {
    /// All values of a key.
    ///
    /// # Errors
    /// When the list or any of them is damaged: it is whole or not told.
    pub fn values(&self, key: &Key) -> Result<Vec<Value>, HiveError> {
        let offsets = self.value_offsets(key)?;
        offsets.into_iter().map(|offset| self.value_at(offset)).collect()
    }

    /// The value of this name; `None` where the key has none.
    ///
    /// # Errors
    /// When it was not found, and one of those that were looked through is damaged.
    pub fn value(&self, key: &Key, name: &str) -> Result<Option<Value>, HiveError> {
        for offset in self.value_offsets(key)? {
            let value = self.value_at(offset)?;
            if name::same(&value.name, name) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// A value's bytes, at most so many.
    ///
    /// # Errors
    /// When it has more, or they are not all there.
    pub fn data(&self, value: &Value, most: u32) -> Result<Vec<u8>, HiveError> {
        let damaged = |what| HiveError::Damaged { what, at: value.at };
        let size = value.size & !IS_HERE;
        if value.size & IS_HERE != 0 {
            let here = value.data.to_le_bytes();
            let bytes = here.get(..size as usize);
            return bytes
                .map(<[u8]>::to_vec)
                .ok_or_else(|| damaged("the length of a value"));
        }
        if size > most {
            return Err(HiveError::TooLong(size));
        }
        if size == 0 {
            return Ok(Vec::new());
        }
        let cell = self.cell(value.data)?;
        if size <= SEGMENT || !self.has_segments {
            return self.bytes(cell, 0, size);
        }
        let mut head = [0; 8];
        self.read(cell, 0, &mut head)?;
        let count = u32::from(short(&head, 2));
        if !head.starts_with(b"db") || count != size.div_ceil(SEGMENT) {
            return Err(damaged("the segments of a value"));
        }
        let list = self.cell(number(&head, 4))?;
        let mut bytes = Vec::new();
        for segment in self.offsets(list, 0, count, 4)? {
            let left = size - bytes.len() as u32;
            bytes.extend(self.bytes(self.cell(segment)?, 0, left.min(SEGMENT))?);
        }
        Ok(bytes)
    }

    /// A text, up to its zero or its end. `None` for a value of another type.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn text(&self, value: &Value, most: u32) -> Result<Option<String>, HiveError> {
        if value.kind() != Kind::Text {
            return Ok(None);
        }
        let mut text = name::text(&self.data(value, most)?);
        text.truncate(text.find('\0').unwrap_or(text.len()));
        Ok(Some(text))
    }

    fn value_offsets(&self, key: &Key) -> Result<Vec<u32>, HiveError> {
        key.plain()?;
        if key.values == 0 {
            return Ok(Vec::new());
        }
        if key.values > MOST {
            return Err(HiveError::TooMany("values"));
        }
        let offsets = self.offsets(self.cell(key.value_list)?, 0, key.values, 4)?;
        distinct(&offsets, key.at)?;
        Ok(offsets)
    }

    fn value_at(&self, offset: u32) -> Result<Value, HiveError> {
        let cell = self.cell(offset)?;
        let mut fixed = [0; FIXED];
        self.read(cell, 0, &mut fixed)?;
        if !fixed.starts_with(b"vk") {
            return Err(cell.damaged("something else in place of a value"));
        }
        let name = self.bytes(cell, NAME, short(&fixed, 2).into())?;
        Ok(Value {
            name: name::decode(&name, short(&fixed, 16) & IS_NARROW != 0),
            kind: number(&fixed, 12),
            size: number(&fixed, 4),
            data: number(&fixed, 8),
            at: offset,
        })
    }
}
