//! What recipes are called where it is counted whether they succeeded here.

use cutover_proto::ids::ProductId;

use super::Catalog;
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
}
