//! By what a record and a machine can be recognised as the same.

use std::collections::BTreeSet;

use cutover_proto::{inventory::HostFacts, words};
use serde::{Deserialize, Serialize};

words! {
    /// What two descriptions of a machine may share. The first is the strongest.
    pub enum IdentifierKind("identifier") {
        /// Serial number of the case, as the firmware has it.
        Serial = "serial",
        /// UUID of the system, as the firmware has it.
        Uuid = "uuid",
        /// Name with its domain.
        Fqdn = "fqdn",
        /// Name alone.
        Name = "name",
    }
}

/// One of a machine's identifiers, in the spelling in which they are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identifier {
    /// Which.
    pub kind: IdentifierKind,
    /// Never empty, never a placeholder.
    pub value: String,
}

/// The identifiers of a record or a machine: at most one of each kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Identity(BTreeSet<Identifier>);

/// Longer values are no identifiers.
const LONGEST: usize = 255;

/// What firmware and exports hold where nobody wrote a serial number: compared without case, spaces and punctuation.
const PLACEHOLDERS: &[&str] = &[
    "TOBEFILLEDBYOEM",
    "DEFAULTSTRING",
    "SYSTEMSERIALNUMBER",
    "CHASSISSERIALNUMBER",
    "BASEBOARDSERIALNUMBER",
    "SERIALNUMBER",
    "SERIAL",
    "NOTSPECIFIED",
    "NOTAPPLICABLE",
    "NOTAVAILABLE",
    "NOTPROVIDED",
    "NOTSET",
    "NOTFOUND",
    "NOASSETTAG",
    "INVALID",
    "UNKNOWN",
    "UNDEFINED",
    "OEM",
    "NONE",
    "NULL",
    "NIL",
    "NA",
    "NAN",
    "EMPTY",
    "DEFAULT",
    "EVAL",
    "TEST",
    "TBD",
    "0123456789",
    "123456789",
    "1234567890",
    "12345678",
    "1234567",
    "123456",
    "12345",
    "1234",
    "123",
    "ABCDEFGH",
    "INSYDECORP",
    "QEMU",
    "VMWARE",
    "VIRTUAL",
    "CONTAINER",
];

/// UUIDs that whole series of boards share because nobody wrote one.
const SHARED_UUIDS: &[&str] = &[
    "03000200040005000006000700080009",
    "00020003000400050006000700080009",
    "12345678123456781234567812345678",
    "123456781234567890123456789abcde",
];

/// Names that say nothing, whatever domain is behind them.
const COMMON_NAMES: &[&str] = &["localhost", "unknown", "none", "null", "debian", "ubuntu"];

impl Identity {
    /// Takes what a description says; what is empty, a placeholder or malformed is left out, and matches nothing.
    #[must_use]
    pub fn of(serial: &str, uuid: &str, fqdn: &str, name: &str) -> Self {
        let fqdn = fqdn_of(fqdn).or_else(|| fqdn_of(name));
        let name = short_name(name).or_else(|| fqdn.as_deref().and_then(short_name));
        let found = [
            (IdentifierKind::Serial, serial_of(serial)),
            (IdentifierKind::Uuid, uuid_of(uuid)),
            (IdentifierKind::Fqdn, fqdn),
            (IdentifierKind::Name, name),
        ];
        Self(
            found
                .into_iter()
                .filter_map(|(kind, value)| Some(Identifier { kind, value: value? }))
                .collect(),
        )
    }

    /// What an enrolled machine says of itself.
    #[must_use]
    pub fn of_facts(facts: &HostFacts) -> Self {
        Self::of(&facts.serial, &facts.system_uuid, &facts.fqdn, &facts.hostname)
    }

    /// The strongest first.
    pub fn iter(&self) -> impl Iterator<Item = &Identifier> {
        self.0.iter()
    }

    /// Its identifier of this kind.
    #[must_use]
    pub fn get(&self, kind: IdentifierKind) -> Option<&str> {
        self.0.iter().find(|it| it.kind == kind).map(|it| it.value.as_str())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Identifier> for Identity {
    /// As they were stored.
    fn from_iter<T: IntoIterator<Item = Identifier>>(identifiers: T) -> Self {
        Self(identifiers.into_iter().collect())
    }
}

fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect()
}

fn serial_of(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = bare(text);
    let is_one_sign = bare.chars().min() == bare.chars().max();
    if bare.len() < 3 || text.len() > LONGEST || is_one_sign || PLACEHOLDERS.contains(&bare.as_str()) {
        return None;
    }
    // Exports put spaces and dashes where firmware has none, and the other way round.
    Some(bare)
}

fn uuid_of(text: &str) -> Option<String> {
    let hex: String = text
        .trim()
        .trim_matches(['{', '}'])
        .chars()
        .filter(|c| *c != '-')
        .flat_map(char::to_lowercase)
        .collect();
    let is_uuid = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_one_sign = hex.bytes().min() == hex.bytes().max();
    (is_uuid && !is_one_sign && !SHARED_UUIDS.contains(&hex.as_str())).then_some(hex)
}

fn fqdn_of(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('.').to_lowercase();
    let (first, _) = text.split_once('.')?;
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    let is_name = !first.is_empty() && is_name(&text) && !is_address;
    (is_name && !COMMON_NAMES.contains(&first)).then_some(text)
}

fn short_name(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    if text.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    // `DOMAIN\NAME` and the account's `NAME$`, as directories write them.
    let name = text.rsplit('\\').next().unwrap_or_default();
    let name = name.trim_end_matches('$').split('.').next().unwrap_or_default();
    (!name.is_empty() && is_name(name) && !COMMON_NAMES.contains(&name)).then(|| name.to_owned())
}

fn is_name(text: &str) -> bool {
    text.len() <= LONGEST
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
