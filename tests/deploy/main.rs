//! What is shipped under `deploy/`: against the code that reads it, and against the tools of systemd itself.

mod config;
mod exclusions;
mod floors;
mod macos;
mod rollout;
mod server;
mod shipped;
mod systemd;
mod units;
