//! The trait of hands, carried out on this machine.

use std::path::{Path, PathBuf};

use cutover_proto::{ids::ProductId, inventory::PackageManager, step::SetUpState};

use super::{
    super::{
        seam::{Anchor, Detection, HandsError, HostHands, PackageFile, ProcessMark, Run, Ticks, ToolRun},
        tree,
    },
    announce,
    apt::{self, Apt},
    clamav::{self, Scanner},
    config,
    dnf::{Dnf, Program},
    falcon::Falcon,
    leftovers, mdatp, on_access, package_work,
    process::{self, Runner},
    restart, rpm_files, services,
    zypper::Zypper,
};

/// Hands on the machine that this program runs on.
pub struct LinuxHands {
    runner: Runner,
    archives: PathBuf,
    test_dir: PathBuf,
    kept_config: PathBuf,
}

/// One of the package managers, ready to be asked.
enum Tool<'r> {
    Apt(Apt<'r>),
    Dnf(Dnf<'r>),
    Zypper(Zypper<'r>),
}

impl std::fmt::Debug for LinuxHands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinuxHands")
            .field("test_dir", &self.test_dir)
            .finish_non_exhaustive()
    }
}

impl LinuxHands {
    /// Keeps tools' logs, fetched packages, configuration as it was before and the detection test's directory below
    /// `state_dir`.
    ///
    /// Installers inherit the agent's umask; the agent's unit must leave it at 022.
    #[must_use]
    pub fn new(state_dir: &Path, ticks: Ticks) -> Self {
        Self {
            runner: Runner::new(state_dir.join("tool-logs"), ticks),
            archives: state_dir.join("archives"),
            test_dir: state_dir.join("detection-test"),
            kept_config: state_dir.join("kept-config"),
        }
    }

    fn tool(&self, manager: PackageManager) -> Result<Tool<'_>, HandsError> {
        let archives = self.archives.join(manager.as_str());
        Ok(match manager {
            PackageManager::Msi => {
                return Err(HandsError::Unsupported(
                    "Windows Installer is a part of Windows".to_owned(),
                ));
            }
            // Its own from before there were others; what was fetched there must be found.
            PackageManager::Apt => Tool::Apt(Apt::new(&self.runner, &self.archives)?),
            PackageManager::Dnf => Tool::Dnf(Dnf::new(&self.runner, Program::Dnf, &archives)),
            PackageManager::Yum => Tool::Dnf(Dnf::new(&self.runner, Program::Yum, &archives)),
            PackageManager::Zypper => Tool::Zypper(Zypper::new(&self.runner, &archives)),
        })
    }
}

impl HostHands for LinuxHands {
    fn fetch_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        match self.tool(manager)? {
            Tool::Apt(apt) => apt.fetch(packages, run),
            Tool::Dnf(dnf) => dnf.fetch(packages, run),
            Tool::Zypper(zypper) => zypper.fetch(packages, run),
        }
    }

    fn are_fetched(&mut self, manager: PackageManager, packages: &[String]) -> Result<bool, HandsError> {
        match self.tool(manager)? {
            Tool::Apt(apt) => apt.are_fetched(packages),
            Tool::Dnf(dnf) => dnf.are_fetched(packages),
            Tool::Zypper(zypper) => zypper.are_fetched(packages),
        }
    }

    fn remove_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        match self.tool(manager)? {
            Tool::Apt(apt) => apt.purge(packages, run),
            Tool::Dnf(dnf) => dnf.remove(packages, run),
            Tool::Zypper(zypper) => zypper.remove(packages, run),
        }
    }

    fn install_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        match self.tool(manager)? {
            Tool::Apt(apt) => apt.install(packages, run),
            Tool::Dnf(dnf) => dnf.install(packages, run),
            Tool::Zypper(zypper) => zypper.install(packages, run),
        }
    }

    fn repair_packages(&mut self, manager: PackageManager, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        match self.tool(manager)? {
            Tool::Apt(apt) => apt.repair(run),
            Tool::Dnf(_) | Tool::Zypper(_) => Err(HandsError::Unsupported(
                "rpm keeps no states between whole and gone, so there is nothing to finish".to_owned(),
            )),
        }
    }

    fn unfinished_packages(&mut self, manager: PackageManager) -> Result<Vec<String>, HandsError> {
        match self.tool(manager)? {
            Tool::Apt(apt) => apt.unfinished(),
            Tool::Dnf(_) | Tool::Zypper(_) => Ok(Vec::new()),
        }
    }

    fn install_files(
        &mut self,
        manager: PackageManager,
        files: &[PackageFile],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        match self.tool(manager)? {
            Tool::Apt(apt) => apt.install_files(files, run),
            Tool::Dnf(_) | Tool::Zypper(_) => rpm_files::install(&self.runner, files, run),
        }
    }

    fn tidy(&mut self) {
        apt::unstage(&self.archives);
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
            "clamav" => clamav::detect(&self.runner, Scanner::Program, &self.test_dir, run),
            "clamav-daemon" => clamav::detect(&self.runner, Scanner::Daemon, &self.test_dir, run),
            "clamav-on-access" => on_access::detect(&self.runner, &self.test_dir, run),
            "defender-endpoint" => mdatp::detect(&self.runner, &self.test_dir, run),
            other => Err(HandsError::Unsupported(format!(
                "this agent cannot show a test file to {other}"
            ))),
        }
    }

    fn enable_service(&mut self, service: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        services::enable(&self.runner, service, run)
    }

    fn set_up(&mut self, product: &ProductId, state: SetUpState, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        match product.as_str() {
            "crowdstrike-falcon" => Falcon::here(&self.runner)?.set_up(state, run),
            "defender-endpoint" => mdatp::set_up(&self.runner, &self.kept_config, state, run),
            other => match state {
                // What protects by itself once it is at work is only waited for: looks say when it does.
                SetUpState::Active => Ok(ToolRun {
                    exit_code: Some(0),
                    ..ToolRun::default()
                }),
                SetUpState::StandingBack | SetUpState::Onboarded => {
                    Err(HandsError::Unsupported(format!("this agent cannot set up {other}")))
                }
            },
        }
    }

    fn write_config(&mut self, path: &str, contents: &str, mode: u32) -> Result<(), HandsError> {
        config::write(Path::new("/"), &self.kept_config, path, contents.as_bytes(), mode)
    }
    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError> {
        restart::must_be_possible()?;
        package_work::holder(Path::new("/"))
    }

    fn announce(&mut self, text: &str) -> Result<(), HandsError> {
        announce::to_everybody(&self.runner, text)
    }

    fn restart(&mut self, reason: &str) -> Result<(), HandsError> {
        restart::request(&self.runner, reason)
    }

    fn kept_output(&mut self, label: &str) -> Result<String, HandsError> {
        self.runner.kept_output(label)
    }

    fn scrub_logs(&mut self, prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        self.runner.scrub_logs(prefix, scrub)
    }

    fn alive(&mut self, mark: &ProcessMark) -> bool {
        process::is_alive(mark)
    }

    fn stop(&mut self, mark: &ProcessMark) {
        process::stop(mark);
    }
}
