//! Where random things come from: ids, tokens, salts, seeds of decisions. One source, so that a simulation can name it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cutover_proto::ids::HostId;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use super::ServiceError;

/// A source of random bytes. Cheap to clone; clones of a seeded one draw from the same row of numbers.
#[derive(Debug, Clone)]
pub struct Entropy(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Seeded { seed: u64, drawn: Arc<AtomicU64> },
}

impl Entropy {
    /// The system's: what every server has.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// The same bytes in the same order for the same seed: simulations and tests. Whoever knows the seed knows every token
    /// and every id, so no server that anybody can reach may have it.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let drawn = Arc::default();
        Self(Source::Seeded { seed, drawn })
    }

    pub(super) fn bytes<const N: usize>(&self) -> Result<[u8; N], ServiceError> {
        let mut bytes = [0; N];
        match &self.0 {
            Source::System => SystemRandom::new().fill(&mut bytes).map_err(|_| ServiceError::Broken {
                why: "the system gives no random numbers; see that /dev/urandom can be read".to_owned(),
            })?,
            Source::Seeded { seed, drawn } => {
                for part in bytes.chunks_mut(32) {
                    let nth = drawn.fetch_add(1, Ordering::SeqCst);
                    let block = Sha256::digest([seed.to_be_bytes(), nth.to_be_bytes()].concat());
                    part.copy_from_slice(&block[..part.len()]);
                }
            }
        }
        Ok(bytes)
    }

    pub(super) fn hex<const N: usize>(&self) -> Result<String, ServiceError> {
        self.bytes::<N>().map(hex::encode)
    }

    /// Where a decision's jitter comes from.
    pub(super) fn seed(&self) -> Result<u64, ServiceError> {
        self.bytes::<8>().map(u64::from_be_bytes)
    }

    /// A UUIDv7: sorts by time of making.
    pub(super) fn uuid(&self, real_now_ms: i64) -> Result<uuid::Uuid, ServiceError> {
        let at = u64::try_from(real_now_ms).unwrap_or_default();
        Ok(uuid::Builder::from_unix_timestamp_millis(at, &self.bytes::<10>()?).into_uuid())
    }

    pub(super) fn host_id(&self, real_now_ms: i64) -> Result<HostId, ServiceError> {
        self.uuid(real_now_ms).map(HostId::new)
    }
}

/// How tokens and sessions are kept: only their hash.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_in_the_same_order_and_the_system_gives_others() {
        let drawn = |source: &Entropy| (source.hex::<40>().unwrap(), source.seed().unwrap());
        let (one, again, other) = (Entropy::seeded(7), Entropy::seeded(7), Entropy::seeded(8));
        let (first, clone) = (drawn(&one), one.clone());
        assert_eq!(first, drawn(&again));
        assert_ne!(first, drawn(&other));
        let next = drawn(&clone);
        assert_ne!(first, next);
        assert_eq!(next, drawn(&again), "a clone goes on where the other is");
        assert_ne!(next, drawn(&one), "and moves it too");
        let system = Entropy::system();
        assert_ne!(drawn(&system), drawn(&system));
    }
}
