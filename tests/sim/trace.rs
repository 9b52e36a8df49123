//! That a simulation is what would happen: its course is played to the real service and its store, and every event of every
//! plan is the one that was foretold, at the same time.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::{
    campaign::{Campaign, PRESETS},
    catalog::{Catalog, Shelf},
    decide::{Event, Fact, Input},
    plan::{Personal, Phase, Plan},
    rollout::{Breakers, Gates, RunState, Waves},
    simulate::{Assumptions, Habit, Participant, PerMille, Setup, Simulated, simulate},
};
use cutover_proto::ids::HostId;
use cutover_server::{
    service::{ApproveWave, Caller, ChangeTags, NewToken, Service},
    store::{campaigns, events, host_seen, plans},
};

use crate::{
    calendar::{DAY, HOUR, MINUTE, START},
    puppet::{Puppet, Said, pass},
    server::{CAMPAIGN, Server, TRUSTED},
};

/// When the fleet is as it stands, and the simulation begins.
const STANDS: i64 = START + HOUR;
/// When a person opens two of its waves.
const OPENS: i64 = STANDS + 2 * HOUR;
const DAYS: i64 = 12;
const HOSTS: usize = 20;

/// Three waves, of which two are open beside each other and one opens by a gate, limits of every kind, hours, and attempts of which one fails for good. How long a
/// retry waits is drawn anew for each, so there are none.
const WAVES: &str = "
[[window]]
days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]
from = \"06:00\"
to = \"22:00\"
match = { tag = [\"site=b\"] }
[[blackout]]
name = \"stock taking\"
why = \"nobody can do without tills\"
from = \"2024-07-24\"
to = \"2024-07-24\"
match = { tag = [\"site=a\"] }
[[priority]]
name = \"shops\"
match = { tag = [\"site=a\"] }
by = \"30d\"
[[wave]]
name = \"pilot\"
match = { tag = [\"pilot\"] }
canaries = 1
[wave.gate]
least = 3
soak = \"3h\"
most_failures = 2
[[wave]]
name = \"branch\"
match = { tag = [\"branch\"] }
[[wave]]
name = \"most\"
after = [\"pilot\"]
opens = \"by-gate\"
starts_per_hour = 3
[wave.gate]
most_failures = 1
";

const POLICY: &str = "
[policy]
grace = \"0s\"
soak = \"5h\"
attempts = 1
max_in_flight = 4
site_in_flight = 2
restart_within = \"6h\"
fetch_within = \"30d\"
order_life = \"30d\"
agent_lost_after = \"60d\"
stale_after = \"60d\"
silence = \"20h\"
";

/// The preset as a fleet can run it: by itself, and with what is at hand here.
pub(crate) fn preset() -> String {
    let name = format!("{CAMPAIGN}.toml");
    let preset = PRESETS.iter().find(|(file, _)| *file == name).unwrap().1;
    // Its readiness list is its end, and nobody is there to settle it.
    let preset = preset.split("[[readiness]]").next().unwrap();
    preset
        .replace("accepted_grades = []", "accepted_grades = [\"on-demand\"]")
        .replace("mode = \"observe\"", "mode = \"automatic\"")
}

fn text(policy: &str) -> String {
    let trusted = if policy.contains("first_canaries") { "" } else { TRUSTED };
    preset().replace("[wave]\nname = \"all\"\n", &format!("{WAVES}{POLICY}{trusted}{policy}"))
}

/// The same event, whoever of the people it was.
fn by_whomever(event: &Event) -> Event {
    let mut event = event.clone();
    if let Fact::Approved { by, .. } = &mut event.fact {
        *by = Personal::of_digest(&"0".repeat(64)).unwrap();
    }
    event
}

/// What was foretold.
#[derive(Default)]
struct Foretold {
    /// By time, what hosts say.
    calls: BTreeMap<i64, BTreeMap<HostId, Said>>,
    /// By time, whom a person lets start, and of which wave.
    leaves: BTreeMap<i64, Vec<(HostId, String)>>,
    events: BTreeMap<HostId, Vec<Event>>,
}

impl Foretold {
    fn note(&mut self, at_ms: i64, input: &Input, plan: &Plan, events: &[Event]) {
        self.events.entry(plan.host_id).or_default().extend_from_slice(events);
        // All else is the server's own doing.
        if let Input::Recorded(record) = input {
            let said = self.call(at_ms, plan);
            said.boot_id.clone_from(&record.boot_id);
            said.records.push((**record).clone());
        } else if let Input::Looked {
            assessment,
            looked_at_ms,
            boot_id,
        } = input
        {
            let said = self.call(at_ms, plan);
            said.boot_id.clone_from(boot_id);
            said.looked_at_ms = *looked_at_ms;
            said.is_news = true;
            said.is_done = assessment.is_protected_by_replacement();
        } else if let Input::CheckedIn {
            looked_at_ms, boot_id, ..
        } = input
        {
            let said = self.call(at_ms, plan);
            said.boot_id.clone_from(boot_id);
            said.looked_at_ms = looked_at_ms.unwrap_or_default();
        } else if let Input::OrderFetched { .. } = input {
            self.call(at_ms, plan);
        } else if let Input::ApprovedByName { .. } = input {
            let leaves = self.leaves.entry(at_ms).or_default();
            leaves.push((plan.host_id, plan.wave.clone()));
        }
    }

    fn call(&mut self, at_ms: i64, plan: &Plan) -> &mut Said {
        let call = self.calls.entry(at_ms).or_default().entry(plan.host_id);
        call.or_insert_with(|| Said {
            boot_id: plan.last_boot_id.clone(),
            looked_at_ms: plan.last_looked_ms.unwrap_or_default(),
            ..Said::default()
        })
    }
}

struct Stage {
    server: Server,
    puppets: BTreeMap<HostId, Puppet>,
    now_ms: i64,
}

impl Stage {
    /// A fleet that carries the target, with the pilot wave open.
    async fn set(policy: &str) -> Self {
        let server = Server::start(3, &text(policy), START).await.unwrap();
        let service = server.service().unwrap();
        let ask = NewToken {
            uses: 1000,
            hours: 24 * 30,
            pool: None,
        };
        let token = service.create_token(Caller::server(), ask).await.unwrap().token;
        let mut stage = Self {
            server,
            puppets: BTreeMap::new(),
            now_ms: START,
        };
        for index in 0..HOSTS {
            let mut puppet = Puppet::enrol(&service, &token, index).await;
            let said = Said {
                boot_id: format!("boot-{index}"),
                looked_at_ms: START,
                ..Said::default()
            };
            puppet.check_in(&service, START, &said).await;
            let site = if index % 2 == 0 { "site=a" } else { "site=b" };
            let mut add = vec![site.to_owned()];
            add.extend((index % 6 == 3).then(|| "use=kiosk".to_owned()));
            add.extend((index < 5).then(|| "pilot".to_owned()));
            add.extend((5..11).contains(&index).then(|| "branch".to_owned()));
            let tags = ChangeTags {
                add,
                ..ChangeTags::default()
            };
            let host = puppet.host.to_string();
            service.tag_host(Caller::server(), host, tags).await.unwrap();
            stage.puppets.insert(puppet.host, puppet);
        }
        stage.pass().await;
        stage.go_to(STANDS).await;
        stage
    }

    fn service(&self) -> Service {
        self.server.service().unwrap()
    }

    async fn pass(&self) {
        pass(&self.service()).await;
    }

    /// Lets the clock go on, with a pass every few minutes: what happens by itself happens.
    async fn go_to(&mut self, at_ms: i64) {
        while self.now_ms + 10 * MINUTE < at_ms {
            self.now_ms += 10 * MINUTE;
            self.server.move_to(self.now_ms);
            self.pass().await;
        }
        self.now_ms = at_ms;
        self.server.move_to(at_ms);
    }

    /// The fleet as the store has it.
    async fn fleet(&self) -> (Vec<Participant>, campaigns::CampaignRow) {
        let service = self.service();
        let read = service.store().read(|tx| {
            let rows = plans::list(tx, CAMPAIGN, &plans::PlanFilter::default(), None, 1000)?;
            let mut fleet = Vec::new();
            for row in &rows {
                fleet.push(Participant {
                    plan: serde_json::from_str(&row.state).unwrap(),
                    last_seen_ms: host_seen::load(tx, &row.host_id)?.map_or(0, |seen| seen.seen_ms),
                    habit: Some(Habit::Always),
                });
            }
            let row = campaigns::load(tx, CAMPAIGN)?.unwrap();
            Ok::<_, cutover_server::service::ServiceError>((fleet, row))
        });
        read.await.unwrap()
    }

    /// Plans' events from there on.
    async fn events_since(&self, pos: i64) -> BTreeMap<HostId, Vec<Event>> {
        let all = self
            .service()
            .store()
            .read(move |tx| events::since(tx, pos, 100_000))
            .await
            .unwrap();
        let mut by_host: BTreeMap<HostId, Vec<Event>> = BTreeMap::new();
        for event in all {
            if let Some(rest) = event.stream.as_str().strip_prefix(&format!("plan:{CAMPAIGN}/")) {
                let read = serde_json::from_str(&event.body).unwrap();
                by_host.entry(rest.parse().unwrap()).or_default().push(read);
            }
        }
        by_host
    }

    async fn last_pos(&self) -> i64 {
        self.service().store().read(|tx| events::last_pos(tx)).await.unwrap()
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Progress {
    waves: Waves,
    breakers: Breakers,
    gates: Gates,
    succeeded: BTreeSet<String>,
    soaking: BTreeMap<String, u32>,
}

fn foretell(fleet: Vec<Participant>, row: &campaigns::CampaignRow, assumptions: &Assumptions) -> (Foretold, Simulated) {
    let progress: Progress = serde_json::from_str(&row.progress).unwrap();
    let campaign = Campaign::parse("campaign.toml", &row.body, u32::try_from(row.version).unwrap()).unwrap();
    let setup = Setup {
        campaign: &campaign,
        catalog: &Catalog::built_in().unwrap(),
        shelf: &Shelf::default(),
        secrets: &cutover_core::secret::NO_SECRETS,
        run: RunState::Running,
        not_ready: Vec::new(),
        waves: progress.waves,
        breakers: progress.breakers,
        gates: progress.gates,
        succeeded: progress.succeeded,
        soaking: progress.soaking,
        epoch: u64::try_from(row.epoch).unwrap(),
        opens: vec![("branch".to_owned(), OPENS), ("pilot".to_owned(), OPENS)],
        assumptions,
        from_ms: STANDS,
        until_ms: STANDS + DAYS * DAY,
        seed: 11,
        jitter: None,
    };
    let mut foretold = Foretold::default();
    let simulated = simulate(setup, fleet, |step| {
        foretold.note(step.at_ms, step.input, step.plan, step.events);
    });
    (foretold, simulated)
}

/// Plays what was foretold to the real service, and compares.
async fn plays_out(policy: &str, assumptions: Assumptions) -> (Foretold, Simulated) {
    let mut stage = Stage::set(policy).await;
    let (fleet, row) = stage.fleet().await;
    let (foretold, simulated) = foretell(fleet, &row, &assumptions);
    let pos = stage.last_pos().await;
    let mut instants: BTreeSet<i64> = foretold.calls.keys().copied().collect();
    instants.insert(OPENS);
    instants.extend(foretold.leaves.keys());
    instants.extend(foretold.events.values().flatten().map(|event| event.at_ms));
    for at_ms in instants {
        stage.go_to(at_ms).await;
        let service = stage.service();
        for wave in ["branch", "pilot"].into_iter().filter(|_| at_ms == OPENS) {
            service
                .open_wave(Caller::server(), wave.to_owned(), false)
                .await
                .unwrap();
        }
        for (host, wave) in foretold.leaves.get(&at_ms).into_iter().flatten() {
            let ask = ApproveWave {
                hosts: vec![host.to_string()],
                ..ApproveWave::default()
            };
            service.approve_wave(Caller::server(), wave.clone(), ask).await.unwrap();
        }
        for (host, said) in foretold.calls.get(&at_ms).into_iter().flatten() {
            let puppet = stage.puppets.get_mut(host).unwrap();
            puppet.check_in(&service, at_ms, said).await;
        }
        stage.pass().await;
    }
    stage.go_to(STANDS + DAYS * DAY).await;
    let happened = stage.events_since(pos).await;
    for host in stage.puppets.keys() {
        let told = foretold.events.get(host).cloned().unwrap_or_default();
        let happened = happened.get(host).cloned().unwrap_or_default();
        for (nth, (told, was)) in told.iter().zip(&happened).enumerate() {
            assert_eq!(by_whomever(told), by_whomever(was), "event {nth} of {host}");
        }
        assert_eq!(told.len(), happened.len(), "{host}: {:?}", happened.get(told.len()));
    }
    (foretold, simulated)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_simulated_is_what_the_engine_does() {
    let (_, simulated) = plays_out(
        "",
        Assumptions {
            fails: PerMille(0),
            goes_dark: PerMille(0),
            ..Assumptions::default()
        },
    )
    .await;
    assert_eq!((simulated.to_do, simulated.done), (HOSTS as u64, HOSTS as u64));
    assert!(simulated.days.iter().any(|day| day.restarts > 0));
    assert!(simulated.waves[2].opened_ms.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_in_a_simulation_goes_wrong_the_same_in_the_engine() {
    let (_, simulated) = plays_out(
        "",
        Assumptions {
            fails: PerMille(400),
            goes_dark: PerMille(400),
            defers: PerMille(600),
            pace: 100,
            people_within: None,
        },
    )
    .await;
    assert!(simulated.days.iter().any(|day| day.failed > 0));
    assert!(
        simulated.waves.iter().any(|wave| !wave.halts.is_empty()),
        "{:?}",
        simulated.waves
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_first_with_a_recipe_by_a_persons_leave_does_so_in_both() {
    let assumptions = Assumptions {
        fails: PerMille(0),
        goes_dark: PerMille(0),
        people_within: Some(std::time::Duration::from_secs(3600)),
        ..Assumptions::default()
    };
    let (foretold, simulated) = plays_out("first_canaries = 2\n", assumptions).await;
    assert_eq!(simulated.done, HOSTS as u64);
    let leaves = foretold.leaves.values().flatten().count();
    assert_eq!(
        leaves, 11,
        "those of the waves that open first; by the third one's time the recipe is known"
    );
    let mut events: Vec<&Event> = foretold.events.values().flatten().collect();
    events.sort_by_key(|event| event.at_ms);
    let is_done = |event: &&Event| {
        matches!(
            event.fact,
            Fact::Moved {
                to: Phase::Migrated,
                ..
            }
        )
    };
    let mut done = 0;
    let before = events.iter().take_while(|event| {
        done += usize::from(is_done(event));
        done < 2
    });
    let begun = before
        .filter(|event| matches!(event.fact, Fact::OrderIssued { .. }))
        .count();
    assert_eq!(begun, 2, "the others wait until both are through");
}
