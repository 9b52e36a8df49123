//! In which hours of its week each host is usually heard of. One row a host, written once in an hour in which it was.

use std::collections::BTreeMap;

use super::error::StoreError;
use super::placeholder;
use super::tx::{Reader, WriteTx};
use super::value::{Row, Value, params};

/// What is kept of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostHabitRow {
    /// The host.
    pub host_id: String,
    /// A share for each hour of the week.
    pub shares: Vec<u8>,
    /// How many hours were counted.
    pub counted: i64,
    /// The last hour in which it was heard of, since the epoch, by the clock on its wall.
    pub last_hour: i64,
}

/// The most rows written or asked for by one statement.
const ROWS: usize = 100;

fn read(row: &Row) -> Result<HostHabitRow, StoreError> {
    Ok(HostHabitRow {
        host_id: row.text("host_id")?,
        shares: row.blob("shares")?,
        counted: row.int("counted")?,
        last_hour: row.int("last_hour")?,
    })
}

/// Keeps them. One that was counted further meanwhile, by another replica, stays.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, rows: &[HostHabitRow]) -> Result<(), StoreError> {
    for chunk in rows.chunks(ROWS) {
        let mut values = Vec::with_capacity(chunk.len() * 4);
        for row in chunk {
            values.extend_from_slice(params![
                row.host_id.as_str(),
                row.shares.as_slice(),
                row.counted,
                row.last_hour,
            ]);
        }
        tx.execute(
            &format!(
                "INSERT INTO host_habit (host_id, shares, counted, last_hour) VALUES {}
                 ON CONFLICT (host_id) DO UPDATE SET shares = excluded.shares, counted = excluded.counted,
                     last_hour = excluded.last_hour
                 WHERE host_habit.last_hour < excluded.last_hour",
                placeholder::rows(chunk.len(), 4)
            ),
            &values,
        )?;
    }
    Ok(())
}

/// Those of these hosts, by host; hosts of which nothing is kept are left out.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_hosts(db: &mut impl Reader, hosts: &[String]) -> Result<BTreeMap<String, HostHabitRow>, StoreError> {
    let mut found = BTreeMap::new();
    for chunk in hosts.chunks(ROWS) {
        let places: Vec<String> = (1..=chunk.len()).map(|place| format!("?{place}")).collect();
        let ids: Vec<Value> = chunk.iter().map(|host| host.as_str().into()).collect();
        let sql = format!(
            "SELECT host_id, shares, counted, last_hour FROM host_habit WHERE host_id IN ({})",
            places.join(", ")
        );
        for row in db.query(&sql, &ids)? {
            let row = read(&row)?;
            found.insert(row.host_id.clone(), row);
        }
    }
    Ok(found)
}

/// Erases what is kept of a host. `false` where nothing was.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn erase(tx: &mut WriteTx<'_>, host_id: &str) -> Result<bool, StoreError> {
    let erased = tx.execute("DELETE FROM host_habit WHERE host_id = ?1", params![host_id])?;
    Ok(erased == 1)
}
