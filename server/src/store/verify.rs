//! Recomputes the hash chain of a stream.

use super::chain::{self, GENESIS, Link};
use super::error::StoreError;
use super::events::{Head, head, load};
use super::stream_name::StreamName;
use super::tx::Reader;

/// Events read at a time.
const PAGE: i64 = 500;

/// What a check of a stream's chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainState {
    /// Every hash and number fits, up to the end that the stream's head names.
    Whole {
        /// Number of events.
        events: i64,
    },
    /// Something does not fit.
    Broken {
        /// The first event that does not.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
}

/// Recomputes the chain of a stream.
///
/// # Errors
/// As [`Reader::query`]; a broken chain is an answer, not an error.
pub fn verify_chain(db: &mut impl Reader, stream: &StreamName) -> Result<ChainState, StoreError> {
    let end = head(db, stream)?;
    let mut prev = Head { seq: 0, hash: GENESIS };
    loop {
        let page = load(db, stream, prev.seq + 1, PAGE)?;
        if page.is_empty() {
            break;
        }
        for event in page {
            let broken = |why: &str| {
                Ok(ChainState::Broken {
                    seq: prev.seq + 1,
                    why: why.to_owned(),
                })
            };
            if event.seq != prev.seq + 1 {
                return broken("the event is missing");
            }
            if event.prev_hash != prev.hash {
                return broken("it does not follow from the event before");
            }
            let hash = chain::hash(&Link {
                prev_hash: &event.prev_hash,
                stream: event.stream.as_str(),
                seq: event.seq,
                kind: &event.kind,
                schema_version: event.schema_version,
                body: &event.body,
                at_ms: event.at_ms,
                agent_at_ms: event.agent_at_ms,
            });
            if hash != event.hash {
                return broken("its content is not what its hash says");
            }
            prev = Head { seq: event.seq, hash };
        }
    }
    if prev == end {
        Ok(ChainState::Whole { events: end.seq })
    } else {
        Ok(ChainState::Broken {
            seq: prev.seq.min(end.seq) + 1,
            why: format!(
                "the stream's head names event {} as the last and the last is {}",
                end.seq, prev.seq
            ),
        })
    }
}
