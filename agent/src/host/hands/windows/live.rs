//! The trait of hands, carried out on this machine.

use std::path::{Path, PathBuf};

use cutover_proto::{ids::ProductId, inventory::PackageManager, policy::Policy, step::SetUpState};

use super::{
    super::{
        defender,
        seam::{Anchor, Detection, HandsError, HostHands, PackageFile, ProcessMark, Run, Ticks, ToolRun},
    },
    announce,
    helper::Helper,
    msi::{self, Property, Wanted},
    policy, process, restart,
};
use crate::host::{HostView, WindowsHost};

/// What Windows Installer answers where the rest of a step goes on: done, with a restart owed that it began (1641) or left to
/// us (3010), and not known (1605): what is not there need not be removed, and whether it is a look says.
const GOES_ON: [i32; 4] = [0, RESTART_BEGUN, RESTART_OWED, UNKNOWN_PRODUCT];
const UNKNOWN_PRODUCT: i32 = 1605;
const RESTART_BEGUN: i32 = 1641;
const RESTART_OWED: i32 = 3010;

/// The same of an installation, which knows its product.
const INSTALLED: [i32; 3] = [0, RESTART_BEGUN, RESTART_OWED];

/// Hands on the machine that this program runs on. They remove and install what Windows Installer knows, and turn on what is a
/// part of Windows.
pub struct WindowsHands {
    helper: Helper,
}

impl std::fmt::Debug for WindowsHands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WindowsHands").finish_non_exhaustive()
    }
}

impl WindowsHands {
    /// Keeps tools' logs below `state_dir`. `program` is this agent's, which is started anew to ask Windows Installer.
    #[must_use]
    pub fn new(state_dir: &Path, program: PathBuf, ticks: Ticks) -> Self {
        Self {
            helper: Helper::new(program, state_dir.join("tool-logs"), ticks),
        }
    }

    /// Ends with the first answer after which nothing goes on.
    fn one_after_the_other(
        &self,
        all: impl Iterator<Item = Wanted>,
        goes_on: &[i32],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let since = self.helper.now();
        let mut told = ToolRun::default();
        for wanted in all {
            let properties = run.said.iter().map(Property::from).collect();
            let ran = self.helper.ask(wanted, properties, since, run)?;
            let is_over = !ran.exit_code.is_some_and(|code| goes_on.contains(&code));
            told = ToolRun {
                exit_code: together(told.exit_code, ran.exit_code),
                ..ran
            };
            if is_over {
                break;
            }
        }
        Ok(told)
    }
}

/// Of several products of one step: the first answer that ended it, else that a restart is owed, else the last.
fn together(so_far: Option<i32>, next: Option<i32>) -> Option<i32> {
    match so_far {
        Some(RESTART_OWED | RESTART_BEGUN) if next.is_some_and(|code| GOES_ON.contains(&code)) => so_far,
        Some(_) | None => next,
    }
}

impl HostHands for WindowsHands {
    fn remove_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        must_be_msi(manager)?;
        let wanted = packages.iter().cloned().map(Wanted::Remove);
        self.one_after_the_other(wanted, &GOES_ON, run)
    }

    fn fetch_packages(&mut self, _: PackageManager, _: &[String], _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        not_here("downloads packages")
    }

    fn are_fetched(&mut self, _: PackageManager, _: &[String]) -> Result<bool, HandsError> {
        not_here("downloads packages")
    }

    fn install_packages(&mut self, _: PackageManager, _: &[String], _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        not_here("installs packages")
    }

    fn repair_packages(&mut self, _: PackageManager, _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        not_here("repairs packages")
    }

    /// Windows Installer goes back to where it began.
    fn unfinished_packages(&mut self, manager: PackageManager) -> Result<Vec<String>, HandsError> {
        must_be_msi(manager).map(|()| Vec::new())
    }

    fn install_files(
        &mut self,
        manager: PackageManager,
        files: &[PackageFile],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        must_be_msi(manager)?;
        let wanted = files.iter().map(|file| Wanted::Install(file.path.clone()));
        self.one_after_the_other(wanted, &INSTALLED, run)
    }

    fn delete_leftover(&mut self, _: &str) -> Result<(), HandsError> {
        not_here("deletes leftovers")
    }

    fn delete_group(&mut self, _: &str, _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        not_here("deletes groups")
    }

    fn remove_anchors(&mut self, _: &[Anchor], _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        not_here("removes root certificates")
    }

    fn detection_test(&mut self, product: &ProductId, _: &mut Run<'_>) -> Result<Detection, HandsError> {
        not_here(&format!("shows a test file to {product}"))
    }

    fn enable_service(&mut self, _: &str, _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        not_here("starts services")
    }

    /// What protects by itself once it is installed is only waited for: looks say when it does.
    fn set_up(&mut self, product: &ProductId, state: SetUpState, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        match (product.as_str(), state) {
            ("defender-antivirus", SetUpState::Active) => {
                let mut machine = ThisMachine { helper: &self.helper };
                defender::turn_on(&mut machine, run)
            }
            (_, SetUpState::Active) => Ok(ToolRun {
                exit_code: Some(0),
                ..ToolRun::default()
            }),
            (_, SetUpState::StandingBack | SetUpState::Onboarded) => not_here(&format!("sets up {product}")),
        }
    }

    fn write_config(&mut self, _: &str, _: &str, _: u32) -> Result<(), HandsError> {
        not_here("writes settings")
    }

    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError> {
        Ok(msi::is_at_work().then(|| "Windows Installer is at work".to_owned()))
    }

    fn announce(&mut self, text: &str) -> Result<(), HandsError> {
        announce::to_every_session(text)
    }

    fn restart(&mut self, reason: &str) -> Result<(), HandsError> {
        restart::request(reason)
    }

    fn kept_output(&mut self, label: &str) -> Result<String, HandsError> {
        self.helper.kept_output(label)
    }

    fn scrub_logs(&mut self, prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        self.helper.scrub_logs(prefix, scrub)
    }

    fn alive(&mut self, mark: &ProcessMark) -> bool {
        process::is_alive(mark)
    }

    fn stop(&mut self, mark: &ProcessMark) {
        process::stop(mark);
    }
}

/// The Windows that this program runs on.
struct ThisMachine<'h> {
    helper: &'h Helper,
}

impl defender::Machine for ThisMachine<'_> {
    fn view(&self) -> &dyn HostView {
        &WindowsHost
    }

    fn unset(&mut self, policy: Policy) -> Result<(), HandsError> {
        policy::unset(policy)
    }

    fn run_tool(&mut self, program: &str, arguments: &[&str], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.helper.run_tool(Path::new(program), arguments, run)
    }
}

fn must_be_msi(manager: PackageManager) -> Result<(), HandsError> {
    match manager {
        PackageManager::Msi => Ok(()),
        PackageManager::Apt | PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper => {
            Err(HandsError::Unsupported(format!("Windows has no {manager}")))
        }
    }
}

/// The agent's check-ins say that it does not know such steps, so no order has one.
fn not_here<T>(what: &str) -> Result<T, HandsError> {
    Err(HandsError::Unsupported(format!(
        "this version of the agent {what} on no Windows"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_that_one_product_of_a_step_owes_is_not_forgotten_over_the_next() {
        let all = |codes: &[i32]| codes.iter().fold(None, |so_far, code| together(so_far, Some(*code)));
        assert_eq!(all(&[0]), Some(0));
        assert_eq!(all(&[3010, 0]), Some(3010));
        assert_eq!(all(&[0, 1605]), Some(1605));
        assert_eq!(all(&[1641, 1605]), Some(1641));
        assert_eq!(all(&[3010, 1603]), Some(1603));
        assert_eq!(together(Some(3010), None), None, "ended, for it took too long");
    }
}
