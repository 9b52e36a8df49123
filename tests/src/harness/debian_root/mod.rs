//! A real Debian 12 root for one test: apt, dpkg and systemd's tools as the distribution ships them, in mount, PID and
//! host-name namespaces of its own. The network is the machine's, so programs inside reach a server on the loopback.
//!
//! A base root is built once by mmdebstrap and kept in `$CUTOVER_TEST_CACHE` or under `target/`; each test gets a copy.
//! Services do not start in it: `policy-rc.d` forbids them, and PID 1 is no service manager. A root that boots is a
//! [`Machine`](super::machine::Machine).

mod apt;
mod base;
mod namespace;
mod root;

pub(in crate::harness) use base::cache;
pub(in crate::harness) use namespace::Net;
pub use root::{DebianRoot, readiness};
pub(in crate::harness) use root::{Inside, WITHOUT_REACH};
