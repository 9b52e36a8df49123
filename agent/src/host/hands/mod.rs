//! What changes a host: a closed set of actions behind one trait.
//!
//! [`HostHands`] is apart from the looking side so that code which only looks cannot change anything. Hands do as they
//! are told and report what the tool said; they never judge success. The look after a step does.

// Windows' alone; what it decides is tested everywhere.
#[cfg(any(windows, test))]
mod defender;
#[cfg(unix)]
pub(crate) mod leftovers;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "linux", windows))]
mod logs;
mod seam;
#[cfg(unix)]
pub(crate) mod tree;
#[cfg(windows)]
pub mod windows;

#[cfg(target_os = "linux")]
pub use linux::LinuxHands;
pub use seam::{Anchor, Detection, HandsError, HostHands, PackageFile, ProcessMark, Run, Said, Ticks, ToolRun};
#[cfg(windows)]
pub use windows::WindowsHands;
