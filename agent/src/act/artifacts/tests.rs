//! The cache and what is on its way into it.

use std::{fs, path::Path};

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    record::FailureCause,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{ArtifactCache, FetchError};

const MIB: usize = 1 << 20;

fn artifact(bytes: &[u8]) -> ArtifactRef {
    ArtifactRef {
        sha256: ArtifactDigest::new(Sha256::digest(bytes).into()),
        size: bytes.len() as u64,
        file_name: "clamav_1.4_amd64.deb".to_owned(),
        urls: Vec::new(),
    }
}

fn cache(limit_mib: u64) -> (TempDir, ArtifactCache) {
    let root = tempfile::tempdir().unwrap();
    let cache = ArtifactCache::new(root.path().join("artifacts"), limit_mib);
    (root, cache)
}

fn put(cache: &ArtifactCache, bytes: &[u8], keep: &[ArtifactDigest], used_ms: i64) -> Result<ArtifactRef, FetchError> {
    let artifact = artifact(bytes);
    let mut partial = cache.partial(&artifact, keep)?;
    partial.write(bytes)?;
    partial.finish()?;
    assert!(cache.verified(&artifact, used_ms)?.is_some());
    Ok(artifact)
}

fn files(root: &Path) -> usize {
    fs::read_dir(root.join("artifacts")).into_iter().flatten().count()
}

#[test]
fn what_was_fetched_before_is_gone_on_with_also_by_a_later_agent() {
    let (root, cache) = cache(1);
    let goods = artifact(b"abcdef");
    let mut partial = cache.partial(&goods, &[]).unwrap();
    partial.write(b"abc").unwrap();
    drop(partial);
    let later = ArtifactCache::new(root.path().join("artifacts"), 1);
    let mut partial = later.partial(&goods, &[]).unwrap();
    assert_eq!((partial.have(), partial.is_whole()), (3, false));
    partial.write(b"def").unwrap();
    let path = partial.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"abcdef");
    assert_eq!(later.verified(&goods, 0), Ok(Some(path)));
}

#[cfg(unix)]
#[test]
fn only_the_agent_may_look_into_the_cache() {
    use std::os::unix::fs::PermissionsExt;

    let (root, cache) = cache(1);
    let goods = put(&cache, b"abcdef", &[], 0).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = root.path().join("artifacts");
    assert_eq!(
        (mode(&directory), mode(&directory.join(goods.sha256.to_string()))),
        (0o700, 0o600)
    );
}

#[test]
fn wrong_bytes_and_too_many_leave_nothing() {
    let (root, cache) = cache(1);
    let goods = artifact(b"abcdef");
    let mut partial = cache.partial(&goods, &[]).unwrap();
    partial.write(b"abcdeX").unwrap();
    assert_eq!(partial.finish().unwrap_err().cause, FailureCause::WrongHash);
    assert_eq!(files(root.path()), 0);

    let mut partial = cache.partial(&goods, &[]).unwrap();
    partial.write(b"abc").unwrap();
    assert_eq!(partial.write(b"defg").unwrap_err().cause, FailureCause::TooLarge);
    // On Windows a file that is open goes when it is closed.
    drop(partial);
    assert_eq!(files(root.path()), 0);
}

#[test]
fn a_file_that_changed_in_the_cache_is_not_used() {
    let (root, cache) = cache(1);
    let goods = put(&cache, b"abcdef", &[], 0).unwrap();
    fs::write(root.path().join("artifacts").join(goods.sha256.to_string()), b"abcdeX").unwrap();
    assert!(cache.has(&goods), "by name and size it is there");
    assert_eq!(cache.verified(&goods, 0), Ok(None));
    assert_eq!(files(root.path()), 0);
}

#[test]
fn what_was_used_longest_ago_goes_first_and_never_what_an_open_order_names() {
    let (_root, cache) = cache(3);
    let bytes = |digit: u8| vec![digit; MIB];
    let first = put(&cache, &bytes(1), &[], 1_000).unwrap();
    let second = put(&cache, &bytes(2), &[], 2_000).unwrap();
    let third = put(&cache, &bytes(3), &[], 3_000).unwrap();
    cache.verified(&first, 4_000).unwrap();
    let fourth = put(&cache, &bytes(4), &[second.sha256], 5_000).unwrap();
    let here = [&first, &second, &third, &fourth].map(|artifact| cache.has(artifact));
    assert_eq!(
        here,
        [true, true, false, true],
        "the third was the oldest that might go"
    );

    let keep = [first.sha256, second.sha256, fourth.sha256];
    let refused = put(&cache, &bytes(5), &keep, 6_000).unwrap_err();
    assert_eq!(refused.cause, FailureCause::DiskFull);
    assert!(refused.why.contains("cache_mib"), "{refused}");
    assert!(keep.iter().all(|digest| {
        [&first, &second, &fourth]
            .iter()
            .any(|it| it.sha256 == *digest && cache.has(it))
    }));
}

#[test]
fn an_artifact_beyond_the_limit_is_refused_before_a_byte() {
    let (root, cache) = cache(1);
    let refused = cache.partial(&artifact(&vec![0; MIB + 1]), &[]).unwrap_err();
    assert_eq!(refused.cause, FailureCause::DiskFull);
    assert_eq!(files(root.path()), 0);
}

proptest! {
    /// However a download is cut, and whatever lies there before it, what is kept is right or nothing is.
    #[test]
    fn only_the_stated_bytes_are_ever_kept(
        before in prop::collection::vec(any::<u8>(), 0..12),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..5),
        honest in any::<bool>(),
    ) {
        let (root, cache) = cache(1);
        let goods = b"abcdefgh";
        let stated = artifact(goods);
        let directory = root.path().join("artifacts");
        fs::create_dir(&directory).unwrap();
        let lies = if honest { goods[..before.len().min(8)].to_vec() } else { before };
        fs::write(directory.join(format!("{}.part", stated.sha256)), &lies).unwrap();
        let mut partial = cache.partial(&stated, &[]).unwrap();
        let have = usize::try_from(partial.have()).unwrap();
        let rest: Vec<Vec<u8>> = if honest { vec![goods[have..].to_vec()] } else { parts };
        let written = rest.iter().try_for_each(|part| partial.write(part));
        let kept = written.is_ok() && partial.finish().is_ok();
        prop_assert_eq!(kept, cache.verified(&stated, 0).unwrap().is_some());
        prop_assert!(!honest || kept);
        if kept {
            let path = directory.join(stated.sha256.to_string());
            prop_assert_eq!(fs::read(path).unwrap(), goods);
        } else {
            prop_assert!(!cache.has(&stated));
        }
    }
}
