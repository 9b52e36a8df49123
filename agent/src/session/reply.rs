//! What follows from a reply, or from the lack of one.

use std::time::Duration;

use cutover_proto::{
    artifact::ArtifactRef,
    envelope::{self, Context},
    release::{AgentRelease, AgentUpdate},
    v1,
};
use prost::Message;

use super::{
    check_ins::WhyCheckIn,
    looks::WhyLook,
    state::{Announced, OrderLabel, Session},
    ticks::Ticks,
    ways::Symptom,
};

/// The interval while the server has not said one.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);
/// No server may send an agent away for longer.
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// While an order is open, check-ins stay at least this close: the first destructive step needs one under 120 s old.
const ORDER_INTERVAL: Duration = Duration::from_secs(60);
/// The longest wait after failures.
const RETRY_CAP: Duration = Duration::from_secs(300);
/// The same while an order is open.
const ORDER_RETRY_CAP: Duration = Duration::from_secs(30);
/// A refused key does not heal by asking often.
const REFUSED_CAP: Duration = Duration::from_secs(3600);
/// What an overloaded server that names no time is given.
const OVERLOAD_WAIT: Duration = Duration::from_secs(30);
/// No hint is longer; a recipe names a handful of files.
const PREFETCH_MAX: usize = 32;
/// As many addresses as a server may hand out.
const ADDRESSES_MAX: usize = 16;
/// No server may put an agent off for longer.
const LONGEST_OVERLOAD: Duration = Duration::from_secs(3600);

/// What the app has to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Give the journal the server's marks.
    TakeMarks {
        /// Of the server's store.
        store_epoch: String,
        /// Per order: durable up to here.
        durable: Vec<v1::OrderMark>,
    },
    /// Go by these rules, keep the envelope, then call [`Session::handle_rules`].
    TakeRules {
        /// Above the one in use.
        revision: u64,
        /// The files.
        files: Vec<v1::RuleFile>,
        /// As it was signed.
        envelope: v1::Envelope,
    },
    /// Show what is to be shown of the work ahead, and forget what is no longer announced.
    TakeNotice {
        /// `None`: nothing is.
        notice: Option<v1::StartNotice>,
        /// What this answers.
        told: Announced,
    },
    /// Hand it to the executor; it checks the signature.
    Cancel(v1::Envelope),
    /// Hand it to the executor; it checks everything. Then call [`Session::handle_order_ended`].
    RunOrder(v1::Envelope),
    /// An inventory that was confirmed after this start is durable: a journal that is not sound can be settled.
    InventoryDurable,
    /// The server is to be reached at these addresses, in this order; empty: where the host was enrolled. See
    /// [`Session::handle_places`].
    TakeAddresses(Vec<String>),
    /// Other machines have this identity too: get another one.
    Split,
    /// Go on with this program, once nothing else is at work.
    TakeRelease(AgentRelease),
    /// Let the server know that its release is not believed.
    RefuseRelease(AgentUpdate),
    /// This host is done: make the last statement, about the inventory that is durable, and do nothing else any more.
    Leave {
        /// What the statement answers.
        request_id: String,
        /// Of that inventory.
        inventory_digest: [u8; 32],
    },
    /// Fill the cache with what an order may name later, where that costs nobody anything.
    Prefetch(Vec<ArtifactRef>),
}

/// Why a check-in brought no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server sheds load. Not a failure: it only delays.
    Overloaded {
        /// The wait that it asks for.
        retry_after: Option<Duration>,
    },
    /// No way to the server.
    Unreachable(String),
    /// A connection to the server came about and brought no answer, or none in time.
    Cut(String),
    /// Somebody else showed a certificate in the server's place.
    Intercepted {
        /// By its issuer's name.
        by: String,
        /// In full, with the remedy.
        why: String,
    },
    /// The server does not accept this host. A person must act; the agent goes on asking now and then.
    Refused(String),
}

impl Session {
    /// A check-in was answered. An answer to nothing that is under way, a copy, changes nothing.
    pub fn handle_reply(&mut self, reply: v1::CheckInReply, now: Ticks) -> Vec<Effect> {
        let Some(sent) = self.in_flight.take() else {
            return Vec::new();
        };
        self.take_time(reply.server_time_ms, now);
        self.backoff.reset();
        self.course_answered(now);
        self.last_success = Some(now);
        self.last_failure = None;
        self.condition_told = Some(sent.condition);
        self.vitals.heard(sent.vitals);

        let mut effects = vec![Effect::TakeMarks {
            store_epoch: reply.store_epoch.clone(),
            durable: reply.durable,
        }];
        let restored = !self.store_epoch.is_empty() && self.store_epoch != reply.store_epoch;
        if restored {
            self.vitals.forget();
        }
        self.store_epoch = reply.store_epoch;
        self.inventories
            .acknowledged(reply.durable_inventory, reply.want_inventory);

        if reply.split {
            effects.push(Effect::Split);
        }
        if reply.renew && !reply.split {
            self.renewal.tell();
        }
        if reply.want_look {
            self.looks.want(now);
        } else {
            self.looks.suffice();
        }
        effects.extend(reply.settings.map(|settings| self.take_settings(settings)));
        effects.extend(reply.rules.and_then(|envelope| self.read_rules(envelope)));
        let leave = reply.leave.filter(|_| !reply.split && reply.work_order.is_none());
        let order = reply.work_order.and_then(|envelope| self.take_order(envelope));
        let starts = reply.notice.as_ref().is_some_and(|notice| notice.number == 0);
        // Nobody is told of a start that is left aside.
        if !starts || order.is_some() {
            effects.push(Effect::TakeNotice {
                notice: reply.notice,
                told: sent.announced,
            });
        }
        effects.extend(reply.cancel.map(Effect::Cancel));
        effects.extend(order);
        effects.extend(reply.agent_release.map(|envelope| self.read_release(&envelope)));
        // What this version cannot read costs a download later and nothing else.
        let hinted = reply.prefetch.into_iter().take(PREFETCH_MAX);
        let prefetch: Vec<ArtifactRef> = hinted.filter_map(|artifact| artifact.try_into().ok()).collect();
        if !prefetch.is_empty() {
            effects.push(Effect::Prefetch(prefetch));
        }

        if sent.looked && self.inventories.is_durable() {
            effects.push(Effect::InventoryDurable);
        }

        self.check_ins.succeed(now.after(self.interval(reply.next_in_seconds)));
        // What this request did not carry and the server lacks goes at once; what it carried in vain waits its turn.
        let lacking = self.inventories.to_send().map(|newest| newest.digest);
        if restored || sent.records_left || (lacking.is_some() && lacking != sent.inventory) {
            self.check_ins.ask(now, WhyCheckIn::SendAgain);
        }
        effects.extend(leave.and_then(|asked| self.take_leave(asked)));
        effects
    }

    /// Only where nothing is left to say: what was said last is durable, no look that may tell more is under way or was asked for, and
    /// no order is open.
    fn take_leave(&self, asked: v1::LeaveAsked) -> Option<Effect> {
        let is_done =
            self.can_leave && self.order.is_none() && self.inventories.is_durable() && !self.looks.may_tell_more();
        let newest = self.inventories.newest().filter(|_| is_done)?;
        Some(Effect::Leave {
            request_id: asked.request_id,
            inventory_digest: newest.digest,
        })
    }

    /// A check-in was not answered.
    pub fn handle_failure(&mut self, failure: &Failure, now: Ticks) {
        self.in_flight = None;
        let (cap, why) = match failure {
            Failure::Overloaded { retry_after } => {
                self.course_answered(now);
                let asked = retry_after.unwrap_or(OVERLOAD_WAIT).min(LONGEST_OVERLOAD);
                // Never earlier than asked for, and not all agents in the same second.
                let wait = self.jitter.between(asked, asked + asked / 2);
                self.check_ins.overloaded(now, wait);
                return;
            }
            Failure::Unreachable(why) => {
                self.course_failed(Symptom::NoWay, now);
                (self.retry_cap(), why)
            }
            Failure::Cut(why) => {
                self.course_failed(Symptom::Cut, now);
                (self.retry_cap(), why)
            }
            Failure::Intercepted { by, why } => {
                self.course_failed(Symptom::NoWay, now);
                self.course.intercepted_by = Some(by.clone());
                (self.retry_cap(), why)
            }
            Failure::Refused(why) => {
                self.course_answered(now);
                (REFUSED_CAP, why)
            }
        };
        let wait = self.backoff.fail(cap, &mut self.jitter);
        self.last_failure = Some(why.clone());
        self.check_ins.fail(now, wait);
    }

    fn retry_cap(&self) -> Duration {
        if self.order.is_some() {
            ORDER_RETRY_CAP
        } else {
            RETRY_CAP
        }
    }

    fn interval(&self, seconds: u32) -> Duration {
        let said = match (seconds, self.settings.check_in_seconds) {
            (0, 0) => DEFAULT_INTERVAL,
            (0, set) | (set, _) => Duration::from_secs(set.into()),
        };
        let longest = if self.order.is_some() {
            ORDER_INTERVAL
        } else {
            LONGEST_INTERVAL
        };
        said.min(longest)
    }

    fn take_settings(&mut self, mut settings: v1::Settings) -> Effect {
        settings.addresses.truncate(ADDRESSES_MAX);
        let addresses = settings.addresses.clone();
        self.settings = settings;
        Effect::TakeAddresses(addresses)
    }

    fn read_rules(&self, envelope: v1::Envelope) -> Option<Effect> {
        match envelope::open_message::<v1::Rules>(&envelope, Context::Rules, &self.server_keys) {
            Ok(rules) if rules.revision > self.rules_revision => Some(Effect::TakeRules {
                revision: rules.revision,
                files: rules.files,
                envelope,
            }),
            Ok(rules) => {
                let (offered, have) = (rules.revision, self.rules_revision);
                tracing::debug!(offered, have, "rules that are not newer are left aside");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "rules that the server sent are not believed");
                None
            }
        }
    }

    fn take_order(&mut self, envelope: v1::Envelope) -> Option<Effect> {
        if let Some(open) = &self.order {
            tracing::warn!(
                open = open.number,
                "the server sent an order while one is open; it is left aside"
            );
            return None;
        }
        // Only a name for logs: the executor believes the envelope or refuses it.
        let order = v1::WorkOrder::decode(envelope.body.as_slice()).unwrap_or_default();
        self.order = Some(OrderLabel {
            number: order.number,
            attempt: Some(order.attempt),
        });
        Some(Effect::RunOrder(envelope))
    }

    /// Rules were taken: these could not be read, and a look has to judge by them.
    pub fn handle_rules(&mut self, revision: u64, refused: Vec<v1::RefusedRule>, now: Ticks) {
        self.rules_revision = revision;
        self.refused_rules = refused;
        self.looks.ask(now, WhyLook::Rules);
    }
}
