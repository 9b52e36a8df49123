//! Bytes that a host gave, read into facts. Pure; what cannot be read is an error that says why, never an empty result.

pub mod dpkg;
pub mod mountinfo;
pub mod os_release;
pub mod own_process;
pub mod rpm;
pub mod unit;

#[cfg(test)]
mod tests;
