//! Looks that people carry to the server: kept byte for byte, judged, and attached to the machine that they were made at.

use std::collections::BTreeSet;

use base64::Engine as _;
use cutover_core::{
    coverage::{self, Found, Identifier, IdentifierKind, Identity, ImportedLook, Record, Vouched},
    judge,
    report::instant,
};
use cutover_proto::{
    inventory::{Inventory, OsFamily},
    scan_file::{self, ScanFile},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        Caller, Service, ServiceError,
        access::Role,
        campaign::version_of,
        plan_edit::signed,
        views::{VerdictView, every_verdict},
    },
    ASSETS, convert,
};
use crate::{
    collected,
    store::{
        Reader, WriteTx,
        assets::{self, AssetRow},
        host_keys, hosts,
        identifiers::{self, Owner},
        imported_looks::{self, LookRow},
    },
};

/// What records that come of imported looks name as their source, by who vouches for the look.
pub(super) const SOURCES: [&str; 2] = [COLLECTION, SIGNED_SCAN];
const COLLECTION: &str = "collection";
const SIGNED_SCAN: &str = "signed-scan";

/// A larger file is none.
const MAX_BYTES: usize = scan_file::MAX_BYTES as usize;

/// How far a machine's clock may be ahead of the server's.
const AHEAD_MS: i64 = 15 * 60_000;

/// No look is older: the first day of 2020. A clock that says so has never been set.
const OLDEST_MS: i64 = 1_577_836_800_000;

/// A look to import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanImport {
    /// What the file is called, for people.
    #[serde(default)]
    pub file_name: String,
    /// The file, in base64: a signed scan, or what the collector wrote.
    pub content: String,
    /// When it was gathered, RFC 3339: for a collection that does not tell. Empty otherwise.
    #[serde(default)]
    pub taken: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of a look, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanImported {
    /// In words.
    pub done: String,
    /// Hex SHA-256 of the file.
    pub sha256: String,
    /// The machine's name.
    pub name: String,
    /// The asset that the look was made at; empty where it is a host's, and in a dry run for a new one.
    pub asset_id: String,
    /// The enrolled host whose key signed it; empty where it is none's.
    pub host_id: String,
    /// `collected`, `signed` or `host-key`.
    pub vouched: String,
    /// When it was made, by the machine's clock.
    pub taken_ms: i64,
    /// `carries`, `unknown`, `free` or `replaced`.
    pub found: String,
    /// What judged it: revision of the rules.
    pub rules_revision: u64,
    /// Revision of the catalog.
    pub catalog_revision: u64,
    /// Whether it decides, or a later look does.
    pub is_newest: bool,
    /// Every product that was looked for.
    pub verdicts: Vec<VerdictView>,
}

/// A file that was read and judged.
#[derive(Clone)]
struct Read {
    sha256: String,
    vouched: Vouched,
    key_id: String,
    inventory: Inventory,
}

impl Service {
    /// Takes a look in that a person carried here, or says what would become of it. The same file again changes nothing.
    ///
    /// # Errors
    /// When the caller may not, the file is none, was changed or cut, or says that it was made in the future.
    pub async fn import_scan(&self, caller: Caller, ask: ScanImport) -> Result<ScanImported, ServiceError> {
        caller.must_be(Role::Operator)?;
        let service = self.clone();
        self.0.store.read(move |tx| service.open_campaign(tx)).await?;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(&ask.content)
            .map_err(|error| invalid(format!("the content is no base64: {error}")))?;
        let read = self.read_look(&bytes, &ask.taken)?;
        if ask.dry_run {
            let service = self.clone();
            return self.0.store.read(move |tx| service.preview_look(tx, &read)).await;
        }
        self.recognise_all().await?;
        let (service, by) = (self.clone(), self.personal_user(caller.name())?);
        let audited = self.personal_user(caller.name())?;
        let (asset_id, file_name) = (
            self.0.entropy.uuid(self.real_now_ms())?.to_string(),
            file_name(&ask.file_name),
        );
        self.0
            .store
            .write(move |tx| {
                service.open_campaign(tx)?;
                assets::take_turn(tx)?;
                if let Some(known) = imported_looks::load(tx, &read.sha256)? {
                    return service.known_look(tx, &known);
                }
                let (found, mut row) = service.judged(tx, &read)?;
                row.imported_by = by.mention().to_string();
                row.file_name.clone_from(&file_name);
                let done = match key_holder(tx, &read)? {
                    Some(host) => {
                        row.vouched = Vouched::HostKey.as_str().to_owned();
                        row.host_id.clone_from(&host.host_id);
                        let newest = imported_looks::of_host(tx, &host.host_id, 1)?;
                        let is_newest = newest.first().is_none_or(|newest| newest.taken_ms <= row.taken_ms);
                        by.keep(tx, &crate::store::StreamName::host(&host.host_id))?;
                        imported_looks::insert(tx, &row, &bytes)?;
                        service.look_imported(&row, &read, &host.name, is_newest)
                    }
                    None => {
                        let asset = service.attach(tx, &read, found, &asset_id)?;
                        row.asset_id.clone_from(&asset.asset_id);
                        by.keep(tx, &convert::stream(&asset.asset_id))?;
                        imported_looks::insert(tx, &row, &bytes)?;
                        service.place_around(tx, BTreeSet::from([Owner::Asset(asset.asset_id.clone())]))?;
                        let is_newest = convert::look(&asset)?.is_some_and(|newest| newest.sha256 == read.sha256);
                        service.look_imported(&row, &read, &asset.name, is_newest)
                    }
                };
                let detail = serde_json::json!({
                    "file": read.sha256, "asset": row.asset_id, "host": row.host_id, "found": found,
                    "vouched": row.vouched, "taken_ms": row.taken_ms,
                });
                service.audit(tx, ASSETS, &audited, "look-imported", detail)?;
                Ok(done)
            })
            .await
    }

    fn read_look(&self, bytes: &[u8], taken: &str) -> Result<Read, ServiceError> {
        if bytes.len() > MAX_BYTES {
            return Err(invalid(format!(
                "the file has {} bytes; {MAX_BYTES} are taken at most",
                bytes.len()
            )));
        }
        let sha256 = hex::encode(Sha256::digest(bytes));
        let read = if bytes.starts_with(scan_file::FIRST_LINE.as_bytes()) {
            if !taken.is_empty() {
                return Err(invalid(
                    "a signed scan says itself when it was made; leave --taken out".to_owned(),
                ));
            }
            let text = std::str::from_utf8(bytes)
                .map_err(|_| invalid("the signed scan is no text; it was changed on the way".to_owned()))?;
            let file = ScanFile::read(text).map_err(|error| invalid(format!("the file {error}")))?;
            Read {
                sha256,
                vouched: Vouched::Signed,
                key_id: file.key.key_id().to_owned(),
                inventory: file.inventory,
            }
        } else {
            let judged = collected::judge(bytes).map_err(|why| {
                invalid(format!(
                    "the file {why}. What is taken: a file of `cutover-agent scan --sign --out FILE`, or one that the collector \
                     (deploy/collector) wrote"
                ))
            })?;
            let taken_ms = match (judged.taken_ms, taken) {
                (Some(own), "") => own,
                (Some(_), _) => {
                    return Err(invalid(
                        "the collection says itself when it was gathered; leave --taken out".to_owned(),
                    ));
                }
                (None, "") => {
                    return Err(invalid(
                        "the collection does not say when it was gathered (there was no PowerShell); say it: --taken \
                         2026-01-31T12:00:00Z"
                            .to_owned(),
                    ));
                }
                (None, said) => said
                    .parse::<jiff::Timestamp>()
                    .map_err(|_| {
                        invalid(format!(
                            "`{said}` is no instant; write one with its zone, such as 2026-01-31T12:00:00Z"
                        ))
                    })?
                    .as_millisecond(),
            };
            Read {
                sha256,
                vouched: Vouched::Collected,
                key_id: String::new(),
                inventory: Inventory {
                    taken_at_ms: taken_ms,
                    ..judged.inventory
                },
            }
        };
        let taken_ms = read.inventory.taken_at_ms;
        if taken_ms > self.now_ms().saturating_add(AHEAD_MS) {
            return Err(invalid(format!(
                "the look says that it was made at {}, which is in the future; set that machine's clock and look again",
                instant(taken_ms)
            )));
        }
        if taken_ms < OLDEST_MS {
            return Err(invalid(format!(
                "the look says that it was made at {}; set that machine's clock and look again",
                instant(taken_ms)
            )));
        }
        if Identity::of_facts(&read.inventory.facts).is_empty() {
            return Err(invalid(
                "the look names no machine: neither serial number, UUID nor a name by which it could be recognised"
                    .to_owned(),
            ));
        }
        Ok(read)
    }

    /// What the rules in force make of it.
    fn judged(&self, db: &mut impl Reader, read: &Read) -> Result<(Found, LookRow), ServiceError> {
        let in_force = self.in_force(db)?;
        let found = Found::of(&judge::assess(
            &read.inventory,
            &cutover_core::plan::Known::default(),
            &in_force.campaign,
            &self.0.catalog,
        ));
        let row = LookRow {
            sha256: read.sha256.clone(),
            vouched: read.vouched.as_str().to_owned(),
            key_id: read.key_id.clone(),
            asset_id: String::new(),
            host_id: String::new(),
            file_name: String::new(),
            taken_ms: read.inventory.taken_at_ms,
            imported_ms: self.now_ms(),
            imported_by: String::new(),
            rules_revision: signed(read.inventory.rules_revision),
            catalog_revision: signed(self.0.catalog.revision),
            campaign_version: signed(version_of(&in_force)),
            found: found.as_str().to_owned(),
            inventory: convert::json(&read.inventory)?,
        };
        Ok((found, row))
    }

    /// The record of the machine, made if there is none, with the look where it is the newest.
    fn attach(&self, tx: &mut WriteTx<'_>, read: &Read, found: Found, new_id: &str) -> Result<AssetRow, ServiceError> {
        let (source, key) = named(read);
        let before = assets::by_keys(tx, source, [key.as_str()])?.pop();
        let mut row = before.clone().unwrap_or_else(|| self.unborn(source, &key, new_id));
        let known = convert::look(&row)?;
        let carried = found == Found::Carries || known.as_ref().is_some_and(|look| look.carried);
        let it = ImportedLook {
            sha256: read.sha256.clone(),
            vouched: read.vouched,
            taken_ms: read.inventory.taken_at_ms,
            imported_ms: self.now_ms(),
            found,
            carried,
        };
        let newest = match known {
            // An older look only adds that it was there once.
            Some(newest) if newest.taken_ms > it.taken_ms => ImportedLook { carried, ..newest },
            Some(_) | None => {
                let facts = &read.inventory.facts;
                row.name = if facts.hostname.is_empty() {
                    key
                } else {
                    facts.hostname.clone()
                };
                row.class = class(&read.inventory).as_str().to_owned();
                let identity = Identity::of_facts(facts);
                row.identity = convert::json(&identity)?;
                let old = before.as_ref().map(convert::identity).transpose()?.unwrap_or_default();
                if old != identity {
                    // Who was linked with it until now may be something else without it.
                    let mut around = identifiers::sharing(tx, &convert::pairs(&old))?;
                    let owner = Owner::Asset(row.asset_id.clone());
                    identifiers::set(tx, &owner, &convert::pairs(&identity))?;
                    around.remove(&owner);
                    self.store_look(tx, &mut row, &it, before.as_ref())?;
                    self.place_around(tx, around)?;
                    return Ok(row);
                }
                it
            }
        };
        self.store_look(tx, &mut row, &newest, before.as_ref())?;
        Ok(row)
    }

    fn store_look(
        &self,
        tx: &mut WriteTx<'_>,
        row: &mut AssetRow,
        newest: &ImportedLook,
        before: Option<&AssetRow>,
    ) -> Result<(), ServiceError> {
        row.look = convert::json(newest)?;
        row.updated_ms = self.now_ms();
        assets::put(tx, row, before.map_or("", |before| before.bucket.as_str()))?;
        Ok(())
    }

    /// What is said when a file is imported that was imported before.
    fn known_look(&self, db: &mut impl Reader, row: &LookRow) -> Result<ScanImported, ServiceError> {
        let inventory: Inventory = serde_json::from_str(&row.inventory).map_err(|error| ServiceError::Broken {
            why: format!("stored look {}: {error}", row.sha256),
        })?;
        let name = match hosts::load(db, &row.host_id)? {
            Some(host) => host.name,
            None => assets::load_all(db, [&row.asset_id])?
                .pop()
                .map_or_else(|| inventory.facts.hostname.clone(), |asset| asset.name),
        };
        Ok(ScanImported {
            done: format!(
                "this look at {name} was imported at {} already; nothing was changed",
                instant(row.imported_ms)
            ),
            is_newest: false,
            ..answer(row, &inventory, &name)
        })
    }

    fn look_imported(&self, row: &LookRow, read: &Read, name: &str, is_newest: bool) -> ScanImported {
        let of = if row.host_id.is_empty() { "machine" } else { "host" };
        let later = if is_newest {
            ""
        } else {
            "; it is kept, and a later look decides"
        };
        ScanImported {
            done: format!(
                "imported a look at {of} {name}, made at {}: {}, self-reported ({}){later}",
                instant(row.taken_ms),
                row.found,
                row.vouched
            ),
            is_newest,
            ..answer(row, &read.inventory, name)
        }
    }

    fn preview_look(&self, db: &mut impl Reader, read: &Read) -> Result<ScanImported, ServiceError> {
        if let Some(known) = imported_looks::load(db, &read.sha256)? {
            return self.known_look(db, &known);
        }
        let (_, mut row) = self.judged(db, read)?;
        let name = read.inventory.facts.hostname.clone();
        let what = if let Some(host) = key_holder(db, read)? {
            row.vouched = Vouched::HostKey.as_str().to_owned();
            row.host_id = host.host_id;
            format!("host {}, whose key signed it", host.name)
        } else {
            let (source, key) = named(read);
            let known = assets::by_keys(db, source, [key.as_str()])?.pop();
            let record = Record {
                asset_id: known
                    .as_ref()
                    .map_or_else(|| "new".to_owned(), |row| row.asset_id.clone()),
                source: source.to_owned(),
                identity: Identity::of_facts(&read.inventory.facts),
                pin: known.as_ref().map(convert::pin).transpose()?.flatten(),
            };
            row.asset_id = known.map(|row| row.asset_id).unwrap_or_default();
            let place = self.would_be(db, record)?;
            format!("a machine that is: {}", super::list::why(db, &place)?)
        };
        Ok(ScanImported {
            done: format!(
                "would import a look at {what}, made at {}: {}, self-reported ({})",
                instant(row.taken_ms),
                row.found,
                row.vouched
            ),
            is_newest: false,
            ..answer(&row, &read.inventory, &name)
        })
    }
}

fn invalid(why: String) -> ServiceError {
    ServiceError::Invalid { why }
}

/// A name for people, without the way to it.
fn file_name(text: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The enrolled host whose key signed it. A revoked key speaks for nobody.
fn key_holder(db: &mut impl Reader, read: &Read) -> Result<Option<hosts::HostRow>, ServiceError> {
    if read.key_id.is_empty() {
        return Ok(None);
    }
    match host_keys::load(db, &read.key_id)? {
        Some(key) if key.revoked_ms.is_none() => Ok(hosts::load(db, &key.host_id)?),
        Some(_) | None => Ok(None),
    }
}

/// Source and key of the record of the machine. What its firmware says stays; a key is as good as the machine's memory.
fn named(read: &Read) -> (&'static str, String) {
    let identity = Identity::of_facts(&read.inventory.facts);
    let source = match read.vouched {
        Vouched::Collected => COLLECTION,
        Vouched::Signed | Vouched::HostKey => SIGNED_SCAN,
    };
    let firmware = identity.iter().find(|it| it.kind <= IdentifierKind::Uuid);
    let key = match (firmware, read.key_id.as_str()) {
        (Some(Identifier { kind, value }), _) => format!("{kind}:{value}"),
        (None, "") => identity
            .iter()
            .next()
            .map_or_else(String::new, |it| format!("{}:{}", it.kind, it.value)),
        (None, key_id) => format!("key:{key_id}"),
    };
    (source, key)
}

fn class(inventory: &Inventory) -> coverage::import::Class {
    let is_server = inventory.facts.os_family == OsFamily::Windows && inventory.facts.os_name.contains("Server");
    if is_server {
        coverage::import::Class::Server
    } else {
        coverage::import::Class::Other
    }
}

fn answer(row: &LookRow, inventory: &Inventory, name: &str) -> ScanImported {
    ScanImported {
        done: String::new(),
        sha256: row.sha256.clone(),
        name: name.to_owned(),
        asset_id: row.asset_id.clone(),
        host_id: row.host_id.clone(),
        vouched: row.vouched.clone(),
        taken_ms: row.taken_ms,
        found: row.found.clone(),
        rules_revision: inventory.rules_revision,
        catalog_revision: u64::try_from(row.catalog_revision).unwrap_or_default(),
        is_newest: false,
        verdicts: every_verdict(inventory),
    }
}
