//! The readiness list of a campaign: what must be so around the machines before hosts are started without a person.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use super::{parse::is_plain, waves::Flaw};

/// What must be so before hosts are started without a person. Whether it is so stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadinessItem {
    /// Its name.
    pub name: String,
    /// What must be so, in one line.
    pub title: String,
    /// What goes wrong otherwise.
    pub why: String,
    /// What shows it.
    pub proof: String,
    /// Whether mode automatic starts nobody without it.
    pub required: bool,
    /// Items that must be so before it can be.
    pub after: Vec<String>,
}

/// An item in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadinessInFile {
    name: Spanned<String>,
    title: String,
    why: String,
    proof: String,
    #[serde(default = "yes")]
    required: bool,
    #[serde(default)]
    after: Vec<String>,
}

const fn yes() -> bool {
    true
}

/// The list of a file.
pub(super) fn read(file: Vec<ReadinessInFile>) -> Result<Vec<ReadinessItem>, Flaw> {
    let mut items: Vec<ReadinessItem> = Vec::new();
    let offsets: Vec<usize> = file.iter().map(|it| it.name.span().start).collect();
    for (it, at) in file.into_iter().zip(&offsets) {
        let item = ReadinessItem {
            name: it.name.into_inner(),
            title: it.title,
            why: it.why,
            proof: it.proof,
            required: it.required,
            after: it.after,
        };
        check(&item, &items).map_err(|why| Flaw { at: *at, why })?;
        items.push(item);
    }
    for (item, at) in items.iter().zip(&offsets) {
        check_order(item, &items).map_err(|why| Flaw { at: *at, why })?;
    }
    Ok(items)
}

fn check(item: &ReadinessItem, before: &[ReadinessItem]) -> Result<(), String> {
    let name = &item.name;
    if !is_plain(name) {
        return Err(format!(
            "readiness `{name}`: its name is not made of lower-case letters, digits and `-`, at most 64"
        ));
    }
    if before.iter().any(|other| other.name == *name) {
        return Err(format!("two [[readiness]] are named `{name}`; rename one"));
    }
    for (key, text, what) in [
        ("title", &item.title, "what must be so"),
        ("why", &item.why, "what goes wrong otherwise"),
        ("proof", &item.proof, "what shows that it is so"),
    ] {
        if text.trim().is_empty() {
            return Err(format!("readiness `{name}`: `{key}` is empty; write {what}"));
        }
    }
    Ok(())
}

fn check_order(item: &ReadinessItem, items: &[ReadinessItem]) -> Result<(), String> {
    let name = &item.name;
    if let Some(other) = item.after.iter().find(|it| named(items, it).is_none()) {
        return Err(format!(
            "readiness `{name}` comes after `{other}`, and there is no such item; see its spelling"
        ));
    }
    if is_after_itself(item, items) {
        return Err(format!(
            "readiness `{name}` comes after itself, by way of `after`, so it could never be attested; break the circle"
        ));
    }
    Ok(())
}

fn is_after_itself(item: &ReadinessItem, items: &[ReadinessItem]) -> bool {
    let mut met = BTreeSet::new();
    let mut ahead: Vec<&str> = item.after.iter().map(String::as_str).collect();
    while let Some(name) = ahead.pop() {
        if name == item.name {
            return true;
        }
        if met.insert(name) {
            let next = named(items, name);
            ahead.extend(next.into_iter().flat_map(|it| &it.after).map(String::as_str));
        }
    }
    false
}

/// The item of that name.
pub(crate) fn named<'a>(items: &'a [ReadinessItem], name: &str) -> Option<&'a ReadinessItem> {
    items.iter().find(|it| it.name == name)
}
