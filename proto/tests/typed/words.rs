use cutover_proto::{
    envelope::{Algorithm, Context},
    inventory::{DiskEncryption, OsFamily, PackageManager},
    record::{FailureCause, RecordEvent},
    release::UpdateState,
    rule::{Need, Role, Scope},
    step::{Replay, SetUpState, StepKind},
    verdict::{EvidenceKind, EvidenceOutcome, HealthState, Protection, Showing, Verdict},
};

macro_rules! spelled {
    ($($name:ident),+) => {
        /// Every enum with its words.
        fn tables() -> Vec<(&'static str, Vec<&'static str>)> {
            vec![$((stringify!($name), $name::ALL.iter().map(|value| value.as_str()).collect())),+]
        }

        #[test]
        fn words_read_back_to_the_same_value_also_through_serde() {
            $(for value in $name::ALL {
                assert_eq!($name::parse(value.as_str()).unwrap(), *value);
                let json = serde_json::to_string(value).unwrap();
                assert_eq!(json, format!("\"{value}\""));
                assert_eq!(serde_json::from_str::<$name>(&json).unwrap(), *value);
            })+
        }

        #[test]
        fn an_unknown_word_names_the_known_ones() {
            $(
                let refused = $name::parse("Verdict::Absent").unwrap_err().to_string();
                assert!(refused.contains($name::ALL[0].as_str()), "{refused}");
            )+
        }
    };
}

spelled!(
    Algorithm,
    Context,
    DiskEncryption,
    EvidenceKind,
    EvidenceOutcome,
    FailureCause,
    HealthState,
    Need,
    OsFamily,
    PackageManager,
    Protection,
    RecordEvent,
    Replay,
    Role,
    Scope,
    Showing,
    StepKind,
    SetUpState,
    UpdateState,
    Verdict
);

macro_rules! numbered {
    ($($name:ident),+) => {
        #[test]
        fn numbers_on_the_wire_read_back_and_zero_is_never_a_value() {
            $(
                for value in $name::ALL {
                    assert_eq!($name::try_from(value.number()).unwrap(), *value);
                }
                assert!($name::try_from(0).is_err(), stringify!($name));
                let next = $name::ALL.iter().map(|value| value.number()).max().unwrap() + 1;
                let refused = $name::try_from(next).unwrap_err().to_string();
                assert!(refused.contains("does not know"), "{refused}");
            )+
        }
    };
}

numbered!(
    Algorithm,
    DiskEncryption,
    EvidenceKind,
    EvidenceOutcome,
    FailureCause,
    HealthState,
    OsFamily,
    PackageManager,
    Protection,
    RecordEvent,
    Showing,
    StepKind,
    SetUpState,
    UpdateState,
    Verdict
);

#[test]
fn spellings_are_the_kept_ones() {
    let text: String = tables()
        .into_iter()
        .map(|(name, words)| format!("{name}: {}\n", words.join(" ")))
        .collect();
    insta::assert_snapshot!(text);
}
