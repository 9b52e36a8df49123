//! What artifacts are for: one row per product, version and content.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// A package file that an operator bound to a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactUseRow {
    /// The product.
    pub product: String,
    /// As the operator calls it.
    pub version: String,
    /// Lower-case hex of SHA-256 over the bytes.
    pub sha256: String,
    /// Bytes, as the artifact's own row has it; not written from here.
    pub size: i64,
    /// What package managers see.
    pub file_name: String,
    /// JSON.
    pub systems: String,
    /// JSON.
    pub urls: String,
    /// The mention of whoever bound it.
    pub bound_by: String,
    /// Server time.
    pub bound_ms: i64,
}

fn read(row: &Row) -> Result<ArtifactUseRow, StoreError> {
    Ok(ArtifactUseRow {
        product: row.text("product")?,
        version: row.text("version")?,
        sha256: row.text("sha256")?,
        size: row.int("size")?,
        file_name: row.text("file_name")?,
        systems: row.text("systems")?,
        urls: row.text("urls")?,
        bound_by: row.text("bound_by")?,
        bound_ms: row.int("bound_ms")?,
    })
}

/// Binds an artifact; bound again, the later word stands.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, it: &ArtifactUseRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO artifact_use (product, version, sha256, file_name, systems, urls, bound_by, bound_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (product, version, sha256) DO UPDATE SET file_name = excluded.file_name,
             systems = excluded.systems, urls = excluded.urls, bound_by = excluded.bound_by, bound_ms = excluded.bound_ms",
        params![
            it.product.as_str(),
            it.version.as_str(),
            it.sha256.as_str(),
            it.file_name.as_str(),
            it.systems.as_str(),
            it.urls.as_str(),
            it.bound_by.as_str(),
            it.bound_ms,
        ],
    )?;
    Ok(())
}

const JOINED: &str =
    "SELECT u.product, u.version, u.sha256, a.size, u.file_name, u.systems, u.urls, u.bound_by, u.bound_ms
     FROM artifact_use u JOIN artifact a ON a.sha256 = u.sha256";

/// Every one; operators bind a handful.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader) -> Result<Vec<ArtifactUseRow>, StoreError> {
    db.query(&format!("{JOINED} ORDER BY u.product, u.version, u.sha256"), params![])?
        .iter()
        .map(read)
        .collect()
}
