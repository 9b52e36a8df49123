//! Profiles of people in an image.

use super::{
    disk::Disk,
    registry::{Part, Registry},
};
use crate::{
    facts::{Answer, UninstallEntries},
    host::{
        HostPath,
        hives::{self, Reasons},
        users::{self, FILES, FOLDER, PROFILES},
    },
};

/// Where they lie, as Windows spells it, and why some cannot be told.
pub(super) fn folders(registry: &Registry) -> Answer<(Vec<String>, Vec<String>)> {
    let folders = registry.at(Part::Software, PROFILES, |hive, list| {
        let profiles = hive.subkeys(list)?;
        let people = profiles.iter().filter(|profile| users::is_persons(profile.name()));
        people
            .map(|profile| hives::text(hive, profile, FOLDER))
            .collect::<Result<Vec<_>, _>>()
    });
    let folders = folders
        .expected(|| "the list of users' profiles is not in the registry, where every Windows has it".to_owned());
    folders.and_then(|folders| {
        registry.drive().map(|drive| {
            let untold = folders.iter().filter(|folder| folder.is_none()).count();
            let unread = match untold {
                0 => Vec::new(),
                count => vec![format!(
                    "the registry does not tell where the folders of {count} users are"
                )],
            };
            let folders = folders.into_iter().flatten();
            (folders.map(|folder| users::on_drive(&folder, &drive)).collect(), unread)
        })
    })
}

/// Their uninstall entries, and how many could not be read for which reason.
pub(super) fn uninstall(registry: &Registry, disk: &Disk) -> Answer<UninstallEntries> {
    folders(registry).map(|(folders, unread)| {
        let mut found = UninstallEntries {
            entries: Vec::new(),
            unread,
        };
        let mut reasons = Reasons::default();
        for folder in folders {
            match users::uninstall(file(registry, disk, &HostPath::windows(&folder))) {
                Answer::Found(more) => {
                    found.entries.extend(more.entries);
                    more.unread.into_iter().for_each(|why| reasons.add(why));
                }
                Answer::Absent | Answer::Unsupported => reasons.add("there is no such file".to_owned()),
                Answer::Denied(why) | Answer::Failed(why) => reasons.add(why),
            }
        }
        found
            .unread
            .extend(reasons.told(|count, why| format!("the registry (NTUSER.DAT) of {count} users: {why}")));
        found
    })
}

/// Why not, without the path: it names the user.
fn file(registry: &Registry, disk: &Disk, folder: &HostPath) -> Answer<std::fs::File> {
    for name in FILES {
        let place = disk.place(registry.root(), &folder.join(name));
        match place.and_then(|place| registry.root().file(&place)) {
            Answer::Found(file) => return Answer::Found(file),
            Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(_) => return Answer::Denied("it may not be read; run as root".to_owned()),
            Answer::Failed(_) => return Answer::Failed("it cannot be opened where the profile should be".to_owned()),
        }
    }
    Answer::Absent
}
