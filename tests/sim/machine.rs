//! A machine with the agent on it, at the level of messages: its conversation is the agent's own session; what it does to
//! itself is a model.

use anyhow::{Context as _, Result};
use cutover_agent::{
    act::known_steps,
    session::{Announced, Condition, Effect, Failure, OrderLabel, Place, Session, Start, Ticks, Validity, Wake},
};
use cutover_proto::{
    envelope::{self, Context, PublicKey},
    ids::HostId,
    inventory::Inventory,
    order::{OrderRefused, Standpoint, WorkOrder},
    record::{FailureCause, RecordEvent},
    rule::BUILT_IN_REVISION,
    step::StepKind,
    v1,
};

use crate::{
    calendar::{HOUR, START},
    dice::Dice,
    habit::{Habit, Traits},
    journal::{self, Journal, Open},
    keys::Keys,
    server::Server,
    truth::{Replacement, Truth},
};

/// A look of this start, and what was true then.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at_ms: i64,
    pub(crate) truth: Truth,
}

/// What a machine did that no machine may do, by the name of what it breaks.
pub(crate) type Broken = (&'static str, String);

pub(crate) struct Machine {
    pub(crate) traits: Traits,
    pub(crate) truth: Truth,
    pub(crate) keys: Keys,
    pub(crate) host: Option<HostId>,
    /// What people say of it once it has enrolled.
    pub(crate) tags: Vec<String>,
    pub(crate) journal: Journal,
    pub(crate) on: bool,
    pub(crate) seen: Option<Seen>,
    pub(crate) broken: Vec<Broken>,
    pub(crate) dice: Dice,
    /// What of its steps went wrong so far.
    pub(crate) failed: u32,
    pub(crate) hold: Option<String>,
    pub(crate) split_wanted: bool,
    /// Its copy of an order loses the steps that fetch: a mutation, to see that the check sees it.
    pub(crate) skips_fetching: bool,
    /// Its inventories say that it is done: another mutation.
    pub(crate) lies: bool,
    /// It is encrypted by the product, and its inventories do not say so: another.
    pub(crate) hides_encryption: bool,
    /// Counts agents' processes: what was for one is not for the next.
    pub(crate) process: u32,
    pub(crate) last_answer_ms: Option<i64>,
    pub(crate) cancelled: Option<u64>,
    /// Until when the step at hand takes, or something is waited for.
    pub(crate) busy_until_ms: Option<i64>,
    pub(crate) waits_since_ms: Option<i64>,
    /// The step at hand was begun by an earlier process.
    pub(crate) taken_up: bool,
    pub(crate) hard_reboot_ms: Option<i64>,
    pub(crate) session: Option<Session>,
    server_keys: Vec<PublicKey>,
    inventory: Option<(Inventory, v1::Envelope)>,
    boots: u32,
    booted_ms: i64,
}

impl Machine {
    pub(crate) fn new(traits: Traits, truth: Truth, dice: Dice) -> Result<Self> {
        let booted_ms = traits.begins_ms - HOUR;
        Ok(Self {
            traits,
            truth,
            keys: Keys::new()?,
            host: None,
            tags: Vec::new(),
            journal: Journal::new(),
            on: false,
            seen: None,
            broken: Vec::new(),
            dice,
            failed: 0,
            hold: None,
            split_wanted: false,
            skips_fetching: false,
            lies: false,
            hides_encryption: false,
            process: 0,
            last_answer_ms: None,
            cancelled: None,
            busy_until_ms: None,
            waits_since_ms: None,
            taken_up: false,
            hard_reboot_ms: None,
            session: None,
            server_keys: Vec::new(),
            inventory: None,
            boots: 1,
            booted_ms,
        })
    }

    /// A machine made from a copy of this one's disk.
    pub(crate) fn copied(&self, dice: Dice) -> Result<Self> {
        let mut copy = Self::new(self.traits.clone(), self.truth.clone(), dice)?;
        copy.truth.hostname.push_str("-copy");
        copy.keys = self.keys.copied()?;
        copy.host = self.host;
        copy.tags.clone_from(&self.tags);
        copy.journal = self.journal.clone();
        copy.server_keys.clone_from(&self.server_keys);
        copy.inventory.clone_from(&self.inventory);
        Ok(copy)
    }

    /// Puts this disk's contents in place of its own.
    pub(crate) fn restore(&mut self, from: &Self) {
        self.truth = from.truth.clone();
        self.truth.hostname = self.truth.hostname.trim_end_matches("-copy").to_owned();
        let failures = self.journal.failures.clone();
        self.journal = from.journal.clone();
        self.journal.failures.extend(failures);
        self.inventory.clone_from(&from.inventory);
    }

    /// The kernel session. A copy has others than its original.
    pub(crate) fn boot_id(&self) -> String {
        format!("{}-{}", self.truth.hostname, self.boots)
    }

    /// What the host's own clock shows.
    pub(crate) fn own_clock_ms(&self, now_ms: i64) -> i64 {
        now_ms + self.traits.skew_ms
    }

    pub(crate) fn forget_identity(&mut self) -> Result<()> {
        self.keys = Keys::new()?;
        self.host = None;
        self.journal = Journal::new();
        self.inventory = None;
        self.stop_agent();
        Ok(())
    }

    /// It has an identity from here on.
    pub(crate) fn enrolled(&mut self, reply: &v1::EnrollReply) -> Result<()> {
        self.host = Some(reply.host_id.parse()?);
        let keys = reply.signing_keys.iter().map(|key| PublicKey::server(&key.public_key));
        self.server_keys = keys.collect::<Result<_, _>>()?;
        self.journal = Journal::new();
        self.inventory = None;
        Ok(())
    }

    /// The agent's process starts.
    pub(crate) fn start_agent(&mut self, now_ms: i64) {
        if self.host.is_none() {
            return;
        }
        self.process += 1;
        self.taken_up = self.journal.open.is_some();
        (self.busy_until_ms, self.waits_since_ms, self.last_answer_ms, self.seen) = (None, None, None, None);
        let order = self.journal.open.as_ref().map(|open| OrderLabel {
            number: open.order.number,
            attempt: None,
        });
        let mut known_steps = known_steps();
        if self.traits.habit == Habit::OldAgent {
            known_steps.retain(|kind| *kind != StepKind::DetectionTest.number());
        }
        let start = Start {
            agent_version: crate::AGENT_VERSION.to_owned(),
            boot_id: self.boot_id(),
            known_steps,
            // Nobody leaves in these fleets.
            can_leave: false,
            rules_revision: BUILT_IN_REVISION,
            refused_rules: Vec::new(),
            server_keys: self.server_keys.clone(),
            store_epoch: self.journal.epoch.clone(),
            inventory: self.inventory.clone(),
            order,
            // The machine's clock is so much slower that no certificate ends in a run.
            validity: Validity {
                from_ms: START,
                to_ms: i64::MAX,
            },
            host_ms: self.own_clock_ms(now_ms),
            places: vec![Place {
                address: "server:7443".to_owned(),
                proxy: None,
            }],
            seed: self.dice.next(),
        };
        self.session = Some(Session::new(start, ticks(now_ms)));
        self.say_hold(now_ms);
    }

    pub(crate) fn stop_agent(&mut self) {
        self.session = None;
        self.process += 1;
    }

    /// A new kernel session.
    pub(crate) fn boot(&mut self, now_ms: i64) {
        self.boots += 1;
        self.booted_ms = now_ms;
        self.hard_reboot_ms = None;
        if self.traits.habit == Habit::LyingClock {
            self.traits.skew_ms = self.dice.between(-400 * 24 * HOUR, 400 * 24 * HOUR);
        }
        self.truth.restart_pending = false;
        self.on = true;
        self.start_agent(now_ms);
    }

    pub(crate) fn say_hold(&mut self, now_ms: i64) {
        let hold = self.hold.clone();
        if let Some(session) = &mut self.session {
            let condition = Condition {
                hold,
                ..Condition::default()
            };
            session.handle_condition(condition, ticks(now_ms));
        }
    }

    /// When it has something to do next.
    pub(crate) fn due_ms(&self, now_ms: i64) -> Option<i64> {
        if !self.on {
            return None;
        }
        let session = self.session.as_ref()?;
        let talks = session.poll_timeout(ticks(now_ms)).map(|(at, _)| world(at));
        let works = self.journal.open.as_ref().map(|_| self.busy_until_ms.unwrap_or(now_ms));
        [talks, works, self.hard_reboot_ms].into_iter().flatten().min()
    }

    /// Looks when one is due. True when a check-in is due.
    pub(crate) fn is_check_in_due(&mut self, now_ms: i64) -> Result<bool> {
        loop {
            let Some(session) = &mut self.session else {
                return Ok(false);
            };
            let Some((_, wake)) = session
                .poll_timeout(ticks(now_ms))
                .filter(|(at, _)| *at <= ticks(now_ms))
            else {
                return Ok(false);
            };
            match wake {
                Wake::CheckIn(_) => return Ok(true),
                Wake::Look(_) => {
                    session.begin_look(ticks(now_ms));
                    self.look(now_ms)?;
                }
                Wake::Renew => session.postpone_renewal(ticks(now_ms)),
                Wake::Better => {
                    session.begin_better(ticks(now_ms));
                    session.handle_better(None, ticks(now_ms));
                }
            }
        }
    }

    fn look(&mut self, now_ms: i64) -> Result<()> {
        let host = self.host.context("an agent that runs has an identity")?;
        let boot_id = self.boot_id();
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        let taken_at_ms = session.trusted().now_ms(ticks(now_ms));
        let mut shown = self.truth.clone();
        if self.lies {
            shown.targets.clear();
            shown.replacement = Replacement::Healthy;
        }
        let inventory = shown.look(host, &boot_id, taken_at_ms);
        self.seen = Some(Seen {
            at_ms: now_ms,
            truth: self.truth.clone(),
        });
        if let Some(said) = session.handle_look(inventory, ticks(now_ms)) {
            let wire = v1::Inventory::from(said.clone());
            let signed = envelope::seal_message(Context::Inventory, &wire, &self.keys.signing)?;
            self.inventory = Some((said.clone(), signed.clone()));
            session.handle_signed(said, signed, ticks(now_ms));
        }
        Ok(())
    }

    /// What it says, if it is due.
    pub(crate) fn request(&mut self, now_ms: i64) -> Option<v1::CheckInRequest> {
        let says = self.journal.says();
        let age_ms = now_ms - self.booted_ms;
        let id = format!("{}-{}", self.truth.hostname, now_ms);
        let (mut request, _) = self.session.as_mut()?.next_request(ticks(now_ms), id, says)?;
        request.session_seconds = Some(Server::real_seconds(age_ms));
        Some(request)
    }

    pub(crate) fn unanswered(&mut self, failure: &Failure, now_ms: i64) {
        if let Some(session) = &mut self.session {
            session.handle_failure(failure, ticks(now_ms));
        }
    }

    pub(crate) fn nudged(&mut self, now_ms: i64) {
        if let Some(session) = &mut self.session {
            session.handle_nudge(ticks(now_ms));
        }
    }

    /// Something on it was changed by other hands.
    pub(crate) fn changed(&mut self, now_ms: i64) {
        if let Some(session) = &mut self.session {
            session.handle_packages_changed(ticks(now_ms));
        }
    }

    /// Woke from sleep.
    pub(crate) fn woke(&mut self, now_ms: i64) {
        let own_ms = self.own_clock_ms(now_ms);
        if let Some(session) = &mut self.session {
            session.handle_clocks(own_ms, ticks(now_ms));
            session.handle_nudge(ticks(now_ms));
        }
    }

    pub(crate) fn answered(&mut self, reply: v1::CheckInReply, now_ms: i64) -> Result<()> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        self.last_answer_ms = Some(now_ms);
        for effect in session.handle_reply(reply, ticks(now_ms)) {
            match effect {
                Effect::TakeMarks { store_epoch, durable } => self.journal.take_marks(&store_epoch, &durable),
                Effect::Cancel(envelope) => self.take_cancel(&envelope),
                Effect::RunOrder(envelope) => self.admit(&envelope, now_ms)?,
                Effect::InventoryDurable => self.journal.settle(),
                Effect::Split => self.split_wanted = true,
                // Somebody sits there, and reads it at once.
                Effect::TakeNotice { notice, .. } => {
                    let shown = notice.map(|notice| v1::NoticeShown {
                        round: notice.round,
                        number: notice.number,
                        shown_ms: now_ms,
                        somebody: Some(true),
                        how: String::new(),
                    });
                    let announced = Announced {
                        shown: shown.into_iter().collect(),
                        put_off: None,
                    };
                    if let Some(session) = &mut self.session {
                        session.handle_announced(announced, ticks(now_ms));
                    }
                }
                Effect::TakeRules { .. }
                | Effect::TakeAddresses(_)
                | Effect::TakeRelease(_)
                | Effect::RefuseRelease(_)
                | Effect::Leave { .. }
                | Effect::Prefetch(_) => {}
            }
        }
        Ok(())
    }

    fn take_cancel(&mut self, envelope: &v1::Envelope) {
        let opened = envelope::open_message::<v1::Cancel>(envelope, Context::Cancel, &self.server_keys);
        if let Ok(cancel) = opened
            && self.host.is_some_and(|host| host.to_string() == cancel.host_id)
        {
            self.cancelled = Some(cancel.order_number);
        }
    }

    fn admit(&mut self, envelope: &v1::Envelope, now_ms: i64) -> Result<()> {
        let host_id = self.host.context("an agent that runs has an identity")?;
        if self.journal.state != v1::JournalState::Sound || self.journal.open.is_some() {
            return self.order_ended(now_ms);
        }
        let trusted_ms = self.trusted_ms(now_ms);
        let mut order = match WorkOrder::open(envelope, &self.server_keys) {
            Ok(order) => order,
            Err(refused) => {
                let why = format!("{} cannot believe an order: {refused}", self.truth.hostname);
                self.broken.push(("no-bad-order", why));
                return self.order_ended(now_ms);
            }
        };
        let at = Standpoint {
            host_id,
            highest_begun: self.journal.highest_begun,
            now_ms: trusted_ms,
        };
        match order.check(&at) {
            Ok(()) => {}
            // Sent again because what was told of it did not arrive yet.
            Err(OrderRefused::Replayed { .. }) => return self.order_ended(now_ms),
            Err(refused) => {
                if let OrderRefused::OtherHost(_) = refused {
                    let why = format!("{} gets the order of another host", self.truth.hostname);
                    self.broken.push(("no-bad-order", why));
                }
                self.write(&order, RecordEvent::OrderRefused, 0, Some(refused.cause()), now_ms)?;
                return self.order_ended(now_ms);
            }
        }
        if self.skips_fetching {
            order.steps.retain(|step| {
                !matches!(
                    step.action.kind(),
                    StepKind::FetchPackages | StepKind::InstallPackages | StepKind::DetectionTest
                )
            });
        }
        self.journal.highest_begun = order.number;
        self.write(&order, RecordEvent::OrderAccepted, 0, None, now_ms)?;
        self.journal.open = Some(Open {
            order,
            step: 0,
            begun_in: None,
            restart_ms: None,
        });
        (self.busy_until_ms, self.waits_since_ms, self.taken_up) = (None, None, false);
        Ok(())
    }

    pub(crate) fn trusted_ms(&self, now_ms: i64) -> i64 {
        let session = self.session.as_ref();
        session.map_or(now_ms, |session| session.trusted().now_ms(ticks(now_ms)))
    }

    pub(crate) fn write(
        &mut self,
        order: &WorkOrder,
        event: RecordEvent,
        step: usize,
        cause: Option<FailureCause>,
        now_ms: i64,
    ) -> Result<()> {
        let at_ms = self.trusted_ms(now_ms);
        let record = journal::record(order, event, step, cause, at_ms, &self.boot_id());
        self.journal.write(record, &self.keys.signing)?;
        if let Some(session) = &mut self.session {
            session.handle_records(ticks(now_ms));
        }
        Ok(())
    }

    pub(crate) fn order_ended(&mut self, now_ms: i64) -> Result<()> {
        self.journal.open = None;
        (self.busy_until_ms, self.waits_since_ms, self.taken_up) = (None, None, false);
        if let Some(session) = &mut self.session {
            session.handle_order_ended(ticks(now_ms));
        }
        Ok(())
    }
}

/// The monotonic clock of every machine counts the world's milliseconds.
pub(crate) fn ticks(now_ms: i64) -> Ticks {
    Ticks(u64::try_from(now_ms - START).unwrap_or(0))
}

fn world(at: Ticks) -> i64 {
    START.saturating_add(i64::try_from(at.0).unwrap_or(i64::MAX))
}
