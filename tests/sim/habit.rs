//! What is particular about a machine. Each is counted, so that one that never occurs is seen.

use cutover_proto::{record::FailureCause, step::StepKind, words};

use crate::{
    calendar::{DAY, HOUR, MINUTE, hour_and_workday},
    dice::Dice,
};

words! {
    /// A machine's habit.
    pub(crate) enum Habit("habit") {
        /// On day and night.
        AlwaysOn = "always on",
        /// Sleeps by day.
        NightLaptop = "at night only",
        /// Sleeps out of office hours and at weekends.
        OfficeHours = "office hours only",
        /// Away for weeks.
        Away = "offline for weeks",
        /// Everything takes long.
        Slow = "slow",
        /// Its clock is wrong, and is set now and then.
        LyingClock = "lying clock",
        /// Claims that steps are done which are not.
        Liar = "claims success",
        /// Its disk is copied onto another machine.
        Clone = "clone",
        /// One of a pool that comes and goes from an image.
        Pooled = "pool member",
        /// Another installer holds the lock at first.
        Locked = "fails: locked",
        /// Its downloads break off at first.
        NetworkGone = "fails: network",
        /// Its removal fails, again and again.
        ToolFails = "fails: tool",
        /// The uninstall password is wrong: every removal fails.
        WrongPassword = "fails: wrong password",
        /// The tool says success and the product is still there.
        StillThere = "fails: still there",
        /// No room at first.
        DiskFull = "fails: disk full",
        /// Restarted in the middle of a step.
        Interrupted = "interrupted",
        /// Its replacement detects nothing.
        NotDetected = "fails: not detected",
        /// Takes longer than a step allows, once.
        TimeLimit = "fails: time limit",
        /// An old console puts the product back after its removal.
        OldConsole = "old console reinstalls",
        /// A restart waits, and the user puts it off to the last.
        Defers = "defers to the last",
        /// A restart waits, and comes.
        RestartPending = "restart pending",
        /// Does not come back from a restart for days.
        NoReturn = "late from a restart",
        /// The target removes itself and an unapproved product appears.
        UltraAv = "UltraAV week",
        /// The product encrypts its disks.
        Encrypted = "encrypted by the target",
        /// Nobody can tell who encrypts.
        EncryptionUnknown = "encryption unknown",
        /// Too little room for the replacement, until somebody makes some.
        LittleDisk = "little disk",
        /// Never carried anything.
        Clean = "clean",
        /// A required look fails for some days.
        LookFails = "look fails",
        /// Its journal is lost.
        JournalLost = "journal lost",
        /// Restored from a backup of its disk.
        Restored = "restored from backup",
        /// Somebody lays a hold file on it for some days.
        LocalHold = "held locally",
        /// Its replacement falls ill after it is done.
        FallsIll = "replacement falls ill",
        /// Somebody uninstalls the product by hand and puts the replacement there.
        ByHand = "done by hand",
        /// Enrols again with new keys in the middle.
        EnrolsAgain = "enrols again",
        /// An agent that does not know every step.
        OldAgent = "old agent",
    }
}

/// When it is on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Presence {
    Always,
    Night,
    Office,
    /// Away from, until.
    AwayBetween(i64, i64),
}

impl Presence {
    pub(crate) fn is_on(self, now_ms: i64) -> bool {
        let (hour, workday) = hour_and_workday(now_ms);
        match self {
            Self::Always => true,
            Self::Night => !(7..19).contains(&hour),
            Self::Office => workday && (8..18).contains(&hour),
            Self::AwayBetween(from, until) => !(from..until).contains(&now_ms),
        }
    }
}

/// How a step ends badly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failing {
    pub(crate) step: StepKind,
    pub(crate) cause: FailureCause,
    /// So often; then it goes well.
    pub(crate) times: u32,
}

/// A habit with its numbers.
#[derive(Debug, Clone)]
pub(crate) struct Traits {
    pub(crate) habit: Habit,
    pub(crate) presence: Presence,
    pub(crate) step_ms: (i64, i64),
    pub(crate) reply_delay_ms: i64,
    pub(crate) skew_ms: i64,
    pub(crate) failing: Option<Failing>,
    /// When its run begins.
    pub(crate) begins_ms: i64,
    /// When what is particular about it happens.
    pub(crate) turn_ms: i64,
    /// How often the old console puts the product back.
    pub(crate) rounds: u32,
    pub(crate) user_defers: bool,
    pub(crate) return_ms: i64,
}

impl Traits {
    /// Of one host. Every habit in turn from a start that the seed gives, and more of the ordinary ones.
    pub(crate) fn of(seed: u64, index: usize, begins_ms: i64) -> Self {
        let mut dice = Dice::of(seed, 1_000 + u64::try_from(index).unwrap_or(u64::MAX));
        let ordinary = [Habit::AlwaysOn, Habit::OfficeHours, Habit::NightLaptop, Habit::Slow];
        let picked = if dice.once_in_a_thousand(250) {
            dice.pick(&ordinary)
        } else {
            dice.pick(Habit::ALL)
        };
        let habit = picked.unwrap_or(Habit::AlwaysOn);
        let presence = if habit == Habit::NightLaptop {
            Presence::Night
        } else if matches!(habit, Habit::OfficeHours | Habit::Defers) || dice.once_in_a_thousand(150) {
            Presence::Office
        } else if habit == Habit::Away {
            let from = begins_ms + dice.between(0, 3 * DAY);
            Presence::AwayBetween(from, from + dice.between(6 * DAY, 30 * DAY))
        } else {
            Presence::Always
        };
        let slow = habit == Habit::Slow || dice.once_in_a_thousand(50);
        Self {
            habit,
            presence,
            step_ms: if slow { (MINUTE, 5 * MINUTE) } else { (200, 900) },
            reply_delay_ms: if slow { 20_000 } else { 0 },
            skew_ms: if habit == Habit::LyingClock {
                dice.between(-400 * DAY, 400 * DAY)
            } else {
                dice.between(-2_000, 2_000)
            },
            failing: failing(habit, &mut dice),
            begins_ms,
            turn_ms: begins_ms + dice.between(6 * HOUR, 6 * DAY),
            rounds: u32::try_from(dice.between(1, 3)).unwrap_or(1),
            user_defers: habit == Habit::Defers,
            return_ms: if habit == Habit::NoReturn {
                dice.between(2 * HOUR, 4 * DAY)
            } else {
                dice.between(MINUTE, 5 * MINUTE)
            },
        }
    }

    /// Whether its restart is one that something else waits for.
    pub(crate) fn waits_for_restart(&self) -> bool {
        matches!(self.habit, Habit::Defers | Habit::RestartPending | Habit::NoReturn)
    }
}

/// Which step of a habit fails, why, and how often: between two numbers.
const FAILING: &[(Habit, StepKind, FailureCause, i64, i64)] = &[
    (Habit::Locked, StepKind::RemovePackages, FailureCause::Locked, 1, 4),
    (
        Habit::NetworkGone,
        StepKind::FetchPackages,
        FailureCause::Network,
        1,
        16,
    ),
    (
        Habit::ToolFails,
        StepKind::RemovePackages,
        FailureCause::ToolFailed,
        1,
        5,
    ),
    (
        Habit::WrongPassword,
        StepKind::RemovePackages,
        FailureCause::ToolFailed,
        1_000,
        1_000,
    ),
    (
        Habit::StillThere,
        StepKind::RemovePackages,
        FailureCause::StillThere,
        1,
        5,
    ),
    (Habit::DiskFull, StepKind::InstallPackages, FailureCause::DiskFull, 1, 4),
    (
        Habit::NotDetected,
        StepKind::DetectionTest,
        FailureCause::NotDetected,
        1_000,
        1_000,
    ),
    (
        Habit::TimeLimit,
        StepKind::InstallPackages,
        FailureCause::TimeLimit,
        1,
        1,
    ),
];

fn failing(habit: Habit, dice: &mut Dice) -> Option<Failing> {
    let (_, step, cause, least, most) = FAILING.iter().copied().find(|(of, ..)| *of == habit)?;
    let times = u32::try_from(dice.between(least, most)).unwrap_or(1);
    Some(Failing { step, cause, times })
}
