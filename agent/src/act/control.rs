//! What reaches a running order from outside: check-ins, cancels, the local hold.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cutover_proto::{
    envelope::{self, Context},
    ids::HostId,
    order::OrderRefused,
    v1,
};

use super::identity::Identity;

/// Shared by the session, which writes, and the executor, which reads at its safe points.
#[derive(Debug, Default)]
pub struct Control {
    hold_file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_check_in_ms: Option<i64>,
    cancels: BTreeMap<u64, String>,
    put_off_ms: Option<i64>,
}

impl Control {
    /// While `hold_file` exists the host is held: no order begins, and one at work ends at its next safe point.
    #[must_use]
    pub fn new(hold_file: Option<PathBuf>) -> Self {
        Self {
            hold_file,
            state: Mutex::default(),
        }
    }

    /// Notes a check-in that the server answered, at trusted time.
    pub fn checked_in(&self, at_ms: i64) {
        self.state().last_check_in_ms = Some(at_ms);
    }

    /// Takes a cancel, if the server signed it for this host. It acts at the order's next safe point.
    ///
    /// # Errors
    /// When it is not signed by a known key, cannot be read, or names another host.
    pub fn take_cancel(&self, envelope: &v1::Envelope, identity: &Identity) -> Result<(), OrderRefused> {
        let cancel: v1::Cancel = envelope::open_message(envelope, Context::Cancel, &identity.server_keys)?;
        let host: HostId = cancel.host_id.parse()?;
        if host != identity.host_id {
            return Err(OrderRefused::OtherHost(host));
        }
        let mut state = self.state();
        // Orders only rise: what lies below is long over.
        state.cancels = state.cancels.split_off(&cancel.order_number);
        state.cancels.insert(cancel.order_number, cancel.reason);
        Ok(())
    }

    /// Whoever works here put the start off to then, and was told that it holds; `None`: nobody did. An order that came before
    /// the server heard of it ends before its first step.
    pub fn put_off(&self, until_ms: Option<i64>) {
        self.state().put_off_ms = until_ms;
    }

    /// Why nothing begins at this moment, where its user put the start off.
    pub(super) fn is_put_off(&self, now_ms: i64) -> Option<String> {
        let until_ms = self.state().put_off_ms.filter(|until_ms| *until_ms > now_ms)?;
        Some(format!(
            "its user put the start off until {}",
            crate::parse::instant::utc(until_ms)
        ))
    }

    pub(super) fn last_check_in_ms(&self) -> Option<i64> {
        self.state().last_check_in_ms
    }

    /// Why this order should end at its next safe point.
    pub(super) fn stop(&self, order: u64) -> Option<String> {
        if let Some(reason) = self.state().cancels.get(&order) {
            return Some(format!("cancelled by the server: {reason}"));
        }
        self.hold()
    }

    /// Why the host is held by its own file, where it is.
    #[must_use]
    pub fn hold(&self) -> Option<String> {
        let path = self.hold_file.as_ref()?;
        match fs::symlink_metadata(path) {
            Ok(_) => Some(format!("held on this host; remove {} to let it go on", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            // Whether it is there cannot be told: an unknown hold holds.
            Err(error) => Some(format!("cannot tell whether {} exists: {error}", path.display())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
