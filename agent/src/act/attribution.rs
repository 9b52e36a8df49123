//! What an order may touch: only what this host's own rules and looks give it.

use cutover_proto::{
    artifact::ArtifactRef,
    ids::ProductId,
    inventory::{HostFacts, OsFamily, PackageManager},
    record::FailureCause,
    rule::{Role, Rule},
    step::{Action, Step},
};

use crate::detect::RuleSet;

/// Why a step is not for this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotForUs {
    pub cause: FailureCause,
    pub why: String,
}

fn refused(why: String) -> NotForUs {
    NotForUs {
        cause: FailureCause::NotAttributed,
        why,
    }
}

/// Checks one step against the rules and what the host can do.
pub(super) fn check(step: &Step, rules: &RuleSet, facts: &HostFacts) -> Result<(), NotForUs> {
    let os = facts.os_family;
    match &step.action {
        Action::FetchPackages { manager, packages } => {
            can_use(*manager, facts)?;
            none_of_a_target(packages, rules, os)
        }
        Action::RemovePackages {
            manager,
            product,
            packages,
        } => {
            can_use(*manager, facts)?;
            let rule = removable(product, rules)?;
            let stranger = packages
                .iter()
                .find(|package| !rule.package_names(os).any(|name| name == package.as_str()));
            match stranger {
                Some(package) => Err(refused(format!(
                    "package {package} does not belong to {product} by this host's rules"
                ))),
                None => Ok(()),
            }
        }
        Action::InstallPackages {
            manager,
            product,
            packages,
        } => {
            can_use(*manager, facts)?;
            replacement(product, rules)?;
            none_of_a_target(packages, rules, os)
        }
        Action::Sweep { product, paths } => {
            let rule = removable(product, rules)?;
            let stranger = paths
                .iter()
                .find(|path| !rule.sweepable(os).any(|known| known == path.as_str()));
            match stranger {
                Some(path) => Err(refused(format!(
                    "{path} is no leftover of {product} by this host's rules"
                ))),
                None => Ok(()),
            }
        }
        Action::SweepGroups { product, groups } => {
            let rule = removable(product, rules)?;
            let stranger = groups
                .iter()
                .find(|group| !rule.sweepable_groups(os).any(|known| known == group.as_str()));
            match stranger {
                Some(group) => Err(refused(format!(
                    "group {group} is no leftover of {product} by this host's rules"
                ))),
                None => Ok(()),
            }
        }
        Action::SweepCertificates { product, subjects } => {
            let rule = removable(product, rules)?;
            let stranger = subjects
                .iter()
                .find(|subject| !rule.sweepable_certificates(os).any(|known| known == *subject));
            match stranger {
                Some(subject) => Err(refused(format!(
                    "certificate {subject} is no leftover of {product} by this host's rules"
                ))),
                None => Ok(()),
            }
        }
        Action::DetectionTest { product } => replacement(product, rules).map(|_| ()),
        Action::FetchArtifact { artifact } => none_of_a_target(&packages_in([artifact]), rules, os),
        Action::InstallArtifact {
            manager,
            product,
            artifacts,
        } => {
            can_use(*manager, facts)?;
            replacement(product, rules)?;
            if let Some(artifact) = artifacts.iter().find(|artifact| artifact.package().is_none()) {
                return Err(refused(format!(
                    "{} is not called as a package file is, so nobody can tell what it installs",
                    artifact.file_name
                )));
            }
            none_of_a_target(&packages_in(artifacts), rules, os)
        }
        Action::Restart { .. } => Ok(()),
        Action::RepairPackages { manager } => can_use(*manager, facts),
        Action::EnableService { product, services } => {
            let rule = replacement(product, rules)?;
            match services.iter().find(|service| !rule.services.contains(service)) {
                Some(service) => Err(refused(format!(
                    "{service} is no service of {product} by this host's rules"
                ))),
                None => Ok(()),
            }
        }
        Action::WriteConfig {
            product,
            path,
            contents,
            mode,
        } => {
            let rule = replacement(product, rules)?;
            let config = rule.config_at(path).ok_or_else(|| {
                refused(format!(
                    "{path} is no file of {product} that may be written, by this host's rules"
                ))
            })?;
            config.permits(contents, *mode).map_err(refused)
        }
    }
}

/// The packages that files hold, by their names.
pub(super) fn packages_in<'a>(artifacts: impl IntoIterator<Item = &'a ArtifactRef>) -> Vec<String> {
    let packages = artifacts.into_iter().filter_map(ArtifactRef::package);
    packages.map(str::to_owned).collect()
}

fn can_use(manager: PackageManager, facts: &HostFacts) -> Result<(), NotForUs> {
    if facts.package_managers.contains(&manager) {
        return Ok(());
    }
    Err(NotForUs {
        cause: FailureCause::Unsupported,
        why: format!("this host has no {manager}"),
    })
}

fn known<'r>(product: &ProductId, rules: &'r RuleSet) -> Result<&'r Rule, NotForUs> {
    rules
        .rule(product)
        .ok_or_else(|| refused(format!("this host has no usable rule for {product}")))
}

fn removable<'r>(product: &ProductId, rules: &'r RuleSet) -> Result<&'r Rule, NotForUs> {
    let rule = known(product, rules)?;
    match rules.role(product) {
        Role::Target | Role::Unapproved => Ok(rule),
        Role::Replacement => Err(refused(format!("{product} is a replacement and is never removed"))),
    }
}

fn replacement<'r>(product: &ProductId, rules: &'r RuleSet) -> Result<&'r Rule, NotForUs> {
    let rule = known(product, rules)?;
    match rules.role(product) {
        Role::Replacement => Ok(rule),
        Role::Target | Role::Unapproved => Err(refused(format!("{product} is no replacement"))),
    }
}

fn none_of_a_target(packages: &[String], rules: &RuleSet, os: OsFamily) -> Result<(), NotForUs> {
    let of_target = |package: &&String| {
        rules
            .rules()
            .iter()
            .filter(|rule| rule.role != Role::Replacement)
            .any(|rule| rule.package_names(os).any(|name| name == package.as_str()))
    };
    match packages.iter().find(of_target) {
        Some(package) => Err(refused(format!("{package} is a package of a target"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cutover_proto::{inventory::DiskEncryption, subject::Subject};

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
}
