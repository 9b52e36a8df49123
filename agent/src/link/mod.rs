//! The network: enrolment, the identity on disk, check-ins and nudges over gRPC with mutual TLS 1.3.
//!
//! | file | holds |
//! |---|---|
//! | `address` | where servers are, in the order in which they are tried |
//! | `fingerprint`, `trust` | which server is believed: by its authority's fingerprint before enrolment, by kept anchors after |
//! | `keys`, `identity` | the host's keys and certificate, one file, replaced whole or not at all |
//! | `dial`, `client`, `post` | connections, and the calls over them: gRPC, or POST where HTTP/2 does not come through |
//! | `proxy` | the tunnel through a proxy |
//! | `interceptor` | names for who inspects TLS in between |
//! | `download` | artifacts, from the server and from mirrors |
//! | `enroll`, `renew`, `split` | how a host gets its certificate, the next one, and one of its own where others have it too |
//! | `error` | what went wrong, and what to do about it |
//!
//! Invariant: nothing is ever sent to a server that is not believed, and no certificate check is ever switched off.

mod address;
mod client;
mod dial;
mod download;
mod enroll;
mod error;
mod fingerprint;
mod identity;
mod interceptor;
mod keys;
mod post;
mod proxy;
mod renew;
mod split;
mod trust;

pub use address::{Address, AddressError, DEFAULT_PORT};
pub use client::{Link, MAX_REPLY_BYTES, MAX_REQUEST_BYTES, REQUEST_ID_HEADER};
pub use download::{Download, DownloadError, Source};
pub use enroll::{EnrollParts, enroll, enroll_next};
pub use error::LinkError;
pub use fingerprint::{Fingerprint, FingerprintError};
pub use identity::{Identity, IdentityDir, IdentityError};
pub use proxy::{Proxies, ProxyError, ProxySettings};
pub use split::SplitParts;
