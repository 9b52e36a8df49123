use cutover_proto::inventory::{DiskEncryption, OsFamily, PackageManager};

use super::plants::{clean, debian, fedora};
use crate::{detect::host_facts, facts::Answer, host::Fixture};

#[test]
fn a_debian_tells_its_facts() {
    let mut host = clean().with_file("/etc/machine-id", b"0123456789abcdef0123456789abcdef\n", 0);
    host.free_disk.insert("/usr".into(), Answer::Found(9_000 << 20));
    host.free_disk.insert("/var".into(), Answer::Found(5_000 << 20));
    let facts = host_facts(&host);
    assert_eq!(
        (facts.os_id.as_str(), facts.os_version.as_str(), facts.os_name.as_str()),
        ("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    );
    assert_eq!(
        (facts.hostname.as_str(), facts.architecture.as_str()),
        ("planted", "x86_64")
    );
    assert_eq!(facts.kernel, "6.1.0-28-amd64");
    assert_eq!(facts.package_managers, [PackageManager::Apt]);
    assert_eq!(
        facts.free_disk_mib,
        Some(4096),
        "a power of two, so that it stays the same"
    );
    assert_eq!(facts.restart_pending, Some(false));
    assert_eq!(facts.machine_id.len(), 32);
    assert!(
        !facts.machine_id.contains("0123456789abcdef"),
        "the id itself stays here"
    );
}

#[test]
fn a_linux_or_a_mac_tells_the_zone_to_which_it_is_set() {
    let zone = |host: &Fixture| host_facts(host).time_zone;
    let linked = clean().with_link("/etc/localtime", "/usr/share/zoneinfo/America/New_York");
    assert_eq!(zone(&linked), "America/New_York");
    let both = linked.with_file("/etc/timezone", b"Europe/Berlin\n", 0);
    assert_eq!(zone(&both), "America/New_York", "the link is what programs go by");
    let mut copied = clean()
        .with_file("/etc/localtime", b"TZif2", 0)
        .with_file("/etc/timezone", b"Europe/Berlin\n", 0);
    copied.links.insert(
        "/etc/localtime".into(),
        Answer::Failed("/etc/localtime is no link".into()),
    );
    assert_eq!(zone(&copied), "Europe/Berlin");
    assert_eq!(zone(&clean()), "", "a machine that says nothing");
    let mac = Fixture::bare(OsFamily::Macos, "a Mac");
    assert_eq!(zone(&mac), "");
    let mac = mac.with_link("/etc/localtime", "/var/db/timezone/zoneinfo/Asia/Kathmandu");
    assert_eq!(zone(&mac), "Asia/Kathmandu");
}

#[test]
fn only_managers_of_the_believed_database_are_told() {
    let fedora = host_facts(&fedora("fedora", &[]).with_file("/usr/bin/apt-get", b"x", 0));
    assert_eq!(fedora.package_managers, [PackageManager::Dnf, PackageManager::Yum]);
    assert_eq!(
        (fedora.os_id.as_str(), fedora.architecture.as_str()),
        ("fedora", "x86_64")
    );
    // dnf as a tool on a Debian has no package of this system.
    let debian = host_facts(
        &clean()
            .with_file("/usr/bin/dnf", b"x", 0)
            .with_file("/usr/bin/zypper", b"x", 0),
    );
    assert_eq!(debian.package_managers, [PackageManager::Apt]);
    let mut unread = super::plants::fedora("rpm fails", &[]);
    unread.tools.clear();
    assert!(host_facts(&unread).package_managers.is_empty());
}

#[test]
fn a_root_that_does_not_run_tells_what_its_files_tell() {
    let mut host = clean().with_file("/etc/hostname", b"offline\n", 0);
    host.kernel = Some(Answer::Unsupported);
    host.boot_id = Some(Answer::Unsupported);
    host.mounts = Some(Answer::Unsupported);
    host.processes = Some(Answer::Unsupported);
    let facts = host_facts(&host);
    assert_eq!(
        (facts.hostname.as_str(), facts.architecture.as_str()),
        ("offline", "x86_64")
    );
    assert_eq!(facts.kernel, "");
    assert_eq!(facts.restart_pending, None);
    assert_eq!(facts.encryption, DiskEncryption::Unknown);
}

const PLAIN: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
const MAPPED: &str = "22 1 254:0 / / rw - ext4 /dev/mapper/vg-root rw\n";
const IN_A_CHROOT: &str = "22 1 0:4 / /proc rw - proc proc rw\n";

fn encryption(host: &Fixture) -> DiskEncryption {
    host_facts(host).encryption
}

#[test]
fn encryption_is_told_by_devices_by_mounts_and_by_what_is_set_up() {
    let bare = || debian("disks", &[]);
    assert_eq!(encryption(&bare().with_mounts(PLAIN)), DiskEncryption::None);
    assert_eq!(encryption(&bare().with_mounts(MAPPED)), DiskEncryption::Unknown);
    assert_eq!(encryption(&bare().with_mounts(IN_A_CHROOT)), DiskEncryption::Unknown);
    let device = |uuid: &[u8]| {
        bare()
            .with_mounts(MAPPED)
            .with_directory("/sys/block/dm-0")
            .with_file("/sys/block/dm-0/dm/uuid", uuid, 0)
    };
    assert_eq!(encryption(&device(b"CRYPT-LUKS2-abc-root\n")), DiskEncryption::Other);
    assert_eq!(encryption(&device(b"LVM-abc\n")), DiskEncryption::None);
    let set_up = |text: &[u8]| bare().with_mounts(PLAIN).with_file("/etc/crypttab", text, 0);
    assert_eq!(encryption(&set_up(b"# <target>\n\n")), DiskEncryption::None);
    assert_eq!(
        encryption(&set_up(b"#\nroot UUID=1 none luks\n")),
        DiskEncryption::Other
    );
    let home = bare().with_mounts(&format!("{PLAIN}30 22 0:5 / /home/x rw - ecryptfs /home/.x rw\n"));
    assert_eq!(encryption(&home), DiskEncryption::Other);
}

#[test]
fn a_device_that_may_not_be_read_leaves_encryption_unknown() {
    let mut host = debian("disks", &[])
        .with_mounts(MAPPED)
        .with_directory("/sys/block/dm-0");
    host.files
        .insert("/sys/block/dm-0/dm/uuid".into(), Answer::Denied("no".into()));
    assert_eq!(encryption(&host), DiskEncryption::Unknown);
}

#[test]
fn another_system_tells_its_family() {
    let facts = host_facts(&Fixture::bare(OsFamily::Windows, "x"));
    assert_eq!((facts.os_family, facts.os_id.as_str()), (OsFamily::Windows, "windows"));
}

#[test]
fn a_machine_tells_by_which_imported_records_know_it() {
    let host = clean()
        .with_file("/sys/class/dmi/id/product_serial", b"PF-2X9  \n", 0)
        .with_file("/sys/class/dmi/id/product_uuid", b"4c4c4544-0042-3510-8054-b7c04f4e4d32\n", 0)
        .with_file(
            "/etc/hosts",
            b"127.0.0.1 localhost # planted.commented.example\n10.0.0.9 other.corp.example\n10.0.0.2 planted.corp.example planted\n",
            0,
        );
    let facts = host_facts(&host);
    assert_eq!(facts.serial, "PF-2X9");
    assert_eq!(facts.system_uuid, "4c4c4544-0042-3510-8054-b7c04f4e4d32");
    assert_eq!(facts.fqdn, "planted.corp.example");
}

#[test]
fn a_firmware_that_may_not_be_read_leaves_no_hint() {
    let mut host = clean();
    host.files.insert(
        "/sys/class/dmi/id/product_serial".into(),
        Answer::Denied("only root may".into()),
    );
    let facts = host_facts(&host);
    assert_eq!((facts.serial.as_str(), facts.system_uuid.as_str()), ("", ""));
    assert_eq!(facts.fqdn, "");
}
