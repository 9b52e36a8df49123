//! The executor over a planted host: real look, real journal, planted hands, virtual time, crashes where we want them.

mod control;
mod doubles;
mod faults;
mod forgotten;
mod kill;
mod outcome;
mod refusal;
mod repair;
mod secrets;
mod services;
mod world;
