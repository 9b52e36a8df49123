//! An export becomes assets: all lines or none, unless bad ones are to be left out.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use cutover_core::coverage::{
    Place,
    import::{self, Fault, Mapping, Preset, Row, TargetSeen},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        Caller, Service, ServiceError,
        access::Role,
        personal::{PersonalValue, revealed},
    },
    ASSETS,
    convert::{self, Said},
    looks,
};
use crate::store::{
    WriteTx,
    assets::{self, AssetRow},
    earlier_records::{self, RecordRow},
    identifiers::{self, Owner},
};

/// Rows of one transaction.
const CHUNK: usize = 500;

/// So many faults, and missing assets, are said in one answer.
const NAMED: usize = 200;

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetImport {
    /// Who says it: the next import of this source updates the same assets.
    pub source: String,
    /// A preset's name; empty: none.
    #[serde(default)]
    pub preset: String,
    /// A mapping as TOML; goes before the preset's.
    #[serde(default)]
    pub mapping: String,
    /// The file, in base64.
    pub content: String,
    /// Leave lines out that are wrong.
    #[serde(default)]
    pub skip_bad: bool,
    /// It is a record from before: what it says of the product is attested evidence for the date proof, and is not what is so
    /// now. Then until when it speaks, RFC 3339: when the export was made. Empty otherwise.
    #[serde(default)]
    pub evidence_of: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// A line that is wrong.
pub type NamedFault = Fault;

/// What became of an import, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetsImported {
    /// In words.
    pub done: String,
    /// Hex SHA-256 of the file.
    pub sha256: String,
    /// Assets that were not known.
    pub new: usize,
    /// Assets that were.
    pub updated: usize,
    /// Of the file's: those that are an enrolled host.
    pub hosts: usize,
    /// Those that another source names, too, and that count there.
    pub same: usize,
    /// Those that are no host: unknown until somebody attests them.
    pub alone: usize,
    /// Those that a person must decide.
    pub ambiguous: usize,
    /// How many of this source the file no longer names; they stay, and count.
    pub missing_count: usize,
    /// Their names, the first of them.
    pub missing: Vec<String>,
    /// How many lines are wrong.
    pub fault_count: usize,
    /// They, the first of them.
    pub faults: Vec<NamedFault>,
    /// Which column each field came from.
    pub columns: Vec<(String, String)>,
    /// How many lines attest what was so at a time, where it is a record from before.
    #[serde(default)]
    pub attested: usize,
    /// What was not taken.
    pub notes: Vec<String>,
    /// What nobody has confirmed of the preset.
    pub unconfirmed: Vec<String>,
}

/// A row with what it needs of the edge.
#[derive(Clone)]
struct Prepared {
    row: Row,
    /// What it says of an earlier time.
    earlier: Option<(i64, TargetSeen)>,
    asset_id: String,
    owner: Option<PersonalValue>,
}

impl Service {
    /// Imports an export, or says what would become of it. The same file again changes nothing.
    ///
    /// # Errors
    /// When the caller may not, the mapping or the file cannot be read, or lines are wrong and are not to be left out: then
    /// nothing is imported.
    pub async fn import_assets(&self, caller: Caller, ask: AssetImport) -> Result<AssetsImported, ServiceError> {
        caller.must_be(Role::Operator)?;
        check_source(&ask.source)?;
        let service = self.clone();
        self.0.store.read(move |tx| service.open_campaign(tx)).await?;
        let (mapping, unconfirmed) = mapping(&ask)?;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(&ask.content)
            .map_err(|error| invalid(format!("the content is no base64: {error}")))?;
        let read = import::read(&bytes, &mapping).map_err(|error| invalid(error.to_string()))?;
        let evidence_ms = evidence_of(&ask.evidence_of, self.now_ms())?;
        let mut done = AssetsImported {
            sha256: hex::encode(Sha256::digest(&bytes)),
            fault_count: read.faults.len(),
            columns: read
                .used
                .iter()
                .map(|(field, column)| (field.to_string(), column.clone()))
                .collect(),
            notes: read.notes,
            unconfirmed,
            ..AssetsImported::default()
        };
        if !read.faults.is_empty() && !ask.skip_bad && !ask.dry_run {
            return Err(invalid(refusal(&read.faults)));
        }
        done.faults = read.faults.into_iter().take(NAMED).collect();
        if ask.dry_run {
            let (service, source) = (self.clone(), ask.source.clone());
            let mut done = self
                .0
                .store
                .read(move |tx| {
                    let mut done = done.clone();
                    service.preview(tx, &source, &read.rows, &mut done)?;
                    Ok::<_, ServiceError>(done)
                })
                .await?;
            done.missing_count = done.missing.len();
            done.missing.truncate(NAMED);
            done.done = sentence(&done, &ask.source, true);
            return Ok(done);
        }
        self.recognise_all().await?;
        let import_id = self.0.entropy.uuid(self.real_now_ms())?.to_string();
        for chunk in read.rows.chunks(CHUNK) {
            let prepared = self.prepared(chunk, evidence_ms)?;
            let (service, source, import_id) = (self.clone(), ask.source.clone(), import_id.clone());
            let (by, sha256) = (self.personal_user(caller.name())?, done.sha256.clone());
            let part = self
                .0
                .store
                .write(move |tx| {
                    service.open_campaign(tx)?;
                    let done = service.import_chunk(tx, &source, &import_id, &prepared)?;
                    let attested = service.keep_earlier(tx, &source, &sha256, &by, &prepared)?;
                    let rows: Vec<&Row> = prepared.iter().map(|it| &it.row).collect();
                    service.keep_disk_reports(tx, &source, &sha256, &by, &rows)?;
                    Ok::<_, ServiceError>(AssetsImported { attested, ..done })
                })
                .await?;
            done.attested += part.attested;
            done.new += part.new;
            done.updated += part.updated;
            done.hosts += part.hosts;
            done.same += part.same;
            done.alone += part.alone;
            done.ambiguous += part.ambiguous;
        }
        self.end_import(caller, &ask.source, &import_id, &mut done).await?;
        done.done = sentence(&done, &ask.source, false);
        Ok(done)
    }

    fn prepared(&self, rows: &[Row], evidence_ms: Option<i64>) -> Result<Vec<Prepared>, ServiceError> {
        rows.iter()
            .map(|row| {
                let mut row = row.clone();
                let earlier = evidence_ms.and_then(|made_ms| {
                    // A console knows a machine as it was when it last heard of it.
                    let at_ms = row.last_seen_ms.map_or(made_ms, |seen| seen.min(made_ms));
                    row.target.take().map(|target| (at_ms, target))
                });
                if evidence_ms.is_some() {
                    // What was so then says nothing of now.
                    (row.health, row.active, row.encryption) = (None, None, None);
                }
                let owner_name = row.owner.clone();
                Ok(Prepared {
                    row,
                    earlier,
                    asset_id: self.0.entropy.uuid(self.real_now_ms())?.to_string(),
                    owner: (!owner_name.is_empty())
                        .then(|| self.personal_user(&owner_name))
                        .transpose()?,
                })
            })
            .collect()
    }

    fn import_chunk(
        &self,
        tx: &mut WriteTx<'_>,
        source: &str,
        import_id: &str,
        prepared: &[Prepared],
    ) -> Result<AssetsImported, ServiceError> {
        assets::take_turn(tx)?;
        let keys = prepared.iter().map(|it| it.row.key.as_str());
        let known: BTreeMap<String, AssetRow> = assets::by_keys(tx, source, keys)?
            .into_iter()
            .map(|row| (row.source_key.clone(), row))
            .collect();
        let (mut done, mut around, mut written) = (AssetsImported::default(), BTreeSet::new(), Vec::new());
        for it in prepared {
            let before = known.get(&it.row.key);
            let mut row = before
                .cloned()
                .unwrap_or_else(|| self.unborn(source, &it.row.key, &it.asset_id));
            if before.is_some() {
                done.updated += 1;
            } else {
                done.new += 1;
            }
            self.take_in(tx, &mut row, it)?;
            let owner = Owner::Asset(row.asset_id.clone());
            let pairs = convert::pairs(&it.row.identity);
            if before.is_none_or(|before| before.identity != row.identity) {
                let old = before.map(convert::identity).transpose()?.unwrap_or_default();
                around.extend(identifiers::sharing(tx, &convert::pairs(&old))?);
                identifiers::set(tx, &owner, &pairs)?;
                around.insert(owner);
            } else if before.is_some_and(|before| before.said != row.said || before.missing_ms.is_some()) {
                around.insert(owner);
            }
            let is_told = before != Some(&row);
            row.import_id = import_id.to_owned();
            row.missing_ms = None;
            if is_told {
                row.updated_ms = self.now_ms();
            }
            assets::put(tx, &row, before.map_or("", |before| before.bucket.as_str()))?;
            written.push(row.asset_id);
        }
        self.place_around(tx, around)?;
        for row in assets::load_all(tx, &written)? {
            done.count(&convert::place(&row)?);
        }
        Ok(done)
    }

    /// Keeps what the lines say of an earlier time, for the assets that they have become.
    fn keep_earlier(
        &self,
        tx: &mut WriteTx<'_>,
        source: &str,
        sha256: &str,
        by: &PersonalValue,
        prepared: &[Prepared],
    ) -> Result<usize, ServiceError> {
        let says: BTreeMap<&str, (i64, TargetSeen)> = prepared
            .iter()
            .filter_map(|it| Some((it.row.key.as_str(), it.earlier?)))
            .collect();
        let mut count = 0;
        for asset in assets::by_keys(tx, source, says.keys().copied())? {
            let Some((at_ms, target)) = says.get(asset.source_key.as_str()) else {
                continue;
            };
            by.keep(tx, &convert::stream(&asset.asset_id))?;
            let row = RecordRow {
                asset_id: asset.asset_id,
                source: source.to_owned(),
                sha256: sha256.to_owned(),
                at_ms: *at_ms,
                says: target.as_str().to_owned(),
                imported_ms: self.now_ms(),
                imported_by: by.mention().to_string(),
            };
            earlier_records::insert(tx, &row)?;
            count += 1;
        }
        Ok(count)
    }

    /// An asset before its first row: alone, and unknown.
    pub(super) fn unborn(&self, source: &str, key: &str, asset_id: &str) -> AssetRow {
        AssetRow {
            asset_id: asset_id.to_owned(),
            source: source.to_owned(),
            source_key: key.to_owned(),
            name: String::new(),
            class: String::new(),
            owner: String::new(),
            said: "{}".to_owned(),
            identity: String::new(),
            pin: String::new(),
            place: "{\"is\":\"alone\"}".to_owned(),
            is_word: convert::is_word(&Place::Alone).to_owned(),
            host_id: String::new(),
            bucket: "unknown".to_owned(),
            claim: String::new(),
            claimed_by: String::new(),
            claimed_why: String::new(),
            claim_ends_ms: None,
            wake_at_ms: None,
            import_id: String::new(),
            first_ms: self.now_ms(),
            updated_ms: self.now_ms(),
            missing_ms: None,
            look: String::new(),
            seen: String::new(),
            claimed_ms: None,
        }
    }

    fn take_in(&self, tx: &mut WriteTx<'_>, row: &mut AssetRow, it: &Prepared) -> Result<(), ServiceError> {
        row.name.clone_from(&it.row.name);
        it.row.class.as_str().clone_into(&mut row.class);
        row.said = convert::json(&Said::of(&it.row))?;
        row.identity = convert::json(&it.row.identity)?;
        let known = revealed(tx, row.owner.clone())?;
        match &it.owner {
            None => row.owner.clear(),
            Some(owner) if known != it.row.owner => {
                owner.keep(tx, &convert::stream(&row.asset_id))?;
                row.owner = owner.mention().to_string();
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Notes which assets of the source the file no longer names, and that it was imported.
    async fn end_import(
        &self,
        caller: Caller,
        source: &str,
        import_id: &str,
        done: &mut AssetsImported,
    ) -> Result<(), ServiceError> {
        loop {
            let (service, source, import_id) = (self.clone(), source.to_owned(), import_id.to_owned());
            let gone = self
                .0
                .store
                .write(move |tx| {
                    assets::take_turn(tx)?;
                    let gone = assets::not_named(tx, &source, &import_id, 500)?;
                    for before in &gone {
                        let row = AssetRow {
                            missing_ms: Some(service.now_ms()),
                            ..before.clone()
                        };
                        assets::put(tx, &row, &before.bucket)?;
                    }
                    let around = gone.iter().map(|row| Owner::Asset(row.asset_id.clone())).collect();
                    service.place_around(tx, around)?;
                    Ok::<_, ServiceError>(gone)
                })
                .await?;
            if gone.is_empty() {
                break;
            }
        }
        let (service, by) = (self.clone(), self.personal_user(caller.name())?);
        let (source, import_id) = (source.to_owned(), import_id.to_owned());
        let detail = serde_json::json!({
            "source": source, "import": import_id, "file": done.sha256,
            "attested": done.attested, "new": done.new, "updated": done.updated, "left_out": done.fault_count,
        });
        let missing = self
            .0
            .store
            .write(move |tx| {
                service.audit(tx, ASSETS, &by, "assets-imported", detail.clone())?;
                let filter = assets::AssetFilter {
                    source: Some(source.clone()),
                    missing: true,
                    ..assets::AssetFilter::default()
                };
                Ok::<_, ServiceError>(assets::list(tx, &filter, None, i64::from(u32::MAX))?)
            })
            .await?;
        done.missing_count = missing.len();
        done.missing = missing.into_iter().take(NAMED).map(|row| row.name).collect();
        Ok(())
    }
}

fn invalid(why: String) -> ServiceError {
    ServiceError::Invalid { why }
}

/// Until when an earlier record speaks; `None` where the export says what is so now.
fn evidence_of(text: &str, now_ms: i64) -> Result<Option<i64>, ServiceError> {
    if text.is_empty() {
        return Ok(None);
    }
    let made: jiff::Timestamp = text.parse().map_err(|_| {
        invalid(format!(
            "`{text}` is no instant; say with its zone when the export was made, such as 2024-09-20T12:00:00Z"
        ))
    })?;
    if made.as_millisecond() > now_ms {
        return Err(invalid(format!(
            "{made} is in the future; an earlier record was made before now"
        )));
    }
    Ok(Some(made.as_millisecond()))
}

fn check_source(source: &str) -> Result<(), ServiceError> {
    let is_word = source
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if looks::SOURCES.contains(&source) {
        return Err(invalid(format!(
            "`{source}` is what imported looks are called; name the export otherwise"
        )));
    }
    if (1..=40).contains(&source.len()) && is_word {
        Ok(())
    } else {
        Err(invalid(format!(
            "`{source}` is no name for a source; write up to 40 small letters, digits and dashes, such as ad or ksc-berlin"
        )))
    }
}

fn mapping(ask: &AssetImport) -> Result<(Mapping, Vec<String>), ServiceError> {
    let own = Mapping::parse(&ask.mapping).map_err(|error| invalid(error.to_string()))?;
    if ask.preset.is_empty() {
        return Ok((own, Vec::new()));
    }
    let preset = Preset::named(&ask.preset).map_err(|error| invalid(error.to_string()))?;
    Ok((own.over(preset.mapping), preset.unconfirmed))
}

fn refusal(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults
        .iter()
        .take(20)
        .map(|fault| format!("line {}: {}", fault.line, fault.why))
        .collect();
    let more = if faults.len() > lines.len() { "\n…" } else { "" };
    format!(
        "{} lines are wrong and nothing was imported; correct them, or leave them out by --skip-bad\n{}{more}",
        faults.len(),
        lines.join("\n")
    )
}

fn sentence(done: &AssetsImported, source: &str, would: bool) -> String {
    let verb = if would { "would import" } else { "imported" };
    format!(
        "{verb} {} assets of {source}: {} new, {} known; {} are hosts, {} are another source's machine, {} have no agent, {} \
         are ambiguous; {} are no longer named; {} lines left out",
        done.new + done.updated,
        done.new,
        done.updated,
        done.hosts,
        done.same,
        done.alone,
        done.ambiguous,
        done.missing_count,
        done.fault_count
    )
}
