//! Takes persons out of what is kept or sent.

use std::collections::BTreeMap;

use crate::facts::{
    Answer, ExtensionUse, FileIdentity, Firmware, RegistryKey, RegistryValue, Reply, Tool, ToolOutput,
    UninstallEntries, UninstallEntry, WindowsService,
};

/// Stands for every host's own name.
pub(crate) const HOSTNAME: &str = "host";

/// Directories whose next part is a user's name.
const HOMES: &[&[u8]] = &[
    b"/home/",
    b"/Users/",
    b"/run/media/",
    b"/media/",
    b"\\Users\\",
    b"\\Documents and Settings\\",
];

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
            // Hints by which records are matched, and names of other machines: no rule asks for them.
            "/sys/class/dmi/id/product_serial" | "/sys/class/dmi/id/product_uuid" | "/etc/hosts" => Vec::new(),
            // Whole lists of what was done with all software, some with names of persons: what a look takes from them is little.
            "/var/log/apt/history.log"
            | "/var/log/dpkg.log"
            | "/var/log/dnf.rpm.log"
            | "/var/log/yum.log"
            | "/var/log/zypp/history"
            | "/Library/Receipts/InstallHistory.plist" => Vec::new(),
            "/etc/machine-id" => format!("{}\n", "0".repeat(32)).into_bytes(),
            _ => self.bytes(&without_private_keys(bytes)),
        }
    }

    /// What a program said. One that tells which machine this is has said nothing: no rule asks for it.
    pub(crate) fn tool(&mut self, tool: Tool, output: &ToolOutput) -> ToolOutput {
        if tool == Tool::PlatformExpert {
            return ToolOutput::default();
        }
        ToolOutput {
            stdout: self.bytes(&output.stdout),
            stderr: self.bytes(&output.stderr),
        }
    }

    /// What an interface of the system said. Texts may hold paths below a user's home; nothing else in a reply names one.
    pub(crate) fn reply(&mut self, reply: Reply) -> Reply {
        match reply {
            Reply::Folder(path) => Reply::Folder(self.text(&path)),
            Reply::Uninstall(found) => Reply::Uninstall(UninstallEntries {
                entries: found.entries.into_iter().map(|entry| self.entry(entry)).collect(),
                unread: self.texts(found.unread),
            }),
            Reply::Services(services) => Reply::Services(
                services
                    .into_iter()
                    .map(|service| WindowsService {
                        image: self.text(&service.image),
                        ..service
                    })
                    .collect(),
            ),
            Reply::Identity(identity) => Reply::Identity(FileIdentity {
                version: self.words(identity.version),
                signer: self.words(identity.signer),
            }),
            Reply::Registry(key) => Reply::Registry(RegistryKey {
                values: key
                    .values
                    .into_iter()
                    .map(|(name, value)| match value {
                        // What /etc/machine-id is elsewhere.
                        RegistryValue::Text(_) if name == "MachineGuid" => (
                            name,
                            RegistryValue::Text("00000000-0000-0000-0000-000000000000".to_owned()),
                        ),
                        RegistryValue::Text(text) => (name, RegistryValue::Text(self.text(&text))),
                        RegistryValue::Number(_) | RegistryValue::Hex(_) => (name, value),
                    })
                    .collect(),
            }),
            Reply::Tasks(paths) => Reply::Tasks(self.texts(paths)),
            Reply::BrowserExtension(found) => Reply::BrowserExtension(ExtensionUse {
                unread: self.texts(found.unread),
                ..found
            }),
            Reply::SecurityCenter(_)
            | Reply::RootSubjects(_)
            | Reply::DefenderStatus(_)
            | Reply::BitLocker(_)
            | Reply::Battery(_)
            | Reply::OnBattery(_)
            | Reply::SessionAge(_)
            | Reply::DomainJoin(_) => reply,
            // Hints by which records are matched; no rule asks for them.
            Reply::Firmware(_) => Reply::Firmware(Firmware::default()),
        }
    }

    fn entry(&mut self, entry: UninstallEntry) -> UninstallEntry {
        UninstallEntry {
            name: self.text(&entry.name),
            location: self.text(&entry.location),
            source: self.text(&entry.source),
            ..entry
        }
    }

    fn texts(&mut self, texts: Vec<String>) -> Vec<String> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    fn words(&mut self, answer: Answer<String>) -> Answer<String> {
        match answer {
            Answer::Found(text) => Answer::Found(self.text(&text)),
            Answer::Denied(why) => Answer::Denied(self.text(&why)),
            Answer::Failed(why) => Answer::Failed(self.text(&why)),
            other @ (Answer::Absent | Answer::Unsupported) => other,
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            let begins = |home: &&&[u8]| {
                let start = rest.get(..home.len());
                // Windows takes names without regard to case.
                start.is_some_and(|start| start == **home || (home[0] == b'\\' && start.eq_ignore_ascii_case(home)))
            };
            let home = HOMES.iter().filter(|_| matches!(*first, b'/' | b'\\')).find(begins);
            let Some(home) = home else {
                out.push(*first);
                rest = after;
                continue;
            };
            let tail = rest.get(home.len()..).unwrap_or_default();
            // Names on Windows may have spaces in them.
            let ends = |byte: &u8| match first {
                b'\\' => matches!(byte, b'\\' | b'/' | b'"' | b'\n' | 0),
                _ => ends_name(*byte),
            };
            let end = tail.iter().position(ends).unwrap_or(tail.len());
            let (name, after) = tail.split_at(end);
            out.extend_from_slice(rest.get(..home.len()).unwrap_or_default());
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
    fn the_id_of_a_windows_stays_on_it() {
        let key = |name: &str| RegistryKey {
            values: [(name.to_owned(), RegistryValue::Text("8a7f6f0e-6f5b".to_owned()))].into(),
        };
        let kept = |name: &str| format!("{:?}", Redaction::default().reply(Reply::Registry(key(name))));
        assert!(!kept("MachineGuid").contains("8a7f6f0e"));
        assert!(kept("OtherId").contains("8a7f6f0e"));
    }

    #[test]
    fn users_are_replaced_by_the_same_word_each_time() {
        let mut redaction = Redaction::default();
        assert_eq!(
            redaction.text("/home/alice/x \"/home/bob\" /home/alice /media/alice/disk /home/ /homes/carol"),
            "/home/user1/x \"/home/user2\" /home/user1 /media/user1/disk /home/ /homes/carol"
        );
        assert_eq!(
            redaction.file("/etc/hosts", b"10.0.0.2 other.corp.example\n".to_vec()),
            b""
        );
        assert_eq!(
            redaction.file("/sys/class/dmi/id/product_serial", b"PF-2X9\n".to_vec()),
            b""
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
        assert_eq!(
            redaction.text(r#""C:\Users\alice\AppData\x.exe" \Users\Al Ice\x -q c:\users\dave\y D:\Users\"#),
            r#""C:\Users\user1\AppData\x.exe" \Users\user4\x -q c:\users\user5\y D:\Users\"#
        );
    }
}
