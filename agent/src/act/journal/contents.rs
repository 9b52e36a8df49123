//! What the lines of a journal add up to.

use std::collections::BTreeMap;

use cutover_proto::{order::WorkOrder, v1};
use prost::Message;

use super::{
    entry::{self, Chain, Entry, Marks, VERSION},
    progress::{Asked, Progress},
};

/// Records of this many ended orders are kept although they are acknowledged: a server restored from a backup asks again.
const ENDED_ORDERS_KEPT: usize = 2;

/// The state that the entries describe.
#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    pub highest_begun: u64,
    pub last_sequences: BTreeMap<u64, u32>,
    pub marks: Marks,
    pub open: Option<Progress>,
    /// In the order of writing.
    pub records: Vec<Kept>,
    /// Entries beside the first line and the records: what a rewrite would drop.
    surplus: usize,
}

/// A record that is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub order: u64,
    pub sequence: u32,
    pub entry: Entry,
    pub envelope: v1::Envelope,
}

/// The outcome of reading.
pub(super) struct Reading {
    pub contents: Contents,
    pub chain: Chain,
    /// Length of what is sound.
    pub sound: usize,
    /// What is wrong behind it, unless it is a line cut short.
    pub damage: Option<String>,
}

/// Reads all lines. Bytes behind the last line's end are a write that a crash cut short.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading {
        contents: Contents::default(),
        chain: Chain::default(),
        sound: 0,
        damage: None,
    };
    let mut number = 0_u64;
    while let Some(length) = bytes[reading.sound..].iter().position(|byte| *byte == b'\n') {
        number += 1;
        let line = &bytes[reading.sound..reading.sound + length];
        let read = reading.chain.read(line).and_then(|(entry, chain)| {
            reading.contents.take(entry, number == 1)?;
            Ok(chain)
        });
        match read {
            Ok(chain) => {
                reading.chain = chain;
                reading.sound += length + 1;
            }
            Err(why) => {
                reading.damage = Some(format!("line {number}: {why}"));
                break;
            }
        }
    }
    let tail = &bytes[reading.sound..];
    if reading.damage.is_none() && !entry::is_cut_short(tail) {
        reading.damage = Some(format!(
            "{} bytes behind its last line are no line of a journal",
            tail.len()
        ));
    }
    if number == 0 && reading.damage.is_none() {
        reading.damage = Some("it has no first line".to_owned());
    }
    reading
}

impl Contents {
    /// Adds an entry; refuses what cannot follow.
    pub(super) fn take(&mut self, entry: Entry, first: bool) -> Result<(), String> {
        match entry {
            Entry::Start {
                version,
                highest_begun,
                last_sequences,
                marks,
            } => {
                if !first {
                    return Err("it begins a journal in the middle of one".to_owned());
                }
                if version != VERSION {
                    return Err(format!("format {version} is not known to this version"));
                }
                self.highest_begun = highest_begun;
                self.last_sequences = last_sequences;
                self.marks = marks;
            }
            _ if first => return Err("it does not begin a journal".to_owned()),
            Entry::Order { number, envelope } => {
                let order = v1::WorkOrder::decode(envelope.0.body.as_slice())
                    .map_err(|error| error.to_string())
                    .and_then(|wire| WorkOrder::try_from(wire).map_err(|error| error.to_string()))
                    .map_err(|why| format!("its work order cannot be read: {why}"))?;
                self.highest_begun = self.highest_begun.max(number);
                self.open = Some(Progress::new(order));
                self.surplus += 1;
            }
            Entry::Process { order, step, mark } => {
                if let Some(open) = self.open.as_mut().filter(|open| open.order.number == order) {
                    open.process(step, &mark);
                }
                self.surplus += 1;
            }
            Entry::RestartAsked {
                order,
                step,
                at_ms,
                session_seconds,
            } => {
                if let Some(open) = self.open.as_mut().filter(|open| open.order.number == order) {
                    open.restart_asked(step, Asked { at_ms, session_seconds });
                }
                self.surplus += 1;
            }
            Entry::Record { record, envelope } => {
                let (order, sequence) = (record.order_number, record.sequence);
                self.last_sequences.insert(order, sequence);
                if let Some(open) = self.open.as_mut().filter(|open| open.order.number == order) {
                    open.record(&record);
                    if record.event.ends_order() {
                        self.open = None;
                    }
                }
                self.records.push(Kept {
                    order,
                    sequence,
                    envelope: envelope.0.clone(),
                    entry: Entry::Record { record, envelope },
                });
            }
            Entry::Marks(marks) => {
                self.marks = marks;
                self.surplus += 1;
            }
        }
        Ok(())
    }

    /// The kernel session of an order's newest record.
    pub(super) fn last_boot_id(&self, order: u64) -> Option<String> {
        self.records.iter().rev().find_map(|kept| match &kept.entry {
            Entry::Record { record, .. } if kept.order == order => Some(record.boot_id.clone()),
            Entry::Record { .. }
            | Entry::Start { .. }
            | Entry::Order { .. }
            | Entry::Process { .. }
            | Entry::RestartAsked { .. }
            | Entry::Marks(_) => None,
        })
    }

    /// Whether the server has it for good.
    pub(super) fn is_durable(&self, kept: &Kept) -> bool {
        self.marks
            .durable
            .get(&kept.order)
            .is_some_and(|mark| kept.sequence <= *mark)
    }

    /// Whether writing the file anew would make it shorter, and nothing that is needed would go.
    pub(super) fn wants_rewrite(&self) -> bool {
        let droppable = self.records.len() > self.kept().count();
        self.open.is_none() && (droppable || self.surplus > 0) && self.records.iter().all(|kept| self.is_durable(kept))
    }

    /// The lines of a new file, while no order is open.
    pub(super) fn rewritten(&self) -> Vec<Entry> {
        let keeps: Vec<u64> = self.kept().map(|kept| kept.order).collect();
        // The newest order stays named even when its records go: its last sequence tells a restored journal.
        let newest = self.last_sequences.keys().next_back().copied();
        let stays = |order: &u64| keeps.contains(order) || Some(*order) == newest;
        let mut marks = self.marks.clone();
        marks.durable.retain(|order, _| stays(order));
        let mut last_sequences = self.last_sequences.clone();
        last_sequences.retain(|order, _| stays(order));
        let start = Entry::Start {
            version: VERSION,
            highest_begun: self.highest_begun,
            last_sequences,
            marks,
        };
        std::iter::once(start)
            .chain(self.kept().map(|kept| kept.entry.clone()))
            .collect()
    }

    fn kept(&self) -> impl Iterator<Item = &Kept> {
        let mut orders: Vec<u64> = self.records.iter().map(|kept| kept.order).collect();
        orders.sort_unstable();
        orders.dedup();
        let oldest = orders.iter().rev().nth(ENDED_ORDERS_KEPT - 1).copied();
        self.records
            .iter()
            .filter(move |kept| oldest.is_none_or(|oldest| kept.order >= oldest) || !self.is_durable(kept))
    }
}
