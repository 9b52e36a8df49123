//! The language of a machine, for telling whoever is at it.

use cutover_proto::inventory::OsFamily;

use crate::{
    facts::{Question, RegistryValue, Reply},
    host::{HostPath, HostView},
    parse::locale,
    words::Language,
};

/// Where Linux keeps the locale of the whole system: by systemd (locale.conf(5)), and as Debian and its kin do.
const LOCALES: [&str; 2] = ["/etc/locale.conf", "/etc/default/locale"];
const MAX_LOCALE: u64 = 64 << 10;
/// The language in which Windows was installed, which `GetSystemDefaultUILanguage` tells too. A language pack that was put
/// over it later is not seen.
const NLS: &str = r"SYSTEM\CurrentControlSet\Control\Nls\Language";
const INSTALLED: &str = "InstallLanguage";

/// The language of the machine. English where it is another, where it cannot be told, and on macOS, where nobody is told
/// anything yet.
#[must_use]
pub fn language(view: &dyn HostView) -> Language {
    let locale = match view.os_family() {
        OsFamily::Linux => LOCALES
            .iter()
            .filter_map(|path| view.read(&HostPath::unix(path), MAX_LOCALE).found())
            .find_map(|bytes| locale::of_file(&bytes)),
        OsFamily::Windows => of_windows(view),
        OsFamily::Macos => None,
    };
    locale.map_or(Language::English, |locale| Language::of_locale(&locale))
}

fn of_windows(view: &dyn HostView) -> Option<String> {
    let question = Question::Registry {
        is_32: false,
        key: NLS.to_owned(),
        values: vec![INSTALLED.to_owned()],
    };
    let key = view.ask(&question).parsed(Reply::registry).found()?;
    match key.values.get(INSTALLED)? {
        RegistryValue::Text(number) => locale::of_windows(number).map(str::to_owned),
        RegistryValue::Number(_) | RegistryValue::Hex(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Answer, RegistryKey},
        host::Fixture,
    };

    fn linux() -> Fixture {
        Fixture::bare(OsFamily::Linux, "a language")
    }

    #[test]
    fn a_linux_speaks_the_language_of_its_locale_and_english_where_it_says_none() {
        let german = b"LANG=de_DE.UTF-8\n";
        assert_eq!(language(&linux().with_file(LOCALES[0], german, 0)), Language::German);
        assert_eq!(language(&linux().with_file(LOCALES[1], german, 0)), Language::German);
        let both = linux()
            .with_file(LOCALES[0], b"LANG=ja_JP.UTF-8\n", 0)
            .with_file(LOCALES[1], german, 0);
        assert_eq!(language(&both), Language::Japanese);
        let says_nothing = linux()
            .with_file(LOCALES[0], b"LC_TIME=ja_JP.UTF-8\n", 0)
            .with_file(LOCALES[1], german, 0);
        assert_eq!(language(&says_nothing), Language::German);
        let is_unknown = linux().with_file(LOCALES[0], b"LANG=nl_NL.UTF-8\n", 0);
        assert_eq!(
            language(&is_unknown.with_file(LOCALES[1], german, 0)),
            Language::English
        );
        assert_eq!(language(&linux()), Language::English);
    }

    #[test]
    fn a_windows_speaks_the_language_in_which_it_was_installed() {
        let question = Question::Registry {
            is_32: false,
            key: NLS.to_owned(),
            values: vec![INSTALLED.to_owned()],
        };
        let says = |value: RegistryValue| {
            let key = RegistryKey {
                values: [(INSTALLED.to_owned(), value)].into(),
            };
            language(&Fixture::windows("a language").with_reply(&question, Reply::Registry(key)))
        };
        assert_eq!(says(RegistryValue::Text("0C0C".to_owned())), Language::French);
        assert_eq!(says(RegistryValue::Text("0413".to_owned())), Language::English);
        assert_eq!(says(RegistryValue::Number(0x407)), Language::English);
        let denied = Fixture::windows("silent").with_no_reply(&question, Answer::Denied("no".to_owned()));
        assert_eq!(language(&denied), Language::English);
    }
}
