//! Rules and a host in, verdicts with evidence out. Pure and deterministic given a [`HostView`](crate::host::HostView):
//! the same answers give the same inventory on every system, today and in ten years.
//!
//! How looks combine into a verdict stands in `judge`; where to look on Linux in `linux`; which package
//! databases are believed in `packages`.

mod encryption;
mod health;
mod host_facts;
pub(crate) mod judge;
mod kernel_modules;
mod linux;
mod listeners;
mod outcome;
mod packages;
mod pending_restart;
mod protection;
mod rules;
mod scan;
mod services;
mod trail;
mod trust_store;

pub use host_facts::host_facts;
pub use outcome::{ScanOutcome, outcome};
pub use rules::{RefusedRule, RuleSet};
pub use scan::{ScanCx, attributed_packages, scan, sight};
pub(crate) use services::at_work;
pub use trust_store::{Trusted, trusted};

#[cfg(test)]
mod tests;
