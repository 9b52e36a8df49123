//! Rows as they were: what answers a question as of an instant is kept in versions by position.
//!
//! A transaction names the rows that it changed; [`write()`] copies them when its position is known. What a version holds is
//! copied from the row itself, so it cannot differ from what was stored.

use std::collections::{BTreeMap, BTreeSet};

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Value, params};

/// Ends no version: the row is so now.
pub(super) const STILL: i64 = i64::MAX;

/// The most rows copied by one statement.
const ROWS_PER_COPY: usize = 100;

/// A table whose rows are kept from position to position.
#[derive(Debug)]
pub(super) struct Spans {
    pub(super) live: &'static str,
    pub(super) was: &'static str,
    /// The key's columns, all text.
    pub(super) key: &'static [&'static str],
    pub(super) rest: &'static [&'static str],
    /// What readers ask for and versions do not hold, as it stands in a version.
    pub(super) more: &'static str,
    /// Whether a row may be stored again as it was: then it is compared before it is copied.
    compared: bool,
}

/// A table of figures: the newest version of a key at or before a position holds there.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) live: &'static str,
    pub(super) was: &'static str,
    pub(super) key: &'static [&'static str],
    pub(super) rest: &'static [&'static str],
}

pub(super) const PLAN: Spans = Spans {
    live: "plan",
    was: "plan_was",
    key: &["campaign_id", "host_id"],
    rest: &[
        "seq",
        "phase",
        "wave",
        "site",
        "stale",
        "late",
        "closed",
        "carried",
        "cover",
        "state",
        "wake_at_ms",
        "latest_start_ms",
        "updated_ms",
        "outcome",
        "tried_in",
        "round",
        "ready_at_ms",
    ],
    more: "",
    compared: false,
};

/// A host's numbers of orders and its sealing key answer no question as of an instant.
pub(super) const HOST: Spans = Spans {
    live: "host",
    was: "host_was",
    key: &["host_id"],
    rest: &[
        "created_ms",
        "name",
        "name_key",
        "site",
        "tags",
        "facts",
        "reported",
        "agent_version",
        "rules_revision",
        "inventory_digest",
        "inventory_at_ms",
    ],
    more: ", CAST(NULL AS BYTEA) AS sealing_key, CAST(0 AS BIGINT) AS next_order_number, CAST(0 AS BIGINT) AS highest_begun",
    compared: true,
};

pub(super) const CAMPAIGN: Spans = Spans {
    live: "campaign",
    was: "campaign_was",
    key: &["campaign_id"],
    rest: &[
        "seq",
        "version",
        "epoch",
        "mode",
        "state",
        "body",
        "progress",
        "created_ms",
        "updated_ms",
    ],
    more: "",
    compared: false,
};

pub(super) const EXEMPTION: Spans = Spans {
    live: "exemption",
    was: "exemption_was",
    key: &["campaign_id", "host_id"],
    rest: &["until_ms", "since_ms"],
    more: "",
    compared: false,
};

pub(super) const DOMAIN_CONTROLLER: Spans = Spans {
    live: "domain_controller",
    was: "domain_controller_was",
    key: &["campaign_id", "host_id"],
    rest: &["site"],
    more: "",
    compared: true,
};

pub(super) const DISK_ATTESTATION: Spans = Spans {
    live: "disk_attestation",
    was: "disk_attestation_was",
    key: &["campaign_id", "host_id"],
    rest: &["until_ms", "since_ms"],
    more: "",
    compared: false,
};

pub(super) const SPANS: [&Spans; 6] = [
    &PLAN,
    &HOST,
    &CAMPAIGN,
    &EXEMPTION,
    &DOMAIN_CONTROLLER,
    &DISK_ATTESTATION,
];

pub(super) const TOTAL: Figures = Figures {
    live: "total",
    was: "total_was",
    key: &[
        "campaign_id",
        "phase",
        "wave",
        "site",
        "stale",
        "late",
        "closed",
        "carried",
        "cover",
    ],
    rest: &["hosts"],
};

pub(super) const WAVE_TALLY: Figures = Figures {
    live: "wave_tally",
    was: "wave_tally_was",
    key: &["campaign_id", "wave", "round", "outcome"],
    rest: &["hosts"],
};

pub(super) const GRADE_TOTAL: Figures = Figures {
    live: "grade_total",
    was: "grade_total_was",
    key: &["campaign_id", "grade"],
    rest: &["hosts"],
};

pub(super) const SLOT: Figures = Figures {
    live: "slot",
    was: "slot_was",
    key: &["campaign_id", "name"],
    rest: &["used", "cap"],
};

pub(super) const ASSET_TOTAL: Figures = Figures {
    live: "asset_total",
    was: "asset_total_was",
    key: &["bucket"],
    rest: &["assets"],
};

pub(super) const IN_FORCE: Figures = Figures {
    live: "in_force",
    was: "in_force_was",
    key: &["name"],
    rest: &["value"],
};

pub(super) const FIGURES: [&Figures; 6] = [&TOTAL, &WAVE_TALLY, &GRADE_TOTAL, &SLOT, &ASSET_TOTAL, &IN_FORCE];

/// The rows that a transaction changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// By table, then by all of the key but its last column.
    spans: BTreeMap<&'static str, BTreeMap<Vec<String>, BTreeSet<String>>>,
    figures: BTreeMap<&'static str, BTreeSet<Vec<Value>>>,
}

impl Changed {
    /// This row is another one now, or may be.
    pub(super) fn span(&mut self, of: &Spans, key: &[&str]) {
        if let Some((last, group)) = key.split_last() {
            let group = group.iter().map(|&part| part.to_owned()).collect();
            let rows = self.spans.entry(of.live).or_default().entry(group).or_default();
            rows.insert((*last).to_owned());
        }
    }

    /// This figure is another one now.
    pub(super) fn figure(&mut self, of: &Figures, key: &[Value]) {
        self.figures.entry(of.live).or_default().insert(key.to_vec());
    }

    fn is_empty(&self) -> bool {
        self.spans.values().all(BTreeMap::is_empty) && self.figures.values().all(BTreeSet::is_empty)
    }
}

/// Drops rows that were stored again as they were. Asked before the position is taken, which others wait for.
pub(super) fn drop_unchanged(tx: &mut WriteTx<'_>, changed: &mut Changed) -> Result<(), StoreError> {
    for of in SPANS.iter().filter(|of| of.compared) {
        let Some(groups) = changed.spans.get_mut(of.live) else {
            continue;
        };
        for (group, rows) in &mut *groups {
            let mut kept = BTreeSet::new();
            for (keys, places) in chunks(of, group, rows, 0) {
                let found = tx.query(&differing(of, group.len(), &places), &keys)?;
                for row in found {
                    kept.insert(row.text("it")?);
                }
            }
            *rows = kept;
        }
        groups.retain(|_, rows| !rows.is_empty());
    }
    Ok(())
}

/// Copies what was changed: it is so from `pos` on, or, where nothing was told by an event, from the newest position there is.
pub(super) fn write(tx: &mut WriteTx<'_>, changed: Changed, pos: Option<i64>) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let pos = match pos {
        Some(pos) => pos,
        None => held_pos(tx)?,
    };
    for of in SPANS {
        for (group, rows) in changed.spans.get(of.live).into_iter().flatten() {
            for (keys, places) in chunks(of, group, rows, 1) {
                let mut values = vec![pos.into()];
                values.extend(keys);
                tx.execute(&closing(of, group.len(), &places), &values)?;
                tx.execute(&copying(of, group.len(), &places), &values)?;
            }
        }
    }
    for of in FIGURES {
        if let Some(keys) = changed.figures.get(of.live) {
            let with_pos = |key: &Vec<Value>| key.iter().cloned().chain([pos.into()]).collect();
            let sets: Vec<Vec<Value>> = keys.iter().map(with_pos).collect();
            tx.execute_many(&copying_figure(of), &sets)?;
        }
    }
    Ok(())
}

/// The newest position, which nobody else moves until this transaction has ended.
fn held_pos(tx: &mut WriteTx<'_>) -> Result<i64, StoreError> {
    tx.query_opt(
        "UPDATE counter SET value = value WHERE name = 'pos' RETURNING value",
        params![],
    )?
    .ok_or_else(|| StoreError::Corrupt {
        what: "table counter".to_owned(),
        why: "it has no row named pos".to_owned(),
    })?
    .int("value")
}

/// The rows of a group in parts, each with its values and places. One row, or as many as a part holds, so that few statements
/// differ; the last row is repeated to fill one up, which changes nothing.
fn chunks(of: &Spans, group: &[String], rows: &BTreeSet<String>, before: usize) -> Vec<(Vec<Value>, String)> {
    debug_assert_eq!(of.key.len(), group.len() + 1, "{}", of.live);
    let rows: Vec<&String> = rows.iter().collect();
    rows.chunks(ROWS_PER_COPY)
        .map(|part| {
            let size = if part.len() == 1 { 1 } else { ROWS_PER_COPY };
            let last = part.last().copied();
            let filled = part.iter().copied().chain(last.into_iter().cycle()).take(size);
            let values = group.iter().chain(filled).map(|text| text.as_str().into()).collect();
            let first = before + group.len() + 1;
            let places: Vec<String> = (first..first + size).map(|place| format!("?{place}")).collect();
            (values, places.join(", "))
        })
        .collect()
}

/// `t.campaign_id = ?2 AND t.host_id IN (?3, ?4)`
fn keys_are(of: &Spans, table: &str, before: usize, group: usize, places: &str) -> String {
    let mut sql = String::new();
    for (index, column) in of.key.iter().take(group).enumerate() {
        sql.push_str(&format!("{table}.{column} = ?{} AND ", before + index + 1));
    }
    format!("{sql}{table}.{} IN ({places})", of.key[group])
}

/// The newest version of the same key.
fn is_newest(of: &Spans, table: &str) -> String {
    let same: Vec<String> = of.key.iter().map(|key| format!("n.{key} = {table}.{key}")).collect();
    format!(
        "{table}.from_pos = (SELECT MAX(n.from_pos) FROM {} n WHERE {})",
        of.was,
        same.join(" AND ")
    )
}

fn differing(of: &Spans, group: usize, places: &str) -> String {
    let Spans { live, was, key, .. } = of;
    let same: Vec<String> = key.iter().map(|key| format!("w.{key} = l.{key}")).collect();
    let other: Vec<String> = of
        .rest
        .iter()
        .map(|column| format!("w.{column} IS DISTINCT FROM l.{column}"))
        .collect();
    format!(
        "SELECT l.{} AS it FROM {live} l LEFT JOIN {was} w ON {} AND {}
         WHERE {} AND ({})",
        key[group],
        same.join(" AND "),
        is_newest(of, "w"),
        keys_are(of, "l", 0, group, places),
        other.join(" OR ")
    )
}

fn closing(of: &Spans, group: usize, places: &str) -> String {
    let was = of.was;
    format!(
        "UPDATE {was} SET to_pos = ?1 WHERE {} AND {was}.to_pos = {STILL} AND {was}.from_pos < ?1 AND {}",
        keys_are(of, was, 1, group, places),
        is_newest(of, was)
    )
}

fn copying(of: &Spans, group: usize, places: &str) -> String {
    let columns = of.key.iter().chain(of.rest).copied().collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO {} ({columns}, from_pos, to_pos)
         SELECT {columns}, CAST(?1 AS BIGINT), {STILL} FROM {live} WHERE {}
         ON CONFLICT ({}, from_pos) DO UPDATE SET {}",
        of.was,
        keys_are(of, of.live, 1, group, places),
        of.key.join(", "),
        overwriting(of.rest),
        live = of.live,
    )
}

/// Part of an upsert: a second change that no event tells replaces the first.
fn overwriting(columns: &[&str]) -> String {
    let set: Vec<String> = columns
        .iter()
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    set.join(", ")
}

fn copying_figure(of: &Figures) -> String {
    let columns = of.key.iter().chain(of.rest).copied().collect::<Vec<_>>().join(", ");
    let same: Vec<String> = of
        .key
        .iter()
        .enumerate()
        .map(|(index, key)| format!("{key} = ?{}", index + 1))
        .collect();
    format!(
        "INSERT INTO {} ({columns}, from_pos)
         SELECT {columns}, CAST(?{} AS BIGINT) FROM {} WHERE {}
         ON CONFLICT ({}, from_pos) DO UPDATE SET {}",
        of.was,
        of.key.len() + 1,
        of.live,
        same.join(" AND "),
        of.key.join(", "),
        overwriting(of.rest)
    )
}
