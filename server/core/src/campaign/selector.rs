//! Which hosts something is for: selectors over what looks show and what people and records say.

use std::fmt;

use cutover_proto::{
    ids::{HostId, ProductId},
    inventory::{HostRole, OsFamily},
    words,
};
use serde::Deserialize;

use crate::{
    coverage::Ownership,
    judge::{Assessment, TargetSeen},
    plan::Known,
};

words! {
    /// What a machine is there for.
    pub enum HostClass("class of a host") {
        /// It serves others: by its role, its edition, or a person's word.
        Server = "server",
        /// Somebody works at it.
        Workstation = "workstation",
    }
}

words! {
    /// Who works at a machine, where it is not one person at a time.
    pub enum HostUse("use of a host") {
        /// Several people at once. All are told; an administrator decides, and none of them for the others.
        MultiSession = "multi-session",
        /// Nobody who could be asked. Windows alone say when its work may start.
        Kiosk = "kiosk",
    }
}

/// What selectors ask of a host. What is not known matches nothing that asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Traits<'a> {
    /// Its id.
    pub host: HostId,
    /// What people and records say of it.
    pub known: &'a Known,
    /// What its newest look means; `None` before the first.
    pub looked: Option<&'a Assessment>,
}

impl Traits<'_> {
    /// What it is there for. A tag `class=…` goes before what its look shows.
    #[must_use]
    pub fn class(&self) -> HostClass {
        if let Some(class) = self.known.class() {
            return class;
        }
        let serves = |it: &Assessment| it.is_server_edition || !it.roles.is_empty();
        if self.looked.is_some_and(serves) {
            HostClass::Server
        } else {
            HostClass::Workstation
        }
    }

    /// Who works at it, where a tag `use=…` says that it is not one person at a time. No look tells it.
    #[must_use]
    pub fn usage(&self) -> Option<HostUse> {
        self.known.usage()
    }

    /// Whether its newest look shows that role.
    #[must_use]
    pub fn has_role(&self, role: HostRole) -> bool {
        self.looked.is_some_and(|it| it.roles.contains(&role))
    }

    fn has(&self, asked: &Installed) -> bool {
        let product = &asked.product;
        self.looked.is_some_and(|it| {
            let fits = |target: &TargetSeen| target.product == *product && asked.takes(target.version.as_deref());
            it.targets.iter().any(fits)
                || (asked.version.is_none() && (it.embedded.contains(product) || it.unapproved.contains(product)))
        })
    }

    fn is_named(&self, name: &str) -> bool {
        let is_its_name = |it: &Assessment| it.hostname.eq_ignore_ascii_case(name);
        self.host.to_string() == name || self.looked.is_some_and(is_its_name)
    }
}

/// A version that is asked for: the same in every part that it names, or above or below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    compare: Compare,
    parts: Vec<u64>,
    spelled: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Same,
    AtLeast,
    Below,
}

impl VersionRange {
    /// Reads `12`, `>=10.0.17763` or `<11`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (compare, rest) = match (text.strip_prefix(">="), text.strip_prefix('<')) {
            (Some(rest), _) => (Compare::AtLeast, rest),
            (None, Some(rest)) => (Compare::Below, rest),
            (None, None) => (Compare::Same, text),
        };
        let parts = parts(rest.trim())
            .ok_or_else(|| format!("`{text}` is no version; write for example \"12\", \">=10.0.17763\" or \"<11\""))?;
        Ok(Self {
            compare,
            parts,
            spelled: text.to_owned(),
        })
    }

    /// Whether it can be told of a version in which ranges it is: it begins with a number.
    #[must_use]
    pub fn can_judge(version: &str) -> bool {
        parts(version).is_some()
    }

    /// Whether a version is in it. One that is not made of numbers is in none.
    #[must_use]
    pub fn holds(&self, version: &str) -> bool {
        let Some(version) = parts(version) else {
            return false;
        };
        let at = |parts: &[u64], index: usize| parts.get(index).copied().unwrap_or(0);
        match self.compare {
            Compare::Same => self
                .parts
                .iter()
                .enumerate()
                .all(|(index, part)| at(&version, index) == *part),
            Compare::AtLeast | Compare::Below => {
                let longest = self.parts.len().max(version.len());
                let order = (0..longest)
                    .map(|index| at(&version, index).cmp(&at(&self.parts, index)))
                    .find(|order| order.is_ne());
                let is_below = order == Some(std::cmp::Ordering::Less);
                is_below == (self.compare == Compare::Below)
            }
        }
    }
}

/// The leading numbers of a dotted version; `None` where it does not begin with one. A packager's revision (`11.4.1-7441`)
/// and what stands behind it are no part of it.
fn parts(version: &str) -> Option<Vec<u64>> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<u64> = plain.split('.').map_while(|part| part.parse().ok()).collect();
    (!numbers.is_empty()).then_some(numbers)
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled)
    }
}

impl<'de> Deserialize<'de> for VersionRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A product that is asked for, in any version or in one of a range: `kesl`, `kesl >=11.3`, `kesl 12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Which.
    pub product: ProductId,
    /// In which versions; `None`: in any, also in one that no look told.
    pub version: Option<VersionRange>,
}

impl Installed {
    /// Reads a product's id, and behind a space which versions of it.
    ///
    /// # Errors
    /// When there is no id, or what follows it is no version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (product, version) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if product.is_empty() || product.contains(['<', '>', '=']) {
            return Err(format!(
                "`{text}` names no product; write its id, and behind a space which versions of it, for example \"kesl\" or \
                 \"kesl >=11.3\""
            ));
        }
        let version = Some(version.trim()).filter(|it| !it.is_empty());
        let version = version.map(VersionRange::parse).transpose();
        Ok(Self {
            product: ProductId::new(product),
            version: version.map_err(|why| format!("`{text}`: {why}"))?,
        })
    }

    /// Whether that version is asked for. One that no look told is in no range.
    fn takes(&self, version: Option<&str>) -> bool {
        let holds = |range: &VersionRange| version.is_some_and(|version| range.holds(version));
        self.version.as_ref().is_none_or(holds)
    }
}

impl<'de> Deserialize<'de> for Installed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A host fits when every key that is given fits; a key fits when any of its values does. Without keys it fits every host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    /// Families of systems.
    pub os_family: Vec<OsFamily>,
    /// Distributions: os-release IDs, `windows`, `macos`.
    pub os_id: Vec<String>,
    /// Versions of the system.
    pub os_version: Vec<VersionRange>,
    /// Tags.
    pub tag: Vec<String>,
    /// What tags `group=…` name.
    pub group: Vec<String>,
    /// What tags `entity=…` name: the legal entity that the machine belongs to.
    pub entity: Vec<String>,
    /// What tags `contract=…` name: the contract that the machine works for.
    pub contract: Vec<String>,
    /// Sites.
    pub site: Vec<String>,
    /// What it does for others.
    pub role: Vec<HostRole>,
    /// What it is there for.
    pub class: Vec<HostClass>,
    /// Who works at it.
    #[serde(rename = "use")]
    pub usage: Vec<HostUse>,
    /// Whose it is.
    pub ownership: Vec<Ownership>,
    /// Products that are there: targets, and what nobody approved. A version is told of targets alone.
    pub installed: Vec<Installed>,
    /// Host ids, or names that the machines give themselves.
    pub host: Vec<String>,
    /// What fits this does not fit.
    pub except: Option<Box<Selector>>,
}

impl Selector {
    /// Whether it asks for nothing, and so fits every host.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it certainly fits every host that the other one fits: what it asks for, the other asks for too, of no more
    /// values. That it does not say so of versions that lie in each other is no harm: it is asked for what is certain.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        fn wider<T: PartialEq>(this: &[T], other: &[T]) -> bool {
            this.is_empty() || (!other.is_empty() && other.iter().all(|value| this.contains(value)))
        }
        // Named one by one, so that a key that is added is not forgotten here.
        let Self {
            os_family,
            os_id,
            os_version,
            tag,
            group,
            entity,
            contract,
            site,
            role,
            class,
            usage,
            ownership,
            installed,
            host,
            except,
        } = self;
        let is_free_of_exceptions = match (except, &other.except) {
            (None, _) => true,
            (Some(out), Some(others)) => others.covers(out),
            (Some(_), None) => false,
        };
        is_free_of_exceptions
            && wider(os_family, &other.os_family)
            && wider(os_id, &other.os_id)
            && wider(os_version, &other.os_version)
            && wider(tag, &other.tag)
            && wider(group, &other.group)
            && wider(entity, &other.entity)
            && wider(contract, &other.contract)
            && wider(site, &other.site)
            && wider(role, &other.role)
            && wider(class, &other.class)
            && wider(usage, &other.usage)
            && wider(ownership, &other.ownership)
            && wider(installed, &other.installed)
            && wider(host, &other.host)
    }

    /// Whether a host fits.
    #[must_use]
    pub fn fits(&self, host: &Traits<'_>) -> bool {
        let any = |asked: usize, fits: bool| asked == 0 || fits;
        let looked = host.looked;
        let known = host.known;
        any(
            self.os_family.len(),
            looked.is_some_and(|it| self.os_family.contains(&it.os_family)),
        ) && any(
            self.os_id.len(),
            looked.is_some_and(|it| self.os_id.contains(&it.os_id)),
        ) && any(
            self.os_version.len(),
            looked.is_some_and(|it| self.os_version.iter().any(|range| range.holds(&it.os_version))),
        ) && any(self.tag.len(), self.tag.iter().any(|tag| known.has_tag(tag)))
            && any(self.group.len(), known.says("group", &self.group))
            && any(self.entity.len(), known.says("entity", &self.entity))
            && any(self.contract.len(), known.says("contract", &self.contract))
            && any(self.site.len(), self.site.contains(&known.site))
            && any(self.role.len(), self.role.iter().any(|role| host.has_role(*role)))
            && any(self.class.len(), self.class.contains(&host.class()))
            && any(
                self.usage.len(),
                host.usage().is_some_and(|it| self.usage.contains(&it)),
            )
            && any(
                self.ownership.len(),
                known.ownership.is_some_and(|it| self.ownership.contains(&it)),
            )
            && any(self.installed.len(), self.installed.iter().any(|it| host.has(it)))
            && any(self.host.len(), self.host.iter().any(|name| host.is_named(name)))
            && !self.except.as_ref().is_some_and(|except| except.fits(host))
    }

    /// What makes no sense in it, in words.
    ///
    /// # Errors
    /// An empty `except`, which would fit no host at all, or one inside another.
    pub fn check(&self, key: &str) -> Result<(), String> {
        let Some(except) = &self.except else {
            return Ok(());
        };
        if except.is_everything() {
            return Err(format!(
                "{key}.except asks for nothing, so no host would be left; name what is excepted or leave it out"
            ));
        }
        if except.except.is_some() {
            return Err(format!(
                "{key}.except has an `except` of its own; say it in one step, or with another rule before this one"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "selector_tests.rs"]
mod tests;
