//! By what assets and hosts are recognised, the other way round.

use std::collections::BTreeSet;

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, Value, params};

/// Whose an identifier is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// An asset's.
    Asset(String),
    /// A host's.
    Host(String),
}

impl Owner {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Asset(id) => ("asset", id),
            Self::Host(id) => ("host", id),
        }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let id = row.text("of_id")?;
        Ok(if row.text("of_kind")? == "host" {
            Self::Host(id)
        } else {
            Self::Asset(id)
        })
    }
}

/// What each of these is recognised by: kind and value, in their order.
///
/// # Errors
/// As [`Reader::query_many`].
pub fn of(db: &mut impl Reader, owners: &[Owner]) -> Result<Vec<Vec<(String, String)>>, StoreError> {
    let sets: Vec<Vec<Value>> = owners
        .iter()
        .map(|owner| {
            let (kind, id) = owner.parts();
            vec![kind.into(), id.into()]
        })
        .collect();
    db.query_many(
        "SELECT kind, value FROM identifier WHERE of_kind = ?1 AND of_id = ?2 ORDER BY kind, value",
        &sets,
    )?
    .iter()
    .map(|rows| {
        rows.iter()
            .map(|row| Ok((row.text("kind")?, row.text("value")?)))
            .collect()
    })
    .collect()
}

/// Whoever has one of these.
///
/// # Errors
/// As [`Reader::query_many`].
pub fn sharing(db: &mut impl Reader, identifiers: &[(String, String)]) -> Result<BTreeSet<Owner>, StoreError> {
    let sets: Vec<Vec<Value>> = identifiers
        .iter()
        .map(|(kind, value)| vec![kind.as_str().into(), value.as_str().into()])
        .collect();
    db.query_many(
        "SELECT of_kind, of_id FROM identifier WHERE kind = ?1 AND value = ?2",
        &sets,
    )?
    .iter()
    .flatten()
    .map(Owner::read)
    .collect()
}

/// Says by what it is recognised from now on.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn set(tx: &mut WriteTx<'_>, owner: &Owner, identifiers: &[(String, String)]) -> Result<(), StoreError> {
    let (kind, id) = owner.parts();
    tx.execute(
        "DELETE FROM identifier WHERE of_kind = ?1 AND of_id = ?2",
        params![kind, id],
    )?;
    let sets: Vec<Vec<Value>> = identifiers
        .iter()
        .map(|(of, value)| vec![of.as_str().into(), value.as_str().into(), kind.into(), id.into()])
        .collect();
    tx.execute_many(
        "INSERT INTO identifier (kind, value, of_kind, of_id) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (kind, value, of_kind, of_id) DO NOTHING",
        &sets,
    )?;
    Ok(())
}
