//! Opening a journal, judging its state, and what others may ask of it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use cutover_proto::v1;

use super::{
    contents::{self, Contents},
    entry::{Chain, Entry, Marks, VERSION},
    medium::{FileMedium, Medium},
    once::Once,
    progress::Next,
};
use crate::{act::safe_points, disk, host::hands::ProcessMark};

pub(crate) const NAME: &str = "journal";
/// Says that there was a journal here, and is locked while an agent uses it.
const MARKER: &str = "journal.made";
/// A journal that is longer than this was not written by an agent.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Whether a journal can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// It can.
    Sound,
    /// A line does not verify.
    Corrupt,
    /// It was there, and is gone.
    Lost,
    /// It is older than what the server acknowledged: this machine was restored from a backup.
    Restored,
}

impl JournalState {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> i32 {
        let wire = match self {
            Self::Sound => v1::JournalState::Sound,
            Self::Corrupt => v1::JournalState::Corrupt,
            Self::Lost => v1::JournalState::Lost,
            Self::Restored => v1::JournalState::Restored,
        };
        wire as i32
    }
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another agent has it open.
    #[error("journal in {0} is in use by another agent; only one may run per state directory")]
    InUse(PathBuf),
    /// No room for a line. What it speaks of does not happen.
    #[error("no room to write the journal in {0}; free some disk space, nothing runs until then")]
    DiskFull(PathBuf),
    /// The disk refused.
    #[error("journal in {directory} cannot be {what}: {source}; check the disk and the permissions")]
    Disk {
        /// Where it lies.
        directory: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be trusted, so nothing is added to it.
    #[error("journal is not sound ({0}); nothing runs until a fresh look has reached the server")]
    NotSound(String),
    /// An order is open already.
    #[error("work order {0} is open; another one waits for its end")]
    OrderOpen(u64),
    /// The server has not said yet what it knows of this host.
    #[error("the server has not told its marks since this agent started; check in first")]
    MarksUnknown,
}

/// The journal of one host.
pub struct Journal {
    pub(super) directory: PathBuf,
    pub(super) medium: Box<dyn Medium>,
    pub(super) once: Once,
    pub(super) contents: Contents,
    pub(super) chain: Chain,
    /// Length of the file's sound part.
    pub(super) length: u64,
    pub(super) trouble: Option<(JournalState, String)>,
    /// The marks of the last reply since this agent started.
    pub(super) server_marks: Option<Marks>,
    /// Held for its lock.
    _marker: File,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("directory", &self.directory)
            .field("trouble", &self.trouble)
            .field("highest_begun", &self.contents.highest_begun)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens the journal of a state directory, or makes one where none ever was. A damaged one opens too, and says so.
    ///
    /// # Errors
    /// When another agent has it open, or the disk refuses.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        Self::open_on(directory, Box::new(FileMedium::new(directory, NAME)))
    }

    /// [`Self::open`] on a medium of the caller's.
    pub(crate) fn open_on(directory: &Path, medium: Box<dyn Medium>) -> Result<Self, JournalError> {
        let failed = |what| move |source| disk(directory, what, source);
        let marker_path = directory.join(MARKER);
        let was_there = marker_path.exists();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        disk::private(&mut options);
        let open_marker = || options.open(&marker_path).map_err(failed("marked as made"));
        let mut marker = was_there.then(open_marker).transpose()?;
        if let Some(marker) = &marker {
            lock(marker, directory)?;
        }
        let mut medium = medium;
        let bytes = medium.read(MAX_BYTES).map_err(failed("read"))?;
        let too_long = |bytes: &Vec<u8>| u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES;
        let (contents, chain, length, trouble) = match &bytes {
            Some(bytes) if too_long(bytes) => (
                Contents::default(),
                Chain::default(),
                0,
                Some((JournalState::Corrupt, "it is far too long".to_owned())),
            ),
            Some(bytes) if !bytes.is_empty() => {
                let reading = contents::read(bytes);
                if reading.damage.is_none() && reading.sound < bytes.len() {
                    tracing::warn!("the journal's last line was cut short by a crash and is dropped");
                    let sound = u64::try_from(reading.sound).unwrap_or(u64::MAX);
                    medium.truncate(sound).map_err(failed("mended"))?;
                }
                let trouble = reading.damage.map(|why| (JournalState::Corrupt, why));
                (reading.contents, reading.chain, reading.sound, trouble)
            }
            Some(_) | None if was_there => (
                Contents::default(),
                Chain::default(),
                0,
                Some((JournalState::Lost, "its file is gone or empty".to_owned())),
            ),
            Some(_) | None => {
                let (line, chain) = Chain::default().line(&first_line());
                medium.replace(&line).map_err(failed("made"))?;
                let reading = contents::read(&line);
                (reading.contents, chain, line.len(), None)
            }
        };
        if marker.is_none() {
            let mut made = open_marker()?;
            lock(&made, directory)?;
            made.write_all(b"A journal was made here. Its absence is reported as a loss.\n")
                .and_then(|()| made.sync_all())
                .and_then(|()| disk::sync_name(&marker_path))
                .map_err(failed("marked as made"))?;
            marker = Some(made);
        }
        Ok(Self {
            directory: directory.to_owned(),
            medium,
            once: Once::in_directory(directory),
            contents,
            chain,
            length: u64::try_from(length).unwrap_or(u64::MAX),
            trouble,
            server_marks: None,
            _marker: marker.ok_or_else(|| JournalError::InUse(directory.to_owned()))?,
        })
    }

    /// Whether it can be trusted.
    #[must_use]
    pub fn state(&self) -> JournalState {
        self.trouble.as_ref().map_or(JournalState::Sound, |(state, _)| *state)
    }

    /// What is wrong with it, for a person.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_ref().map(|(_, why)| why.as_str())
    }

    /// The highest order number that was ever begun here.
    #[must_use]
    pub fn highest_begun(&self) -> u64 {
        self.contents.highest_begun
    }

    /// Whether an order is open: taken on, and not over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.contents.open.is_some()
    }

    /// The open order as check-ins tell it.
    #[must_use]
    pub fn running(&self) -> Option<v1::RunningOrder> {
        self.contents.open.as_ref().map(|open| v1::RunningOrder {
            order_number: open.order.number,
            step: u32::try_from(open.at_hand()).unwrap_or(u32::MAX),
            past_last_safe_point: safe_points::is_past_last(&open.order, open.at_hand()),
        })
    }

    /// The tool that the step at hand started last. Whether it still runs is for the host to say.
    #[must_use]
    pub fn tool_at_hand(&self) -> Option<ProcessMark> {
        match self.contents.open.as_ref()?.next() {
            Next::TakeUp(_, begun) => begun.process,
            Next::Accept | Next::Begin(_) | Next::Fail(..) | Next::Complete => None,
        }
    }

    /// Records that the server does not have for good, ascending by order and sequence.
    #[must_use]
    pub fn pending(&self) -> Vec<v1::Envelope> {
        let mut pending: Vec<_> = self
            .contents
            .records
            .iter()
            .filter(|kept| !self.contents.is_durable(kept))
            .collect();
        pending.sort_by_key(|kept| (kept.order, kept.sequence));
        pending.into_iter().map(|kept| kept.envelope.clone()).collect()
    }

    /// How many records the server does not have for good.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let records = self.contents.records.iter();
        records.filter(|kept| !self.contents.is_durable(kept)).count()
    }

    /// The epoch of the server's store at the last reply; empty before the first.
    #[must_use]
    pub fn store_epoch(&self) -> &str {
        &self.contents.marks.epoch
    }
}

fn first_line() -> Entry {
    Entry::Start {
        version: VERSION,
        highest_begun: 0,
        last_sequences: std::collections::BTreeMap::new(),
        marks: Marks::default(),
    }
}

fn lock(marker: &File, directory: &Path) -> Result<(), JournalError> {
    marker.try_lock().map_err(|_| JournalError::InUse(directory.to_owned()))
}

pub(super) fn disk(directory: &Path, what: &'static str, source: io::Error) -> JournalError {
    let full = matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    if full {
        JournalError::DiskFull(directory.to_owned())
    } else {
        JournalError::Disk {
            directory: directory.to_owned(),
            what,
            source,
        }
    }
}
