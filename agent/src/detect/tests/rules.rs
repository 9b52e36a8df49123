use cutover_proto::{
    inventory::OsFamily,
    rule::{Look, Need, Role, Trace},
    verdict::Verdict,
};

use super::plants::{NOW_MS, clean, kesl_running};
use crate::detect::{RuleSet, ScanCx, ScanOutcome, outcome, scan};

const SUPPLEMENTARY: &str = r#"
schema = 1
product = "x"
name = "X"
role = "target"
scope = "banned"
protection = "none"
sources = ["made for a test"]

[[look]]
os = "linux"
kind = "package"
need = "required"
shows = "installed"
names = ["x"]

[[look]]
os = "linux"
kind = "path"
need = "supplementary"
shows = "remnant"
paths = ["/opt/x"]
"#;

fn cx() -> ScanCx {
    ScanCx {
        host_id: cutover_proto::ids::HostId::new(uuid::Uuid::nil()),
        now_ms: NOW_MS,
    }
}

#[test]
fn every_built_in_rule_is_sound_and_says_where_it_comes_from() {
    let rules = RuleSet::built_in();
    assert_eq!(rules.refused(), []);
    assert!(rules.rules().len() >= 40);
    assert!(OsFamily::ALL.iter().all(|os| rules.covers(*os)));
    for rule in rules.rules() {
        assert!(rule.sources.iter().all(|source| !source.is_empty()), "{}", rule.product);
        // What a target may leave to doubt, an absence may not rest on: only what is no part of the product.
        if rule.role == Role::Target {
            let mut doubtful = rule.look.iter().filter(|look| look.need != Need::Required);
            assert!(doubtful.all(is_no_part), "{}", rule.product);
        }
    }
}

/// What is no part of the product, or says of a part of it what another look says too: links, what ends with the system,
/// names in lists that others keep (accounts, certificates, Security Center, browsers, tasks), and files whose folder is
/// looked for itself.
fn is_no_part(look: &Look) -> bool {
    match &look.trace {
        Trace::Path { paths, .. } => paths.iter().all(|path| {
            let links = [".wants/", "/usr/bin/", "/run/", "/tmp/"];
            links.iter().any(|part| path.contains(part))
        }),
        Trace::Group { .. }
        | Trace::Certificate { .. }
        | Trace::Listener { .. }
        | Trace::SecurityCenter { .. }
        | Trace::BrowserExtension { .. }
        | Trace::ScheduledTask { .. }
        | Trace::File { .. } => true,
        Trace::Package { .. }
        | Trace::Process { .. }
        | Trace::Unit { .. }
        | Trace::Module { .. }
        | Trace::Service { .. }
        | Trace::UninstallKey { .. }
        | Trace::WindowsService(_)
        | Trace::Driver(_)
        | Trace::WindowsPath { .. }
        | Trace::RegistryKey { .. }
        | Trace::Receipt { .. }
        | Trace::Bundle { .. }
        | Trace::SystemExtension { .. }
        | Trace::Component { .. } => false,
    }
}

#[test]
fn a_refused_rule_makes_its_product_unknown_never_skipped() {
    let rules = RuleSet::from_files(7, [("kesl.toml", "schema = 99"), ("x.toml", SUPPLEMENTARY)]);
    let inventory = scan(&kesl_running(), &rules, &cx());
    let kesl = inventory.sighting(&"kesl".into()).expect("named");
    assert_eq!(kesl.verdict, Verdict::Unknown);
    assert!(
        kesl.why.starts_with("its rules cannot be used: kesl.toml"),
        "{}",
        kesl.why
    );
    assert_eq!(outcome(&inventory, &rules), ScanOutcome::Unknown);
    assert_eq!(inventory.rules_revision, 7);
}

#[test]
fn a_second_file_for_a_product_is_refused_and_the_product_unknown() {
    let rules = RuleSet::from_files(1, [("x.toml", SUPPLEMENTARY), ("y.toml", SUPPLEMENTARY)]);
    assert_eq!(
        rules.refused()[0].why,
        "y.toml: another file already has the rules of x"
    );
    let inventory = scan(&clean(), &rules, &cx());
    assert_eq!(inventory.sightings.len(), 1);
    assert_eq!(inventory.sightings[0].verdict, Verdict::Unknown);
}

#[test]
fn a_failed_supplementary_look_is_kept_as_not_checked_beside_the_absence() {
    let rules = RuleSet::from_files(1, [("x.toml", SUPPLEMENTARY)]);
    let mut host = clean();
    host.link_stats
        .insert("/opt/x".into(), crate::facts::Answer::Failed("broken disk".into()));
    let inventory = scan(&host, &rules, &cx());
    let x = &inventory.sightings[0];
    assert_eq!(x.verdict, Verdict::Absent);
    let kept = &x.evidence[1];
    assert_eq!(kept.outcome, cutover_proto::verdict::EvidenceOutcome::NotChecked);
    assert_eq!((kept.required, kept.detail.as_str()), (false, "broken disk"));
}
