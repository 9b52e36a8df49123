//! Breaking things on purpose, to see that the checks see it.

use std::collections::BTreeSet;

use anyhow::Result;
use cutover_core::{
    coverage::Ownership,
    decide::{self, Event, Fact},
    plan::{Exemption, Hold, HoldKind, Known, Personal, Phase, Plan},
    rollout::{BreakerState, WaveState},
};
use cutover_proto::{
    ids::{HostId, ProductId},
    inventory::PackageManager,
    step::{Action, Step},
};
use cutover_server::{
    service::{Service, ServiceError},
    store::{StreamName, campaigns, events, plans},
};

use crate::{
    calendar::{DAY, HOUR},
    case::Tamper,
    happening::Happening,
    server::CAMPAIGN,
    truth::Replacement,
    world::World,
};

impl World {
    pub(crate) async fn tamper(&mut self) -> Result<()> {
        let (Some(tamper), Some(service)) = (self.case.tamper, self.server.service()) else {
            self.later(self.now_ms + HOUR, Happening::Tamper);
            return Ok(());
        };
        let needs_open = matches!(
            tamper,
            Tamper::OrderForHeld
                | Tamper::OrderForExempt
                | Tamper::OrderForOthers
                | Tamper::OrderOutOfScope
                | Tamper::OrderInPausedWave
                | Tamper::OrderWhileStopped
                | Tamper::OrderInHaltedWave
                | Tamper::OrderForRetired
                | Tamper::OrderForEncrypted
                | Tamper::OrderInObserve
                | Tamper::OrderInGrace
                | Tamper::TwoOrders
                | Tamper::TooMany
                | Tamper::OrderOutOfHours
                | Tamper::OrderInBlackout
                | Tamper::TooManyOfSite
                | Tamper::TooManyOfWave
                | Tamper::TooManyAnHour
                | Tamper::TooMuchForALine
                | Tamper::TooManyFirst
                | Tamper::TwoOfASet
                | Tamper::AgainstWord
                | Tamper::ForeignWave
        );
        let rules = &self.view.rules;
        let is_halted = |wave: &str| matches!(rules.breakers.of(wave).state, BreakerState::Tripped(_));
        let is_open = rules
            .waves
            .iter()
            .any(|(wave, state)| *state == WaveState::Open && !is_halted(wave));
        if needs_open && (!is_open || rules.stopped) {
            self.later(self.now_ms + HOUR, Happening::Tamper);
            return Ok(());
        }
        if let Some(sabotage) = self.server.sabotage() {
            // One breaking at a time.
            sabotage.pause(true);
        }
        self.break_on_purpose(tamper, &service).await?;
        if let Some(sabotage) = self.server.sabotage() {
            sabotage.pause(false);
        }
        Ok(())
    }

    async fn break_on_purpose(&mut self, tamper: Tamper, service: &Service) -> Result<()> {
        match tamper {
            Tamper::LyingLook => {
                for machine in &mut self.machines {
                    machine.lies = true;
                }
            }
            Tamper::NoFetch => {
                for machine in &mut self.machines {
                    machine.skips_fetching = true;
                    machine.truth.fetched = false;
                    machine.truth.replacement = Replacement::Absent;
                }
            }
            Tamper::HiddenEncryption => {
                for machine in &mut self.machines {
                    machine.hides_encryption = true;
                }
            }
            Tamper::NoPasses => {}
            Tamper::Total => self.sql(service, "UPDATE total SET hosts = hosts + 1").await?,
            Tamper::Tally => self.sql(service, "UPDATE wave_tally SET hosts = hosts + 1").await?,
            Tamper::Row => {
                let change = "UPDATE plan SET state = replace(state, '\"hindrances\":0', '\"hindrances\":7')";
                self.sql(service, change).await?;
            }
            Tamper::Wake => {
                self.sql(service, "UPDATE plan SET wake_at_ms = NULL WHERE NOT closed")
                    .await?
            }
            Tamper::Records => self.sql(service, "DELETE FROM step_record").await?,
            Tamper::Chain => {
                self.sql(service, "UPDATE event SET at_ms = at_ms + 1 WHERE seq = 1")
                    .await?
            }
            Tamper::OrderForHeld => {
                let hold = Hold {
                    kind: HoldKind::Legal,
                    who: nobody()?,
                    why: nobody()?,
                    until_ms: None,
                };
                self.issue(service, 1, vec![Fact::HoldPlaced { hold }]).await?;
            }
            Tamper::OrderForExempt => {
                let exemption = Exemption {
                    why: nobody()?,
                    owner: nobody()?,
                    control: None,
                    until_ms: None,
                    by: None,
                };
                self.issue(service, 1, vec![Fact::Exempted { exemption }]).await?;
            }
            Tamper::OrderForOthers => {
                let known = Known {
                    ownership: Some(Ownership::Personal),
                    ..Known::default()
                };
                self.issue(service, 1, vec![Fact::Described { known }]).await?;
            }
            Tamper::OrderOutOfScope => {
                let rule = Some("kiosks".to_owned());
                self.issue(service, 1, vec![Fact::ScopeTurned { rule }]).await?;
            }
            Tamper::OrderInPausedWave => {
                self.sql(
                    service,
                    "UPDATE campaign SET progress = replace(progress, '\"all\":\"open\"', '\"all\":\"paused\"')",
                )
                .await?;
                self.issue(service, 1, Vec::new()).await?;
            }
            Tamper::OrderWhileStopped => {
                self.sql(service, "UPDATE campaign SET state = 'stopped'").await?;
                self.issue(service, 1, Vec::new()).await?;
            }
            Tamper::OrderInHaltedWave => {
                halt(service).await?;
                self.issue(service, 1, Vec::new()).await?;
            }
            Tamper::OrderForRetired => {
                let (to, reason) = (Phase::Retired, None);
                self.issue(service, 1, vec![Fact::Moved { to, reason }]).await?;
            }
            Tamper::OrderForEncrypted => {
                let newest = |host: &HostId| self.view.looks.get(host)?.iter().max_by_key(|look| look.taken_ms);
                let hosts = self.view.plans.keys().filter(|host| !self.view.shared.contains(host));
                let locked: BTreeSet<HostId> = hosts
                    .filter(|host| newest(host).is_some_and(|look| look.is_locked))
                    .copied()
                    .collect();
                let fits = move |plan: &Plan| locked.contains(&plan.host_id) && may_be_issued(plan);
                let issued = self.issued(900_000);
                self.append(service, fits, 1, &[issued]).await?;
            }
            Tamper::OrderInObserve => {
                let change = "UPDATE campaign SET body = replace(body, 'mode = \"automatic\"', 'mode = \"observe\"')";
                self.sql(service, change).await?;
                self.issue(service, 1, Vec::new()).await?;
            }
            Tamper::OrderInGrace => self.issue(service, 1, vec![Fact::SeenAgain]).await?,
            Tamper::TwoOrders => {
                let first = self.issued(899_999);
                self.issue(service, 1, vec![first]).await?;
            }
            Tamper::Misfit => {
                let (number, why) = (900_000, "nothing".to_owned());
                let fact = Fact::OrderCancelling { number, why };
                self.append(service, |plan| plan.order.is_none(), 1, &[fact]).await?;
            }
            Tamper::Silence => {
                let fact = Fact::ReasonTurned { reason: None };
                let fits = |plan: &Plan| plan.phase == Phase::Blocked && !plan.stale && plan.pool.is_none();
                self.append(service, fits, 1, &[fact]).await?;
                // Before anything else says why.
                self.recount().await?;
            }
            Tamper::Slot => {
                self.sql(service, "UPDATE slot SET used = used + 1 WHERE name = 'in-flight'")
                    .await?
            }
            Tamper::Place => {
                let row = "INSERT INTO slot (campaign_id, name, used, cap) SELECT campaign_id, 'first:it', 1, 5 FROM campaign WHERE 1 = 1 \
                           ON CONFLICT (campaign_id, name) DO UPDATE SET used = slot.used + 1";
                self.sql(service, row).await?;
            }
            Tamper::TooMany
            | Tamper::TooManyOfSite
            | Tamper::TooManyOfWave
            | Tamper::TooManyAnHour
            | Tamper::OrderInBlackout => self.issue(service, usize::MAX, Vec::new()).await?,
            Tamper::TooManyFirst => {
                // One more than has succeeded so far may go first, says the campaign as it was drawn.
                let first = self.view.course.good("all") + 1;
                self.view.plot.waves[0].canaries = u32::try_from(first)?;
                self.issue(service, 2, Vec::new()).await?;
            }
            Tamper::TooMuchForALine => {
                let known = Known {
                    tags: vec!["site=a".to_owned()],
                    site: "a".to_owned(),
                    ..Known::default()
                };
                let mut issued = self.issued(900_000);
                if let Fact::OrderIssued { steps, .. } = &mut issued {
                    steps.push(fetch());
                }
                let facts = [Fact::Described { known }, issued];
                self.append(service, may_be_issued, 2, &facts).await?;
            }
            // Its hours are past by now.
            Tamper::OrderOutOfHours => self.issue(service, 1, Vec::new()).await?,
            Tamper::TwoOfASet => {
                let known = Known {
                    tags: vec!["set=pair".to_owned()],
                    ..Known::default()
                };
                self.issue(service, 2, vec![Fact::Described { known }]).await?;
            }
            Tamper::AgainstWord => {
                let hosts: Vec<HostId> = self.view.plans.keys().copied().collect();
                self.view
                    .told
                    .exempt
                    .extend(hosts.into_iter().map(|host| (host, i64::MAX)));
                self.issue(service, 1, Vec::new()).await?;
            }
            Tamper::ForeignWave => {
                let turned = Fact::Grouped {
                    wave: "all".to_owned(),
                    site: String::new(),
                    is_late_joiner: false,
                };
                let is_new = |plan: &Plan| may_be_issued(plan) && plan.wave == "rest" && plan.attempts_used == 0;
                let issued = self.issued(900_000);
                self.append(service, is_new, 1, &[turned, issued]).await?;
            }
            Tamper::EarlyOpening => open_early(service).await?,
            Tamper::Attempt => {
                let why = "nothing".to_owned();
                let fact = Fact::NotConfirmed {
                    why,
                    used_attempt: true,
                };
                self.append(service, |plan| plan.phase == Phase::Migrated, 1, &[fact])
                    .await?;
            }
        }
        Ok(())
    }

    /// Changes rows behind the service's back; later, where there are none yet.
    async fn sql(&mut self, service: &Service, text: &'static str) -> Result<()> {
        let changed = service
            .store()
            .write(move |tx| Ok::<_, ServiceError>(tx.execute(text, &[])?))
            .await?;
        if changed == 0 {
            self.later(self.now_ms + HOUR, Happening::Tamper);
        }
        Ok(())
    }

    /// Issues orders past every check, after these facts.
    async fn issue(&mut self, service: &Service, most: usize, first: Vec<Fact>) -> Result<()> {
        let mut facts = first;
        facts.push(self.issued(900_000));
        self.append(service, may_be_issued, most, &facts).await
    }

    fn issued(&self, number: u64) -> Fact {
        Fact::OrderIssued {
            number,
            attempt: 1,
            round: 0,
            epoch: 1,
            replacement: ProductId::new("clamav"),
            steps: Vec::new(),
            expires_ms: self.now_ms + DAY,
            fetch_by_ms: self.now_ms + DAY,
            slots: Vec::new(),
            recipes: Vec::new(),
            secrets: Vec::new(),
            grade: None,
            catalog_revision: 1,
        }
    }

    /// Appends events as if they had been decided. One that does not fit is there all the same.
    async fn append(
        &mut self,
        service: &Service,
        fits: impl Fn(&Plan) -> bool,
        most: usize,
        facts: &[Fact],
    ) -> Result<()> {
        let hosts: Vec<HostId> = self
            .view
            .plans
            .values()
            .filter(|plan| fits(plan))
            .map(|plan| plan.host_id)
            .collect();
        if hosts.is_empty() {
            self.later(self.now_ms + HOUR, Happening::Tamper);
            return Ok(());
        }
        let (now_ms, facts) = (self.now_ms, facts.to_vec());
        for host in hosts.into_iter().take(most) {
            let facts = facts.clone();
            service
                .store()
                .write(move |tx| {
                    let broken = |why: String| ServiceError::Broken { why };
                    let row = plans::load(tx, CAMPAIGN, &host.to_string())?;
                    let mut row = row.ok_or_else(|| broken(format!("no plan of {host}")))?;
                    let mut plan: Plan = serde_json::from_str(&row.state).map_err(|error| broken(error.to_string()))?;
                    let stream = StreamName::plan(CAMPAIGN, &host.to_string());
                    for fact in &facts {
                        let event = Event {
                            at_ms: now_ms,
                            fact: fact.clone(),
                        };
                        plan = decide::apply(&plan, &event).unwrap_or_else(|_| Plan {
                            seq: plan.seq + 1,
                            ..plan.clone()
                        });
                        let new = events::NewEvent {
                            kind: event.fact.name().to_owned(),
                            schema_version: 1,
                            body: serde_json::to_string(&event).map_err(|error| broken(error.to_string()))?,
                            at_ms: now_ms,
                            agent_at_ms: None,
                        };
                        events::append_next(tx, &stream, &[new])?;
                    }
                    let before = row.seq;
                    row.seq = i64::try_from(plan.seq).unwrap_or(i64::MAX);
                    row.state = serde_json::to_string(&plan).map_err(|error| broken(error.to_string()))?;
                    plans::compare_and_set(tx, before, &row)?;
                    Ok::<_, ServiceError>(())
                })
                .await?;
        }
        Ok(())
    }
}

/// Whether nothing but what is broken on purpose stands against an order.
fn may_be_issued(plan: &Plan) -> bool {
    let is_free = plan.holds.is_empty() && plan.local_hold.is_none() && plan.pool.is_none() && plan.known.is_ours();
    let is_meant = plan.exemption.is_none() && plan.scoped_out_by.is_none();
    is_free && is_meant && plan.order.is_none() && !plan.is_closed()
}

/// What any order begins with that brings the replacement.
fn fetch() -> Step {
    Step {
        action: Action::FetchPackages {
            manager: PackageManager::Apt,
            packages: vec!["clamav".to_owned()],
        },
        time_limit: std::time::Duration::from_secs(60),
        safe_point_after: true,
    }
}

/// What stands for words of a person that nobody said.
fn nobody() -> Result<Personal> {
    Ok(Personal::of_digest(&"0".repeat(64))?)
}

/// Says that the wave is halted, as its breaker would.
async fn halt(service: &Service) -> Result<()> {
    change_progress(service, |progress| {
        progress["breakers"]["all"] = serde_json::json!({
            "round": 0,
            "state": {
                "state": "tripped", "cause": { "kind": "not-back", "hosts": 2 }, "owner": "technician", "at_ms": 0,
            },
        });
    })
    .await
}

/// Opens the second wave, as the gate of the first would.
async fn open_early(service: &Service) -> Result<()> {
    change_progress(service, |progress| {
        progress["waves"]["rest"] = serde_json::json!("open")
    })
    .await
}

async fn change_progress(service: &Service, change: fn(&mut serde_json::Value)) -> Result<()> {
    service
        .store()
        .write(move |tx| {
            let why = "the campaign has no row that could be changed".to_owned();
            let broken = || ServiceError::Broken { why: why.clone() };
            let mut row = campaigns::load(tx, CAMPAIGN)?.ok_or_else(broken)?;
            let mut progress: serde_json::Value = serde_json::from_str(&row.progress).map_err(|_| broken())?;
            change(&mut progress);
            row.progress = progress.to_string();
            Ok::<_, ServiceError>(campaigns::compare_and_set(tx, row.seq, &row)?)
        })
        .await?;
    Ok(())
}
