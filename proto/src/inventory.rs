//! What is stable about a host at a time: facts, sightings and protection.

use serde::{Deserialize, Serialize};

use crate::{
    WireError,
    ids::{HostId, ProductId},
    policy::PolicySeen,
    spelling::on_wire,
    v1,
    verdict::{Protection, Sighting},
    words,
};

words! {
    /// The three families of systems that agents run on.
    pub enum OsFamily("system family") {
        /// Any distribution.
        Linux = "linux",
        /// Client or server.
        Windows = "windows",
        /// macOS.
        Macos = "macos",
    }
}
on_wire!(OsFamily, "facts.os_family", v1::OsFamily { Linux, Windows, Macos });

words! {
    /// A package manager that steps can use.
    pub enum PackageManager("package manager") {
        /// apt over dpkg.
        Apt = "apt",
        /// dnf over rpm.
        Dnf = "dnf",
        /// yum over rpm.
        Yum = "yum",
        /// zypper over rpm.
        Zypper = "zypper",
        /// Windows Installer; its packages are products, by their codes.
        Msi = "msi",
    }
}
on_wire!(
    PackageManager,
    "package manager",
    v1::PackageManager {
        Apt,
        Dnf,
        Yum,
        Zypper,
        Msi
    }
);

words! {
    /// Who encrypts the disks. The product that is to go may hold the keys: then nothing is touched.
    pub enum DiskEncryption("disk encryption") {
        /// Looked, and there is none.
        None = "none",
        /// Another means holds the keys.
        Other = "other",
        /// The target product holds the keys.
        ByTarget = "by-target",
        /// Could not be told.
        Unknown = "unknown",
    }
}
on_wire!(
    DiskEncryption,
    "facts.encryption",
    v1::DiskEncryption {
        None,
        Other,
        ByTarget,
        Unknown
    }
);

words! {
    /// What a machine does for others: a reason for care with it.
    pub enum HostRole("role of a host") {
        /// Of Active Directory, or a Samba that stands for it.
        DomainController = "domain-controller",
        /// Of a cluster that moves services between machines.
        ClusterMember = "cluster-member",
        /// Microsoft Exchange.
        Exchange = "exchange",
        /// Of any vendor that is known here.
        Database = "database",
        /// Runs other machines.
        Hypervisor = "hypervisor",
    }
}
on_wire!(
    HostRole,
    "facts.roles",
    v1::HostRole {
        DomainController,
        ClusterMember,
        Exchange,
        Database,
        Hypervisor
    }
);

/// What a machine says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The machine's own name; a label, never an identity.
    pub hostname: String,
    /// Family.
    pub os_family: OsFamily,
    /// os-release ID, `windows` or `macos`.
    pub os_id: String,
    /// For example `12`.
    pub os_version: String,
    /// For people.
    pub os_name: String,
    /// For example `x86_64`.
    pub architecture: String,
    /// Kernel release; empty where a look at a directory cannot tell.
    pub kernel: String,
    /// A hint only: clones share it.
    pub machine_id: String,
    /// What steps may use here.
    pub package_managers: Vec<PackageManager>,
    /// Who encrypts.
    pub encryption: DiskEncryption,
    /// A restart that something else already waits for; `None` when it could not be told.
    pub restart_pending: Option<bool>,
    /// Free space where packages go, MiB; `None` when it could not be told. A bracket, so that it stays stable.
    pub free_disk_mib: Option<u64>,
    /// What waits for that restart: names of packages, or a sign in words. Empty where nothing says so. Where it could not
    /// be told: why.
    #[serde(default)]
    pub restart_reasons: Vec<String>,
    /// Serial number, as the firmware has it: a hint by which imported records are matched. Empty where it cannot be read.
    #[serde(default)]
    pub serial: String,
    /// UUID of the system, as the firmware has it; the same.
    #[serde(default)]
    pub system_uuid: String,
    /// The machine's full name; empty where it knows none.
    #[serde(default)]
    pub fqdn: String,
    /// What says who encrypts, or why it could not be told.
    #[serde(default)]
    pub encryption_reasons: Vec<String>,
    /// What it does for others.
    #[serde(default)]
    pub roles: Vec<HostRole>,
    /// Whether every role was looked for. Without it, one that is not named is unknown.
    #[serde(default)]
    pub roles_told: bool,
    /// Whether it has a battery; `None` when it could not be told.
    #[serde(default)]
    pub has_battery: Option<bool>,
    /// Whether it belongs to a domain of Active Directory; `None` when it could not be told.
    #[serde(default)]
    pub domain_joined: Option<bool>,
    /// Its time zone as the system is set up, by its IANA name. Empty where it could not be told. Whether the database that
    /// is used knows that name is another question.
    #[serde(default)]
    pub time_zone: String,
    /// What an organisation may have set against a part of the system. One that is not named was not looked for.
    #[serde(default)]
    pub policies: Vec<PolicySeen>,
}

/// A look's result as it is signed and sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Whose; nil before enrolment (a plain `scan`).
    pub host_id: HostId,
    /// When, by the host's clock, in milliseconds since the epoch.
    pub taken_at_ms: i64,
    /// The kernel session.
    pub boot_id: String,
    /// Revision of the rules that judged.
    pub rules_revision: u64,
    /// What the machine says of itself.
    pub facts: HostFacts,
    /// Every product of the rules for this system, the absent ones too.
    pub sightings: Vec<Sighting>,
    /// How the machine is protected.
    pub protection: Protection,
}

impl Inventory {
    /// The sighting of a product, if the rules looked for it.
    #[must_use]
    pub fn sighting(&self, product: &ProductId) -> Option<&Sighting> {
        self.sightings.iter().find(|sighting| sighting.product == *product)
    }

    /// Whether the two say the same, the time of the look aside. What decides whether an inventory is sent anew.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        Self {
            taken_at_ms: other.taken_at_ms,
            ..self.clone()
        } == *other
    }
}

impl From<HostFacts> for v1::HostFacts {
    fn from(facts: HostFacts) -> Self {
        Self {
            hostname: facts.hostname,
            os_family: facts.os_family.number(),
            os_id: facts.os_id,
            os_version: facts.os_version,
            os_name: facts.os_name,
            architecture: facts.architecture,
            kernel: facts.kernel,
            machine_id: facts.machine_id,
            package_managers: facts.package_managers.into_iter().map(PackageManager::number).collect(),
            encryption: facts.encryption.number(),
            restart_pending: facts.restart_pending,
            free_disk_mib: facts.free_disk_mib,
            restart_reasons: facts.restart_reasons,
            serial: facts.serial,
            system_uuid: facts.system_uuid,
            fqdn: facts.fqdn,
            encryption_reasons: facts.encryption_reasons,
            roles: facts.roles.into_iter().map(HostRole::number).collect(),
            roles_told: facts.roles_told,
            has_battery: facts.has_battery,
            domain_joined: facts.domain_joined,
            time_zone: facts.time_zone,
            policies: facts.policies.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::HostFacts> for HostFacts {
    type Error = WireError;
    fn try_from(wire: v1::HostFacts) -> Result<Self, WireError> {
        Ok(Self {
            hostname: wire.hostname,
            os_family: wire.os_family.try_into()?,
            os_id: wire.os_id,
            os_version: wire.os_version,
            os_name: wire.os_name,
            architecture: wire.architecture,
            kernel: wire.kernel,
            machine_id: wire.machine_id,
            package_managers: wire
                .package_managers
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            encryption: wire.encryption.try_into()?,
            restart_pending: wire.restart_pending,
            free_disk_mib: wire.free_disk_mib,
            restart_reasons: wire.restart_reasons,
            serial: wire.serial,
            system_uuid: wire.system_uuid,
            fqdn: wire.fqdn,
            encryption_reasons: wire.encryption_reasons,
            roles: wire
                .roles
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            roles_told: wire.roles_told,
            has_battery: wire.has_battery,
            domain_joined: wire.domain_joined,
            time_zone: wire.time_zone,
            policies: wire
                .policies
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<Inventory> for v1::Inventory {
    fn from(inventory: Inventory) -> Self {
        Self {
            host_id: inventory.host_id.to_string(),
            taken_at_ms: inventory.taken_at_ms,
            boot_id: inventory.boot_id,
            rules_revision: inventory.rules_revision,
            facts: Some(inventory.facts.into()),
            sightings: inventory.sightings.into_iter().map(Into::into).collect(),
            protection: inventory.protection.number(),
        }
    }
}

impl TryFrom<v1::Inventory> for Inventory {
    type Error = WireError;
    fn try_from(wire: v1::Inventory) -> Result<Self, WireError> {
        Ok(Self {
            host_id: wire.host_id.parse()?,
            taken_at_ms: wire.taken_at_ms,
            boot_id: wire.boot_id,
            rules_revision: wire.rules_revision,
            facts: wire.facts.ok_or(WireError::Missing("inventory.facts"))?.try_into()?,
            sightings: wire
                .sightings
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            protection: wire.protection.try_into()?,
        })
    }
}
