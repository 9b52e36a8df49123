//! Whom facts name.

use cutover_proto::{
    ids::ProductId,
    placed::{Placed, PlacedBy, PlacedRecord, PlacedTrace},
    verdict::Verdict,
};

use super::{Sureness, Suspect, rank};
use crate::judge::TargetSeen;

fn target(product: &str) -> TargetSeen {
    TargetSeen {
        product: product.into(),
        verdict: Verdict::Running,
        version: None,
        packages: Vec::new(),
        dates: Default::default(),
        server: None,
        placed: None,
    }
}

fn trace(record: PlacedRecord, what: &str, by: Option<PlacedBy>) -> PlacedTrace {
    PlacedTrace {
        record,
        what: what.to_owned(),
        by,
        day: None,
    }
}

fn placed(product: &str, record: PlacedRecord, what: &str, by: Option<PlacedBy>) -> TargetSeen {
    TargetSeen {
        placed: Some(Placed {
            traces: vec![trace(record, what, by)],
            deployers: Vec::new(),
        }),
        ..target(product)
    }
}

fn from(product: &str, folder: &str) -> TargetSeen {
    placed(product, PlacedRecord::UninstallKey, folder, None)
}

fn agent(server: Option<&str>) -> TargetSeen {
    TargetSeen {
        server: server.map(str::to_owned),
        ..target("klnagent-windows")
    }
}

fn agents() -> Vec<ProductId> {
    vec!["klnagent-windows".into()]
}

fn short(it: &Suspect) -> (&str, Sureness) {
    (it.name.as_str(), it.sure)
}

#[test]
fn the_console_is_named_where_the_package_lay_in_its_agents_data_or_its_share() {
    let cache = r"C:\ProgramData\KasperskyLab\adminkit\1103\$FTCITmp\{1}\";
    let it = rank(
        &[from("kes-windows", cache), agent(Some("ksc01.corp.example"))],
        &agents(),
    );
    assert_eq!(
        it.text(),
        format!(
            "Kaspersky Security Center at ksc01.corp.example (recorded: kes-windows was installed from {cache}; klnagent-windows is \
             there and installs what its console tells it)"
        )
    );
    assert_eq!(it.key, "kaspersky-security-center/ksc01.corp.example");
    let share = rank(&[from("kes-windows", r"\\KSC02\KLSHARE\PkgInst\KES")], &[]);
    assert_eq!(
        short(&share),
        ("Kaspersky Security Center at KSC02", Sureness::Recorded)
    );
}

#[test]
fn a_management_agent_that_is_there_is_likely_and_another_products_has_a_console_too() {
    let it = rank(&[target("kes-windows"), agent(None)], &agents());
    assert_eq!(short(&it), ("Kaspersky Security Center", Sureness::Likely));
    let other = rank(&[target("kes-windows"), target("eraagent")], &["eraagent".into()]);
    assert_eq!(short(&other), ("the console of eraagent", Sureness::Likely));
}

#[test]
fn each_place_of_the_table_names_its_deployer() {
    for (folder, name) in [
        (
            r"\\corp.example\SysVol\corp.example\Policies\{31B2}\Machine\",
            "group policy",
        ),
        (r"\\DC1\NETLOGON\kes\", "group policy"),
        (r"C:\Windows\ccmcache\1a\", "Configuration Manager"),
        (r"C:\WINDOWS\CCMCACHE", "Configuration Manager"),
        (r"C:\Windows\IMECache\59f9a567_1\", "Intune"),
        (
            r"C:\Program Files (x86)\Microsoft Intune Management Extension\Content\Staging\",
            "Intune",
        ),
    ] {
        let it = rank(&[from("kes-windows", folder), agent(Some("ksc01"))], &agents());
        assert_eq!(short(&it), (name, Sureness::Recorded), "{folder}");
        assert!(!it.remedy.is_empty());
        assert!(it.text().contains(folder), "{}", it.text());
    }
    let jamf = rank(&[placed("kav-mac", PlacedRecord::InstallHistory, "jamf", None)], &[]);
    assert_eq!(short(&jamf), ("Jamf Pro", Sureness::Recorded));
    let installer = rank(
        &[placed("kav-mac", PlacedRecord::InstallHistory, "installer", None)],
        &[],
    );
    assert_eq!(short(&installer), ("macOS: `installer`", Sureness::Likely));
}

#[test]
fn what_brought_the_agent_back_is_named_before_what_the_agent_brought() {
    let policy = from("klnagent-windows", r"\\corp\SysVol\corp\Policies\{1}\Machine\");
    let product = from("kes-windows", r"C:\ProgramData\KasperskyLab\adminkit\1103\x");
    let it = rank(&[product, policy], &agents());
    assert_eq!(short(&it), ("group policy", Sureness::Recorded));
    assert!(
        it.text().contains("Kaspersky Security Center (recorded"),
        "{}",
        it.text()
    );
}

#[test]
fn another_share_or_a_users_folder_is_likely_and_a_folder_of_the_machine_is_suspected() {
    let share = rank(&[from("kes-windows", r"\\files\software\kes\"), agent(None)], &agents());
    assert_eq!(short(&share), (r"the share \\files\software", Sureness::Likely));
    assert_eq!(share.key, r"share/\\files\software");
    let user = rank(&[from("kes-windows", r"C:\Users\user1\Downloads\")], &[]);
    assert_eq!(short(&user), ("somebody at the machine", Sureness::Likely));
    let own = placed("kes-windows", PlacedRecord::UninstallKey, "", Some(PlacedBy::Person));
    assert_eq!(
        short(&rank(&[own], &[])),
        ("somebody at the machine", Sureness::Recorded)
    );
    let temp = rank(&[from("kes-windows", r"C:\Temp\kes\")], &[]);
    assert_eq!(short(&temp), (r"a package in C:\Temp\kes\", Sureness::Suspected));
}

#[test]
fn a_package_managers_call_is_named_with_who_asked_as_far_as_it_tells() {
    let apt = |by| placed("kesl", PlacedRecord::AptHistory, "apt-get install kesl", by);
    let asked = rank(
        &[apt(Some(PlacedBy::Person)), target("klnagent64")],
        &["klnagent64".into()],
    );
    assert_eq!(
        short(&asked),
        ("apt: `apt-get install kesl` by a person", Sureness::Recorded)
    );
    let root = rank(&[apt(Some(PlacedBy::System))], &[]);
    assert_eq!(
        root.text(),
        "apt: `apt-get install kesl` (likely: kesl was installed by a script, a service, or a person as root)"
    );
    // With the agent there, its console is the likelier caller, and the call is told beside it.
    let both = rank(
        &[apt(Some(PlacedBy::System)), target("klnagent64")],
        &["klnagent64".into()],
    );
    assert_eq!(short(&both), ("Kaspersky Security Center", Sureness::Likely));
    assert!(both.text().contains("apt: `apt-get install kesl`"), "{}", both.text());
    for (record, name) in [
        (PlacedRecord::DpkgLog, "dpkg, without apt"),
        (PlacedRecord::RpmLog, "dnf or yum"),
        (PlacedRecord::ZyppHistory, "zypper"),
    ] {
        assert_eq!(
            short(&rank(&[placed("kesl", record, "", None)], &[])),
            (name, Sureness::Likely)
        );
    }
}

#[test]
fn what_is_only_there_is_a_suspicion_and_said_as_such() {
    let mut host = target("kesl");
    host.placed = Some(Placed {
        traces: Vec::new(),
        deployers: vec!["puppet".into(), "a-tool-of-tomorrow".into()],
    });
    let it = rank(&[host.clone()], &[]);
    assert_eq!(
        it.text(),
        "Puppet (suspected: it is on the machine, and whether it did this is not known; also there: a-tool-of-tomorrow)"
    );
    host.placed.as_mut().unwrap().traces = vec![trace(
        PlacedRecord::AptHistory,
        "apt-get install kesl",
        Some(PlacedBy::System),
    )];
    let it = rank(&[host], &[]);
    assert!(
        it.name.starts_with("apt") && it.text().contains("also there: Puppet"),
        "{}",
        it.text()
    );
}

#[test]
fn nothing_known_is_unknown_and_never_nobody() {
    for targets in [vec![target("kesl")], Vec::new()] {
        let it = rank(&targets, &[]);
        assert_eq!((it.key.as_str(), it.sure), ("unknown", Sureness::Unknown));
        assert!(it.text().starts_with("unknown (no record"), "{}", it.text());
        assert!(it.remedy.contains("find what installs it"));
    }
}

#[test]
fn a_folder_in_the_network_is_a_share_where_it_names_host_and_share() {
    let name = |folder: &str| rank(&[from("kesl", folder)], &[]).name;
    assert!(
        name(r"\\files\software\kes").contains(r"\\files\software"),
        "{}",
        name(r"\\files\software\kes")
    );
    for odd in [r"\\files\", r"\\\software\kes", r"\\files"] {
        assert!(!name(odd).starts_with("the share"), "{odd}: {}", name(odd));
    }
}

#[test]
fn hostile_and_damaged_facts_stay_bounded_and_in_one_line() {
    let odd = [
        "",
        r"\\",
        r"\\\",
        r"\\host",
        r"\\host\",
        "\u{1b}[2J\n\n",
        "💥",
        r"\\x\SYSVOL\y",
        &"A\\".repeat(50_000),
    ];
    for record in PlacedRecord::ALL {
        for what in odd {
            for by in [None, Some(PlacedBy::Person), Some(PlacedBy::System)] {
                let mut many = placed("kesl", *record, what, by);
                many.placed.as_mut().unwrap().deployers = vec![what.to_owned(); 3];
                let it = rank(&vec![many; 20], &["kesl".into()]);
                assert!(!it.name.is_empty() && !it.remedy.is_empty());
                assert!(it.key.chars().count() <= 120, "{}", it.key);
                assert!(it.text().len() < 10_000, "{}", it.text().len());
            }
        }
    }
}
