//! How often strangers may ask to enrol: token buckets, one per address and one for all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use super::bucket::{Bucket, Rate};

/// Limits on Enroll. Enrolment tokens are long random strings, so the limits are about load, not about guessing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnrollLimits {
    /// Per IPv4 address or IPv6 /64. A whole site may stand behind one address.
    pub per_address: Rate,
    /// For the listener.
    pub global: Rate,
}

impl Default for EnrollLimits {
    fn default() -> Self {
        Self {
            per_address: Rate {
                burst: 200,
                per_second: 10.0,
            },
            global: Rate {
                burst: 500,
                per_second: 50.0,
            },
        }
    }
}

/// Addresses remembered at once. Those whose bucket is full again are forgotten first.
const MAX_ADDRESSES: usize = 10_000;

/// The buckets of a listener.
#[derive(Debug)]
pub(super) struct EnrollBuckets {
    limits: EnrollLimits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    all: Bucket,
    by_address: HashMap<IpAddr, Bucket>,
}

impl EnrollBuckets {
    pub(super) fn new(limits: EnrollLimits, now_ms: i64) -> Self {
        let all = Bucket::full(limits.global, now_ms);
        Self {
            limits,
            state: Mutex::new(State {
                all,
                by_address: HashMap::new(),
            }),
        }
    }

    /// Takes a token from both buckets, or from neither.
    ///
    /// # Errors
    /// Seconds after which to ask again.
    pub(super) fn take(&self, from: SocketAddr, now_ms: i64) -> Result<(), u32> {
        let EnrollLimits { per_address, global } = self.limits;
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { all, by_address } = &mut *guard;
        all.refill(global, now_ms);
        let address = network(from.ip());
        if !by_address.contains_key(&address) && by_address.len() >= MAX_ADDRESSES {
            by_address.retain(|_, bucket| {
                bucket.refill(per_address, now_ms);
                !bucket.is_full(per_address)
            });
            if by_address.len() >= MAX_ADDRESSES {
                return Err(1);
            }
        }
        let own = by_address
            .entry(address)
            .or_insert_with(|| Bucket::full(per_address, now_ms));
        own.refill(per_address, now_ms);
        if let Some(seconds) = own.wait(per_address).max(all.wait(global)) {
            return Err(seconds);
        }
        own.spend(1.0);
        all.spend(1.0);
        Ok(())
    }
}

/// What one subscriber holds: an IPv4 address, or an IPv6 /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: EnrollLimits = EnrollLimits {
        per_address: Rate {
            burst: 2,
            per_second: 0.5,
        },
        global: Rate {
            burst: 3,
            per_second: 1.0,
        },
    };

    fn from(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().expect("an address"), 4711)
    }

    #[test]
    fn one_address_is_limited_before_all_are() {
        let buckets = EnrollBuckets::new(LIMITS, 0);
        assert_eq!(buckets.take(from("192.0.2.1"), 0), Ok(()));
        assert_eq!(buckets.take(from("192.0.2.1"), 0), Ok(()));
        assert_eq!(buckets.take(from("192.0.2.1"), 0), Err(2));
        // A refusal took nothing from the common bucket: another address gets its last token.
        assert_eq!(buckets.take(from("192.0.2.2"), 0), Ok(()));
        assert_eq!(buckets.take(from("192.0.2.3"), 0), Err(1));
    }

    #[test]
    fn tokens_come_back_with_time_and_never_beyond_the_burst() {
        let buckets = EnrollBuckets::new(LIMITS, 0);
        for _ in 0..2 {
            assert_eq!(buckets.take(from("192.0.2.1"), 0), Ok(()));
        }
        assert_eq!(buckets.take(from("192.0.2.1"), 1_999), Err(1));
        assert_eq!(buckets.take(from("192.0.2.1"), 2_000), Ok(()));
        for _ in 0..2 {
            assert_eq!(buckets.take(from("192.0.2.1"), 10_000_000), Ok(()));
        }
        assert_eq!(buckets.take(from("192.0.2.1"), 10_000_000), Err(2));
    }

    #[test]
    fn a_clock_that_goes_back_gives_no_tokens_and_blocks_nobody() {
        let buckets = EnrollBuckets::new(LIMITS, 1_000_000);
        for _ in 0..2 {
            assert_eq!(buckets.take(from("192.0.2.1"), 1_000_000), Ok(()));
        }
        assert_eq!(buckets.take(from("192.0.2.1"), 0), Err(2));
        assert_eq!(buckets.take(from("192.0.2.1"), 2_000), Ok(()));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_bucket() {
        let buckets = EnrollBuckets::new(LIMITS, 0);
        assert_eq!(buckets.take(from("2001:db8::1"), 0), Ok(()));
        assert_eq!(buckets.take(from("2001:db8::2"), 0), Ok(()));
        assert_eq!(buckets.take(from("2001:db8::3"), 0), Err(2));
        assert_eq!(buckets.take(from("2001:db8:0:1::1"), 0), Ok(()));
    }

    #[test]
    fn remembered_addresses_are_bounded_and_forgotten_once_full_again() {
        let limits = EnrollLimits {
            per_address: Rate {
                burst: 1,
                per_second: 1.0,
            },
            global: Rate {
                burst: u32::MAX,
                per_second: 1.0,
            },
        };
        let buckets = EnrollBuckets::new(limits, 0);
        let nth = |n: usize| {
            let n = u32::try_from(n).expect("small");
            SocketAddr::new(IpAddr::V4((0x0a00_0000 + n).into()), 1)
        };
        for n in 0..MAX_ADDRESSES {
            assert_eq!(buckets.take(nth(n), 0), Ok(()));
        }
        assert_eq!(buckets.take(nth(MAX_ADDRESSES), 0), Err(1));
        assert_eq!(buckets.take(nth(MAX_ADDRESSES), 1_000), Ok(()));
        let state = buckets.state.lock().expect("not poisoned");
        assert_eq!(state.by_address.len(), 1);
    }
}
