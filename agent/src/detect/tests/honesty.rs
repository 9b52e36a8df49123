//! An unknown is never an absent.

use std::sync::atomic::{AtomicUsize, Ordering};

use cutover_proto::{
    inventory::{Inventory, OsFamily},
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, HealthState, Protection, Sighting, Verdict},
};
use proptest::prelude::*;

use super::{
    macos_plants,
    plants::{NOW_MS, all, clamav, clean, kesl_running, looked},
    windows_plants,
};
use crate::{
    detect::{RuleSet, ScanCx, ScanOutcome, outcome, scan},
    facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput},
    host::{Fixture, HostPath, HostView, Links},
};

/// How a look fails.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Denied,
    Broken,
}

/// A host that refuses some looks, by their number in the order of looks.
struct Refusing<F> {
    host: Fixture,
    refuses: F,
    asked: AtomicUsize,
}

impl<F: Fn(usize) -> Option<Refusal>> Refusing<F> {
    fn new(host: Fixture, refuses: F) -> Self {
        Self {
            host,
            refuses,
            asked: AtomicUsize::new(0),
        }
    }

    fn answer<T>(&self, look: impl FnOnce(&Fixture) -> Answer<T>) -> Answer<T> {
        match (self.refuses)(self.asked.fetch_add(1, Ordering::Relaxed)) {
            None => look(&self.host),
            Some(Refusal::Denied) => Answer::Denied("refused by the test".into()),
            Some(Refusal::Broken) => Answer::Failed("broken by the test".into()),
        }
    }
}

impl<F: Fn(usize) -> Option<Refusal> + Send + Sync> HostView for Refusing<F> {
    fn os_family(&self) -> OsFamily {
        self.host.os_family()
    }
    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        self.answer(|host| host.read(file, max))
    }
    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        self.answer(|host| host.list(dir))
    }
    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        self.answer(|host| host.stat(path, links))
    }
    fn link(&self, path: &HostPath) -> Answer<String> {
        self.answer(|host| host.link(path))
    }
    fn processes(&self) -> Answer<Vec<Process>> {
        self.answer(HostView::processes)
    }
    fn listeners(&self) -> Answer<Vec<Listener>> {
        self.answer(HostView::listeners)
    }
    fn group(&self, name: &str) -> Answer<u32> {
        self.answer(|host| host.group(name))
    }
    fn mounts(&self) -> Answer<Vec<u8>> {
        self.answer(HostView::mounts)
    }
    fn kernel(&self) -> Answer<Kernel> {
        self.answer(HostView::kernel)
    }
    fn boot_id(&self) -> Answer<String> {
        self.answer(HostView::boot_id)
    }
    fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        self.answer(|host| host.free_disk(path))
    }
    fn tool(&self, tool: Tool) -> Answer<ToolOutput> {
        self.answer(|host| host.tool(tool))
    }
    fn ask(&self, question: &Question) -> Answer<Reply> {
        self.answer(|host| host.ask(question))
    }
}

/// Every machine of the matrix.
fn every() -> Vec<Fixture> {
    [all(), windows_plants::all(), macos_plants::all()].concat()
}

/// Whether all that showed the product was supplementary (something left behind, or a user's own entry), and what was refused
/// is told as not checked.
fn only_doubted(before: &Sighting, after: &Sighting) -> bool {
    let seen = |one: &&Evidence| one.outcome == EvidenceOutcome::Seen;
    let told = |one: &Evidence| one.outcome == EvidenceOutcome::NotChecked && !one.required;
    let of_a_user = |one: &Evidence| one.kind == EvidenceKind::UninstallKey;
    let shown: Vec<&Evidence> = before.evidence.iter().filter(seen).collect();
    (before.verdict == Verdict::Remnant || shown.iter().all(|one| of_a_user(one)))
        && before.evidence.iter().filter(seen).all(|one| !one.required)
        && after.evidence.iter().any(told)
}

fn nothing_is_lost(about: &str, before: &Inventory, after: &Inventory) {
    for (one, other) in before.sightings.iter().zip(&after.sightings) {
        let lost = one.verdict != Verdict::Absent && other.verdict == Verdict::Absent && !only_doubted(one, other);
        assert!(!lost, "{about}: {} was {} and became absent", one.product, one.verdict);
        let healthier = one
            .health
            .as_ref()
            .is_some_and(|health| health.state != HealthState::Healthy)
            && other
                .health
                .as_ref()
                .is_some_and(|health| health.state == HealthState::Healthy);
        assert!(!healthier, "{about}: {} became healthy", one.product);
        if other.verdict == Verdict::Unknown {
            assert!(
                !other.why.is_empty(),
                "{about}: {} is unknown without a reason",
                one.product
            );
        }
    }
    let invented = before.protection != Protection::None && after.protection == Protection::None;
    assert!(!invented, "{about}: {} became none", before.protection);
}

/// Exhaustive: every host of the matrix, every look, both ways to fail.
#[test]
fn no_single_refused_look_turns_a_verdict_into_absent() {
    let mut tried = 0;
    for host in every() {
        let before = looked(&host);
        let counting = Refusing::new(host.clone(), |_| None);
        let _ = looked(&counting);
        for refused in 0..counting.asked.into_inner() {
            for refusal in [Refusal::Denied, Refusal::Broken] {
                let refusing = Refusing::new(host.clone(), |look| (look == refused).then_some(refusal));
                let after = looked(&refusing);
                nothing_is_lost(&format!("{}, look {refused}", host.about), &before, &after);
                tried += 1;
            }
        }
    }
    assert!(tried > 1000, "only {tried} were tried");
}

proptest! {
    #[test]
    fn no_set_of_refused_looks_turns_a_verdict_into_absent(which in any::<prop::sample::Index>(), refuse in prop::collection::vec(any::<bool>(), 1..90)) {
        let hosts = every();
        let host = hosts[which.index(hosts.len())].clone();
        let before = looked(&host);
        let about = host.about.clone();
        let refusing = Refusing::new(host, |look| refuse[look % refuse.len()].then_some(Refusal::Denied));
        nothing_is_lost(&about, &before, &looked(&refusing));
    }
}

#[test]
fn a_host_of_which_nothing_is_known_is_unknown_throughout() {
    for os in OsFamily::ALL {
        let inventory = looked(&Fixture::unasked(*os, "never asked"));
        for sighting in &inventory.sightings {
            assert_eq!(sighting.verdict, Verdict::Unknown, "{os}: {}", sighting.product);
        }
        assert_eq!(inventory.protection, Protection::Unobserved);
        assert_eq!(outcome(&inventory, &RuleSet::built_in()), ScanOutcome::Unknown);
    }
}

#[test]
fn a_system_without_rules_is_unknown_not_clean() {
    let text = include_str!("../../../../proto/rules/kesl.toml");
    let rules = RuleSet::from_files(1, [("kesl.toml", text)]);
    let cx = ScanCx {
        host_id: cutover_proto::ids::HostId::new(uuid::Uuid::nil()),
        now_ms: NOW_MS,
    };
    let inventory = scan(&Fixture::windows("no rules for it"), &rules, &cx);
    assert!(inventory.sightings.is_empty());
    assert_eq!(outcome(&inventory, &rules), ScanOutcome::Unknown);
    assert_eq!(inventory.protection, Protection::Unobserved);
}

#[test]
fn an_unreadable_database_is_unknown_with_the_remedy() {
    let mut host = clean();
    host.files.insert(
        "/var/lib/dpkg/status".into(),
        Answer::Denied("/var/lib/dpkg/status may not be read; run as root".into()),
    );
    let inventory = looked(&host);
    let kesl = inventory.sighting(&"kesl".into()).expect("looked for");
    assert_eq!(kesl.verdict, Verdict::Unknown);
    assert_eq!(kesl.why, "/var/lib/dpkg/status may not be read; run as root");
    assert_eq!(outcome(&inventory, &RuleSet::built_in()), ScanOutcome::Unknown);
}

#[test]
fn what_runs_is_carried_even_where_the_database_is_denied() {
    let mut host = kesl_running();
    host.files
        .insert("/var/lib/dpkg/status".into(), Answer::Denied("no".into()));
    let inventory = looked(&host);
    let kesl = inventory.sighting(&"kesl".into()).expect("looked for");
    assert_eq!(kesl.verdict, Verdict::Running);
    assert!(
        kesl.evidence
            .iter()
            .any(|one| one.required && one.outcome == EvidenceOutcome::NotChecked)
    );
    assert_eq!(outcome(&inventory, &RuleSet::built_in()), ScanOutcome::TargetFound);
}

#[test]
fn signatures_that_cannot_be_seen_leave_the_protection_unobserved() {
    let mut host = clamav("clamav", 1);
    host.lists.insert("/var/lib/clamav".into(), Answer::Denied("no".into()));
    let inventory = looked(&host);
    assert_eq!(inventory.protection, Protection::Unobserved);
}

#[test]
fn the_same_answers_give_the_same_inventory() {
    for host in every() {
        assert_eq!(looked(&host), looked(&host));
    }
}
