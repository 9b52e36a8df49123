//! Totals that are kept in the transaction of the change: raised and lowered, and never below nothing.

use super::error::StoreError;
use super::tx::WriteTx;
use super::value::Value;

/// A table with a number for each key.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) table: &'static str,
    pub(super) key: &'static [&'static str],
    /// The number's column.
    pub(super) count: &'static str,
}

impl Counts {
    /// Adds `change` to the number of a key; `what` names the key where more is taken from it than there is.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] then; otherwise as [`WriteTx::execute`].
    pub(super) fn shift(
        &self,
        tx: &mut WriteTx<'_>,
        key: &[Value],
        change: i64,
        what: impl FnOnce() -> String,
    ) -> Result<(), StoreError> {
        let Self { table, count, .. } = self;
        let last = self.key.len() + 1;
        let values: Vec<Value> = key.iter().cloned().chain([change.into()]).collect();
        if change > 0 {
            let columns = self.key.join(", ");
            let places: Vec<String> = (1..=last).map(|place| format!("?{place}")).collect();
            tx.execute(
                &format!(
                    "INSERT INTO {table} ({columns}, {count}) VALUES ({}) ON CONFLICT ({columns})
                     DO UPDATE SET {count} = {table}.{count} + excluded.{count}",
                    places.join(", ")
                ),
                &values,
            )?;
        } else if change < 0 {
            let same: Vec<String> = (1..)
                .zip(self.key)
                .map(|(place, key)| format!("{key} = ?{place}"))
                .collect();
            let lowered = tx.execute(
                &format!(
                    "UPDATE {table} SET {count} = {count} + ?{last} WHERE {} AND {count} + ?{last} >= 0",
                    same.join(" AND ")
                ),
                &values,
            )?;
            if lowered != 1 {
                return Err(StoreError::Corrupt {
                    what: what(),
                    why: format!("more {count} leave it than are in it"),
                });
            }
        }
        Ok(())
    }
}
