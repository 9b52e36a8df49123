//! Tags: what operators call hosts. One kind says whose the machine is, and goes before what any import says of it.

use cutover_core::coverage::{Owned, Ownership, ownership};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::{self, Role},
    findings::words_about,
    handle::PLAN_CHANGED,
};
use crate::store::{Reader, StoreError, hosts};

/// A tag that says whose the machine is begins so.
const OWNERSHIP: &str = "ownership=";
/// No tag is longer, and no host has more.
const LONGEST: usize = 64;
const MOST: usize = 32;

/// Which tags a host gets and loses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeTags {
    /// It gets these.
    pub add: Vec<String>,
    /// It loses these.
    pub remove: Vec<String>,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Service {
    /// Changes a host's tags; says which it has, or would have.
    ///
    /// # Errors
    /// When there is no such host, the caller may not, or a tag is none.
    pub async fn tag_host(&self, caller: Caller, wanted: String, ask: ChangeTags) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let (service, by) = (self.clone(), self.personal_user(caller.name())?);
        self.0
            .store
            .write(move |tx| {
                let in_force = service.open_campaign(tx)?;
                let row = service.named_host(tx, &wanted)?;
                let before = read(&row)?;
                let after = changed(&before, &ask)?;
                let are = if after.is_empty() {
                    "none".to_owned()
                } else {
                    after.join(", ")
                };
                if ask.dry_run {
                    return Ok(format!("{} would have these tags: {are}", row.name));
                }
                if after != before {
                    let json = serde_json::json!(after).to_string();
                    hosts::set_tags(tx, &row.host_id, &row.tags, &json)?;
                    let detail = serde_json::json!({ "host": row.host_id, "tags": after });
                    service.audit(tx, access::HOSTS, &by, "host-tagged", detail)?;
                    service.describe(tx, &in_force, &row.host_id)?;
                    tx.after_commit(PLAN_CHANGED);
                }
                Ok::<_, ServiceError>(format!("{} has these tags: {are}", row.name))
            })
            .await
    }
}

/// A host's tags.
pub(super) fn read(row: &hosts::HostRow) -> Result<Vec<String>, ServiceError> {
    serde_json::from_str(&row.tags).map_err(|error| {
        ServiceError::Store(StoreError::Corrupt {
            what: format!("tags of host {}", row.host_id),
            why: error.to_string(),
        })
    })
}

/// Whose a host is, by its tags and by the records that are this host.
pub(super) fn owned(db: &mut impl Reader, row: &hosts::HostRow) -> Result<Owned, ServiceError> {
    let by_person = ownership_said(&read(row)?);
    let words = words_about(db, &row.host_id)?;
    let sources = words.iter().map(|word| (word.source.as_str(), word.ownership));
    Ok(ownership(by_person, sources))
}

/// Whose a host is, where one of its tags says it.
pub(super) fn ownership_said(tags: &[String]) -> Option<Ownership> {
    tags.iter().find_map(|tag| said(tag))
}

fn said(tag: &str) -> Option<Ownership> {
    Ownership::parse(tag.strip_prefix(OWNERSHIP)?).ok()
}

fn changed(before: &[String], ask: &ChangeTags) -> Result<Vec<String>, ServiceError> {
    let mut tags = before.to_vec();
    for tag in &ask.remove {
        let Some(at) = tags.iter().position(|it| it == tag) else {
            return Err(invalid(format!("it has no tag `{tag}`; it has {}", before.join(", "))));
        };
        tags.remove(at);
    }
    for tag in &ask.add {
        check(tag)?;
        if tag.starts_with(OWNERSHIP) {
            // A machine is somebody's, and not two people's.
            tags.retain(|it| !it.starts_with(OWNERSHIP));
        }
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    if tags.len() > MOST {
        return Err(invalid(format!("a host has at most {MOST} tags")));
    }
    tags.sort();
    Ok(tags)
}

fn check(tag: &str) -> Result<(), ServiceError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '=' | '/');
    if tag.is_empty() || tag.len() > LONGEST || !tag.chars().all(is_plain) {
        return Err(invalid(format!(
            "`{tag}` is no tag: one has up to {LONGEST} small letters of English, digits, and - _ . = /"
        )));
    }
    if tag.starts_with(OWNERSHIP) && said(tag).is_none() {
        let known: Vec<&str> = Ownership::ALL.iter().map(|it| it.as_str()).collect();
        return Err(invalid(format!(
            "`{tag}` says whose nobody is; write {OWNERSHIP} with one of {}; without such a tag, imports say it",
            known.join(", ")
        )));
    }
    Ok(())
}

const fn invalid(why: String) -> ServiceError {
    ServiceError::Invalid { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(before: &[&str], add: &[&str], remove: &[&str]) -> Result<Vec<String>, String> {
        let owned = |them: &[&str]| them.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let ask = ChangeTags {
            add: owned(add),
            remove: owned(remove),
            dry_run: false,
        };
        changed(&owned(before), &ask).map_err(|error| error.to_string())
    }

    #[test]
    fn tags_come_once_go_when_there_and_one_alone_says_whose_a_machine_is() {
        assert_eq!(tags(&["b"], &["a", "b"], &[]).unwrap(), ["a", "b"]);
        assert_eq!(tags(&["a", "b"], &[], &["a"]).unwrap(), ["b"]);
        assert_eq!(
            tags(&["ownership=personal", "x"], &["ownership=corporate"], &[]).unwrap(),
            ["ownership=corporate", "x"]
        );
        assert!(tags(&["b"], &[], &["a"]).unwrap_err().contains("it has b"));
    }

    #[test]
    fn what_is_no_tag_is_refused_with_what_would_be_one() {
        for tag in ["", "Upper", "two words", "ownership=mine", "ü", &"x".repeat(65)] {
            assert!(tags(&[], &[tag], &[]).is_err(), "{tag}");
        }
        assert!(tags(&[], &["ownership=mine"], &[]).unwrap_err().contains("contractor"));
        let many: Vec<String> = (0..40).map(|n| format!("t{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(tags(&[], &many, &[]).is_err());
    }
}
