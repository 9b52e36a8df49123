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
    #[error(
        "looking at this system needs a version of the agent for it; this one looks at the running Linux, macOS or Windows, and on Linux and macOS at directories"
    )]
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
    return Ok(Box::new(super::WindowsHost));
    #[cfg(target_os = "macos")]
    return Ok(Box::new(super::MacHost::open()?));
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    return Err(HostError::NoView);
}

/// A system that does not run, under a directory.
///
/// # Errors
/// When the directory cannot be opened, or this machine cannot keep a look inside it.
pub fn rooted(dir: &Path) -> Result<Box<dyn HostView>, HostError> {
    #[cfg(unix)]
    return Ok(
        match super::image::WindowsImage::recognise(super::rootdir::RootDir::open(dir)?) {
            Ok(windows) => Box::new(windows),
            Err(root) => Box::new(super::Rooted::on(root)),
        },
    );
    #[cfg(not(unix))]
    {
        let _ = dir;
        Err(HostError::NoView)
    }
}
