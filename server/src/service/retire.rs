//! Taking a host out: its plan ends, its keys are worth nothing at the next call.

use cutover_core::decide::Input;
use cutover_proto::ids::HostId;

use super::{
    Caller, Service, ServiceError,
    access::{self, Role},
    campaign::{broken_id, last_seen},
    handle::revoked_topic,
    plan_edit::PlanEdit,
};
use crate::store::{StreamName, WriteTx, events, host_habits, host_keys};

impl Service {
    /// Says that a host is gone, with a reason; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, the caller may not, or no reason is given.
    pub async fn retire_host(
        &self,
        caller: Caller,
        wanted: String,
        why: String,
        dry_run: bool,
    ) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        if why.trim().is_empty() {
            let why = "a host is retired with a reason: what became of the machine, and who says so".to_owned();
            return Err(ServiceError::Invalid { why });
        }
        let service = self.clone();
        let (by, audited) = (self.personal_user(caller.name())?, self.personal_user(caller.name())?);
        let why = self.personal_note(&why)?;
        self.0
            .store
            .write(move |tx| {
                let row = service.named_host(tx, &wanted)?;
                let host: HostId = row.host_id.parse().map_err(broken_id)?;
                let in_force = service.open_campaign(tx)?;
                let mut edit = PlanEdit::load(tx, &service, host)?;
                let from = edit.plan.phase;
                let retired = Input::Retired {
                    by: by.mention(),
                    why: why.mention(),
                };
                edit.take(&retired, &in_force.cx(&service))?;
                if dry_run {
                    return Ok(format!("would retire {} (now {from}) and revoke its keys", row.name));
                }
                by.keep(tx, &edit.stream())?;
                why.keep(tx, &edit.stream())?;
                let detail = serde_json::json!({ "host": row.host_id, "from": from, "why": why.mention() });
                service.audit(tx, access::HOSTS, &audited, "host-retired", detail)?;
                let last_seen_ms = last_seen(tx, host)?;
                edit.save(tx, &service, &in_force, last_seen_ms)?;
                service.revoke_keys(tx, &row.host_id, None)?;
                host_habits::erase(tx, &row.host_id)?;
                Ok::<_, ServiceError>(format!("retired {} (was {from}) and revoked its keys", row.name))
            })
            .await
    }

    /// Revokes a host's keys, all or all older than the one that is in use. In force at the next call; connections are
    /// closed by the notice.
    pub(super) fn revoke_keys(
        &self,
        tx: &mut WriteTx<'_>,
        host: &str,
        in_use: Option<&str>,
    ) -> Result<(), ServiceError> {
        self.end_keys(tx, host, in_use, true)
    }

    /// The same; `closes` says whether connections end too, in the middle of a call.
    pub(super) fn end_keys(
        &self,
        tx: &mut WriteTx<'_>,
        host: &str,
        in_use: Option<&str>,
        closes: bool,
    ) -> Result<(), ServiceError> {
        for spki_hash in superseded(&host_keys::of_host(tx, host)?, in_use) {
            host_keys::revoke(tx, &spki_hash, self.real_now_ms())?;
            let body = serde_json::json!({ "key": spki_hash });
            events::append_next(
                tx,
                &StreamName::host(host),
                &[self.host_event("key-revoked", &body, None)],
            )?;
            if closes {
                tx.after_commit(revoked_topic(&spki_hash));
            }
        }
        Ok(())
    }
}

/// Keys that are not revoked and older than the one in use; all of them when none is.
pub(super) fn superseded(keys: &[host_keys::HostKeyRow], in_use: Option<&str>) -> Vec<String> {
    let used_from = in_use.map(|hash| {
        keys.iter()
            .find(|key| key.spki_hash == hash)
            .map_or(i64::MIN, |key| key.from_ms)
    });
    keys.iter()
        .filter(|key| key.revoked_ms.is_none())
        .filter(|key| used_from.is_none_or(|from_ms| key.from_ms < from_ms))
        .map(|key| key.spki_hash.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hash: &str, from_ms: i64, revoked_ms: Option<i64>) -> host_keys::HostKeyRow {
        host_keys::HostKeyRow {
            spki_hash: hash.into(),
            host_id: "h".into(),
            from_ms,
            to_ms: 100,
            revoked_ms,
            certificate: Vec::new(),
        }
    }

    #[test]
    fn a_key_in_use_supersedes_older_ones_only() {
        let keys = [
            key("old", 1, None),
            key("used", 2, None),
            key("newer", 3, None),
            key("gone", 0, Some(1)),
        ];
        assert_eq!(superseded(&keys, Some("used")), ["old"]);
        assert_eq!(superseded(&keys, None), ["old", "used", "newer"]);
        assert!(superseded(&keys, Some("foreign")).is_empty());
    }
}
