//! Random things that the edge makes: ids, tokens, seeds.

use cutover_proto::ids::HostId;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use super::ServiceError;

pub(super) fn random<const N: usize>() -> Result<[u8; N], ServiceError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ServiceError::Broken {
        why: "the system gives no random numbers; see that /dev/urandom can be read".to_owned(),
    })?;
    Ok(bytes)
}

pub(super) fn random_hex<const N: usize>() -> Result<String, ServiceError> {
    random::<N>().map(hex::encode)
}

/// Where a decision's jitter comes from.
pub(super) fn seed() -> Result<u64, ServiceError> {
    random::<8>().map(u64::from_be_bytes)
}

/// A UUIDv7: sorts by time of making.
pub(super) fn uuid(real_now_ms: i64) -> Result<uuid::Uuid, ServiceError> {
    let at = u64::try_from(real_now_ms).unwrap_or_default();
    Ok(uuid::Builder::from_unix_timestamp_millis(at, &random::<10>()?).into_uuid())
}

pub(super) fn host_id(real_now_ms: i64) -> Result<HostId, ServiceError> {
    uuid(real_now_ms).map(HostId::new)
}

/// How tokens and sessions are kept: only their hash.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
