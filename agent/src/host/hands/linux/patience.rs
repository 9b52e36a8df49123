//! Waits for an installer of somebody else to give its lock back.

use std::{thread, time::Duration};

use super::{
    super::seam::HandsError,
    process::{Runner, Session},
};

/// The longest wait for another installer's lock.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(300);
const LOCK_POLL: Duration = Duration::from_secs(1);

impl Session<'_, '_, '_> {
    /// How long this step waits for a lock: never more than half of what is left of its time.
    pub(super) fn lock_wait(&self) -> Duration {
        (self.time_left() / 2).min(LOCK_WAIT_MAX)
    }

    /// Runs a tool that does not wait for a lock by itself: again while it says one of these words.
    pub(super) fn tool_when_free(
        &mut self,
        program: &str,
        arguments: &[&str],
        locked: &[&str],
    ) -> Result<bool, HandsError> {
        let until = self.time_left().saturating_sub(self.lock_wait());
        loop {
            let before = self.printed()?;
            if self.tool(program, arguments)? {
                return Ok(true);
            }
            let said = self.output_from(before)?;
            if self.time_left() <= until || !locked.iter().any(|word| said.contains(word)) {
                return Ok(false);
            }
            thread::sleep(LOCK_POLL);
        }
    }
}

impl Runner {
    /// Asks in the same way.
    pub(super) fn ask_when_free(
        &self,
        program: &str,
        arguments: &[&str],
        limit: Duration,
        locked: &[&str],
    ) -> Result<(Option<i32>, String), HandsError> {
        let mut waited = Duration::ZERO;
        loop {
            let (code, said) = self.ask(program, arguments, limit)?;
            let is_locked = code != Some(0) && locked.iter().any(|word| said.contains(word));
            if !is_locked || waited >= LOCK_WAIT_MAX {
                return Ok((code, said));
            }
            thread::sleep(LOCK_POLL);
            waited += LOCK_POLL;
        }
    }
}
