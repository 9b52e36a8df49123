//! What artifacts are for: package files bound to products, and the shelf that orders are made from.
//!
//! A check-in that changes nothing reads no more for it: the campaign's row, which is read anyhow, names the shelf, and a
//! shelf that is known by its name is not read again.

use std::sync::{Arc, Mutex, PoisonError};

use cutover_core::{
    campaign::Campaign,
    catalog::{Shelf, Shelved, System, files_to_come},
    plan::Plan,
};
use cutover_proto::{artifact::ArtifactRef, ids::ProductId, package_file::PackageName, v1};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError, access::Role, handle::PLAN_CHANGED, personal::PersonalValue, plan_edit::unsigned,
};
use crate::store::{Reader, StreamName, WriteTx, artifact_uses, campaigns, events};

/// Files of one call; a product and what it needs beside it is some dozens.
const FILES_MAX: usize = 200;

/// The longest version.
const VERSION_MAX: usize = 64;

/// A file that is bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsedFile {
    /// As package files are called.
    pub file_name: String,
    /// Which artifact; hex.
    pub sha256: String,
}

/// What files are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewArtifactUse {
    /// The product that they make.
    pub product: String,
    /// As the operator calls it; files of one product and version go together.
    pub version: String,
    /// Systems that they are for, such as `debian:12`; empty: every one.
    #[serde(default)]
    pub systems: Vec<String>,
    /// Directories of mirrors that have them under their names; asked before the server.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// All of them.
    pub files: Vec<UsedFile>,
    /// Only say what would be done; the artifacts need not be there yet.
    #[serde(default)]
    pub dry_run: bool,
}

/// What an artifact is for, as listings show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactUse {
    /// The product that it makes, with the others of the same version.
    pub product: String,
    /// As the operator calls it.
    pub version: String,
    /// Systems that it is for; empty: every one.
    pub systems: Vec<System>,
    /// Server time, in milliseconds since the epoch.
    pub bound_ms: i64,
}

impl ArtifactUse {
    pub(super) fn read(row: &artifact_uses::ArtifactUseRow) -> Result<Self, ServiceError> {
        Ok(Self {
            product: row.product.clone(),
            version: row.version.clone(),
            systems: from_json(&row.systems)?,
            bound_ms: row.bound_ms,
        })
    }
}

/// What was read of shelves.
#[derive(Debug, Default)]
pub(super) struct ShelfCache {
    /// The newest by its name.
    named: Mutex<(String, Arc<Shelf>)>,
    /// What was in force when somebody last asked: good enough for hints, and for nothing else.
    newest: Mutex<Option<(Arc<Campaign>, Arc<Shelf>)>>,
}

/// What was asked, checked.
struct Checked {
    version: String,
    systems: Vec<System>,
    files: Vec<ArtifactRef>,
}

impl Service {
    /// The shelf of this name, as the transaction sees it.
    pub(super) fn shelf(
        &self,
        db: &mut impl Reader,
        name: &str,
        campaign: &Arc<Campaign>,
    ) -> Result<Arc<Shelf>, ServiceError> {
        let cache = &self.0.shelf;
        let known = {
            let named = cache.named.lock().unwrap_or_else(PoisonError::into_inner);
            (named.0 == name).then(|| Arc::clone(&named.1))
        };
        let shelf = match known {
            Some(shelf) => shelf,
            None => {
                let shelf = Arc::new(read_shelf(db)?);
                *cache.named.lock().unwrap_or_else(PoisonError::into_inner) = (name.to_owned(), Arc::clone(&shelf));
                shelf
            }
        };
        let newest = (Arc::clone(campaign), Arc::clone(&shelf));
        *cache.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest);
        Ok(shelf)
    }

    /// Files that the host may fetch ahead. Read from nothing: what is a moment old costs a download later, and no more.
    pub(super) fn hints(&self, plan: &Plan) -> Vec<v1::ArtifactRef> {
        let newest = self
            .0
            .shelf
            .newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some((campaign, shelf)) = newest else {
            return Vec::new();
        };
        files_to_come(plan, &campaign, &self.0.catalog, &shelf)
            .into_iter()
            .map(Into::into)
            .collect()
    }

    /// Binds artifacts to a product, all of them or none; says what was done, or would be. Hosts that waited for them go on
    /// with their next check-in.
    ///
    /// # Errors
    /// When the caller may not, no recipe installs the product from files, a name is not as it should be, or an artifact is
    /// not there.
    pub async fn use_artifacts(&self, caller: Caller, new: NewArtifactUse) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let service = self.clone();
        self.0.store.read(move |tx| service.open_campaign(tx)).await?;
        let product = self.product_of_files(&new.product)?;
        let mut checked = checked(&new)?;
        let what = format!("{} of {product} {}", count(checked.files.len()), checked.version);
        if new.dry_run {
            return Ok(format!("would bind {what}"));
        }
        for file in &mut checked.files {
            let found = self.open_artifact(&file.sha256).await?;
            let found = found.ok_or_else(|| ServiceError::Invalid {
                why: format!(
                    "artifact {} ({}) is not on the server; add it first",
                    file.sha256, file.file_name
                ),
            })?;
            file.size = found.size;
        }
        let (service, by) = (self.clone(), self.personal_user(caller.name())?);
        let name = self.0.entropy.hex::<16>()?;
        self.0
            .store
            .write(move |tx| service.bind(tx, &product, &checked, &by, &name))
            .await?;
        Ok(format!("bound {what}"))
    }

    fn product_of_files(&self, product: &str) -> Result<ProductId, ServiceError> {
        let catalog = &self.0.catalog;
        let from_files = |it: &&ProductId| {
            catalog
                .installation(it)
                .is_some_and(|install| !install.artifacts.is_empty())
        };
        let mut known = catalog.recipes.keys().filter(from_files);
        known.clone().find(|it| it.as_str() == product).cloned().ok_or_else(|| {
            let known: Vec<&str> = known.by_ref().map(ProductId::as_str).collect();
            ServiceError::Invalid {
                why: format!(
                    "no recipe installs `{product}` from files; these do: {}",
                    known.join(", ")
                ),
            }
        })
    }

    fn bind(
        &self,
        tx: &mut WriteTx<'_>,
        product: &ProductId,
        checked: &Checked,
        by: &PersonalValue,
        name: &str,
    ) -> Result<(), ServiceError> {
        let mut in_force = self.open_campaign(tx)?;
        let (stream, seq, now_ms) = (
            StreamName::campaign(self.campaign_id().as_str()),
            in_force.row.seq,
            self.now_ms(),
        );
        by.keep(tx, &stream)?;
        let files: Vec<String> = checked.files.iter().map(|file| file.sha256.to_string()).collect();
        let event = events::NewEvent {
            kind: "artifacts-bound".to_owned(),
            schema_version: 1,
            body: serde_json::json!({
                "product": product, "version": checked.version, "systems": checked.systems, "files": files, "by": by.mention(),
            })
            .to_string(),
            at_ms: now_ms,
            agent_at_ms: None,
        };
        events::append(tx, &stream, seq, &[event])?;
        for file in &checked.files {
            let row = artifact_uses::ArtifactUseRow {
                product: product.to_string(),
                version: checked.version.clone(),
                sha256: file.sha256.to_string(),
                size: super::plan_edit::signed(file.size),
                file_name: file.file_name.clone(),
                systems: to_json(&checked.systems)?,
                urls: to_json(&file.urls)?,
                bound_by: by.mention().to_string(),
                bound_ms: now_ms,
            };
            artifact_uses::put(tx, &row)?;
        }
        name.clone_into(&mut in_force.progress.shelf);
        let mut row = in_force.row.clone();
        row.seq = seq + 1;
        row.updated_ms = now_ms;
        row.progress = to_json(&in_force.progress)?;
        campaigns::compare_and_set(tx, seq, &row)?;
        tx.after_commit(PLAN_CHANGED);
        Ok(())
    }
}

fn read_shelf(db: &mut impl Reader) -> Result<Shelf, ServiceError> {
    let shelved = |row: artifact_uses::ArtifactUseRow| -> Result<Shelved, ServiceError> {
        Ok(Shelved {
            systems: from_json(&row.systems)?,
            artifact: ArtifactRef {
                sha256: row.sha256.parse().map_err(super::campaign::broken_id)?,
                size: unsigned(row.size),
                file_name: row.file_name,
                urls: from_json(&row.urls)?,
            },
            product: ProductId::new(row.product),
            version: row.version,
            bound_ms: row.bound_ms,
        })
    };
    let rows = artifact_uses::list(db)?;
    rows.into_iter().map(shelved).collect::<Result<_, _>>().map(Shelf::new)
}

fn checked(new: &NewArtifactUse) -> Result<Checked, ServiceError> {
    let invalid = |why: String| ServiceError::Invalid { why };
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.~_:".contains(c);
    let version = &new.version;
    if version.is_empty() || version.len() > VERSION_MAX || !version.chars().all(plain) {
        return Err(invalid(format!(
            "`{version}` is no version; it takes up to {VERSION_MAX} letters, digits and + - . ~ _ :"
        )));
    }
    if new.files.is_empty() || new.files.len() > FILES_MAX {
        return Err(invalid(format!("one call binds 1 to {FILES_MAX} files")));
    }
    let systems = new.systems.iter().map(|text| text.parse().map_err(invalid));
    let file = |used: &UsedFile| {
        let file = ArtifactRef {
            sha256: used.sha256.parse()?,
            // Its own is put in when the artifact is found.
            size: 1,
            file_name: used.file_name.clone(),
            urls: new
                .mirrors
                .iter()
                .map(|mirror| format!("{}/{}", mirror.trim_end_matches('/'), used.file_name))
                .collect(),
        };
        file.check()?;
        Ok(file)
    };
    let files = new.files.iter().map(|used| {
        let file = file(used).map_err(|error: cutover_proto::WireError| invalid(error.to_string()))?;
        if PackageName::read(&file.file_name).is_none() {
            return Err(invalid(format!(
                "`{}` is not called as package files are, so nobody could tell what it installs; rename it to \
                 NAME_VERSION_ARCHITECTURE.deb or NAME-VERSION-RELEASE.ARCHITECTURE.rpm",
                file.file_name
            )));
        }
        Ok(file)
    });
    Ok(Checked {
        version: version.clone(),
        systems: systems.collect::<Result<_, _>>()?,
        files: files.collect::<Result<_, _>>()?,
    })
}

fn count(files: usize) -> String {
    if files == 1 {
        "1 file".to_owned()
    } else {
        format!("{files} files")
    }
}

fn to_json(value: &impl Serialize) -> Result<String, ServiceError> {
    serde_json::to_string(value).map_err(|error| broken(&error))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ServiceError> {
    serde_json::from_str(text).map_err(|error| broken(&error))
}

fn broken(error: &serde_json::Error) -> ServiceError {
    ServiceError::Broken {
        why: format!("stored use of an artifact cannot be read or written by this version: {error}"),
    }
}
