//! The hash chain of a stream.

use sha2::{Digest, Sha256};

/// SHA-256 of an event and of everything before it in its stream.
pub type EventHash = [u8; 32];

/// What stands before the first event of a stream.
pub const GENESIS: EventHash = [0; 32];

/// What a hash covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link<'a> {
    pub(super) prev_hash: &'a EventHash,
    pub(super) stream: &'a str,
    pub(super) seq: i64,
    pub(super) kind: &'a str,
    pub(super) schema_version: i64,
    pub(super) body: &'a str,
    pub(super) at_ms: i64,
    pub(super) agent_at_ms: Option<i64>,
}

/// SHA-256 over these parts, one after the other:
///
/// | part | bytes |
/// |---|---|
/// | the words `cutover-event-v1` and a zero byte | 17 |
/// | hash of the event before, zeros for the first | 32 |
/// | stream | its length in 4 bytes, then its UTF-8 |
/// | seq | 8 |
/// | kind | as stream |
/// | schema version | 8 |
/// | body | as stream |
/// | at_ms | 8 |
/// | agent_at_ms | one byte 0 without it; one byte 1 and 8 bytes with it |
///
/// Numbers are big-endian two's complement. Lengths stand before texts, so no two events have the same bytes. `pos` is
/// not covered: it is given last, when the chain of the stream is already fixed.
pub(super) fn hash(link: &Link<'_>) -> EventHash {
    let mut sha = Sha256::new();
    sha.update(b"cutover-event-v1\0");
    sha.update(link.prev_hash);
    text(&mut sha, link.stream);
    sha.update(link.seq.to_be_bytes());
    text(&mut sha, link.kind);
    sha.update(link.schema_version.to_be_bytes());
    text(&mut sha, link.body);
    sha.update(link.at_ms.to_be_bytes());
    match link.agent_at_ms {
        None => sha.update([0]),
        Some(at_ms) => {
            sha.update([1]);
            sha.update(at_ms.to_be_bytes());
        }
    }
    sha.finalize().into()
}

/// A text with its length before it. A body of four gigabytes does not exist: both databases refuse it long before.
fn text(sha: &mut Sha256, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    sha.update(length.to_be_bytes());
    sha.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Link<'_> = Link {
        prev_hash: &GENESIS,
        stream: "host:0190",
        seq: 1,
        kind: "enrolled",
        schema_version: 1,
        body: "{}",
        at_ms: 1_727_582_400_000,
        agent_at_ms: None,
    };

    #[test]
    fn the_encoding_of_an_event_never_changes() {
        // Computed apart from this code, from the table above (Python's hashlib and struct).
        assert_eq!(
            hex::encode(hash(&FIRST)),
            "ce6758703c0c0c286707f8472d4d2253a6b552b0ae7bed0c27a50ad71723fd40"
        );
        assert_eq!(
            hex::encode(hash(&Link {
                agent_at_ms: Some(-1),
                ..FIRST
            })),
            "4e6604122f9c3eecc5a079c64f392bb9079afbf6eb6bb6eca3b08c68b0dafae7"
        );
    }

    #[test]
    fn every_part_of_an_event_counts() {
        let other = [1; 32];
        let changed = [
            Link {
                prev_hash: &other,
                ..FIRST
            },
            Link {
                stream: "host:0191",
                ..FIRST
            },
            Link { seq: 2, ..FIRST },
            Link {
                kind: "enrolle",
                body: "d{}",
                ..FIRST
            },
            Link {
                schema_version: 2,
                ..FIRST
            },
            Link { body: "{ }", ..FIRST },
            Link { at_ms: 0, ..FIRST },
            Link {
                agent_at_ms: Some(0),
                ..FIRST
            },
        ];
        for link in changed {
            assert_ne!(hash(&link), hash(&FIRST), "{link:?}");
        }
    }
}
