//! Version and signer of a file.

use super::WindowsImage;
use crate::{
    facts::{Answer, EntryKind, FileIdentity},
    host::{HostPath, HostView as _, Links},
};

pub(super) fn of(image: &WindowsImage, path: &str) -> Answer<FileIdentity> {
    let untold = || {
        Answer::Failed(format!(
            "who signed {path}, and which version it is, cannot be told while Windows does not run"
        ))
    };
    image
        .stat(&HostPath::windows(path), Links::Followed)
        .and_then(|stat| match stat.kind {
            EntryKind::File => Answer::Found(FileIdentity {
                version: untold(),
                signer: untold(),
            }),
            EntryKind::Directory | EntryKind::Link | EntryKind::Other => {
                Answer::Failed(format!("{path} is no plain file"))
            }
        })
}
