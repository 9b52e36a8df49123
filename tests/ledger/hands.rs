//! Hands that carry nothing out: they write each call down that bears on the machine, and the machine becomes what was asked for, as
//! the live hands leave it. What only asks is not written down. Of what is said to an installer the property is written, never the
//! value.

use cutover_agent::host::hands::{
    Anchor, Detection, HandsError, HostHands, PackageFile, ProcessMark, Run, Said, ToolRun,
};
use cutover_proto::{
    ids::ProductId,
    inventory::PackageManager,
    secret::{CUSTOMER, ONBOARDING},
    step::SetUpState,
};

use crate::{
    goods::{self, KES, KLIF},
    linux,
    machine::{Shared, State, held},
};

/// What the product of the ledger's Windows takes.
pub(crate) const PASSWORD: &str = "Richtig-2";
const FAILED: i32 = 1603;
const RESTART_OWED: i32 = 3010;

pub(crate) struct LedgerHands {
    machine: Shared,
}

impl LedgerHands {
    pub(crate) fn new(machine: &Shared) -> Self {
        Self {
            machine: machine.clone(),
        }
    }

    fn asked(&self, what: String, act: impl FnOnce(&mut State)) -> ToolRun {
        held(&self.machine).asked(what, act);
        ended(0)
    }
}

fn ended(code: i32) -> ToolRun {
    ToolRun {
        exit_code: Some(code),
        ..ToolRun::default()
    }
}

/// Which properties were said.
fn told(said: &[Said]) -> String {
    let names: Vec<&str> = said.iter().map(|said| said.property.as_str()).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(", told {}", names.join(" and "))
    }
}

fn value<'s>(said: &'s [Said], property: &str) -> Option<&'s str> {
    let said = said.iter().find(|said| said.property == property)?;
    Some(said.value.as_str())
}

/// By the value that its installer asks for where one protects it.
fn lets_go(package: &str, said: &[Said]) -> bool {
    package != KES || value(said, "KLPASSWD") == Some(PASSWORD)
}

impl HostHands for LedgerHands {
    fn fetch_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        _: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let what = format!("download by {manager}: {}", packages.join(", "));
        Ok(self.asked(what, |state| {
            // What is installed needs no download.
            let missing: Vec<&String> = packages.iter().filter(|name| !state.has(name)).collect();
            state.fetched.extend(missing.into_iter().cloned());
        }))
    }

    fn are_fetched(&mut self, _: PackageManager, packages: &[String]) -> Result<bool, HandsError> {
        let machine = held(&self.machine);
        let state = machine.state();
        Ok(packages
            .iter()
            .all(|name| state.has(name) || state.fetched.contains(name)))
    }

    fn remove_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let what = format!("remove by {manager}: {}{}", packages.join(", "), told(&run.said));
        let is_let = packages.iter().all(|package| lets_go(package, &run.said));
        self.asked(what, |state| {
            for package in packages.iter().filter(|_| is_let) {
                goods::take(state, package);
            }
        });
        let owes = packages.iter().any(|package| package == KES);
        Ok(ended(match (is_let, owes) {
            (false, _) => FAILED,
            (true, true) => RESTART_OWED,
            (true, false) => 0,
        }))
    }

    fn install_packages(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        _: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let what = format!("install by {manager}: {}", packages.join(", "));
        Ok(self.asked(what, |state| {
            for package in packages {
                goods::bring(state, package);
            }
        }))
    }

    fn repair_packages(&mut self, manager: PackageManager, _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        // Nothing is unfinished here.
        Ok(self.asked(format!("repair by {manager}"), |_| {}))
    }

    fn unfinished_packages(&mut self, _: PackageManager) -> Result<Vec<String>, HandsError> {
        Ok(Vec::new())
    }

    fn install_files(
        &mut self,
        manager: PackageManager,
        files: &[PackageFile],
        _: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let names: Vec<&str> = files.iter().map(|file| file.file_name.as_str()).collect();
        let what = format!("install files by {manager}: {}", names.join(", "));
        Ok(self.asked(what, |state| {
            for file in files {
                let package = match manager {
                    PackageManager::Msi => goods::GUARD,
                    PackageManager::Apt | PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper => {
                        &file.package
                    }
                };
                goods::bring(state, package);
            }
        }))
    }

    fn delete_leftover(&mut self, path: &str) -> Result<(), HandsError> {
        self.asked(format!("delete {path}"), |state| state.delete(path));
        Ok(())
    }

    fn delete_group(&mut self, name: &str, _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        Ok(self.asked(format!("delete group {name}"), |state| {
            state.groups.remove(name);
        }))
    }

    fn remove_anchors(&mut self, anchors: &[Anchor], _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let paths: Vec<&str> = anchors.iter().map(|anchor| anchor.path.as_str()).collect();
        let what = format!("stop trusting {}, and build the trust store anew", paths.join(", "));
        Ok(self.asked(what, |state| {
            for path in paths {
                state.delete(path);
            }
            // It is made of the anchors, and there is no other.
            state.delete(goods::trust_store(state.manager).1);
        }))
    }

    /// What it shows is gone afterwards.
    fn detection_test(&mut self, product: &ProductId, _: &mut Run<'_>) -> Result<Detection, HandsError> {
        let run = self.asked(format!("show {product} a test file"), |_| {});
        let machine = held(&self.machine);
        let state = machine.state();
        let sees = match product.as_str() {
            "clamav" => goods::has_signatures(state),
            "clamav-daemon" => state.is_at_work("clamav-daemon.service"),
            "clamav-on-access" => state.is_at_work("clamav-clamonacc.service"),
            "defender-endpoint" => !state.is_passive && state.files.contains_key(linux::ONBOARDING),
            other => return Err(HandsError::Unsupported(format!("nothing shows {other} a test file"))),
        };
        Ok(Detection {
            run,
            named: sees.then(|| "EICAR".to_owned()),
        })
    }

    /// It is started anew, whatever it does at the moment.
    fn enable_service(&mut self, service: &str, _: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        Ok(self.asked(format!("start {service} anew"), |state| {
            if service == "clamav-freshclam.service" {
                goods::fetch_signatures(state);
            }
            if goods::has_signatures(state) {
                state.start(service);
            }
        }))
    }

    fn set_up(&mut self, product: &ProductId, state: SetUpState, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let what = format!("have {product} be {state}{}", told(&run.said));
        let said = &run.said;
        match product.as_str() {
            "defender-endpoint" => Ok(self.asked(what, |machine| defender(machine, state, said))),
            "crowdstrike-falcon" => Ok(self.asked(what, |machine| falcon(machine, state, said))),
            "defender-antivirus" => Ok(self.asked(what, |machine| {
                machine.is_told_to_stand_back = false;
                machine.has_todays = true;
            })),
            // It protects by itself, and is only waited for.
            "stand-in-guard" => Ok(self.asked(what, |_| {})),
            other => Err(HandsError::Unsupported(format!("nothing sets up {other}"))),
        }
    }

    fn write_config(&mut self, path: &str, contents: &str, mode: u32) -> Result<(), HandsError> {
        self.asked(format!("write {path} with mode {mode:o}"), |state| {
            state.put(path, contents.as_bytes(), mode);
        });
        Ok(())
    }

    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError> {
        Ok(None)
    }

    fn announce(&mut self, _: &str) -> Result<(), HandsError> {
        self.asked("tell everybody of the restart".to_owned(), |_| {});
        Ok(())
    }

    fn restart(&mut self, reason: &str) -> Result<(), HandsError> {
        self.asked(format!("restart: {reason}"), |state| {
            state.restarts += 1;
            if !state.has(KES) {
                state.loaded.remove(KLIF);
            }
        });
        Ok(())
    }

    fn kept_output(&mut self, _: &str) -> Result<String, HandsError> {
        Ok(String::new())
    }

    fn scrub_logs(&mut self, _: &str, _: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        Ok(())
    }

    fn alive(&mut self, _: &ProcessMark) -> bool {
        false
    }

    fn stop(&mut self, _: &ProcessMark) {}
}

/// It reads for itself whose it is.
fn defender(machine: &mut State, state: SetUpState, said: &[Said]) {
    if let Some(file) = value(said, ONBOARDING) {
        machine.put(linux::ONBOARDING, file.as_bytes(), 0o600);
    }
    match state {
        SetUpState::StandingBack => machine.is_passive = true,
        SetUpState::Onboarded => {}
        SetUpState::Active => machine.is_passive = false,
    }
}

/// Told and started anew where it is not ours yet; else kept at work.
fn falcon(machine: &mut State, state: SetUpState, said: &[Said]) {
    const UNIT: &str = "falcon-sensor.service";
    let own = value(said, CUSTOMER).map(|id| {
        let id = id.to_ascii_lowercase();
        id.split_once('-').map_or(id.as_str(), |(id, _)| id).to_owned()
    });
    let is_told = state == SetUpState::Onboarded && own.is_some() && machine.customer != own;
    if is_told {
        machine.customer = own;
    }
    if is_told || !machine.is_at_work(UNIT) {
        machine.start(UNIT);
    }
}
