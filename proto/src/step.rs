//! What an agent may be asked to do: a closed set, no free shell line.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    WireError,
    artifact::ArtifactRef,
    ids::ProductId,
    inventory::PackageManager,
    subject::{self, Subject},
    v1,
};

mod kind;

pub use kind::{Replay, StepKind};

/// A configuration file that a step writes is at most this long, in bytes.
pub const CONFIG_MAX: usize = 16 << 10;

/// A step with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// After which the step has failed.
    pub time_limit: Duration,
    /// Whether cancel and hold may act after it.
    pub safe_point_after: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// Downloads packages into the package manager's own cache.
    FetchPackages {
        /// With which.
        manager: PackageManager,
        /// By name; the host's own archive keys are trusted.
        packages: Vec<String>,
    },
    /// Purges packages, in this order.
    RemovePackages {
        /// With which.
        manager: PackageManager,
        /// The target that they belong to, by this host's own look.
        product: ProductId,
        /// In order of removal.
        packages: Vec<String>,
    },
    /// Installs packages.
    InstallPackages {
        /// With which.
        manager: PackageManager,
        /// The replacement that they make.
        product: ProductId,
        /// By name.
        packages: Vec<String>,
    },
    /// Deletes leftovers that the agent's own rules name.
    Sweep {
        /// Whose leftovers.
        product: ProductId,
        /// Absolute paths.
        paths: Vec<String>,
    },
    /// Demands that the replacement names a harmless test file.
    DetectionTest {
        /// The replacement.
        product: ProductId,
    },
    /// Restarts the machine.
    Restart {
        /// Shown to the user.
        reason: String,
        /// At least so long before it, whoever is logged in is told; zero: nobody is. Whole seconds.
        #[serde(default)]
        notice: Duration,
        /// For so long from when it became due, the user may put it off; zero: not at all. Whole seconds.
        #[serde(default)]
        defer: Duration,
    },
    /// Finishes what an installer began and did not end. Removes nothing, and installs nothing that was not begun.
    RepairPackages {
        /// Whose packages.
        manager: PackageManager,
    },
    /// Deletes local groups that the agent's own rules name.
    SweepGroups {
        /// Whose.
        product: ProductId,
        /// By exact name.
        groups: Vec<String>,
    },
    /// Takes certificates that the agent's own rules name out of the system's trust store.
    SweepCertificates {
        /// Whose.
        product: ProductId,
        /// By subject.
        subjects: Vec<Subject>,
    },
    /// Enables and starts services that the agent's own rules name.
    EnableService {
        /// The replacement.
        product: ProductId,
        /// With suffix, in order of their start.
        services: Vec<String>,
    },
    /// Writes a file whose path and lines the agent's own rules name.
    WriteConfig {
        /// The replacement.
        product: ProductId,
        /// Absolute.
        path: String,
        /// The whole file.
        contents: String,
        /// Permission bits.
        mode: u32,
    },
    /// Brings an artifact into the agent's cache.
    FetchArtifact {
        /// Which, and from where.
        artifact: ArtifactRef,
    },
    /// Installs package files from the cache, and nothing beside them.
    InstallArtifact {
        /// With which.
        manager: PackageManager,
        /// The replacement that they make.
        product: ProductId,
        /// All of them, in one run.
        artifacts: Vec<ArtifactRef>,
    },
}

impl Action {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::FetchPackages { .. } => StepKind::FetchPackages,
            Self::RemovePackages { .. } => StepKind::RemovePackages,
            Self::InstallPackages { .. } => StepKind::InstallPackages,
            Self::Sweep { .. } => StepKind::Sweep,
            Self::DetectionTest { .. } => StepKind::DetectionTest,
            Self::Restart { .. } => StepKind::Restart,
            Self::RepairPackages { .. } => StepKind::RepairPackages,
            Self::SweepGroups { .. } => StepKind::SweepGroups,
            Self::SweepCertificates { .. } => StepKind::SweepCertificates,
            Self::EnableService { .. } => StepKind::EnableService,
            Self::WriteConfig { .. } => StepKind::WriteConfig,
            Self::FetchArtifact { .. } => StepKind::FetchArtifact,
            Self::InstallArtifact { .. } => StepKind::InstallArtifact,
        }
    }

    /// One line for a person.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::FetchPackages { packages, .. } => format!("fetch {}", packages.join(" ")),
            Self::RemovePackages { packages, .. } => format!("remove {}", packages.join(" ")),
            Self::InstallPackages { packages, .. } => format!("install {}", packages.join(" ")),
            Self::Sweep { product, paths } => {
                format!("sweep {} leftovers of {product}", paths.len())
            }
            Self::DetectionTest { product } => format!("test that {product} detects"),
            Self::Restart { reason, .. } => format!("restart: {reason}"),
            Self::RepairPackages { .. } => "finish what an earlier installer left half done".to_owned(),
            Self::SweepGroups { groups, .. } => format!("delete groups {}", groups.join(" ")),
            Self::SweepCertificates { product, .. } => format!("sweep certificates of {product}"),
            Self::EnableService { services, .. } => format!("enable and start {}", services.join(" ")),
            Self::WriteConfig { path, .. } => format!("write {path}"),
            Self::FetchArtifact { artifact } => format!("fetch {}", artifact.file_name),
            Self::InstallArtifact { artifacts, .. } => {
                let names: Vec<&str> = artifacts.iter().map(|artifact| artifact.file_name.as_str()).collect();
                format!("install {}", names.join(" "))
            }
        }
    }
}

impl From<Step> for v1::Step {
    fn from(step: Step) -> Self {
        use v1::step::Action as Wire;
        let action = match step.action {
            Action::FetchPackages { manager, packages } => Wire::FetchPackages(v1::FetchPackages {
                manager: manager.number(),
                packages,
            }),
            Action::RemovePackages {
                manager,
                product,
                packages,
            } => Wire::RemovePackages(v1::RemovePackages {
                manager: manager.number(),
                product: product.to_string(),
                packages,
            }),
            Action::InstallPackages {
                manager,
                product,
                packages,
            } => Wire::InstallPackages(v1::InstallPackages {
                manager: manager.number(),
                product: product.to_string(),
                packages,
            }),
            Action::Sweep { product, paths } => Wire::Sweep(v1::Sweep {
                product: product.to_string(),
                paths,
            }),
            Action::DetectionTest { product } => Wire::DetectionTest(v1::DetectionTest {
                product: product.to_string(),
            }),
            Action::Restart { reason, notice, defer } => Wire::Restart(v1::Restart {
                reason,
                notice_seconds: whole_seconds(notice),
                defer_seconds: whole_seconds(defer),
            }),
            Action::RepairPackages { manager } => Wire::RepairPackages(v1::RepairPackages {
                manager: manager.number(),
            }),
            Action::SweepGroups { product, groups } => Wire::SweepGroups(v1::SweepGroups {
                product: product.to_string(),
                groups,
            }),
            Action::SweepCertificates { product, subjects } => Wire::SweepCertificates(v1::SweepCertificates {
                product: product.to_string(),
                subjects: subjects.into_iter().map(String::from).collect(),
            }),
            Action::EnableService { product, services } => Wire::EnableService(v1::EnableService {
                product: product.to_string(),
                services,
            }),
            Action::WriteConfig {
                product,
                path,
                contents,
                mode,
            } => Wire::WriteConfig(v1::WriteConfig {
                product: product.to_string(),
                path,
                contents,
                mode,
            }),
            Action::FetchArtifact { artifact } => Wire::FetchArtifact(artifact.into()),
            Action::InstallArtifact {
                manager,
                product,
                artifacts,
            } => Wire::InstallArtifact(v1::InstallArtifact {
                manager: manager.number(),
                product: product.to_string(),
                artifacts: artifacts.into_iter().map(Into::into).collect(),
            }),
        };
        Self {
            action: Some(action),
            time_limit_seconds: whole_seconds(step.time_limit),
            safe_point_after: step.safe_point_after,
        }
    }
}

impl TryFrom<v1::Step> for Step {
    type Error = WireError;
    fn try_from(wire: v1::Step) -> Result<Self, WireError> {
        use v1::step::Action as Wire;
        // A kind that a later server knows arrives here as no action at all.
        let action = match wire.action.ok_or(WireError::UnknownValue {
            field: "step",
            value: "a newer kind".into(),
        })? {
            Wire::FetchPackages(it) => Action::FetchPackages {
                manager: it.manager.try_into()?,
                packages: packages(it.packages)?,
            },
            Wire::RemovePackages(it) => Action::RemovePackages {
                manager: it.manager.try_into()?,
                product: product(it.product)?,
                packages: packages(it.packages)?,
            },
            Wire::InstallPackages(it) => Action::InstallPackages {
                manager: it.manager.try_into()?,
                product: product(it.product)?,
                packages: packages(it.packages)?,
            },
            Wire::Sweep(it) => Action::Sweep {
                product: product(it.product)?,
                paths: it.paths,
            },
            Wire::DetectionTest(it) => Action::DetectionTest {
                product: product(it.product)?,
            },
            Wire::Restart(it) => Action::Restart {
                reason: it.reason,
                notice: Duration::from_secs(it.notice_seconds.into()),
                defer: Duration::from_secs(it.defer_seconds.into()),
            },
            Wire::RepairPackages(it) => Action::RepairPackages {
                manager: it.manager.try_into()?,
            },
            Wire::SweepGroups(it) => Action::SweepGroups {
                product: product(it.product)?,
                groups: subject::groups(it.groups)?,
            },
            Wire::SweepCertificates(it) => Action::SweepCertificates {
                product: product(it.product)?,
                subjects: subject::subjects(&it.subjects)?,
            },
            Wire::EnableService(it) => Action::EnableService {
                product: product(it.product)?,
                services: services(it.services)?,
            },
            Wire::WriteConfig(it) => write_config(it)?,
            Wire::FetchArtifact(it) => Action::FetchArtifact {
                artifact: it.try_into()?,
            },
            Wire::InstallArtifact(it) => Action::InstallArtifact {
                manager: it.manager.try_into()?,
                product: product(it.product)?,
                artifacts: artifacts(it.artifacts)?,
            },
        };
        if wire.time_limit_seconds == 0 {
            return Err(WireError::Missing("step.time_limit_seconds"));
        }
        Ok(Self {
            action,
            time_limit: Duration::from_secs(wire.time_limit_seconds.into()),
            safe_point_after: wire.safe_point_after,
        })
    }
}

fn whole_seconds(length: Duration) -> u32 {
    u32::try_from(length.as_secs()).unwrap_or(u32::MAX)
}

fn product(name: String) -> Result<ProductId, WireError> {
    if name.is_empty() {
        Err(WireError::Missing("step.product"))
    } else {
        Ok(ProductId::new(name))
    }
}

/// What passes cannot be an option to a service manager. Which services may be started, the agent's rules say.
fn services(names: Vec<String>) -> Result<Vec<String>, WireError> {
    if names.is_empty() {
        return Err(WireError::Missing("step.services"));
    }
    match names
        .iter()
        .find(|name| name.starts_with('-') || !name.ends_with(".service"))
    {
        Some(bad) => Err(WireError::Invalid {
            field: "step.services",
            why: format!("`{bad}` is no name of a service"),
        }),
        None => Ok(names),
    }
}

/// Where and what may be written, the agent's rules say; here only what no file may be.
fn write_config(it: v1::WriteConfig) -> Result<Action, WireError> {
    let invalid = |field, why: String| WireError::Invalid { field, why };
    if it.contents.len() > CONFIG_MAX {
        let why = format!("is longer than {CONFIG_MAX} bytes");
        return Err(invalid("step.contents", why));
    }
    if it.mode & !0o755 != 0 {
        return Err(invalid("step.mode", format!("{:04o} is more than 0755", it.mode)));
    }
    Ok(Action::WriteConfig {
        product: product(it.product)?,
        path: it.path,
        contents: it.contents,
        mode: it.mode,
    })
}

fn artifacts(named: Vec<v1::ArtifactRef>) -> Result<Vec<ArtifactRef>, WireError> {
    if named.is_empty() {
        return Err(WireError::Missing("step.artifacts"));
    }
    named.into_iter().map(TryInto::try_into).collect()
}

/// Debian Policy 5.6.1 and rpm agree on this much: letters, digits and `+ - . _`, no leading `-`. What passes cannot be
/// an option to a package manager.
fn packages(names: Vec<String>) -> Result<Vec<String>, WireError> {
    if names.is_empty() {
        return Err(WireError::Missing("step.packages"));
    }
    let plain = |name: &&String| {
        name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.len() <= 128
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
    };
    match names.iter().find(|name| !plain(name)) {
        Some(bad) => Err(WireError::Invalid {
            field: "step.packages",
            why: format!("`{bad}` is no package name"),
        }),
        None => Ok(names),
    }
}
