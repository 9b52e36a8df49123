//! Makes the directory.

use std::{collections::BTreeMap, path::Path};

use cutover_proto::inventory::DiskEncryption;

use super::{
    accounts,
    files::{Files, SandboxError},
    packages,
    product::{Goods, TargetProduct},
    profile::Profile,
};
use crate::facts::{Kernel, Process};

pub(super) const BEHAVIOUR: &str = "behaviour.json";
pub(super) const PROCESSES: &str = "processes.json";
pub(super) const KERNEL: &str = "kernel.json";
pub(super) const BOOT_ID: &str = "boot-id.json";
pub(super) const FREE_DISK_MIB: &str = "free-disk-mib.json";
pub(super) const FAILURES: &str = "failures.json";
pub(super) const STARTS: &str = "starts.json";
/// What its installer was told, one removal a line; it asks for something only where it is planted so.
pub(crate) const HEARD: &str = "heard.json";

/// Plants a host into a directory, which is made when it is not there.
///
/// # Errors
/// When the profile is impossible, or a file cannot be written.
pub fn plant(root: &Path, profile: &Profile) -> Result<(), SandboxError> {
    let files = Files::new(root);
    plant_system(&files, profile)?;
    plant_disks(&files, profile.encryption)?;
    let mut processes = vec![Process {
        pid: 1,
        comm: "systemd".to_owned(),
        exe: Some("/usr/lib/systemd/systemd".to_owned()),
    }];
    for (pid, target) in (400_u32..).zip(&profile.targets) {
        let goods = target.goods();
        bring(&files, goods)?;
        for path in goods.data {
            files.write(path, b"planted: stands for the product's data\n")?;
        }
        packages::put(&files, goods.package, goods.version)?;
        if *target == TargetProduct::Kesl {
            accounts::plant_kesl(&files)?;
        }
        processes.extend(goods.process.map(|(comm, exe)| Process {
            pid,
            comm: comm.to_owned(),
            exe: Some(exe.to_owned()),
        }));
    }
    files.write_own(PROCESSES, &processes)?;
    files.write_own(BOOT_ID, &profile.boot_id)?;
    files.write_own(FREE_DISK_MIB, &profile.free_disk_mib)?;
    files.write_own(FAILURES, &0_u32)?;
    files.write_own(HEARD, &Vec::<String>::new())?;
    files.write_own(STARTS, &BTreeMap::<String, u32>::new())?;
    files.write_own(BEHAVIOUR, &profile.behaviour)
}

/// Writes what a package brings.
pub(super) fn bring(files: &Files, goods: &Goods) -> Result<(), SandboxError> {
    for path in goods.programs {
        files.write_program(path)?;
    }
    for path in goods.files {
        let unit = path.ends_with(".service");
        let text = if unit {
            format!(
                "[Unit]\nDescription=Planted {}\n\n[Service]\nExecStart={}\n\n[Install]\nWantedBy=multi-user.target\n",
                goods.package,
                goods.programs.first().copied().unwrap_or("/bin/true")
            )
        } else {
            "planted\n".to_owned()
        };
        files.write(path, text.as_bytes())?;
    }
    Ok(())
}

fn plant_system(files: &Files, profile: &Profile) -> Result<(), SandboxError> {
    files.write(
        "/etc/os-release",
        b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
          VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n",
    )?;
    files.write("/etc/hostname", format!("{}\n", profile.hostname).as_bytes())?;
    files.write("/etc/machine-id", format!("{}\n", profile.machine_id).as_bytes())?;
    for program in ["/usr/bin/apt-get", "/usr/bin/dpkg"] {
        files.write_program(program)?;
    }
    for directory in [
        "/run/systemd/system",
        "/sys/fs/cgroup/system.slice",
        "/var/lib/dpkg/updates",
        "/etc/systemd/system",
    ] {
        files.make_directory(directory)?;
    }
    if !profile.restart_wanted_by.is_empty() {
        files.write("/run/reboot-required", b"*** System restart required ***\n")?;
        let list: String = profile
            .restart_wanted_by
            .iter()
            .map(|name| format!("{name}\n"))
            .collect();
        files.write("/run/reboot-required.pkgs", list.as_bytes())?;
    }
    packages::found(files)?;
    accounts::found(files)?;
    files.write_own(
        KERNEL,
        &Kernel {
            hostname: profile.hostname.clone(),
            release: "6.1.0-28-amd64".to_owned(),
            machine: "x86_64".to_owned(),
        },
    )
}

fn plant_disks(files: &Files, encryption: DiskEncryption) -> Result<(), SandboxError> {
    match encryption {
        DiskEncryption::None => files.make_directory("/sys/block/vda"),
        DiskEncryption::Other => {
            files.make_directory("/sys/block/vda")?;
            files.write("/etc/crypttab", b"root /dev/vda2 none luks\n")
        }
        // Neither devices nor mounts can be looked at.
        DiskEncryption::Unknown => Ok(()),
        DiskEncryption::ByTarget => Err(SandboxError::Impossible("no target encrypts disks on Linux")),
    }
}
