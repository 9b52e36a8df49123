//! Replacements that come as files which operators gave to the server.

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    inventory::{OsFamily, PackageManager},
    package_file::PackageFormat,
};

use super::*;
use crate::{
    catalog::{FilePackage, Means, Missing, Shelf, Shelved, Source, System, files_to_come, shelf::Wanted},
    plan::{Known, Phase, Plan},
};

/// A file of ClamAV, bound at this time.
fn shelved(file_name: &str, version: &str, systems: &[&str], bound_ms: i64) -> Shelved {
    let digit = u8::try_from(bound_ms % 251).unwrap();
    Shelved {
        product: ProductId::new("clamav"),
        version: version.to_owned(),
        systems: systems.iter().map(|system| system.parse().unwrap()).collect(),
        artifact: ArtifactRef {
            sha256: ArtifactDigest::new([digit; 32]),
            size: 7,
            file_name: file_name.to_owned(),
            urls: Vec::new(),
        },
        bound_ms,
    }
}

fn from_files(inventory: &Inventory, catalog: &Catalog, shelf: Vec<Shelved>) -> Result<Vec<Step>, ComposeError> {
    let assessment = assess(inventory, &Known::default(), &campaign(""), catalog);
    let means = Means {
        catalog,
        settings: &Settings::new(),
        source: Some(Source::Artifacts),
        tenant: None,
        shelf: &Shelf::new(shelf),
        shows_test: true,
    };
    compose(&assessment, &ProductId::new("clamav"), &means)
}

/// The files that an order installs, or what it lacks.
fn chosen(inventory: &Inventory, shelf: Vec<Shelved>) -> Result<String, Box<Missing>> {
    match from_files(inventory, &catalog(), shelf) {
        Ok(steps) => {
            let install = steps.iter().find_map(|step| {
                if let Action::InstallArtifact { artifacts, .. } = &step.action {
                    return Some(artifacts.clone());
                }
                None
            });
            let names: Vec<String> = install.unwrap().into_iter().map(|it| it.file_name).collect();
            Ok(names.join(" "))
        }
        Err(ComposeError::Missing(missing)) => Err(missing),
        Err(other) => panic!("{other}"),
    }
}

fn rpm_host() -> Inventory {
    let mut inventory = carrying();
    inventory.facts.os_id = "rhel".to_owned();
    inventory.facts.os_version = "9.4".to_owned();
    inventory.facts.package_managers = vec![PackageManager::Dnf];
    inventory
}

#[test]
fn files_are_fetched_one_by_one_and_installed_in_one_run_where_packages_would_be() {
    let shelf = || {
        vec![
            shelved("libclamav12_1.4.6_amd64.deb", "1.4.6", &[], 1),
            shelved("clamav_1.4.6_amd64.deb", "1.4.6", &[], 1),
        ]
    };
    let steps = from_files(&carrying(), &catalog(), shelf()).unwrap();
    assert!(
        lines(&steps).starts_with(
            "safe fetch clamav_1.4.6_amd64.deb\nsafe fetch libclamav12_1.4.6_amd64.deb\nsafe install \
             clamav_1.4.6_amd64.deb libclamav12_1.4.6_amd64.deb\nsafe test that clamav detects\nsafe remove kesl-gui\n"
        ),
        "{}",
        lines(&steps)
    );
    let steps = from_files(&carrying(), &removal_first(), shelf()).unwrap();
    let text = lines(&steps);
    let install = text.find("---- install clamav_1.4.6_amd64.deb").unwrap();
    assert!(
        text.starts_with("safe fetch clamav_") && text.find("remove klnagent64").unwrap() < install,
        "{text}"
    );
}

#[test]
fn a_host_gets_what_fits_its_manager_architecture_and_system() {
    let shelf = || {
        vec![
            shelved("clamav_1.4_amd64.deb", "1.4", &["debian:12"], 1),
            shelved("clamav_1.4_arm64.deb", "1.4", &["debian"], 2),
            shelved("clamav-data_1.4_all.deb", "1.4", &[], 3),
            shelved("clamav_1.4~u_amd64.deb", "1.4", &["ubuntu:22.04"], 4),
            shelved("clamav-1.4-1.el9.x86_64.rpm", "1.4", &["rhel:9", "rocky:9"], 5),
            shelved("clamav-update-1.4-1.el9.x86_64.rpm", "1.4", &["rhel:9"], 6),
            shelved("clamav-1.4-1.el8.x86_64.rpm", "1.4", &["rhel:8"], 7),
        ]
    };
    let on = |id: &str, version: &str, architecture: &str| {
        let mut inventory = carrying();
        inventory.facts.os_id = id.to_owned();
        inventory.facts.os_version = version.to_owned();
        inventory.facts.architecture = architecture.to_owned();
        chosen(&inventory, shelf())
    };
    assert_eq!(
        on("debian", "12", "x86_64").unwrap(),
        "clamav-data_1.4_all.deb clamav_1.4_amd64.deb"
    );
    assert_eq!(
        on("debian", "12", "aarch64").unwrap(),
        "clamav-data_1.4_all.deb clamav_1.4_arm64.deb"
    );
    assert_eq!(
        on("ubuntu", "22.04", "x86_64").unwrap(),
        "clamav-data_1.4_all.deb clamav_1.4~u_amd64.deb"
    );
    assert_eq!(
        chosen(&rpm_host(), shelf()).unwrap(),
        "clamav-1.4-1.el9.x86_64.rpm clamav-update-1.4-1.el9.x86_64.rpm"
    );
    for (id, version, architecture) in [
        ("debian", "11", "x86_64"),
        ("debian", "12", ""),
        ("ubuntu", "24.04", "x86_64"),
    ] {
        let missing = on(id, version, architecture).unwrap_err();
        assert_eq!(missing.packages, ["clamav"], "{id} {version} {architecture}");
    }
}

#[test]
fn a_version_that_is_not_whole_for_the_host_is_left_alone() {
    let whole = [
        shelved("clamav-1.3-1.x86_64.rpm", "1.3", &[], 1),
        shelved("clamav-update-1.3-1.x86_64.rpm", "1.3", &[], 1),
    ];
    let half = shelved("clamav-1.4-1.x86_64.rpm", "1.4", &[], 2);
    let both = [&whole[..], std::slice::from_ref(&half)].concat();
    assert_eq!(
        chosen(&rpm_host(), both).unwrap(),
        "clamav-1.3-1.x86_64.rpm clamav-update-1.3-1.x86_64.rpm"
    );
    let missing = chosen(&rpm_host(), vec![half]).unwrap_err();
    assert_eq!(
        (missing.version.as_deref(), missing.packages.clone()),
        (Some("1.4"), vec!["clamav-update".to_owned()])
    );
}

#[test]
fn what_was_bound_last_counts_among_versions_and_within_one() {
    let shelf = vec![
        shelved("clamav_1.10_amd64.deb", "1.10", &[], 1),
        shelved("clamav_1.9_amd64.deb", "1.9", &[], 2),
        shelved("clamav_1.9+fixed_amd64.deb", "1.9", &[], 3),
    ];
    assert_eq!(chosen(&carrying(), shelf).unwrap(), "clamav_1.9+fixed_amd64.deb");
}

#[test]
fn what_is_missing_is_said_with_the_command_that_mends_it() {
    let missing = chosen(&carrying(), Vec::new()).unwrap_err();
    assert_eq!(missing.format, PackageFormat::Deb);
    insta::assert_snapshot!(missing.text(), @"the server has no .deb file of clamav for x86_64 on debian:12 that makes clamav");
    insta::assert_snapshot!(missing.remedy(), @"cutover artifact add clamav_*.deb --product clamav --version VERSION; hosts go on by themselves");
    let other = Shelved {
        product: ProductId::new("clamav-daemon"),
        ..shelved("clamav_1.4_amd64.deb", "1.4", &[], 1)
    };
    assert!(chosen(&carrying(), vec![other]).is_err(), "a file of another product");
}

#[test]
fn a_recipe_may_demand_one_version() {
    let mut catalog = catalog();
    let clamav = catalog.recipes.get_mut(&ProductId::new("clamav")).unwrap();
    clamav.install.as_mut().unwrap().artifacts = vec![FilePackage {
        package: "clamav".to_owned(),
        version: Some("1.4".to_owned()),
        managers: Vec::new(),
    }];
    let shelf = |version: &str| vec![shelved("clamav_x_amd64.deb", version, &[], 1)];
    assert!(from_files(&carrying(), &catalog, shelf("1.4")).is_ok());
    let Err(ComposeError::Missing(missing)) = from_files(&carrying(), &catalog, shelf("1.5")) else {
        panic!("another version is none");
    };
    assert_eq!(missing.version.as_deref(), Some("1.4"));
}

#[test]
fn a_system_is_an_id_with_or_without_a_version() {
    for good in ["debian", "debian:12", "opensuse-leap:15.6", "ol:8.10"] {
        let system: System = good.parse().unwrap();
        assert_eq!(
            (system.to_string(), String::from(system)),
            (good.to_owned(), good.to_owned())
        );
    }
    for bad in ["", "Debian", "debian:", ":12", "debian 12", "debian:12:1"] {
        assert!(bad.parse::<System>().is_err(), "{bad}");
    }
}

#[test]
fn a_file_of_windows_installer_is_for_a_windows_of_its_architecture() {
    let mut catalog = catalog();
    let clamav = catalog.recipes.get_mut(&ProductId::new("clamav")).unwrap();
    clamav.install.as_mut().unwrap().managers = vec![PackageManager::Msi];
    let mut windows = carrying();
    windows.facts.package_managers = vec![PackageManager::Msi];
    let made = |inventory: &Inventory, file: &str| {
        let shelf = vec![shelved(file, "1.4", &[], 1)];
        let assessment = assess(inventory, &Known::default(), &campaign(""), &catalog);
        let wanted = Wanted {
            product: &ProductId::new("clamav"),
            packages: &catalog.installation(&ProductId::new("clamav")).unwrap().artifacts,
            manager: PackageManager::Msi,
            host: &assessment,
        };
        Shelf::new(shelf).files(&wanted).is_ok()
    };
    assert!(!made(&windows, "clamav_1.4_x64.msi"), "that host is no Windows");
    windows.facts.os_family = OsFamily::Windows;
    assert!(made(&windows, "clamav_1.4_x64.msi"));
    assert!(made(&windows, "clamav_1.4_all.msi"));
    assert!(!made(&windows, "clamav_1.4_arm64.msi"));
    assert!(!made(&windows, "clamav_1.4_amd64.deb"));
}

fn recipe(install: &str) -> Result<Recipe, RecipeError> {
    let (_, text) = ("clamav.toml", include_str!("../../../../recipes/clamav.toml"));
    let begin = text.find("[install]").unwrap();
    let head = text[..begin].replace(", linux-yum = \"fixture\", linux-zypper = \"chroot\"", "");
    let text = format!(
        "{head}[install]\nmanagers = [\"apt\", \"dnf\"]\ngrade = \"on-demand\"\nbeside = \"first\"\n\
         detection_test = true\nfetch_time_limit = \"1m\"\ntime_limit = \"1m\"\nmax_gap = \"1h\"\n{install}"
    );
    let rules = catalog().rules;
    Recipe::parse("clamav.toml", &text, |product| {
        rules.get(&ProductId::new(product)).cloned()
    })
}

#[test]
fn a_recipe_that_could_not_be_followed_is_refused() {
    let file = |more: &str| format!("[[install.artifacts]]\npackage = \"clamav\"\n{more}");
    assert!(recipe(&file("")).is_ok());
    assert!(
        recipe(&format!(
            "{}{}",
            file("managers = [\"apt\"]\n"),
            file("managers = [\"dnf\"]\n")
        ))
        .is_ok()
    );
    for (install, said) in [
        (String::new(), "one package or artifact"),
        (file("managers = [\"apt\"]\n"), "none is for `dnf`"),
        (file("managers = [\"zypper\"]\n"), "not among `managers`"),
        (format!("{}{}", file(""), file("")), "named twice"),
        (file("version = \"1 4\"\n"), "no plain name"),
        (file("").replace("clamav", "-o"), "no plain name"),
        (file("path = \"/\"\n"), "path"),
    ] {
        let refused = recipe(&install).unwrap_err().to_string();
        assert!(refused.contains(said), "{install}: {refused}");
    }
}

#[test]
fn without_a_word_of_the_campaign_packages_come_from_where_the_recipe_knows_them() {
    let catalog = catalog();
    let mut install = catalog.installation(&ProductId::new("clamav")).unwrap().clone();
    assert_eq!(install.source(None), Source::Distribution);
    assert_eq!(install.source(Some(Source::Artifacts)), Source::Artifacts);
    assert!(install.offers(Source::Distribution) && install.offers(Source::Artifacts));
    install.packages.clear();
    assert_eq!(install.source(None), Source::Artifacts);
    assert!(!install.offers(Source::Distribution) && install.offers(Source::Artifacts));
    install.artifacts.clear();
    assert!(!install.offers(Source::Artifacts));
}

#[test]
fn only_a_host_that_waits_for_its_turn_is_told_what_to_fetch_ahead() {
    let mut campaign = campaign("");
    campaign.replacements[0].source = Some(Source::Artifacts);
    let shelf = Shelf::new(vec![shelved("clamav_1.4_amd64.deb", "1.4", &[], 1)]);
    let told = |phase, stale| {
        let plan = Plan {
            phase,
            stale,
            assessment: Some(assess(&carrying(), &Known::default(), &campaign, &catalog())),
            ..Plan::unborn(crate::samples::host(), campaign.id.clone())
        };
        files_to_come(&plan, &campaign, &catalog(), &shelf).len()
    };
    for phase in Phase::ALL {
        let waits = matches!(phase, Phase::Planned | Phase::Queued);
        assert_eq!(told(*phase, false), usize::from(waits), "{phase}");
        assert_eq!(told(*phase, true), 0, "{phase}");
    }
}
