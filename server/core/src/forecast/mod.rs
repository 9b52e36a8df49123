//! Slack and lateness, in small: from the target, the soak and a fixed allowance for the work.

mod slack;

#[cfg(test)]
mod tests;

pub use slack::{WORK_ALLOWANCE, late, latest_start_ms, no_target_text, slack_ms, turn_ms};
