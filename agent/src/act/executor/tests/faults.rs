//! Where an agent can end: at every write of its journal, and before, in and after every action of its hands.

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex},
};

use cutover_proto::{ids::ProductId, inventory::PackageManager, step::SetUpState};

use crate::{
    act::journal::{FileMedium, Medium},
    host::{
        hands::{Anchor, Detection, HandsError, HostHands, PackageFile, ProcessMark, Run, ToolRun},
        sandbox::SandboxHands,
    },
};

/// The agent ends here.
pub(super) struct Crash;

/// Counts the places where an agent can end, and ends it at one.
#[derive(Clone, Default)]
pub(super) struct Faults(Arc<Mutex<FaultState>>);

#[derive(Default)]
struct FaultState {
    passed: u32,
    crash_at: Option<u32>,
    disk_full: bool,
    tidied: u32,
}

impl Faults {
    /// Ends the agent at the n-th place from here.
    pub(super) fn crash_at(&self, place: u32) {
        let mut state = self.0.lock().unwrap();
        state.passed = 0;
        state.crash_at = Some(place);
    }

    pub(super) fn passed(&self) -> u32 {
        self.0.lock().unwrap().passed
    }

    /// How often hands were told that an order is over.
    pub(super) fn tidied(&self) -> u32 {
        self.0.lock().unwrap().tidied
    }

    pub(super) fn fill_disk(&self, full: bool) {
        self.0.lock().unwrap().disk_full = full;
    }

    fn is_disk_full(&self) -> bool {
        self.0.lock().unwrap().disk_full
    }

    /// One place.
    pub(super) fn place(&self) {
        let crash = {
            let mut state = self.0.lock().unwrap();
            let crash = state.crash_at == Some(state.passed);
            state.passed += 1;
            if crash {
                state.crash_at = None;
            }
            crash
        };
        if crash {
            resume_unwind(Box::new(Crash));
        }
    }
}

/// The journal's file with crashes before, in and after each write.
pub(super) struct CrashingMedium {
    pub inner: FileMedium,
    pub faults: Faults,
}

impl Medium for CrashingMedium {
    fn read(&mut self, max: u64) -> std::io::Result<Option<Vec<u8>>> {
        self.inner.read(max)
    }
    fn append(&mut self, bytes: &[u8], _force: bool) -> std::io::Result<()> {
        self.faults.place();
        let (half, rest) = bytes.split_at(bytes.len() / 2);
        self.inner.append(half, false)?;
        if self.faults.is_disk_full() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.faults.place();
        self.inner.append(rest, false)?;
        self.faults.place();
        Ok(())
    }
    fn truncate(&mut self, length: u64) -> std::io::Result<()> {
        self.inner.truncate(length)
    }
    fn replace(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.faults.place();
        self.inner.replace(bytes)?;
        self.faults.place();
        Ok(())
    }
    fn keep_aside(&mut self, max: u64) -> std::io::Result<()> {
        self.inner.keep_aside(max)
    }
}

/// What hands brought to their end.
pub(super) type Ledger = Arc<Mutex<Vec<String>>>;

/// Planted hands with crashes before, in the middle of and after each action.
pub(super) struct CrashingHands {
    pub inner: SandboxHands,
    pub faults: Faults,
    pub ledger: Ledger,
    pub says: Arc<Mutex<String>>,
    /// The log of tools: what they said is there at once, and outlives their agent.
    pub kept: Arc<Mutex<String>>,
}

impl CrashingHands {
    fn each<T>(
        &mut self,
        what: &str,
        packages: &[String],
        mut act: impl FnMut(&mut SandboxHands, &[String]) -> Result<T, HandsError>,
    ) -> Result<T, HandsError> {
        self.faults.place();
        let said = self.says.lock().unwrap().clone();
        self.kept.lock().unwrap().push_str(&said);
        if packages.len() > 1 {
            // A tool that comes as far as its first package.
            let halfway = self.faults.passed();
            let ends_here = self.faults.0.lock().unwrap().crash_at == Some(halfway);
            if ends_here {
                act(&mut self.inner, &packages[..1])?;
            }
            self.faults.place();
        }
        let done = act(&mut self.inner, packages)?;
        let entry = format!("{what} {}", packages.join(" "));
        self.ledger.lock().unwrap().push(entry);
        self.faults.place();
        Ok(done)
    }

    fn spoken(&self, run: ToolRun) -> ToolRun {
        let said = self.says.lock().unwrap();
        ToolRun {
            log_tail: format!("{said}{}", run.log_tail),
            ..run
        }
    }
}

impl HostHands for CrashingHands {
    fn tidy(&mut self) {
        self.faults.0.lock().unwrap().tidied += 1;
    }
    fn fetch_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let done = self.each("fetch", packages, |hands, packages| {
            hands.fetch_packages(manager, packages, run)
        })?;
        Ok(self.spoken(done))
    }
    fn are_fetched(&mut self, manager: PackageManager, packages: &[String]) -> Result<bool, HandsError> {
        self.inner.are_fetched(manager, packages)
    }
    fn remove_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let done = self.each("remove", packages, |hands, packages| {
            hands.remove_packages(manager, packages, run)
        })?;
        Ok(self.spoken(done))
    }
    fn install_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let done = self.each("install", packages, |hands, packages| {
            hands.install_packages(manager, packages, run)
        })?;
        Ok(self.spoken(done))
    }
    fn repair_packages(&mut self, manager: PackageManager, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.each("repair", &[], |hands, _| hands.repair_packages(manager, run))
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
        let packages: Vec<String> = files.iter().map(|file| file.package.clone()).collect();
        self.each("install-files", &packages, |inner, _| {
            inner.install_files(manager, files, run)
        })
    }
    fn delete_leftover(&mut self, path: &str) -> Result<(), HandsError> {
        let path = path.to_owned();
        self.each("delete", std::slice::from_ref(&path), |hands, _| {
            hands.delete_leftover(&path)
        })
    }
    fn delete_group(&mut self, name: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let name = name.to_owned();
        self.each("delete group", std::slice::from_ref(&name), |hands, _| {
            hands.delete_group(&name, run)
        })
    }
    fn remove_anchors(&mut self, anchors: &[Anchor], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.each("sweep anchors", &[], |hands, _| hands.remove_anchors(anchors, run))
    }
    fn detection_test(&mut self, product: &ProductId, run: &mut Run<'_>) -> Result<Detection, HandsError> {
        self.each("test", &[], |hands, _| hands.detection_test(product, run))
    }
    fn enable_service(&mut self, service: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let service = service.to_owned();
        self.each("enable", std::slice::from_ref(&service), |hands, _| {
            hands.enable_service(&service, run)
        })
    }
    fn set_up(&mut self, product: &ProductId, state: SetUpState, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.each("set up", &[], |hands, _| hands.set_up(product, state, run))
    }
    fn write_config(&mut self, path: &str, contents: &str, mode: u32) -> Result<(), HandsError> {
        let path = path.to_owned();
        self.each("write", std::slice::from_ref(&path), |hands, _| {
            hands.write_config(&path, contents, mode)
        })
    }
    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError> {
        self.inner.restart_waits_for()
    }
    fn announce(&mut self, text: &str) -> Result<(), HandsError> {
        self.inner.announce(text)
    }
    fn restart(&mut self, reason: &str) -> Result<(), HandsError> {
        self.each("restart", &[], |hands, _| hands.restart(reason))
    }
    fn kept_output(&mut self, _label: &str) -> Result<String, HandsError> {
        Ok(self.kept.lock().unwrap().clone())
    }
    fn scrub_logs(&mut self, _prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        let mut kept = self.kept.lock().unwrap();
        *kept = scrub(&kept);
        Ok(())
    }
    fn alive(&mut self, mark: &ProcessMark) -> bool {
        self.inner.alive(mark)
    }
    fn stop(&mut self, mark: &ProcessMark) {
        self.inner.stop(mark);
    }
}
