//! A ledger of what the agent's hands are asked to do: whole orders, composed as the server composes them and carried out by the
//! agent's own executor, on a machine that exists in memory alone. What bears on the machine is written down in words, and the
//! machine becomes what was asked for.
//!
//! Neither side could do this: the executor is the agent's, recipes are the core's, and of these two only tests may know both.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod agent;
mod goods;
mod hands;
mod linux;
mod machine;
mod orders;
mod recipes;
mod view;
mod windows;
