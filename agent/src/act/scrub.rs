//! The secrets of an order: to which installer each is said, and how they are kept out of what tools print.

use std::collections::BTreeSet;

use cutover_proto::{ids::ProductId, record::LOG_TAIL_MAX, secret::SecretUse};
use zeroize::Zeroizing;

use crate::host::hands::Said;

const BLANK: &str = "[secret]";
const WITHHELD: &str = "[withheld: this order's secrets could not be opened]";

/// One secret of an order, plain, in memory only.
pub(super) struct Secret {
    pub(super) plain: Zeroizing<Vec<u8>>,
    /// Where it belongs; `None`: it is only kept out of logs.
    pub(super) goes_to: Option<SecretUse>,
}

/// The secrets of one order, plain, in memory only.
#[derive(Default)]
pub(super) struct Secrets {
    all: Vec<Secret>,
    /// They could not be opened, so nothing that may hold them is passed on.
    unopened: bool,
}

impl Secrets {
    pub(super) fn new(all: Vec<Secret>) -> Self {
        Self { all, unopened: false }
    }

    pub(super) fn unopened() -> Self {
        Self {
            all: Vec::new(),
            unopened: true,
        }
    }

    /// The tries that the order brings for a product, in their order.
    pub(super) fn tries(&self, product: &ProductId) -> BTreeSet<u32> {
        let uses = self.all.iter().filter_map(|secret| secret.goes_to.as_ref());
        let its = uses.filter(|goes_to| goes_to.product == *product);
        its.map(|goes_to| goes_to.attempt).collect()
    }

    /// What a product's installer is told in one of them. What is no text cannot be said, and is left out.
    pub(super) fn said(&self, product: &ProductId, attempt: u32) -> Vec<Said> {
        let said = self.all.iter().filter_map(|secret| {
            let goes_to = secret.goes_to.as_ref()?;
            let is_its = goes_to.product == *product && goes_to.attempt == attempt;
            let plain = std::str::from_utf8(&secret.plain).ok().filter(|_| is_its)?;
            Some(Said {
                property: goes_to.property.clone(),
                value: goes_to.form.say(plain),
            })
        });
        said.collect()
    }

    /// Every spelling in which an installer may print them: as they are, in hex, as hex of UTF-16LE, which is how
    /// Network Agent's installer takes its password, and as Windows Installer is told them, with quotes doubled.
    fn spellings(&self) -> Vec<Zeroizing<String>> {
        let mut all = Vec::new();
        for secret in self.all.iter().map(|secret| &secret.plain) {
            let Ok(text) = std::str::from_utf8(secret) else {
                all.push(Zeroizing::new(hex::encode(secret.as_slice())));
                continue;
            };
            let wide: Zeroizing<Vec<u8>> = Zeroizing::new(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
            for hexed in [hex::encode(secret.as_slice()), hex::encode(wide.as_slice())] {
                all.push(Zeroizing::new(hexed.to_ascii_uppercase()));
                all.push(Zeroizing::new(hexed));
            }
            all.push(Zeroizing::new(text.to_owned()));
            all.push(Zeroizing::new(text.replace('"', "\"\"")));
            // Files end in a newline that a tool does not print.
            all.push(Zeroizing::new(text.trim().to_owned()));
        }
        all.retain(|spelling| !spelling.is_empty());
        // The longest first, so that no part of one stays beside the blank of another.
        all.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        all
    }

    /// Blanks them.
    pub(super) fn blank(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.spellings() {
            text = text.replace(secret.as_str(), BLANK);
        }
        text
    }

    /// Whether there is nothing to take out.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && !self.unopened
    }

    /// Whether they could be opened.
    pub(super) fn are_known(&self) -> bool {
        !self.unopened
    }

    /// A kept log without them; nothing of it where they could not be opened.
    pub(super) fn whole(&self, log: &str) -> String {
        if self.unopened && !log.is_empty() {
            return WITHHELD.to_owned();
        }
        self.blank(log)
    }

    /// A log's end for a record: scrubbed first and cut then, so that the cut leaves no half of a secret.
    pub(super) fn tail(&self, log: &str) -> String {
        if self.unopened && !log.is_empty() {
            return WITHHELD.to_owned();
        }
        let plain: String = self
            .blank(log)
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect();
        let mut from = plain.len().saturating_sub(LOG_TAIL_MAX);
        while !plain.is_char_boundary(from) {
            from += 1;
        }
        plain[from..].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use cutover_proto::secret::SecretForm;
    use proptest::prelude::*;

    use super::*;

    fn secrets(plain: &[&str]) -> Secrets {
        let all = plain.iter().map(|text| Secret {
            plain: Zeroizing::new(text.as_bytes().to_vec()),
            goes_to: None,
        });
        Secrets::new(all.collect())
    }

    fn of(product: &str, attempt: u32, property: &str, form: SecretForm, plain: &[u8]) -> Secret {
        Secret {
            plain: Zeroizing::new(plain.to_vec()),
            goes_to: Some(SecretUse {
                product: product.into(),
                attempt,
                property: property.to_owned(),
                form,
            }),
        }
    }

    fn said(secrets: &Secrets, product: &str, attempt: u32) -> Vec<(String, String)> {
        let said = secrets.said(&product.into(), attempt);
        said.into_iter()
            .map(|it| (it.property, it.value.as_str().to_owned()))
            .collect()
    }

    #[test]
    fn each_product_is_told_its_own_in_the_form_that_it_takes_and_one_try_after_the_other() {
        let secrets = Secrets::new(vec![
            of("kes-windows", 1, "KLPASSWD", SecretForm::Plain, b"second"),
            of("kes-windows", 0, "KLLOGIN", SecretForm::Plain, b"KLAdmin"),
            of("kes-windows", 0, "KLPASSWD", SecretForm::Plain, b"first"),
            of("klnagent-windows", 0, "KLUNINSTPASSWD", SecretForm::Utf16leHex, b"Ab"),
            of("klnagent-windows", 1, "KLUNINSTPASSWD", SecretForm::Utf16leHex, &[0xff]),
        ]);
        let pair = |property: &str, value: &str| (property.to_owned(), value.to_owned());
        assert_eq!(secrets.tries(&"kes-windows".into()), BTreeSet::from([0, 1]));
        assert_eq!(
            said(&secrets, "kes-windows", 0),
            [pair("KLLOGIN", "KLAdmin"), pair("KLPASSWD", "first")]
        );
        assert_eq!(said(&secrets, "kes-windows", 1), [pair("KLPASSWD", "second")]);
        assert_eq!(
            said(&secrets, "klnagent-windows", 0),
            [pair("KLUNINSTPASSWD", "41006200")]
        );
        assert_eq!(said(&secrets, "klnagent-windows", 1), []);
        assert!(secrets.tries(&"kesl".into()).is_empty());
        let shown = format!("{:?}", secrets.said(&"kes-windows".into(), 0));
        assert!(shown.contains("KLPASSWD") && !shown.contains("first"), "{shown}");
    }

    #[test]
    fn what_windows_installer_was_told_is_blanked_as_it_was_told() {
        let secrets = secrets(&["a\"b\"c"]);
        assert_eq!(
            secrets.blank("KLPASSWD=\"a\"\"b\"\"c\" a\"b\"c"),
            "KLPASSWD=\"[secret]\" [secret]"
        );
    }

    #[test]
    fn a_secret_is_blanked_in_every_spelling() {
        let secrets = secrets(&["Pa$$w0rd!\n"]);
        let wide: String = "Pa$$w0rd!\n".chars().map(|c| format!("{:02X}00", c as u32)).collect();
        let log = format!("pw=Pa$$w0rd! hex={} wide={wide} end", hex::encode("Pa$$w0rd!\n"));
        assert_eq!(secrets.blank(&log), "pw=[secret] hex=[secret] wide=[secret] end");
    }

    #[test]
    fn an_empty_secret_blanks_nothing() {
        assert_eq!(secrets(&["", " "]).blank("a log"), "a[secret]log");
        assert_eq!(secrets(&[""]).blank("a log"), "a log");
    }

    #[test]
    fn the_tail_is_the_end_without_terminal_codes() {
        let log = format!("{}\u{1b}[1mlast\u{7}\nline", "é".repeat(LOG_TAIL_MAX));
        let tail = secrets(&[]).tail(&log);
        assert!(tail.len() <= LOG_TAIL_MAX);
        assert!(tail.ends_with("[1mlast\nline"), "{tail}");
    }

    proptest! {
        #[test]
        fn no_secret_survives_wherever_the_cut_falls(secret in "[a-zA-Z0-9]{6,20}", before in 0_usize..9000, after in 0_usize..9000) {
            let log = format!("{}{secret}{}", "-".repeat(before), ".".repeat(after));
            let tail = secrets(&[&secret]).tail(&log);
            prop_assert!(tail.len() <= LOG_TAIL_MAX);
            prop_assert!(!tail.contains(&secret));
            for part in 3..secret.len() {
                let half = &secret[secret.len() - part..];
                prop_assert!(!tail.contains(half), "{half} of {secret} is left");
            }
        }
    }
}
