//! What steps are for: what planning, accounts, safe points and caches go by.

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    inventory::PackageManager,
    step::{Action, Fetched, Purpose, SetUpState, StepKind},
    subject::Subject,
};

fn file() -> ArtifactRef {
    ArtifactRef {
        sha256: ArtifactDigest::new([1; 32]),
        size: 7,
        file_name: "clamav_1.4_amd64.deb".to_owned(),
        urls: Vec::new(),
    }
}

/// One of each kind.
fn each() -> Vec<Action> {
    let manager = PackageManager::Zypper;
    let packages = || vec!["p".to_owned()];
    vec![
        Action::FetchPackages {
            manager,
            packages: packages(),
        },
        Action::RemovePackages {
            manager,
            product: "kesl".into(),
            packages: packages(),
        },
        Action::InstallPackages {
            manager,
            product: "clamav".into(),
            packages: packages(),
        },
        Action::Sweep {
            product: "kesl".into(),
            paths: Vec::new(),
        },
        Action::DetectionTest {
            product: "clamav".into(),
        },
        Action::Restart {
            reason: String::new(),
            notice: std::time::Duration::ZERO,
            defer: std::time::Duration::ZERO,
        },
        Action::RepairPackages { manager },
        Action::SweepGroups {
            product: "kesl".into(),
            groups: Vec::new(),
        },
        Action::SweepCertificates {
            product: "kesl".into(),
            subjects: vec![Subject::parse("CN=Root, O=AO Kaspersky Lab").unwrap()],
        },
        Action::EnableService {
            product: "clamav".into(),
            services: Vec::new(),
        },
        Action::WriteConfig {
            product: "clamav".into(),
            path: String::new(),
            contents: String::new(),
            mode: 0o444,
        },
        Action::FetchArtifact { artifact: file() },
        Action::InstallArtifact {
            manager,
            product: "clamav".into(),
            artifacts: vec![file()],
        },
        Action::SetUp {
            product: "clamav".into(),
            state: SetUpState::Active,
            tenant: None,
        },
    ]
}

#[test]
fn each_kind_of_step_says_what_it_is_for_and_what_it_concerns() {
    let all = each();
    let kinds: Vec<StepKind> = all.iter().map(Action::kind).collect();
    assert_eq!(kinds, StepKind::ALL, "one of each");
    let (kesl, clamav, file) = ("kesl".into(), "clamav".into(), file());
    let purposes: Vec<Purpose<'_>> = all.iter().map(Action::purpose).collect();
    assert_eq!(
        purposes,
        [
            Purpose::Fetch(Fetched::Packages),
            Purpose::Remove(&kesl),
            Purpose::Install(&clamav),
            Purpose::Sweep(&kesl),
            Purpose::Prove(&clamav),
            Purpose::Restart,
            Purpose::Repair,
            Purpose::Sweep(&kesl),
            Purpose::Sweep(&kesl),
            Purpose::Start(&clamav),
            Purpose::Configure(&clamav),
            Purpose::Fetch(Fetched::File(&file)),
            Purpose::Install(&clamav),
            Purpose::Start(&clamav),
        ]
    );
    for (action, purpose) in all.iter().zip(purposes) {
        assert_eq!(action.product(), purpose.product());
    }
}

#[test]
fn a_replacement_is_started_by_the_state_in_which_it_protects_alone() {
    let starts = |state: &SetUpState| {
        let action = Action::SetUp {
            product: "clamav".into(),
            state: *state,
            tenant: None,
        };
        matches!(action.purpose(), Purpose::Start(_))
    };
    let starting: Vec<&SetUpState> = SetUpState::ALL.iter().filter(|state| starts(state)).collect();
    assert_eq!(starting, [&SetUpState::Active]);
}

#[test]
fn a_step_names_the_manager_that_does_it_and_the_files_that_it_needs() {
    let with = |has: fn(&Action) -> bool| -> Vec<&str> {
        let kinds = StepKind::ALL.iter().zip(each());
        kinds
            .filter(|(_, action)| has(action))
            .map(|(kind, _)| kind.as_str())
            .collect()
    };
    assert_eq!(
        with(|action| action.manager() == Some(PackageManager::Zypper)),
        [
            "fetch-packages",
            "remove-packages",
            "install-packages",
            "repair-packages",
            "install-artifact"
        ]
    );
    assert_eq!(
        with(|action| action.files() == [file()]),
        ["fetch-artifact", "install-artifact"]
    );
    assert_eq!(
        with(|action| action.fetched_file() == Some(&file())),
        ["fetch-artifact"]
    );
}
