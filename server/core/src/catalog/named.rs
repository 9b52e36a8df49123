//! What recipes are called where it is counted whether they succeeded here.

use cutover_proto::{ids::ProductId, inventory::PackageManager};

use super::{Catalog, Platform, Proven};
use crate::judge::Assessment;

impl Catalog {
    /// The recipes that the work on a host goes by, each in its present text and on the host's system: what removes each target
    /// that is there, and what installs the replacement where it does not protect yet. Sorted.
    #[must_use]
    pub fn recipes_for(&self, it: &Assessment, replacement: &ProductId) -> Vec<String> {
        let system = if it.os_id.is_empty() {
            it.os_family.as_str()
        } else {
            &it.os_id
        };
        let mut names = Vec::new();
        let mut add = |what: &str, product: &ProductId| {
            // What others remove is no work by a recipe.
            if let Some(recipe) = self.recipes.get(product).filter(|it| it.handover.is_none()) {
                names.push(format!("{what} {product} on {system} ({:016x})", recipe.digest));
            }
        };
        for target in &it.targets {
            add("remove", &target.product);
        }
        if !it.is_protected_by_replacement() {
            add("install", replacement);
        }
        names.sort();
        names.dedup();
        names
    }

    /// The least that the recipes of that work were shown on, with what the host installs and removes by. `None` where there is no
    /// work by a recipe. A system for which a recipe says nothing counts as the least.
    #[must_use]
    pub fn grade_for(&self, it: &Assessment, replacement: &ProductId) -> Option<Proven> {
        let grade = |product: &ProductId, usable: &[PackageManager]| {
            let manager = it.managers.iter().find(|manager| usable.contains(manager));
            let platform = Platform::from(*manager?);
            self.recipes.get(product)?.proven.get(&platform).copied()
        };
        let mut grades = Vec::new();
        for target in &it.targets {
            if let Some(removal) = self.removal(&target.product) {
                grades.push(grade(&target.product, &removal.managers));
            }
        }
        if !it.is_protected_by_replacement()
            && let Some(install) = self.installation(replacement)
        {
            grades.push(grade(replacement, &install.managers));
        }
        // The best stands first.
        grades.into_iter().map(|grade| grade.unwrap_or(Proven::Fixture)).max()
    }
}
