//! Whether the machine has a battery: one that can be carried away, and that may be running on what is left.

use crate::{
    facts::{Answer, Question, Reply},
    host::{HostPath, HostView},
};

use cutover_proto::inventory::OsFamily;

/// The kernel's list of what gives power (Documentation/ABI/testing/sysfs-class-power).
const SUPPLIES: &str = "/sys/class/power_supply";
const MAX: u64 = 4096;

/// `None` where it could not be told.
pub(super) fn has_battery(view: &dyn HostView) -> Option<bool> {
    match view.os_family() {
        OsFamily::Windows => view.ask(&Question::Battery).parsed(Reply::battery).found(),
        OsFamily::Linux => on_linux(view),
        // Only a program tells it there, and none is asked for that.
        OsFamily::Macos => None,
    }
}

fn on_linux(view: &dyn HostView) -> Option<bool> {
    let supplies = HostPath::unix(SUPPLIES);
    let mut untold = false;
    for supply in view.list(&supplies).found()? {
        let dir = supplies.join(&supply.name);
        let says = |file: &str, word: &str| match view.read(&dir.join(file), MAX) {
            Answer::Found(bytes) => Some(bytes.trim_ascii() == word.as_bytes()),
            Answer::Absent | Answer::Unsupported => Some(false),
            Answer::Denied(_) | Answer::Failed(_) => None,
        };
        // A mouse's battery is its own.
        match (says("type", "Battery"), says("scope", "Device")) {
            (Some(true), Some(false)) => return Some(true),
            (Some(false), _) | (_, Some(true)) => {}
            (None, Some(false) | None) | (Some(true), None) => untold = true,
        }
    }
    (!untold).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Fixture;

    fn host(supplies: &[(&str, &str, Option<&str>)]) -> Fixture {
        let mut host = Fixture::bare(OsFamily::Linux, "power").with_directory(SUPPLIES);
        for (name, kind, scope) in supplies {
            let dir = format!("{SUPPLIES}/{name}");
            host = host.with_directory(&dir);
            host = host.with_file(&format!("{dir}/type"), format!("{kind}\n").as_bytes(), 0);
            if let Some(scope) = scope {
                host = host.with_file(&format!("{dir}/scope"), format!("{scope}\n").as_bytes(), 0);
            }
        }
        host
    }

    #[test]
    fn a_machines_own_battery_is_told_from_a_mouses() {
        assert_eq!(
            has_battery(&host(&[("AC", "Mains", None), ("BAT0", "Battery", None)])),
            Some(true)
        );
        assert_eq!(has_battery(&host(&[("BAT1", "Battery", Some("System"))])), Some(true));
        assert_eq!(
            has_battery(&host(&[("AC", "Mains", None), ("hidpp_0", "Battery", Some("Device"))])),
            Some(false)
        );
        assert_eq!(has_battery(&host(&[])), Some(false));
    }

    #[test]
    fn what_the_kernel_does_not_tell_is_unknown() {
        assert_eq!(has_battery(&Fixture::bare(OsFamily::Linux, "without sysfs")), None);
        let mut denied = host(&[("BAT0", "Battery", None)]);
        let file = format!("{SUPPLIES}/BAT0/type");
        denied.files.insert(file, Answer::Denied("not yours".into()));
        assert_eq!(has_battery(&denied), None);
    }

    #[test]
    fn windows_tells_it_itself() {
        let told = |has| Fixture::windows("power").with_reply(&Question::Battery, Reply::Battery(has));
        assert_eq!(has_battery(&told(true)), Some(true));
        assert_eq!(has_battery(&told(false)), Some(false));
        let failed = told(true).with_no_reply(&Question::Battery, Answer::Failed("it does not say".into()));
        assert_eq!(has_battery(&failed), None);
    }
}
