//! `cutover artifact`: package files that hosts fetch from the server.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use cutover_core::report::instant;
use cutover_proto::artifact::ArtifactDigest;
use sha2::{Digest as _, Sha256};

use super::{
    args::Artifact,
    client::Client,
    output::{self, Format},
};
use crate::service::{ArtifactAdded, ArtifactList, ArtifactView, NewArtifact};

/// Read at once when a file is hashed.
const CHUNK: usize = 1 << 20;

pub(super) async fn ask(command: &Artifact, client: &Client, format: Format) -> anyhow::Result<()> {
    match command {
        Artifact::Add { file, sha256, dry_run } => add(client, file, *sha256, *dry_run, format).await,
        Artifact::List => list(&all(client).await?, format),
    }
}

/// The file is hashed here first: what the server has already is not sent again, and what changes on its way is noticed.
async fn add(
    client: &Client,
    file: &Path,
    expected: Option<ArtifactDigest>,
    dry_run: bool,
    format: Format,
) -> anyhow::Result<()> {
    let file_name = file.file_name().and_then(|name| name.to_str());
    let file_name = file_name.with_context(|| format!("{} has no plain file name", file.display()))?;
    let (digest, size) = hashed(file.to_owned()).await?;
    if let Some(expected) = expected.filter(|expected| *expected != digest) {
        bail!(
            "{} hashes to {digest} and not to {expected}; get it from its vendor again",
            file.display()
        );
    }
    let mut new = NewArtifact {
        file_name: file_name.to_owned(),
        sha256: Some(digest.to_string()),
        size: Some(size),
        dry_run: true,
    };
    let found: ArtifactAdded = client.put("artifacts", &query(&new), None).await?;
    if dry_run || found.is_here {
        return told(&found, format);
    }
    new.dry_run = false;
    let body = tokio::fs::File::open(file)
        .await
        .with_context(|| format!("cannot read {}", file.display()))?;
    let done: ArtifactAdded = client.put("artifacts", &query(&new), Some(body)).await?;
    told(&done, format)
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

async fn hashed(file: PathBuf) -> anyhow::Result<(ArtifactDigest, u64)> {
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

fn told(added: &ArtifactAdded, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => output::json(added),
        Format::Table | Format::Csv => {
            output::text(&added.done);
            Ok(())
        }
    }
}

async fn all(client: &Client) -> anyhow::Result<Vec<ArtifactView>> {
    let mut found = Vec::new();
    let mut query = Vec::new();
    loop {
        let page: ArtifactList = client.get("artifacts", &query).await?;
        found.extend(page.artifacts);
        let Some(after) = page.next else { return Ok(found) };
        query = vec![("after", after)];
    }
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
            ]
        })
        .collect();
    let header = ["file", "kind", "bytes", "sha256", "added by", "added"];
    output::listing(format, &header, &rows, &artifacts)
}
