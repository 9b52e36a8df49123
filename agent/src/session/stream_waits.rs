//! How long to wait before the Watch stream is opened again.

use std::time::Duration;

/// After the first loss.
const FIRST: Duration = Duration::from_secs(1);
/// After many: a check-in comes at least as often.
const LONGEST: Duration = Duration::from_secs(120);
/// A stream that stood for less was cut by somebody who will do it again.
const SOUND: Duration = Duration::from_secs(55);

/// Doubles while streams are cut early; a middlebox that ends each after some seconds is not asked each second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamWaits(Duration);

impl Default for StreamWaits {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl StreamWaits {
    /// The longest wait that it ever gives.
    pub const LONGEST: Duration = LONGEST;

    /// The stream stood for so long, or never did. How long to wait.
    pub fn lost(&mut self, stood: Option<Duration>) -> Duration {
        if stood.is_some_and(|stood| stood >= SOUND) {
            self.0 = FIRST;
        }
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_is_cut_early_again_and_again_is_opened_ever_less_often() {
        let mut waits = StreamWaits::default();
        let early = Some(Duration::from_secs(10));
        let seconds: Vec<u64> = (0..9).map(|_| waits.lost(early).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        assert_eq!(waits.lost(Some(Duration::from_secs(3600))), FIRST);
        assert_eq!(waits.lost(None), FIRST * 2);
    }
}
