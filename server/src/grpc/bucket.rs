//! Token buckets: how much may be asked for at once, and in the long run.

/// A token bucket's shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Tokens that may be taken at once after a quiet time.
    pub burst: u32,
    /// Tokens a second in the long run.
    pub per_second: f64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    tokens: f64,
    at_ms: i64,
}

impl Bucket {
    pub(super) fn full(rate: Rate, now_ms: i64) -> Self {
        Self {
            tokens: f64::from(rate.burst),
            at_ms: now_ms,
        }
    }

    /// Brings the bucket to now. A clock that went back adds nothing and is not waited for.
    pub(super) fn refill(&mut self, rate: Rate, now_ms: i64) {
        #[expect(clippy::cast_precision_loss, reason = "a loss of milliseconds after 285,000 years")]
        let seconds = now_ms.saturating_sub(self.at_ms).max(0) as f64 / 1000.0;
        self.tokens = (self.tokens + seconds * rate.per_second).min(f64::from(rate.burst));
        self.at_ms = now_ms;
    }

    /// Seconds until there is a token; none when there is one.
    pub(super) fn wait(&self, rate: Rate) -> Option<u32> {
        if self.tokens >= 1.0 {
            return None;
        }
        let seconds = ((1.0 - self.tokens) / rate.per_second).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 1..=3600"
        )]
        Some(if seconds.is_finite() {
            seconds.clamp(1.0, 3600.0) as u32
        } else {
            3600
        })
    }

    /// Takes tokens; what is taken beyond those that are there is waited for by whoever comes next.
    pub(super) fn spend(&mut self, tokens: f64) {
        self.tokens -= tokens;
    }

    /// Whether nothing was taken from it lately, so that it need not be remembered.
    pub(super) fn is_full(&self, rate: Rate) -> bool {
        self.tokens >= f64::from(rate.burst)
    }
}
