//! Looks at modules, listeners, trust stores and groups: there, absent, denied, not here.

use cutover_proto::verdict::{EvidenceKind, EvidenceOutcome, Protection, Showing, Sighting, Verdict};

use super::plants::{NOW_MS, PEM, clean, kesl_running, looked};
use crate::{
    detect::{RuleSet, ScanCx, scan},
    facts::Answer,
    host::{Fixture, HostView},
};

const MODULES: &str = "ext4 1 1 - Live 0x0\nvendor_7_2 1 0 - Live 0x0\nvendors 1 0 - Live 0x0\n";

/// A product whose one look beside its package is at kernel modules.
fn with_module(view: &dyn HostView, need: &str, keys: &str) -> Sighting {
    let rule = format!(
        "schema = 1\nproduct = \"x\"\nname = \"X\"\nrole = \"target\"\nscope = \"banned\"\nprotection = \"none\"\n\
         sources = [\"made for a test\"]\n\
         [[look]]\nos = \"linux\"\nkind = \"package\"\nneed = \"required\"\nshows = \"installed\"\nnames = [\"x\"]\n\
         [[look]]\nos = \"linux\"\nkind = \"module\"\nneed = \"{need}\"\nshows = \"remnant\"\n{keys}\n"
    );
    let rules = RuleSet::from_files(1, [("x.toml", rule.as_str())]);
    assert_eq!(rules.refused(), []);
    let cx = ScanCx {
        host_id: cutover_proto::ids::HostId::new(uuid::Uuid::nil()),
        now_ms: NOW_MS,
    };
    scan(view, &rules, &cx).sightings.remove(0)
}

fn loaded() -> Fixture {
    clean().with_file("/proc/modules", MODULES.as_bytes(), 0)
}

fn details(sighting: &Sighting, kind: EvidenceKind) -> Vec<&str> {
    let seen = sighting.evidence.iter().filter(|one| one.kind == kind);
    let seen = seen.filter(|one| one.outcome == EvidenceOutcome::Seen);
    seen.map(|one| one.detail.as_str()).collect()
}

fn kesl(view: &dyn HostView) -> Sighting {
    looked(view).sighting(&"kesl".into()).expect("looked for").clone()
}

#[test]
fn a_loaded_module_is_a_remnant_by_its_whole_name_or_a_beginning() {
    let by_name = with_module(&loaded(), "required", "names = [\"vendor_7_2\"]");
    assert_eq!(by_name.verdict, Verdict::Remnant);
    assert_eq!(
        details(&by_name, EvidenceKind::Module),
        ["kernel module vendor_7_2 is loaded"]
    );
    let by_prefix = with_module(&loaded(), "required", "prefixes = [\"vendor_\"]");
    assert_eq!(details(&by_prefix, EvidenceKind::Module).len(), 1);
    let other = with_module(&loaded(), "required", "names = [\"vendor\", \"ext\"]");
    assert_eq!(other.verdict, Verdict::Absent);
}

#[test]
fn modules_that_cannot_be_seen_are_unknown_where_no_kernel_runs_there_are_none() {
    let keys = "names = [\"vendor\"]";
    let mut host = loaded();
    host.files.insert("/proc/modules".into(), Answer::Denied("no".into()));
    assert_eq!(with_module(&host, "required", keys).verdict, Verdict::Unknown);
    assert_eq!(with_module(&host, "supplementary", keys).verdict, Verdict::Absent);
    let garbled = clean().with_file("/proc/modules", b"?\n", 0);
    assert_eq!(with_module(&garbled, "required", keys).verdict, Verdict::Unknown);
    // A kernel without modules has no list; a system without /proc has none either, and nothing follows from that.
    assert_eq!(with_module(&clean(), "required", keys).verdict, Verdict::Absent);
    let mut unmounted = clean();
    unmounted.processes = Some(Answer::Failed("/proc is not there".into()));
    assert_eq!(with_module(&unmounted, "required", keys).verdict, Verdict::Unknown);
    // A root in which another kernel's /proc is mounted.
    let mut offline = loaded();
    offline.kernel = Some(Answer::Unsupported);
    let sighting = with_module(&offline, "required", "names = [\"vendor_7_2\"]");
    assert_eq!(sighting.verdict, Verdict::Absent);
    assert!(sighting.evidence[1].detail.contains("does not run"));
}

#[test]
fn who_intercepts_files_is_not_checked_without_the_right_and_nothing_becomes_unknown() {
    let mut host = clean();
    host.listeners = Some(Answer::Denied("/proc/1/fd may not be read; run as root".into()));
    let sighting = kesl(&host);
    assert_eq!(sighting.verdict, Verdict::Absent);
    let told = sighting.evidence.iter().find(|one| one.kind == EvidenceKind::Listener);
    let told = told.expect("told");
    assert_eq!((told.outcome, told.required), (EvidenceOutcome::NotChecked, false));
    // Nor is the protection: the required look at processes saw that it does not run.
    assert_eq!(looked(&host).protection, Protection::None);
    host.listeners = Some(Answer::Found(Vec::new()));
    assert!(details(&kesl(&host), EvidenceKind::Listener).is_empty());
}

#[test]
fn a_mark_that_cannot_be_read_is_not_checked_and_never_nothing() {
    let host = kesl_running().with_listener(9, "kesl", "fanotify mnt_id:1 mflags:0 mask:? ignored_mask:0\n");
    let sighting = kesl(&host);
    let listener = sighting.evidence.iter().find(|one| one.kind == EvidenceKind::Listener);
    assert_eq!(listener.expect("told").outcome, EvidenceOutcome::NotChecked);
}

#[test]
fn a_certificate_is_known_by_its_whole_subject_wherever_it_is_trusted() {
    let store = "/etc/pki/ca-trust";
    let host = clean()
        .with_file(&format!("{store}/source/anchors/a.crt"), PEM.as_bytes(), 0)
        .with_file(&format!("{store}/extracted/pem/tls-ca-bundle.pem"), PEM.as_bytes(), 0);
    let sighting = kesl(&host);
    assert_eq!(sighting.verdict, Verdict::Remnant);
    let subject = "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab";
    assert_eq!(
        details(&sighting, EvidenceKind::Certificate),
        [
            format!("certificate {subject} in {store}/source/anchors/a.crt"),
            format!("certificate {subject} in {store}/extracted/pem/tls-ca-bundle.pem"),
        ]
    );
}

#[test]
fn a_trust_store_that_cannot_be_read_leaves_a_clean_machine_clean_and_says_so() {
    let dir = "/usr/local/share/ca-certificates";
    let mut host = clean();
    host.lists
        .insert(dir.into(), Answer::Denied(format!("{dir} may not be read")));
    let sighting = kesl(&host);
    assert_eq!(sighting.verdict, Verdict::Absent);
    let told = sighting
        .evidence
        .iter()
        .find(|one| one.kind == EvidenceKind::Certificate);
    assert_eq!(told.expect("told").outcome, EvidenceOutcome::NotChecked);
}

#[test]
fn a_group_alone_is_a_remnant_and_one_that_looks_alike_is_none() {
    let sighting = kesl(&clean().with_group("kesluser", 1002).with_group("kesl", 1003));
    assert_eq!(sighting.verdict, Verdict::Remnant);
    assert_eq!(details(&sighting, EvidenceKind::Group), ["group kesluser"]);
    assert!(
        sighting
            .evidence
            .iter()
            .all(|one| one.shows.is_none_or(|shows| shows == Showing::Remnant))
    );
    let mut host = clean();
    host.groups.insert("kesluser".into(), Answer::Failed("damaged".into()));
    assert_eq!(kesl(&host).verdict, Verdict::Absent);
}
