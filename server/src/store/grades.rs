//! How many migrated hosts rest on recipes of which grade: kept in the transaction of the change, like totals.

use std::collections::BTreeMap;

use cutover_core::plan::{Plan, ShownBy};

use super::counts::Counts;
use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;
use super::versions::GRADE_TOTAL;

/// A campaign and a grade.
pub(super) type Counted = (String, &'static str);

const HOSTS: Counts = Counts {
    table: GRADE_TOTAL.live,
    key: GRADE_TOTAL.key,
    count: "hosts",
};

/// A plan that was counted so before is counted so now; `None` is not counted.
pub fn shift(tx: &mut WriteTx<'_>, campaign_id: &str, before: Option<ShownBy>, after: Option<ShownBy>) {
    if before == after {
        return;
    }
    for (grade, change) in [(before, -1), (after, 1)] {
        if let Some(grade) = grade {
            tx.gather_grade((campaign_id.to_owned(), grade.as_str()), change);
        }
    }
}

/// Writes the gathered changes, in the order of what they count.
pub(super) fn write(tx: &mut WriteTx<'_>, changes: BTreeMap<Counted, i64>) -> Result<(), StoreError> {
    for ((campaign_id, grade), change) in changes {
        let key = params![campaign_id.as_str(), grade];
        if change != 0 {
            tx.keep_figure(&GRADE_TOTAL, key);
        }
        HOSTS.shift(tx, key, change, || {
            format!("hosts of grade {grade} of campaign {campaign_id}")
        })?;
    }
    Ok(())
}

/// Hosts of each grade that is kept.
///
/// # Errors
/// As [`Reader::query`]; [`StoreError::Corrupt`] for a grade that this program does not know.
pub fn list(db: &mut impl Reader, campaign_id: &str) -> Result<BTreeMap<ShownBy, i64>, StoreError> {
    let rows = db.query(
        "SELECT grade, hosts FROM grade_total WHERE campaign_id = ?1 AND hosts > 0",
        params![campaign_id],
    )?;
    rows.iter()
        .map(|row| {
            let grade = ShownBy::parse(&row.text("grade")?).map_err(|error| StoreError::Corrupt {
                what: format!("the grades of campaign {campaign_id}"),
                why: error.to_string(),
            })?;
            Ok((grade, row.int("hosts")?))
        })
        .collect()
}

/// Compares what is kept with a recount of the plans: a scan.
///
/// # Errors
/// [`StoreError::Corrupt`] when they differ.
pub fn check(db: &mut impl Reader, campaign_id: &str) -> Result<(), StoreError> {
    let corrupt = |why: String| StoreError::Corrupt {
        what: format!("the grades of campaign {campaign_id}"),
        why,
    };
    let kept = list(db, campaign_id)?;
    let mut counted: BTreeMap<ShownBy, i64> = BTreeMap::new();
    let plans = db.query(
        "SELECT state FROM plan WHERE campaign_id = ?1 AND phase = 'migrated'",
        params![campaign_id],
    )?;
    for row in &plans {
        let plan: Plan = serde_json::from_str(&row.text("state")?).map_err(|error| corrupt(error.to_string()))?;
        if let Some(grade) = plan.shown_by() {
            *counted.entry(grade).or_default() += 1;
        }
    }
    if kept == counted {
        return Ok(());
    }
    Err(corrupt(format!("they say {kept:?} and a recount says {counted:?}")))
}
