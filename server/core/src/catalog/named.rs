//! What recipes are called where it is counted whether they succeeded here.

use cutover_proto::{ids::ProductId, inventory::PackageManager};

use super::{Catalog, Platform, Proven, Recipe};
use crate::judge::Assessment;

impl Catalog {
    /// The recipes that the work on a host goes by, each in its present text and on the host's system: what removes each target
    /// that is there, and what installs the replacement where it does not protect yet. With the grade that it was shown on there;
    /// a system for which a recipe says nothing counts as the least. Sorted.
    #[must_use]
    pub fn recipes_for(&self, it: &Assessment, replacement: &ProductId) -> Vec<(String, Proven)> {
        let mut names = Vec::new();
        let mut add = |what: &str, product: &ProductId, usable: &[PackageManager]| {
            // What others remove is no work by a recipe.
            if let Some(recipe) = self.recipes.get(product).filter(|it| it.handover.is_none()) {
                names.push((name_of(what, recipe, it), self.grade_of(product, usable, it)));
            }
        };
        for target in &it.targets {
            let removal = self.removal(&target.product);
            add(
                "remove",
                &target.product,
                removal.map_or(&[], |removal| &removal.managers),
            );
        }
        if !it.is_protected_by_replacement() {
            let install = self.installation(replacement);
            add("install", replacement, install.map_or(&[], |install| &install.managers));
        }
        names.sort();
        names.dedup();
        names
    }

    /// What installs a product on a host of this kind, as [`Catalog::recipes_for`] calls it, whether or not it is to be installed
    /// there.
    #[must_use]
    pub fn installation_for(&self, it: &Assessment, product: &ProductId) -> Option<String> {
        self.recipes.get(product).map(|recipe| name_of("install", recipe, it))
    }

    fn grade_of(&self, product: &ProductId, usable: &[PackageManager], it: &Assessment) -> Proven {
        let manager = it.managers.iter().find(|manager| usable.contains(manager));
        let grade = |manager: &PackageManager| {
            let platform = Platform::from(*manager);
            self.recipes.get(product)?.proven.get(&platform).copied()
        };
        manager.and_then(grade).unwrap_or(Proven::Fixture)
    }

    /// The least that the recipes of that work were shown on, with what the host installs and removes by. `None` where there is no
    /// work by a recipe.
    #[must_use]
    pub fn grade_for(&self, it: &Assessment, replacement: &ProductId) -> Option<Proven> {
        let mut grades = Vec::new();
        for target in &it.targets {
            if let Some(removal) = self.removal(&target.product) {
                grades.push(self.grade_of(&target.product, &removal.managers, it));
            }
        }
        if !it.is_protected_by_replacement()
            && let Some(install) = self.installation(replacement)
        {
            grades.push(self.grade_of(replacement, &install.managers, it));
        }
        // The best stands first.
        grades.into_iter().max()
    }
}

fn name_of(what: &str, recipe: &Recipe, it: &Assessment) -> String {
    let system = if it.os_id.is_empty() {
        it.os_family.as_str()
    } else {
        &it.os_id
    };
    format!("{what} {} on {system} ({:016x})", recipe.product, recipe.digest)
}
