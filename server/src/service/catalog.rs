//! The catalog that is built in, for the command line.

use std::collections::BTreeMap;

use cutover_core::catalog::{Catalog, Cell, Matrix, Recipe};
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
    /// Whether Cutover acts on it by a recipe.
    pub recipe: bool,
    /// Who removes or installs it; absent where no recipe says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who removes it in Cutover's place, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handover: Option<HandoverView>,
    /// On what its recipe was shown to work, by system.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proven: BTreeMap<String, String>,
}

/// A removal by others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandoverView {
    /// Who answers for it.
    pub owner: String,
    /// What to do.
    pub runbook: String,
    /// What ends it.
    pub ends_when: String,
    /// How sure the facts behind it are.
    pub certainty: String,
    /// What is not sure about them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A line of the matrix: one product of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixView {
    /// What went.
    pub product: String,
    /// On which system.
    pub system: String,
    /// What took its place.
    pub replacement: String,
    /// What was tried.
    pub case: String,
    /// On what it ran.
    pub ran: String,
    /// What shows it.
    pub shown_by: String,
}

/// What is built in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltIn {
    /// Every product that can be read.
    pub products: Vec<ProductView>,
    /// What ran where.
    pub matrix: Vec<MatrixView>,
    /// What is recognised and cannot be acted on, and where facts come from.
    pub notes: Vec<String>,
    /// What is wrong with the data.
    pub faults: Vec<String>,
}

impl ProductView {
    /// Headings of [`Self::columns`].
    pub const HEADINGS: [&'static str; 6] = ["product", "role", "scope", "name", "by", "proven"];

    fn new(rule: Rule, recipe: Option<&Recipe>) -> Self {
        let handover = recipe.and_then(|recipe| recipe.handover.as_ref());
        let proven = recipe.iter().flat_map(|recipe| &recipe.proven);
        Self {
            product: rule.product.to_string(),
            role: rule.role.to_string(),
            scope: rule.scope.to_string(),
            name: rule.name,
            recipe: recipe.is_some_and(|recipe| recipe.handover.is_none()),
            by: recipe.map(|recipe| recipe.by().to_string()),
            handover: handover.map(|it| HandoverView {
                owner: it.owner.to_string(),
                runbook: it.runbook.clone(),
                ends_when: it.ends_when.clone(),
                certainty: it.certainty.to_string(),
                note: it.note.clone(),
            }),
            proven: proven
                .map(|(system, grade)| (system.to_string(), grade.to_string()))
                .collect(),
        }
    }

    /// As columns of a table.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let by = match (&self.by, &self.handover) {
            (Some(by), Some(handover)) => format!("{by}: {}", handover.owner),
            (Some(by), None) => by.clone(),
            (None, _) => "no recipe: recognised only".to_owned(),
        };
        let proven: Vec<String> = self
            .proven
            .iter()
            .map(|(system, grade)| format!("{system} {grade}"))
            .collect();
        vec![
            self.product.clone(),
            self.role.clone(),
            self.scope.clone(),
            self.name.clone(),
            by,
            proven.join(", "),
        ]
    }
}

impl MatrixView {
    /// Headings of [`Self::columns`].
    pub const HEADINGS: [&'static str; 6] = ["product", "system", "replacement", "case", "ran", "shown by"];

    fn of(cell: &Cell) -> impl Iterator<Item = Self> {
        cell.products.iter().map(|product| Self {
            product: product.to_string(),
            system: cell.system.to_string(),
            replacement: cell
                .replacement
                .as_ref()
                .map_or_else(|| "none".to_owned(), ToString::to_string),
            case: cell.case.clone(),
            ran: cell.ran.to_string(),
            shown_by: cell.shown_by.clone(),
        })
    }

    /// As columns of a table.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        [
            &self.product,
            &self.system,
            &self.replacement,
            &self.case,
            &self.ran,
            &self.shown_by,
        ]
        .map(Clone::clone)
        .to_vec()
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

/// What is to be known of a recipe before anybody relies on it.
fn remarks(recipe: &Recipe) -> Vec<String> {
    let mut remarks = vec![format!("recipe: {}", recipe.sources.join("; "))];
    remarks.extend(recipe.handover.iter().flat_map(|handover| handover.notes()));
    let shown = recipe.proven.iter();
    remarks.extend(shown.map(|(system, grade)| format!("proven on {system}: {grade}")));
    let in_argv = recipe.argv_secrets.iter();
    remarks.extend(in_argv.map(|(name, why)| {
        format!("secret {name} is taken on a command line alone, where others on the machine can read it: {why}")
    }));
    let said = recipe.secrets.iter();
    remarks.extend(said.map(|it| {
        format!(
            "secret {} of {} is said by {}, as {}: {}",
            it.name, recipe.product, it.property, it.form, it.fact
        )
    }));
    let untested = recipe.install.iter().filter_map(|install| install.untested.as_ref());
    remarks.extend(untested.map(|why| format!("no test file is shown to it: {why}")));
    remarks.extend(recipe.preconditions.iter().filter_map(|it| it.note()));
    remarks
}

/// Reads every rule and recipe, and what ran where.
#[must_use]
pub fn built_in_catalog() -> BuiltIn {
    let mut found = BuiltIn::default();
    let catalog = Catalog::built_in()
        .map_err(|error| found.faults.push(error.to_string()))
        .ok();
    for (file, text) in BUILT_IN {
        match Rule::parse(file, text) {
            Ok(rule) => {
                let recipe = catalog.as_ref().and_then(|catalog| catalog.recipes.get(&rule.product));
                if recipe.is_none() {
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
                let remarks = recipe.into_iter().flat_map(remarks);
                found
                    .notes
                    .extend(remarks.map(|remark| format!("{}: {remark}", rule.product)));
                found.products.push(ProductView::new(rule, recipe));
            }
            Err(error) => found.faults.push(error.to_string()),
        }
    }
    if let Some(catalog) = &catalog {
        match Matrix::built_in(catalog) {
            Ok(matrix) => found.matrix = matrix.cells.iter().flat_map(MatrixView::of).collect(),
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
        assert!(told("kav-mac: its removal is indirect: the uninstaller's place"));
        assert!(told(
            "clamav: precondition room: where it is not known, work goes on: the download"
        ));
        assert!(told(
            "ultraav: recognised, no recipe: hosts that carry it need a person"
        ));
        assert!(told("sophos: recognised, no recipe: others install it"));
        let rules = BUILT_IN.iter().map(|(file, text)| Rule::parse(file, text).unwrap());
        let doubtful: usize = rules
            .map(|rule| rule.open.len() + rule.look.iter().filter(|look| !look.note.is_empty()).count())
            .sum();
        let notes = found.notes.iter().filter(|note| {
            let is_of_a_look = note.contains(" is unconfirmed: ") || note.contains(" is indirect: ");
            note.contains(": not looked for: ") || (is_of_a_look && !note.contains(": its removal is "))
        });
        assert_eq!(notes.count(), doubtful);
    }

    #[test]
    fn who_removes_a_product_and_on_what_that_was_shown_is_listed_and_told() {
        let found = built_in_catalog();
        let columns = |product: &str| -> Vec<String> {
            let view = found.products.iter().find(|it| it.product == product).unwrap();
            view.columns().split_off(4)
        };
        assert_eq!(
            columns("kesl"),
            [
                "cutover",
                "linux-apt machine, linux-dnf chroot, linux-yum fixture, linux-zypper chroot"
            ]
        );
        assert_eq!(columns("kea"), ["hand: technician", ""]);
        assert_eq!(columns("kes-windows"), ["cutover", "windows wine"]);
        assert_eq!(columns("sophos"), ["no recipe: recognised only", ""]);
        let told = |part: &str| found.notes.iter().any(|note| note.contains(part));
        assert!(told(
            "ksws: removed by hand, operator answers: remove it by the task of the old console"
        ));
        assert!(told(
            "secret password of klnagent-windows is said by KLUNINSTPASSWD, as utf16le-hex: three independent"
        ));
        assert!(told("kesl: proven on linux-dnf: chroot"));
        let view = found.products.iter().find(|it| it.product == "kea").unwrap();
        let json = serde_json::to_value(view).unwrap();
        assert_eq!(
            (&json["recipe"], &json["by"], &json["handover"]["certainty"]),
            (&false.into(), &"hand".into(), &"unconfirmed".into())
        );
    }

    #[test]
    fn a_secret_that_a_vendor_takes_in_argv_alone_is_told() {
        let catalog = Catalog::built_in().unwrap();
        let mut recipe = catalog.recipes[&"clamav".into()].clone();
        assert!(!remarks(&recipe).iter().any(|remark| remark.contains("secret")));
        recipe
            .argv_secrets
            .insert("token".to_owned(), "its own help names no other way".to_owned());
        assert!(remarks(&recipe).contains(
            &"secret token is taken on a command line alone, where others on the machine can read it: its own help names no \
              other way"
                .to_owned()
        ));
    }

    #[test]
    fn of_falcon_it_is_told_that_its_secrets_are_arguments_and_that_no_test_file_is_shown_to_it() {
        let found = built_in_catalog();
        let told = |part: &str| found.notes.iter().any(|note| note.contains(part));
        for name in ["cid", "provisioning-token"] {
            assert!(told(&format!(
                "crowdstrike-falcon: secret {name} is taken on a command line alone, where others on the machine can read it: CrowdStrike's"
            )));
        }
        assert!(told(
            "crowdstrike-falcon: no test file is shown to it: no local record of a detection is documented"
        ));
        assert!(!told("defender-endpoint: secret onboarding is taken on a command line"));
        let in_argv = found
            .notes
            .iter()
            .filter(|note| note.contains(" is taken on a command line alone"));
        assert_eq!(in_argv.count(), 2, "and of no other product");
    }

    #[test]
    fn the_matrix_has_a_line_for_each_product_and_none_for_what_did_not_run() {
        let found = built_in_catalog();
        let lines: Vec<String> = found.matrix.iter().map(|it| it.columns()[..5].join(" | ")).collect();
        for product in ["kesl-gui", "kesl", "klnagent64"] {
            assert!(
                lines.contains(&format!("{product} | linux-zypper | clamav | the whole way | chroot")),
                "{lines:#?}"
            );
        }
        let by_cutover = |product: &str| found.products.iter().any(|it| it.product == product && it.recipe);
        for line in &found.matrix {
            let is_alone = line.replacement == "none" && line.system == "windows";
            assert!(
                by_cutover(&line.product) && (is_alone || by_cutover(&line.replacement)),
                "{line:?}"
            );
        }
        assert!(
            lines
                .iter()
                .filter(|line| line.contains("linux-yum"))
                .all(|line| line.ends_with("fixture"))
        );
    }
}
