//! How fast artifacts leave: token buckets of MiB, one per host and one for the whole server.
//!
//! A request is let in while its buckets are not overdrawn, and then pays for all that it asks for. So a large file is never
//! cut, and whoever comes after it waits until it is paid for. Overload only delays.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use cutover_proto::ids::HostId;

use super::bucket::{Bucket, Rate};

/// Limits on what leaves, in MiB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArtifactLimits {
    /// For each host.
    pub per_host: Rate,
    /// For the listener.
    pub server: Rate,
}

/// Hosts remembered at once. Those whose bucket is full again are forgotten first.
const MAX_HOSTS: usize = 10_000;

const MIB: f64 = 1_048_576.0;

/// No request is cheaper, so that many small ones are limited too.
const LEAST_MIB: f64 = 0.25;

/// The buckets of a listener.
#[derive(Debug)]
pub(super) struct ArtifactBuckets {
    limits: ArtifactLimits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    all: Bucket,
    by_host: HashMap<HostId, Bucket>,
}

impl ArtifactBuckets {
    pub(super) fn new(limits: ArtifactLimits, now_ms: i64) -> Self {
        Self {
            limits,
            state: Mutex::new(State {
                all: Bucket::full(limits.server, now_ms),
                by_host: HashMap::new(),
            }),
        }
    }

    /// Lets so many bytes go to a host, or none.
    ///
    /// # Errors
    /// Seconds after which to ask again.
    pub(super) fn take(&self, host: HostId, bytes: u64, now_ms: i64) -> Result<(), u32> {
        let ArtifactLimits { per_host, server } = self.limits;
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { all, by_host } = &mut *guard;
        all.refill(server, now_ms);
        if !by_host.contains_key(&host) && by_host.len() >= MAX_HOSTS {
            by_host.retain(|_, bucket| {
                bucket.refill(per_host, now_ms);
                !bucket.is_full(per_host)
            });
            if by_host.len() >= MAX_HOSTS {
                return Err(1);
            }
        }
        let own = by_host.entry(host).or_insert_with(|| Bucket::full(per_host, now_ms));
        own.refill(per_host, now_ms);
        if let Some(seconds) = own.wait(per_host).max(all.wait(server)) {
            return Err(seconds);
        }
        #[expect(clippy::cast_precision_loss, reason = "a loss of bytes in a file of 8 PiB")]
        let cost = (bytes as f64 / MIB).max(LEAST_MIB);
        own.spend(cost);
        all.spend(cost);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ArtifactLimits = ArtifactLimits {
        per_host: Rate {
            burst: 10,
            per_second: 1.0,
        },
        server: Rate {
            burst: 30,
            per_second: 10.0,
        },
    };

    fn host(number: u128) -> HostId {
        HostId::new(uuid::Uuid::from_u128(number))
    }

    const ONE: u64 = 1 << 20;

    #[test]
    fn a_large_file_goes_whole_and_is_paid_for_before_the_next() {
        let buckets = ArtifactBuckets::new(LIMITS, 0);
        assert_eq!(buckets.take(host(1), 100 * ONE, 0), Ok(()));
        // 90 MiB are owed by the host at 1 a second, 70 by the server at 10.
        assert_eq!(buckets.take(host(1), ONE, 0), Err(91));
        assert_eq!(buckets.take(host(2), ONE, 0), Err(8), "the whole server is overdrawn");
        assert_eq!(buckets.take(host(2), ONE, 8_000), Ok(()));
        assert_eq!(buckets.take(host(1), ONE, 90_000), Err(1));
        assert_eq!(buckets.take(host(1), ONE, 91_000), Ok(()));
    }

    #[test]
    fn many_small_requests_are_limited_too() {
        let buckets = ArtifactBuckets::new(LIMITS, 0);
        let let_in = (0..100).filter(|_| buckets.take(host(1), 1, 0).is_ok()).count();
        assert_eq!(
            let_in, 37,
            "each costs a quarter of a MiB while there is one left of ten"
        );
    }

    #[test]
    fn remembered_hosts_are_bounded_and_forgotten_once_full_again() {
        let limits = ArtifactLimits {
            server: Rate {
                burst: u32::MAX,
                per_second: 1.0,
            },
            ..LIMITS
        };
        let buckets = ArtifactBuckets::new(limits, 0);
        for number in 0..MAX_HOSTS as u128 {
            assert_eq!(buckets.take(host(number), 1, 0), Ok(()));
        }
        assert_eq!(buckets.take(host(u128::MAX), 1, 0), Err(1));
        assert_eq!(buckets.take(host(u128::MAX), 1, 1_000), Ok(()));
    }
}
