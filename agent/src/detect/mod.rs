//! Rules and a host in, verdicts with evidence out. Pure and deterministic given a [`HostView`](crate::host::HostView):
//! the same answers give the same inventory on every system, today and in ten years.
//!
//! How looks combine into a verdict stands in `judge`; where to look in `linux`, `windows` and `macos`; which package
//! databases are believed in `packages`; what makes a replacement healthy in `health`.

mod encryption;
mod ends;
mod health;
mod host_facts;
pub(crate) mod judge;
mod kernel_modules;
mod linux;
mod listeners;
mod macos;
mod macos_facts;
mod outcome;
mod packages;
mod pending_restart;
mod placed;
mod power;
mod protection;
mod roles;
mod rules;
mod scan;
mod services;
mod trail;
mod trust_store;
mod upkeep;
mod vitals;
mod windows;
mod windows_facts;

pub use host_facts::host_facts;
pub use outcome::{ScanOutcome, outcome};
pub use rules::{RefusedRule, RuleSet};
pub use scan::{ScanCx, attributed_packages, scan, sight};
pub(crate) use services::at_work;
pub use trust_store::{Trusted, trusted};
pub use vitals::vitals;

/// A look of another system's kind: the rules do not let it be written.
fn not_of_this_system(look: &cutover_proto::rule::Look) -> String {
    format!("no look of kind {} is made on {}", look.trace.kind(), look.os)
}

#[cfg(test)]
mod tests;
