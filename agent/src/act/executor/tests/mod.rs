//! The executor over a planted host: real look, real journal, planted hands, virtual time, crashes where we want them.

mod bystanders;
mod control;
mod doubles;
mod faults;
mod forgotten;
mod kill;
mod outcome;
mod refusal;
mod repair;
mod restarting;
mod restarting_ends;
mod secrets;
mod services;
mod set_up;
mod world;
