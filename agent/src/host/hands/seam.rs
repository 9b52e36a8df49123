//! The trait of all hands, and what goes in and out.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use cutover_proto::{ids::ProductId, inventory::PackageManager, step::SetUpState};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A monotonic clock in milliseconds, from any start. Time limits count by it.
pub type Ticks = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Names one process for good: the number alone is used again by the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    /// Its number.
    pub pid: u32,
    /// Its start: on Linux in clock ticks since boot (field 22 of `/proc/PID/stat`, proc(5)), on Windows in steps of 100 ns
    /// since 1601 (`GetProcessTimes`).
    pub start_ticks: u64,
    /// The kernel session it runs in.
    pub boot_id: String,
}

/// What is said to an installer with what it is asked for: a password, by its property.
pub struct Said {
    /// A public property of Windows Installer.
    pub property: String,
    /// What it is to be, as the installer takes it.
    pub value: Zeroizing<String>,
}

/// Without the value.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said")
            .field("property", &self.property)
            .finish_non_exhaustive()
    }
}

/// How one action is run.
pub struct Run<'a> {
    /// Names the log file, for example `order-7-step-2`.
    pub label: String,
    /// After this the tool and what it started are ended.
    pub time_limit: Duration,
    /// What the installer is told beside what it is to do. Never in an environment, and on a command line or in a file only where the
    /// product takes it nowhere else.
    pub said: Vec<Said>,
    /// Called with each process right after it was started, so that a later agent can wait for it.
    pub started: &'a mut dyn FnMut(ProcessMark),
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("label", &self.label)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

/// What a tool said. None of it decides success.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolRun {
    /// Its exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The end of its output, not yet scrubbed.
    pub log_tail: String,
    /// It ran longer than allowed and was ended.
    pub timed_out: bool,
}

/// What came of showing the replacement a harmless test file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detection {
    /// The scanner's run.
    pub run: ToolRun,
    /// The name that it gave the test file, when it gave one.
    pub named: Option<String>,
}

/// A file with one certificate, as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Where.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// A package file on this host, whose hash was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is called; package managers go by the ending.
    pub file_name: String,
    /// The package that it must hold.
    pub package: String,
}

/// Why an action could not be carried out, or must not be.
#[derive(Debug, thiserror::Error)]
pub enum HandsError {
    /// This system cannot do it.
    #[error("{0}")]
    Unsupported(String),
    /// The package manager would change packages that the step does not name.
    #[error(
        "the package manager would also change {}; remove the dependency by hand or add the packages to the recipe",
        .0.join(", ")
    )]
    WouldTouchMore(Vec<String>),
    /// A path that leads elsewhere, or that nobody may change.
    #[error("{path} is left as it is: {why}")]
    PathRefused {
        /// As the order names it.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody's files belong to it.
    #[error("group {0} is the primary group of a user and is not deleted; give the user another one first")]
    GroupInUse(String),
    /// A file or a process could not be handled.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl HandsError {
    /// From an error of the system, with what was tried.
    pub fn io(what: impl Into<String>, source: impl Into<std::io::Error>) -> Self {
        Self::Io {
            what: what.into(),
            source: source.into(),
        }
    }
}

/// What may be done to a host: a closed set. Every action may be asked for twice.
pub trait HostHands: Send {
    /// Downloads packages and what they need into the package manager's own cache; changes nothing else.
    ///
    /// # Errors
    /// When the tool could not be run.
    fn fetch_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError>;

    /// Whether an installation of these packages would need no download.
    ///
    /// # Errors
    /// When it cannot be told.
    fn are_fetched(&mut self, manager: PackageManager, packages: &[String]) -> Result<bool, HandsError>;

    /// Purges packages one after the other, in this order, and nothing beside them.
    ///
    /// # Errors
    /// When the tool could not be run, or would remove more than these.
    fn remove_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError>;

    /// Installs packages, and removes nothing for it.
    ///
    /// # Errors
    /// When the tool could not be run, or would remove anything.
    fn install_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError>;

    /// Finishes what an installer began and did not end. Removes nothing, and installs nothing that was not begun.
    ///
    /// # Errors
    /// When the tool could not be run, or would do more than that.
    fn repair_packages(&mut self, manager: PackageManager, run: &mut Run<'_>) -> Result<ToolRun, HandsError>;

    /// What the package manager itself still calls unfinished, in its words; empty when nothing is.
    ///
    /// # Errors
    /// When it cannot be told.
    fn unfinished_packages(&mut self, manager: PackageManager) -> Result<Vec<String>, HandsError>;

    /// Installs package files, and nothing beside them: nothing is downloaded, nothing is removed.
    ///
    /// # Errors
    /// When the tool could not be run, a file holds another package than it must, or more would be changed.
    fn install_files(
        &mut self,
        manager: PackageManager,
        files: &[PackageFile],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError>;

    /// The order is over: deletes what was only put aside for its steps.
    fn tidy(&mut self) {}

    /// Deletes a file or a directory with all in it. Links are deleted, never followed. Nothing there is fine.
    ///
    /// # Errors
    /// When the path leads through a link or onto another file system, or the system refuses.
    fn delete_leftover(&mut self, path: &str) -> Result<(), HandsError>;

    /// Deletes a local group. One that is not there is fine.
    ///
    /// # Errors
    /// When it is the primary group of a user, or the tool could not be run.
    fn delete_group(&mut self, name: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError>;

    /// Deletes these anchors, each only while it is the file that was looked at, and has the system build its trust store
    /// anew from what is left, also where there was nothing to delete.
    ///
    /// # Errors
    /// When a file is no anchor or has changed, the system refuses, or it has no tool that builds the store.
    fn remove_anchors(&mut self, anchors: &[Anchor], run: &mut Run<'_>) -> Result<ToolRun, HandsError>;

    /// Shows the product a harmless test file (EICAR) and says whether it named it. The file is gone afterwards.
    ///
    /// # Errors
    /// When the product's scanner cannot be run here.
    fn detection_test(&mut self, product: &ProductId, run: &mut Run<'_>) -> Result<Detection, HandsError>;

    /// Enables a service and starts it anew, so that what was written before counts. Whether it is at work then, a look says.
    ///
    /// # Errors
    /// When no service manager runs here, or it could not be asked.
    fn enable_service(&mut self, service: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError>;

    /// Has a replacement's own tools bring it into a state. Whether it came about, a look says; it may take minutes.
    ///
    /// # Errors
    /// When this agent cannot do so with this product here, or its tools could not be run.
    fn set_up(&mut self, product: &ProductId, state: SetUpState, run: &mut Run<'_>) -> Result<ToolRun, HandsError>;

    /// Writes a file whole or not at all, with the directory that it lies in. What was there before is kept aside, once.
    ///
    /// # Errors
    /// When the path leads through a link, or the system refuses.
    fn write_config(&mut self, path: &str, contents: &str, mode: u32) -> Result<(), HandsError>;
    /// What a restart must wait for at this moment: who changes packages. `None` when nobody does.
    ///
    /// # Errors
    /// When this machine cannot be restarted from here at all.
    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError>;

    /// Tells everybody who is logged in, and the console.
    ///
    /// # Errors
    /// When they could not be told.
    fn announce(&mut self, text: &str) -> Result<(), HandsError>;

    /// Asks the system to restart; returns before it does.
    ///
    /// # Errors
    /// When this is no machine of its own (a container, a chroot), or the system refuses.
    fn restart(&mut self, reason: &str) -> Result<(), HandsError>;

    /// The end of what the tools of a run printed, by its label; also of a run that an earlier agent began. Empty where
    /// nothing is kept.
    ///
    /// # Errors
    /// When it is kept and cannot be read.
    fn kept_output(&mut self, label: &str) -> Result<String, HandsError>;

    /// Hands every kept log whose name begins so through `scrub`, and keeps what comes back in its place. A log that can be
    /// neither scrubbed nor kept is deleted.
    ///
    /// # Errors
    /// When one could not even be deleted.
    fn scrub_logs(&mut self, prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError>;

    /// Whether a process that an earlier agent started still runs.
    fn alive(&mut self, mark: &ProcessMark) -> bool;

    /// Ends such a process and its group, first politely.
    fn stop(&mut self, mark: &ProcessMark);
}
