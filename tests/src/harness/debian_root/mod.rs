//! A real Debian 12 root for one test: apt, dpkg and systemd's tools as the distribution ships them, in mount, PID and
//! host-name namespaces of its own. The network is the machine's, so programs inside reach a server on the loopback.
//!
//! A base root is built once by mmdebstrap and kept in `$CUTOVER_TEST_CACHE` or under `target/`; each test gets a copy.
//! Services do not start in it: `policy-rc.d` forbids them, and PID 1 is no service manager.

mod apt;
mod base;
mod namespace;
mod root;

pub use root::{DebianRoot, readiness};
