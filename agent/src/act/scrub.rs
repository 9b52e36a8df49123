//! Makes a tool's output fit for a record: secrets blanked, plain text, bounded.

use cutover_proto::record::LOG_TAIL_MAX;
use zeroize::Zeroizing;

const BLANK: &str = "[secret]";
const WITHHELD: &str = "[withheld: this order's secrets could not be opened]";

/// The secrets of one order, plain, in memory only.
#[derive(Default)]
pub(super) struct Secrets {
    plain: Vec<Zeroizing<Vec<u8>>>,
    /// They could not be opened, so nothing that may hold them is passed on.
    unopened: bool,
}

impl Secrets {
    pub(super) fn new(plain: Vec<Zeroizing<Vec<u8>>>) -> Self {
        Self { plain, unopened: false }
    }

    pub(super) fn unopened() -> Self {
        Self {
            plain: Vec::new(),
            unopened: true,
        }
    }

    /// Every spelling in which an installer may print them: as they are, in hex, and as hex of UTF-16LE, which is how
    /// Network Agent's installer takes its password.
    fn spellings(&self) -> Vec<Zeroizing<String>> {
        let mut all = Vec::new();
        for secret in &self.plain {
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
        self.plain.is_empty() && !self.unopened
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
    use proptest::prelude::*;

    use super::*;

    fn secrets(plain: &[&str]) -> Secrets {
        let plain = plain.iter().map(|text| Zeroizing::new(text.as_bytes().to_vec()));
        Secrets::new(plain.collect())
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
