//! Where the packages of a replacement come from on one host, and the steps that bring and install them.

use cutover_proto::{
    artifact::ArtifactRef,
    ids::ProductId,
    inventory::PackageManager,
    step::{Action, Step},
};

use super::{Catalog, Install, Missing, Settings, Shelf, Source, shelf::Wanted};
use crate::{
    campaign::{Campaign, Mode},
    judge::Assessment,
    plan::{Phase, Plan},
    rollout::is_limited,
};

/// With what an order is made, beside what was seen of the host.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// Rules and recipes.
    pub catalog: &'a Catalog,
    /// What the campaign sets otherwise than the replacement's recipe.
    pub settings: &'a Settings,
    /// Where it wants the replacement's packages from, if it says so.
    pub source: Option<Source>,
    /// Whose the replacement has to be, if the campaign says so.
    pub tenant: Option<&'a str>,
    /// Package files that operators bound to products.
    pub shelf: &'a Shelf,
    /// Whether the replacement is shown a test file, where its recipe knows how.
    pub shows_test: bool,
}

/// What is to be installed on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Supply {
    /// By name, from the distribution.
    Packages(Vec<String>),
    /// Files, each by its hash.
    Files(Vec<ArtifactRef>),
}

impl Supply {
    /// What a host with this manager gets.
    pub(super) fn choose(
        product: &ProductId,
        install: &Install,
        manager: PackageManager,
        host: &Assessment,
        means: &Means<'_>,
    ) -> Result<Self, Box<Missing>> {
        match install.source(means.source) {
            Source::Distribution => Ok(Self::Packages(install.packages_for(manager).to_vec())),
            Source::Artifacts => means
                .shelf
                .files(&Wanted {
                    product,
                    packages: &install.artifacts,
                    manager,
                    host,
                })
                .map(Self::Files),
        }
    }

    /// Brings it to the host; changes nothing else.
    pub(super) fn fetch(&self, manager: PackageManager, install: &Install) -> Vec<Step> {
        let actions = match self {
            Self::Packages(packages) => vec![Action::FetchPackages {
                manager,
                packages: packages.clone(),
            }],
            Self::Files(files) => {
                let fetch = |artifact: &ArtifactRef| Action::FetchArtifact {
                    artifact: artifact.clone(),
                };
                files.iter().map(fetch).collect()
            }
        };
        let step = |action| Step {
            action,
            time_limit: install.fetch_time_limit,
            safe_point_after: true,
        };
        actions.into_iter().map(step).collect()
    }

    /// Installs it.
    pub(super) fn install(&self, manager: PackageManager, product: &ProductId) -> Action {
        match self {
            Self::Packages(packages) => Action::InstallPackages {
                manager,
                product: product.clone(),
                packages: packages.clone(),
            },
            Self::Files(artifacts) => Action::InstallArtifact {
                manager,
                product: product.clone(),
                artifacts: artifacts.clone(),
            },
        }
    }
}

/// Files that the next order of a plan will name as things stand, for a host that waits for its turn. A hint: the order is
/// made anew when it is issued, and nothing depends on what was fetched before.
#[must_use]
pub fn files_to_come(plan: &Plan, campaign: &Campaign, catalog: &Catalog, shelf: &Shelf) -> Vec<ArtifactRef> {
    let waits = matches!(plan.phase, Phase::Planned | Phase::Queued) && plan.order.is_none() && !plan.stale;
    // Who only looks fetches nothing either.
    // Over a line that is limited comes only what was counted, and that is orders.
    if !waits || campaign.mode == Mode::Observe || is_limited(plan, campaign) {
        return Vec::new();
    }
    let chosen = plan.assessment.as_ref().and_then(|it| {
        let product = &it.replacement.as_ref()?.product;
        let install = catalog.installation(product)?;
        let manager = it
            .managers
            .iter()
            .copied()
            .find(|manager| install.managers.contains(manager))?;
        let means = Means {
            catalog,
            settings: campaign.settings_of(product),
            source: campaign.source_of(product),
            tenant: campaign.tenant_of(product),
            shelf,
            // No file depends on it.
            shows_test: false,
        };
        let is_wanted = !it.is_protected_by_replacement() && !install.part_of_system;
        is_wanted.then(|| Supply::choose(product, install, manager, it, &means))
    });
    match chosen {
        Some(Ok(Supply::Files(files))) => files,
        Some(Ok(Supply::Packages(_)) | Err(_)) | None => Vec::new(),
    }
}
