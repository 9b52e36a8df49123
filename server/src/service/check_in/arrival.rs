//! A check-in's message, checked for form and signatures. Past here nobody checks again.

use cutover_core::{
    decide::NoticeGiven,
    plan::{JournalFault, Plan},
};
use cutover_proto::{
    envelope::{self, Context, PublicKey},
    ids::HostId,
    inventory::Inventory,
    record::StepRecord,
    step::StepKind,
    v1,
};

use super::{super::CallError, network::Network, release::OwnProgram, vitals::Vitals};

/// More records than this in one check-in are refused: an agent sends what is not acknowledged in parts.
const RECORDS_MAX: usize = 500;
/// An agent says the notice that holds, and perhaps that the work begins.
const NOTICES_MAX: usize = 8;

/// What a host says of itself in words is kept up to this many characters.
const WORDS_MAX: usize = 500;
/// A session may seem to be older than an order by so much because clocks are read at different moments.
const SESSION_SLACK_MS: i64 = 60_000;

/// A signed record and what it says.
#[derive(Debug, Clone)]
pub(super) struct SignedRecord {
    pub(super) envelope: v1::Envelope,
    pub(super) record: StepRecord,
}

/// A signed inventory and what it says.
#[derive(Debug, Clone)]
pub(super) struct SignedInventory {
    pub(super) envelope: v1::Envelope,
    pub(super) digest: String,
    pub(super) inventory: Inventory,
}

/// A check-in that holds.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) host: HostId,
    /// Hex SHA-256 of the key that it speaks by.
    pub(super) spki_hash: String,
    pub(super) boot_id: String,
    pub(super) agent_version: String,
    pub(super) rules_revision: u64,
    /// Hex; empty before the first look.
    pub(super) digest: String,
    pub(super) inventory: Option<SignedInventory>,
    pub(super) looked_at_ms: i64,
    pub(super) records: Vec<SignedRecord>,
    pub(super) running: Option<u64>,
    pub(super) highest_order_begun: u64,
    pub(super) journal_fault: Option<JournalFault>,
    /// Why no order begins there, where the host's own hold stops them.
    pub(super) hold: Option<String>,
    /// Kinds of steps that this server knows and the agent does not.
    pub(super) lacking_steps: Vec<StepKind>,
    /// What was shown of the work that is announced there.
    pub(super) notices: Vec<NoticeGiven>,
    /// The start was put off by whoever works there.
    pub(super) put_off: Option<v1::StartPutOff>,
    /// Why the agent is about to end itself, where it is.
    pub(super) ending: Option<String>,
    /// How it reaches this server, where it says so.
    pub(super) network: Option<Network>,
    /// The machine's vitals, where one crossed a threshold.
    pub(super) vitals: Option<Vitals>,
    /// What it says of its own program.
    pub(super) program: OwnProgram,
    /// Its agent knows how to leave.
    pub(super) can_leave: bool,
    /// How long the kernel session has lasted, as the host says.
    pub(super) session_seconds: Option<u64>,
    /// What the host's own clock shows, where its looks still go by it.
    host_clock_ms: Option<i64>,
}

impl Arrival {
    /// Checks a message of the host that these keys are, the one that speaks first.
    pub(super) fn check(host: HostId, keys: &[PublicKey], request: v1::CheckInRequest) -> Result<Self, CallError> {
        let speaks = keys.first().ok_or(CallError::UnknownHost)?;
        if request.boot_id.is_empty() || request.boot_id.len() > 64 {
            return Err(invalid("boot_id is missing or too long"));
        }
        if request.step_records.len() > RECORDS_MAX {
            return Err(invalid(format!(
                "more than {RECORDS_MAX} step records in one check-in; send them in parts"
            )));
        }
        let condition = request.condition.unwrap_or_default();
        let inventory = request
            .inventory
            .map(|envelope| signed_inventory(host, envelope, keys))
            .transpose()?;
        let records = request
            .step_records
            .into_iter()
            .map(|envelope| signed_record(host, envelope, keys))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            host,
            spki_hash: speaks.key_id().to_owned(),
            boot_id: request.boot_id,
            agent_version: request.agent_version,
            rules_revision: request.rules_revision,
            digest: hex::encode(&request.inventory_digest),
            inventory,
            looked_at_ms: request.looked_at_ms,
            records,
            running: request.running.map(|running| running.order_number),
            highest_order_begun: request.highest_order_begun,
            journal_fault: journal_fault(request.journal)?,
            hold: said(&condition.hold),
            lacking_steps: lacking(&request.known_steps),
            notices: shown(request.notices)?,
            put_off: request.put_off,
            ending: said(&condition.ending),
            network: Network::said(condition.network),
            vitals: Vitals::said(request.vitals),
            program: OwnProgram::said(&condition.platform, condition.update),
            can_leave: request.can_leave,
            session_seconds: request.session_seconds,
            host_clock_ms: request.host_clock_ms,
        })
    }

    /// When its look was. Looks are ordered by it, so one that the host dates by a clock of its own is none that is newer:
    /// the next check-in dates it by the server's.
    pub(super) fn looked_ms(&self) -> Option<i64> {
        let is_dated = self.host_clock_ms.is_none() && self.looked_at_ms != 0;
        is_dated.then_some(self.looked_at_ms)
    }

    /// The same where it shows what is `durable`, a digest: a look that showed something else confirms nothing that is known.
    pub(super) fn confirmed_ms(&self, durable: Option<&str>) -> Option<i64> {
        self.looked_ms().filter(|_| durable == Some(self.digest.as_str()))
    }

    /// Whether the inventory that it carries was seen no earlier than all that is `known` of the host. One that cannot tell
    /// counts only where nothing is known: the next look is dated by the server's clock. A known look that lies ahead of that
    /// clock says that the clock was set back: until it has caught up, what arrives was seen last, or what changes on the host
    /// would stay unseen.
    pub(super) fn is_in_order(&self, known_ms: Option<i64>, now_ms: i64) -> bool {
        let Some(known_ms) = known_ms else {
            return true;
        };
        let is_no_earlier = |looked_ms| looked_ms >= known_ms || known_ms > now_ms;
        self.looked_ms().is_some_and(is_no_earlier)
    }

    /// Whether an inventory that is kept already is the host's present one all the same: it looked after all that is `known`
    /// of it and shows that one. An older message that comes twice does not say so.
    pub(super) fn is_back_at(&self, digest: &str, known_ms: Option<i64>) -> bool {
        self.digest == digest && self.looked_ms().is_some_and(|looked_ms| Some(looked_ms) > known_ms)
    }

    /// When an inventory that is in order was seen, by the server's clock as far as that can be told: after all that is
    /// `known` of the host, whatever two servers' clocks make of it.
    pub(super) fn news_ms(&self, taken_at_ms: i64, now_ms: i64, known_ms: Option<i64>) -> i64 {
        let seen_ms = match (self.host_clock_ms, self.looked_at_ms) {
            // Kept from an earlier start, and dated by a clock that nobody knows any more.
            (None, 0) if taken_at_ms > now_ms => 0,
            (None, 0) => taken_at_ms,
            (None, looked_ms) => looked_ms,
            // Whatever day its clock shows, it counts.
            (Some(clock_ms), _) => now_ms.saturating_sub(clock_ms.saturating_sub(taken_at_ms).max(0)),
        };
        seen_ms.max(known_ms.map_or(i64::MIN, |known| known.saturating_add(1)))
    }

    /// The kernel session that it speaks from, for a plan. One of another name that lasted already when the order that is
    /// out was issued is the one before: no restart began it.
    pub(super) fn session(&self, plan: &Plan, now_ms: i64, speed: f64) -> String {
        let Some(order) = plan
            .order
            .as_ref()
            .filter(|order| order.is_after_restart(&self.boot_id))
        else {
            return self.boot_id.clone();
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a session of a thousand years still fits, and a second more or less decides nothing"
        )]
        let is_older = self.session_seconds.is_some_and(|seconds| {
            let age_ms = (seconds as f64 * 1000.0 * speed) as i64;
            now_ms.saturating_sub(age_ms) < order.issued_ms.saturating_sub(SESSION_SLACK_MS)
        });
        if !is_older {
            return self.boot_id.clone();
        }
        tracing::warn!(
            host = %self.host, boot_id = self.boot_id, session_seconds = self.session_seconds,
            "another boot id in a kernel session that is older than the order; it is no restart"
        );
        order
            .restart
            .as_ref()
            .map_or(&order.boot_id, |due| &due.boot_id)
            .clone()
    }
}

fn shown(notices: Vec<v1::NoticeShown>) -> Result<Vec<NoticeGiven>, CallError> {
    if notices.len() > NOTICES_MAX {
        return Err(invalid(format!(
            "more than {NOTICES_MAX} notices in one check-in; say those that hold"
        )));
    }
    let read = |it: v1::NoticeShown| NoticeGiven {
        round: it.round,
        number: it.number,
        shown_ms: it.shown_ms,
        somebody: it.somebody,
        how: said(&it.how).unwrap_or_default(),
    };
    Ok(notices.into_iter().map(read).collect())
}

/// One that names no kind at all does not say what it knows: it may be asked, and refuses itself what it does not know. A
/// kind that only the agent knows is never asked for here.
fn lacking(known: &[i32]) -> Vec<StepKind> {
    let kinds = StepKind::ALL.iter().filter(|_| !known.is_empty());
    kinds.filter(|kind| !known.contains(&kind.number())).copied().collect()
}

/// Words of a host: one bounded line, since people read it in tables and terminals.
pub(super) fn said(words: &str) -> Option<String> {
    let printable = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    let line: String = printable.take(WORDS_MAX).collect();
    Some(line).filter(|line| !line.trim().is_empty())
}

fn signed_inventory(host: HostId, envelope: v1::Envelope, key: &[PublicKey]) -> Result<SignedInventory, CallError> {
    let wire: v1::Inventory = envelope::open_message(&envelope, Context::Inventory, key).map_err(invalid)?;
    let inventory = Inventory::try_from(wire).map_err(invalid)?;
    if inventory.host_id != host {
        return Err(invalid("the inventory is another host's"));
    }
    Ok(SignedInventory {
        digest: hex::encode(envelope::digest(&envelope)),
        envelope,
        inventory,
    })
}

fn signed_record(host: HostId, envelope: v1::Envelope, key: &[PublicKey]) -> Result<SignedRecord, CallError> {
    let wire: v1::StepRecord = envelope::open_message(&envelope, Context::StepRecord, key).map_err(invalid)?;
    let record = StepRecord::try_from(wire).map_err(invalid)?;
    if record.host_id != host {
        return Err(invalid("a step record is another host's"));
    }
    Ok(SignedRecord { envelope, record })
}

fn journal_fault(state: i32) -> Result<Option<JournalFault>, CallError> {
    match v1::JournalState::try_from(state) {
        // An agent that only looks keeps no journal.
        Ok(v1::JournalState::Unspecified | v1::JournalState::Sound) => Ok(None),
        Ok(v1::JournalState::Corrupt) => Ok(Some(JournalFault::Corrupt)),
        Ok(v1::JournalState::Lost) => Ok(Some(JournalFault::Lost)),
        Ok(v1::JournalState::Restored) => Ok(Some(JournalFault::Restored)),
        Err(_) => Err(invalid(format!("journal state {state} is not known to this version"))),
    }
}

fn invalid(why: impl ToString) -> CallError {
    CallError::Invalid { why: why.to_string() }
}
