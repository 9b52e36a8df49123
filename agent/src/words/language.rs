//! The languages in which people are told.

use cutover_proto::words;

words! {
    /// A language in which people are told.
    pub enum Language("language") {
        /// What is told where no other one is known.
        English = "en",
        /// With Sie.
        German = "de",
        /// With vous.
        French = "fr",
        /// With usted.
        Spanish = "es",
        /// In its polite form.
        Japanese = "ja",
    }
}

impl Language {
    /// That of a locale as systems name it (`de_DE.UTF-8`, `fr-CA`, `C`). One that is not known here: English.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        let name = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        Self::parse(&name.to_ascii_lowercase()).unwrap_or(Self::English)
    }
}
