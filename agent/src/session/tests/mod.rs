//! Sessions against a pretended server, in virtual time.

mod check_ins;
mod inventories;
mod leaving;
mod looks;
mod network;
mod orders;
mod releases;
mod time;
mod vitals;
mod world;
