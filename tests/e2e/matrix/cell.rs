//! What can go wrong, and where.

use std::fmt;

use cutover_proto::step::{Replay, Step};

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// The agent gets SIGKILL.
    AgentKilled(Moment, String),
    /// The server gets SIGKILL and starts again.
    ServerKilled(Call),
    /// The cable is out from the beginning of the first removal to the end of the order.
    NetworkCut,
    /// A disk is full.
    DiskFull(Disk),
    /// Another installer holds dpkg's locks when the order's first tool wants them.
    AptLocked,
    /// The product's removal script fails whenever it runs.
    RemovalBroken,
    /// Something else waits for a restart, so an order restarts the machine first; there the agent gets SIGKILL.
    AgentKilledAtRestart(AtRestart),
    /// The machine loses its power, and is switched on again.
    PowerCut(Cut),
}

/// When the agent is killed. After a step is before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The order is taken on, no step has begun.
    Accepted,
    /// The step has begun, and its tool runs where it has one.
    Inside(u32),
    /// The step is written down as done.
    After(u32),
}

/// How far the restart has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtRestart {
    /// People were told, and have not had their time.
    Noticed,
    /// The machine is asked to restart.
    Asked,
}

/// What the power cut breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The installation of the replacement, by dpkg.
    Installation,
    /// The removal script of the product, in dpkg.
    Removal,
}

/// The call that the server has just made durable, and may not have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// The host exists.
    Enrol,
    /// The first inventory is there.
    CheckInWithInventory,
    /// The order exists.
    CheckInWithOrder,
    /// The first records are there.
    CheckInWithRecords,
}

/// Which disk is full, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    /// Under the agent's state, as the order begins, until the agent has complained.
    StateAtFirst,
    /// The same in the middle of the removal.
    StateInRemoval,
    /// Where packages are fetched to, for good.
    Cache,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentKilled(Moment::Accepted, _) => write!(f, "agent killed before the first step"),
            Self::AgentKilled(Moment::Inside(step), what) => write!(f, "agent killed inside step {step}, {what}"),
            Self::AgentKilled(Moment::After(step), what) => write!(f, "agent killed after step {step}, {what}"),
            Self::ServerKilled(Call::Enrol) => write!(f, "server killed at the enrolment"),
            Self::ServerKilled(Call::CheckInWithInventory) => {
                write!(f, "server killed at the check-in that brings the inventory")
            }
            Self::ServerKilled(Call::CheckInWithOrder) => {
                write!(f, "server killed at the check-in that gets the order")
            }
            Self::ServerKilled(Call::CheckInWithRecords) => write!(f, "server killed at a check-in with records"),
            Self::NetworkCut => write!(f, "network cut from removal to confirmation"),
            Self::DiskFull(Disk::StateAtFirst) => write!(f, "disk full under the journal as the order begins"),
            Self::DiskFull(Disk::StateInRemoval) => write!(f, "disk full under the journal in the removal"),
            Self::DiskFull(Disk::Cache) => write!(f, "disk full under the cache, for good"),
            Self::AptLocked => write!(f, "apt's lock held by another"),
            Self::RemovalBroken => write!(f, "removal script fails for good"),
            Self::AgentKilledAtRestart(AtRestart::Noticed) => {
                write!(f, "agent killed while people are told of a restart")
            }
            Self::AgentKilledAtRestart(AtRestart::Asked) => {
                write!(f, "agent killed as the machine is asked to restart")
            }
            Self::PowerCut(Cut::Installation) => write!(f, "power cut in the installation"),
            Self::PowerCut(Cut::Removal) => write!(f, "power cut in the removal"),
        }
    }
}

impl Cell {
    /// The phases that it may end in. Whatever else it ends in is a defect, even where it has a name.
    pub(super) fn ends(&self, steps: &[Step]) -> &'static [&'static str] {
        match self {
            // The kill may come when the step is over, or when the next has begun.
            Self::AgentKilled(Moment::Inside(step), _) if is_once(steps, *step) => &["handwork", "migrated"],
            Self::AgentKilled(Moment::After(step), _) if is_once(steps, step + 1) => &["handwork", "migrated"],
            Self::RemovalBroken | Self::DiskFull(Disk::Cache) => &["failed"],
            Self::AgentKilled(..)
            | Self::ServerKilled(_)
            | Self::NetworkCut
            | Self::DiskFull(Disk::StateAtFirst | Disk::StateInRemoval)
            | Self::AptLocked
            | Self::AgentKilledAtRestart(_)
            | Self::PowerCut(_) => &["migrated"],
        }
    }

    /// The small disks that its machine has.
    pub(super) fn volumes(&self) -> &'static [(&'static str, u64)] {
        match self {
            Self::DiskFull(Disk::StateAtFirst | Disk::StateInRemoval) => &[("/var/lib/cutover", 256 << 20)],
            Self::DiskFull(Disk::Cache) => &[("/var/lib/cutover/agent/archives", 1 << 20)],
            Self::AgentKilled(..)
            | Self::ServerKilled(_)
            | Self::NetworkCut
            | Self::AptLocked
            | Self::RemovalBroken
            | Self::AgentKilledAtRestart(_)
            | Self::PowerCut(_) => &[],
        }
    }
}

/// Whether a step must not run twice, so that one that is broken off is a person's.
fn is_once(steps: &[Step], step: u32) -> bool {
    let step = usize::try_from(step).ok().and_then(|step| steps.get(step));
    step.is_some_and(|step| step.action.kind().replay() == Replay::Once)
}

/// All cells for an order of these steps.
pub(super) fn of(steps: &[Step]) -> Vec<Cell> {
    let mut cells = vec![Cell::AgentKilled(Moment::Accepted, String::new())];
    for (number, step) in (0..).zip(steps) {
        let what = step.action.describe();
        cells.push(Cell::AgentKilled(Moment::Inside(number), what.clone()));
        cells.push(Cell::AgentKilled(Moment::After(number), what));
    }
    cells.extend(
        [
            Call::Enrol,
            Call::CheckInWithInventory,
            Call::CheckInWithOrder,
            Call::CheckInWithRecords,
        ]
        .map(Cell::ServerKilled),
    );
    cells.push(Cell::NetworkCut);
    for disk in [Disk::StateAtFirst, Disk::StateInRemoval, Disk::Cache] {
        cells.push(Cell::DiskFull(disk));
    }
    cells.extend([Cell::AptLocked, Cell::RemovalBroken]);
    cells.extend([AtRestart::Noticed, AtRestart::Asked].map(Cell::AgentKilledAtRestart));
    cells.extend([Cut::Installation, Cut::Removal].map(Cell::PowerCut));
    cells
}
