//! Hands of machines on which an agent has a hard time.

use std::time::Duration;

use cutover_proto::{ids::ProductId, inventory::PackageManager, step::SetUpState};

use super::faults::Faults;
use crate::host::{
    hands::{Anchor, Detection, HandsError, HostHands, PackageFile, ProcessMark, Run, ToolRun},
    sandbox::SandboxHands,
};

/// Ends the agent in the middle of every removal and test.
pub(super) struct Deadly {
    pub inner: SandboxHands,
    pub faults: Faults,
}

/// Starts a tool that goes on without its agent and ends after three looks at it.
pub(super) struct Orphaning {
    pub inner: SandboxHands,
    pub faults: Faults,
    pub agent_ends: bool,
    pub polls: u32,
}

fn die(faults: &Faults) {
    faults.crash_at(0);
    faults.place();
}

const MARK: u32 = 4711;

impl HostHands for Deadly {
    fn fetch_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.inner.fetch_packages(manager, packages, run)
    }
    fn are_fetched(&mut self, manager: PackageManager, packages: &[String]) -> Result<bool, HandsError> {
        self.inner.are_fetched(manager, packages)
    }
    fn remove_packages(
        &mut self,
        _manager: PackageManager,
        _packages: &[String],
        _run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        die(&self.faults);
        unreachable!("the agent ended")
    }
    fn install_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.inner.install_packages(manager, packages, run)
    }
    fn repair_packages(&mut self, manager: PackageManager, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.repair_packages(manager, run)
    }
    fn unfinished_packages(&mut self, manager: PackageManager) -> Result<Vec<String>, HandsError> {
        self.inner.unfinished_packages(manager)
    }
    fn install_files(
        &mut self,
        manager: PackageManager,
        files: &[PackageFile],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.inner.install_files(manager, files, run)
    }
    fn delete_leftover(&mut self, path: &str) -> Result<(), HandsError> {
        self.inner.delete_leftover(path)
    }
    fn delete_group(&mut self, name: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.delete_group(name, run)
    }
    fn remove_anchors(&mut self, anchors: &[Anchor], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.remove_anchors(anchors, run)
    }
    fn detection_test(&mut self, _product: &ProductId, _run: &mut Run<'_>) -> Result<Detection, HandsError> {
        die(&self.faults);
        unreachable!("the agent ended")
    }
    fn enable_service(&mut self, service: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.enable_service(service, run)
    }
    fn set_up(&mut self, product: &ProductId, state: SetUpState, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.set_up(product, state, run)
    }
    fn write_config(&mut self, path: &str, contents: &str, mode: u32) -> Result<(), HandsError> {
        self.inner.write_config(path, contents, mode)
    }
    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError> {
        self.inner.restart_waits_for()
    }
    fn announce(&mut self, text: &str) -> Result<(), HandsError> {
        self.inner.announce(text)
    }
    fn restart(&mut self, reason: &str) -> Result<(), HandsError> {
        self.inner.restart(reason)
    }
    fn kept_output(&mut self, label: &str) -> Result<String, HandsError> {
        self.inner.kept_output(label)
    }
    fn scrub_logs(&mut self, prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        self.inner.scrub_logs(prefix, scrub)
    }
    fn alive(&mut self, _mark: &ProcessMark) -> bool {
        false
    }
    fn stop(&mut self, _mark: &ProcessMark) {}
}

impl HostHands for Orphaning {
    fn fetch_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.inner.fetch_packages(manager, packages, run)
    }
    fn are_fetched(&mut self, manager: PackageManager, packages: &[String]) -> Result<bool, HandsError> {
        self.inner.are_fetched(manager, packages)
    }
    fn remove_packages(
        &mut self,
        _manager: PackageManager,
        _packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        assert!(self.agent_ends, "the orphan's work was begun again");
        (run.started)(ProcessMark {
            pid: MARK,
            start_ticks: 1,
            boot_id: "b".to_owned(),
        });
        die(&self.faults);
        unreachable!("the agent ended")
    }
    fn install_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.inner.install_packages(manager, packages, run)
    }
    fn repair_packages(&mut self, manager: PackageManager, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.repair_packages(manager, run)
    }
    fn unfinished_packages(&mut self, manager: PackageManager) -> Result<Vec<String>, HandsError> {
        self.inner.unfinished_packages(manager)
    }
    fn install_files(
        &mut self,
        manager: PackageManager,
        files: &[PackageFile],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.inner.install_files(manager, files, run)
    }
    fn delete_leftover(&mut self, path: &str) -> Result<(), HandsError> {
        self.inner.delete_leftover(path)
    }
    fn delete_group(&mut self, name: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.delete_group(name, run)
    }
    fn remove_anchors(&mut self, anchors: &[Anchor], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.remove_anchors(anchors, run)
    }
    fn detection_test(&mut self, product: &ProductId, run: &mut Run<'_>) -> Result<Detection, HandsError> {
        self.inner.detection_test(product, run)
    }
    fn enable_service(&mut self, service: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.enable_service(service, run)
    }
    fn set_up(&mut self, product: &ProductId, state: SetUpState, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.inner.set_up(product, state, run)
    }
    fn write_config(&mut self, path: &str, contents: &str, mode: u32) -> Result<(), HandsError> {
        self.inner.write_config(path, contents, mode)
    }
    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError> {
        self.inner.restart_waits_for()
    }
    fn announce(&mut self, text: &str) -> Result<(), HandsError> {
        self.inner.announce(text)
    }
    fn restart(&mut self, reason: &str) -> Result<(), HandsError> {
        self.inner.restart(reason)
    }
    fn kept_output(&mut self, label: &str) -> Result<String, HandsError> {
        self.inner.kept_output(label)
    }
    fn scrub_logs(&mut self, prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        self.inner.scrub_logs(prefix, scrub)
    }
    fn alive(&mut self, mark: &ProcessMark) -> bool {
        assert_eq!(mark.pid, MARK);
        self.polls += 1;
        if self.polls < 3 {
            return true;
        }
        // The orphan's last act.
        let mut started = |_: ProcessMark| {};
        let mut run = Run {
            label: "orphan".to_owned(),
            time_limit: Duration::from_secs(1),
            said: Vec::new(),
            started: &mut started,
        };
        let kesl = ["kesl".to_owned()];
        self.inner
            .remove_packages(PackageManager::Apt, &kesl, &mut run)
            .unwrap();
        false
    }
    fn stop(&mut self, _mark: &ProcessMark) {}
}
