//! Changes an order between the server's making it and its signing it, while no agent asks: what no recipe or command can put
//! into one today.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_proto::order::WorkOrder;
use cutover_proto::v1;
use cutover_tests::harness::clock::wait_for;
use prost::Message as _;
use rusqlite::{Connection, params};

/// Waits for an order that nobody has fetched, and changes it. `change` gets the host's sealing key too.
pub(super) fn change_unsigned(
    store: &Path,
    limit: Duration,
    change: impl FnOnce(&mut WorkOrder, &[u8]) -> Result<()>,
) -> Result<()> {
    let store = Connection::open(store)?;
    store.busy_timeout(Duration::from_secs(5))?;
    let query = "SELECT work_order.host_id, number, body, sealing_key FROM work_order JOIN host USING (host_id) \
                 WHERE envelope IS NULL ORDER BY number DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found = wait_for("an order that nobody has fetched", limit, || {
        match store.query_row(query, [], read) {
            Ok(row) => Ok(Some(row)),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            Err(error) => Err(error.into()),
        }
    });
    let (host, number, body, sealing): (String, i64, Vec<u8>, Vec<u8>) = found?;
    let mut order = WorkOrder::try_from(v1::WorkOrder::decode(body.as_slice())?)?;
    change(&mut order, &sealing).context("change")?;
    let changed = store.execute(
        "UPDATE work_order SET body = ?3 WHERE host_id = ?1 AND number = ?2 AND envelope IS NULL",
        params![host, number, v1::WorkOrder::from(order).encode_to_vec()],
    )?;
    ensure!(changed == 1, "somebody fetched the order meanwhile");
    Ok(())
}
