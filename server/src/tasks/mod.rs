//! What runs without being asked: wakes, rollout, reports, deliveries. Each pass is a plain function that says what it
//! did; this module only calls them, under a lease, so that one replica does and another takes over.

mod deliver;
mod pass;

pub use pass::{Pass, Tasks};
