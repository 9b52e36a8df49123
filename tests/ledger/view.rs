//! Looks at a machine of the ledger.

use std::sync::{Arc, Mutex};

use cutover_agent::{
    facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput},
    host::{Fixture, HostPath, HostView, Links},
};
use cutover_proto::inventory::{OsFamily, PackageManager};

use crate::machine::{Shared, State, held};

/// A look asks hundreds of times, and the machine seldom changes in between.
pub(crate) struct LedgerView {
    machine: Shared,
    last: Mutex<Option<(State, Arc<Fixture>)>>,
}

impl LedgerView {
    pub(crate) fn new(machine: &Shared) -> Self {
        Self {
            machine: machine.clone(),
            last: Mutex::default(),
        }
    }

    fn now(&self) -> Arc<Fixture> {
        let machine = held(&self.machine);
        let mut last = self.last.lock().unwrap();
        match &*last {
            Some((state, fixture)) if state == machine.state() => fixture.clone(),
            Some(_) | None => {
                let fixture = Arc::new(machine.state().fixture());
                *last = Some((machine.state().clone(), fixture.clone()));
                fixture
            }
        }
    }
}

impl HostView for LedgerView {
    fn os_family(&self) -> OsFamily {
        match held(&self.machine).state().manager {
            PackageManager::Msi => OsFamily::Windows,
            PackageManager::Apt | PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper => OsFamily::Linux,
        }
    }
    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        self.now().read(file, max)
    }
    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        self.now().list(dir)
    }
    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        self.now().stat(path, links)
    }
    fn link(&self, path: &HostPath) -> Answer<String> {
        self.now().link(path)
    }
    fn processes(&self) -> Answer<Vec<Process>> {
        self.now().processes()
    }
    fn listeners(&self) -> Answer<Vec<Listener>> {
        self.now().listeners()
    }
    fn group(&self, name: &str) -> Answer<u32> {
        self.now().group(name)
    }
    fn mounts(&self) -> Answer<Vec<u8>> {
        self.now().mounts()
    }
    fn kernel(&self) -> Answer<Kernel> {
        self.now().kernel()
    }
    fn boot_id(&self) -> Answer<String> {
        Answer::Found(format!("session-{}", held(&self.machine).state().restarts))
    }
    fn free_disk(&self, _: &HostPath) -> Answer<u64> {
        Answer::Found(20 << 30)
    }
    fn tool(&self, tool: Tool) -> Answer<ToolOutput> {
        self.now().tool(tool)
    }
    fn ask(&self, question: &Question) -> Answer<Reply> {
        self.now().ask(question)
    }
}
