//! Names of keys and values: how they are kept, and which are the same.

/// A name as it is kept: one byte a character (Latin 1), or two (UTF-16). What is no character is replaced.
pub(super) fn decode(bytes: &[u8], is_narrow: bool) -> String {
    if is_narrow {
        bytes.iter().copied().map(char::from).collect()
    } else {
        text(bytes)
    }
}

/// UTF-16, little end first. A single byte at the end is dropped.
pub(super) fn text(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Whether the registry takes two names for one: characters are compared one by one in upper case, without what depends on
/// a language or changes their number.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one.chars().map(upper).eq(other.chars().map(upper))
}

fn upper(letter: char) -> char {
    let mut whole = letter.to_uppercase();
    match (whole.next(), whole.next()) {
        // Windows leaves these as they are: `ſ`, `ı` and `µ` are no `S`, `I` and `Μ` there, and what UTF-16 writes in two units
        // is compared unit by unit.
        (Some(upper), None)
            if (letter.is_ascii() || !upper.is_ascii()) && letter != '\u{b5}' && u32::from(letter) <= 0xffff =>
        {
            upper
        }
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_whatever_their_case_and_in_no_other_way() {
        for (one, other) in [
            ("Uninstall", "UNINSTALL"),
            ("Лаборатория", "ЛАБОРАТОРИЯ"),
            ("é", "É"),
            ("", ""),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [("a", "ab"), ("ß", "SS"), ("ı", "I"), ("ſ", "s"), ("µ", "Μ"), ("a", "а")] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn names_are_kept_in_one_byte_a_character_or_in_two() {
        assert_eq!(decode(b"Caf\xe9", true), "Café");
        assert_eq!(decode(&[0x1b, 0x04, 0x30, 0x04], false), "Ла");
        assert_eq!(text(&[0x41, 0, 0x00, 0xd8, 0x42]), "A\u{fffd}");
    }
}
