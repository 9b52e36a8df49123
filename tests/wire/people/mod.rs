//! The people's side: pages, REST, events, and who gets in.

mod assets;
pub(crate) mod browser;
mod command_line;
mod date_proofs;
mod disks;
mod duties;
mod events;
mod exemptions;
mod findings;
mod handwork;
mod listeners;
mod pages;
mod privacy;
mod routes;
mod scans;
mod secret_customers;
mod secret_files;
mod secret_keys;
mod secret_orders;
mod secrets;
mod sign_in;
