//! Takes persons out of what is kept or sent.

use std::collections::BTreeMap;

/// Stands for every host's own name.
pub(crate) const HOSTNAME: &str = "host";

/// Directories whose next part is a user's name.
const HOMES: &[&[u8]] = &[b"/home/", b"/Users/", b"/run/media/", b"/media/"];

/// Replaces users' names in home directories, the same name by the same word.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    users: BTreeMap<Vec<u8>, String>,
}

impl Redaction {
    /// A file's contents. Those that name the machine are replaced whole.
    pub(crate) fn file(&mut self, path: &str, bytes: Vec<u8>) -> Vec<u8> {
        match path {
            "/etc/hostname" => format!("{HOSTNAME}\n").into_bytes(),
            "/etc/machine-id" => format!("{}\n", "0".repeat(32)).into_bytes(),
            _ => self.bytes(&bytes),
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            let home = HOMES.iter().find(|home| *first == b'/' && rest.starts_with(home));
            let Some(home) = home else {
                out.push(*first);
                rest = after;
                continue;
            };
            let tail = rest.get(home.len()..).unwrap_or_default();
            let end = tail.iter().position(|byte| ends_name(*byte)).unwrap_or(tail.len());
            let (name, after) = tail.split_at(end);
            out.extend_from_slice(home);
            if !name.is_empty() {
                let next = self.users.len() + 1;
                let word = self.users.entry(name.to_vec()).or_insert_with(|| format!("user{next}"));
                out.extend_from_slice(word.as_bytes());
            }
            rest = after;
        }
        out
    }
}

const fn ends_name(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'' | b':' | b',' | b';' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_replaced_by_the_same_word_each_time() {
        let mut redaction = Redaction::default();
        assert_eq!(
            redaction.text("/home/alice/x \"/home/bob\" /home/alice /media/alice/disk /home/ /homes/carol"),
            "/home/user1/x \"/home/user2\" /home/user1 /media/user1/disk /home/ /homes/carol"
        );
        assert_eq!(
            redaction.file("/etc/machine-id", b"abc\n".to_vec()),
            format!("{}\n", "0".repeat(32)).into_bytes()
        );
        assert_eq!(redaction.bytes(b"\xff/home/\xfe/y"), b"\xff/home/user3/y");
    }
}
