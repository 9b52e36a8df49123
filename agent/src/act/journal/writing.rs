//! What is written to a journal, and when it is written anew.

use std::collections::BTreeMap;

use cutover_proto::{record::StepRecord, v1};

use super::{
    entry::{Chain, Entry, Marks, SignedBytes, VERSION},
    open::{Journal, JournalError, JournalState, disk},
    progress::{Asked, Progress},
};
use crate::host::hands::ProcessMark;

/// So much of a journal that cannot be trusted is kept for people; one at a time.
const DAMAGED_KEPT: u64 = 4 * 1024 * 1024;

impl Journal {
    /// Takes what a reply says is durable. A new store epoch, or a mark that went back, makes the records above it
    /// pending again. A mark above what this journal knows means that the journal is older than its host.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn take_marks(&mut self, store_epoch: &str, durable: &[v1::OrderMark]) -> Result<(), JournalError> {
        let mut marks = if self.contents.marks.epoch == store_epoch {
            self.contents.marks.clone()
        } else {
            Marks {
                epoch: store_epoch.to_owned(),
                durable: BTreeMap::new(),
            }
        };
        for mark in durable {
            marks.durable.insert(mark.order_number, mark.sequence);
        }
        self.server_marks = Some(marks.clone());
        if self.trouble.is_some() {
            return Ok(());
        }
        if let Some(why) = self.behind(&marks) {
            tracing::error!(why, "the journal is older than what the server acknowledged");
            self.trouble = Some((JournalState::Restored, why));
            return Ok(());
        }
        // Only what is still named here is kept; older orders are long over.
        marks
            .durable
            .retain(|order, _| self.contents.last_sequences.contains_key(order));
        if marks != self.contents.marks {
            // Not forced: losing it only makes the agent send again.
            self.append(Entry::Marks(marks), false)?;
        }
        if self.contents.wants_rewrite() {
            self.rewrite(&self.contents.rewritten())?;
        }
        Ok(())
    }

    fn behind(&self, marks: &Marks) -> Option<String> {
        let newest = self
            .contents
            .last_sequences
            .keys()
            .next_back()
            .copied()
            .unwrap_or(0)
            .max(self.contents.highest_begun);
        marks.durable.iter().find_map(|(order, mark)| {
            // Of older orders nothing need be known any more; of the newest that is its first record's absence.
            let known = self.contents.last_sequences.get(order).copied();
            let known = known.or_else(|| (*order == newest).then_some(0));
            let ahead = *mark > 0 && (*order > newest || known.is_some_and(|known| *mark > known));
            ahead.then(|| {
                format!(
                    "the server has record {mark} of order {order}, this journal ends at {} of order {newest}",
                    known.unwrap_or(0)
                )
            })
        })
    }

    /// Takes an order on: from here on it is open and its number is used.
    pub(crate) fn begin(&mut self, number: u64, envelope: &v1::Envelope) -> Result<(), JournalError> {
        if let Some(open) = &self.contents.open {
            return Err(JournalError::OrderOpen(open.order.number));
        }
        self.once
            .begin(number)
            .map_err(|source| disk(&self.directory, "written", source))?;
        let envelope = SignedBytes(envelope.clone());
        self.append(Entry::Order { number, envelope }, true)
    }

    /// Notes beside the journal that a step which must not run twice is about to act. On return it is durable.
    pub(crate) fn note_once(&self, order: u64, step: usize) -> Result<(), JournalError> {
        let step = u32::try_from(step).unwrap_or(u32::MAX);
        self.once
            .note(order, step)
            .map_err(|source| disk(&self.directory, "written", source))
    }

    /// Whether such a step acted, whatever the journal's lines say.
    pub(crate) fn acted_once(&self, order: u64, step: usize) -> bool {
        self.once.has(order, u32::try_from(step).unwrap_or(u32::MAX))
    }

    /// The open order and how far it is.
    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.contents.open.as_ref()
    }

    /// The number of an order's next record.
    pub(crate) fn next_sequence(&self, order: u64) -> u32 {
        self.contents
            .last_sequences
            .get(&order)
            .map_or(1, |last| last.saturating_add(1))
    }

    /// The kernel session of an order's newest record.
    pub(crate) fn last_boot_id(&self, order: u64) -> Option<String> {
        self.contents.last_boot_id(order)
    }

    /// Whether an order has any record here.
    pub(crate) fn knows(&self, order: u64) -> bool {
        self.contents.last_sequences.contains_key(&order)
    }

    /// Keeps a signed record. On return it is durable.
    pub(crate) fn record(&mut self, record: StepRecord, envelope: v1::Envelope) -> Result<(), JournalError> {
        let envelope = SignedBytes(envelope);
        self.append(Entry::Record { record, envelope }, true)
    }

    /// Keeps which process a step started.
    pub(crate) fn process(&mut self, order: u64, step: u32, mark: ProcessMark) -> Result<(), JournalError> {
        self.append(Entry::Process { order, step, mark }, true)
    }

    /// Keeps that a restart is asked for now.
    pub(crate) fn restart_asked(&mut self, order: u64, step: u32, asked: Asked) -> Result<(), JournalError> {
        let Asked { at_ms, session_seconds } = asked;
        self.append(
            Entry::RestartAsked {
                order,
                step,
                at_ms,
                session_seconds,
            },
            true,
        )
    }

    /// Fails unless the journal can be trusted.
    pub(crate) fn require_sound(&self) -> Result<(), JournalError> {
        match &self.trouble {
            None => Ok(()),
            Some((_, why)) => Err(JournalError::NotSound(why.clone())),
        }
    }

    /// Begins a new journal in place of one that cannot be trusted. Numbers that the server knows stay used; records
    /// that could be read and were not acknowledged are kept. An order that was open is over; `closing` makes its last
    /// record, given its number and the sequence to use.
    pub(crate) fn settle<E: From<JournalError>>(
        &mut self,
        closing: impl FnOnce(u64, u32) -> Result<(StepRecord, v1::Envelope), E>,
    ) -> Result<(), E> {
        if self.trouble.is_none() {
            return Ok(());
        }
        let marks = self.server_marks.clone().ok_or(JournalError::MarksUnknown)?;
        let mut last_sequences = self.contents.last_sequences.clone();
        for (order, mark) in &marks.durable {
            let last = last_sequences.entry(*order).or_insert(0);
            *last = (*last).max(*mark);
        }
        let highest = last_sequences.keys().next_back().copied().unwrap_or(0);
        let mut entries = vec![Entry::Start {
            version: VERSION,
            highest_begun: self.contents.highest_begun.max(highest),
            last_sequences: last_sequences.clone(),
            marks,
        }];
        entries.extend(
            self.contents
                .records
                .iter()
                .filter(|kept| {
                    // A record at or below the server's mark is one the server has, whatever this journal says.
                    let mark = self.server_marks.as_ref();
                    let mark = mark.and_then(|marks| marks.durable.get(&kept.order));
                    mark.is_none_or(|mark| kept.sequence > *mark)
                })
                .map(|kept| kept.entry.clone()),
        );
        let is_behind = |number: &u64| {
            let known = self.contents.last_sequences.get(number);
            last_sequences.get(number) > known
        };
        // Where the server knows more of the order than this journal, it also knows whether it ended.
        if let Some(open) = self
            .contents
            .open
            .as_ref()
            .filter(|open| !is_behind(&open.order.number))
        {
            let number = open.order.number;
            let sequence = last_sequences.get(&number).map_or(1, |last| last.saturating_add(1));
            let (record, envelope) = closing(number, sequence)?;
            let envelope = SignedBytes(envelope);
            entries.push(Entry::Record { record, envelope });
        }
        let aside = self.medium.keep_aside(DAMAGED_KEPT);
        aside.map_err(|source| disk(&self.directory, "put aside", source))?;
        self.rewrite(&entries)?;
        self.trouble = None;
        Ok(())
    }

    fn append(&mut self, entry: Entry, force: bool) -> Result<(), JournalError> {
        self.require_sound()?;
        let (line, chain) = self.chain.line(&entry);
        if let Err(source) = self.medium.append(&line, force) {
            // Part of the line may be there; left in place it would stand in the middle of the file later.
            if let Err(error) = self.medium.truncate(self.length) {
                self.trouble = Some((
                    JournalState::Corrupt,
                    format!("a line could be neither written nor taken back: {error}"),
                ));
            }
            return Err(disk(&self.directory, "written", source));
        }
        self.chain = chain;
        self.length = self
            .length
            .saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        self.contents.take(entry, false).map_err(JournalError::NotSound)
    }

    fn rewrite(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        let mut bytes = Vec::new();
        let mut chain = Chain::default();
        for entry in entries {
            let (line, next) = chain.line(entry);
            bytes.extend_from_slice(&line);
            chain = next;
        }
        // What would not read back must not take the place of what does.
        let reading = super::contents::read(&bytes);
        if let Some(why) = reading.damage {
            return Err(JournalError::NotSound(why));
        }
        self.medium
            .replace(&bytes)
            .map_err(|source| disk(&self.directory, "written anew", source))?;
        self.contents = reading.contents;
        self.chain = reading.chain;
        self.length = u64::try_from(reading.sound).unwrap_or(u64::MAX);
        Ok(())
    }
}
