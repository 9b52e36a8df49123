use std::{collections::BTreeSet, time::Duration};

use cutover_proto::{
    inventory::{HostRole, OsFamily, PackageManager},
    record::{
        FailureCause,
        RecordEvent::{self, *},
        StepRecord,
    },
    step::{Action, Step},
    verdict::{Protection, Verdict},
};

use super::{
    Assumptions, Habit, PerMille, Presence,
    machine::{Machine, likely_habit, worked_on},
    tests::{DAY, Fleet, START, all, host},
};
use crate::{
    judge::{Assessment, Blocker, Condition, Leftover, ReplacementSeen, ReplacementState, TargetSeen, UnknownLook},
    plan::{OpenOrder, Plan},
    samples,
};

const SECOND: i64 = 1000;
/// The length of a week, for which who went dark is away.
const WEEK: i64 = 7 * DAY;

/// A queued workstation that carries the target.
fn plan() -> Plan {
    Fleet::of(1, all("")).hosts.remove(0).plan
}

fn restart(notice: u64, defer: u64) -> Action {
    Action::Restart {
        reason: "why".to_owned(),
        notice: Duration::from_secs(notice),
        defer: Duration::from_secs(defer),
    }
}

fn order(number: u64, actions: Vec<Action>) -> OpenOrder {
    let step = |action| Step {
        action,
        time_limit: Duration::from_hours(1),
        safe_point_after: true,
    };
    OpenOrder {
        number,
        attempt: 1,
        epoch: 1,
        replacement: "clamav".into(),
        steps: actions.into_iter().map(step).collect(),
        slots: Vec::new(),
        secrets: Vec::new(),
        boot_id: "boot-1".to_owned(),
        issued_ms: START,
        expires_ms: START + DAY,
        fetch_by_ms: START + DAY,
        fetched_ms: Some(START),
        last_progress_ms: START,
        records_mark: 0,
        last_step: None,
        failing: None,
        failing_detail: String::new(),
        failing_exit: None,
        last_record_host_ms: 0,
        cancelling: None,
        restart: None,
    }
}

/// Fetches, removes, restarts and tests.
fn work(number: u64, notice: u64, defer: u64) -> OpenOrder {
    let (manager, packages) = (PackageManager::Apt, Vec::new());
    order(
        number,
        vec![
            Action::FetchPackages {
                manager,
                packages: packages.clone(),
            },
            Action::RemovePackages {
                manager,
                product: "kesl".into(),
                packages,
            },
            restart(notice, defer),
            Action::DetectionTest {
                product: "clamav".into(),
            },
        ],
    )
}

/// Nothing fails, nobody puts anything off.
fn smooth() -> Assumptions {
    Assumptions {
        fails: PerMille(0),
        goes_dark: PerMille(0),
        defers: PerMille(0),
        ..Assumptions::default()
    }
}

fn machine(plan: &Plan) -> Machine {
    of_seed(plan, 0)
}

fn of_seed(plan: &Plan, seed: u64) -> Machine {
    let presence = Presence::new(plan.host_id, Habit::Always, 0, seed);
    Machine::of(plan, presence, seed)
}

/// What happens, to the end: what, with which step, after how many seconds, announcing which one, in which session.
fn told(machine: &mut Machine) -> Vec<(RecordEvent, u32, i64, Option<i64>, String)> {
    let records = machine.tell(i64::MAX);
    let sequences: Vec<u32> = records.iter().map(|it| it.sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{sequences:?}");
    let seconds = |at_ms: i64| (at_ms - START) / SECOND;
    let of = |it: StepRecord| {
        (
            it.event,
            it.step,
            seconds(it.at_ms),
            it.until_ms.map(seconds),
            it.boot_id,
        )
    };
    records.into_iter().map(of).collect()
}

fn begun(plan: &Plan, order: &OpenOrder, assumptions: &Assumptions) -> Machine {
    let mut machine = machine(plan);
    machine.begin(order, plan, assumptions, &samples::catalog(), START);
    machine
}

#[test]
fn an_order_is_told_step_by_step_with_its_restart_in_a_session_of_its_own() {
    let plan = plan();
    let mut machine = begun(&plan, &work(1, 300, 3600), &smooth());
    let (one, two) = ("boot-1".to_owned(), "simulated-1".to_owned());
    assert_eq!(
        told(&mut machine),
        [
            (OrderAccepted, 0, 0, None, one.clone()),
            (StepBegun, 0, 0, None, one.clone()),
            (StepDone, 0, 300, None, one.clone()),
            (StepBegun, 1, 300, None, one.clone()),
            (StepDone, 1, 540, None, one.clone()),
            (StepBegun, 2, 540, None, one.clone()),
            (RestartNoticed, 2, 540, Some(840), one),
            (StepDone, 2, 1020, None, two.clone()),
            (StepBegun, 3, 1020, None, two.clone()),
            (StepDone, 3, 1050, None, two.clone()),
            (OrderCompleted, 3, 1050, None, two),
        ]
    );
    assert_eq!((machine.boot_id.as_str(), machine.running()), ("simulated-1", None));
    machine.begin(&work(2, 0, 0), &plan, &smooth(), &samples::catalog(), START);
    let again = told(&mut machine);
    assert_eq!(again.len(), 10, "nobody is told");
    assert_eq!(again[6], (StepDone, 2, 720, None, "simulated-2".to_owned()));
    machine.begin(&work(2, 0, 0), &plan, &smooth(), &samples::catalog(), START);
    assert_eq!(machine.running(), None, "it had that order");
}

#[test]
fn it_checks_in_with_what_is_worth_telling_a_second_after_it() {
    let plan = plan();
    let mut machine = begun(&plan, &work(1, 300, 3600), &smooth());
    let next = |machine: &Machine| machine.tells_ms().map(|at_ms| (at_ms - START) / SECOND);
    let mut courses = Vec::new();
    while let Some(at) = next(&machine) {
        let running = machine.running();
        let records = machine.tell(START + at * SECOND);
        courses.push((at, running, records.last().unwrap().event));
        assert!(machine.presence.is_there(START + at * SECOND), "it comes back");
    }
    assert_eq!(
        courses,
        [
            (541, Some(1), RestartNoticed),
            (1021, Some(1), StepBegun),
            (1051, Some(1), OrderCompleted)
        ]
    );
    let mut late = begun(&plan, &work(1, 300, 3600), &smooth());
    late.tell(START + 400 * SECOND);
    late.put_off(100 * SECOND);
    assert_eq!(next(&late), Some(641));
    let ahead: Vec<_> = told(&mut late).into_iter().map(|it| (it.2, it.3)).collect();
    assert_eq!(ahead[..3], [(640, None), (640, None), (640, Some(940))]);
}

#[test]
fn what_the_server_has_heard_before_is_not_told_again() {
    let mut plan = plan();
    let mut order = work(1, 300, 3600);
    order.records_mark = 3;
    (plan.order, plan.highest_order) = (Some(order), 1);
    let mut resumed = machine(&plan);
    resumed.resume(&plan, &smooth(), &samples::catalog(), START);
    let sequences: Vec<u32> = resumed.tell(i64::MAX).iter().map(|it| it.sequence).collect();
    assert_eq!(sequences, [4, 5, 6, 7, 8, 9, 10, 11]);
    plan.order.as_mut().unwrap().fetched_ms = None;
    let mut waits = machine(&plan);
    waits.resume(&plan, &smooth(), &samples::catalog(), START);
    assert_eq!(waits.running(), None, "it has not fetched it");
    let order = plan.order.as_ref().unwrap();
    waits.begin(order, &plan, &smooth(), &samples::catalog(), START);
    assert_eq!(waits.running(), Some(1));
}

#[test]
fn a_cancelled_order_ends_at_once_and_leaves_the_machine_as_it_is() {
    let plan = plan();
    let mut order = work(7, 300, 3600);
    let mut machine = begun(&plan, &order, &smooth());
    order.records_mark = machine.tell(START + 400 * SECOND).last().unwrap().sequence;
    machine.cancel(&order, START + 410 * SECOND);
    assert_eq!(
        (machine.running(), machine.tells_ms()),
        (Some(7), Some(START + 411 * SECOND))
    );
    let records = machine.tell(START + 411 * SECOND);
    let said: Vec<_> = records
        .iter()
        .map(|it| (it.event, it.sequence, it.order_number, it.at_ms))
        .collect();
    assert_eq!(said, [(OrderCancelled, 5, 7, START + 410 * SECOND)]);
    assert_eq!(
        (machine.shows.as_ref(), machine.is_news),
        (plan.assessment.as_ref(), false)
    );
    assert_eq!(machine.running(), None);
}

#[test]
fn what_fails_fails_where_packages_change_and_who_goes_dark_goes_with_its_restart() {
    let plan = plan();
    let never = Assumptions {
        fails: PerMille(1000),
        ..smooth()
    };
    let mut machine = begun(&plan, &work(1, 300, 3600), &never);
    let records = machine.tell(i64::MAX);
    let end: Vec<_> = records[3..].iter().map(|it| (it.event, it.step, it.cause)).collect();
    let cause = Some(FailureCause::ToolFailed);
    assert_eq!(
        end,
        [(StepBegun, 1, None), (StepFailed, 1, cause), (OrderFailed, 1, cause)]
    );
    assert_eq!(machine.shows, plan.assessment);

    let dark = Assumptions {
        goes_dark: PerMille(1000),
        ..smooth()
    };
    let mut machine = begun(&plan, &work(1, 300, 3600), &dark);
    let (before_ms, told_ms) = (START + 400 * SECOND, START + 541 * SECOND);
    machine.tell(before_ms);
    assert_eq!(machine.presence.next_ms(before_ms), Some(before_ms));
    machine.tell(told_ms);
    assert_eq!(machine.presence.next_ms(told_ms), Some(told_ms + WEEK));
}

/// Of each of a thousand machines, what happened with its first order.
fn thousand<T>(seed: u64, assumptions: &Assumptions, seen: impl Fn(&[StepRecord], &Machine) -> T) -> Vec<T> {
    let order = work(1, 300, 300 + 1024 * 60);
    let (mut plan, catalog) = (plan(), samples::catalog());
    let one = |number: usize| {
        plan.host_id = host(number);
        let mut machine = of_seed(&plan, seed);
        machine.begin(&order, &plan, assumptions, &catalog, START);
        let records = machine.tell(i64::MAX / 2);
        seen(&records, &machine)
    };
    (0..1000).map(one).collect()
}

fn has(records: &[StepRecord], event: RecordEvent) -> bool {
    records.iter().any(|it| it.event == event)
}

/// Whether each of a thousand machines fails, goes dark, and puts its restart off, where so many of a thousand do.
fn fates(seed: u64, of: u16) -> [Vec<bool>; 3] {
    let of = PerMille(of);
    let (mut fails, mut goes_dark, mut defers) = (smooth(), smooth(), smooth());
    (fails.fails, goes_dark.goes_dark, defers.defers) = (of, of, of);
    [
        thousand(seed, &fails, |it, _| has(it, StepFailed)),
        thousand(seed, &goes_dark, |_, it| !it.presence.is_there(i64::MAX / 2)),
        thousand(seed, &defers, |it, _| has(it, RestartDeferred)),
    ]
}

#[test]
fn of_a_thousand_machines_as_many_fail_go_dark_and_put_off_as_is_made_up() {
    for seed in [0, u64::MAX] {
        for (of, within) in [(0, 0..=0), (300, 260..=340), (1000, 1000..=1000)] {
            let counts = fates(seed, of).map(|it| it.into_iter().filter(|it| *it).count());
            assert!(counts.iter().all(|it| within.contains(it)), "{seed} {of} {counts:?}");
        }
    }
}

#[test]
fn what_befalls_a_machine_says_nothing_of_what_else_does() {
    let [fails, goes_dark, defers] = fates(7, 500);
    for (one, other) in [(&fails, &goes_dark), (&fails, &defers), (&goes_dark, &defers)] {
        let alike = one.iter().zip(other).filter(|(one, other)| one == other).count();
        assert!((450..=550).contains(&alike), "{alike} of a thousand");
    }
}

#[test]
fn a_restart_is_put_off_to_any_instant_up_to_the_latest() {
    let defers = Assumptions {
        defers: PerMille(1000),
        ..smooth()
    };
    let put_off = thousand(0, &defers, |it, _| {
        let put_off = it.iter().find(|it| it.event == RestartDeferred).unwrap();
        assert_eq!(put_off.at_ms, START + 540 * SECOND);
        let back = it.iter().find(|it| it.boot_id != "boot-1").unwrap();
        let until_ms = put_off.until_ms.unwrap();
        assert_eq!(back.at_ms, until_ms + 180 * SECOND);
        (until_ms - START) / SECOND - 840
    });
    // One of 1024 instants, a minute apart, as likely early as late.
    assert!(put_off.iter().all(|it| it % 60 == 0 && (0..1024).contains(&(it / 60))));
    let mean = put_off.iter().sum::<i64>() / 60 / 1000;
    assert!((480..=540).contains(&mean), "{mean}");
    let different: BTreeSet<_> = put_off.iter().collect();
    assert!(different.len() > 550, "{}", different.len());
}

#[test]
fn a_restart_is_put_off_only_where_there_is_time_for_it_and_somebody_to_ask() {
    let always = Assumptions {
        defers: PerMille(1000),
        ..smooth()
    };
    let puts_off = |plan: &Plan, order: &OpenOrder| {
        let mut machine = begun(plan, order, &always);
        machine.tell(i64::MAX).iter().any(|it| it.event == RestartDeferred)
    };
    let mut plan = plan();
    assert!(puts_off(&plan, &work(1, 300, 3600)));
    assert!(
        !puts_off(&plan, &work(1, 300, 300)),
        "the latest instant is the announced one"
    );
    assert!(!puts_off(&plan, &work(1, 0, 3600)), "nobody is told");
    plan.known = samples::tagged("class=server");
    assert!(!puts_off(&plan, &work(1, 300, 3600)));
}

/// Everything that a look can show.
fn full() -> Assessment {
    Assessment {
        condition: Condition::Carries,
        targets: vec![TargetSeen {
            product: "kesl".into(),
            verdict: Verdict::Running,
            version: None,
            packages: Vec::new(),
            dates: Default::default(),
            server: None,
            placed: None,
        }],
        embedded: vec!["kfa".into()],
        leftovers: vec![Leftover {
            product: "kesl".into(),
            seen: vec!["/opt/kaspersky".to_owned()],
        }],
        unknown: vec![UnknownLook {
            product: "kesl".into(),
            why: "unreadable".to_owned(),
        }],
        replacement: None,
        unapproved: vec!["avg".into()],
        protection: Protection::None,
        blockers: vec![Blocker::EncryptionUnknown],
        restart_pending: Some(true),
        packages_unfinished: true,
        modules: vec!["klflt".to_owned()],
        ..plan().assessment.unwrap()
    }
}

#[test]
fn after_work_a_look_shows_the_replacement_and_nothing_of_the_target_and_after_a_restart_no_module() {
    let before = full();
    let product = "clamav".into();
    let grade = Protection::OnDemand;
    let after = worked_on(&before, &product, grade);
    let state = ReplacementState::Healthy { grade, accepted: true };
    assert_eq!(
        after,
        Assessment {
            condition: Condition::Free,
            targets: Vec::new(),
            embedded: Vec::new(),
            leftovers: Vec::new(),
            unknown: Vec::new(),
            replacement: Some(ReplacementSeen { product, state }),
            unapproved: Vec::new(),
            protection: grade,
            blockers: Vec::new(),
            restart_pending: Some(false),
            packages_unfinished: false,
            modules: Vec::new(),
            ..before.clone()
        }
    );
    let mut plan = plan();
    plan.assessment = Some(before.clone());
    let mut worked = begun(&plan, &work(1, 300, 3600), &smooth());
    worked.tell(i64::MAX);
    assert_eq!((worked.shows.as_ref(), worked.is_news), (Some(&after), true));
    let mut restarted = begun(&plan, &order(1, vec![restart(300, 3600)]), &smooth());
    restarted.tell(i64::MAX);
    let shows = Assessment {
        restart_pending: Some(false),
        modules: Vec::new(),
        ..before
    };
    assert_eq!((restarted.shows, restarted.is_news), (Some(shows), true));
}

#[test]
fn of_a_machine_of_which_nothing_is_known_servers_and_linux_are_always_there() {
    let of = |family: OsFamily, roles: &[HostRole]| {
        let mut plan = plan();
        let it = plan.assessment.as_mut().unwrap();
        (it.os_family, it.roles) = (family, roles.to_vec());
        likely_habit(&plan)
    };
    assert_eq!(of(OsFamily::Linux, &[]), Habit::Always);
    assert_eq!(of(OsFamily::Windows, &[HostRole::DomainController]), Habit::Always);
    assert_eq!(of(OsFamily::Windows, &[]), Habit::office());
    let mut unseen = plan();
    unseen.assessment = None;
    assert_eq!(likely_habit(&unseen), Habit::office());
}
