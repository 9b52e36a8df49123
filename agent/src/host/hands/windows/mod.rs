//! Live hands for Windows: Windows Installer, asked in a process of its own, and what is a part of Windows.
//!
//! What an installer needs to know goes to that process over its standard input: a command line can be read by every user
//! of the machine, and stays in its logs.

mod announce;
mod helper;
mod job;
mod live;
pub mod msi;
mod policy;
mod process;
mod restart;

pub use live::WindowsHands;
