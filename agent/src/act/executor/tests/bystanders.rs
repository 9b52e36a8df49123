//! What goes on around an executor that waits.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cutover_proto::{ids::ProductId, inventory::PackageManager, step::SetUpState};

use super::world::VirtualClock;
use crate::{
    act::Clock,
    host::hands::{Anchor, Detection, HandsError, HostHands, PackageFile, ProcessMark, Run, ToolRun},
};

/// What happens at an instant.
pub(super) type Happening = Box<dyn Fn(i64) + Send>;

/// A clock at which something happens whenever it goes on.
pub(super) struct Busy {
    pub inner: Arc<VirtualClock>,
    pub act: Mutex<Happening>,
}

impl Clock for Busy {
    fn now_ms(&self) -> i64 {
        self.inner.now_ms()
    }
    fn ticks_ms(&self) -> u64 {
        self.inner.ticks_ms()
    }
    fn wait(&self, at_most: Duration) {
        self.inner.wait(at_most);
        self.act.lock().unwrap()(self.inner.now_ms());
    }
}

/// Hands that are asked for nothing but a restart, where there can be none.
pub(super) struct Chrooted;

impl HostHands for Chrooted {
    fn fetch_packages(
        &mut self,
        _manager: PackageManager,
        _packages: &[String],
        _run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn are_fetched(&mut self, _manager: PackageManager, _packages: &[String]) -> Result<bool, HandsError> {
        Err(nothing_else())
    }
    fn remove_packages(
        &mut self,
        _manager: PackageManager,
        _packages: &[String],
        _run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn install_packages(
        &mut self,
        _manager: PackageManager,
        _packages: &[String],
        _run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn install_files(
        &mut self,
        _manager: PackageManager,
        _files: &[PackageFile],
        _run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn repair_packages(&mut self, _manager: PackageManager, _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn unfinished_packages(&mut self, _manager: PackageManager) -> Result<Vec<String>, HandsError> {
        Err(nothing_else())
    }
    fn delete_leftover(&mut self, _path: &str) -> Result<(), HandsError> {
        Ok(())
    }
    fn delete_group(&mut self, _name: &str, _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn remove_anchors(&mut self, _anchors: &[Anchor], _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn enable_service(&mut self, _service: &str, _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn set_up(&mut self, _: &ProductId, _: SetUpState, _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        Err(nothing_else())
    }
    fn write_config(&mut self, _path: &str, _contents: &str, _mode: u32) -> Result<(), HandsError> {
        Err(nothing_else())
    }
    fn detection_test(&mut self, _product: &ProductId, _run: &mut Run<'_>) -> Result<Detection, HandsError> {
        Err(nothing_else())
    }
    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError> {
        Err(HandsError::Unsupported(
            "no restart here: the agent runs in a chroot".to_owned(),
        ))
    }
    fn announce(&mut self, text: &str) -> Result<(), HandsError> {
        panic!("announced: {text}");
    }
    fn restart(&mut self, _reason: &str) -> Result<(), HandsError> {
        panic!("restarted");
    }
    fn kept_output(&mut self, _label: &str) -> Result<String, HandsError> {
        Err(nothing_else())
    }
    fn scrub_logs(&mut self, _prefix: &str, _scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        Err(nothing_else())
    }
    fn alive(&mut self, _mark: &ProcessMark) -> bool {
        false
    }
    fn stop(&mut self, _mark: &ProcessMark) {}
}

fn nothing_else() -> HandsError {
    HandsError::Unsupported("only a restart was to be asked for".to_owned())
}
