//! Why a file of the registry, or a part of it, is not read.

use std::io;

/// Why. Its text goes after the name of what was read; it names no file and no key, which may name a user.
#[derive(Debug, thiserror::Error)]
pub enum HiveError {
    /// Another kind of file.
    #[error("is no file of the registry")]
    NoHive,
    /// Made by a Windows that is too old or too new, or a part of something.
    #[error("is a file of the registry of version {0}.{1}, which is not read")]
    Version(u32, u32),
    /// Changes of it are in another file or nowhere.
    #[error("was not written out whole; let its Windows shut down (not by fast startup) and look again")]
    Unfinished,
    /// It ends before it should.
    #[error("is cut short; put a whole copy in its place")]
    Short,
    /// Something in it contradicts something else.
    #[error("is damaged ({what}, at {at:#x}); see what Windows says of it, or look while Windows runs")]
    Damaged {
        /// What is not as it must be.
        what: &'static str,
        /// Where, from the end of the header on.
        at: u32,
    },
    /// More than any Windows has.
    #[error("has more {0} than are looked through")]
    TooMany(&'static str),
    /// A value longer than what is asked for can be.
    #[error("has a value of {0} bytes where a short one is expected")]
    TooLong(u32),
    /// A key that stands for another, which may lie in another file.
    #[error("has a link to another key, which is not followed in a file")]
    Link,
    /// The system could not read it.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
}
