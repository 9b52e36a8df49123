//! `cutover artifact`: package files that hosts fetch from the server.

use std::{io::Read as _, path::PathBuf};

use anyhow::{Context, bail};
use cutover_core::report::instant;
use cutover_proto::artifact::ArtifactDigest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    args::Artifact,
    client::Client,
    output::{self, Format},
    pages,
};
use crate::{
    api::Done,
    service::{ArtifactAdded, ArtifactList, ArtifactUse, ArtifactView, NewArtifact, NewArtifactUse, UsedFile},
};

/// Read at once when a file is hashed.
const CHUNK: usize = 1 << 20;

pub(super) async fn ask(command: &Artifact, client: &Client, format: Format) -> anyhow::Result<()> {
    match command {
        Artifact::Add {
            files,
            sha256,
            product,
            version,
            systems,
            mirrors,
            dry_run,
        } => {
            if sha256.is_some() && files.len() > 1 {
                bail!("--sha256 goes with one file; add the others by commands of their own");
            }
            let used = product
                .clone()
                .zip(version.clone())
                .map(|(product, version)| NewArtifactUse {
                    product,
                    version,
                    systems: systems.iter().map(ToString::to_string).collect(),
                    mirrors: mirrors.clone(),
                    files: Vec::new(),
                    dry_run: *dry_run,
                });
            add_all(client, files, *sha256, used, *dry_run, format).await
        }
        Artifact::List => list(
            &pages::all::<ArtifactList>(client, "artifacts", Vec::new()).await?,
            format,
        ),
    }
}

/// What became of all files of one command.
#[derive(Debug, Serialize)]
struct AllAdded {
    files: Vec<ArtifactAdded>,
    /// What became of their binding, where one was asked for.
    bound: Option<String>,
}

async fn add_all(
    client: &Client,
    files: &[PathBuf],
    expected: Option<ArtifactDigest>,
    used: Option<NewArtifactUse>,
    dry_run: bool,
    format: Format,
) -> anyhow::Result<()> {
    let mut done = AllAdded {
        files: Vec::new(),
        bound: None,
    };
    let read: Vec<ReadFile> = read_all(files, expected).await?;
    if let Some(mut used) = used {
        used.files = read.iter().map(ReadFile::used).collect();
        // What cannot be bound is not sent either.
        used.dry_run = true;
        let would: Done = client.post("artifacts/uses", &used).await?;
        used.dry_run = dry_run;
        for file in &read {
            done.files.push(add(client, file, dry_run).await?);
        }
        let bound = if dry_run {
            would
        } else {
            client.post("artifacts/uses", &used).await?
        };
        done.bound = Some(bound.done);
    } else {
        for file in &read {
            done.files.push(add(client, file, dry_run).await?);
        }
    }
    match format {
        Format::Json => output::json(&done),
        Format::Table | Format::Csv => {
            let lines = done.files.iter().map(|file| &file.done).chain(&done.bound);
            lines.for_each(|line| output::text(line));
            Ok(())
        }
    }
}

/// A file that was hashed here first: what the server has already is not sent again, and what changes on its way is noticed.
struct ReadFile {
    path: PathBuf,
    file_name: String,
    sha256: ArtifactDigest,
    size: u64,
}

impl ReadFile {
    fn used(&self) -> UsedFile {
        UsedFile {
            file_name: self.file_name.clone(),
            sha256: self.sha256.to_string(),
        }
    }
}

async fn read_all(files: &[PathBuf], expected: Option<ArtifactDigest>) -> anyhow::Result<Vec<ReadFile>> {
    let mut read = Vec::new();
    for path in files {
        let file_name = path.file_name().and_then(|name| name.to_str());
        let file_name = file_name.with_context(|| format!("{} has no plain file name", path.display()))?;
        let (sha256, size) = hashed(path.clone()).await?;
        if let Some(expected) = expected.filter(|expected| *expected != sha256) {
            bail!(
                "{} hashes to {sha256} and not to {expected}; get it from its vendor again",
                path.display()
            );
        }
        read.push(ReadFile {
            path: path.clone(),
            file_name: file_name.to_owned(),
            sha256,
            size,
        });
    }
    Ok(read)
}

async fn add(client: &Client, file: &ReadFile, dry_run: bool) -> anyhow::Result<ArtifactAdded> {
    let mut new = NewArtifact {
        file_name: file.file_name.clone(),
        sha256: Some(file.sha256.to_string()),
        size: Some(file.size),
        dry_run: true,
    };
    let found: ArtifactAdded = client.put("artifacts", &query(&new), None).await?;
    if dry_run || found.is_here {
        return Ok(found);
    }
    new.dry_run = false;
    let body = tokio::fs::File::open(&file.path)
        .await
        .with_context(|| format!("cannot read {}", file.path.display()))?;
    client.put("artifacts", &query(&new), Some(body)).await
}

/// Gives files to the server, where it lacks them and it is no dry run; their hashes.
pub(super) async fn give(client: &Client, files: &[PathBuf], dry_run: bool) -> anyhow::Result<Vec<ArtifactDigest>> {
    let read = read_all(files, None).await?;
    for file in &read {
        add(client, file, dry_run).await?;
    }
    Ok(read.iter().map(|file| file.sha256).collect())
}

fn query(new: &NewArtifact) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("file_name", new.file_name.clone()),
        ("dry_run", new.dry_run.to_string()),
    ];
    query.extend(new.sha256.clone().map(|sha256| ("sha256", sha256)));
    query.extend(new.size.map(|size| ("size", size.to_string())));
    query
}

/// SHA-256 and size of a file.
pub(super) async fn hashed(file: PathBuf) -> anyhow::Result<(ArtifactDigest, u64)> {
    let hashing = tokio::task::spawn_blocking(move || {
        let read = || -> std::io::Result<(ArtifactDigest, u64)> {
            let mut opened = std::fs::File::open(&file)?;
            let (mut hasher, mut size, mut part) = (Sha256::new(), 0, vec![0; CHUNK]);
            loop {
                let read = opened.read(&mut part)?;
                if read == 0 {
                    return Ok((ArtifactDigest::new(hasher.finalize().into()), size));
                }
                hasher.update(&part[..read]);
                size += read as u64;
            }
        };
        read().with_context(|| format!("cannot read {}", file.display()))
    });
    hashing.await?
}

fn list(artifacts: &[ArtifactView], format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = artifacts
        .iter()
        .map(|artifact| {
            vec![
                artifact.file_name.clone(),
                artifact.kind.clone(),
                artifact.size.to_string(),
                artifact.sha256.clone(),
                artifact.added_by.clone(),
                instant(artifact.added_ms),
                artifact.uses.iter().map(use_in_words).collect::<Vec<_>>().join(", "),
            ]
        })
        .collect();
    let header = ["file", "kind", "bytes", "sha256", "added by", "added", "makes"];
    output::listing(format, &header, &rows, &artifacts)
}

fn use_in_words(used: &ArtifactUse) -> String {
    let systems: Vec<String> = used.systems.iter().map(ToString::to_string).collect();
    let only = if systems.is_empty() {
        String::new()
    } else {
        format!(" ({})", systems.join(" "))
    };
    format!("{} {}{only}", used.product, used.version)
}
