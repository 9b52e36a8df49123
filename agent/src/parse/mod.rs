//! Bytes that a host gave, read into facts. Pure; what cannot be read is an error that says why, never an empty result.

pub mod certificate;
pub mod cgroup;
pub mod clamd;
pub mod collection;
pub mod dpkg;
pub mod falcon;
pub mod fanotify;
pub mod filevault;
pub mod hive;
pub mod install_history;
pub mod installs;
pub mod instant;
pub mod ioreg;
pub mod kernel_modules;
pub mod locale;
pub mod mdatp;
pub mod mountinfo;
pub mod needs_restart;
pub mod os_release;
pub mod own_process;
pub mod pmset;
pub mod property_list;
pub mod registry_text;
pub mod rpm;
pub mod system_extensions;
pub mod time_zone;
pub mod unit;
pub mod upkeep;
pub mod uptime;
pub mod windows_image;
pub mod windows_zones;

#[cfg(test)]
mod tests;
