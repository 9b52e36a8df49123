//! Assets: what imports and persons say of machines.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, Value, params};

/// An asset as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetRow {
    /// UUIDv7.
    pub asset_id: String,
    /// Who names it.
    pub source: String,
    /// Its id there.
    pub source_key: String,
    /// For people.
    pub name: String,
    /// What it is.
    pub class: String,
    /// The mention of a person; empty where nobody is named.
    pub owner: String,
    /// JSON of what the source says.
    pub said: String,
    /// JSON of what it is recognised by.
    pub identity: String,
    /// JSON of what a person decided; empty where nobody did.
    pub pin: String,
    /// JSON of what it is.
    pub place: String,
    /// The kind of that.
    pub is_word: String,
    /// The host that it is; empty where it is none.
    pub host_id: String,
    /// Where it counts; empty where another counts for it.
    pub bucket: String,
    /// What a person attested; empty where nobody did, and so are the next two.
    pub claim: String,
    /// The mention of whoever did.
    pub claimed_by: String,
    /// The mention of why.
    pub claimed_why: String,
    /// Until when.
    pub claim_ends_ms: Option<i64>,
    /// When an attestation ends that counts now.
    pub wake_at_ms: Option<i64>,
    /// The newest import that named it.
    pub import_id: String,
    /// Server time.
    pub first_ms: i64,
    /// Server time.
    pub updated_ms: i64,
    /// Since when its source no longer names it.
    pub missing_ms: Option<i64>,
    /// JSON of the newest look at it that was imported; empty where there is none.
    pub look: String,
    /// JSON of the look that decides about its machine; empty where none does.
    pub seen: String,
    /// When it was attested.
    pub claimed_ms: Option<i64>,
}

const COLUMNS: &str = "asset_id, source, source_key, name, class, owner, said, identity, pin, place, is_word, host_id, \
     bucket, claim, claimed_by, claimed_why, claim_ends_ms, wake_at_ms, import_id, first_ms, updated_ms, missing_ms, \
     look, seen, claimed_ms";

fn read(row: &Row) -> Result<AssetRow, StoreError> {
    Ok(AssetRow {
        asset_id: row.text("asset_id")?,
        source: row.text("source")?,
        source_key: row.text("source_key")?,
        name: row.text("name")?,
        class: row.text("class")?,
        owner: row.text("owner")?,
        said: row.text("said")?,
        identity: row.text("identity")?,
        pin: row.text("pin")?,
        place: row.text("place")?,
        is_word: row.text("is_word")?,
        host_id: row.text("host_id")?,
        bucket: row.text("bucket")?,
        claim: row.text("claim")?,
        claimed_by: row.text("claimed_by")?,
        claimed_why: row.text("claimed_why")?,
        claim_ends_ms: row.opt_int("claim_ends_ms")?,
        wake_at_ms: row.opt_int("wake_at_ms")?,
        import_id: row.text("import_id")?,
        first_ms: row.int("first_ms")?,
        updated_ms: row.int("updated_ms")?,
        missing_ms: row.opt_int("missing_ms")?,
        look: row.text("look")?,
        seen: row.text("seen")?,
        claimed_ms: row.opt_int("claimed_ms")?,
    })
}

/// Which assets a listing shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// Only what is this: `host`, `same`, `alone`, `ambiguous`.
    pub is_word: Option<String>,
    /// Only this source's.
    pub source: Option<String>,
    /// Only those that their source no longer names.
    pub missing: bool,
}

/// Has everybody else who changes what assets are wait until this transaction ends. Called before anything is read that is
/// decided on.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn take_turn(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE counter SET value = value + 1 WHERE name = 'assets'", params![])?;
    Ok(())
}

/// Stores an asset, and moves it between the totals. `before` is where it counted; empty for a new one.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, it: &AssetRow, before: &str) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO asset ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                     ?23, ?24, ?25)
             ON CONFLICT (asset_id) DO UPDATE SET name = excluded.name, class = excluded.class, owner = excluded.owner,
                 said = excluded.said, identity = excluded.identity, pin = excluded.pin, place = excluded.place,
                 is_word = excluded.is_word, host_id = excluded.host_id, bucket = excluded.bucket,
                 claim = excluded.claim, claimed_by = excluded.claimed_by, claimed_why = excluded.claimed_why,
                 claim_ends_ms = excluded.claim_ends_ms, wake_at_ms = excluded.wake_at_ms,
                 import_id = excluded.import_id, updated_ms = excluded.updated_ms, missing_ms = excluded.missing_ms,
                 look = excluded.look, seen = excluded.seen, claimed_ms = excluded.claimed_ms"
        ),
        params![
            it.asset_id.as_str(),
            it.source.as_str(),
            it.source_key.as_str(),
            it.name.as_str(),
            it.class.as_str(),
            it.owner.as_str(),
            it.said.as_str(),
            it.identity.as_str(),
            it.pin.as_str(),
            it.place.as_str(),
            it.is_word.as_str(),
            it.host_id.as_str(),
            it.bucket.as_str(),
            it.claim.as_str(),
            it.claimed_by.as_str(),
            it.claimed_why.as_str(),
            it.claim_ends_ms,
            it.wake_at_ms,
            it.import_id.as_str(),
            it.first_ms,
            it.updated_ms,
            it.missing_ms,
            it.look.as_str(),
            it.seen.as_str(),
            it.claimed_ms,
        ],
    )?;
    if before != it.bucket {
        if !before.is_empty() {
            tx.gather_asset_total(before, -1);
        }
        if !it.bucket.is_empty() {
            tx.gather_asset_total(&it.bucket, 1);
        }
    }
    Ok(())
}

/// These, those that are there.
///
/// # Errors
/// As [`Reader::query_many`].
pub fn load_all<'a>(
    db: &mut impl Reader,
    asset_ids: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<AssetRow>, StoreError> {
    let sets: Vec<Vec<Value>> = asset_ids.into_iter().map(|id| vec![id.as_str().into()]).collect();
    many(db, "asset_id = ?1", &sets)
}

/// The assets of a source by its own ids, those that are there.
///
/// # Errors
/// As [`Reader::query_many`].
pub fn by_keys<'a>(
    db: &mut impl Reader,
    source: &str,
    keys: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<AssetRow>, StoreError> {
    let sets: Vec<Vec<Value>> = keys.into_iter().map(|key| vec![source.into(), key.into()]).collect();
    many(db, "source = ?1 AND source_key = ?2", &sets)
}

/// The assets that are a host.
///
/// # Errors
/// As [`Reader::query_many`].
pub fn by_hosts<'a>(
    db: &mut impl Reader,
    host_ids: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<AssetRow>, StoreError> {
    let sets: Vec<Vec<Value>> = host_ids.into_iter().map(|id| vec![id.as_str().into()]).collect();
    many(db, "host_id = ?1 AND host_id <> ''", &sets)
}

fn many(db: &mut impl Reader, condition: &str, sets: &[Vec<Value>]) -> Result<Vec<AssetRow>, StoreError> {
    db.query_many(
        &format!("SELECT {COLUMNS} FROM asset WHERE {condition} ORDER BY asset_id"),
        sets,
    )?
    .iter()
    .flatten()
    .map(read)
    .collect()
}

/// The assets of that name, by id.
///
/// # Errors
/// As [`Reader::query`].
pub fn by_name(db: &mut impl Reader, name: &str) -> Result<Vec<AssetRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM asset WHERE name = ?1 ORDER BY asset_id"),
        params![name],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Assets by id, after `after`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(
    db: &mut impl Reader,
    filter: &AssetFilter,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<AssetRow>, StoreError> {
    let mut values: Vec<Value> = vec![after.unwrap_or("").into(), limit.into()];
    let mut sql = format!("SELECT {COLUMNS} FROM asset WHERE asset_id > ?1");
    for (column, wanted) in [("is_word", &filter.is_word), ("source", &filter.source)] {
        if let Some(wanted) = wanted {
            values.push(wanted.as_str().into());
            sql.push_str(&format!(" AND {column} = ?{}", values.len()));
        }
    }
    if filter.missing {
        sql.push_str(" AND missing_ms IS NOT NULL");
    }
    sql.push_str(" ORDER BY asset_id LIMIT ?2");
    db.query(&sql, &values)?.iter().map(read).collect()
}

/// A source's assets that another import named last than this one, and that are not known to be missing, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn not_named(db: &mut impl Reader, source: &str, import_id: &str, limit: i64) -> Result<Vec<AssetRow>, StoreError> {
    db.query(
        &format!(
            "SELECT {COLUMNS} FROM asset WHERE source = ?1 AND import_id <> ?2 AND missing_ms IS NULL
             ORDER BY asset_id LIMIT ?3"
        ),
        params![source, import_id, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Assets whose attestation, or what a look says of them, has ended by `now_ms`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn due(db: &mut impl Reader, now_ms: i64, limit: i64) -> Result<Vec<AssetRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM asset WHERE wake_at_ms <= ?1 ORDER BY wake_at_ms, asset_id LIMIT ?2"),
        params![now_ms, limit],
    )?
    .iter()
    .map(read)
    .collect()
}
