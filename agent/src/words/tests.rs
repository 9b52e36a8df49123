use super::{Language, Said, said::each, to_all};

/// What stands between angle brackets.
fn places(text: &str) -> Vec<String> {
    let mut places: Vec<String> = text
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(name, _)| format!("<{name}>"))
        .collect();
    places.sort_unstable();
    places
}

#[test]
fn every_word_is_there_in_five_languages_with_the_same_places() {
    assert_eq!(Language::ALL.len(), 5);
    for (said, mut expected) in each() {
        expected.sort_unstable();
        for language in Language::ALL {
            let text = said.text(*language);
            assert_eq!(places(&text), expected, "{language}: {text}");
            assert!(!text.trim().is_empty(), "{language}: {said:?}");
            // A line that was broken in the source with one space too many or none is seen.
            assert!(!text.contains("  ") && text.trim() == text, "{language}: {text:?}");
            assert!(
                text.chars().all(|c| c == '\n' || !c.is_control()),
                "{language}: {text:?}"
            );
        }
    }
}

#[test]
fn no_language_says_the_words_of_another() {
    for (said, _) in each() {
        let mut texts: Vec<String> = Language::ALL.iter().map(|language| said.text(*language)).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Language::ALL.len(), "{said:?}");
    }
}

#[test]
fn a_command_and_a_name_are_the_same_in_every_language() {
    for (said, _) in each() {
        let english = said.text(Language::English);
        for word in ["Cutover", "cutover-agent defer 1h", "cutover-agent defer 2h"] {
            for language in Language::ALL {
                let text = said.text(*language);
                assert_eq!(text.contains(word), english.contains(word), "{language}: {text}");
            }
        }
    }
}

#[test]
fn a_restart_is_called_one_in_every_language() {
    let said = Said::RestartComes {
        when: "now",
        reason: "drivers",
    };
    for (language, word) in [
        (Language::English, "restarts"),
        (Language::German, "Neustart"),
        (Language::French, "redémarrage"),
        (Language::Spanish, "reinicio"),
        (Language::Japanese, "再起動"),
    ] {
        let text = said.text(language);
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn what_the_organisation_writes_stays_as_it_is() {
    let reason = "Treiber {when} – ドライバー <b>, 100 %";
    for language in Language::ALL {
        let text = Said::RestartComes { when: "now", reason }.text(*language);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn an_unknown_locale_is_told_in_english() {
    for (locale, language) in [
        ("de_DE.UTF-8", Language::German),
        ("de_CH", Language::German),
        ("DE-at", Language::German),
        ("fr_CA.utf8", Language::French),
        ("es-419", Language::Spanish),
        ("es_ES@euro", Language::Spanish),
        ("ja_JP.eucJP", Language::Japanese),
        ("ja", Language::Japanese),
        ("en_GB.UTF-8", Language::English),
        ("C", Language::English),
        ("C.UTF-8", Language::English),
        ("POSIX", Language::English),
        ("nl_NL.UTF-8", Language::English),
        ("deu_DE", Language::English),
        ("", Language::English),
        ("äß", Language::English),
    ] {
        assert_eq!(Language::of_locale(locale), language, "{locale}");
    }
}

#[test]
fn what_goes_to_all_is_told_in_their_language_and_then_in_english() {
    let text = |language: Language| language.as_str().to_owned();
    assert_eq!(to_all(Language::Japanese, text), "ja\n\nen");
    assert_eq!(to_all(Language::English, text), "en", "once");
}
