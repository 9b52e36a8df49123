//! Who takes part: ordinary machines, and some that are awkward on purpose.

use cutover_agent::host::sandbox::{Behaviour, Fault, Profile, TargetProduct};
use cutover_proto::{inventory::DiskEncryption, record::FailureCause, step::StepKind};

/// What is awkward about a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awkward {
    /// Nothing.
    No,
    /// Its first removal fails; the second attempt succeeds.
    FailsOnce,
    /// Too little room: blocked.
    LittleDisk,
    /// Nobody can tell who encrypts its disks: blocked.
    EncryptionUnknown,
    /// Leaves the network in the middle and comes back.
    AwayAndBack,
    /// Leaves the network and does not come back.
    AwayForGood,
    /// Its replacement never detects anything: failed after its attempts.
    NeverDetects,
    /// An update waits for a restart, which comes before the work.
    RestartPending,
    /// The same, and its user puts the restart off once.
    PutsOff,
    /// Carries no target at all: clear.
    Clear,
}

impl Awkward {
    /// What the summary says of it.
    pub(super) const fn describe(self) -> Option<&'static str> {
        match self {
            Self::No => None,
            Self::FailsOnce => Some("its first removal fails, the next attempt succeeds"),
            Self::LittleDisk => Some("has too little room and is blocked"),
            Self::EncryptionUnknown => Some("cannot tell who encrypts its disks and is blocked"),
            Self::AwayAndBack => Some("leaves the network in the middle and comes back"),
            Self::AwayForGood => Some("leaves the network for good and becomes unknown"),
            Self::NeverDetects => Some("gets a replacement that detects nothing and fails"),
            Self::RestartPending => Some("has a restart pending, which comes before the work"),
            Self::PutsOff => Some("has a restart pending, and its user puts it off once"),
            Self::Clear => Some("never carried a target and is clear"),
        }
    }
}

/// One host of the demo.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) profile: Profile,
    pub(super) awkward: Awkward,
}

/// The cast of `hosts` machines. The same every time.
pub(super) fn cast(hosts: u32) -> Vec<Part> {
    (1..=hosts).map(part).collect()
}

fn part(number: u32) -> Part {
    let awkward = match number % 25 {
        3 => Awkward::FailsOnce,
        5 => Awkward::RestartPending,
        6 => Awkward::LittleDisk,
        8 => Awkward::PutsOff,
        9 => Awkward::EncryptionUnknown,
        12 => Awkward::AwayAndBack,
        15 => Awkward::AwayForGood,
        18 => Awkward::NeverDetects,
        21 => Awkward::Clear,
        _ => Awkward::No,
    };
    let family = [TargetProduct::KeslGui, TargetProduct::Kesl, TargetProduct::Klnagent64];
    let targets = match (awkward, number % 4) {
        (Awkward::Clear, _) => Vec::new(),
        (_, 0) => vec![TargetProduct::Kesl, TargetProduct::Klnagent64],
        (_, 1) => vec![TargetProduct::Klnagent64],
        _ => family.to_vec(),
    };
    let behaviour = Behaviour {
        fetch_ms: 300 + u64::from(number % 7) * 100,
        remove_ms: 500 + u64::from(number % 5) * 200,
        install_ms: 400 + u64::from(number % 3) * 250,
        test_ms: 200,
        fail_first: (awkward == Awkward::FailsOnce).then_some(Fault {
            step: StepKind::RemovePackages,
            cause: FailureCause::ToolFailed,
            times: 1,
        }),
        detection_works: awkward != Awkward::NeverDetects,
        leaves_leftovers: true,
        ..Behaviour::default()
    };
    let role = if number.is_multiple_of(6) { "srv" } else { "ws" };
    Part {
        profile: Profile {
            hostname: format!("{role}-{number:03}"),
            machine_id: format!("{number:032x}"),
            boot_id: format!("00000000-0000-4000-8000-{number:012x}"),
            targets,
            encryption: match awkward {
                Awkward::EncryptionUnknown => DiskEncryption::Unknown,
                Awkward::No
                | Awkward::FailsOnce
                | Awkward::LittleDisk
                | Awkward::AwayAndBack
                | Awkward::AwayForGood
                | Awkward::NeverDetects
                | Awkward::RestartPending
                | Awkward::PutsOff
                | Awkward::Clear => DiskEncryption::None,
            },
            free_disk_mib: if awkward == Awkward::LittleDisk { 200 } else { 40_000 },
            restart_wanted_by: match awkward {
                Awkward::RestartPending | Awkward::PutsOff => vec!["libc6".to_owned(), "linux-image-amd64".to_owned()],
                Awkward::No
                | Awkward::FailsOnce
                | Awkward::LittleDisk
                | Awkward::EncryptionUnknown
                | Awkward::AwayAndBack
                | Awkward::AwayForGood
                | Awkward::NeverDetects
                | Awkward::Clear => Vec::new(),
            },
            behaviour,
        },
        awkward,
    }
}
