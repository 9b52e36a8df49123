//! Numbers drawn from numbers: the same ones always, and neighbouring ones far apart.

/// splitmix64's finisher: every bit of `number` moves half of the bits of what comes out.
#[must_use]
pub(crate) const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number for bytes (FNV-1a), to be mixed.
#[must_use]
pub(crate) fn of_bytes(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is drawn decides whose turn it is and what a forecast says: with another version it is still the same.
    #[test]
    fn numbers_are_mixed_as_everybody_mixes_them() {
        // The first number of splitmix64 from these seeds, by its authors' program.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
        // FNV-1a of nothing and of an a, by its authors' table.
        assert_eq!(of_bytes([]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of_bytes(*b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
