//! Who encrypts the disks of a Windows.
//!
//! | BitLocker, by Windows' own word | a target that may encrypt | who encrypts |
//! |---|---|---|
//! | of some volume | not there, or on a server | another |
//! | of none, or not installed (servers) | not there, or on a server | nobody |
//! | anything | there, or could not be told, on a client | unknown |
//! | could not be told | anything | unknown |
//!
//! Of the target's own disk encryption no trace is confirmed that could be looked for, so beside it nobody may conclude
//! that there is none. On servers it manages BitLocker alone (vendor help KESWin 11.10, 137268).

use cutover_proto::inventory::DiskEncryption;

use super::{Disks, Encrypting};
use crate::{
    detect::windows_facts,
    facts::{Answer, BitLockerVolume, Question, Reply},
    host::HostView,
};

pub(super) fn look(view: &dyn HostView, encrypting: &Encrypting) -> Disks {
    let is_server = windows_facts::is_server(view);
    let mut reasons = Vec::new();
    let encrypted = match encrypted(view, is_server) {
        Ok(drives) if drives.is_empty() => Some(false),
        Ok(drives) => {
            reasons.push(format!("BitLocker encrypts {}", drives.join(", ")));
            Some(true)
        }
        Err(why) => {
            reasons.push(why);
            None
        }
    };
    let is_excluded = match encrypting {
        Encrypting::Nobody => true,
        Encrypting::Maybe(name) => {
            reasons.push(if is_server {
                format!("{name} may manage BitLocker here: see whether the recovery keys lie on its server alone")
            } else {
                format!(
                    "{name} may be there, and whether its own disk encryption is used no look can tell; see its management \
                     server, and where recovery keys lie"
                )
            });
            is_server
        }
        Encrypting::NotLooked => false,
    };
    let by = match (encrypted, is_excluded) {
        (Some(true), true) => DiskEncryption::Other,
        (Some(false), true) => DiskEncryption::None,
        (Some(_), false) | (None, _) => DiskEncryption::Unknown,
    };
    Disks { by, reasons }
}

/// The drives that BitLocker encrypts.
fn encrypted(view: &dyn HostView, is_server: bool) -> Result<Vec<String>, String> {
    match view.ask(&Question::BitLocker).parsed(Reply::bit_locker) {
        Answer::Found(volumes) if volumes.is_empty() => {
            Err("Windows names no volume that BitLocker could encrypt".into())
        }
        Answer::Found(volumes) => Ok(volumes
            .iter()
            .filter(|volume| is_encrypted(volume))
            .map(named)
            .collect()),
        // A feature of servers that has to be added.
        Answer::Absent | Answer::Unsupported if is_server => Ok(Vec::new()),
        Answer::Absent | Answer::Unsupported => Err("this Windows does not tell of BitLocker".into()),
        Answer::Denied(why) | Answer::Failed(why) => Err(why),
    }
}

/// Anything but plain: a volume whose protection is off may still be encrypted, with its key beside it, and one that is
/// locked tells nothing.
const fn is_encrypted(volume: &BitLockerVolume) -> bool {
    volume.conversion != 0 || volume.protection != 0
}

fn named(volume: &BitLockerVolume) -> String {
    if volume.drive.is_empty() {
        "a volume without a letter".to_owned()
    } else {
        volume.drive.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Fixture;

    fn volume(drive: &str, conversion: u32, protection: u32) -> BitLockerVolume {
        BitLockerVolume {
            drive: drive.to_owned(),
            conversion,
            protection,
        }
    }

    fn host(volumes: &[BitLockerVolume]) -> Fixture {
        Fixture::windows("disks").with_reply(&Question::BitLocker, Reply::BitLocker(volumes.to_vec()))
    }

    fn server(host: Fixture) -> Fixture {
        host.with_installation_type("Server")
    }

    fn maybe() -> Encrypting {
        Encrypting::Maybe("Kaspersky Endpoint Security for Windows".into())
    }

    #[test]
    fn bitlocker_is_another_and_plain_disks_are_nobodys() {
        let plain = [volume("C:", 0, 0), volume("D:", 0, 0)];
        let nobody = look(&host(&plain), &Encrypting::Nobody);
        assert_eq!((nobody.by, nobody.reasons), (DiskEncryption::None, Vec::new()));
        // Encrypted with protection suspended, being encrypted, locked.
        for volume in [
            volume("D:", 1, 0),
            volume("D:", 2, 0),
            volume("D:", 0, 2),
            volume("D:", 1, 1),
        ] {
            let found = look(&host(&[plain[0].clone(), volume]), &Encrypting::Nobody);
            assert_eq!(found.by, DiskEncryption::Other);
            assert_eq!(found.reasons, ["BitLocker encrypts D:"]);
        }
    }

    #[test]
    fn beside_a_target_that_may_encrypt_a_client_is_unknown_and_a_server_is_not() {
        for volumes in [[volume("C:", 0, 0)], [volume("C:", 1, 1)]] {
            assert_eq!(look(&host(&volumes), &maybe()).by, DiskEncryption::Unknown);
        }
        let bitlocker = look(&server(host(&[volume("C:", 1, 1)])), &maybe());
        assert_eq!(bitlocker.by, DiskEncryption::Other);
        assert!(
            bitlocker.reasons[1].contains("recovery keys"),
            "{:?}",
            bitlocker.reasons
        );
        assert_eq!(
            look(&server(host(&[volume("C:", 0, 0)])), &maybe()).by,
            DiskEncryption::None
        );
    }

    #[test]
    fn what_could_not_be_told_is_unknown_with_its_reason_and_a_server_without_the_feature_is_plain() {
        let refused = |answer: Answer<()>| host(&[]).with_no_reply(&Question::BitLocker, answer);
        for answer in [
            Answer::Denied("run as administrator".into()),
            Answer::Failed("it hangs".into()),
            Answer::Absent,
        ] {
            let found = look(&refused(answer), &Encrypting::Nobody);
            assert_eq!((found.by, found.reasons.len()), (DiskEncryption::Unknown, 1));
        }
        assert_eq!(look(&host(&[]), &Encrypting::Nobody).by, DiskEncryption::Unknown);
        let without = server(refused(Answer::Absent));
        assert_eq!(look(&without, &Encrypting::Nobody).by, DiskEncryption::None);
        // Before the first look at products nobody knows whether one of them encrypts.
        let plain = host(&[volume("C:", 0, 0)]);
        assert_eq!(look(&plain, &Encrypting::NotLooked).by, DiskEncryption::Unknown);
    }
}
