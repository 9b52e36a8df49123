//! Steps on the wire, there and back.

use std::time::Duration;

use super::{
    Action, Step,
    checks::{artifacts, packages, product, services, write_config},
};
use crate::{WireError, subject, v1};

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
            Action::SetUp { product, state, tenant } => Wire::SetUp(v1::SetUp {
                product: product.to_string(),
                state: state.number(),
                tenant: tenant.unwrap_or_default(),
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
            Wire::FetchPackages(it) => {
                let manager = it.manager.try_into()?;
                Action::FetchPackages {
                    manager,
                    packages: packages(it.packages, manager)?,
                }
            }
            Wire::RemovePackages(it) => {
                let manager = it.manager.try_into()?;
                Action::RemovePackages {
                    manager,
                    product: product(it.product)?,
                    packages: packages(it.packages, manager)?,
                }
            }
            Wire::InstallPackages(it) => {
                let manager = it.manager.try_into()?;
                Action::InstallPackages {
                    manager,
                    product: product(it.product)?,
                    packages: packages(it.packages, manager)?,
                }
            }
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
            Wire::SetUp(it) => Action::SetUp {
                product: product(it.product)?,
                state: it.state.try_into()?,
                tenant: Some(it.tenant).filter(|tenant| !tenant.is_empty()),
            },
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
