//! Certificates that the system trusts, by subject.
//!
//! Looked at are the directories into which local anchors are put, and the bundles that are made from them. Links among
//! the system's certificates are passed over: they lead to anchors, to the distribution's own certificates, or into a
//! product's directory, which is looked for itself; and the bundle has what they name.

use std::collections::BTreeMap;

use cutover_proto::{subject::Subject, verdict::Showing};
use sha2::{Digest, Sha256};

use super::trail::End;
use crate::{
    facts::{ANCHORS, Answer, EntryKind},
    host::{HostPath, HostView},
    parse::certificate,
};

/// What the tools make of all anchors: Debian's, Red Hat's, SUSE's.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
];
/// How files with a certificate are called.
const SUFFIXES: &[&str] = &[".crt", ".pem", ".cer", ".der"];
/// The largest anchor; a certificate has some 2 kB.
const MAX_ANCHOR: u64 = 256 << 10;
/// The largest bundle; those of the distributions have some 250 kB.
const MAX_BUNDLE: u64 = 8 << 20;
/// More files in these directories are not read one by one.
const MAX_FILES: usize = 2_000;

/// One file that has a certificate of the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// Where.
    pub file: HostPath,
    /// SHA-256 of the file as it was looked at.
    pub sha256: [u8; 32],
    /// Whether it may be deleted for it: an anchor with no other certificate in it.
    pub is_alone: bool,
}

/// What the store holds, by subject, and what of it could not be read.
#[derive(Debug, Default)]
pub(crate) struct TrustStore {
    by_subject: BTreeMap<(String, String), Vec<Trusted>>,
    /// What could not be read.
    trouble: Vec<String>,
    /// What was read and holds no sound certificate: nothing trusts that either.
    damaged: Vec<String>,
}

impl TrustStore {
    pub(crate) fn read(view: &dyn HostView) -> Self {
        let mut store = Self::default();
        for file in store.anchors(view) {
            store.take(view, file, MAX_ANCHOR, true);
        }
        for file in BUNDLES {
            store.take(view, HostPath::unix(file), MAX_BUNDLE, false);
        }
        store
    }

    fn anchors(&mut self, view: &dyn HostView) -> Vec<HostPath> {
        let mut files = Vec::new();
        let mut todo: Vec<(HostPath, bool)> = ANCHORS.iter().map(|dir| (HostPath::unix(dir), true)).collect();
        while let Some((dir, is_top)) = todo.pop() {
            let entries = match view.list(&dir) {
                Answer::Found(entries) => entries,
                Answer::Absent | Answer::Unsupported => continue,
                Answer::Denied(why) | Answer::Failed(why) => {
                    self.trouble.push(why);
                    continue;
                }
            };
            for entry in entries {
                let path = dir.join(&entry.name);
                let is_bundle = BUNDLES.contains(&path.as_str());
                let is_named = SUFFIXES.iter().any(|suffix| entry.name.ends_with(suffix));
                match entry.kind {
                    EntryKind::File if is_named && !is_bundle => files.push(path),
                    // The tools go down into directories of anchors; people keep one a department.
                    EntryKind::Directory if is_top => todo.push((path, false)),
                    EntryKind::File | EntryKind::Directory | EntryKind::Link | EntryKind::Other => {}
                }
            }
        }
        files.sort();
        if files.len() > MAX_FILES {
            self.trouble.push(format!(
                "the trust store has more than {MAX_FILES} files of its own, not all of which were read"
            ));
            files.truncate(MAX_FILES);
        }
        files
    }

    fn take(&mut self, view: &dyn HostView, file: HostPath, max: u64, is_anchor: bool) {
        let bytes = match view.read(&file, max) {
            Answer::Found(bytes) => bytes,
            Answer::Absent | Answer::Unsupported => return,
            Answer::Denied(why) | Answer::Failed(why) => return self.trouble.push(why),
        };
        let subjects = match certificate::subjects(&bytes) {
            Ok(subjects) => subjects,
            Err(error) => return self.damaged.push(format!("{file} {error}")),
        };
        let is_alone = is_anchor && subjects.len() == 1;
        for subject in subjects {
            let found = self
                .by_subject
                .entry((subject.common_name, subject.organization))
                .or_default();
            if !found.iter().any(|anchor| anchor.file == file) {
                found.push(Trusted {
                    file: file.clone(),
                    sha256: Sha256::digest(&bytes).into(),
                    is_alone,
                });
            }
        }
    }

    /// Every file that has a certificate of one of these subjects.
    pub(crate) fn of<'s>(&'s self, subjects: &'s [Subject]) -> impl Iterator<Item = (&'s Subject, &'s Trusted)> {
        self.by_subject
            .iter()
            .flat_map(move |((common_name, organization), anchors)| {
                let meant = subjects.iter().find(|subject| subject.is(common_name, organization));
                meant
                    .into_iter()
                    .flat_map(move |subject| anchors.iter().map(move |anchor| (subject, anchor)))
            })
    }

    /// Every such file. What could not be read may be one of them.
    pub(crate) fn trusted(&self, subjects: &[Subject]) -> Answer<Vec<Trusted>> {
        let found: Vec<Trusted> = self.of(subjects).map(|(_, trusted)| trusted.clone()).collect();
        match self.trouble.first() {
            Some(why) if found.is_empty() => Answer::Failed(why.clone()),
            Some(_) | None => Answer::Found(found),
        }
    }

    /// What a rule's subjects come to.
    pub(crate) fn ends(&self, subjects: &[Subject], shows: Showing) -> Vec<End> {
        let seen = self.of(subjects).map(|(subject, anchor)| End::Seen {
            shows,
            detail: format!("certificate {subject} in {}", anchor.file),
            version: None,
        });
        let mut trouble: Vec<End> = Vec::new();
        for why in self.trouble.iter().chain(&self.damaged) {
            let end = End::NotChecked(why.clone());
            if !trouble.contains(&end) {
                trouble.push(end);
            }
        }
        seen.chain(trouble).collect()
    }
}

/// Every file of the trust store that has a certificate of one of these subjects, by a fresh look.
pub fn trusted(view: &dyn HostView, subjects: &[Subject]) -> Answer<Vec<Trusted>> {
    TrustStore::read(view).trusted(subjects)
}
