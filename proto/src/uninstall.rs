//! What a look says of an entry under Windows' uninstall keys, and which package of Windows Installer that names.
//!
//! The agent writes these words into evidence, and the server reads the codes from them that an order may name.

/// Before the key of an entry that is no package of Windows Installer.
const KEY: &str = "uninstall key";
/// Before the key of one that is: there it is the product's code.
const CODE: &str = ", product code ";
/// Behind an entry whose uninstaller did not end.
const ORPHAN: &str = " (its folder is gone)";
/// Behind one that a user has for himself.
const OF_A_USER: &str = ", of a user";

/// An entry under an uninstall key, as far as words tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'e> {
    /// The product's name and version, as the entry has them.
    pub name: &'e str,
    /// May be empty.
    pub version: &'e str,
    /// The key's own name.
    pub key: &'e str,
    /// Whether it is a package of Windows Installer.
    pub is_msi: bool,
    /// Whether the folder that it states is gone.
    pub is_orphan: bool,
    /// Whether it is a user's own, which nobody else can remove.
    pub is_of_user: bool,
}

impl Entry<'_> {
    /// In words, with what removes it.
    #[must_use]
    pub fn in_words(&self) -> String {
        let name = if self.name.is_empty() { "(no name)" } else { self.name };
        let space = if self.version.is_empty() { "" } else { " " };
        let what = if self.is_msi && is_product_code(self.key) {
            CODE.to_owned()
        } else {
            format!(", {KEY} ")
        };
        let orphan = if self.is_orphan { ORPHAN } else { "" };
        let user = if self.is_of_user { OF_A_USER } else { "" };
        format!("{name}{space}{}{what}{}{orphan}{user}", self.version, self.key)
    }
}

/// The code of the package of Windows Installer that these words tell of: one of the machine's, whose folder is there.
#[must_use]
pub fn product_code(words: &str) -> Option<&str> {
    let (_, code) = words.rsplit_once(CODE)?;
    is_product_code(code).then_some(code)
}

/// Whether a text is a product code as Windows Installer spells it: a GUID in braces, its letters large.
#[must_use]
pub fn is_product_code(text: &str) -> bool {
    let is_hex = |c: char| c.is_ascii_digit() || ('A'..='F').contains(&c);
    let Some(guid) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return false;
    };
    let groups: Vec<&str> = guid.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| group.chars().all(is_hex))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KES: &str = "{6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6B}";

    fn entry<'e>(name: &'e str, key: &'e str) -> Entry<'e> {
        Entry {
            name,
            version: "12.9.0.384",
            key,
            is_msi: true,
            is_orphan: false,
            is_of_user: false,
        }
    }

    #[test]
    fn a_package_of_the_machine_is_told_by_its_code_and_read_back() {
        let words = entry("Kaspersky Endpoint Security for Windows", KES).in_words();
        assert_eq!(
            words,
            format!("Kaspersky Endpoint Security for Windows 12.9.0.384, product code {KES}")
        );
        assert_eq!(product_code(&words), Some(KES));
    }

    #[test]
    fn what_windows_installer_cannot_remove_for_the_machine_is_read_as_no_package() {
        let it = entry("KES", KES);
        for other in [
            Entry { is_msi: false, ..it },
            Entry { is_orphan: true, ..it },
            Entry { is_of_user: true, ..it },
            Entry { key: "KES", ..it },
        ] {
            assert_eq!(product_code(&other.in_words()), None, "{other:?}");
        }
        assert_eq!(
            Entry {
                is_msi: false,
                is_of_user: true,
                ..it
            }
            .in_words(),
            format!("KES 12.9.0.384, uninstall key {KES}, of a user")
        );
    }

    #[test]
    fn a_code_is_a_guid_in_braces_and_nothing_else() {
        assert!(is_product_code(KES));
        for text in [
            "",
            "{}",
            "6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6B",
            "{6c5b5f8a-0e0d-4b6a-9c1a-2b1f3e4d5c6b}",
            "{6C5B5F8A0E0D-4B6A-9C1A-2B1F3E4D5C6B}",
            "{6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6G}",
            "{6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6B} /x",
        ] {
            assert!(!is_product_code(text), "{text}");
        }
    }

    proptest! {
        /// Names are whatever an installer wrote.
        #[test]
        fn no_name_makes_a_code_of_another_package(name in ".{0,40}", code in proptest::bool::ANY) {
            let other = "{11111111-2222-3333-4444-555555555555}";
            let name = if code { format!("{name}, product code {other}") } else { name };
            let of_msi = entry(&name, KES).in_words();
            prop_assert_eq!(product_code(&of_msi), Some(KES));
            let of_another = Entry { is_msi: false, ..entry(&name, "KES") }.in_words();
            prop_assert_eq!(product_code(&of_another), None);
        }
    }
}
