//! Files of a product inside another vendor's, told by their signer.

use cutover_proto::{rule::Pattern, verdict::Showing};

use super::{WindowsGround, any, paths::shown};
use crate::{
    detect::{ends::seen, trail::End},
    facts::{Answer, EntryKind, UninstallEntry},
    host::HostPath,
};

/// So deep below the product's folder is looked.
const MAX_DEPTH: usize = 6;
/// So many folders are listed and so many files asked for their signer; a product with more is not looked at whole, and
/// that is told.
const MAX_FOLDERS: usize = 500;
const MAX_FILES: usize = 1_000;

impl WindowsGround<'_> {
    pub(super) fn components(&self, carriers: &[Pattern], files: &[Pattern], signers: &[Pattern]) -> Vec<End> {
        let machine = self.machine();
        let mut ends: Vec<End> = machine.unread.iter().cloned().map(End::NotChecked).collect();
        for carrier in machine.entries.iter().filter(|entry| any(carriers, &entry.name)) {
            ends.extend(self.inside(carrier, files, signers));
        }
        ends
    }

    fn inside(&self, carrier: &UninstallEntry, files: &[Pattern], signers: &[Pattern]) -> Vec<End> {
        let location = carrier.location.trim().trim_matches('"');
        if location.is_empty() {
            return vec![End::NotChecked(format!(
                "{} does not say where it is installed, so whose engine it has cannot be told; ask its vendor",
                carrier.name
            ))];
        }
        let name = &carrier.name;
        let mut ends = Vec::new();
        let mut todo = vec![(HostPath::windows(location), 0)];
        let (mut folders, mut asked) = (0, 0);
        while let Some((dir, depth)) = todo.pop() {
            folders += 1;
            let entries = match self.view.list(&dir) {
                Answer::Found(entries) if folders <= MAX_FOLDERS => entries,
                Answer::Found(_) => {
                    ends.push(End::NotChecked(format!(
                        "the folder of {name} has more than {MAX_FOLDERS} folders"
                    )));
                    break;
                }
                Answer::Absent | Answer::Unsupported => continue,
                Answer::Denied(why) | Answer::Failed(why) => {
                    ends.push(End::NotChecked(why));
                    continue;
                }
            };
            for entry in entries {
                let path = dir.join(&entry.name);
                match entry.kind {
                    EntryKind::Directory if depth < MAX_DEPTH => todo.push((path, depth + 1)),
                    EntryKind::Directory => ends.push(End::NotChecked(format!(
                        "the folder of {name} is deeper than {MAX_DEPTH} folders"
                    ))),
                    EntryKind::File if any(files, &entry.name) => {
                        asked += 1;
                        if asked > MAX_FILES {
                            ends.push(End::NotChecked(format!(
                                "the folder of {name} has more than {MAX_FILES} such files"
                            )));
                            return distinct(ends);
                        }
                        ends.extend(self.signed(&path, &HostPath::windows(location), &carrier.name, signers));
                    }
                    EntryKind::File | EntryKind::Link | EntryKind::Other => {}
                }
            }
        }
        distinct(ends)
    }

    fn signed(&self, file: &HostPath, below: &HostPath, carrier: &str, signers: &[Pattern]) -> Option<End> {
        match self.identity(&shown(file)).and_then(|identity| identity.signer) {
            Answer::Found(signer) if any(signers, &signer) => {
                // Without the folder itself, which may name a user.
                let inner: Vec<&str> = file.parts().skip(below.parts().count()).collect();
                let detail = format!(r"{}, signed by {signer}, inside {carrier}", inner.join(r"\"));
                Some(seen(Showing::Embedded, detail))
            }
            Answer::Found(_) | Answer::Absent | Answer::Unsupported => None,
            Answer::Denied(why) | Answer::Failed(why) => Some(End::NotChecked(why)),
        }
    }
}

fn distinct(mut ends: Vec<End>) -> Vec<End> {
    let mut kept: Vec<End> = Vec::new();
    for end in ends.drain(..) {
        if !kept.contains(&end) {
            kept.push(end);
        }
    }
    kept
}
