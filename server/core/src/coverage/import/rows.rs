//! Records to rows.

use std::collections::{BTreeMap, BTreeSet};

use cutover_proto::words;
use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

use super::{Field, Mapping, Unreadable, decode, mapping::words_of};
use crate::{
    campaign::zone::zone,
    coverage::{Identity, Ownership},
    plan::DiskWord,
};

words! {
    /// What kind of device an asset is.
    pub enum Class("class") {
        /// A person's machine.
        Workstation = "workstation",
        /// A server.
        Server = "server",
        /// A phone or tablet.
        Phone = "phone",
        /// A box with a vendor's own system.
        Appliance = "appliance",
        /// A security virtual machine of a hypervisor.
        Svm = "svm",
        /// Operational technology.
        Ot = "ot",
        /// Not said.
        Other = "other",
    }
}

words! {
    /// What a console says of the product that it manages there.
    pub enum Health("health") {
        /// It works.
        Healthy = "healthy",
        /// It does not.
        Unhealthy = "unhealthy",
    }
}

words! {
    /// What a source says of the product that must go.
    pub enum TargetSeen("target") {
        /// It is there.
        Carries = "carries",
        /// It is not.
        Clear = "clear",
    }
}

words! {
    /// What a console's report says of a machine's disks.
    pub enum DiskReport("encryption") {
        /// The product that must go holds their keys.
        ByTarget = "by-target",
        /// It encrypts none of them.
        NotEncryptedByTarget = "not-encrypted-by-target",
        /// They were encrypted by it and are decrypted.
        Decrypted = "decrypted",
        /// It manages BitLocker, and the recovery keys lie where they outlive it.
        KeysEscrowed = "keys-escrowed",
    }
}

impl DiskReport {
    /// What can be attested by it; `None` where the product encrypts.
    #[must_use]
    pub const fn word(self) -> Option<DiskWord> {
        match self {
            Self::ByTarget => None,
            Self::NotEncryptedByTarget => Some(DiskWord::NotEncryptedByTarget),
            Self::Decrypted => Some(DiskWord::Decrypted),
            Self::KeysEscrowed => Some(DiskWord::KeysEscrowed),
        }
    }
}

/// A line that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it begins; the first line is 1.
    pub line: u64,
    /// By what the next import knows it again.
    pub key: String,
    /// By what it is recognised.
    pub identity: Identity,
    /// For people.
    pub name: String,
    /// What it is.
    pub class: Class,
    /// Who answers for it. Personal; empty where nobody is named.
    pub owner: String,
    /// Whose the machine is.
    pub ownership: Option<Ownership>,
    /// Empty where it is not said; so are the texts below.
    pub site: String,
    /// The protection that the source sees there.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Whether it works.
    pub health: Option<Health>,
    /// Whose it is.
    pub tenant: String,
    /// When the source last heard of it.
    pub last_seen_ms: Option<i64>,
    /// Whether the product that must go is there.
    pub target: Option<TargetSeen>,
    /// Whether the source counts it as in use.
    pub active: Option<bool>,
    /// Who encrypts its disks.
    pub encryption: Option<DiskReport>,
}

/// A line that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where it begins; the first line is 1.
    pub line: u64,
    /// What is wrong and what would be right.
    pub why: String,
}

/// A file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Import {
    /// In the order of the file.
    pub rows: Vec<Row>,
    /// In the order of the file.
    pub faults: Vec<Fault>,
    /// Which column each field came from.
    pub used: Vec<(Field, String)>,
    /// What was not taken: columns that say nothing here, cells whose meaning is not known.
    pub notes: Vec<String>,
}

/// No cell that is taken is longer.
const LONGEST: usize = 500;
/// So many different cells of one column are named.
const NAMED: usize = 5;

/// Reads a whole file. A line that is wrong is a fault and no row; the caller decides what becomes of the others.
///
/// # Errors
/// When the file cannot be read at all.
pub fn read(bytes: &[u8], mapping: &Mapping) -> Result<Import, Unreadable> {
    let text = decode::text(bytes)?;
    let (separator, body, skipped) = decode::body(&text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(body.as_bytes());
    let mut records = reader.records();
    let header = match records.next() {
        Some(Ok(header)) => header,
        Some(Err(_)) | None => return Err(Unreadable::Empty),
    };
    let reading = Reading::of(&header, mapping)?;
    let mut lines = Lines::of(body, skipped);
    let mut import = Import {
        used: reading.used(),
        ..Import::default()
    };
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut unknown: BTreeMap<Field, BTreeSet<String>> = BTreeMap::new();
    for (count, record) in records.enumerate() {
        if count >= decode::MAX_ROWS {
            return Err(Unreadable::TooLong);
        }
        let (line, row) = match record {
            Ok(record) => {
                let line = lines.of_record(record.position());
                if record.iter().all(|cell| cell.trim().is_empty()) {
                    continue;
                }
                (line, reading.row(&record, line, &mut unknown))
            }
            Err(error) => (lines.of_record(error.position()), Err(error.to_string())),
        };
        match row {
            Ok(row) => match seen.insert(row.key.clone(), line) {
                None => import.rows.push(row),
                Some(first) => import.faults.push(Fault {
                    line,
                    why: format!(
                        "names the same machine as line {first} (`{}`); leave one of them out",
                        row.key
                    ),
                }),
            },
            Err(why) => import.faults.push(Fault { line, why }),
        }
    }
    import.notes = reading.notes(&unknown);
    Ok(import)
}

/// Counts lines as an editor does. The reader's own count takes a lone carriage return for none, though it ends a record,
/// and stands before the empty lines that it passes over.
struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(body: &'a str, skipped: u64) -> Self {
        Self {
            body: body.as_bytes(),
            at: 0,
            line: skipped + 1,
        }
    }

    /// Where a record begins. They come in the order of the file.
    fn of_record(&mut self, position: Option<&csv::Position>) -> u64 {
        let begin = position
            .and_then(|at| usize::try_from(at.byte()).ok())
            .unwrap_or(self.at);
        while let Some(byte) = self.body.get(self.at) {
            let is_break = matches!(byte, b'\r' | b'\n');
            if self.at >= begin && !is_break {
                break;
            }
            self.at += 1;
            // The first half of a Windows line end is none by itself.
            let is_half = *byte == b'\r' && self.body.get(self.at) == Some(&b'\n');
            self.line += u64::from(is_break && !is_half);
        }
        self.line
    }
}

/// A file's columns by what they say.
struct Reading<'a> {
    header: Vec<String>,
    at: BTreeMap<Field, usize>,
    mapping: &'a Mapping,
}

impl<'a> Reading<'a> {
    fn of(header: &csv::StringRecord, mapping: &'a Mapping) -> Result<Self, Unreadable> {
        let header: Vec<String> = header.iter().map(|cell| cell.trim().to_owned()).collect();
        if header.len() > decode::MAX_COLUMNS {
            return Err(Unreadable::TooWide { columns: header.len() });
        }
        let there = || header.join(", ");
        let find = |column: &str| {
            let mut found = header
                .iter()
                .enumerate()
                .filter(|(_, it)| it.eq_ignore_ascii_case(column));
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => Err(Unreadable::TwoOfOneName {
                    column: column.to_owned(),
                }),
                (first, _) => Ok(first.map(|(at, _)| at)),
            }
        };
        let mut at = BTreeMap::new();
        for (field, columns) in &mapping.columns {
            for column in columns {
                if let Some(found) = find(column)? {
                    at.insert(*field, found);
                    break;
                }
            }
            // One name alone is a person's word, or one that the export cannot be without.
            if let ([column], false) = (columns.as_slice(), at.contains_key(field)) {
                return Err(Unreadable::NoSuchColumn {
                    field: field.as_str(),
                    column: column.clone(),
                    there: there(),
                });
            }
        }
        let names = [Field::Serial, Field::Uuid, Field::Fqdn, Field::Name];
        if !names.iter().any(|field| at.contains_key(field)) {
            return Err(Unreadable::NoIdentity { there: there() });
        }
        Ok(Self { header, at, mapping })
    }

    fn used(&self) -> Vec<(Field, String)> {
        self.at
            .iter()
            .map(|(field, at)| (*field, self.header[*at].clone()))
            .collect()
    }

    fn row(
        &self,
        record: &csv::StringRecord,
        line: u64,
        unknown: &mut BTreeMap<Field, BTreeSet<String>>,
    ) -> Result<Row, String> {
        if record.len() != self.header.len() {
            return Err(format!(
                "has {} columns and the header {}; a quote may not be closed, or a cell holds the separator",
                record.len(),
                self.header.len()
            ));
        }
        let text = |field| self.text(record, field);
        let (serial, uuid, fqdn, name) = (
            text(Field::Serial)?,
            text(Field::Uuid)?,
            text(Field::Fqdn)?,
            text(Field::Name)?,
        );
        let identity = Identity::of(&serial, &uuid, &fqdn, &name);
        let own = text(Field::Key)?;
        let key = match identity.iter().next() {
            _ if !own.is_empty() => format!("key:{}", own.to_lowercase()),
            Some(strongest) => format!("{}:{}", strongest.kind, strongest.value),
            None => {
                return Err("names no machine: its serial, uuid, fqdn and name are empty or placeholders".to_owned());
            }
        };
        let shown = [name, fqdn, serial, uuid, own].into_iter().find(|it| !it.is_empty());
        let mut word = |field| self.word(record, field, unknown);
        let class = word(Field::Class)?.and_then(|word| Class::parse(&word).ok());
        let health = word(Field::Health)?.and_then(|word| Health::parse(&word).ok());
        let encryption = word(Field::Encryption)?.and_then(|word| DiskReport::parse(&word).ok());
        let target = word(Field::Target)?.and_then(|word| TargetSeen::parse(&word).ok());
        let active = word(Field::Active)?.map(|word| word == "yes");
        let ownership = word(Field::Ownership)?.and_then(|word| Ownership::parse(&word).ok());
        Ok(Row {
            line,
            key,
            identity,
            name: shown.unwrap_or_default(),
            class: class.unwrap_or(Class::Other),
            owner: text(Field::Owner)?,
            ownership,
            site: text(Field::Site)?,
            product: text(Field::Product)?,
            version: text(Field::Version)?,
            health,
            tenant: text(Field::Tenant)?,
            last_seen_ms: self.instant(&text(Field::LastSeen)?)?,
            target,
            active,
            encryption,
        })
    }

    fn text(&self, record: &csv::StringRecord, field: Field) -> Result<String, String> {
        let cell = match self.at.get(&field) {
            Some(at) => record.get(*at).unwrap_or_default().trim(),
            None => self.mapping.fixed.get(&field).map_or("", String::as_str),
        };
        if cell.chars().count() > LONGEST {
            return Err(format!("{field} has more than {LONGEST} characters"));
        }
        if cell.chars().any(char::is_control) {
            return Err(format!("{field} holds a line break or another control character"));
        }
        Ok(cell.to_owned())
    }

    /// What a cell means, in the field's words; `None` for an empty cell and for one whose meaning is not known.
    fn word(
        &self,
        record: &csv::StringRecord,
        field: Field,
        unknown: &mut BTreeMap<Field, BTreeSet<String>>,
    ) -> Result<Option<String>, String> {
        let cell = self.text(record, field)?;
        if cell.is_empty() {
            return Ok(None);
        }
        let lower = cell.to_lowercase();
        let meant = self.mapping.values.get(&field).and_then(|words| {
            words
                .iter()
                .find(|(_, cells)| cells.iter().any(|it| it.to_lowercase() == lower))
        });
        if let Some((word, _)) = meant {
            return Ok(Some(word.clone()));
        }
        if words_of(field).contains(&lower.as_str()) {
            return Ok(Some(lower));
        }
        let seen = unknown.entry(field).or_default();
        if seen.len() <= NAMED {
            seen.insert(cell);
        }
        Ok(None)
    }

    fn instant(&self, cell: &str) -> Result<Option<i64>, String> {
        if cell.is_empty() {
            return Ok(None);
        }
        if self.mapping.date_format.is_empty()
            && let Ok(at) = cell.parse::<Timestamp>()
        {
            return Ok(Some(at.as_millisecond()));
        }
        let told = if self.mapping.date_format.is_empty() {
            cell.parse::<civil::DateTime>()
        } else {
            civil::DateTime::strptime(&self.mapping.date_format, cell)
        };
        let Ok(told) = told else {
            return Err(format!(
                "last-seen `{cell}` is not read; say how instants are written, such as --date-format '%m/%d/%Y %I:%M:%S %p' \
                 with --zone, or leave the column out by --map last-seen="
            ));
        };
        let Some(zone) = zone(&self.mapping.zone) else {
            return Err(format!(
                "last-seen `{cell}` has no time zone; name it by --zone, such as America/New_York"
            ));
        };
        let at = told
            .to_zoned(zone)
            .map_err(|error| format!("last-seen `{cell}`: {error}"))?;
        Ok(Some(at.timestamp().as_millisecond()))
    }

    fn notes(&self, unknown: &BTreeMap<Field, BTreeSet<String>>) -> Vec<String> {
        let taken: BTreeSet<usize> = self.at.values().copied().collect();
        let left: Vec<&str> = (0..self.header.len())
            .filter(|at| !taken.contains(at))
            .map(|at| self.header[at].as_str())
            .collect();
        let mut notes = Vec::new();
        if !left.is_empty() {
            notes.push(format!("not taken: {}", left.join(", ")));
        }
        for (field, cells) in unknown {
            let mut named: Vec<String> = cells.iter().take(NAMED).map(|cell| format!("`{cell}`")).collect();
            if cells.len() > NAMED {
                named.push("more".to_owned());
            }
            notes.push(format!(
                "{field}: {} mean nothing known and count as not said; name them under [values.{field}] of a mapping file",
                named.join(", ")
            ));
        }
        notes
    }
}
