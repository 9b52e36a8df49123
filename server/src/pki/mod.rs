//! The server's keys: certificate authorities, its own certificate, hosts' certificates, keys that sign envelopes.
//!
//! Everything lies in one directory of mode 0700, each file 0600 and written whole or not at all:
//!
//! | file | holds |
//! |---|---|
//! | `ca-FINGERPRINT.pem` | key and certificate of one authority (the name has the first 16 digits) |
//! | `ca-active` | the fingerprint of the authority that signs; all of them are trusted |
//! | `server.pem` | key and chain of the agents' listener; made anew when it is due |
//! | `signing-MILLISECONDS-KEYID.pem` | an Ed25519 key for envelopes; the newest signs, all verify |
//! | `secrets.key` | the key under which secrets lie in the store, unless the configuration names another file |
//!
//! Invariant: what stands in a certificate comes from the server. Of a request only the public key is taken.
//! Time is an argument here: nothing reads a clock.

mod authority;
mod directory;
mod disk;
mod error;
mod host;
mod secret_key;
mod server;
mod signing;
mod validity;

#[cfg(test)]
mod tests;

pub use directory::Pki;
pub use error::PkiError;
pub use host::{Certificate, CsrKey, HOST_LIFE, host_uri, spki_der, spki_hash};
pub use secret_key::{SEAL_NONCE, SecretKey};
pub use server::ServerIdentity;
pub use signing::SigningKeys;
pub use validity::renew_due;
