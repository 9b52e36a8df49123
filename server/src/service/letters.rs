//! The outbox: documents that wait to leave, with retries and an end where all can see it.

use super::{Service, ServiceError};
use crate::store::outbox::{self, OutboxRow, Tried};

/// The kind of a letter that becomes files in a directory.
pub(super) const DIRECTORY: &str = "directory";

/// The kind of a letter that is posted.
pub(super) const WEBHOOK: &str = "webhook";

/// After this many attempts a letter is given up: with the pauses below, about a day and a half.
const ATTEMPTS_MAX: i64 = 14;

/// The first pause; each further one is twice as long, up to the longest.
const FIRST_PAUSE_MS: i64 = 15_000;
const LONGEST_PAUSE_MS: i64 = 4 * 3_600_000;

impl Service {
    /// Letters whose time has come.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn due_letters(&self, limit: i64) -> Result<Vec<OutboxRow>, ServiceError> {
        let now_ms = self.real_now_ms();
        self.0
            .store
            .read(move |tx| Ok::<_, ServiceError>(outbox::due(tx, now_ms, limit)?))
            .await
    }

    /// Notes how a delivery went: `Err` says why it did not arrive.
    ///
    /// # Errors
    /// When the store fails; the letter is then delivered again.
    pub async fn settle_letter(&self, letter: OutboxRow, outcome: Result<(), String>) -> Result<(), ServiceError> {
        let now_ms = self.real_now_ms();
        let attempts = letter.attempts + 1;
        let tried = match outcome {
            Ok(()) => Tried::Delivered,
            Err(error) if attempts >= ATTEMPTS_MAX => {
                tracing::error!(
                    letter = letter.outbox_id,
                    kind = letter.kind,
                    error,
                    "delivery is given up"
                );
                Tried::Dead { error }
            }
            Err(error) => {
                tracing::warn!(
                    letter = letter.outbox_id,
                    kind = letter.kind,
                    error,
                    "delivery failed; tried again later"
                );
                Tried::Again {
                    next_ms: now_ms + pause_ms(attempts),
                    error,
                }
            }
        };
        let (id, before) = (letter.outbox_id, letter.attempts);
        self.0
            .store
            .write(move |tx| Ok::<_, ServiceError>(outbox::note(tx, &id, before, &tried, now_ms)?))
            .await
    }
}

pub(super) fn pause_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
    (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!([1, 2, 3].map(pause_ms), [15_000, 30_000, 60_000]);
        assert_eq!(pause_ms(ATTEMPTS_MAX), LONGEST_PAUSE_MS);
    }
}
