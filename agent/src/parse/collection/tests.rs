use super::parse;
use crate::facts::{Answer, EntryKind, ServiceState};

const SOUND: &str = "cutover-collection 1\r\n\
#fact by cmd\r\n#fact computer PC-7\r\n#fact architecture AMD64\r\n#fact elevated yes\r\n#fact os 6.1.7601\r\n\
#folder ProgramFilesX86 C:\\Program Files (x86)\r\n\
#begin uninstall-machine\r\nWindows Registry Editor Version 5.00\r\n\r\n\
[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall]\r\n\r\n\
[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\7-Zip]\r\n\"DisplayName\"=\"7-Zip\"\r\n\
#end 0\r\n\
#begin uninstall-user\r\n\u{feff}Windows Registry Editor Version 5.00\r\n\r\n\
[HKEY_USERS\\S-1-5-21-1\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\X]\r\n\"DisplayName\"=\"Каспер\"\r\n\
#end 0\r\n\
#begin services\r\n\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\AVP\r\n\
\u{20}   ImagePath    REG_EXPAND_SZ    C:\\a b\\avp.exe -r\r\n\
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\AVP\\Parameters\r\n    ImagePath    REG_SZ    x\r\n#end 0\r\n\
#begin services\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\AVP\r\n    Type    REG_DWORD    0x10\r\n\
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\klif\r\n    Type    REG_DWORD    0x2\r\n\
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Group\r\n    Type    REG_DWORD    0x4\r\n#end 0\r\n\
#begin states\r\nRunning avp\r\nStopped klif\r\n#end 0\r\n\
#begin tasklist\r\n\"System\",\"4\",\"Services\",\"0\",\"1,024 K\"\r\n#end 0\r\n\
#begin subkeys SOFTWARE\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\KasperskyLab\r\n#end 0\r\n\
#begin names C:\\Program Files (x86)\r\nKaspersky Lab\r\nreadme.txt\r\n#end 0\r\n\
#begin directories C:\\Program Files (x86)\r\nKaspersky Lab\r\n#end 0\r\n\
#begin tree C:\\Program Files (x86)\\Kaspersky Lab\r\n\
C:\\Program Files (x86)\\Kaspersky Lab\\KES.12\r\nC:\\Program Files (x86)\\Kaspersky Lab\\KES.12\\avp.exe\r\n#end 0\r\n\
#begin tree-directories C:\\Program Files (x86)\\Kaspersky Lab\r\nC:\\Program Files (x86)\\Kaspersky Lab\\KES.12\r\n#end 0\r\n\
#done\r\n";

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_collection_is_read_in_both_encodings() {
    let read = parse(&utf16(SOUND)).expect("sound");
    assert_eq!(parse(SOUND.as_bytes()).as_ref(), Ok(&read));
    assert_eq!(
        (read.computer.as_str(), read.os_version.as_str(), read.is_64()),
        ("PC-7", "6.1.7601", true)
    );
    let machine = read.machine.found().expect("entries");
    assert_eq!(
        machine
            .entries
            .iter()
            .map(|entry| entry.key.as_str())
            .collect::<Vec<_>>(),
        ["7-Zip"]
    );
    let users = read.users.found().expect("entries");
    assert_eq!(users.entries[0].name, "Каспер");
    assert_eq!(users.unread.len(), 1, "those who were not logged on");
    let services = read.services.found().expect("services");
    let told: Vec<_> = services
        .iter()
        .map(|it| (it.name.as_str(), it.is_driver, it.image.as_str(), it.state))
        .collect();
    assert_eq!(
        told,
        [
            ("AVP", false, r"C:\a b\avp.exe -r", Some(ServiceState::Running)),
            ("klif", true, "", Some(ServiceState::Stopped)),
        ]
    );
    let tree = read.listings[r"c:\program files (x86)\kaspersky lab\kes.12"]
        .as_ref()
        .found()
        .expect("names");
    assert_eq!((tree[0].name.as_str(), tree[0].kind), ("avp.exe", EntryKind::File));
}

#[test]
fn what_was_not_gathered_or_went_wrong_is_failed_and_never_absent() {
    let read = parse(SOUND.as_bytes()).expect("sound");
    assert!(
        matches!(read.machine_32, Answer::Failed(_)),
        "a Windows of 64 bits has it"
    );
    assert!(matches!(read.security_center, Answer::Failed(_)));
    assert!(matches!(read.tasks, Answer::Failed(_)));
    let x86 = parse(SOUND.replace("AMD64", "x86").as_bytes()).expect("sound");
    assert_eq!(x86.machine_32, Answer::Unsupported);
    for what in ["uninstall-machine", "services", "tasklist", "subkeys", "names"] {
        let at = SOUND.find(&format!("#begin {what}")).expect("there");
        let (before, from) = SOUND.split_at(at);
        let broken = format!("{before}{}", from.replacen("#end 0", "#end 1", 1));
        let read = parse(broken.as_bytes()).expect("the rest is sound");
        let answers = [
            ("uninstall-machine", read.machine.trouble().is_some()),
            ("services", read.services.trouble().is_some()),
            ("tasklist", read.processes.trouble().is_some()),
            ("subkeys", read.subkeys["software"].trouble().is_some()),
            ("names", read.listings[r"c:\program files (x86)"].trouble().is_some()),
        ];
        for (name, is_trouble) in answers {
            assert_eq!(is_trouble, name == what, "{what}: {name}");
        }
    }
}

#[test]
fn a_collection_that_was_cut_anywhere_is_refused() {
    let bytes = utf16(SOUND);
    for length in (0..bytes.len() - 4).step_by(3) {
        assert!(parse(bytes.get(..length).expect("within")).is_err(), "{length}");
    }
    let error = parse(b"MZ\x90\x00").expect_err("a program");
    assert!(
        error.contains("neither UTF-16 nor UTF-8") || error.contains("no collection"),
        "{error}"
    );
}
