//! A machine that slept.

use std::time::Duration;

use super::{check_ins::WhyCheckIn, state::Session, ticks::Ticks};

/// The host's clock goes ahead of the monotonic one by so much only when the machine slept, or when the clock was set;
/// what follows is cheap enough for both.
const SLEPT_MS: i64 = 60_000;
/// Machines of an office wake in the same minute.
const SPREAD: Duration = Duration::from_secs(5);

impl Session {
    /// Both clocks as of now, the host's in milliseconds since the epoch. True when the machine slept: connections of
    /// before are worth nothing, and a check-in is due.
    pub fn handle_clocks(&mut self, host_ms: i64, now: Ticks) -> bool {
        let offset = host_ms.saturating_sub(i64::try_from(now.0).unwrap_or(i64::MAX));
        let before = self.clock_offset_ms.replace(offset);
        let slept = before.is_some_and(|before| offset.saturating_sub(before) >= SLEPT_MS);
        if slept {
            let spread = self.jitter.between(Duration::ZERO, SPREAD);
            self.check_ins.awake(now.after(spread));
        }
        slept
    }
}

impl super::check_ins::CheckIns {
    /// What a failure of before the sleep asked for is void; what the server asked for holds.
    fn awake(&mut self, at: Ticks) {
        self.forgive();
        self.ask(at, WhyCheckIn::Awake);
    }
}
