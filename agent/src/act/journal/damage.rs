//! Whatever happens to a journal's file: nobody is fooled by it.

use std::fs;

use cutover_proto::{record::RecordEvent, v1};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    Journal, JournalError, JournalState, Progress, contents,
    tests::{dir, marks, order, record, used},
};

/// Something that happens to a file. Places count from its beginning, as shares of its length.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    Zero(Index, usize),
    Repeat(Index, usize),
    Append(Vec<u8>),
    /// Whole lines are missing at the end, as in an older copy.
    Older(usize),
    Empty,
}

pub(crate) fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let at = any::<Index>;
    let bytes = || prop_oneof![vec(any::<u8>(), 1..80), "[0-9a-f]{1,40}".prop_map(String::into_bytes)];
    let one = prop_oneof![
        (at(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        at().prop_map(Damage::Cut),
        (at(), bytes()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), 1_usize..300).prop_map(|(at, length)| Damage::Delete(at, length)),
        (at(), 1_usize..300).prop_map(|(at, length)| Damage::Zero(at, length)),
        (at(), 1_usize..600).prop_map(|(at, length)| Damage::Repeat(at, length)),
        bytes().prop_map(Damage::Append),
        (1_usize..8).prop_map(Damage::Older),
        Just(Damage::Empty),
    ];
    vec(one, 1..4)
}

impl Damage {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let place = |index: &Index| index.index(length + 1);
        let range = |index: &Index, size: usize| place(index)..(place(index) + size).min(length);
        match self {
            Self::Flip(at, bit) if length > 0 => bytes[at.index(length)] ^= 1 << bit,
            Self::Flip(..) => {}
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Insert(at, more) => drop(bytes.splice(place(at)..place(at), more.iter().copied())),
            Self::Delete(at, size) => drop(bytes.drain(range(at, *size))),
            Self::Zero(at, size) => bytes[range(at, *size)].fill(0),
            Self::Repeat(at, size) => {
                let again = bytes[range(at, *size)].to_vec();
                let end = range(at, *size).end;
                drop(bytes.splice(end..end, again));
            }
            Self::Append(more) => bytes.extend_from_slice(more),
            Self::Older(lines) => {
                let mut ends = bytes
                    .iter()
                    .enumerate()
                    .filter(|(_, byte)| **byte == b'\n')
                    .rev()
                    .skip(*lines);
                let end = ends.next().map_or(0, |(end, _)| end + 1);
                bytes.truncate(end);
            }
            Self::Empty => bytes.clear(),
        }
    }
}

/// How far the open order was after each line of a sound journal.
fn every_progress(bytes: &[u8]) -> Vec<Option<Progress>> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(end, _)| contents::read(&bytes[..=end]).contents.open)
        .collect()
}

proptest! {
    #[test]
    fn a_damaged_journal_tells_only_what_was_written_or_that_it_cannot_be_trusted(damages in damages()) {
        let (dir, file) = used();
        let whole = fs::read(&file).unwrap();
        let written = Journal::open(dir.path()).unwrap().pending();
        let mut damaged = whole.clone();
        damages.iter().for_each(|damage| damage.apply(&mut damaged));
        fs::write(&file, &damaged).unwrap();

        let mut journal = Journal::open(dir.path()).unwrap();
        for envelope in journal.pending() {
            prop_assert!(written.contains(&envelope), "a record that nobody wrote");
        }
        if journal.state() == JournalState::Sound {
            prop_assert!(every_progress(&whole).contains(&journal.progress().cloned()), "an order as it never was");
            // What the server had by then shows what is missing.
            journal.take_marks("store-1", &marks(&[(1, 4), (2, 2)])).unwrap();
            let is_whole = journal.knows(2) && journal.next_sequence(2) == 3;
            prop_assert_eq!(journal.state() == JournalState::Sound, is_whole);
            return Ok(());
        }
        // Nothing is added to it, and it stays as it is until it is settled.
        let (number, envelope) = order(9);
        prop_assert!(journal.begin(number, &envelope).is_err());
        prop_assert_eq!(&fs::read(&file).unwrap(), &damaged);
        journal.take_marks("store-1", &marks(&[(1, 4), (2, 2)])).unwrap();
        let closing = |number, sequence| Ok::<_, JournalError>(record(number, sequence, RecordEvent::OrderFailed));
        journal.settle(closing).unwrap();
        prop_assert_eq!(journal.state(), JournalState::Sound);
        prop_assert!(!journal.is_open());
        prop_assert_eq!(journal.highest_begun(), 2, "numbers that were used stay used");
        prop_assert_eq!(fs::read(dir.path().join("journal.damaged")).unwrap(), damaged);
        drop(journal);
        prop_assert_eq!(Journal::open(dir.path()).unwrap().state(), JournalState::Sound);
    }
}

#[test]
fn garbage_behind_the_last_line_is_damage_and_what_a_crash_leaves_is_none() {
    for (tail, state) in [
        (&b"\x00\x00\x00"[..], JournalState::Sound),
        (b"0123", JournalState::Sound),
        (b"0123456789abcdef0123456789abcdef {\"rec", JournalState::Sound),
        (
            "0123456789abcdef0123456789abcdef {\"\u{e4}"
                .as_bytes()
                .split_last()
                .unwrap()
                .1,
            JournalState::Sound,
        ),
        (b"garbage", JournalState::Corrupt),
        (b"0123456789abcdef0123456789abcdef{", JournalState::Corrupt),
        (b"0123456789abcdef0123456789abcdef {\x01", JournalState::Corrupt),
        (b"0123456789abcdef0123456789abcdef \xff\xff", JournalState::Corrupt),
        (b"\x00\x00x", JournalState::Corrupt),
    ] {
        let (dir, file) = used();
        let whole = fs::read(&file).unwrap();
        fs::write(&file, [&whole, tail].concat()).unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.state(), state, "{tail:?}");
        assert_eq!(journal.pending().len(), 6, "{tail:?}");
    }
}

#[test]
fn the_damaged_file_is_kept_once_and_only_so_much_of_it() {
    let (dir, file) = dir();
    let closing = |_, _| -> Result<(_, v1::Envelope), JournalError> { panic!("no order was open") };
    // Longer than any that an agent writes; sparse, so that it costs nothing here.
    for length in [80 * 1024 * 1024, 70 * 1024 * 1024] {
        drop(Journal::open(dir.path()).unwrap());
        fs::OpenOptions::new()
            .write(true)
            .open(&file)
            .unwrap()
            .set_len(length)
            .unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.state(), JournalState::Corrupt);
        journal.take_marks("store-1", &[]).unwrap();
        journal.settle(closing).unwrap();
        let kept = fs::metadata(dir.path().join("journal.damaged")).unwrap().len();
        assert_eq!(kept, 4 * 1024 * 1024);
        assert!(fs::metadata(&file).unwrap().len() < 1024);
    }
    let names = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(names, 3, "the journal, its mark, and one damaged file");
}
