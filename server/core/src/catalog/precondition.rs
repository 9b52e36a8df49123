//! What a recipe asks of a machine before its work: typed conditions over what a look tells. Every look judges them anew.

use std::collections::BTreeSet;

use cutover_proto::{
    ids::ProductId,
    inventory::{HostRole, Inventory, OsFamily},
    policy::{Policy, PolicyState},
    rule::{Role, Rule},
    verdict::Verdict,
    words,
};
use serde::{Deserialize, Serialize};

use crate::{campaign::VersionRange, plan::Owner};

/// A condition: the closed set of what recipes can ask. What the product that must go encrypts is in none of them: that blocks
/// whatever a recipe says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// So much free room where packages go, MiB.
    FreeMib(u64),
    /// One of these versions of the system.
    OsVersion(Vec<VersionRange>),
    /// One of these architectures, in the kernel's words.
    Architecture(Vec<String>),
    /// One of these versions of the product itself; for removals.
    Version(Vec<VersionRange>),
    /// None of these products on the machine, not even leftovers of them.
    Absent(Vec<ProductId>),
    /// None of these roles.
    WithoutRole(Vec<HostRole>),
    /// A replacement that is a part of the system: it is there.
    There,
    /// The same: on servers, where nothing switches it by itself, it is at work, be it that it leaves the work to another.
    AtWorkOnServers,
    /// None of these policies, whoever set them.
    WithoutPolicy(Vec<Policy>),
    /// None of these policies, unless on the machine alone: what is set there by nobody who sets it again our hands take away.
    WithoutForeignPolicy(Vec<Policy>),
}

words! {
    /// What becomes of a machine of which is not known whether a condition holds.
    pub enum Unknown("answer to an unknown") {
        /// It waits until a look tells.
        Blocks = "blocks",
        /// Work goes on: the recipe says why nothing is lost by that.
        GoesOn = "goes-on",
    }
}

/// What must hold before a recipe's work begins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precondition {
    /// Its name within the recipe.
    pub name: String,
    /// The condition.
    pub needs: Needs,
    /// What is so where it does not hold, in words.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
    /// Who does.
    #[serde(default = "helpdesk")]
    pub owner: Owner,
    /// What becomes of a machine of which it is not known.
    #[serde(default = "blocks")]
    pub unknown: Unknown,
    /// Why work may go on where it is not known.
    #[serde(default)]
    pub unknown_why: String,
}

const fn helpdesk() -> Owner {
    Owner::Helpdesk
}

const fn blocks() -> Unknown {
    Unknown::Blocks
}

/// Whether a condition holds on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Holds,
    /// It does not; what was seen.
    Fails(String),
    /// Nobody knows; what was not told.
    NotKnown(String),
}

/// A precondition that was not seen to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmet {
    /// Whose recipe asks.
    pub product: ProductId,
    /// Its name there.
    pub name: String,
    /// What was seen; where it is not known, what was not told.
    pub seen: String,
    /// Whether it is only not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unknown: bool,
    /// The recipe's words for what is so.
    pub reason: String,
    /// The recipe's words for what to do.
    pub remedy: String,
    /// Who does.
    pub owner: Owner,
}

impl Unmet {
    /// What is so.
    #[must_use]
    pub fn text(&self) -> String {
        if self.is_unknown {
            format!(
                "not known: {}; the recipe of {} asks for it ({})",
                self.seen, self.product, self.name
            )
        } else {
            format!("{}: {}", self.reason, self.seen)
        }
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> String {
        if self.is_unknown {
            format!(
                "see why the look does not tell it; where it does not hold: {}",
                self.remedy
            )
        } else {
            self.remedy.clone()
        }
    }
}

impl Precondition {
    /// What stands against work by it on a machine; `None` where it holds, or where it is not known and work goes on.
    #[must_use]
    pub fn unmet(&self, product: &ProductId, inventory: &Inventory) -> Option<Unmet> {
        let (seen, is_unknown) = match self.outcome(product, inventory) {
            Outcome::Holds => return None,
            Outcome::NotKnown(_) if self.unknown == Unknown::GoesOn => return None,
            Outcome::NotKnown(what) => (what, true),
            Outcome::Fails(seen) => (seen, false),
        };
        Some(Unmet {
            product: product.clone(),
            name: self.name.clone(),
            seen,
            is_unknown,
            reason: self.reason.clone(),
            remedy: self.remedy.clone(),
            owner: self.owner,
        })
    }

    fn outcome(&self, product: &ProductId, inventory: &Inventory) -> Outcome {
        let facts = &inventory.facts;
        match &self.needs {
            Needs::FreeMib(need) => match facts.free_disk_mib {
                None => Outcome::NotKnown("free room where packages go".to_owned()),
                Some(free) if free < *need => Outcome::Fails(format!("{free} MiB are free, {need} MiB are needed")),
                Some(_) => Outcome::Holds,
            },
            Needs::OsVersion(ranges) => in_any(ranges, Some(&facts.os_version), "the version of the system"),
            Needs::Architecture(any) => match facts.architecture.as_str() {
                "" => Outcome::NotKnown("the machine's architecture".to_owned()),
                its if any.iter().any(|it| it == its) => Outcome::Holds,
                its => Outcome::Fails(format!("it is {its}, and {} would do", any.join(" or "))),
            },
            Needs::Version(ranges) => {
                let version = inventory.sighting(product).and_then(|it| it.version.as_ref());
                in_any(ranges, version, &format!("the version of {product}"))
            }
            Needs::Absent(products) => absent(products, inventory),
            Needs::WithoutRole(roles) => match roles.iter().find(|role| facts.roles.contains(role)) {
                Some(role) => Outcome::Fails(format!("it is a {role}")),
                None if facts.roles_told => Outcome::Holds,
                None => Outcome::NotKnown("what the machine does for others".to_owned()),
            },
            Needs::There => there(product, inventory, &[Verdict::Installed, Verdict::Running]),
            Needs::AtWorkOnServers => match is_server(inventory) {
                Some(false) => Outcome::Holds,
                Some(true) => there(product, inventory, &[Verdict::Running]),
                None => Outcome::NotKnown("whether the machine is a server".to_owned()),
            },
            Needs::WithoutPolicy(policies) => without(policies, inventory, &[PolicyState::Local, PolicyState::Foreign]),
            Needs::WithoutForeignPolicy(policies) => without(policies, inventory, &[PolicyState::Foreign]),
        }
    }

    /// What of it does not make sense, in words. `rule_of` gives the rules that there are.
    fn check(
        &self,
        is_removal: bool,
        product: &ProductId,
        rule_of: &impl Fn(&str) -> Option<Rule>,
    ) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err("its name is not made of lower-case letters, digits and `-`".to_owned());
        }
        for (key, text) in [("reason", &self.reason), ("remedy", &self.remedy)] {
            if text.trim().is_empty() {
                return Err(format!("`{key}` is empty; a host that is blocked by it must say more"));
            }
        }
        match (self.unknown, self.unknown_why.trim().is_empty()) {
            (Unknown::GoesOn, true) => {
                return Err("work goes on where it is not known; say in `unknown_why` why nothing is lost".to_owned());
            }
            (Unknown::Blocks, false) => {
                return Err("`unknown_why` is for unknown = \"goes-on\"; leave it out".to_owned());
            }
            (Unknown::GoesOn, false) | (Unknown::Blocks, true) => {}
        }
        match &self.needs {
            Needs::FreeMib(0) => Err("free-mib is 0, which always holds; leave the condition out".to_owned()),
            Needs::OsVersion(ranges) | Needs::Version(ranges) if ranges.is_empty() => {
                Err("it names no version, so no machine would do; name one or leave the condition out".to_owned())
            }
            Needs::Version(_) if !is_removal => {
                Err("version is of what is there, and this product is not yet; it goes with [remove]".to_owned())
            }
            Needs::Architecture(any) if any.is_empty() || any.iter().any(|it| it.trim().is_empty()) => {
                Err("architecture names none; name one or leave the condition out".to_owned())
            }
            Needs::WithoutRole(roles) if roles.is_empty() => {
                Err("without-role names none; name one or leave the condition out".to_owned())
            }
            Needs::There | Needs::AtWorkOnServers if is_removal => {
                Err("it is of a replacement that is a part of the system; it goes with [install]".to_owned())
            }
            Needs::WithoutPolicy(policies) | Needs::WithoutForeignPolicy(policies) if policies.is_empty() => {
                Err("it names no policy; name one or leave the condition out".to_owned())
            }
            Needs::Absent(products) => check_absent(products, product, rule_of),
            Needs::There
            | Needs::AtWorkOnServers
            | Needs::WithoutPolicy(_)
            | Needs::WithoutForeignPolicy(_)
            | Needs::FreeMib(_)
            | Needs::OsVersion(_)
            | Needs::Version(_)
            | Needs::Architecture(_)
            | Needs::WithoutRole(_) => Ok(()),
        }
    }

    /// What `catalog check` prints of it; `None` where what is not known blocks.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let goes_on = self.unknown == Unknown::GoesOn;
        goes_on.then(|| {
            format!(
                "precondition {}: where it is not known, work goes on: {}",
                self.name, self.unknown_why
            )
        })
    }
}

fn in_any(ranges: &[VersionRange], version: Option<&String>, what: &str) -> Outcome {
    let Some(version) = version.filter(|version| VersionRange::can_judge(version)) else {
        return Outcome::NotKnown(what.to_owned());
    };
    if ranges.iter().any(|range| range.holds(version)) {
        return Outcome::Holds;
    }
    let would_do: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    Outcome::Fails(format!("{what} is {version}, and {} would do", would_do.join(" or ")))
}

fn absent(products: &[ProductId], inventory: &Inventory) -> Outcome {
    let mut not_known = None;
    for product in products {
        match inventory.sighting(product).map(|it| it.verdict) {
            Some(Verdict::Absent) => {}
            Some(verdict @ (Verdict::Installed | Verdict::Running | Verdict::Remnant | Verdict::Embedded)) => {
                return Outcome::Fails(format!("{product} is {verdict}"));
            }
            Some(Verdict::Unknown) | None => not_known = not_known.or(Some(product)),
        }
    }
    not_known.map_or(Outcome::Holds, |product| {
        Outcome::NotKnown(format!("whether {product} is there"))
    })
}

/// Whether a look found the product so.
fn there(product: &ProductId, inventory: &Inventory, as_it_should_be: &[Verdict]) -> Outcome {
    match inventory.sighting(product).map(|it| it.verdict) {
        Some(Verdict::Unknown) | None => Outcome::NotKnown(format!("whether {product} is there")),
        Some(verdict) if as_it_should_be.contains(&verdict) => Outcome::Holds,
        Some(Verdict::Installed) => Outcome::Fails(format!("the service of {product} is there and not at work")),
        Some(verdict @ (Verdict::Absent | Verdict::Remnant | Verdict::Embedded | Verdict::Running)) => {
            Outcome::Fails(format!("{product} is {verdict}"))
        }
    }
}

/// Whether it is a server of Windows; `None` where it says nothing of what it is.
fn is_server(inventory: &Inventory) -> Option<bool> {
    let facts = &inventory.facts;
    let is_told = facts.os_family == OsFamily::Windows && !facts.os_version.is_empty();
    is_told.then(|| facts.os_id == "windows-server")
}

/// Whether each policy was looked for and is in none of these states.
fn without(policies: &[Policy], inventory: &Inventory, not: &[PolicyState]) -> Outcome {
    let mut not_known = None;
    for policy in policies {
        match inventory.facts.policies.iter().find(|seen| seen.policy == *policy) {
            Some(seen) if not.contains(&seen.state) => return Outcome::Fails(seen.detail.clone()),
            Some(seen) if seen.state == PolicyState::Unknown => {
                not_known = not_known.or_else(|| Some(format!("whether policy {policy} is set ({})", seen.detail)));
            }
            Some(_) => {}
            None => {
                not_known =
                    not_known.or_else(|| Some(format!("whether policy {policy} is set; its agent may be older")))
            }
        }
    }
    not_known.map_or(Outcome::Holds, Outcome::NotKnown)
}

fn check_absent(products: &[ProductId], of: &ProductId, rule_of: &impl Fn(&str) -> Option<Rule>) -> Result<(), String> {
    if products.is_empty() {
        return Err("absent names no product; name one or leave the condition out".to_owned());
    }
    for product in products {
        if product == of {
            return Err(format!("absent names `{product}` itself, so it could never hold"));
        }
        match rule_of(product.as_str()).map(|rule| rule.role) {
            None => {
                return Err(format!(
                    "no rule sees `{product}`, so whether it is absent is never known; add one"
                ));
            }
            Some(Role::Target) => {
                return Err(format!(
                    "`{product}` is a target: its own recipe removes it in the same order; `beside` and `rank` say when"
                ));
            }
            Some(Role::Replacement | Role::Unapproved) => {}
        }
    }
    Ok(())
}

/// Whether a recipe's conditions make sense.
pub(super) fn check(
    all: &[Precondition],
    is_removal: bool,
    product: &ProductId,
    rule_of: &impl Fn(&str) -> Option<Rule>,
) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for it in all {
        it.check(is_removal, product, rule_of)
            .map_err(|why| format!("precondition `{}`: {why}", it.name))?;
        if !names.insert(&it.name) {
            return Err(format!("two preconditions are named `{}`; rename one", it.name));
        }
    }
    Ok(())
}
