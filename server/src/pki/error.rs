//! What can go wrong with keys and certificates.

use std::{io, path::PathBuf};

/// Why a key or a certificate could not be read, made or believed. Each message names the file, or what to do.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// There is no authority in the directory.
    #[error("{0} holds no certificate authority; run `cutover init`, or restore the directory from a backup")]
    NotThere(PathBuf),
    /// `init` was asked for where an authority is.
    #[error("{0} already holds a certificate authority; open it, or choose another data directory")]
    AlreadyThere(PathBuf),
    /// A file or the directory cannot be read or written.
    #[error("{path}: {doing} failed: {source}; check the owner of the data directory and the space on its disk")]
    File {
        /// Which one.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read or write it.
    #[error(
        "{path} has mode {mode:04o}, which lets others in; run `chmod {wanted:04o} {path}`, and replace the keys if others had access"
    )]
    TooOpen {
        /// Which one.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        wanted: u32,
    },
    /// A file does not hold what it should.
    #[error("{path} is damaged: {why}; {remedy}")]
    Corrupt {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// No authority or signing key of that name.
    #[error("there is no {what} {name}; known are: {known}")]
    Unknown {
        /// `certificate authority` or `signing key`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The one in use cannot be retired.
    #[error("{what} {name} is in use; {remedy}")]
    InUse {
        /// `certificate authority` or `signing key`.
        what: &'static str,
        /// Which one.
        name: String,
        /// What to do first.
        remedy: &'static str,
    },
    /// A request for a certificate is not acceptable.
    #[error("certificate request is refused: {0}")]
    BadRequest(String),
    /// A certificate cannot be read.
    #[error("certificate cannot be read: {0}")]
    BadCertificate(String),
    /// A name for the server's certificate is neither DNS name nor IP address.
    #[error("`{0}` is neither a DNS name nor an IP address; correct `agents.names`")]
    BadName(String),
    /// The server's certificate would carry no name.
    #[error("the server's certificate needs at least one name; set `agents.names` to what agents connect to")]
    NoNames,
    /// The signing authority has ended or does not reach far enough.
    #[error("certificate authority {fingerprint} ends too soon to issue from; add a new one and activate it")]
    AuthorityEnded {
        /// Which one.
        fingerprint: String,
    },
    /// An instant that a certificate cannot carry.
    #[error("{0} ms since the epoch is no time that a certificate can carry; set the machine's clock")]
    BadTime(i64),
    /// What was sealed with another key, for something else, or was changed.
    #[error("it does not open with {0}; put back the key file that sealed it, or set the secret anew")]
    DoesNotOpen(PathBuf),
    /// Key generation or signing failed.
    #[error("{0} failed; the system's source of randomness may be unavailable")]
    Crypto(&'static str),
}
