//! The central server: enrols agents, keeps a plan per host, issues signed work orders, shows and reports.
//!
//! Arrows run one way (docs/ARCHITECTURE.md): `main -> {cli, demo} -> app -> {grpc, web, api, tasks} -> service ->
//! {store, pki, clock} -> core -> proto`, and `tasks -> notify -> render -> core`.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod collected;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod grpc;
pub mod notify;
pub mod pki;
pub mod render;
pub mod service;
pub mod store;
pub mod tasks;
pub mod web;
