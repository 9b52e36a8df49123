//! What an imported report says of machines' disks is kept beside its records, with who brought it.

use std::collections::BTreeMap;

use cutover_core::coverage::import::{DiskReport, Row};

use super::{
    super::{Service, ServiceError, personal::PersonalValue},
    convert,
};
use crate::store::{WriteTx, assets, disks};

impl Service {
    /// Keeps what the lines say of disks, in place of what an earlier file said; one that says nothing any more is forgotten. What
    /// was attested of a host ends where its line says that the product encrypts.
    pub(super) fn keep_disk_reports(
        &self,
        tx: &mut WriteTx<'_>,
        source: &str,
        sha256: &str,
        by: &PersonalValue,
        rows: &[&Row],
    ) -> Result<(), ServiceError> {
        let rows: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.key.as_str(), *row)).collect();
        let mut doubted = Vec::new();
        for asset in assets::by_keys(tx, source, rows.keys().copied())? {
            let Some(line) = rows.get(asset.source_key.as_str()) else {
                continue;
            };
            let before = disks::report_of(tx, &asset.asset_id)?;
            let Some(said) = line.encryption else {
                if before.is_some() {
                    disks::remove_report(tx, &asset.asset_id)?;
                }
                continue;
            };
            // The same file again, by whomever, says nothing new, and its first bearer stays the one.
            if before.is_none_or(|before| before.sha256 != sha256 || before.says != said.as_str()) {
                by.keep(tx, &convert::stream(&asset.asset_id))?;
                let row = disks::ReportRow {
                    asset_id: asset.asset_id,
                    sha256: sha256.to_owned(),
                    says: said.as_str().to_owned(),
                    seen_ms: line.last_seen_ms,
                    imported_ms: self.now_ms(),
                    imported_by: by.mention().to_string(),
                };
                disks::put_report(tx, &row)?;
            }
            if said == DiskReport::ByTarget && !asset.host_id.is_empty() {
                doubted.push(asset.host_id);
            }
        }
        if doubted.is_empty() {
            return Ok(());
        }
        // In the order in which rows are touched.
        doubted.sort();
        let in_force = self.in_force(tx)?;
        for host_id in doubted {
            self.doubt_disks(tx, &in_force, &host_id)?;
        }
        Ok(())
    }
}
