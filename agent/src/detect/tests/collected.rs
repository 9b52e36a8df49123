//! What the collector wrote on old Windows machines, judged like any other. Made by hand as `collect.cmd` writes it; none
//! was gathered on a real one.

use cutover_proto::{
    ids::HostId,
    inventory::Inventory,
    verdict::{Sighting, Verdict},
};

use crate::{
    detect::{RuleSet, ScanCx, outcome, scan},
    host::Collected,
    parse::collection,
};

const UNINSTALL: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
const UNINSTALL_32: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall";
const SERVICES: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services";
const PROGRAMS: &str = r"C:\Program Files (x86)";

/// A Windows 7 as `collect.cmd` finds it, with what is added to it.
#[derive(Default)]
struct Windows7 {
    uninstall_32: String,
    services: String,
    processes: String,
    programs: String,
    more: String,
}

impl Windows7 {
    fn with_kes(mut self) -> Self {
        self.uninstall_32 = format!(
            "[{UNINSTALL_32}\\{{27534751-0000}}]\n\"DisplayName\"=\"Kaspersky Endpoint Security 10 для Windows\"\n\
             \"Publisher\"=\"АО \\\"Лаборатория Касперского\\\"\"\n\"DisplayVersion\"=\"10.3.3.304\"\n\
             \"WindowsInstaller\"=dword:00000001\n"
        );
        self.services = format!(
            "{SERVICES}\\AVP\n    ImagePath    REG_EXPAND_SZ    \"{PROGRAMS}\\Kaspersky Lab\\KES 10\\avp.exe\" -r\n    \
             Type    REG_DWORD    0x10\n"
        );
        self.processes = "\"avp.exe\",\"1200\",\"Services\",\"0\",\"90,000 K\"\n".into();
        self.programs = "Kaspersky Lab\n".into();
        self.more = format!(
            "#begin tree {PROGRAMS}\\Kaspersky Lab\n{PROGRAMS}\\Kaspersky Lab\\KES 10\n#end 0\n\
             #begin tree-directories {PROGRAMS}\\Kaspersky Lab\n{PROGRAMS}\\Kaspersky Lab\\KES 10\n#end 0\n"
        );
        self
    }

    fn text(&self) -> String {
        let Self {
            uninstall_32,
            services,
            processes,
            programs,
            more,
        } = self;
        format!(
            "cutover-collection 1\n#fact by cmd\n#fact computer OLD-7\n#fact architecture AMD64\n#fact os 6.1.7601\n\
             #fact elevated yes\n#folder ProgramFiles C:\\Program Files\n#folder ProgramFilesX86 {PROGRAMS}\n\
             #folder ProgramData C:\\ProgramData\n#folder SystemRoot C:\\Windows\n\
             #begin uninstall-machine\nWindows Registry Editor Version 5.00\n\n[{UNINSTALL}\\7-Zip]\n\
             \"DisplayName\"=\"7-Zip 24.08 (x64)\"\n\"Publisher\"=\"Igor Pavlov\"\n#end 0\n\
             #begin uninstall-machine-32\nWindows Registry Editor Version 5.00\n\n[{UNINSTALL_32}]\n{uninstall_32}#end 0\n\
             #begin services\n{SERVICES}\\Eventlog\n    ImagePath    REG_EXPAND_SZ    %SystemRoot%\\System32\\svchost.exe\n    \
             Type    REG_DWORD    0x20\n{services}#end 0\n\
             #begin tasklist\n\"System\",\"4\",\"Services\",\"0\",\"1,024 K\"\n{processes}#end 0\n\
             #begin subkeys SOFTWARE\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\n#end 0\n\
             #begin subkeys SOFTWARE\\Wow6432Node\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Wow6432Node\\Microsoft\n#end 0\n\
             #begin names C:\\Program Files\nCommon Files\n#end 0\n#begin directories C:\\Program Files\nCommon Files\n#end 0\n\
             #begin names {PROGRAMS}\nCommon Files\n{programs}#end 0\n\
             #begin directories {PROGRAMS}\nCommon Files\n{programs}#end 0\n\
             #begin names C:\\ProgramData\nMicrosoft\n#end 0\n#begin directories C:\\ProgramData\nMicrosoft\n#end 0\n\
             #begin names C:\\Windows\nSystem32\n#end 0\n#begin directories C:\\Windows\nSystem32\n#end 0\n\
             #begin names C:\\Windows\\System32\nntdll.dll\ndrivers\n#end 0\n\
             #begin directories C:\\Windows\\System32\ndrivers\n#end 0\n\
             #begin names C:\\Windows\\System32\\drivers\nntfs.sys\n#end 0\n\
             #begin directories C:\\Windows\\System32\\drivers\n#end 1\n{more}#done\n"
        )
    }
}

fn judged(text: &str) -> (Inventory, u8) {
    let view = Collected::new(collection::parse(text.as_bytes()).expect("sound"));
    let rules = RuleSet::built_in();
    let cx = ScanCx {
        host_id: HostId::new(uuid::Uuid::nil()),
        now_ms: 1_790_000_000_000,
    };
    let inventory = scan(&view, &rules, &cx);
    let code = outcome(&inventory, &rules).exit_code();
    (inventory, code)
}

fn sighting<'i>(inventory: &'i Inventory, product: &str) -> &'i Sighting {
    let mut sightings = inventory.sightings.iter();
    sightings.find(|it| it.product.as_str() == product).expect("looked for")
}

#[test]
fn an_old_windows_without_the_product_is_clear() {
    let (inventory, code) = judged(&Windows7::default().text());
    let unclear: Vec<_> = inventory
        .sightings
        .iter()
        .filter(|it| it.verdict != Verdict::Absent)
        .map(|it| (it.product.as_str(), it.verdict, it.why.as_str()))
        .collect();
    assert_eq!(code, 0, "{unclear:#?}");
    assert_eq!(inventory.facts.hostname, "OLD-7");
}

#[test]
fn an_old_windows_with_the_product_in_cyrillic_is_seen_running() {
    let (inventory, code) = judged(&Windows7::default().with_kes().text());
    let kes = sighting(&inventory, "kes-windows");
    assert_eq!((code, kes.verdict), (10, Verdict::Running), "{}", kes.why);
    assert_eq!(kes.version.as_deref(), Some("10.3.3.304"));
}

#[test]
fn what_the_collector_could_not_gather_leaves_an_old_windows_unknown() {
    let sound = Windows7::default().text();
    for what in [
        "uninstall-machine",
        "uninstall-machine-32",
        "services",
        "tasklist",
        "subkeys SOFTWARE",
        "names C:\\Program",
    ] {
        let at = sound.find(&format!("#begin {what}")).expect("there");
        let (before, from) = sound.split_at(at);
        let failed = format!("{before}{}", from.replacen("#end 0", "#end 5", 1));
        assert_eq!(judged(&failed).1, 11, "{what} failed");
        let end = from.find("#end 0\n").expect("there") + "#end 0\n".len();
        let missing = format!("{before}{}", from.get(end..).expect("within"));
        assert_eq!(judged(&missing).1, 11, "{what} is missing");
    }
}
