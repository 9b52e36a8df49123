//! Roles, domains and disks as the whole look tells them.

use cutover_proto::inventory::{DiskEncryption, HostRole};

use super::{
    plants::{clean, looked},
    windows_plants::{kes, laptop, server},
};
use crate::{
    detect::host_facts,
    facts::{Answer, Question, Reply},
    host::Fixture,
};

fn roles(host: &Fixture) -> (Vec<HostRole>, bool) {
    let facts = looked(host).facts;
    (facts.roles, facts.roles_told)
}

#[test]
fn roles_of_windows_are_known_by_its_services() {
    assert_eq!(roles(&laptop("windows laptop")), (Vec::new(), true));
    assert_eq!(
        roles(&server("windows server with a database")),
        (vec![HostRole::Database], true)
    );
    let all = server("windows server that does everything")
        .with_service("NTDS", r"C:\Windows\System32\lsass.exe", true)
        .with_service("ClusSvc", r"C:\Windows\Cluster\clussvc.exe", true)
        .with_service("MSExchangeIS", r"C:\Exchange\store.exe", false)
        .with_service("vmms", r"C:\Windows\System32\vmms.exe", true);
    assert_eq!(roles(&all).0, HostRole::ALL);
    // The feature is there, and the machine is in no cluster.
    let idle = laptop("windows with the feature alone")
        .with_service("ClusSvc", r"C:\Windows\Cluster\clussvc.exe", false)
        .with_driver("MySQLFilter", r"C:\x.sys", true);
    assert_eq!(roles(&idle), (Vec::new(), true));
}

#[test]
fn roles_of_linux_are_known_by_what_runs() {
    assert_eq!(roles(&clean()), (Vec::new(), true));
    let all = clean()
        .with_process(50, "samba: root pro", Some("/usr/sbin/samba"))
        .with_process(51, "corosync", Some("/usr/sbin/corosync"))
        .with_process(52, "postgres", Some("/usr/lib/postgresql/15/bin/postgres"))
        .with_process(53, "qemu-system-x86", Some("/usr/bin/qemu-system-x86_64"));
    let expected = [
        HostRole::DomainController,
        HostRole::ClusterMember,
        HostRole::Database,
        HostRole::Hypervisor,
    ];
    assert_eq!(roles(&all), (expected.to_vec(), true));
    let files = clean().with_process(50, "smbd", Some("/usr/sbin/smbd"));
    assert_eq!(roles(&files), (Vec::new(), true));
}

#[test]
fn roles_that_could_not_be_looked_for_are_unknown_and_not_absent() {
    let mut linux = clean();
    linux.processes = Some(Answer::Denied("not yours".into()));
    assert_eq!(roles(&linux), (Vec::new(), false));
    let windows = laptop("windows that denies").with_no_reply(&Question::Services, Answer::Denied("not yours".into()));
    assert_eq!(roles(&windows), (Vec::new(), false));
}

#[test]
fn a_windows_tells_whether_it_belongs_to_a_domain() {
    let joined = |joined| laptop("windows").with_reply(&Question::DomainJoin, Reply::DomainJoin(joined));
    assert_eq!(host_facts(&joined(true)).domain_joined, Some(true));
    assert_eq!(host_facts(&joined(false)).domain_joined, Some(false));
    let failed = joined(true).with_no_reply(&Question::DomainJoin, Answer::Failed("it does not say".into()));
    assert_eq!(host_facts(&failed).domain_joined, None);
    assert_eq!(host_facts(&clean()).domain_joined, None);
}

#[test]
fn plain_disks_are_nobodys_until_a_product_that_may_encrypt_them_is_there() {
    assert_eq!(looked(&laptop("windows laptop")).facts.encryption, DiskEncryption::None);
    let facts = looked(&kes("windows, kes")).facts;
    assert_eq!(facts.encryption, DiskEncryption::Unknown);
    assert!(
        facts
            .encryption_reasons
            .iter()
            .any(|why| why.contains("Kaspersky Endpoint Security")),
        "{:?}",
        facts.encryption_reasons
    );
    // Before any look at products nothing is known.
    assert_eq!(
        host_facts(&laptop("windows laptop")).encryption,
        DiskEncryption::Unknown
    );
}
