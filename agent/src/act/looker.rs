//! Fresh looks, as the executor needs them.

use cutover_proto::{
    ids::HostId,
    inventory::{Inventory, OsFamily},
    rule::Rule,
    subject::Subject,
};

use crate::{
    detect::{self, RuleSet, ScanCx, Trusted},
    facts::{Answer, Entry, EntryKind, Package, Question, Reply},
    host::{HostPath, HostView, Links},
    parse,
    words::Language,
};

/// Looks at the host now. What it sees should also become the session's newest inventory.
pub trait Looker: Send {
    /// A fresh and complete look.
    fn look(&mut self) -> Inventory;

    /// The packages of a product that are on the host now, those of which only configuration files remain too.
    fn packages(&mut self, rule: &Rule) -> Answer<Vec<Package>>;

    /// The kind of system.
    fn os_family(&self) -> OsFamily;

    /// Whether something is at this absolute path; a link counts by itself. `None` when it could not be told.
    fn exists(&mut self, path: &str) -> Option<bool>;

    /// Whether there is a local group of this name. `None` when it could not be told.
    fn has_group(&mut self, name: &str) -> Option<bool>;

    /// Every file of the trust store that has a certificate of one of these subjects.
    fn trusted(&mut self, subjects: &[Subject]) -> Answer<Vec<Trusted>>;

    /// Whether a file holds exactly this; `None` when it could not be told. What it holds else is not kept.
    fn holds(&mut self, path: &str, contents: &[u8]) -> Option<bool>;

    /// Whether a service is at work: found, or absent where it is not. Unsupported where no service manager runs.
    fn at_work(&mut self, service: &str) -> Answer<()>;

    /// The kernel session; `None` when it could not be told.
    fn boot_id(&mut self) -> Option<String>;

    /// For how many seconds that session has lasted; `None` when it could not be told.
    fn session_seconds(&mut self) -> Option<u64>;

    /// What `/etc/localtime` holds, for telling somebody at the machine the time.
    fn zone(&mut self) -> Option<Vec<u8>>;

    /// The language of the machine, for telling somebody at it.
    fn language(&mut self) -> Language;
}

/// A number and another.
const MAX_UPTIME: u64 = 128;
/// The largest zone has some 4 KiB.
const MAX_ZONE: u64 = 64 << 10;
/// Where logind keeps a file for each user who is logged in.
const LOGINS: &str = "/run/systemd/users";
const MAX_LOGIN: u64 = 64 << 10;

/// For how many seconds the kernel session has lasted; `None` when it could not be told.
#[must_use]
pub fn session_seconds(view: &dyn HostView) -> Option<u64> {
    if view.os_family() == OsFamily::Windows {
        return view.ask(&Question::SessionAge).parsed(Reply::session_age).found();
    }
    let bytes = view.read(&HostPath::unix("/proc/uptime"), MAX_UPTIME).found()?;
    parse::uptime::seconds(&bytes)
}

/// What `/etc/localtime` holds.
#[must_use]
pub fn zone(view: &dyn HostView) -> Option<Vec<u8>> {
    view.read(&HostPath::unix("/etc/localtime"), MAX_ZONE).found()
}

/// Whether somebody has an active session here, as logind keeps it; `None` where that cannot be told. Who it is is not read.
#[must_use]
pub fn somebody(view: &dyn HostView) -> Option<bool> {
    if view.os_family() != OsFamily::Linux {
        return None;
    }
    let users = view.list(&HostPath::unix(LOGINS)).found()?;
    let is_active = |entry: &Entry| {
        let file = HostPath::unix(&format!("{LOGINS}/{}", entry.name));
        let text = view.read(&file, MAX_LOGIN).found()?;
        Some(text.split(|byte| *byte == b'\n').any(|line| line == b"STATE=active"))
    };
    let told: Vec<Option<bool>> = users.iter().map(is_active).collect();
    match told.contains(&Some(true)) {
        true => Some(true),
        false => told.iter().all(Option::is_some).then_some(false),
    }
}

/// A looker over a view of the host and the rules in force.
pub struct HostLooker<V> {
    view: V,
    rules: std::sync::Arc<RuleSet>,
    host_id: HostId,
    clock: std::sync::Arc<dyn super::Clock>,
    seen: Box<dyn FnMut(&Inventory) + Send>,
}

impl<V: std::fmt::Debug> std::fmt::Debug for HostLooker<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostLooker")
            .field("view", &self.view)
            .field("host_id", &self.host_id)
            .finish_non_exhaustive()
    }
}

impl<V: HostView> HostLooker<V> {
    /// `seen` gets every inventory that is made, so that the session sends it.
    pub fn new(
        view: V,
        rules: std::sync::Arc<RuleSet>,
        host_id: HostId,
        clock: std::sync::Arc<dyn super::Clock>,
        seen: Box<dyn FnMut(&Inventory) + Send>,
    ) -> Self {
        Self {
            view,
            rules,
            host_id,
            clock,
            seen,
        }
    }

    /// As the system spells it.
    fn path(&self, path: &str) -> HostPath {
        match self.view.os_family() {
            OsFamily::Windows => HostPath::windows(path),
            OsFamily::Linux | OsFamily::Macos => HostPath::unix(path),
        }
    }
}

impl<V: HostView> Looker for HostLooker<V> {
    fn look(&mut self) -> Inventory {
        let cx = ScanCx {
            host_id: self.host_id,
            now_ms: self.clock.now_ms(),
        };
        let inventory = detect::scan(&self.view, &self.rules, &cx);
        (self.seen)(&inventory);
        inventory
    }

    fn packages(&mut self, rule: &Rule) -> Answer<Vec<Package>> {
        detect::attributed_packages(&self.view, rule)
    }

    fn os_family(&self) -> OsFamily {
        self.view.os_family()
    }

    fn exists(&mut self, path: &str) -> Option<bool> {
        match self.view.stat(&self.path(path), Links::AsTheyAre) {
            Answer::Found(_) => Some(true),
            Answer::Absent => Some(false),
            Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => None,
        }
    }

    fn has_group(&mut self, name: &str) -> Option<bool> {
        match self.view.group(name) {
            Answer::Found(_) => Some(true),
            Answer::Absent => Some(false),
            Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => None,
        }
    }

    fn holds(&mut self, path: &str, contents: &[u8]) -> Option<bool> {
        let path = self.path(path);
        match self.view.stat(&path, Links::AsTheyAre) {
            Answer::Found(stat) if stat.kind != EntryKind::File || stat.size != contents.len() as u64 => {
                return Some(false);
            }
            Answer::Found(_) => {}
            Answer::Absent => return Some(false),
            Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => return None,
        }
        match self.view.read(&path, contents.len() as u64) {
            Answer::Found(bytes) => Some(bytes == contents),
            Answer::Absent => Some(false),
            Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => None,
        }
    }

    fn trusted(&mut self, subjects: &[Subject]) -> Answer<Vec<Trusted>> {
        detect::trusted(&self.view, subjects)
    }

    fn at_work(&mut self, service: &str) -> Answer<()> {
        detect::at_work(&self.view, service)
    }

    fn boot_id(&mut self) -> Option<String> {
        self.view.boot_id().found()
    }

    fn session_seconds(&mut self) -> Option<u64> {
        session_seconds(&self.view)
    }

    fn zone(&mut self) -> Option<Vec<u8>> {
        zone(&self.view)
    }

    fn language(&mut self) -> Language {
        super::language(&self.view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{act::Clock, host::Fixture};

    struct Still;

    impl Clock for Still {
        fn now_ms(&self) -> i64 {
            0
        }
        fn ticks_ms(&self) -> u64 {
            0
        }
        fn wait(&self, _: std::time::Duration) {}
    }

    fn looker(view: Fixture) -> HostLooker<Fixture> {
        let rules = std::sync::Arc::new(RuleSet::built_in());
        let host = HostId::new(uuid::Uuid::nil());
        HostLooker::new(view, rules, host, std::sync::Arc::new(Still), Box::new(|_| ()))
    }

    #[test]
    fn a_path_of_windows_is_looked_at_as_windows_spells_it() {
        let path = r"C:\ProgramData\Kaspersky Lab";
        let mut host = looker(Fixture::windows("paths").with_windows_path(path, EntryKind::Directory));
        assert_eq!(host.exists(path), Some(true));
        assert_eq!(host.exists(&path.to_lowercase()), Some(true), "as Windows does");
        assert_eq!(host.exists(r"C:\ProgramData\Other"), Some(false));
    }

    #[test]
    fn the_age_of_a_session_is_told_by_each_system_in_its_way() {
        let windows = Fixture::windows("age").with_reply(&Question::SessionAge, Reply::SessionAge(77));
        assert_eq!(session_seconds(&windows), Some(77));
        let silent = windows.with_no_reply(&Question::SessionAge, Answer::Failed("it does not say".to_owned()));
        assert_eq!(session_seconds(&silent), None);
        let linux = Fixture::bare(OsFamily::Linux, "age").with_file("/proc/uptime", b"66.05 120.10\n", 0);
        assert_eq!(session_seconds(&linux), Some(66));
    }
}
