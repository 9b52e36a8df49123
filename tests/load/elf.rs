//! Whether a program is stripped, read from its section headers (elf(5)): a size with symbols is another figure.

use anyhow::{Context, Result, ensure};

/// Type of the section that strip(1) takes out.
const SHT_SYMTAB: u32 = 2;

/// Whether a 64-bit little-endian ELF file has no symbol table left. The dynamic one stays in a stripped file.
///
/// # Errors
/// When the file is of another kind or damaged.
pub(crate) fn is_stripped(file: &[u8]) -> Result<bool> {
    ensure!(
        file.starts_with(b"\x7fELF\x02\x01"),
        "not a 64-bit little-endian ELF program"
    );
    let cut = "the file ends too early";
    let offset = usize::try_from(u64::from_le_bytes(bytes(file, 40).context(cut)?)).context(cut)?;
    let size = usize::from(u16::from_le_bytes(bytes(file, 58).context(cut)?));
    let count = usize::from(u16::from_le_bytes(bytes(file, 60).context(cut)?));
    for section in 0..count {
        let at = section
            .checked_mul(size)
            .and_then(|at| at.checked_add(offset)?.checked_add(4))
            .context(cut)?;
        if u32::from_le_bytes(bytes(file, at).context(cut)?) == SHT_SYMTAB {
            return Ok(false);
        }
    }
    Ok(true)
}

fn bytes<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header and one section header of this type.
    fn program(section: u32) -> Vec<u8> {
        let mut file = vec![0; 128];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[40] = 64;
        file[58] = 64;
        file[60] = 1;
        file[68..72].copy_from_slice(&section.to_le_bytes());
        file
    }

    #[test]
    fn a_symbol_table_is_seen_and_a_dynamic_one_is_none() {
        assert!(!is_stripped(&program(SHT_SYMTAB)).expect("is a program"));
        assert!(is_stripped(&program(11)).expect("is a program"));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(is_stripped(b"#!/bin/sh\n").is_err());
        assert!(is_stripped(&program(2)[..70]).is_err());
    }
}
