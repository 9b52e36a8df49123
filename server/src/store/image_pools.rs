//! Pools of machines that come and go from one image, their tokens, and which machines are of them.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// What a token lets machines be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolToken {
    /// Which pool.
    pub pool: String,
    /// Made from which image.
    pub image: String,
    /// Who answers for the image.
    pub owner: String,
    /// How long another image may take, in milliseconds.
    pub within_ms: i64,
}

/// One machine of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// As what it speaks.
    pub host_id: String,
    /// Which pool.
    pub pool: String,
    /// Made from which image.
    pub image: String,
    /// Server time.
    pub enrolled_ms: i64,
    /// Server time, to within an hour.
    pub seen_ms: i64,
    /// Its newest look.
    pub look: Option<MemberLook>,
}

/// What the newest look at a machine of a pool came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberLook {
    /// The inventory.
    pub digest: String,
    /// How far from done, as the core judges it.
    pub distance: i64,
    /// By which version of the campaign.
    pub campaign_version: i64,
}

const MEMBER: &str = "host_id, pool, image, enrolled_ms, seen_ms, digest, distance, campaign_version";

fn read(row: &Row) -> Result<MemberRow, StoreError> {
    let look = match row.opt_text("digest")? {
        Some(digest) => Some(MemberLook {
            digest,
            distance: row.int("distance")?,
            campaign_version: row.int("campaign_version")?,
        }),
        None => None,
    };
    Ok(MemberRow {
        host_id: row.text("host_id")?,
        pool: row.text("pool")?,
        image: row.text("image")?,
        enrolled_ms: row.int("enrolled_ms")?,
        seen_ms: row.int("seen_ms")?,
        look,
    })
}

/// Makes a pool known under the record that has its plan.
///
/// # Errors
/// [`StoreError::Conflict`] when it is known.
pub fn insert(tx: &mut WriteTx<'_>, name: &str, host_id: &str, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO image_pool (name, host_id, created_ms) VALUES (?1, ?2, ?3)",
        params![name, host_id, now_ms],
    )?;
    Ok(())
}

/// The record that has a pool's plan.
///
/// # Errors
/// As [`Reader::query`].
pub fn record_of(db: &mut impl Reader, name: &str) -> Result<Option<String>, StoreError> {
    let row = db.query_opt("SELECT host_id FROM image_pool WHERE name = ?1", params![name])?;
    row.map(|row| row.text("host_id")).transpose()
}

/// The pool whose plan a record has.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_record(db: &mut impl Reader, host_id: &str) -> Result<Option<String>, StoreError> {
    let row = db.query_opt("SELECT name FROM image_pool WHERE host_id = ?1", params![host_id])?;
    row.map(|row| row.text("name")).transpose()
}

/// Says of a token that it is for machines of a pool.
///
/// # Errors
/// [`StoreError::Conflict`] when that was said before.
pub fn add_token(tx: &mut WriteTx<'_>, token_hash: &str, it: &PoolToken) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO image_pool_token (token_hash, pool, image, owner, within_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            token_hash,
            it.pool.as_str(),
            it.image.as_str(),
            it.owner.as_str(),
            it.within_ms
        ],
    )?;
    Ok(())
}

/// What a token is for, where it is for a pool.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_token(db: &mut impl Reader, token_hash: &str) -> Result<Option<PoolToken>, StoreError> {
    let row = db.query_opt(
        "SELECT pool, image, owner, within_ms FROM image_pool_token WHERE token_hash = ?1",
        params![token_hash],
    )?;
    row.map(|row| {
        Ok(PoolToken {
            pool: row.text("pool")?,
            image: row.text("image")?,
            owner: row.text("owner")?,
            within_ms: row.int("within_ms")?,
        })
    })
    .transpose()
}

/// Adds a machine.
///
/// # Errors
/// [`StoreError::Conflict`] when it is of a pool already.
pub fn add_member(tx: &mut WriteTx<'_>, it: &MemberRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO image_pool_member (host_id, pool, image, enrolled_ms, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            it.host_id.as_str(),
            it.pool.as_str(),
            it.image.as_str(),
            it.enrolled_ms,
            it.seen_ms
        ],
    )?;
    Ok(())
}

/// One machine, where it is of a pool.
///
/// # Errors
/// As [`Reader::query`].
pub fn member(db: &mut impl Reader, host_id: &str) -> Result<Option<MemberRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {MEMBER} FROM image_pool_member WHERE host_id = ?1"),
        params![host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// Notes what a machine's newest look came to.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn note_look(tx: &mut WriteTx<'_>, host_id: &str, look: &MemberLook) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE image_pool_member SET digest = ?2, distance = ?3, campaign_version = ?4 WHERE host_id = ?1",
        params![host_id, look.digest.as_str(), look.distance, look.campaign_version],
    )?;
    Ok(())
}

/// Notes that a machine was heard of.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn note_seen(tx: &mut WriteTx<'_>, host_id: &str, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE image_pool_member SET seen_ms = ?2 WHERE host_id = ?1",
        params![host_id, now_ms],
    )?;
    Ok(())
}

/// Of the machines heard of since then, the one that is furthest from done; of several the last to be heard of. One without a
/// look is as far as `untold` once it was heard of for so long.
///
/// # Errors
/// As [`Reader::query`].
pub fn furthest(
    db: &mut impl Reader,
    pool: &str,
    since_ms: i64,
    (untold, untold_after_ms): (i64, i64),
) -> Result<Option<MemberRow>, StoreError> {
    db.query_opt(
        &format!(
            "SELECT {MEMBER} FROM image_pool_member
             WHERE pool = ?1 AND seen_ms >= ?2 AND (digest IS NOT NULL OR seen_ms - enrolled_ms >= ?4)
             ORDER BY COALESCE(distance, ?3) DESC, seen_ms DESC, host_id LIMIT 1"
        ),
        params![pool, since_ms, untold, untold_after_ms],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// Machines heard of since then whose look was judged by another version of the campaign, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn judged_otherwise(
    db: &mut impl Reader,
    pool: &str,
    since_ms: i64,
    campaign_version: i64,
    limit: i64,
) -> Result<Vec<MemberRow>, StoreError> {
    db.query(
        &format!(
            "SELECT {MEMBER} FROM image_pool_member
             WHERE pool = ?1 AND seen_ms >= ?2 AND campaign_version IS NOT NULL AND campaign_version <> ?3
             ORDER BY host_id LIMIT ?4"
        ),
        params![pool, since_ms, campaign_version, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Machines not heard of since then, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn silent(db: &mut impl Reader, pool: &str, since_ms: i64, limit: i64) -> Result<Vec<MemberRow>, StoreError> {
    db.query(
        &format!(
            "SELECT {MEMBER} FROM image_pool_member WHERE pool = ?1 AND seen_ms < ?2 ORDER BY seen_ms, host_id LIMIT ?3"
        ),
        params![pool, since_ms, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Forgets that a machine is of a pool.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn forget(tx: &mut WriteTx<'_>, host_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM image_pool_member WHERE host_id = ?1", params![host_id])?;
    Ok(())
}

/// How many machines of each image were heard of since then, by how far from done they are; none where nobody has looked: image,
/// distance, machines.
///
/// # Errors
/// As [`Reader::query`].
pub fn images(db: &mut impl Reader, pool: &str, since_ms: i64) -> Result<Vec<(String, Option<i64>, i64)>, StoreError> {
    db.query(
        "SELECT image, distance, COUNT(*) AS machines FROM image_pool_member
         WHERE pool = ?1 AND seen_ms >= ?2 GROUP BY image, distance ORDER BY image, COALESCE(distance, -1) DESC",
        params![pool, since_ms],
    )?
    .iter()
    .map(|row| Ok((row.text("image")?, row.opt_int("distance")?, row.int("machines")?)))
    .collect()
}
