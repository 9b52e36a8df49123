//! What people at a machine are told, in their language.
//!
//! One table: what can be said is a [`Said`], with what belongs into it, and each language is a file that says all of it. The
//! compiler refuses a language that lacks one, or asks for something that does not belong there; a test refuses one that
//! leaves something out. What the organisation writes itself (who does the work, why, whom to ask, why a restart is due) is
//! put in as it is and never translated. Records are for operators and auditors, and stay in English.

mod de;
mod en;
mod es;
mod fr;
mod ja;
mod language;
mod said;

pub use language::Language;
pub use said::{Said, to_all};

#[cfg(test)]
mod tests;
