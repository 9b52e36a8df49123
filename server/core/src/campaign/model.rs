//! The campaign.

use cutover_proto::{
    ids::{CampaignId, ProductId},
    verdict::Protection,
    words,
};

use super::{
    DrainRule, Notice, Policy, Priority, Rate, Term,
    detection_tests::DetectionTests,
    readiness::ReadinessItem,
    selector::{Selector, Traits},
    timetable::{For, Site},
    waves::Wave,
};
use crate::{
    catalog::{Settings, Source},
    hours::{Blackout, Window},
};

words! {
    /// What the duty forbids. Only a ban on use makes use unlawful; pages must not say so otherwise.
    pub enum CampaignKind("campaign kind") {
        /// Using the product is forbidden.
        UseBan = "use-ban",
        /// Selling and updating it is; using what is installed is not.
        SaleAndUpdateBan = "sale-and-update-ban",
        /// Nobody is bound.
        Advice = "advice",
    }
}

words! {
    /// How much a campaign does by itself.
    pub enum Mode("mode") {
        /// Looks and plans; starts nothing.
        Observe = "observe",
        /// Starts hosts that a person let start.
        Approve = "approve",
        /// Starts hosts by itself.
        Automatic = "automatic",
    }
}

words! {
    /// Who set a milestone.
    pub enum Regime("regime") {
        /// A law or an authority's order.
        Legal = "legal",
        /// The vendor of what must go.
        Vendor = "vendor",
        /// The organisation itself.
        Company = "company",
    }
}

/// An instant of one regime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Milestone {
    /// For example `updates`.
    pub name: String,
    /// Whose.
    pub regime: Regime,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// What is not certain about it; empty where nothing is.
    pub note: String,
    /// Whether the replacement must be done by then. The earliest such milestone is the campaign's cutoff.
    pub cutoff: bool,
}

/// Which replacement a host gets. The first rule that fits decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacementRule {
    /// Which hosts it is for.
    pub hosts: Selector,
    /// The product.
    pub product: ProductId,
    /// Another approved product, for when the first breaks machines. Hosts that have either are done.
    pub second: Option<ProductId>,
    /// Whether hosts get the second one from here on.
    pub use_second: bool,
    /// Whose it has to be, in the vendor's words (organisation, customer or site id). Another's, or one that does not tell,
    /// is not healthy. `None`: anybody's.
    pub tenant: Option<String>,
    /// What is set otherwise than its recipe says.
    pub settings: Settings,
    /// Where its packages come from, where that is not left to the recipe.
    pub source: Option<Source>,
    /// How many bytes a host fetches for it, or for its second, where its packages come by name and nothing tells their sizes.
    pub download: Option<u64>,
}

/// Others who remove and install: a management system, or a team. Cutover issues no order then, and follows what they do by what
/// looks find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// What it is: `intune`, `configmgr`, the old product's console.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// How long it may take from when a host is queued.
    pub within: std::time::Duration,
}

impl ReplacementRule {
    /// What hosts get by it.
    #[must_use]
    pub fn effective(&self) -> &ProductId {
        self.second
            .as_ref()
            .filter(|_| self.use_second)
            .unwrap_or(&self.product)
    }

    /// What a host may have by it: what it gets, and the other.
    pub fn approved(&self) -> impl Iterator<Item = &ProductId> {
        let effective = self.effective();
        let others = [Some(&self.product), self.second.as_ref()];
        let others = others.into_iter().flatten().filter(move |it| *it != effective);
        std::iter::once(effective).chain(others)
    }
}

words! {
    /// What makes somebody report.
    pub enum DutyTrigger("trigger of a duty") {
        /// A target was found.
        TargetFound = "target-found",
        /// The campaign is done.
        CampaignDone = "campaign-done",
    }
}

/// A duty to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub on: DutyTrigger,
    /// To whom.
    pub to: String,
    /// Within which time; `None` where none is known.
    pub within: Option<Term>,
    /// Within which time after that a second report follows.
    pub follow_up: Option<Term>,
    /// What is not certain about it; empty where nothing is.
    pub note: String,
}

/// A rule that leaves hosts out of the duty's scope. A host of which is not known what a rule asks stays in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRule {
    /// Its name, as plans and pages give it.
    pub name: String,
    /// Why the duty does not reach them.
    pub why: String,
    /// Which hosts.
    pub hosts: Selector,
}

/// One duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its name in commands and rows.
    pub id: CampaignId,
    /// From 1; every version is kept. Given by the store.
    pub version: u32,
    /// For people.
    pub title: String,
    /// What it forbids.
    pub kind: CampaignKind,
    /// Whom and what it reaches, for people; empty where the file does not say it.
    pub scope: String,
    /// Why no day is given by which it must be done; empty where a milestone is the cutoff.
    pub no_cutoff: String,
    /// What must be reported to whom.
    pub duties: Vec<Duty>,
    /// What must go.
    pub targets: Vec<ProductId>,
    /// In order of time.
    pub milestones: Vec<Milestone>,
    /// What slack, forecast and standing are computed against when the cutoff has passed.
    pub recovery_target_ms: Option<i64>,
    /// How much it does by itself.
    pub mode: Mode,
    /// Who gets what.
    pub replacements: Vec<ReplacementRule>,
    /// Grades of protection that count besides `real-time`, which always does.
    pub accepted_grades: Vec<Protection>,
    /// Limits and times.
    pub policy: Policy,
    /// Who does the work, where it is not Cutover.
    pub executor: Option<External>,
    /// Which hosts the duty does not reach.
    pub out_of_scope: Vec<ScopeRule>,
    /// Who comes earlier in the queue, or later. The first that fits a host holds.
    pub priorities: Vec<Priority>,
    /// Where machines stand.
    pub sites: Vec<Site>,
    /// Hours in which work may start. A host for which there is none has no such limit.
    pub windows: Vec<For<Window>>,
    /// Times in which none may.
    pub blackouts: Vec<For<Blackout>>,
    /// In order: a host is in the first that takes it.
    pub waves: Vec<Wave>,
    /// What must be so before hosts are started without a person.
    pub readiness: Vec<ReadinessItem>,
    /// What whoever works at a machine is told before work begins there; `None`: nothing.
    pub notice: Option<Notice>,
    /// On which hosts a replacement is shown a test file, and who is told before.
    pub detection_tests: DetectionTests,
    /// Who drains which hosts before their orders. The first that fits a host does.
    pub drains: Vec<DrainRule>,
    /// The file that it was read from, exactly.
    pub source: String,
}

/// What holds where a campaign sets nothing.
static NO_SETTINGS: Settings = Settings::new();

impl Campaign {
    /// What it sets for a replacement. Rules that name the same one agree; the file is refused otherwise.
    #[must_use]
    pub fn settings_of(&self, product: &ProductId) -> &Settings {
        self.replacements
            .iter()
            .find(|rule| rule.product == *product)
            .map_or(&NO_SETTINGS, |rule| &rule.settings)
    }

    /// Whose a replacement has to be, where the campaign says so.
    #[must_use]
    pub fn tenant_of(&self, product: &ProductId) -> Option<&str> {
        let rule = self.replacements.iter().find(|rule| rule.product == *product)?;
        rule.tenant.as_deref()
    }

    /// Where it wants a replacement's packages from, if it says so. Rules that name the same one agree.
    #[must_use]
    pub fn source_of(&self, product: &ProductId) -> Option<Source> {
        let rule = self.replacements.iter().find(|rule| rule.product == *product);
        rule.and_then(|rule| rule.source)
    }

    /// How many bytes a host fetches for a replacement whose packages come by name, if the campaign says so.
    #[must_use]
    pub fn download_of(&self, product: &ProductId) -> Option<u64> {
        let mut rules = self.replacements.iter();
        let own = rules.find(|rule| rule.product == *product);
        let second = || {
            self.replacements
                .iter()
                .find(|rule| rule.second.as_ref() == Some(product))
        };
        own.or_else(second)?.download
    }

    /// What the line of a site may carry for this work, if that is limited.
    #[must_use]
    pub fn bandwidth_of_site(&self, site: &str) -> Option<Rate> {
        self.sites.iter().find(|it| it.name == site)?.bandwidth
    }

    /// Whether it limits what any line may carry.
    #[must_use]
    pub fn limits_lines(&self) -> bool {
        self.policy.bandwidth.is_some() || self.sites.iter().any(|site| site.bandwidth.is_some())
    }

    /// Every product that may take the targets' place, each once.
    #[must_use]
    pub fn approved(&self) -> Vec<&ProductId> {
        let mut products: Vec<&ProductId> = Vec::new();
        for product in self.replacements.iter().flat_map(ReplacementRule::approved) {
            if !products.contains(&product) {
                products.push(product);
            }
        }
        products
    }

    /// The rule that leaves a host out of scope, if one does.
    #[must_use]
    pub fn scope_rule_for(&self, host: &Traits<'_>) -> Option<&ScopeRule> {
        self.out_of_scope.iter().find(|rule| rule.hosts.fits(host))
    }

    /// Whether a grade of protection counts.
    #[must_use]
    pub fn accepts(&self, grade: Protection) -> bool {
        grade == Protection::RealTime || self.accepted_grades.contains(&grade)
    }

    /// The instant by which the duty wants the replacement done.
    #[must_use]
    pub fn cutoff_ms(&self) -> Option<i64> {
        self.milestones
            .iter()
            .filter(|milestone| milestone.cutoff)
            .map(|milestone| milestone.at_ms)
            .min()
    }

    /// What slack, lateness and standing are computed against: the recovery target where one is set, else the cutoff.
    #[must_use]
    pub fn target_ms(&self) -> Option<i64> {
        self.recovery_target_ms.or_else(|| self.cutoff_ms())
    }
}
