//! Opens the view that fits this machine.

use std::path::{Path, PathBuf};

use super::HostView;

/// Why a host cannot be looked at, at all.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The directory that should hold a system's root cannot be opened.
    #[error("cannot open {path} as the root of a system; name a directory that exists and that you may enter")]
    Root {
        /// As it was given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No view is built for this machine's system.
    #[error("looking at this system needs a version of the agent for it; this one looks at Linux")]
    NoView,
}

/// This machine, as it runs.
///
/// # Errors
/// When its root cannot be opened, or no view is built for its system.
pub fn live() -> Result<Box<dyn HostView>, HostError> {
    #[cfg(target_os = "linux")]
    return Ok(Box::new(super::LinuxHost::open()?));
    #[cfg(windows)]
    return Ok(Box::new(blind()));
    #[cfg(not(any(target_os = "linux", windows)))]
    return Err(HostError::NoView);
}

/// A Windows that nothing looks at yet: the agent is enrolled and checks in, and everything it is asked for is unknown.
#[cfg(windows)]
fn blind() -> super::Fixture {
    use cutover_proto::inventory::OsFamily;

    let mut blind = super::Fixture::unasked(OsFamily::Windows, "this machine");
    blind.unlisted = crate::facts::Answer::Failed("this version of the agent cannot look at Windows".to_owned());
    blind
}

/// A system that does not run, under a directory.
///
/// # Errors
/// When the directory cannot be opened, or this machine cannot keep a look inside it.
pub fn rooted(dir: &Path) -> Result<Box<dyn HostView>, HostError> {
    #[cfg(unix)]
    return Ok(Box::new(super::Rooted::open(dir)?));
    #[cfg(not(unix))]
    {
        let _ = dir;
        return Err(HostError::NoView);
    }
}
