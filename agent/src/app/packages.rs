//! Notices that a package database changed.

use std::{sync::Arc, time::Duration};

use super::life::{Input, Life};
use crate::host::{HostPath, HostView, Links};

/// How often is looked. A change is looked at after it was quiet for some seconds, so sooner would bring nothing.
const EVERY: Duration = Duration::from_secs(30);

/// Where package managers keep what is installed: dpkg, and rpm with its three formats in two places.
const DATABASES: [&str; 6] = [
    "/var/lib/dpkg/status",
    "/var/lib/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/Packages.db",
    "/usr/lib/sysimage/rpm/Packages.db",
];

impl Life {
    pub(super) fn watch_packages(&mut self) {
        let (view, send) = (self.view.clone(), self.sender());
        self.tasks.spawn(async move {
            let mut before = None;
            loop {
                let looking = view.clone();
                let Ok(marks) = tokio::task::spawn_blocking(move || marks(&looking)).await else {
                    return;
                };
                if before.as_ref().is_some_and(|before| *before != marks) {
                    send(Input::PackagesChanged);
                }
                before = Some(marks);
                tokio::time::sleep(EVERY).await;
            }
        });
    }
}

/// Size and last change of each database that is there.
fn marks(view: &Arc<dyn HostView>) -> Vec<Option<(u64, i64)>> {
    let mark = |path: &&str| {
        let stat = view.stat(&HostPath::unix(path), Links::Followed).found()?;
        Some((stat.size, stat.modified_ms))
    };
    DATABASES.iter().map(mark).collect()
}
