//! Artifacts: added by operators, fetched by hosts. What is listed is whole and on disk.

use std::path::PathBuf;

use axum::body::Bytes;
use cutover_proto::artifact::{ArtifactDigest, check_file_name};
use futures_util::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::fs::File;

use super::{ArtifactUse, Caller, Service, ServiceError, access::Role, personal::all_revealed};
use crate::store::{ArtifactFiles, FilesError, Incoming, artifact_uses, artifacts};

/// Subject of the audit.
const ARTIFACTS: &str = "artifacts";

/// Rows on a page.
const PAGE: usize = 100;

const MIB: u64 = 1 << 20;

/// Where artifacts lie, and how large one may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactSettings {
    /// The directory.
    pub directory: PathBuf,
    /// The largest, MiB.
    pub max_mib: u64,
}

/// What is said of an artifact that comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewArtifact {
    /// As package files are called.
    pub file_name: String,
    /// What its bytes must hash to; hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How many bytes come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Only say what would be done; nothing of the body is read.
    #[serde(default)]
    pub dry_run: bool,
}

/// An artifact as listings show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactView {
    /// Hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// As it was first added.
    pub file_name: String,
    /// `deb`, `rpm` or `other`.
    pub kind: String,
    /// Who added it.
    pub added_by: String,
    /// Server time, in milliseconds since the epoch.
    pub added_ms: i64,
    /// What it is for.
    #[serde(default)]
    pub uses: Vec<ArtifactUse>,
}

/// One page of artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactList {
    /// By hash.
    pub artifacts: Vec<ArtifactView>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// Where a listing begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArtifactFilter {
    /// What the page before gave as `next`.
    pub after: Option<String>,
}

/// What became of an artifact that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactAdded {
    /// What was done, or would be.
    pub done: String,
    /// The hash, where it is known.
    pub sha256: Option<String>,
    /// Whether the server has it now.
    pub is_here: bool,
}

/// An artifact, opened for a host.
#[derive(Debug)]
pub struct OpenArtifact {
    /// Its bytes.
    pub file: File,
    /// How many.
    pub size: u64,
}

/// What was said, checked.
struct Announced {
    file_name: String,
    sha256: Option<ArtifactDigest>,
}

impl Service {
    /// Takes an artifact: its bytes come as `body`, are hashed on their way to disk, and count once all are there. The same
    /// content again changes nothing.
    ///
    /// # Errors
    /// When the caller may not, a name, hash or size is not as it should be, or the bytes do not come or cannot be kept:
    /// then nothing is.
    pub async fn add_artifact<E: std::fmt::Display>(
        &self,
        caller: Caller,
        new: NewArtifact,
        body: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<ArtifactAdded, ServiceError> {
        caller.must_be(Role::Operator)?;
        let announced = self.check_announced(&new)?;
        if let Some(digest) = &announced.sha256
            && self.has_artifact(digest).await?
        {
            return Ok(added(digest, format!("{digest} is here already; nothing to do")));
        }
        if new.dry_run {
            let size = new.size.map_or_else(String::new, |size| format!(" of {size} bytes"));
            return Ok(ArtifactAdded {
                done: format!("would add {}{size}", new.file_name),
                sha256: announced.sha256.map(|digest| digest.to_string()),
                is_here: false,
            });
        }
        let files = &self.0.artifact_files;
        let name = self.0.entropy.hex::<16>()?;
        let incoming = files.begin(&name, self.real_now_ms()).await.map_err(no_room)?;
        let incoming = self.receive(incoming, &new, announced.sha256, body).await?;
        let size = incoming.size();
        let digest = incoming.digest();
        if self.has_artifact(&digest).await? {
            return Ok(added(&digest, format!("{digest} is here already; nothing to do")));
        }
        files.keep(incoming).await.map_err(no_room)?;
        let is_new = self.note_artifact(&caller, &announced.file_name, digest, size).await?;
        Ok(added(
            &digest,
            if is_new {
                format!("added {} as {digest}, {size} bytes", announced.file_name)
            } else {
                format!(
                    "added {} again as {digest}: the server's own file was lost or spoiled",
                    announced.file_name
                )
            },
        ))
    }

    fn check_announced(&self, new: &NewArtifact) -> Result<Announced, ServiceError> {
        let invalid = |error: cutover_proto::WireError| ServiceError::Invalid { why: error.to_string() };
        check_file_name(&new.file_name).map_err(invalid)?;
        if let Some(size) = new.size {
            self.check_size(size)?;
        }
        let sha256 = new.sha256.as_deref().map(str::parse).transpose().map_err(invalid)?;
        Ok(Announced {
            file_name: new.file_name.clone(),
            sha256,
        })
    }

    fn check_size(&self, size: u64) -> Result<(), ServiceError> {
        let max_mib = self.0.artifacts.max_mib;
        let why = if size == 0 {
            "an artifact has at least one byte".to_owned()
        } else if size > max_mib.saturating_mul(MIB) {
            format!("an artifact may have {max_mib} MiB; raise artifacts.max_mib in the server's configuration")
        } else {
            return Ok(());
        };
        Err(ServiceError::Invalid { why })
    }

    /// Writes what comes, and checks it against what was said of it.
    async fn receive<E: std::fmt::Display>(
        &self,
        mut incoming: Incoming,
        new: &NewArtifact,
        expected: Option<ArtifactDigest>,
        body: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<Incoming, ServiceError> {
        let mut body = std::pin::pin!(body);
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| ServiceError::Invalid {
                why: format!("the upload ended before its end ({error}); nothing was kept, send it again"),
            })?;
            incoming.write(&part).await.map_err(no_room)?;
            // An endless body must not fill the disk.
            self.check_size(incoming.size())?;
        }
        let (size, digest) = (incoming.size(), incoming.digest());
        self.check_size(size)?;
        if let Some(announced) = new.size.filter(|announced| *announced != size) {
            let why = format!("{announced} bytes were announced and {size} came; nothing was kept, send it again");
            return Err(ServiceError::Invalid { why });
        }
        match expected.filter(|expected| *expected != digest) {
            Some(expected) => Err(ServiceError::Invalid {
                why: format!(
                    "the bytes hash to {digest} and not to {expected}; nothing was kept. Get the file from its vendor again"
                ),
            }),
            None => Ok(incoming),
        }
    }

    /// Whether it is listed and its file still is what was added: whoever adds it again mends what a disk or a hand spoiled.
    async fn has_artifact(&self, digest: &ArtifactDigest) -> Result<bool, ServiceError> {
        let row = self.artifact_row(digest).await?;
        if row.is_none() {
            return Ok(false);
        }
        let found = self.0.artifact_files.hash(digest).await.map_err(unreadable)?;
        let is_whole = found == Some(*digest);
        if !is_whole {
            tracing::warn!(%digest, is_there = found.is_some(), "a listed artifact is not what was added");
        }
        Ok(is_whole)
    }

    pub(super) async fn artifact_row(
        &self,
        digest: &ArtifactDigest,
    ) -> Result<Option<artifacts::ArtifactRow>, ServiceError> {
        let sha256 = digest.to_string();
        self.0
            .store
            .read(move |tx| Ok::<_, ServiceError>(artifacts::load(tx, &sha256)?))
            .await
    }

    async fn note_artifact(
        &self,
        caller: &Caller,
        file_name: &str,
        digest: ArtifactDigest,
        size: u64,
    ) -> Result<bool, ServiceError> {
        let by = self.personal_user(caller.name())?;
        let row = artifacts::ArtifactRow {
            sha256: digest.to_string(),
            size: super::plan_edit::signed(size),
            kind: kind(file_name).to_owned(),
            file_name: file_name.to_owned(),
            added_by: by.mention().to_string(),
            added_ms: self.now_ms(),
        };
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                if !artifacts::insert(tx, &row)? {
                    return Ok(false);
                }
                let detail = serde_json::json!({ "sha256": row.sha256, "size": row.size, "file_name": row.file_name });
                service.audit(tx, ARTIFACTS, &by, "artifact-added", detail)?;
                Ok::<_, ServiceError>(true)
            })
            .await
    }

    /// One page of artifacts, by hash.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn artifacts(&self, filter: ArtifactFilter) -> Result<ArtifactList, ServiceError> {
        self.0
            .store
            .read(move |tx| {
                let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
                let mut rows = artifacts::list(tx, filter.after.as_deref(), limit)?;
                let is_more = rows.len() > PAGE;
                rows.truncate(PAGE);
                let next = rows.last().filter(|_| is_more).map(|row| row.sha256.clone());
                let names = all_revealed(tx, rows.iter().map(|row| row.added_by.clone()).collect())?;
                let mut artifacts: Vec<ArtifactView> = rows.into_iter().zip(names).map(view).collect();
                for used in artifact_uses::list(tx)? {
                    let its = artifacts.iter_mut().find(|artifact| artifact.sha256 == used.sha256);
                    if let Some(artifact) = its {
                        artifact.uses.push(ArtifactUse::read(&used)?);
                    }
                }
                Ok(ArtifactList { artifacts, next })
            })
            .await
    }

    /// Opens an artifact for a host; `None` when there is none of this hash.
    ///
    /// # Errors
    /// When the store fails, or the artifact is listed and its file is not whole.
    pub async fn open_artifact(&self, digest: &ArtifactDigest) -> Result<Option<OpenArtifact>, ServiceError> {
        let Some(row) = self.artifact_row(digest).await? else {
            return Ok(None);
        };
        let found = self.0.artifact_files.open(digest).await.map_err(unreadable)?;
        let (file, size) = found
            .filter(|(_, size)| super::plan_edit::signed(*size) == row.size)
            .ok_or_else(|| ServiceError::Broken {
                why: format!(
                    "artifact {digest} ({}) is listed and its file is not there or not whole; add it again with `cutover artifact add`",
                    row.file_name
                ),
            })?;
        Ok(Some(OpenArtifact { file, size }))
    }
}

impl ArtifactSettings {
    /// The files of these settings.
    pub(super) fn files(&self) -> ArtifactFiles {
        ArtifactFiles::new(&self.directory)
    }
}

fn added(digest: &ArtifactDigest, done: String) -> ArtifactAdded {
    ArtifactAdded {
        done,
        sha256: Some(digest.to_string()),
        is_here: true,
    }
}

fn view((row, added_by): (artifacts::ArtifactRow, String)) -> ArtifactView {
    ArtifactView {
        size: super::plan_edit::unsigned(row.size),
        sha256: row.sha256,
        file_name: row.file_name,
        kind: row.kind,
        added_by,
        added_ms: row.added_ms,
        uses: Vec::new(),
    }
}

/// By its name, as package managers tell it too.
fn kind(file_name: &str) -> &'static str {
    match file_name.rsplit_once('.') {
        Some((_, "deb")) => "deb",
        Some((_, "rpm")) => "rpm",
        Some(_) | None => "other",
    }
}

/// Nothing is lost: the operator makes room and sends it again.
fn no_room(error: FilesError) -> ServiceError {
    ServiceError::Refused {
        why: format!("the artifact cannot be kept: {error}"),
    }
}

fn unreadable(error: FilesError) -> ServiceError {
    ServiceError::Broken { why: error.to_string() }
}
