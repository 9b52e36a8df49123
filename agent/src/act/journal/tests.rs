//! What a journal survives, and what it reports.

use std::{fs, path::PathBuf, time::Duration};

use cutover_proto::{
    ids::{CampaignId, HostId},
    inventory::PackageManager,
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    step::{Action, Step},
    v1,
};
use proptest::prelude::*;
use prost::Message;
use tempfile::TempDir;

use super::{Journal, JournalError, JournalState, Next};
use crate::host::hands::ProcessMark;

const HOST: HostId = HostId::new(uuid::Uuid::nil());

pub(super) fn order(number: u64) -> (u64, v1::Envelope) {
    let order = WorkOrder {
        host_id: HOST,
        campaign_id: CampaignId::new("c"),
        campaign_epoch: 1,
        number,
        attempt: 1,
        not_before_ms: 0,
        expires_ms: 1,
        offline: false,
        steps: vec![Step {
            action: Action::RemovePackages {
                manager: PackageManager::Apt,
                product: "kesl".into(),
                packages: vec!["kesl".to_owned()],
            },
            time_limit: Duration::from_secs(60),
            safe_point_after: false,
        }],
        secrets: Vec::new(),
        catalog_revision: 1,
    };
    let envelope = v1::Envelope {
        context: "cutover.v1.WorkOrder".to_owned(),
        body: v1::WorkOrder::from(order).encode_to_vec(),
        signatures: Vec::new(),
    };
    (number, envelope)
}

pub(super) fn record(order_number: u64, sequence: u32, event: RecordEvent) -> (StepRecord, v1::Envelope) {
    let record = StepRecord {
        host_id: HOST,
        order_number,
        sequence,
        event,
        step: 0,
        at_ms: 1000 + i64::from(sequence),
        boot_id: "boot-1".to_owned(),
        cause: None,
        detail: String::new(),
        exit_code: None,
        log_tail: "Purging ...\n".to_owned(),
        until_ms: None,
    };
    let envelope = v1::Envelope {
        context: "cutover.v1.StepRecord".to_owned(),
        body: v1::StepRecord::from(record.clone()).encode_to_vec(),
        signatures: Vec::new(),
    };
    (record, envelope)
}

/// Writes a whole order: taken on, begun, done, over.
fn whole(journal: &mut Journal, number: u64) {
    let (number, envelope) = order(number);
    journal.begin(number, &envelope).unwrap();
    for (sequence, event) in (1..).zip([
        RecordEvent::OrderAccepted,
        RecordEvent::StepBegun,
        RecordEvent::StepDone,
        RecordEvent::OrderCompleted,
    ]) {
        let (record, envelope) = record(number, sequence, event);
        journal.record(record, envelope).unwrap();
    }
}

pub(super) fn marks(marks: &[(u64, u32)]) -> Vec<v1::OrderMark> {
    let mark = |(order_number, sequence): &(u64, u32)| v1::OrderMark {
        order_number: *order_number,
        sequence: *sequence,
    };
    marks.iter().map(mark).collect()
}

pub(super) fn dir() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal");
    (dir, file)
}

/// A journal with one order that is over and one that is at its first step.
pub(super) fn used() -> (TempDir, PathBuf) {
    let (dir, file) = dir();
    let mut journal = Journal::open(dir.path()).unwrap();
    whole(&mut journal, 1);
    let (number, envelope) = order(2);
    journal.begin(number, &envelope).unwrap();
    for (sequence, event) in [(1, RecordEvent::OrderAccepted), (2, RecordEvent::StepBegun)] {
        let (record, envelope) = record(2, sequence, event);
        journal.record(record, envelope).unwrap();
    }
    journal.process(2, 0, mark()).unwrap();
    (dir, file)
}

fn mark() -> ProcessMark {
    ProcessMark {
        pid: 77,
        start_ticks: 12_345,
        boot_id: "boot-1".to_owned(),
    }
}

#[test]
fn a_journal_tells_after_a_restart_what_it_was_told() {
    let (dir, _) = used();
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.state(), JournalState::Sound);
    assert_eq!(journal.highest_begun(), 2);
    assert_eq!(journal.pending().len(), 6);
    let progress = journal.progress().unwrap();
    assert_eq!(progress.order.number, 2);
    let Next::TakeUp(0, begun) = progress.next() else {
        panic!("{:?}", progress.next());
    };
    assert_eq!(begun.process, Some(mark()));
    assert_eq!((begun.at_ms, begun.times, begun.boot_id.as_str()), (1002, 1, "boot-1"));
}

#[cfg(unix)]
#[test]
fn only_the_agent_may_read_its_journal() {
    use std::os::unix::fs::PermissionsExt;

    let (_dir, file) = used();
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_line_that_a_crash_cut_short_is_dropped_at_every_length() {
    let (_keep, file) = used();
    let whole = fs::read(&file).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    for cut in last..whole.len() {
        let (dir, file) = dir();
        drop(Journal::open(dir.path()).unwrap());
        fs::write(&file, &whole[..cut]).unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.state(), JournalState::Sound, "cut at {cut}");
        assert_eq!(fs::metadata(&file).unwrap().len(), u64::try_from(last).unwrap());
        // What is written next stands on its own line.
        journal.process(2, 0, mark()).unwrap();
        drop(journal);
        assert_eq!(Journal::open(dir.path()).unwrap().state(), JournalState::Sound);
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
}

#[test]
fn a_changed_or_missing_line_in_the_middle_is_corrupt() {
    let (dir, file) = used();
    let whole = fs::read(&file).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for (missing, _) in lines.iter().enumerate().take(lines.len() - 1) {
        let mut kept = lines.clone();
        kept.remove(missing);
        fs::write(&file, kept.concat()).unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.state(), JournalState::Corrupt, "without line {missing}");
        assert!(journal.trouble().unwrap().contains("line "));
    }
    let mut changed = whole.clone();
    let middle = lines[0].len() + 60;
    changed[middle] ^= 1;
    fs::write(&file, &changed).unwrap();
    let mut journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.state(), JournalState::Corrupt);
    // It is left as it is, and nothing is added.
    let (record, envelope) = record(2, 3, RecordEvent::StepDone);
    let error = journal.record(record, envelope).unwrap_err();
    assert!(matches!(error, JournalError::NotSound(_)), "{error}");
    assert_eq!(fs::read(&file).unwrap(), changed);
}

#[test]
fn a_journal_that_is_gone_or_empty_is_lost_and_not_made_anew() {
    for empty in [false, true] {
        let (dir, file) = used();
        if empty {
            fs::write(&file, "").unwrap();
        } else {
            fs::remove_file(&file).unwrap();
        }
        let journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.state(), JournalState::Lost);
        assert_eq!(journal.highest_begun(), 0);
        drop(journal);
        assert_eq!(Journal::open(dir.path()).unwrap().state(), JournalState::Lost);
    }
}

#[test]
fn a_first_journal_is_no_loss() {
    let (dir, _) = dir();
    assert_eq!(Journal::open(dir.path()).unwrap().state(), JournalState::Sound);
}

#[test]
fn two_agents_cannot_share_a_journal() {
    let (dir, _) = dir();
    let first = Journal::open(dir.path()).unwrap();
    let error = Journal::open(dir.path()).unwrap_err();
    assert!(matches!(error, JournalError::InUse(_)), "{error}");
    drop(first);
    Journal::open(dir.path()).unwrap();
}

#[test]
fn a_journal_older_than_what_the_server_acknowledged_is_restored() {
    for (told, state) in [
        (&[(2, 2)][..], JournalState::Sound),
        (&[(1, 4), (2, 1)], JournalState::Sound),
        (&[(2, 3)], JournalState::Restored),
        (&[(3, 1)], JournalState::Restored),
        // The number of an order of which no record came.
        (&[(3, 0)], JournalState::Sound),
    ] {
        let (dir, _) = used();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.take_marks("store-1", &marks(told)).unwrap();
        assert_eq!(journal.state(), state, "{told:?}");
    }
}

#[test]
fn what_the_server_has_is_not_pending_until_its_store_goes_back() {
    let (dir, _) = used();
    let mut journal = Journal::open(dir.path()).unwrap();
    journal.take_marks("store-1", &marks(&[(1, 4), (2, 1)])).unwrap();
    assert_eq!(journal.pending().len(), 1);
    drop(journal);
    let mut journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.pending().len(), 1, "marks survive a restart");
    assert_eq!(journal.store_epoch(), "store-1");
    // The same store, and a mark that went back.
    journal.take_marks("store-1", &marks(&[(2, 0)])).unwrap();
    assert_eq!(journal.pending().len(), 2);
    // Another store that knows only the first order's beginning.
    journal.take_marks("store-2", &marks(&[(1, 1)])).unwrap();
    assert_eq!(journal.pending().len(), 5);
}

#[test]
fn pending_records_come_in_order() {
    let (dir, _) = used();
    let journal = Journal::open(dir.path()).unwrap();
    let numbers: Vec<(u64, u32)> = journal
        .pending()
        .iter()
        .map(|envelope| {
            let record = v1::StepRecord::decode(envelope.body.as_slice()).unwrap();
            (record.order_number, record.sequence)
        })
        .collect();
    assert_eq!(numbers, [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2)]);
}

#[test]
fn a_journal_stays_short_and_keeps_what_counts() {
    let (dir, file) = dir();
    let mut journal = Journal::open(dir.path()).unwrap();
    let mut longest = 0;
    for number in 1..=30 {
        whole(&mut journal, number);
        journal.take_marks("store-1", &marks(&[(number, 4)])).unwrap();
        longest = longest.max(fs::metadata(&file).unwrap().len());
    }
    assert!(longest < 16 * 1024, "{longest} bytes");
    drop(journal);
    let mut journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.state(), JournalState::Sound);
    assert_eq!(journal.highest_begun(), 30);
    assert_eq!(journal.pending().len(), 0);
    assert!(journal.knows(30));
    // The newest orders can still be told to a restored server.
    journal.take_marks("store-2", &[]).unwrap();
    assert_eq!(journal.pending().len(), 8);
    // And an old journal is still told from a new one.
    journal.take_marks("store-1", &marks(&[(30, 5)])).unwrap();
    assert_eq!(journal.state(), JournalState::Restored);
}

#[test]
fn nothing_is_dropped_before_it_is_acknowledged() {
    let (dir, _) = dir();
    let mut journal = Journal::open(dir.path()).unwrap();
    for number in 1..=5 {
        whole(&mut journal, number);
    }
    journal.take_marks("store-1", &marks(&[(1, 4), (2, 3)])).unwrap();
    assert_eq!(journal.pending().len(), 13);
    drop(journal);
    assert_eq!(Journal::open(dir.path()).unwrap().pending().len(), 13);
}

#[test]
fn a_journal_that_cannot_be_trusted_is_settled_once_the_server_told_its_marks() {
    let (dir, file) = used();
    let mut damaged = fs::read(&file).unwrap();
    let last = damaged.len() - 40;
    damaged[last] ^= 1;
    fs::write(&file, &damaged).unwrap();
    let mut journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.state(), JournalState::Corrupt);
    let closing = |number, sequence| Ok::<_, JournalError>(record(number, sequence, RecordEvent::OrderFailed));
    let error = journal.settle(closing).unwrap_err();
    assert!(matches!(error, JournalError::MarksUnknown), "{error}");

    journal.take_marks("store-1", &marks(&[(1, 4), (2, 1)])).unwrap();
    journal.settle(closing).unwrap();
    assert_eq!(journal.state(), JournalState::Sound);
    assert_eq!(journal.highest_begun(), 2);
    assert!(!journal.is_open(), "the open order is over");
    let left: Vec<u32> = journal
        .pending()
        .iter()
        .map(|envelope| v1::StepRecord::decode(envelope.body.as_slice()).unwrap().sequence)
        .collect();
    assert_eq!(left, [2, 3], "what was not acknowledged, and the order's end");
    assert_eq!(fs::read(dir.path().join("journal.damaged")).unwrap(), damaged);
    drop(journal);
    assert_eq!(Journal::open(dir.path()).unwrap().state(), JournalState::Sound);
}

#[test]
fn a_lost_journal_takes_its_numbers_from_the_server() {
    let (dir, file) = used();
    fs::remove_file(&file).unwrap();
    let mut journal = Journal::open(dir.path()).unwrap();
    journal.take_marks("store-1", &marks(&[(2, 2)])).unwrap();
    let closing = |number, sequence| Ok::<_, JournalError>(record(number, sequence, RecordEvent::OrderFailed));
    journal.settle(closing).unwrap();
    assert_eq!(journal.highest_begun(), 2);
    assert_eq!(journal.next_sequence(2), 3);
    assert!(journal.pending().is_empty());
}

#[test]
fn a_restored_journal_leaves_the_end_of_its_order_to_the_server() {
    let (dir, _) = used();
    let mut journal = Journal::open(dir.path()).unwrap();
    journal.take_marks("store-1", &marks(&[(2, 4)])).unwrap();
    assert_eq!(journal.state(), JournalState::Restored);
    let closing = |_, _| -> Result<_, JournalError> { panic!("the server knows more of this order") };
    journal.settle(closing).unwrap();
    assert!(!journal.is_open());
    assert!(
        journal
            .pending()
            .iter()
            .all(|envelope| { v1::StepRecord::decode(envelope.body.as_slice()).unwrap().order_number == 1 })
    );
}

#[test]
fn a_failed_record_keeps_its_cause_for_the_orders_end() {
    let (dir, _) = used();
    let mut journal = Journal::open(dir.path()).unwrap();
    let (mut failed, envelope) = record(2, 3, RecordEvent::StepFailed);
    failed.cause = Some(FailureCause::Locked);
    failed.detail = "held by unattended-upgrades".to_owned();
    journal.record(failed, envelope).unwrap();
    drop(journal);
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(
        journal.progress().unwrap().next(),
        Next::Fail(0, FailureCause::Locked, "held by unattended-upgrades".to_owned())
    );
}

proptest! {
    #[test]
    fn no_bytes_make_a_journal_panic_or_pass_for_another(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (dir, file) = dir();
        drop(Journal::open(dir.path()).unwrap());
        fs::write(&file, &bytes).unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        prop_assert_ne!(journal.state(), JournalState::Sound);
    }

    #[test]
    fn a_changed_byte_is_noticed_unless_it_only_cuts_the_last_line(position in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (dir, file) = used();
        let mut bytes = fs::read(&file).unwrap();
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        let last_end = bytes.len() - 1;
        fs::write(&file, &bytes).unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        if position == last_end {
            // The line is cut short, or is none any more; its entry, the process of a step, is no record.
            prop_assert_eq!(journal.pending().len(), 6);
        } else {
            prop_assert_eq!(journal.state(), JournalState::Corrupt);
        }
    }

    #[test]
    fn a_journal_cut_anywhere_keeps_a_prefix(cut in any::<prop::sample::Index>()) {
        let (dir, file) = used();
        let bytes = fs::read(&file).unwrap();
        let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let cut = first + cut.index(bytes.len() - first);
        fs::write(&file, &bytes[..cut]).unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        prop_assert_eq!(journal.state(), JournalState::Sound);
        prop_assert!(journal.pending().len() <= 6);
    }
}
