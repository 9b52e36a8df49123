//! What to say.

use cutover_proto::v1;
use prost::Message;

use super::{
    check_ins::WhyCheckIn,
    inventory::Newest,
    state::{InFlight, Session},
    ticks::Ticks,
};

/// Step records that go into one check-in, in bytes. What is left goes with the next one, at once. Stays well below the
/// server's bound of 1 MiB for a whole request, beside an inventory of at most some hundred KiB.
const RECORD_BYTES: usize = 384 * 1024;
/// The same in number: the server takes 500.
const RECORDS: usize = 256;

/// What the journal says for a check-in.
#[derive(Debug, Clone, Default)]
pub struct JournalSays {
    /// As on the wire.
    pub state: i32,
    /// The order that is open.
    pub running: Option<v1::RunningOrder>,
    /// The highest order number that was ever begun.
    pub highest_begun: u64,
    /// Signed records above the server's marks, ascending.
    pub pending: Vec<v1::Envelope>,
}

impl Session {
    /// The check-in that is due, if one is; from here on it is under way until [`Self::handle_reply`] or
    /// [`Self::handle_failure`]. `request_id` follows the call through both sides' logs.
    pub fn next_request(
        &mut self,
        now: Ticks,
        request_id: String,
        journal: JournalSays,
    ) -> Option<(v1::CheckInRequest, WhyCheckIn)> {
        let (_, why) = self.check_ins.poll().filter(|(at, _)| *at <= now)?;
        self.course.ways.begin(now);
        let waiting = journal.pending.len();
        let step_records = bounded(journal.pending);
        let carried = self.inventories.to_send();
        let inventory = carried.map(|newest| newest.envelope.clone());
        let newest = self.inventories.newest();
        let digest = newest.map(|newest| newest.digest);
        let vitals = self.vitals.news();
        self.in_flight = Some(InFlight {
            inventory: inventory.is_some().then_some(digest).flatten(),
            looked: self.looks.ended_since_start(),
            records_left: step_records.len() < waiting,
            condition: self.condition.clone(),
            vitals,
            announced: self.announced.clone(),
        });
        let request = v1::CheckInRequest {
            request_id,
            agent_version: self.agent_version.clone(),
            boot_id: self.boot_id.clone(),
            rules_revision: self.rules_revision,
            inventory_digest: digest.map(|digest| digest.to_vec()).unwrap_or_default(),
            inventory,
            looked_at_ms: newest.map_or(0, Newest::told_ms),
            vitals,
            step_records,
            running: journal.running,
            highest_order_begun: journal.highest_begun,
            store_epoch: self.store_epoch.clone(),
            known_steps: self.known_steps.clone(),
            journal: journal.state,
            refused_rules: self.refused_rules.clone(),
            condition: Some(self.own_condition()),
            // Told by whoever can look: it is another at each call.
            session_seconds: None,
            notices: self.announced.shown.clone(),
            put_off: self.announced.put_off,
            can_leave: self.can_leave,
            host_clock_ms: (!self.trusted.is_from_server()).then(|| self.trusted.now_ms(now)),
        };
        self.check_ins.begin();
        Some((request, why))
    }
}

fn bounded(pending: Vec<v1::Envelope>) -> Vec<v1::Envelope> {
    let mut bytes = 0;
    pending
        .into_iter()
        .enumerate()
        .take_while(|(index, envelope)| {
            bytes += envelope.encoded_len();
            *index == 0 || (bytes <= RECORD_BYTES && *index < RECORDS)
        })
        .map(|(_, envelope)| envelope)
        .collect()
}
