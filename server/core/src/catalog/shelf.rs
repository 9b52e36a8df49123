//! Package files that operators bound to products, and which of them a host gets.
//!
//! All files of one product that carry the same version go together: what a recipe names must be among them, what it does
//! not name goes along. Of several versions that are whole for a host, the one that was bound last counts: formats order
//! versions differently, and an operator's last word is no guess.

use std::{collections::BTreeMap, fmt, str::FromStr};

use cutover_proto::{
    artifact::ArtifactRef,
    ids::ProductId,
    inventory::PackageManager,
    package_file::{PackageFormat, PackageName},
};
use serde::{Deserialize, Serialize};

use super::recipe::FilePackage;
use crate::judge::Assessment;

/// A system that files are for: an os-release ID, and the version where it matters; `debian` or `debian:12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct System {
    id: String,
    version: Option<String>,
}

impl System {
    /// Whether a host of this distribution and version is one. `9` takes 9 and 9.4, and not 90.
    fn takes(&self, os_id: &str, os_version: &str) -> bool {
        let takes_version = |version: &String| {
            let rest = os_version.strip_prefix(version.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.id == os_id && self.version.as_ref().is_none_or(takes_version)
    }
}

impl FromStr for System {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // os-release(5): lower-case letters, digits and . _ -
        let plain = |word: &str| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        };
        let (id, version) = text.split_once(':').map_or((text, None), |(id, rest)| (id, Some(rest)));
        if !plain(id) || version.is_some_and(|version| !plain(version)) {
            return Err(format!(
                "`{text}` names no system; write an os-release ID such as `debian`, or with its version `debian:12`"
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            version: version.map(str::to_owned),
        })
    }
}

impl TryFrom<String> for System {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<System> for String {
    fn from(system: System) -> Self {
        system.to_string()
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}:{version}", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// A package file that an operator bound to a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelved {
    /// The product that it makes, with the others of the same version.
    pub product: ProductId,
    /// As the operator calls it.
    pub version: String,
    /// Systems that it is for; empty: every one of its family.
    pub systems: Vec<System>,
    /// The file.
    pub artifact: ArtifactRef,
    /// When it was bound, by the server's clock.
    pub bound_ms: i64,
}

/// All that operators bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf(Vec<Shelved>);

/// What a host lacks on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Of which product.
    pub product: ProductId,
    /// The version that the recipe demands, or of which a part is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Packages without a file that fits.
    pub packages: Vec<String>,
    /// What the files must be.
    pub format: PackageFormat,
    /// The host's architecture; empty where no look told it.
    pub architecture: String,
    /// The host's system, as `cutover artifact add --for` takes it; empty where no look told it.
    pub system: String,
}

impl Missing {
    /// What is so.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            product,
            packages,
            format,
            architecture,
            ..
        } = self;
        let version = self
            .version
            .as_ref()
            .map_or_else(String::new, |version| format!(" of version {version}"));
        let architecture = if architecture.is_empty() {
            "an unknown architecture"
        } else {
            architecture
        };
        format!(
            "the server has no .{format} file of {} for {architecture}{} that makes {product}{version}",
            packages.join(", "),
            if self.system.is_empty() {
                String::new()
            } else {
                format!(" on {}", self.system)
            }
        )
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        let version = self.version.as_deref().unwrap_or("VERSION");
        let files: Vec<String> = self
            .packages
            .iter()
            .map(|package| match self.format {
                PackageFormat::Deb => format!("{package}_*.deb"),
                PackageFormat::Rpm => format!("{package}-*.rpm"),
                PackageFormat::Msi => format!("{package}_*.msi"),
            })
            .collect();
        format!(
            "cutover artifact add {} --product {} --version {version}; hosts go on by themselves",
            files.join(" "),
            self.product
        )
    }
}

/// What files a host wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) product: &'a ProductId,
    pub(super) packages: &'a [FilePackage],
    pub(super) manager: PackageManager,
    pub(super) host: &'a Assessment,
}

impl Wanted<'_> {
    fn format(&self) -> PackageFormat {
        PackageFormat::of(self.manager)
    }

    /// Packages that this host needs a file of.
    fn named(&self) -> impl Iterator<Item = &FilePackage> {
        self.packages.iter().filter(|it| it.is_for(self.manager))
    }

    fn fits(&self, shelved: &Shelved) -> bool {
        let host = self.host;
        let of_system = shelved.systems.is_empty()
            || shelved
                .systems
                .iter()
                .any(|system| system.takes(&host.os_id, &host.os_version));
        let by_name = PackageName::read(&shelved.artifact.file_name).is_some_and(|name| {
            name.format == self.format() && name.architecture.is_none_or(|it| it == host.architecture)
        });
        let of_family = host.os_family == self.format().os_family();
        shelved.product == *self.product && of_family && of_system && by_name
    }

    fn missing(&self, version: Option<String>, packages: Vec<String>) -> Missing {
        let host = self.host;
        let version_of_system = if host.os_version.is_empty() {
            String::new()
        } else {
            format!(":{}", host.os_version)
        };
        Missing {
            product: self.product.clone(),
            version,
            packages,
            format: self.format(),
            architecture: host.architecture.clone(),
            system: if host.os_id.is_empty() {
                String::new()
            } else {
                format!("{}{version_of_system}", host.os_id)
            },
        }
    }
}

impl Shelf {
    /// Of these.
    #[must_use]
    pub const fn new(shelved: Vec<Shelved>) -> Self {
        Self(shelved)
    }

    /// The files of the newest version that is whole for a host, by their names.
    pub(super) fn files(&self, wanted: &Wanted<'_>) -> Result<Vec<ArtifactRef>, Box<Missing>> {
        let mut versions: BTreeMap<&str, Vec<&Shelved>> = BTreeMap::new();
        for shelved in self.0.iter().filter(|shelved| wanted.fits(shelved)) {
            versions.entry(&shelved.version).or_default().push(shelved);
        }
        // Newest first; the name settles what was bound in the same millisecond.
        let mut versions: Vec<(&str, Vec<&Shelved>)> = versions.into_iter().collect();
        versions.sort_by_key(|(version, shelved)| {
            let newest_ms = shelved.iter().map(|it| it.bound_ms).max();
            std::cmp::Reverse((newest_ms, *version))
        });
        let mut lacking = None;
        for (version, shelved) in versions {
            let by_package = newest_of_each(shelved);
            let lacks: Vec<String> = wanted
                .named()
                .filter(|it| {
                    it.version.as_deref().is_some_and(|only| only != version)
                        || !by_package.contains_key(it.package.as_str())
                })
                .map(|it| it.package.clone())
                .collect();
            if lacks.is_empty() {
                let mut files: Vec<ArtifactRef> = by_package.into_values().map(|it| it.artifact.clone()).collect();
                files.sort_by(|a, b| a.file_name.cmp(&b.file_name));
                return Ok(files);
            }
            lacking.get_or_insert((version.to_owned(), lacks));
        }
        let demanded = wanted.named().find_map(|it| it.version.clone());
        Err(Box::new(match (demanded, lacking) {
            (None, Some((version, lacks))) => wanted.missing(Some(version), lacks),
            (demanded, _) => {
                let all = wanted.named().map(|it| it.package.clone()).collect();
                wanted.missing(demanded, all)
            }
        }))
    }
}

/// A package that was bound again in the same version is meant to take the earlier one's place.
fn newest_of_each(shelved: Vec<&Shelved>) -> BTreeMap<&str, &Shelved> {
    let mut newest: BTreeMap<&str, &Shelved> = BTreeMap::new();
    for it in shelved {
        let Some(package) = it.artifact.package() else {
            continue;
        };
        let before = newest.get(package);
        if before.is_none_or(|before| (before.bound_ms, before.artifact.sha256) < (it.bound_ms, it.artifact.sha256)) {
            newest.insert(package, it);
        }
    }
    newest
}
