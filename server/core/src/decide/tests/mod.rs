//! A host to play with: sends inputs, applies events, and checks after each that the row is the replay of its events.

mod acts;
mod again;
mod ahead;
mod awkward;
mod bounds;
mod canaries;
mod causes;
mod dates;
mod deferrals;
mod detection_tests;
mod disks;
mod drains;
mod files;
mod gap;
mod groups;
mod handwork;
mod lacking;
mod leaving;
mod line;
mod lost;
mod notices;
mod onboarding;
mod others;
mod outcomes;
mod properties;
mod reference;
mod reference_time;
mod restarts;
mod returns;
mod secrets;
mod shown;
mod silent_canaries;
mod story;
mod table;
mod usage;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use cutover_proto::{
    ids::CampaignId,
    inventory::Inventory,
    record::{FailureCause, RecordEvent, StepRecord},
};

use super::*;
use crate::{
    campaign::Campaign,
    catalog::{Catalog, Shelf},
    history,
    judge::assess,
    plan::{Known, Phase, Plan},
    rollout::{
        ApprovalCause, Breaker, Breakers, GroupState, IN_FLIGHT, Lines, RunState, Starts, Tally, WaveState, Waves,
    },
    samples,
    secret::Keyring,
    waiting::{self, Waiting},
};

pub(super) const DAY: i64 = 86_400_000;
pub(super) const HOUR: i64 = 3_600_000;

/// Monday, 2027-01-04T09:00:00Z: no weekend within the first days.
pub(super) const START: i64 = 1_799_053_200_000;

pub(super) struct Host {
    pub(super) plan: Plan,
    pub(super) events: Vec<Event>,
    pub(super) effects: Vec<Effect>,
    pub(super) now_ms: i64,
    pub(super) last_seen_ms: i64,
    pub(super) looked_at_ms: i64,
    pub(super) campaign: Campaign,
    pub(super) catalog: Catalog,
    pub(super) shelf: Shelf,
    pub(super) secrets: Keyring,
    pub(super) waves: Waves,
    pub(super) run: RunState,
    pub(super) breakers: Breakers,
    pub(super) succeeded: BTreeSet<String>,
    pub(super) outages: Vec<Outage>,
    pub(super) seed: u64,
}

impl Host {
    /// An enrolled host of a campaign that starts by itself, past its grace, with an open wave.
    pub(super) fn new() -> Self {
        Self::of(samples::campaign(
            "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\n",
        ))
    }

    pub(super) fn of(mut campaign: Campaign) -> Self {
        // Hosts of these tests do not call as often as real ones; `lost` is about that.
        campaign.policy.agent_lost_after = std::time::Duration::from_hours(24 * 365);
        let mut host = Self {
            plan: Plan::unborn(samples::host(), CampaignId::new(campaign.id.as_str())),
            events: Vec::new(),
            effects: Vec::new(),
            now_ms: START,
            last_seen_ms: START,
            looked_at_ms: START,
            campaign,
            catalog: samples::catalog(),
            shelf: Shelf::default(),
            secrets: Keyring::default(),
            waves: Waves::from([("all", WaveState::Open)]),
            run: RunState::Running,
            breakers: Breakers::default(),
            succeeded: BTreeSet::new(),
            outages: Vec::new(),
            seed: 1,
        };
        host.send(Input::Enrolled {
            known: Known::default(),
        });
        host
    }

    pub(super) fn cx(&self) -> Cx<'_> {
        Cx {
            now_ms: self.now_ms,
            campaign: &self.campaign,
            catalog: &self.catalog,
            shelf: &self.shelf,
            secrets: &self.secrets,
            run: self.run,
            waves: &self.waves,
            breakers: &self.breakers,
            succeeded: &self.succeeded,
            outages: &self.outages,
            seed: self.seed,
        }
    }

    pub(super) fn turn_wave(&mut self, to: WaveState) {
        self.waves.turn("all", to);
    }

    /// The breaker of wave `all` is in this round.
    pub(super) fn turn_round(&mut self, round: u32) {
        let breaker = Breaker {
            round,
            ..Breaker::default()
        };
        self.breakers.set("all", breaker);
    }

    pub(super) fn try_send(&mut self, input: &Input) -> Result<Decision, Refused> {
        let decision = decide(&self.plan, input, &self.cx())?;
        let before = self.plan.clone();
        self.plan = replay(self.plan.clone(), &decision.events).expect("events of decide apply");
        assert_eq!(self.plan.seq, before.seq + decision.events.len() as u64);
        self.events.extend(decision.events.iter().cloned());
        self.effects.extend(decision.effects.iter().cloned());
        Ok(decision)
    }

    pub(super) fn send(&mut self, input: Input) -> Decision {
        self.try_send(&input).unwrap_or_else(|refused| panic!("{refused}"))
    }

    pub(super) fn pass(&mut self, ms: i64) -> &mut Self {
        self.now_ms += ms;
        self
    }

    /// A fresh look that shows this, sent with a check-in.
    pub(super) fn look(&mut self, inventory: &Inventory) -> Decision {
        self.looked_at_ms = self.looked_at_ms.max(self.now_ms) + 1;
        self.last_seen_ms = self.now_ms;
        self.look_of(inventory, self.looked_at_ms)
    }

    /// A look of this time by the host's clock, whenever it comes.
    pub(super) fn look_of(&mut self, inventory: &Inventory, looked_at_ms: i64) -> Decision {
        let assessment = Box::new(assess(inventory, &Known::default(), &self.campaign, &self.catalog));
        let boot_id = inventory.boot_id.clone();
        self.send(Input::Looked {
            assessment,
            looked_at_ms,
            boot_id,
        })
    }

    /// A check-in without news.
    pub(super) fn check_in(&mut self) -> Decision {
        self.last_seen_ms = self.now_ms;
        let (looked_at_ms, boot_id) = (Some(self.looked_at_ms), "boot-1".to_owned());
        self.send(Input::CheckedIn {
            looked_at_ms,
            boot_id,
            running: None,
        })
    }

    /// A check-in after a fresh look that shows nothing new.
    pub(super) fn look_again(&mut self) -> Decision {
        self.looked_at_ms = self.looked_at_ms.max(self.now_ms) + 1;
        self.check_in()
    }

    pub(super) fn start(&mut self) -> u64 {
        let order_number = self.plan.highest_order + 1;
        self.send(Input::Started { order_number, epoch: 1 });
        order_number
    }

    pub(super) fn start_and_fetch(&mut self) -> u64 {
        let number = self.start();
        self.send(Input::OrderFetched { number });
        number
    }

    pub(super) fn record(&self, event: RecordEvent, step: u32, cause: Option<FailureCause>) -> StepRecord {
        let order = self.plan.order.as_ref();
        StepRecord {
            host_id: samples::host(),
            order_number: order.map_or(self.plan.highest_order, |order| order.number),
            sequence: order.map_or(1, |order| order.records_mark + 1),
            event,
            step,
            at_ms: self.now_ms,
            boot_id: "boot-1".to_owned(),
            cause,
            detail: String::new(),
            exit_code: None,
            log_tail: String::new(),
            until_ms: None,
        }
    }

    pub(super) fn report(&mut self, event: RecordEvent, step: u32, cause: Option<FailureCause>) -> Decision {
        let record = self.record(event, step, cause);
        self.last_seen_ms = self.now_ms;
        self.send(Input::Recorded(Box::new(record)))
    }

    /// Reports every step of the open order, a second each, and its end.
    pub(super) fn work(&mut self) {
        let steps = self.plan.order.as_ref().map_or(0, |order| order.steps.len());
        self.report(RecordEvent::OrderAccepted, 0, None);
        for step in 0..u32::try_from(steps).unwrap() {
            self.pass(1000).report(RecordEvent::StepBegun, step, None);
            self.pass(1000).report(RecordEvent::StepDone, step, None);
        }
        self.report(RecordEvent::OrderCompleted, 0, None);
    }

    pub(super) fn next_wake(&self) -> Option<waiting::Wake> {
        waiting::next_wake(&self.plan, self.last_seen_ms, &self.campaign, &self.outages)
    }

    /// Goes on to the next wake and wakes.
    pub(super) fn wake(&mut self) -> Decision {
        if let Some(wake) = self.next_wake() {
            self.now_ms = self.now_ms.max(wake.at_ms);
        }
        self.send(Input::Woke {
            last_seen_ms: self.last_seen_ms,
        })
    }

    /// What the wave's rows say: nothing is out.
    pub(super) fn group(&self) -> GroupState {
        GroupState {
            run: self.run,
            wave: self.waves.state(&self.plan.wave),
            taken: BTreeMap::new(),
            starts: Starts::default(),
            wave_starts: Starts::default(),
            lines: Lines::default(),
            controllers: BTreeMap::new(),
            not_ready: Vec::new(),
            breaker: self.breakers.of(&self.plan.wave).clone(),
            tally: Tally::default(),
        }
    }

    pub(super) fn waiting(&self) -> Option<Waiting> {
        waiting::why(
            &self.plan,
            &self.group(),
            self.last_seen_ms,
            &self.campaign,
            self.now_ms,
        )
    }

    /// From `verifying` with both halves there to `migrated`.
    pub(super) fn confirm(&mut self) {
        self.pass(60_000).look(&samples::replaced());
        self.wake();
        self.check_in();
        self.pass(60_000).look_again();
    }

    /// From queued to migrated, where a soak lies between.
    pub(super) fn migrate_with_soak(&mut self) {
        self.start_and_fetch();
        self.work();
        self.pass(60_000).look(&samples::replaced());
        self.pass(crate::campaign::span::ms(self.campaign.policy.soak)).wake();
        self.check_in();
        self.pass(60_000).look_again();
        assert_eq!(self.plan.phase, Phase::Migrated, "{}", self.told());
    }

    /// From queued to migrated.
    pub(super) fn migrate(&mut self) {
        self.start_and_fetch();
        self.work();
        self.confirm();
        assert_eq!(self.plan.phase, Phase::Migrated, "{}", self.told());
    }

    pub(super) fn told(&self) -> String {
        self.events.iter().map(|event| history::line(event) + "\n").collect()
    }

    pub(super) fn refusal(&mut self, input: &Input) -> String {
        let before = self.plan.clone();
        let refused = self.try_send(input).expect_err("must be refused");
        assert_eq!(refused.state, before.phase);
        assert_eq!(refused.input, input.name());
        assert!(!refused.why.is_empty());
        refused.to_string()
    }
}
