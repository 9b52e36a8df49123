//! The agent: looks for target products and keeps the evidence, checks in, carries out signed work orders.
//!
//! Arrows (docs/ARCHITECTURE.md): `main -> cli -> osservice -> app -> {link, act, session}`, `{link, session} -> proto`,
//! `act -> detect -> {host, parse} -> facts -> proto`, `{app, link, act, config} -> disk`, `{osservice, app, act} -> words`.

pub mod act;
#[cfg(feature = "link")]
pub mod app;
pub mod cli;
pub mod config;
pub mod detect;
pub mod disk;
pub mod facts;
pub mod host;
#[cfg(feature = "link")]
pub mod link;
#[cfg(feature = "link")]
pub mod osservice;
pub mod parse;
pub mod session;
pub mod words;
