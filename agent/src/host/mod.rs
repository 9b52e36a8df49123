//! The seam on the host, looking half. [`HostView`] gives raw, small, bounded answers and interprets nothing: what they
//! mean is judged in `detect`, on every system alike. So one machine's recorded answers replay anywhere.
//!
//! | view | looks at |
//! |---|---|
//! | [`LinuxHost`] | the running system |
//! | [`Rooted`] | a directory that holds the root of a system which does not run |
//! | [`Fixture`] | answers kept in a JSON file, or planted by a test |
//! | [`Recorder`] | another view, and keeps its answers as a [`Fixture`] |

mod fixture;
#[cfg(target_os = "linux")]
mod linux;
mod live;
mod path;
mod plant;
mod recorder;
mod redact;
#[cfg(unix)]
mod rootdir;
#[cfg(unix)]
mod rooted;
mod view;
#[cfg(unix)]
mod walk;

pub use fixture::{Fixture, FixtureError};
#[cfg(target_os = "linux")]
pub use linux::LinuxHost;
pub use live::{HostError, live, rooted};
pub use path::HostPath;
pub use recorder::Recorder;
#[cfg(unix)]
pub use rooted::Rooted;
pub use view::{HostView, Links};

#[cfg(all(test, unix))]
mod tests;
