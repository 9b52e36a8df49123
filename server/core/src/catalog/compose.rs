//! From recipes to the steps of one order.
//!
//! Where the replacement may stand beside the target it is fetched, installed, set up and proven first, so that no gap opens.
//! Where it may but for its last service, that one alone starts after the targets went. Where it may while it stands back, it is
//! made ready so, and takes over after the targets went.
//! What comes as files is fetched and installed in the same places as what comes from the distribution; what is a part of the
//! system is not fetched or installed at all.
//! Where it may not, it is fetched first, then the targets go, then it is installed. In both cases the targets leave in
//! the order of their ranks, and leftovers are swept last. Cancel and hold may act after any step except between the
//! removal of what protects and the proof of what protects instead. Where an installer left a package half done, that is
//! finished before anything else. What others remove stays where it is; ours is done around it where nothing blocks it.

use std::time::Duration;

use cutover_proto::{
    ids::ProductId,
    inventory::{OsFamily, PackageManager},
    rule::Rule,
    step::{Action, SetUpState, Step},
    subject::Subject,
};

use super::{Beside, Catalog, HandedOver, Install, Means, Missing, Rank, Removal, Remover, supply::Supply};
use crate::judge::{Assessment, TargetSeen};

/// A package's own script may start a service and wait for it; what was not unpacked may have to be fetched again.
const REPAIR_TIME: Duration = Duration::from_secs(15 * 60);
/// One small file.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// Why no order can be made for a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// Disks are encrypted by the target, or may be.
    #[error("the disks are, or may be, encrypted by the product that is to go; decrypt them first")]
    Encryption,
    /// No recipe.
    #[error("no recipe removes {0}; add one to the catalog")]
    NoRemoval(ProductId),
    /// A recipe that names who else removes it.
    #[error("{}", .0.text())]
    ByOthers(Box<HandedOver>),
    /// No recipe.
    #[error("no recipe installs {0}; add one to the catalog")]
    NoInstallation(ProductId),
    /// Nothing to work with.
    #[error("none of the package managers that the recipe for {0} can use is on the host")]
    NoManager(ProductId),
    /// Seen, but not as a package.
    #[error("{0} is there, but no package of its rule accounts for it; a person must remove it")]
    NotAPackage(ProductId),
    /// Files that nobody gave to the server.
    #[error("{}", .0.text())]
    Missing(Box<Missing>),
    /// A campaign's settings for it.
    #[error("{0} cannot be set up: {1}; change the campaign's settings")]
    Settings(ProductId, String),
    /// The host needs nothing.
    #[error("there is nothing to do on the host")]
    NothingToDo,
}

/// The steps that take a host from what was seen to the replacement alone.
///
/// # Errors
/// Why there are none. Disks that the target encrypts, or may, never get any.
pub fn compose(assessment: &Assessment, replacement: &ProductId, means: &Means<'_>) -> Result<Vec<Step>, ComposeError> {
    let catalog = means.catalog;
    if assessment.encryption_forbids() {
        return Err(ComposeError::Encryption);
    }
    let install = catalog
        .installation(replacement)
        .ok_or_else(|| ComposeError::NoInstallation(replacement.clone()))?;
    let removals = removals(assessment, catalog)?;
    if let Some(others) = handed_over(assessment, catalog) {
        let is_ours_done = removals.is_empty() && assessment.is_protected_by_replacement();
        if is_ours_done || !may_go_first(assessment, install, catalog) {
            return Err(ComposeError::ByOthers(Box::new(others)));
        }
    }
    let parts = Parts {
        assessment,
        replacement,
        install,
        rule: catalog
            .rules
            .get(replacement)
            .ok_or_else(|| ComposeError::NoInstallation(replacement.clone()))?,
        means,
    };
    let mut steps: Vec<Step> = repair(assessment).into_iter().collect();
    let repairs = steps.len();
    if assessment.is_protected_by_replacement() {
        // It was so at the last look, and another may be long ago.
        if !removals.is_empty() {
            steps.push(parts.proof());
        }
        steps.extend(removals.iter().map(|removal| removal.step(true)));
    } else if install.part_of_system {
        // It is there: what is left to do is to have it take over, and to see that it did.
        steps.extend(removed_first(&removals, catalog));
        steps.push(parts.proof());
    } else {
        let (manager, supply) = parts.supply()?;
        steps.extend(supply.fetch(manager, install));
        let put_in = |safe_point_after| Step {
            action: supply.install(manager, replacement),
            time_limit: install.time_limit,
            safe_point_after,
        };
        match install.beside {
            Beside::First => {
                steps.push(put_in(true));
                steps.extend(parts.write(true)?);
                steps.extend(parts.start(&install.services, true));
                steps.extend(parts.onboard(true));
                steps.push(parts.proof());
                steps.extend(removals.iter().map(|removal| removal.step(true)));
            }
            Beside::Passive => {
                steps.push(put_in(true));
                steps.extend(parts.write(true)?);
                steps.extend(parts.start(&install.services, true));
                let takes_over = |steps: &mut Vec<Step>| {
                    steps.push(parts.set_up(SetUpState::Active, !parts.shows_test()));
                    steps.extend(parts.test());
                };
                if removals.iter().any(|it| catalog.protects(&it.target.product)) {
                    steps.push(parts.set_up(SetUpState::StandingBack, true));
                    steps.extend(parts.onboard(true));
                    steps.extend(removed_first(&removals, catalog));
                    takes_over(&mut steps);
                } else {
                    // Nothing is left to stand back for: it protects as soon as it can, and what only manages goes after that.
                    steps.extend(parts.onboard(true));
                    takes_over(&mut steps);
                    steps.extend(removals.iter().map(|removal| removal.step(true)));
                }
            }
            Beside::Halfway => {
                steps.push(put_in(true));
                let (last, first) = install.services.split_last().unzip();
                steps.extend(parts.write(true)?);
                steps.extend(parts.start(first.unwrap_or_default(), true));
                steps.extend(parts.onboard(true));
                steps.extend(removed_first(&removals, catalog));
                steps.extend(parts.start(last.map(std::slice::from_ref).unwrap_or_default(), false));
                steps.push(parts.proof());
            }
            Beside::Never => {
                steps.extend(removed_first(&removals, catalog));
                steps.push(put_in(false));
                steps.extend(parts.write(false)?);
                steps.extend(parts.start(&install.services, false));
                steps.extend(parts.onboard(false));
                steps.push(parts.proof());
            }
        }
    }
    steps.extend(sweeps(assessment, &removals, catalog));
    if steps.len() == repairs {
        Err(ComposeError::NothingToDo)
    } else {
        Ok(steps)
    }
}

/// Comes first: what an installer left half done stands in the way of every other one. rpm keeps no such states, and Windows Installer goes back to
/// where it began.
fn repair(assessment: &Assessment) -> Option<Step> {
    let manager = assessment.managers.iter().copied().find(|manager| match manager {
        PackageManager::Apt => true,
        PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper | PackageManager::Msi => false,
    })?;
    assessment.packages_unfinished.then_some(Step {
        action: Action::RepairPackages { manager },
        time_limit: REPAIR_TIME,
        safe_point_after: true,
    })
}

struct Parts<'a> {
    assessment: &'a Assessment,
    replacement: &'a ProductId,
    install: &'a Install,
    rule: &'a Rule,
    means: &'a Means<'a>,
}

impl Parts<'_> {
    fn supply(&self) -> Result<(PackageManager, Supply), ComposeError> {
        let manager = manager(&self.install.managers, self.assessment, self.replacement)?;
        Supply::choose(self.replacement, self.install, manager, self.assessment, self.means)
            .map(|supply| (manager, supply))
            .map_err(ComposeError::Missing)
    }

    fn write(&self, safe_point_after: bool) -> Result<Vec<Step>, ComposeError> {
        let files = self
            .install
            .contents(self.rule, self.means.settings)
            .map_err(|why| ComposeError::Settings(self.replacement.clone(), why))?;
        let write = files.into_iter().map(|(config, contents)| Step {
            action: Action::WriteConfig {
                product: self.replacement.clone(),
                path: config.path.clone(),
                contents,
                mode: config.mode_bits().unwrap_or(0o600),
            },
            time_limit: WRITE_TIME,
            safe_point_after,
        });
        Ok(write.collect())
    }

    /// A step each: what the next service waits for, the one before brings.
    fn start(&self, services: &[String], safe_point_after: bool) -> Vec<Step> {
        services
            .iter()
            .map(|service| Step {
                action: Action::EnableService {
                    product: self.replacement.clone(),
                    services: vec![service.clone()],
                },
                time_limit: self.install.service_time_limit,
                safe_point_after,
            })
            .collect()
    }

    fn set_up(&self, state: SetUpState, safe_point_after: bool) -> Step {
        Step {
            action: Action::SetUp {
                product: self.replacement.clone(),
                state,
                tenant: match state {
                    // Another organisation's protects it, and nobody here.
                    SetUpState::Onboarded | SetUpState::Active => self.means.tenant.map(str::to_owned),
                    SetUpState::StandingBack => None,
                },
            },
            time_limit: self.install.set_up_time_limit,
            safe_point_after,
        }
    }

    fn onboard(&self, safe_point_after: bool) -> Option<Step> {
        let step = || self.set_up(SetUpState::Onboarded, safe_point_after);
        self.install.onboard.then(step)
    }

    /// What shows that it protects, before anything goes that did so far, and what ends a gap: a test file that it names, else a
    /// look that finds it protecting.
    fn proof(&self) -> Step {
        self.test().unwrap_or_else(|| self.set_up(SetUpState::Active, true))
    }

    fn shows_test(&self) -> bool {
        self.install.detection_test && self.means.shows_test
    }

    fn test(&self) -> Option<Step> {
        self.shows_test().then(|| Step {
            action: Action::DetectionTest {
                product: self.replacement.clone(),
            },
            time_limit: self.install.test_time_limit,
            safe_point_after: true,
        })
    }
}

struct TargetRemoval<'a> {
    target: &'a TargetSeen,
    removal: &'a Removal,
    manager: PackageManager,
}

impl TargetRemoval<'_> {
    fn step(&self, safe_point_after: bool) -> Step {
        Step {
            action: Action::RemovePackages {
                manager: self.manager,
                product: self.target.product.clone(),
                packages: self.target.packages.clone(),
            },
            time_limit: self.removal.time_limit,
            safe_point_after,
        }
    }
}

/// Removals before what protects instead: from the first that takes protection away on, nothing stops.
fn removed_first(removals: &[TargetRemoval<'_>], catalog: &Catalog) -> Vec<Step> {
    let mut in_gap = false;
    removals
        .iter()
        .map(|removal| {
            in_gap |= catalog.protects(&removal.target.product);
            removal.step(!in_gap)
        })
        .collect()
}

fn removals<'a>(assessment: &'a Assessment, catalog: &'a Catalog) -> Result<Vec<TargetRemoval<'a>>, ComposeError> {
    let mut removals = Vec::new();
    for target in ours(assessment, catalog) {
        let product = &target.product;
        let removal = catalog
            .removal(product)
            .ok_or_else(|| ComposeError::NoRemoval(product.clone()))?;
        if target.packages.is_empty() {
            return Err(ComposeError::NotAPackage(product.clone()));
        }
        removals.push(TargetRemoval {
            target,
            removal,
            manager: manager(&removal.managers, assessment, product)?,
        });
    }
    removals.sort_by_key(|it| it.removal.rank);
    Ok(removals)
}

/// Targets that the next order removes. Those that others remove are left to them, and so is what another system of the
/// organisation's needs to get at them: the agent of the product's own console goes after what that console removes.
pub(crate) fn ours<'a>(assessment: &'a Assessment, catalog: &Catalog) -> impl Iterator<Item = &'a TargetSeen> {
    let by = |target: &TargetSeen| catalog.handover(&target.product).map(|others| others.by);
    let is_console_needed = assessment
        .targets
        .iter()
        .any(|target| by(target) == Some(Remover::External));
    assessment.targets.iter().filter(move |target| {
        let removal = catalog.removal(&target.product);
        let is_agent = removal.is_some_and(|removal| removal.rank == Rank::Agent);
        by(target).is_none() && !(is_agent && is_console_needed)
    })
}

/// Whether ours may be done while what others remove is still there: two that protect never stand side by side unless the
/// replacement may.
fn may_go_first(assessment: &Assessment, install: &Install, catalog: &Catalog) -> bool {
    let others = assessment.targets.iter().map(|target| &target.product);
    let stays_and_protects = others
        .filter(|product| catalog.handover(product).is_some())
        .any(|product| catalog.protects(product));
    !stays_and_protects
        || assessment.is_protected_by_replacement()
        || match install.beside {
            Beside::First => true,
            Beside::Halfway | Beside::Passive | Beside::Never => false,
        }
}

/// Targets of the host that others remove; the first is told in full.
fn handed_over(assessment: &Assessment, catalog: &Catalog) -> Option<HandedOver> {
    let targets = assessment.targets.iter().map(|target| &target.product);
    let mut others = targets.filter_map(|product| Some((product, catalog.handover(product)?)));
    let (product, first) = others.next()?;
    Some(HandedOver {
        product: product.clone(),
        by: first.by,
        owner: first.owner,
        runbook: first.runbook.clone(),
        ends_when: first.ends_when.clone(),
        also: others.map(|(product, _)| product.clone()).collect(),
    })
}

/// Leftovers of what is removed, and of what others removed before.
fn sweeps(assessment: &Assessment, removals: &[TargetRemoval<'_>], catalog: &Catalog) -> Vec<Step> {
    let gone = removals.iter().map(|removal| &removal.target.product);
    let left = assessment.leftovers.iter().map(|leftover| &leftover.product);
    let mut products: Vec<&ProductId> = Vec::new();
    for product in gone.chain(left) {
        if !products.contains(&product) {
            products.push(product);
        }
    }
    products
        .into_iter()
        .filter_map(|product| Some((product, catalog.removal(product)?, catalog.rules.get(product)?)))
        .flat_map(|(product, removal, rule)| swept(product, removal, rule, assessment.os_family))
        .collect()
}

/// What a product leaves: files first, then what only names it.
fn swept(product: &ProductId, removal: &Removal, rule: &Rule, os: OsFamily) -> impl Iterator<Item = Step> {
    let paths: Vec<String> = rule
        .sweepable(os)
        .filter(|path| removal.sweep.iter().any(|it| it == path))
        .map(str::to_owned)
        .collect();
    let groups: Vec<String> = rule
        .sweepable_groups(os)
        .filter(|group| removal.sweep_groups.iter().any(|it| it == group))
        .map(str::to_owned)
        .collect();
    let subjects: Vec<Subject> = rule
        .sweepable_certificates(os)
        .filter(|subject| removal.sweep_certificates.contains(subject))
        .cloned()
        .collect();
    let product = || product.clone();
    let actions = [
        (!paths.is_empty()).then(|| Action::Sweep {
            product: product(),
            paths,
        }),
        (!groups.is_empty()).then(|| Action::SweepGroups {
            product: product(),
            groups,
        }),
        (!subjects.is_empty()).then(|| Action::SweepCertificates {
            product: product(),
            subjects,
        }),
    ];
    let time_limit = removal.sweep_time_limit;
    actions.into_iter().flatten().map(move |action| Step {
        action,
        time_limit,
        safe_point_after: true,
    })
}

fn manager(
    usable: &[PackageManager],
    assessment: &Assessment,
    product: &ProductId,
) -> Result<PackageManager, ComposeError> {
    assessment
        .managers
        .iter()
        .find(|manager| usable.contains(manager))
        .copied()
        .ok_or_else(|| ComposeError::NoManager(product.clone()))
}
