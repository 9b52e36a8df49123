//! The trait of hands, carried out on this machine.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cutover_proto::{ids::ProductId, inventory::PackageManager};

use super::{
    super::{
        seam::{Anchor, Detection, HandsError, HostHands, ProcessMark, Run, ToolRun},
        tree,
    },
    apt::Apt,
    clamav, leftovers,
    process::{self, Runner},
    restart,
};

/// A monotonic clock in milliseconds, from any start. Time limits count by it.
pub type Ticks = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Hands on the machine that this program runs on.
pub struct LinuxHands {
    runner: Runner,
    archives: PathBuf,
    test_dir: PathBuf,
}

impl std::fmt::Debug for LinuxHands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinuxHands")
            .field("test_dir", &self.test_dir)
            .finish_non_exhaustive()
    }
}

impl LinuxHands {
    /// Keeps tools' logs, fetched packages and the detection test's directory below `state_dir`.
    ///
    /// Installers inherit the agent's umask; the agent's unit must leave it at 022.
    #[must_use]
    pub fn new(state_dir: &Path, ticks: Ticks) -> Self {
        Self {
            runner: Runner::new(state_dir.join("tool-logs"), ticks),
            archives: state_dir.join("archives"),
            test_dir: state_dir.join("detection-test"),
        }
    }

    fn apt(&self, manager: PackageManager) -> Result<Apt<'_>, HandsError> {
        match manager {
            PackageManager::Apt => Apt::new(&self.runner, &self.archives),
            PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper => Err(HandsError::Unsupported(
                format!("this agent has no hands for {manager}"),
            )),
        }
    }
}

impl HostHands for LinuxHands {
    fn fetch_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.apt(manager)?.fetch(packages, run)
    }

    fn are_fetched(&mut self, manager: PackageManager, packages: &[String]) -> Result<bool, HandsError> {
        self.apt(manager)?.are_fetched(packages)
    }

    fn remove_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.apt(manager)?.purge(packages, run)
    }

    fn install_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.apt(manager)?.install(packages, run)
    }

    fn delete_leftover(&mut self, path: &str) -> Result<(), HandsError> {
        tree::delete(Path::new("/"), path).map(|deleted| {
            tracing::info!(path, ?deleted, "leftover deleted");
        })
    }

    fn delete_group(&mut self, name: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        leftovers::delete_group(&self.runner, name, run)
    }

    fn remove_anchors(&mut self, anchors: &[Anchor], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        leftovers::remove_anchors(&self.runner, anchors, run)
    }

    fn detection_test(&mut self, product: &ProductId, run: &mut Run<'_>) -> Result<Detection, HandsError> {
        match product.as_str() {
            "clamav" => clamav::detect(&self.runner, &self.test_dir, run),
            other => Err(HandsError::Unsupported(format!(
                "this agent cannot show a test file to {other}"
            ))),
        }
    }

    fn restart(&mut self, reason: &str) -> Result<(), HandsError> {
        restart::request(&self.runner, reason)
    }

    fn alive(&mut self, mark: &ProcessMark) -> bool {
        process::is_alive(mark)
    }

    fn stop(&mut self, mark: &ProcessMark) {
        process::stop(mark);
    }
}
