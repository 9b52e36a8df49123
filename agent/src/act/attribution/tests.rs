use std::time::Duration;

use cutover_proto::{inventory::DiskEncryption, step::SetUpState};

use super::*;

fn facts() -> HostFacts {
    HostFacts {
        hostname: "h".into(),
        os_family: OsFamily::Linux,
        os_id: "debian".into(),
        os_version: "12".into(),
        os_name: "Debian".into(),
        architecture: "x86_64".into(),
        kernel: String::new(),
        machine_id: String::new(),
        package_managers: vec![PackageManager::Apt],
        encryption: DiskEncryption::None,
        restart_pending: None,
        free_disk_mib: None,
        restart_reasons: Vec::new(),
        serial: String::new(),
        system_uuid: String::new(),
        fqdn: String::new(),
        encryption_reasons: Vec::new(),
        roles: Vec::new(),
        roles_told: false,
        has_battery: None,
        domain_joined: None,
        time_zone: String::new(),
        policies: Vec::new(),
    }
}

fn judge(action: Action) -> Result<(), FailureCause> {
    let step = Step {
        action,
        time_limit: Duration::from_secs(1),
        safe_point_after: false,
    };
    check(&step, &RuleSet::built_in(), &facts()).map_err(|refused| refused.cause)
}

fn remove(product: &str, package: &str) -> Result<(), FailureCause> {
    judge(Action::RemovePackages {
        manager: PackageManager::Apt,
        product: product.into(),
        packages: vec![package.into()],
    })
}

fn install(manager: PackageManager, product: &str, package: &str) -> Result<(), FailureCause> {
    judge(Action::InstallPackages {
        manager,
        product: product.into(),
        packages: vec![package.into()],
    })
}

fn sweep(path: &str) -> Result<(), FailureCause> {
    judge(Action::Sweep {
        product: "kesl".into(),
        paths: vec![path.into()],
    })
}

#[test]
fn a_product_code_is_a_targets_or_nobodys_and_whose_it_is_the_look_before_the_step_says() {
    let remove = |product: &str, managers: Vec<PackageManager>| {
        let step = Step {
            action: Action::RemovePackages {
                manager: PackageManager::Msi,
                product: product.into(),
                packages: vec!["{6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6B}".into()],
            },
            time_limit: Duration::from_secs(1),
            safe_point_after: false,
        };
        let facts = HostFacts {
            os_family: OsFamily::Windows,
            package_managers: managers,
            ..facts()
        };
        check(&step, &RuleSet::built_in(), &facts).map_err(|refused| refused.cause)
    };
    let msi = || vec![PackageManager::Msi];
    assert_eq!(remove("kes-windows", msi()), Ok(()));
    assert_eq!(
        remove("defender-antivirus", msi()),
        Err(FailureCause::NotAttributed),
        "a replacement is never removed"
    );
    assert_eq!(remove("nothing", msi()), Err(FailureCause::NotAttributed));
    assert_eq!(remove("kes-windows", Vec::new()), Err(FailureCause::Unsupported));
}

#[test]
fn only_a_targets_own_packages_are_removed() {
    assert_eq!(remove("kesl", "kesl"), Ok(()));
    assert_eq!(remove("kesl", "kesl-astra"), Ok(()));
    assert_eq!(remove("kesl", "openssh-server"), Err(FailureCause::NotAttributed));
    assert_eq!(remove("kesl", "klnagent64"), Err(FailureCause::NotAttributed));
    assert_eq!(remove("clamav", "clamav"), Err(FailureCause::NotAttributed));
    assert_eq!(remove("nothing", "nothing"), Err(FailureCause::NotAttributed));
}

#[test]
fn only_replacements_are_installed_and_never_a_targets_package() {
    use PackageManager::{Apt, Dnf};
    assert_eq!(install(Apt, "clamav", "clamav-daemon"), Ok(()));
    assert_eq!(install(Apt, "kesl", "kesl"), Err(FailureCause::NotAttributed));
    assert_eq!(install(Apt, "clamav", "kesl"), Err(FailureCause::NotAttributed));
    assert_eq!(install(Dnf, "clamav", "clamav"), Err(FailureCause::Unsupported));
}

#[test]
fn only_paths_that_the_rules_call_sweepable_are_swept() {
    assert_eq!(sweep("/var/opt/kaspersky/kesl"), Ok(()));
    assert_eq!(sweep("/var/opt/kaspersky/kesl/"), Err(FailureCause::NotAttributed));
    assert_eq!(sweep("/var/opt"), Err(FailureCause::NotAttributed));
    assert_eq!(sweep("/etc/passwd"), Err(FailureCause::NotAttributed));
}

fn enable(product: &str, service: &str) -> Result<(), FailureCause> {
    judge(Action::EnableService {
        product: product.into(),
        services: vec![service.into()],
    })
}

fn write(product: &str, path: &str, contents: &str, mode: u32) -> Result<(), FailureCause> {
    judge(Action::WriteConfig {
        product: product.into(),
        path: path.into(),
        contents: contents.into(),
        mode,
    })
}

#[test]
fn only_replacements_are_set_up() {
    let set_up = |product: &str| {
        judge(Action::SetUp {
            product: product.into(),
            state: SetUpState::Active,
            tenant: None,
        })
    };
    assert_eq!(set_up("defender-endpoint"), Ok(()));
    for product in ["kesl", "ultraav", "nothing"] {
        assert_eq!(set_up(product), Err(FailureCause::NotAttributed), "{product}");
    }
}

#[test]
fn only_services_of_a_replacement_that_its_rule_names_are_started() {
    assert_eq!(enable("clamav-daemon", "clamav-daemon.service"), Ok(()));
    for (product, service) in [
        ("clamav-daemon", "ssh.service"),
        ("clamav-daemon", "clamav-clamonacc.service"),
        ("clamav", "clamav-daemon.service"),
        ("kesl", "kesl.service"),
    ] {
        assert_eq!(
            enable(product, service),
            Err(FailureCause::NotAttributed),
            "{product} {service}"
        );
    }
}

#[test]
fn only_lines_that_the_rule_holds_are_written_and_only_where_it_says() {
    let path = "/etc/clamav/freshclam.conf";
    let rules = RuleSet::built_in();
    let config = rules
        .rule(&"clamav-daemon".into())
        .and_then(|rule| rule.config_at(path))
        .unwrap();
    let mirror = |url: &str| {
        let settings = [("private-mirror".to_owned(), vec![url.to_owned()])];
        config.fill(&settings.into()).unwrap()
    };
    let good = mirror("https://mirror.example/clamav");
    assert_eq!(write("clamav-daemon", path, &good, 0o444), Ok(()));
    let refused = Err(FailureCause::NotAttributed);
    assert_eq!(
        write(
            "clamav-daemon",
            path,
            &format!("{good}OnUpdateExecute /bin/sh\n"),
            0o444
        ),
        refused
    );
    assert_eq!(write("clamav-daemon", path, &good, 0o755), refused);
    assert_eq!(write("clamav-daemon", "/etc/passwd", &good, 0o444), refused);
    assert_eq!(write("clamav", path, &good, 0o444), refused);
    assert_eq!(write("kesl", path, &good, 0o444), refused);
}

#[test]
fn only_groups_and_certificates_that_the_rules_offer_are_swept() {
    let groups = |product: &str, group: &str| {
        judge(Action::SweepGroups {
            product: product.into(),
            groups: vec![group.into()],
        })
    };
    assert_eq!(groups("kesl", "kesladmin"), Ok(()));
    assert_eq!(groups("kesl", "sudo"), Err(FailureCause::NotAttributed));
    assert_eq!(groups("klnagent64", "kesladmin"), Err(FailureCause::NotAttributed));
    let certificate = |subject: &str| {
        judge(Action::SweepCertificates {
            product: "kesl".into(),
            subjects: vec![Subject::parse(subject).unwrap()],
        })
    };
    let known = "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab";
    assert_eq!(certificate(known), Ok(()));
    assert_eq!(
        certificate("CN=Root, O=AO Kaspersky Lab"),
        Err(FailureCause::NotAttributed)
    );
}

#[test]
fn only_a_replacement_is_shown_the_test_file() {
    let test = |product: &str| {
        judge(Action::DetectionTest {
            product: product.into(),
        })
    };
    assert_eq!(test("clamav"), Ok(()));
    assert_eq!(test("kesl"), Err(FailureCause::NotAttributed));
}

fn install_file(product: &str, file_name: &str) -> Result<(), FailureCause> {
    judge(Action::InstallArtifact {
        manager: PackageManager::Apt,
        product: product.into(),
        artifacts: vec![ArtifactRef {
            sha256: cutover_proto::artifact::ArtifactDigest::new([1; 32]),
            size: 1,
            file_name: file_name.to_owned(),
            urls: Vec::new(),
        }],
    })
}

#[test]
fn only_package_files_of_a_replacement_are_installed() {
    assert_eq!(install_file("clamav", "clamav_1.4_amd64.deb"), Ok(()));
    let refused = Err(FailureCause::NotAttributed);
    assert_eq!(install_file("kesl", "clamav_1.4_amd64.deb"), refused);
    assert_eq!(install_file("clamav", "kesl_12.1_amd64.deb"), refused);
    assert_eq!(install_file("clamav", "setup.sh"), refused);
}
