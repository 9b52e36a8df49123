//! The catalog that is built in, for the command line.

use cutover_core::catalog::Catalog;
use cutover_proto::rule::{BUILT_IN, Certainty, Role, Rule};
use serde::Serialize;

/// A product as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductView {
    /// Its id.
    pub product: String,
    /// What it is to the duty.
    pub role: String,
    /// How the ban covers it.
    pub scope: String,
    /// Its own name.
    pub name: String,
    /// Whether there is a recipe for it.
    pub recipe: bool,
}

/// What is built in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltIn {
    /// Every product that can be read.
    pub products: Vec<ProductView>,
    /// What is recognised and cannot be acted on, and where facts come from.
    pub notes: Vec<String>,
    /// What is wrong with the data.
    pub faults: Vec<String>,
}

impl ProductView {
    /// As columns of a table.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let recipe = if self.recipe { "yes" } else { "no: recognised only" };
        vec![
            self.product.clone(),
            self.role.clone(),
            self.scope.clone(),
            self.name.clone(),
            recipe.to_owned(),
        ]
    }
}

/// What is not sure about a rule, and what is not known of its product.
fn doubts(rule: &Rule) -> Vec<String> {
    let looks = rule.look.iter().filter(|look| look.certainty != Certainty::Confirmed);
    let doubtful = looks.map(|look| {
        format!(
            "{}: {} on {} is {}: {}",
            rule.product,
            look.trace.kind(),
            look.os,
            look.certainty,
            look.note
        )
    });
    let open = rule
        .open
        .iter()
        .map(|open| format!("{}: not looked for: {open}", rule.product));
    doubtful.chain(open).collect()
}

/// Reads every rule and recipe.
#[must_use]
pub fn built_in_catalog() -> BuiltIn {
    let mut found = BuiltIn::default();
    let catalog = Catalog::built_in()
        .map_err(|error| found.faults.push(error.to_string()))
        .ok();
    for (file, text) in BUILT_IN {
        match Rule::parse(file, text) {
            Ok(rule) => {
                let recipe = catalog
                    .as_ref()
                    .is_some_and(|catalog| catalog.recipes.contains_key(&rule.product));
                if !recipe {
                    let what = match rule.role {
                        Role::Target | Role::Unapproved => "hosts that carry it need a person",
                        Role::Replacement => "others install it, and hosts are followed",
                    };
                    found
                        .notes
                        .push(format!("{}: recognised, no recipe: {what}", rule.product));
                }
                found
                    .notes
                    .push(format!("{}: {}", rule.product, rule.sources.join("; ")));
                found.notes.extend(doubts(&rule));
                let preconditions = catalog.iter().flat_map(|catalog| catalog.preconditions(&rule.product));
                let lenient = preconditions.filter_map(|it| Some(format!("{}: {}", rule.product, it.note()?)));
                found.notes.extend(lenient);
                found.products.push(ProductView {
                    product: rule.product.to_string(),
                    role: rule.role.to_string(),
                    scope: rule.scope.to_string(),
                    name: rule.name,
                    recipe,
                });
            }
            Err(error) => found.faults.push(error.to_string()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_that_is_not_confirmed_is_told() {
        let found = built_in_catalog();
        assert_eq!(found.faults, Vec::<String>::new());
        let told = |part: &str| found.notes.iter().any(|note| note.contains(part));
        assert!(told(
            "kaspersky-vpn: service on windows is unconfirmed: the service's name follows"
        ));
        assert!(told("kea: service on windows is indirect: "));
        assert!(told("klnagent-mac: not looked for: its launchd label"));
        assert!(told(
            "clamav: precondition room: where it is not known, work goes on: the download"
        ));
        assert!(told("kess: recognised, no recipe: hosts that carry it need a person"));
        assert!(told("sophos: recognised, no recipe: others install it"));
        let rules = BUILT_IN.iter().map(|(file, text)| Rule::parse(file, text).unwrap());
        let doubtful: usize = rules
            .map(|rule| rule.open.len() + rule.look.iter().filter(|look| !look.note.is_empty()).count())
            .sum();
        let notes = found.notes.iter().filter(|note| {
            note.contains(": not looked for: ") || note.contains(" is unconfirmed: ") || note.contains(" is indirect: ")
        });
        assert_eq!(notes.count(), doubtful);
    }
}
