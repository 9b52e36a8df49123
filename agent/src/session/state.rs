//! The session itself, and what happens on the host.

use std::time::Duration;

use cutover_proto::{envelope::PublicKey, inventory::Inventory, v1};

use super::{
    backoff::{Backoff, Jitter},
    check_ins::{CheckIns, WhyCheckIn},
    condition::Condition,
    course::{Course, Place},
    inventory::Inventories,
    looks::{Looks, WhyLook},
    renewal::{Renewal, Validity},
    ticks::{Ticks, TrustedTime},
    vitals::Vitals,
};

/// The time between two looks while the server has not said one.
const DEFAULT_LOOK_SECONDS: u32 = 4 * 3600;
/// Records and changes that come close together go in one check-in.
const COALESCE: Duration = Duration::from_secs(1);
/// A package database changes many times while an installer runs; the look comes after it was quiet for so long.
const PACKAGES_QUIET: Duration = Duration::from_secs(5);

/// What a session starts from.
#[derive(Debug)]
pub struct Start {
    /// Of this program.
    pub agent_version: String,
    /// The kernel session; a word in its place when it could not be told, because the server demands one.
    pub boot_id: String,
    /// Step kinds that the executor knows, as on the wire.
    pub known_steps: Vec<i32>,
    /// Whether this agent can take itself off its machine.
    pub can_leave: bool,
    /// Of the rules in use.
    pub rules_revision: u64,
    /// Rule files that could not be read.
    pub refused_rules: Vec<v1::RefusedRule>,
    /// Keys that sign for the server.
    pub server_keys: Vec<PublicKey>,
    /// The epoch that the journal kept; empty before the first reply.
    pub store_epoch: String,
    /// The inventory that was signed last.
    pub inventory: Option<(Inventory, v1::Envelope)>,
    /// The order that the journal holds open.
    pub order: Option<OrderLabel>,
    /// Of this host's certificate.
    pub validity: Validity,
    /// The host's own clock, milliseconds since the epoch.
    pub host_ms: i64,
    /// Where the server is, the best first.
    pub places: Vec<Place>,
    /// Spreads waits.
    pub seed: u64,
}

/// An order's name for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLabel {
    /// Its number.
    pub number: u64,
    /// Its attempt, where this process saw it arrive.
    pub attempt: Option<u32>,
}

/// What a session wants to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// [`Session::next_request`].
    CheckIn(WhyCheckIn),
    /// [`Session::begin_look`].
    Look(WhyLook),
    /// [`Session::begin_renewal`].
    Renew,
    /// [`Session::begin_better`].
    Better,
}

impl Wake {
    /// For logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckIn(why) => why.as_str(),
            Self::Look(why) => why.as_str(),
            Self::Renew => "renew",
            Self::Better => "better-address",
        }
    }
}

/// What the request under way says.
#[derive(Debug)]
pub(super) struct InFlight {
    /// Digest of the inventory that it carries.
    pub(super) inventory: Option<[u8; 32]>,
    /// Whether a look had ended since the start.
    pub(super) looked: bool,
    /// Whether records wait that it has no room for.
    pub(super) records_left: bool,
    /// How the agent stood.
    pub(super) condition: Condition,
    /// The machine's vitals, where it carries them.
    pub(super) vitals: Option<v1::Vitals>,
    /// What it says of the work that is announced.
    pub(super) announced: Announced,
}

/// What the server is told of the work that is announced on this host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Announced {
    /// What was shown of it.
    pub shown: Vec<v1::NoticeShown>,
    /// To when its user put it off.
    pub put_off: Option<v1::StartPutOff>,
}

/// One host's side of the conversation with its server.
#[derive(Debug)]
pub struct Session {
    pub(super) agent_version: String,
    pub(super) boot_id: String,
    pub(super) known_steps: Vec<i32>,
    pub(super) can_leave: bool,
    pub(super) rules_revision: u64,
    pub(super) refused_rules: Vec<v1::RefusedRule>,
    pub(super) server_keys: Vec<PublicKey>,
    pub(super) store_epoch: String,
    pub(super) settings: v1::Settings,
    pub(super) inventories: Inventories,
    pub(super) check_ins: CheckIns,
    pub(super) in_flight: Option<InFlight>,
    pub(super) looks: Looks,
    pub(super) renewal: Renewal,
    pub(super) order: Option<OrderLabel>,
    pub(super) trusted: TrustedTime,
    /// The server's time less the host's own, when the first reply came.
    pub(super) own_clock_off_ms: i64,
    pub(super) backoff: Backoff,
    pub(super) jitter: Jitter,
    pub(super) last_success: Option<Ticks>,
    pub(super) last_failure: Option<String>,
    pub(super) condition: Condition,
    /// As the server last heard it.
    pub(super) condition_told: Option<Condition>,
    pub(super) vitals: Vitals,
    pub(super) announced: Announced,
    pub(super) course: Course,
    /// The host's clock less the monotonic one, as they last were.
    pub(super) clock_offset_ms: Option<i64>,
}

impl Session {
    /// At the start of the agent: a check-in and a look are due.
    #[must_use]
    pub fn new(start: Start, now: Ticks) -> Self {
        Self {
            agent_version: start.agent_version,
            boot_id: start.boot_id,
            known_steps: start.known_steps,
            can_leave: start.can_leave,
            rules_revision: start.rules_revision,
            refused_rules: start.refused_rules,
            server_keys: start.server_keys,
            store_epoch: start.store_epoch,
            settings: v1::Settings {
                check_in_seconds: 0,
                look_seconds: DEFAULT_LOOK_SECONDS,
                watch: false,
                addresses: Vec::new(),
            },
            inventories: Inventories::kept(start.inventory),
            check_ins: CheckIns::starting(now),
            in_flight: None,
            looks: Looks::starting(now),
            renewal: Renewal::new(start.validity),
            order: start.order,
            trusted: TrustedTime::from_host(start.host_ms, now),
            own_clock_off_ms: 0,
            backoff: Backoff::default(),
            jitter: Jitter::new(start.seed),
            last_success: None,
            last_failure: None,
            condition: Condition::default(),
            condition_told: None,
            vitals: Vitals::default(),
            announced: Announced::default(),
            course: Course::new(start.places),
            clock_offset_ms: None,
        }
    }

    /// When something is due next, and what.
    #[must_use]
    pub fn poll_timeout(&self, now: Ticks) -> Option<(Ticks, Wake)> {
        let check_in = self.check_ins.poll().map(|(at, why)| (at, Wake::CheckIn(why)));
        let look = self
            .looks
            .poll(self.order.is_some())
            .map(|(at, why)| (at, Wake::Look(why)));
        let renew = self.renewal.poll(&self.trusted, now).map(|at| (at, Wake::Renew));
        let better = self.poll_better().map(|at| (at, Wake::Better));
        [renew, check_in, look, better]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    /// The server asked on the Watch stream.
    pub fn handle_nudge(&mut self, now: Ticks) {
        self.check_ins.nudge(now);
    }

    /// The journal has new records.
    pub fn handle_records(&mut self, now: Ticks) {
        self.check_ins.ask(now.after(COALESCE), WhyCheckIn::Records);
    }

    /// What is to be said of the work that is announced. What changed is told soon.
    pub fn handle_announced(&mut self, announced: Announced, now: Ticks) {
        if self.announced != announced {
            self.announced = announced;
            self.check_ins.ask(now.after(COALESCE), WhyCheckIn::Notice);
        }
    }

    /// The order that was open ended.
    pub fn handle_order_ended(&mut self, now: Ticks) {
        self.order = None;
        self.looks.ask(now, WhyLook::OrderEnded);
        self.check_ins.ask(now.after(COALESCE), WhyCheckIn::Records);
    }

    /// A package database changed on disk.
    pub fn handle_packages_changed(&mut self, now: Ticks) {
        self.looks.ask_after_quiet(now.after(PACKAGES_QUIET));
    }

    /// The look that is due, if one is; from here on it is under way until [`Self::handle_look`].
    pub fn begin_look(&mut self, now: Ticks) -> Option<WhyLook> {
        let (_, why) = self.looks.poll(self.order.is_some()).filter(|(at, _)| *at <= now)?;
        self.looks.begin();
        Some(why)
    }

    /// The look that was due ended. Gives it back when it says something new: sign it and call
    /// [`Self::handle_signed`].
    pub fn handle_look(&mut self, seen: Inventory, now: Ticks) -> Option<Inventory> {
        let whole = Duration::from_secs(u64::from(self.settings.look_seconds.max(1)));
        let next = self.jitter.between(whole - whole / 10, whole + whole / 10);
        if self.looks.end(now.after(next)) {
            self.check_ins.ask(now, WhyCheckIn::Inventory);
        }
        self.handle_sight(seen, now)
    }

    /// A look that an order made. As [`Self::handle_look`], but it was not due here.
    pub fn handle_sight(&mut self, seen: Inventory, now: Ticks) -> Option<Inventory> {
        if self.inventories.is_news(&seen) {
            return Some(seen);
        }
        self.inventories.confirm(self.dated(seen.taken_at_ms, now));
        None
    }

    /// Trusted time of a look that just ended. One that began before the first reply has the time of the host's own clock:
    /// where that is off by more than looks take, it is seen by what is nearer to now.
    fn dated(&self, taken_at_ms: i64, now: Ticks) -> i64 {
        let (now_ms, shifted) = (
            self.trusted.now_ms(now),
            taken_at_ms.saturating_add(self.own_clock_off_ms),
        );
        if shifted.abs_diff(now_ms) < taken_at_ms.abs_diff(now_ms) {
            shifted
        } else {
            taken_at_ms
        }
    }

    /// A server told the time.
    pub(super) fn take_time(&mut self, server_ms: i64, now: Ticks) {
        let before = std::mem::replace(&mut self.trusted, TrustedTime::from_server(server_ms, now));
        if !before.is_from_server() {
            self.own_clock_off_ms = server_ms.saturating_sub(before.now_ms(now));
            self.inventories.date_anew(self.own_clock_off_ms);
        }
    }

    /// A new inventory was signed.
    pub fn handle_signed(&mut self, said: Inventory, envelope: v1::Envelope, now: Ticks) {
        let looked_at_ms = self.dated(said.taken_at_ms, now);
        self.inventories.replace(looked_at_ms, said, envelope);
        self.check_ins.ask(now, WhyCheckIn::Inventory);
    }

    /// The newest inventory was signed again, by another key: the same bytes. The server is asked whether it has it.
    pub fn handle_signed_anew(&mut self, said: Inventory, envelope: v1::Envelope) {
        self.inventories.sign_anew(said, envelope);
    }

    /// Whether a renewal is due; from here on it is under way.
    pub fn begin_renewal(&mut self, now: Ticks) -> bool {
        let due = self.renewal.poll(&self.trusted, now).is_some_and(|at| at <= now);
        if due {
            self.renewal.begin();
        }
        due
    }

    /// A new certificate is in use, and perhaps other keys sign for the server.
    pub fn handle_renewed(&mut self, validity: Validity, server_keys: Vec<PublicKey>, now: Ticks) {
        self.renewal.succeed(validity, now);
        self.server_keys = server_keys;
        // The server takes the first use of the new key as the proof that it arrived.
        self.check_ins.ask(now, WhyCheckIn::SendAgain);
    }

    /// The renewal has to wait for something on this host.
    pub fn postpone_renewal(&mut self, now: Ticks) {
        self.renewal.postpone(now);
    }

    /// The renewal did not work; another try follows.
    pub fn handle_renewal_failed(&mut self, now: Ticks) {
        self.renewal.fail(now, &mut self.jitter);
    }

    /// Trusted time.
    #[must_use]
    pub const fn trusted(&self) -> TrustedTime {
        self.trusted
    }

    /// The order that is open, for logs.
    #[must_use]
    pub const fn order(&self) -> Option<OrderLabel> {
        self.order
    }

    /// Of the rules in use.
    #[must_use]
    pub const fn rules_revision(&self) -> u64 {
        self.rules_revision
    }
}
