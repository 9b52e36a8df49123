//! Lines of the journal: a checksum that chains, and one entry in JSON.

use std::collections::BTreeMap;

use cutover_proto::{record::StepRecord, v1};
use prost::Message;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::host::hands::ProcessMark;

/// The version of this file's format.
pub(super) const VERSION: u32 = 1;
/// Hex digits of a line's checksum.
const SUM: usize = 32;

/// One line. Tagged from outside: serde reads maps with numbers as keys in no other form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Entry {
    /// The first line of every journal.
    Start {
        version: u32,
        /// The highest order number that was ever begun here.
        highest_begun: u64,
        /// Per order: the sequence of its last record, also of records that are not kept.
        last_sequences: BTreeMap<u64, u32>,
        marks: Marks,
    },
    /// An order was taken on.
    Order {
        number: u64,
        /// The signed order as it came, so that it survives a restart.
        envelope: SignedBytes,
    },
    /// A tool was started for a step.
    Process { order: u64, step: u32, mark: ProcessMark },
    /// A restart is asked for now; from here on it is not asked for again.
    RestartAsked {
        order: u64,
        step: u32,
        /// By trusted time.
        at_ms: i64,
        /// How long the session that is to end had lasted; `None` where it could not be told.
        session_seconds: Option<u64>,
    },
    /// Something happened, signed once.
    Record { record: StepRecord, envelope: SignedBytes },
    /// What the server says is durable there.
    Marks(Marks),
}

/// High-water marks of one store of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks {
    /// The store's epoch; empty before the first reply.
    pub epoch: String,
    /// Per order: every record up to this sequence is durable.
    pub durable: BTreeMap<u64, u32>,
}

/// An envelope, exactly, as hex of its protobuf bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SignedBytes(pub v1::Envelope);

impl Serialize for SignedBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0.encode_to_vec()))
    }
}

impl<'de> Deserialize<'de> for SignedBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(text).map_err(D::Error::custom)?;
        v1::Envelope::decode(bytes.as_slice())
            .map(Self)
            .map_err(D::Error::custom)
    }
}

/// Whether bytes without a line's end can be what a crash left of a line: its beginning, or the zeros that some file
/// systems show where the length reached the disk and the contents did not.
pub(super) fn is_cut_short(tail: &[u8]) -> bool {
    let (sum, rest) = tail.split_at(tail.len().min(SUM));
    let is_beginning = sum.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && rest.first().is_none_or(|byte| *byte == b' ')
        && !rest.iter().any(u8::is_ascii_control)
        // A character may have been cut in its middle.
        && std::str::from_utf8(rest).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_beginning || tail.iter().all(|byte| *byte == 0)
}

/// The checksum of the line before; all zeros before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chain([u8; SUM / 2]);

impl Chain {
    fn over(self, json: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(self.0).chain_update(json).finalize();
        let mut next = [0; SUM / 2];
        next.copy_from_slice(&digest[..SUM / 2]);
        Self(next)
    }

    /// The line of an entry, and the chain behind it.
    pub(super) fn line(self, entry: &Entry) -> (Vec<u8>, Self) {
        let json = serde_json::to_vec(entry).expect("entries hold strings, numbers and maps with numbers as keys only");
        let next = self.over(&json);
        let mut line = hex::encode(next.0).into_bytes();
        line.push(b' ');
        line.extend_from_slice(&json);
        line.push(b'\n');
        (line, next)
    }

    /// Reads a line (without its end), and gives the chain behind it.
    pub(super) fn read(self, line: &[u8]) -> Result<(Entry, Self), String> {
        let (sum, json) = line
            .split_at_checked(SUM)
            .and_then(|(sum, rest)| Some((sum, rest.strip_prefix(b" ")?)))
            .ok_or("it has no checksum")?;
        let next = self.over(json);
        if hex::encode(next.0).as_bytes() != sum {
            return Err("its checksum does not fit".to_owned());
        }
        let entry = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        Ok((entry, next))
    }
}
