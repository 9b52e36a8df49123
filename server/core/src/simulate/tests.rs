use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cutover_proto::{ids::HostId, inventory::Inventory};

use super::*;
use crate::{
    campaign::{Campaign, PRESETS},
    catalog::{Catalog, Shelf},
    decide::{self, Cx, Event, Fact, Input},
    judge::assess,
    plan::{Known, OrderEnd, Phase, Plan},
    rollout::{Breakers, Gates, RunState, WaveState, Waves},
    samples,
};

pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 24 * HOUR;
/// Monday, 2027-01-04T09:00:00Z.
pub(crate) const START: i64 = 1_799_053_200_000;

/// A campaign of these waves that starts by itself; `policy` goes into its policy.
pub(crate) fn campaign(waves: &str, policy: &str) -> Campaign {
    // Its readiness list is its end.
    let preset = PRESETS[0].1.split("[[readiness]]").next().unwrap();
    let text = preset
        .replace("accepted_grades = []", "accepted_grades = [\"on-demand\"]")
        .replace("mode = \"observe\"", "mode = \"automatic\"")
        .replace("[wave]\nname = \"all\"\n", waves)
        .replace("[policy]\n", "");
    let text = samples::trusting(&format!("{text}\n[policy]\ngrace = \"0s\"\n{policy}"));
    let text = format!("recovery_target = \"2027-06-30T00:00:00-04:00\"\n{text}");
    Campaign::parse("sample.toml", &text, 1).unwrap()
}

pub(crate) fn all(policy: &str) -> Campaign {
    campaign("[wave]\nname = \"all\"\n", policy)
}

pub(crate) fn host(number: usize) -> HostId {
    format!("01890000-0000-7000-8000-{number:012}").parse().unwrap()
}

pub(crate) struct Fleet {
    pub(crate) campaign: Campaign,
    pub(crate) hosts: Vec<Participant>,
    pub(crate) waves: Waves,
    pub(crate) not_ready: Vec<String>,
    pub(crate) opens: Vec<(String, i64)>,
    pub(crate) assumptions: Assumptions,
    pub(crate) days: i64,
    pub(crate) seed: u64,
}

impl Fleet {
    /// Hosts that carry the target, of which nothing is known but their sites, `a` and `b` by turns.
    pub(crate) fn of(hosts: usize, campaign: Campaign) -> Self {
        let first = campaign.waves[0].name.clone();
        let mut fleet = Self {
            waves: Waves::from([(first.as_str(), WaveState::Open)]),
            hosts: Vec::new(),
            not_ready: Vec::new(),
            opens: Vec::new(),
            assumptions: Assumptions {
                fails: PerMille(0),
                goes_dark: PerMille(0),
                ..Assumptions::default()
            },
            days: 30,
            seed: 1,
            campaign,
        };
        for number in 0..hosts {
            let site = if number % 2 == 0 { "a" } else { "b" };
            let known = Known {
                site: site.to_owned(),
                ..Known::default()
            };
            fleet.add(number, known, &samples::carrying());
        }
        fleet
    }

    pub(crate) fn add(&mut self, number: usize, known: Known, inventory: &Inventory) {
        let mut plan = Plan::unborn(host(number), self.campaign.id.clone());
        let assessment = Box::new(assess(inventory, &known, &self.campaign, &samples::catalog()));
        let looked = Input::Looked {
            assessment,
            looked_at_ms: START - 1,
            boot_id: "boot-1".to_owned(),
        };
        for input in [Input::Enrolled { known }, looked] {
            let cx = Cx {
                now_ms: START,
                campaign: &self.campaign,
                catalog: &samples::catalog(),
                shelf: &Shelf::default(),
                secrets: &crate::secret::NO_SECRETS,
                run: RunState::Running,
                waves: &self.waves,
                breakers: &Breakers::default(),
                succeeded: &BTreeSet::new(),
                outages: &[],
                seed: 0,
            };
            plan = decide::decide_and_apply(&plan, &input, &cx).unwrap().1;
        }
        self.hosts.push(Participant {
            plan,
            last_seen_ms: START,
            habit: Some(Habit::Always),
        });
    }

    pub(crate) fn setup<'a>(&'a self, catalog: &'a Catalog, shelf: &'a Shelf) -> Setup<'a> {
        Setup {
            campaign: &self.campaign,
            catalog,
            shelf,
            secrets: &crate::secret::NO_SECRETS,
            run: RunState::Running,
            not_ready: self.not_ready.clone(),
            waves: self.waves.clone(),
            breakers: Breakers::default(),
            gates: Gates::default(),
            succeeded: BTreeSet::new(),
            soaking: BTreeMap::new(),
            epoch: 1,
            opens: self.opens.clone(),
            assumptions: &self.assumptions,
            from_ms: START,
            until_ms: START + self.days * DAY,
            seed: self.seed,
            jitter: None,
        }
    }

    pub(crate) fn go(&self) -> Simulated {
        self.trace(|_| ())
    }

    pub(crate) fn trace(&self, trace: impl FnMut(&Step<'_>)) -> Simulated {
        simulate(
            self.setup(&samples::catalog(), &Shelf::default()),
            self.hosts.clone(),
            trace,
        )
    }

    /// Which hosts started, in order.
    fn started(&self) -> Vec<HostId> {
        let mut started = Vec::new();
        self.trace(|step| {
            let is_start = |event: &Event| matches!(event.fact, Fact::OrderIssued { .. });
            started.extend(step.events.iter().any(is_start).then_some(step.plan.host_id));
        });
        started
    }

    /// When hosts started, in order.
    pub(crate) fn starts(&self) -> Vec<i64> {
        let mut starts = Vec::new();
        self.trace(|step| {
            let issued = |event: &&Event| matches!(event.fact, Fact::OrderIssued { .. });
            starts.extend(step.events.iter().filter(issued).map(|event| event.at_ms));
        });
        starts
    }
}

pub(crate) fn left(simulated: &Simulated) -> Vec<(&str, u64)> {
    simulated.left.iter().map(|it| (it.why.as_str(), it.hosts)).collect()
}

#[test]
fn a_fleet_that_is_there_and_never_fails_is_done() {
    let done = Fleet::of(40, all("soak = \"2h\"\nmax_in_flight = 4\n")).go();
    assert_eq!((done.hosts, done.to_do, done.done, done.never_reached), (40, 40, 40, 0));
    assert_eq!(done.left, []);
    let at = |percent| {
        done.shares
            .iter()
            .find(|it| it.percent == percent)
            .unwrap()
            .at_ms
            .unwrap()
    };
    assert!(START < at(50) && at(50) < at(90) && at(90) <= at(100));
    let wave = &done.waves[0];
    assert_eq!((wave.to_do, wave.done, wave.first_start_ms), (40, 40, Some(START)));
    assert_eq!((wave.half_ms, wave.done_ms), (Some(at(50)), Some(at(100))));
    assert_eq!(done.days.iter().map(|day| (day.starts, day.done)).sum_pairs(), (40, 40));
    let most: Vec<u32> = done.sites.iter().map(|site| site.most_at_work).collect();
    assert!(
        most.iter().all(|most| *most <= 4) && most.iter().sum::<u32>() >= 4,
        "{most:?}"
    );
}

trait SumPairs {
    fn sum_pairs(self) -> (u64, u64);
}

impl<I: Iterator<Item = (u64, u64)>> SumPairs for I {
    fn sum_pairs(self) -> (u64, u64) {
        self.fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1))
    }
}

#[test]
fn the_same_seed_gives_the_same_course_and_another_one_another() {
    let mut fleet = Fleet::of(30, all("max_in_flight = 3\n"));
    fleet.assumptions.fails = PerMille(300);
    for it in &mut fleet.hosts {
        it.habit = Some(Habit::office());
    }
    let one = fleet.go();
    assert_eq!(fleet.go(), one);
    fleet.seed = 2;
    assert_ne!(fleet.go().shares, one.shares);
}

#[test]
fn whatever_happens_to_a_plan_its_events_make_it_and_no_more_are_out_than_may_be() {
    let policy = "max_in_flight = 5\nsite_in_flight = 3\nstarts_per_hour = 7\nsoak = \"1h\"\n";
    let mut fleet = Fleet::of(60, all(policy));
    fleet.assumptions.fails = PerMille(200);
    fleet.assumptions.goes_dark = PerMille(100);
    fleet.assumptions.defers = PerMille(500);
    for (index, it) in fleet.hosts.iter_mut().enumerate().filter(|(index, _)| index % 3 == 0) {
        it.habit = Some(Habit::office());
        it.last_seen_ms = START - index as i64 * HOUR;
    }
    let mut plans: BTreeMap<HostId, Plan> = fleet
        .hosts
        .iter()
        .map(|it| (it.plan.host_id, it.plan.clone()))
        .collect();
    let mut starts: Vec<i64> = Vec::new();
    let done = fleet.trace(|step| {
        let withdrawn = |event: &Event| {
            matches!(
                event.fact,
                Fact::OrderEnded {
                    end: OrderEnd::Withdrawn,
                    ..
                }
            )
        };
        if step.events.iter().any(withdrawn) {
            let issued_ms = plans[&step.plan.host_id].order.as_ref().unwrap().issued_ms;
            starts.remove(starts.iter().rposition(|it| *it == issued_ms).unwrap());
        }
        let known = plans.get_mut(&step.plan.host_id).unwrap();
        *known = decide::replay(known.clone(), step.events).unwrap();
        assert_eq!(known, step.plan);
        let issued = step
            .events
            .iter()
            .any(|event| matches!(event.fact, Fact::OrderIssued { .. }));
        if issued {
            starts.push(step.at_ms);
            let out = |site: &str| {
                let at_site = |plan: &&Plan| plan.order.is_some() && (site.is_empty() || plan.known.site == site);
                plans.values().filter(at_site).count()
            };
            assert!(out("") <= 5 && out("a") <= 3 && out("b") <= 3);
        }
    });
    assert!(starts.len() > 60, "some were tried again");
    for (index, at_ms) in starts.iter().enumerate() {
        let within = starts[..=index].iter().filter(|it| **it > at_ms - HOUR).count();
        assert!(within <= 7, "{within} starts within an hour");
    }
    assert!(done.days.iter().any(|day| day.failed > 0));
    assert!(done.done > 50, "{:?}", done.left);
}

#[test]
fn what_a_person_must_do_first_is_said_and_is_done_where_people_are_made_up() {
    let mut fleet = Fleet::of(6, all("approval_for = [\"workstation\"]\n"));
    let done = fleet.go();
    assert_eq!(done.done, 0);
    let why = "a person must let it start: the campaign asks it of machines of its class";
    assert_eq!(left(&done), [(why, 6)]);
    assert_eq!(
        (done.left[0].remedy.as_str(), done.left[0].named.len()),
        ("cutover wave approve", 6)
    );
    fleet.assumptions.people_within = Some(Duration::from_hours(5));
    assert_eq!(fleet.go().done, 6);
    assert_eq!(fleet.starts()[0], START + 5 * HOUR);
}

#[test]
fn who_has_priority_starts_first_and_who_goes_last_last() {
    let rules = "[[priority]]\nname = \"tills\"\nmatch = { tag = [\"till\"] }\nby = \"7d\"\n[[priority]]\nname = \"labs\"\nmatch = { tag = [\"lab\"] }\nby = \"-7d\"\n[wave]\nname = \"all\"\n";
    let mut fleet = Fleet::of(3, campaign(rules, "max_in_flight = 1\n"));
    fleet.hosts.clear();
    for (number, tags) in [&["lab"][..], &[], &["till"]].into_iter().enumerate() {
        let known = Known {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Known::default()
        };
        fleet.add(number, known, &samples::carrying());
    }
    assert_eq!(fleet.started(), [host(2), host(1), host(0)]);
}

#[test]
fn nobody_starts_before_the_readiness_list_is_settled() {
    let mut fleet = Fleet::of(2, all(""));
    fleet.not_ready = vec!["seats".to_owned()];
    assert_eq!(left(&fleet.go()), [("of the readiness list is open: seats", 2)]);
    fleet.assumptions.people_within = Some(Duration::from_hours(9));
    assert_eq!(fleet.starts()[0], START + 9 * HOUR);
    assert_eq!(fleet.go().done, 2);
}

#[test]
fn a_closed_wave_does_nothing_until_somebody_opens_it() {
    let mut fleet = Fleet::of(3, all(""));
    fleet.waves = Waves::default();
    fleet.hosts.clear();
    for number in 0..3 {
        fleet.add(number, Known::default(), &samples::carrying());
    }
    assert_eq!(left(&fleet.go()), [("wave all is not open", 3)]);
    fleet.opens = vec![("all".to_owned(), START + 2 * DAY)];
    let done = fleet.go();
    assert_eq!((done.done, done.waves[0].opened_ms), (3, Some(START + 2 * DAY)));
    assert_eq!(done.waves[0].first_start_ms, Some(START + 2 * DAY));
}

const TWO: &str = "[[wave]]\nname = \"first\"\nmatch = { site = [\"a\"] }\ncanaries = 2\n[wave.gate]\nleast = 5\nsoak = \"6h\"\n\
                   approval = \"operator\"\n[[wave]]\nname = \"next\"\nopens = \"by-gate\"\n";

#[test]
fn canaries_go_first_and_the_next_wave_opens_when_the_gate_holds() {
    let mut fleet = Fleet::of(20, campaign(TWO, "soak = \"1h\"\n"));
    let stuck = fleet.go();
    assert_eq!((stuck.waves[0].done, stuck.waves[1].done), (10, 0), "nobody approves");
    fleet.assumptions.people_within = Some(Duration::from_hours(1));
    let done = fleet.go();
    assert_eq!((done.waves[0].done, done.waves[1].done), (10, 10));
    let starts = fleet.starts();
    assert_eq!((starts[0], starts[1]), (START, START));
    assert!(starts[2] > START + HOUR, "the canaries soak");
    let opened_ms = done.waves[1].opened_ms.unwrap();
    assert!(opened_ms >= done.waves[0].half_ms.unwrap() + 6 * HOUR);
    assert_eq!(done.waves[1].first_start_ms, Some(opened_ms));

    fleet.assumptions.fails = PerMille(1000);
    let halted = fleet.go();
    assert_eq!(halted.done, 0);
    assert_eq!(halted.waves[0].halts.len(), 1, "{halted:?}");
    assert!(
        halted.left[0].why.starts_with("wave first is halted"),
        "{:?}",
        halted.left
    );
}

#[test]
fn work_starts_in_its_hours_only_and_the_report_says_which_window_is_too_small() {
    let window = "[[window]]\ndays = [\"sat\", \"sun\"]\nfrom = \"00:00\"\nto = \"04:00\"\n";
    let mut campaign = campaign(
        &format!("{window}[wave]\nname = \"all\"\n"),
        "starts_per_hour = 2\nsoak = \"1h\"\n",
    );
    campaign.policy.time_zone = "UTC".to_owned();
    let mut fleet = Fleet::of(20, campaign);
    fleet.days = 14;
    let starts = fleet.starts();
    // Two an hour for four hours on two days of two weekends, and what is started at the last minute.
    assert!((16..=20).contains(&starts.len()), "{}", starts.len());
    for at_ms in starts {
        let at = jiff::Timestamp::from_millisecond(at_ms)
            .unwrap()
            .to_zoned(jiff::tz::TimeZone::UTC);
        let is_weekend = matches!(
            at.weekday(),
            jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
        );
        assert!(is_weekend && at.hour() < 4, "{at}");
    }
}

#[test]
fn an_order_that_nobody_fetched_is_no_start_within_the_hour() {
    let mut fleet = Fleet::of(2, all("starts_per_hour = 1\nsoak = \"1h\"\n"));
    // The first leaves as the order is issued: there on Mondays from eight to nine.
    let hours = (0..168).map(|hour| if hour == 8 { 100 } else { 0 }).collect();
    fleet.hosts[0].habit = Some(Habit::Hours(hours));
    let starts = fleet.starts();
    let minutes: Vec<i64> = starts.iter().take(2).map(|at_ms| (at_ms - START) / 60_000).collect();
    assert_eq!(minutes, [0, 10], "the second starts when the first order is taken back");
}

#[test]
fn who_is_away_is_not_reached_and_comes_back_as_late_as_it_was_away() {
    let mut fleet = Fleet::of(
        200,
        all("max_in_flight = 200\nsoak = \"1h\"\nagent_lost_after = \"90d\"\n"),
    );
    fleet.days = 20;
    for it in &mut fleet.hosts {
        it.last_seen_ms = START - 5 * DAY;
    }
    let done = fleet.go();
    // As likely as not it is away for five days more, and with one chance in five for twenty.
    let at = |percent| done.shares.iter().find(|it| it.percent == percent).unwrap().at_ms;
    let half_days = (at(50).unwrap() - START) / DAY;
    assert!((4..=6).contains(&half_days), "{half_days}");
    assert!((25..=60).contains(&done.never_reached), "{}", done.never_reached);
    assert_eq!(done.never_reached, done.hosts - done.done);
    assert!(
        left(&done).iter().all(|(why, _)| *why == "the host is away"),
        "{:?}",
        left(&done)
    );
    assert_eq!(done.never_reached_named.len(), 10);
}

#[test]
fn an_order_that_is_out_goes_on_and_its_slot_counts() {
    let mut fleet = Fleet::of(4, all("max_in_flight = 1\nsoak = \"1h\"\n"));
    let mut at_work: Vec<Plan> = Vec::new();
    fleet.trace(|step| {
        if step.plan.phase == Phase::Migrating && step.plan.order.as_ref().is_some_and(|it| it.records_mark > 2) {
            at_work.push(step.plan.clone());
        }
    });
    let under_way = at_work.first().unwrap().clone();
    let first = fleet
        .hosts
        .iter_mut()
        .find(|it| it.plan.host_id == under_way.host_id)
        .unwrap();
    first.plan = under_way.clone();
    let mut ended_ms = 0;
    let mut next_ms = 0;
    let done = fleet.trace(|step| {
        for event in step.events {
            let is_first = step.plan.host_id == under_way.host_id;
            if is_first && matches!(event.fact, Fact::OrderEnded { .. }) {
                ended_ms = event.at_ms;
            } else if next_ms == 0 && matches!(event.fact, Fact::OrderIssued { .. }) {
                next_ms = event.at_ms;
            }
        }
    });
    assert_eq!(done.done, 4);
    assert!(ended_ms > START && next_ms >= ended_ms, "{ended_ms} {next_ms}");
}

#[test]
fn who_needs_nothing_takes_no_part_in_what_is_to_do() {
    let mut fleet = Fleet::of(2, all(""));
    fleet.add(2, Known::default(), &samples::inventory());
    fleet.add(3, samples::tagged("kiosk"), &samples::carrying());
    let done = fleet.go();
    assert_eq!(
        (done.hosts, done.to_do),
        (4, 3),
        "without the rule a kiosk is a host like any other"
    );
}
