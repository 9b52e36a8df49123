//! Exports of other systems: bytes to rows, by a mapping of columns. Every line is read, or named with what is wrong.

mod decode;
mod mapping;
mod rows;
#[cfg(test)]
mod tests;

pub use decode::{MAX_BYTES, Unreadable};
pub use mapping::{Field, Mapping, MappingError, PRESETS, Preset};
pub use rows::{Class, DiskReport, Fault, Health, Import, Row, TargetSeen, read};
