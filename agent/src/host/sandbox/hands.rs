//! Hands on a planted host.

use std::{collections::BTreeMap, path::Path, thread, time::Duration};

use cutover_proto::{
    ids::ProductId,
    inventory::PackageManager,
    step::{SetUpState, StepKind},
};
use sha2::{Digest, Sha256};

use super::{
    accounts, defender, faults,
    files::{Files, SandboxError},
    packages,
    plant::{BEHAVIOUR, BOOT_ID, FAILURES, HEARD, PROCESSES, STARTS, bring},
    product::{SIGNATURES, WITH_SIGNATURES, goods_of, scanner_of},
    profile::Behaviour,
};
use crate::{
    facts::Process,
    host::hands::{Anchor, Detection, HandsError, HostHands, PackageFile, ProcessMark, Run, ToolRun, leftovers, tree},
};

/// What was told to everybody is kept there.
const CONSOLE: &str = "/.sandbox/console";
/// While this file is there, somebody is at work on packages.
const PACKAGE_LOCK: &str = "/var/lib/dpkg/lock-frontend";
/// What Windows Installer answers to a wrong password, among other things.
const INSTALL_FAILURE: i32 = 1603;
/// How often what is waited for is looked for.
const GLANCE: Duration = Duration::from_millis(10);
/// Where it is planted, a restart begins it anew.
const UPTIME: &str = "/proc/uptime";

/// Stands in for apt, dpkg, the scanner and the machine of one planted host.
#[derive(Debug)]
pub struct SandboxHands {
    files: Files,
    behaviour: Behaviour,
}

impl SandboxHands {
    /// Hands on the host that was planted there.
    ///
    /// # Errors
    /// When none was.
    pub fn open(root: &Path) -> Result<Self, SandboxError> {
        let files = Files::new(root);
        let behaviour = files.read_own(BEHAVIOUR)?;
        Ok(Self { files, behaviour })
    }

    /// Takes the time that the step takes, then fails if it is to fail.
    fn planted_fault(
        &self,
        step: StepKind,
        takes_ms: u64,
    ) -> Result<Option<Result<ToolRun, HandsError>>, SandboxError> {
        thread::sleep(Duration::from_millis(takes_ms));
        let Some(fault) = self.behaviour.fail_first.as_ref().filter(|fault| fault.step == step) else {
            return Ok(None);
        };
        let failed: u32 = self.files.read_own(FAILURES)?;
        if failed >= fault.times {
            return Ok(None);
        }
        self.files.write_own(FAILURES, &(failed + 1))?;
        Ok(Some(faults::of(fault.cause)))
    }

    /// What the installer answers that is told too little, or wrongly; it prints what it was told. What it was told it keeps.
    fn guard(&self, run: &Run<'_>) -> Result<Option<ToolRun>, SandboxError> {
        let asked = &self.behaviour.remove_told;
        if asked.is_empty() {
            return Ok(None);
        }
        let told: BTreeMap<&str, &str> = run
            .said
            .iter()
            .map(|it| (it.property.as_str(), it.value.as_str()))
            .collect();
        let words: Vec<String> = told
            .iter()
            .map(|(property, value)| format!("{property}={value}"))
            .collect();
        let mut heard: Vec<String> = self.files.read_own(HEARD)?;
        heard.push(words.join(" "));
        self.files.write_own(HEARD, &heard)?;
        let is_enough = asked
            .iter()
            .all(|(property, value)| told.get(property.as_str()) == Some(&value.as_str()));
        Ok((!is_enough).then(|| ToolRun {
            exit_code: Some(INSTALL_FAILURE),
            log_tail: format!("Command line: {}\nInstallation failed.\n", words.join(" ")),
            timed_out: false,
        }))
    }

    fn run(
        &self,
        step: StepKind,
        takes_ms: u64,
        act: impl FnOnce(&Files) -> Result<String, SandboxError>,
    ) -> Result<ToolRun, HandsError> {
        let fault = self
            .planted_fault(step, takes_ms)
            .map_err(|error| faults::of_files(&error))?;
        if let Some(fault) = fault {
            return fault;
        }
        let log_tail = act(&self.files).map_err(|error| faults::of_files(&error))?;
        Ok(ToolRun {
            exit_code: Some(0),
            log_tail,
            timed_out: false,
        })
    }
}

/// What the kernel says of a service at work.
fn put_to_work(files: &Files, service: &str) -> Result<(), SandboxError> {
    let events = format!("/sys/fs/cgroup/system.slice/{service}/cgroup.events");
    files.write(&events, b"populated 1\nfrozen 0\n")
}

fn archive(package: &str) -> String {
    format!("/var/cache/apt/archives/{package}.deb")
}

fn purge(files: &Files, package: &str, leaves_leftovers: bool) -> Result<(), SandboxError> {
    if let Some(goods) = goods_of(package) {
        let mut processes: Vec<Process> = files.read_own(PROCESSES)?;
        processes.retain(|process| goods.process.is_none_or(|(_, exe)| process.exe.as_deref() != Some(exe)));
        files.write_own(PROCESSES, &processes)?;
        for path in goods.programs.iter().chain(goods.files).chain(goods.own_directories) {
            files.delete(path)?;
        }
        if !leaves_leftovers {
            for path in goods.data_directories {
                files.delete(path)?;
            }
        }
    }
    // Last: an installer that is cut off before this leaves a package that is still known.
    packages::drop(files, package)
}

fn install(files: &Files, package: &str) -> Result<(), SandboxError> {
    let goods = goods_of(package);
    if let Some(goods) = goods {
        bring(files, goods)?;
    }
    if WITH_SIGNATURES.contains(&package) {
        // What the product's updater would fetch: the MD5 sum of the harmless test file.
        files.write(SIGNATURES, b"44d88612fea8a8f36de82e1278abb02f:68:Planted.Test.EICAR\n")?;
    }
    if package == defender::PACKAGE {
        put_to_work(files, defender::SERVICE)?;
    }
    packages::put(files, package, goods.map_or("1.0-1", |goods| goods.version))?;
    files.delete(&archive(package))
}

impl HostHands for SandboxHands {
    fn fetch_packages(
        &mut self,
        _manager: PackageManager,
        packages: &[String],
        _run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.run(StepKind::FetchPackages, self.behaviour.fetch_ms, |files| {
            for package in packages {
                files.write(&archive(package), b"planted\n")?;
            }
            Ok(format!("Fetched {} packages\n", packages.len()))
        })
    }

    fn are_fetched(&mut self, _manager: PackageManager, packages: &[String]) -> Result<bool, HandsError> {
        for package in packages {
            let is_here = self.files.exists(&archive(package))
                || packages::has(&self.files, package).map_err(|error| faults::of_files(&error))?;
            if !is_here {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn remove_packages(
        &mut self,
        _manager: PackageManager,
        packages: &[String],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        if let Some(refused) = self.guard(run).map_err(|error| faults::of_files(&error))? {
            return Ok(refused);
        }
        let leaves = self.behaviour.leaves_leftovers;
        while !self.behaviour.remove_when.is_empty() && !self.files.exists(&self.behaviour.remove_when) {
            thread::sleep(GLANCE);
        }
        self.run(StepKind::RemovePackages, self.behaviour.remove_ms, |files| {
            let mut log = String::new();
            for package in packages {
                purge(files, package, leaves)?;
                log.push_str(&format!("Purging configuration files for {package} ...\n"));
            }
            Ok(log)
        })
    }

    fn install_packages(
        &mut self,
        _manager: PackageManager,
        packages: &[String],
        _run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.run(StepKind::InstallPackages, self.behaviour.install_ms, |files| {
            let mut log = String::new();
            for package in packages {
                install(files, package)?;
                log.push_str(&format!("Setting up {package} ...\n"));
            }
            Ok(log)
        })
    }

    fn repair_packages(&mut self, _manager: PackageManager, _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        self.run(StepKind::RepairPackages, 0, |files| {
            let finished = packages::finish(files)?;
            Ok(finished
                .iter()
                .map(|package| format!("Setting up {package} ...\n"))
                .collect())
        })
    }

    fn unfinished_packages(&mut self, _manager: PackageManager) -> Result<Vec<String>, HandsError> {
        packages::unfinished(&self.files).map_err(|error| faults::of_files(&error))
    }

    fn install_files(
        &mut self,
        _manager: PackageManager,
        package_files: &[PackageFile],
        _run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        self.run(StepKind::InstallArtifact, self.behaviour.install_ms, |files| {
            let mut log = String::new();
            for file in package_files {
                install(files, &file.package)?;
                log.push_str(&format!("Setting up {} ...\n", file.package));
            }
            Ok(log)
        })
    }

    fn delete_leftover(&mut self, path: &str) -> Result<(), HandsError> {
        tree::delete(self.files.root(), path).map(|_| ())
    }

    fn delete_group(&mut self, name: &str, _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        if leftovers::unused_group(self.files.root(), name)?.is_none() {
            return Ok(ToolRun {
                exit_code: Some(0),
                ..ToolRun::default()
            });
        }
        self.run(StepKind::SweepGroups, 0, |files| {
            accounts::drop_group(files, name).map(|()| String::new())
        })
    }

    fn remove_anchors(&mut self, anchors: &[Anchor], _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        for anchor in anchors {
            leftovers::delete_anchor(self.files.root(), anchor)?;
        }
        self.run(StepKind::SweepCertificates, 0, |files| {
            accounts::build_trust_store(files).map(|()| "Updating certificates in /etc/ssl/certs...\n".to_owned())
        })
    }

    fn detection_test(&mut self, product: &ProductId, _run: &mut Run<'_>) -> Result<Detection, HandsError> {
        let scanner = scanner_of(product.as_str());
        if !scanner.is_some_and(|program| self.files.exists(program)) {
            return Err(HandsError::Unsupported(format!("{product} has no scanner here")));
        }
        let works = self.behaviour.detection_works && self.files.exists(SIGNATURES);
        let mut named = None;
        let run = self.run(StepKind::DetectionTest, self.behaviour.test_ms, |_| {
            if works {
                named = Some("Planted.Test.EICAR".to_owned());
                Ok("test.com: Planted.Test.EICAR FOUND\n".to_owned())
            } else {
                Ok("test.com: OK\n".to_owned())
            }
        })?;
        Ok(Detection { run, named })
    }

    fn enable_service(&mut self, service: &str, _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let takes = self.behaviour.service_starts;
        self.run(StepKind::EnableService, 0, |files| {
            let unit = format!("/lib/systemd/system/{service}");
            if !files.exists(&unit) {
                return Ok(format!("Failed to enable unit: Unit file {service} does not exist.\n"));
            }
            let mut starts: BTreeMap<String, u32> = files.read_own(STARTS)?;
            let tries = starts.entry(service.to_owned()).or_default();
            *tries += 1;
            let is_up = takes != 0 && *tries >= takes;
            files.write_own(STARTS, &starts)?;
            if is_up {
                put_to_work(files, service)?;
            }
            Ok(format!("Started {service}.\n"))
        })
    }

    fn set_up(&mut self, product: &ProductId, state: SetUpState, _run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        if product.as_str() != defender::PRODUCT {
            return match state {
                // As on a real machine: what protects by itself is only waited for.
                SetUpState::Active => Ok(ToolRun {
                    exit_code: Some(0),
                    ..ToolRun::default()
                }),
                SetUpState::StandingBack | SetUpState::Onboarded => {
                    Err(HandsError::Unsupported(format!("nothing sets up {product} here")))
                }
            };
        }
        let never = self.behaviour.never_set_up;
        self.run(StepKind::SetUp, 0, |files| defender::set_up(files, state, never))
    }

    fn write_config(&mut self, path: &str, contents: &str, _mode: u32) -> Result<(), HandsError> {
        self.run(StepKind::WriteConfig, 0, |files| {
            files.write(path, contents.as_bytes())?;
            Ok(String::new())
        })
        .map(|_| ())
    }
    fn restart_waits_for(&mut self) -> Result<Option<String>, HandsError> {
        let waits = self.files.exists(PACKAGE_LOCK);
        Ok(waits.then(|| format!("somebody holds {PACKAGE_LOCK}")))
    }

    fn announce(&mut self, text: &str) -> Result<(), HandsError> {
        let console = || -> Result<(), SandboxError> {
            let mut told = if self.files.exists(CONSOLE) {
                self.files.read(CONSOLE)?
            } else {
                Vec::new()
            };
            told.extend(text.bytes().chain(*b"\n\n"));
            self.files.write(CONSOLE, &told)
        };
        console().map_err(|error| faults::of_files(&error))
    }

    fn restart(&mut self, _reason: &str) -> Result<(), HandsError> {
        let restarts = self.behaviour.restarts;
        self.run(StepKind::Restart, self.behaviour.restart_ms, |files| {
            if restarts {
                let before: String = files.read_own(BOOT_ID)?;
                files.write_own(BOOT_ID, &next_session(&before))?;
                // What lies there ends with the session.
                files.delete("/run/reboot-required")?;
                files.delete("/run/reboot-required.pkgs")?;
                if files.exists(UPTIME) {
                    files.write(UPTIME, b"2.00 1.00\n")?;
                }
            }
            Ok(String::new())
        })
        .map(|_| ())
    }

    fn kept_output(&mut self, _label: &str) -> Result<String, HandsError> {
        Ok(String::new())
    }

    fn scrub_logs(&mut self, _prefix: &str, _scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        Ok(())
    }

    fn alive(&mut self, _mark: &ProcessMark) -> bool {
        // Nothing is started here: a planted tool ends with its agent.
        false
    }

    fn stop(&mut self, _mark: &ProcessMark) {}
}

/// A kernel session's id that follows from the one before, in the form of a UUID.
fn next_session(before: &str) -> String {
    let digest = hex::encode(Sha256::digest(before.as_bytes()));
    format!(
        "{}-{}-4{}-8{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[13..16],
        &digest[17..20],
        &digest[20..32]
    )
}
