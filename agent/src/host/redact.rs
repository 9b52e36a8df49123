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
            _ => self.bytes(&without_private_keys(bytes)),
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

/// Certificates are looked at where their keys should not lie, and do.
fn without_private_keys(mut bytes: Vec<u8>) -> Vec<u8> {
    const LABEL: &[u8] = b"PRIVATE KEY-----";
    const END: &[u8] = b"-----END";
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|part| part == what);
    let mut from = 0;
    while let Some(label) = find(bytes.get(from..).unwrap_or_default(), LABEL) {
        let body = from + label + LABEL.len();
        let rest = bytes.get(body..).unwrap_or_default();
        let length = find(rest, END).unwrap_or(rest.len());
        bytes.splice(body..body + length, *b"\n(redacted)\n");
        // Past this block's own end, which has the label too.
        let tail = bytes.get(body..).unwrap_or_default();
        from = body + find(tail, LABEL).map_or(tail.len(), |label| label + LABEL.len());
    }
    bytes
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
        let pem = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n\
            -----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n-----BEGIN PRIVATE KEY-----\nc2Vj";
        let kept = redaction.file("/etc/ssl/certs/both.pem", pem.to_vec());
        let kept = String::from_utf8(kept).expect("text");
        assert!(kept.contains("MIIB") && !kept.contains("c2Vj"), "{kept}");
        assert_eq!(kept.matches("(redacted)").count(), 2, "{kept}");
        assert_eq!(redaction.bytes(b"\xff/home/\xfe/y"), b"\xff/home/user3/y");
    }
}
