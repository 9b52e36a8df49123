//! What the server keeps, read from its store and not believed before each signature has been checked.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use cutover_proto::envelope::{self, Context as Signed, PublicKey};
use cutover_proto::inventory::Inventory;
use cutover_proto::order::WorkOrder;
use cutover_proto::record::{RecordEvent, StepRecord};
use cutover_proto::step::{Action, Purpose};
use cutover_proto::v1;
use prost::Message as _;
use rusqlite::{Connection, OpenFlags, Row};

/// All that is kept of one host, in the order in which it was made.
pub(super) struct Evidence {
    pub(super) orders: Vec<Order>,
    pub(super) inventories: Vec<Inventory>,
}

/// One work order and its records.
pub(super) struct Order {
    pub(super) state: String,
    pub(super) order: WorkOrder,
    pub(super) records: Vec<StepRecord>,
}

impl Order {
    /// What was done, or found done, by the records.
    pub(super) fn done(&self) -> impl Iterator<Item = &Action> {
        let done = |record: &&StepRecord| matches!(record.event, RecordEvent::StepDone | RecordEvent::StepFoundDone);
        let step = |record: &StepRecord| usize::try_from(record.step).ok();
        let steps = self.records.iter().filter(done).filter_map(step);
        steps.filter_map(|index| Some(&self.order.steps.get(index)?.action))
    }
}

/// The product that a step takes away.
pub(super) fn removed(action: &Action) -> Option<&str> {
    if let Purpose::Remove(product) = action.purpose() {
        Some(product.as_str())
    } else {
        None
    }
}

/// Reads everything of the only host in the store.
///
/// # Errors
/// When there is not exactly one host, or when something is not signed by one of its keys or says it is another's.
pub(super) fn of_the_only_host(store: &Path) -> Result<Evidence> {
    let store = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let hosts: Vec<String> = rows(&store, "SELECT host_id FROM host", |row| row.get(0))?;
    let [host] = hosts.as_slice() else {
        anyhow::bail!("the store should hold one host, and holds {hosts:?}");
    };
    let keys = keys(&store)?;

    let kept: Vec<Vec<u8>> = rows(
        &store,
        "SELECT envelope FROM inventory ORDER BY received_ms, taken_agent_ms",
        |row| row.get(0),
    )?;
    let mut inventories = Vec::new();
    for bytes in kept {
        let inventory: v1::Inventory = opened(&bytes, Signed::Inventory, &keys)?;
        let inventory = Inventory::try_from(inventory)?;
        ensure!(inventory.host_id.to_string() == *host, "an inventory of another host");
        inventories.push(inventory);
    }

    let kept: Vec<(i64, String, Vec<u8>)> = rows(
        &store,
        "SELECT number, state, body FROM work_order ORDER BY number",
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let mut orders = Vec::new();
    for (number, state, body) in kept {
        orders.push(Order {
            state,
            order: WorkOrder::try_from(v1::WorkOrder::decode(body.as_slice())?)?,
            records: records(&store, number, host, &keys)?,
        });
    }
    Ok(Evidence { orders, inventories })
}

/// The records of an order; none may be missing before the last.
fn records(store: &Connection, number: i64, host: &str, keys: &[PublicKey]) -> Result<Vec<StepRecord>> {
    let query = format!("SELECT sequence, envelope FROM step_record WHERE order_number = {number} ORDER BY sequence");
    let kept: Vec<(u32, Vec<u8>)> = rows(store, &query, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut records = Vec::new();
    for (sequence, bytes) in kept {
        let record: v1::StepRecord = opened(&bytes, Signed::StepRecord, keys)?;
        let record = StepRecord::try_from(record)?;
        ensure!(
            record.host_id.to_string() == host
                && i64::try_from(record.order_number) == Ok(number)
                && record.sequence == sequence,
            "a record lies where another belongs: {record:?}"
        );
        records.push(record);
        ensure!(
            usize::try_from(sequence)? == records.len(),
            "order {number}: a record is missing before {sequence}"
        );
    }
    Ok(records)
}

/// The keys that the authority has certified for the host.
fn keys(store: &Connection) -> Result<Vec<PublicKey>> {
    let kept: Vec<(String, Vec<u8>)> = rows(store, "SELECT spki_hash, certificate FROM host_key", |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    kept.into_iter()
        .map(|(hash, certificate)| {
            let certificate = rustls::pki_types::CertificateDer::from(certificate);
            let parsed = rustls::server::ParsedCertificate::try_from(&certificate)?;
            let key = PublicKey::host(parsed.subject_public_key_info().as_ref())?;
            ensure!(key.key_id() == hash, "the certificate kept for key {hash} is another's");
            Ok(key)
        })
        .collect()
}

fn opened<M: prost::Message + Default>(bytes: &[u8], signed: Signed, keys: &[PublicKey]) -> Result<M> {
    let envelope = v1::Envelope::decode(bytes)?;
    envelope::open_message(&envelope, signed, keys).with_context(|| format!("kept {signed}"))
}

fn rows<T>(store: &Connection, query: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
    let mut statement = store.prepare(query)?;
    let rows = statement.query_map([], read)?.collect::<rusqlite::Result<_>>();
    rows.with_context(|| query.to_owned())
}
