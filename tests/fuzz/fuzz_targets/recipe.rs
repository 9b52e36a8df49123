//! A recipe's file.

#![no_main]

use std::sync::LazyLock;

use cutover_core::catalog::{Catalog, Recipe};
use cutover_proto::ids::ProductId;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::built_in().expect("the built-in catalog is sound"));

bounded::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let rule_of = |product: &str| CATALOG.rules.get(&ProductId::new(product)).cloned();
    let _ = Recipe::parse("fuzzed.toml", text, rule_of).map_err(|error| error.to_string());
});
