//! Hosts as operators ask for them, and what they may do to them.

use cutover_core::{decide::Input, notice};
use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::{self, Role},
    campaign::{broken_id, last_seen},
    plan_edit::PlanEdit,
};
use crate::store::{Reader, hosts};

/// How many ids one query reads.
const CODES_A_QUERY: i64 = 5000;

/// Which hosts a listing shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostFilter {
    /// One phase only.
    pub phase: Option<String>,
    /// One standing only.
    pub standing: Option<String>,
    /// Names that begin so, ignoring case.
    pub name: Option<String>,
    /// Where the page begins: what the page before gave as `next`.
    pub after: Option<String>,
    /// The fleet as it was at this instant, with its zone.
    pub as_of: Option<String>,
}

impl HostFilter {
    /// The filter as a query, from another beginning.
    #[must_use]
    pub fn query_after(&self, after: &str) -> String {
        let given = [
            ("phase", &self.phase),
            ("standing", &self.standing),
            ("name", &self.name),
            ("as_of", &self.as_of),
        ];
        let mut query: Vec<String> = given
            .into_iter()
            .filter_map(|(key, value)| {
                value
                    .as_ref()
                    .filter(|value| !value.is_empty())
                    .map(|value| (key, value))
            })
            .map(|(key, value)| format!("{key}={}", encoded(value)))
            .collect();
        query.push(format!("after={}", encoded(after)));
        query.join("&")
    }
}

/// Percent-encoding of everything that is not plain in a query (RFC 3986, 2.3).
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

impl Service {
    /// The host that an operator means by id or by name.
    pub(super) fn named_host(&self, db: &mut impl Reader, wanted: &str) -> Result<hosts::HostRow, ServiceError> {
        if wanted.parse::<HostId>().is_ok() {
            let row = hosts::load(db, &wanted.to_ascii_lowercase())?;
            return row.ok_or_else(|| ServiceError::NotFound {
                what: format!("host `{wanted}`"),
            });
        }
        let mut rows = hosts::by_name(db, wanted)?;
        match (rows.pop(), rows.as_slice()) {
            (Some(row), []) => Ok(row),
            (None, _) => self.host_of_code(db, wanted)?.ok_or_else(|| ServiceError::NotFound {
                what: format!("host `{wanted}`"),
            }),
            (Some(last), others) => {
                let ids: Vec<&str> = others.iter().chain([&last]).map(|row| row.host_id.as_str()).collect();
                let why = format!(
                    "{} hosts are named `{wanted}`; name one by its id: {}",
                    ids.len(),
                    ids.join(", ")
                );
                Err(ServiceError::Invalid { why })
            }
        }
    }

    /// The host whose users know it by this reference code. Codes follow from ids, so all of them are looked through: somebody
    /// at the telephone asks that, and nothing else.
    fn host_of_code(&self, db: &mut impl Reader, wanted: &str) -> Result<Option<hosts::HostRow>, ServiceError> {
        if wanted.len() != 9 || wanted.find('-') != Some(4) {
            return Ok(None);
        }
        let mut after = String::new();
        loop {
            let ids = hosts::ids(db, &after, CODES_A_QUERY)?;
            let Some(last) = ids.last() else {
                return Ok(None);
            };
            for id in &ids {
                let host: HostId = id.parse().map_err(broken_id)?;
                if notice::code(host, self.campaign_id()).eq_ignore_ascii_case(wanted) {
                    return Ok(hosts::load(db, id)?);
                }
            }
            after.clone_from(last);
        }
    }

    /// Lets a host that used its attempts up try again; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, the caller may not, or it has nothing to retry.
    pub async fn retry_host(&self, caller: Caller, wanted: String, dry_run: bool) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let service = self.clone();
        let (by, audited) = (self.personal_user(caller.name())?, self.personal_user(caller.name())?);
        self.0
            .store
            .write(move |tx| {
                let row = service.named_host(tx, &wanted)?;
                let host: HostId = row.host_id.parse().map_err(broken_id)?;
                let in_force = service.open_campaign(tx)?;
                let mut edit = PlanEdit::load(tx, &service, host)?;
                let from = edit.plan.phase;
                edit.take(&Input::Retried { by: by.mention() }, &in_force.cx(&service))?;
                let to = edit.plan.phase;
                if dry_run {
                    return Ok(format!("would move {} from {from} to {to}", row.name));
                }
                let detail = serde_json::json!({ "host": row.host_id, "from": from, "to": to });
                by.keep(tx, &edit.stream())?;
                service.audit(tx, access::HOSTS, &audited, "host-retried", detail)?;
                let last_seen_ms = last_seen(tx, host)?;
                edit.save(tx, &service, &in_force, last_seen_ms)?;
                Ok::<_, ServiceError>(format!("moved {} from {from} to {to}", row.name))
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_the_address() {
        let filter = HostFilter {
            name: Some("a b&c".into()),
            phase: Some(String::new()),
            ..HostFilter::default()
        };
        assert_eq!(filter.query_after("x/1"), "name=a%20b%26c&after=x%2F1");
    }
}
