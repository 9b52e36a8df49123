//! The seam on the host. [`hands`] change it. [`HostView`] looks: it gives raw, small, bounded answers and interprets
//! nothing. What they mean is judged in `detect`, on every system alike. So one machine's recorded answers replay
//! anywhere.
//!
//! | view | looks at |
//! |---|---|
//! | `LinuxHost`, `WindowsHost`, `MacHost` | the running system |
//! | [`Rooted`] | a directory that holds the root of a system which does not run |
//! | `WindowsImage` | such a directory with a Windows in it |
//! | [`Fixture`] | answers kept in a JSON file, or planted by a test |
//! | [`Collected`] | what the collector's script gathered on a Windows that no agent runs on |
//! | [`sandbox::SandboxView`] | a planted directory, as if it ran |
//! | [`Recorder`] | another view, and keeps its answers as a [`Fixture`] |

#[cfg(unix)]
mod asking;
#[cfg(any(unix, windows))]
mod browsers;
mod collected;
mod fixture;
pub mod hands;
#[cfg(any(unix, windows))]
mod hives;
#[cfg(unix)]
mod image;
#[cfg(target_os = "linux")]
mod linux;
mod live;
// Nothing in it is macOS's alone but what it asks, so its tests run on every Unix.
#[cfg(any(target_os = "macos", all(test, unix)))]
mod macos;
mod path;
mod plant;
mod plant_systems;
pub(crate) mod policies;
mod recorder;
mod redact;
#[cfg(unix)]
mod rootdir;
#[cfg(unix)]
mod rooted;
#[cfg(unix)]
pub mod sandbox;
#[cfg(any(unix, windows))]
mod users;
mod view;
#[cfg(unix)]
mod walk;
#[cfg(windows)]
mod windows;

pub use collected::Collected;
pub use fixture::{Fixture, FixtureError};
#[cfg(target_os = "linux")]
pub use linux::LinuxHost;
pub use live::{HostError, live, rooted};
#[cfg(any(target_os = "macos", all(test, unix)))]
pub use macos::MacHost;
pub use path::HostPath;
pub use recorder::Recorder;
pub(crate) use redact::Redaction;
#[cfg(unix)]
pub use rooted::Rooted;
pub use view::{HostView, Links};
#[cfg(windows)]
pub use windows::WindowsHost;

#[cfg(all(test, unix))]
mod tests;
