//! Which column says what. Presets are data; a person's own mapping goes before them.

use std::collections::BTreeMap;

use cutover_proto::words;
use serde::Deserialize;

words! {
    /// What a column may say.
    pub enum Field("field") {
        /// The source's own id of the record: by it the next import knows the record again.
        Key = "key",
        /// Serial number.
        Serial = "serial",
        /// UUID of the system.
        Uuid = "uuid",
        /// Name with its domain.
        Fqdn = "fqdn",
        /// Name.
        Name = "name",
        /// What kind of device.
        Class = "class",
        /// Who answers for it. Personal.
        Owner = "owner",
        /// Whose the machine is.
        Ownership = "ownership",
        /// Where it is.
        Site = "site",
        /// The protection that the source sees or manages there.
        Product = "product",
        /// Its version.
        Version = "version",
        /// Whether that product works.
        Health = "health",
        /// Whose it is, in its vendor's words.
        Tenant = "tenant",
        /// When the source last heard of the machine.
        LastSeen = "last-seen",
        /// Whether the product that must go is there.
        Target = "target",
        /// Whether the source counts the machine as in use.
        Active = "active",
        /// Who encrypts the machine's disks.
        Encryption = "encryption",
    }
}

/// Where each field comes from, and what cells mean.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Columns by field; the first that the file has counts.
    pub columns: BTreeMap<Field, Vec<String>>,
    /// By field: the word, and the cells that mean it, compared without case.
    pub values: BTreeMap<Field, BTreeMap<String, Vec<String>>>,
    /// The same for every line, where no column says it.
    pub fixed: BTreeMap<Field, String>,
    /// How instants are written, in the signs of strftime; empty: RFC 3339.
    pub date_format: String,
    /// The zone of instants that carry none.
    pub zone: String,
}

/// What an export is known to look like.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// As `--preset` calls it.
    pub name: String,
    /// The export that it is for.
    pub title: String,
    /// Where it says so.
    #[serde(default)]
    pub sources: Vec<String>,
    /// What nobody has confirmed by a real export; shown whenever the preset is used.
    #[serde(default)]
    pub unconfirmed: Vec<String>,
    /// The mapping.
    pub mapping: Mapping,
}

/// Every preset, by name.
pub const PRESETS: &[(&str, &str)] = &[
    (
        "active-directory",
        include_str!("../../../../imports/active-directory.toml"),
    ),
    ("crowdstrike", include_str!("../../../../imports/crowdstrike.toml")),
    ("intune", include_str!("../../../../imports/intune.toml")),
    (
        "kaspersky-security-center",
        include_str!("../../../../imports/kaspersky-security-center.toml"),
    ),
];

/// What is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// There is no such preset.
    #[error("there is no preset `{name}`; there are {}", known())]
    NoPreset {
        /// What was asked for.
        name: String,
    },
    /// The file is not as a mapping is.
    #[error("the mapping cannot be read: {why}")]
    Toml {
        /// Where and why.
        why: String,
    },
    /// A value is not one of a field's words.
    #[error("{field} cannot mean `{word}`; it can: {words}")]
    Word {
        /// The field.
        field: Field,
        /// What was given.
        word: String,
        /// What can be.
        words: String,
    },
    /// No such zone.
    #[error("there is no time zone `{zone}`; write one such as America/New_York or UTC")]
    Zone {
        /// What was given.
        zone: String,
    },
}

fn known() -> String {
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

impl Preset {
    /// The preset of this name.
    ///
    /// # Errors
    /// When there is none, or what is compiled in cannot be read.
    pub fn named(name: &str) -> Result<Self, MappingError> {
        let found = PRESETS.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| MappingError::NoPreset { name: name.to_owned() })?;
        let preset: Self = toml::from_str(text).map_err(|error| MappingError::Toml { why: error.to_string() })?;
        preset.mapping.check()?;
        Ok(preset)
    }
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// When it is not as a mapping is; the text says where.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let mapping: Self = toml::from_str(text).map_err(|error| MappingError::Toml { why: error.to_string() })?;
        mapping.check()?;
        Ok(mapping)
    }

    /// What this one says, and for what it does not, the other. A field that is mapped to no column comes from none.
    #[must_use]
    pub fn over(mut self, other: Self) -> Self {
        for (field, columns) in other.columns {
            self.columns.entry(field).or_insert(columns);
        }
        for (field, values) in other.values {
            self.values.entry(field).or_insert(values);
        }
        for (field, value) in other.fixed {
            self.fixed.entry(field).or_insert(value);
        }
        if self.date_format.is_empty() {
            self.date_format = other.date_format;
        }
        if self.zone.is_empty() {
            self.zone = other.zone;
        }
        self
    }

    /// Whether its words and its zone are known.
    ///
    /// # Errors
    /// Names the one that is not.
    pub fn check(&self) -> Result<(), MappingError> {
        let said = self
            .values
            .iter()
            .flat_map(|(field, words)| words.keys().map(move |word| (field, word)));
        for (field, word) in said.chain(self.fixed.iter()) {
            let words = words_of(*field);
            if !words.is_empty() && !words.contains(&word.as_str()) {
                return Err(MappingError::Word {
                    field: *field,
                    word: word.clone(),
                    words: words.join(", "),
                });
            }
        }
        if self.zone.is_empty() || crate::campaign::zone::zone(&self.zone).is_some() {
            Ok(())
        } else {
            Err(MappingError::Zone {
                zone: self.zone.clone(),
            })
        }
    }
}

/// The words of a field; empty where any text will do.
pub(super) fn words_of(field: Field) -> Vec<&'static str> {
    match field {
        Field::Class => super::Class::ALL.iter().map(|it| it.as_str()).collect(),
        Field::Health => super::Health::ALL.iter().map(|it| it.as_str()).collect(),
        Field::Target => super::TargetSeen::ALL.iter().map(|it| it.as_str()).collect(),
        Field::Active => vec!["yes", "no"],
        Field::Encryption => super::DiskReport::ALL.iter().map(|it| it.as_str()).collect(),
        Field::Ownership => crate::coverage::Ownership::ALL.iter().map(|it| it.as_str()).collect(),
        Field::Key
        | Field::Serial
        | Field::Uuid
        | Field::Fqdn
        | Field::Name
        | Field::Owner
        | Field::Site
        | Field::Product
        | Field::Version
        | Field::Tenant
        | Field::LastSeen => Vec::new(),
    }
}
