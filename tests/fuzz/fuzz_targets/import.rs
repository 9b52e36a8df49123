//! An export of another system. What stands before a first NUL is a mapping; without one, the first byte chooses a preset.

#![no_main]

use std::{collections::BTreeSet, sync::LazyLock};

use cutover_core::coverage::import::{Mapping, PRESETS, Preset, read};

static MAPPINGS: LazyLock<Vec<Mapping>> = LazyLock::new(|| {
    let presets = PRESETS.iter().map(|(name, _)| Preset::named(name));
    presets
        .map(|preset| preset.expect("a preset is sound").mapping)
        .collect()
});

bounded::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let preset = &MAPPINGS[usize::from(*first) % MAPPINGS.len()];
    let (mapping, file) = match rest.iter().position(|byte| *byte == 0) {
        // A file in UTF-16 has zeros too; what stands before one is hardly ever a mapping.
        Some(at) => match std::str::from_utf8(&rest[..at]).map(Mapping::parse) {
            Ok(Ok(mapping)) => (mapping.over(preset.clone()), &rest[at + 1..]),
            Ok(Err(_)) | Err(_) => (preset.clone(), rest),
        },
        None => (preset.clone(), rest),
    };
    let Ok(import) = read(file, &mapping) else { return };
    let keys: BTreeSet<&str> = import.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys.len(), import.rows.len(), "two rows of one key");
    // Each line is a row or a fault, never both.
    let lines = import.rows.iter().map(|row| row.line);
    let lines: Vec<u64> = lines.chain(import.faults.iter().map(|fault| fault.line)).collect();
    let distinct: BTreeSet<u64> = lines.iter().copied().collect();
    assert_eq!(distinct.len(), lines.len(), "a line is told twice: {lines:?}");
});
