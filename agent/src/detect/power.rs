//! Whether the machine has a battery: one that can be carried away, and that may be running on what is left. And whether it
//! does so now.

use crate::{
    facts::{Answer, Question, Reply, Tool},
    host::{HostPath, HostView},
    parse::pmset,
};

use cutover_proto::inventory::OsFamily;

/// The kernel's list of what gives power (Documentation/ABI/testing/sysfs-class-power).
const SUPPLIES: &str = "/sys/class/power_supply";
const MAX: u64 = 4096;

/// `None` where it could not be told.
pub(super) fn has_battery(view: &dyn HostView) -> Option<bool> {
    match view.os_family() {
        OsFamily::Windows => view.ask(&Question::Battery).parsed(Reply::battery).found(),
        OsFamily::Linux => {
            let Supplies { battery, untold, .. } = Supplies::of(view)?;
            battery.map(|_| true).or((!untold).then_some(false))
        }
        OsFamily::Macos => of_mac(view).map(|power| power.has_battery),
    }
}

/// Whether it runs on its battery now; `None` where it could not be told.
pub(super) fn on_battery(view: &dyn HostView) -> Option<bool> {
    match view.os_family() {
        OsFamily::Windows => view.ask(&Question::OnBattery).parsed(Reply::on_battery).found(),
        OsFamily::Linux => {
            let Supplies { battery, mains, untold } = Supplies::of(view)?;
            match (mains, battery) {
                // Whoever is on the mains may still be drawing on its battery; it does not run out.
                (true, _) => Some(false),
                (false, Some(Battery::Discharging)) => Some(true),
                (false, _) if untold => None,
                (false, Some(Battery::Untold)) => None,
                // Full or charging, with no word of where from; and a machine that has nothing but the mains.
                (false, Some(Battery::Other) | None) => Some(false),
            }
        }
        OsFamily::Macos => of_mac(view).map(|power| power.on_battery),
    }
}

fn of_mac(view: &dyn HostView) -> Option<pmset::Power> {
    pmset::read(&view.tool(Tool::PmsetBatteries).found()?.stdout)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Battery {
    Discharging,
    Other,
    Untold,
}

/// What gives a Linux its power.
struct Supplies {
    /// Its own battery; of several, one that is being used.
    battery: Option<Battery>,
    /// Whether something from outside feeds it.
    mains: bool,
    /// Whether there is something of which it could not be told what it is.
    untold: bool,
}

impl Supplies {
    /// `None` where the kernel names none, which it does even where there is none.
    fn of(view: &dyn HostView) -> Option<Self> {
        let supplies = HostPath::unix(SUPPLIES);
        let mut it = Self {
            battery: None,
            mains: false,
            untold: false,
        };
        for supply in view.list(&supplies).found()? {
            let dir = supplies.join(&supply.name);
            let says = |file: &str, words: &[&str]| match view.read(&dir.join(file), MAX) {
                Answer::Found(bytes) => Some(words.iter().any(|word| bytes.trim_ascii() == word.as_bytes())),
                Answer::Absent | Answer::Unsupported => Some(false),
                Answer::Denied(_) | Answer::Failed(_) => None,
            };
            // A mouse's battery is its own.
            if says("scope", &["Device"]) == Some(true) {
                continue;
            }
            match (says("type", &["Battery"]), says("scope", &["Device"])) {
                (Some(true), Some(_)) => {
                    let state = match says("status", &["Discharging"]) {
                        Some(true) => Battery::Discharging,
                        Some(false) => Battery::Other,
                        None => Battery::Untold,
                    };
                    if it.battery != Some(Battery::Discharging) {
                        it.battery = Some(state);
                    }
                }
                (Some(false), _) => match (says("type", &["Mains", "USB"]), says("online", &["1"])) {
                    (Some(true), Some(true)) => it.mains = true,
                    (Some(true), None) | (None, _) => it.untold = true,
                    (Some(false), _) | (Some(true), Some(false)) => {}
                },
                (None, _) | (Some(true), None) => it.untold = true,
            }
        }
        Some(it)
    }
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

    /// Its name, its kind, and what other files of it say.
    type Supply<'s> = (&'s str, &'s str, &'s [(&'s str, &'s str)]);

    /// Laptops of every kind, and machines that have nothing but the mains.
    #[test]
    fn what_a_linux_runs_on_follows_from_what_feeds_it() {
        let running = |supplies: &[Supply<'_>]| {
            let mut machine = host(
                &supplies
                    .iter()
                    .map(|(name, kind, _)| (*name, *kind, None))
                    .collect::<Vec<_>>(),
            );
            for (name, _, files) in supplies {
                for (file, says) in *files {
                    machine =
                        machine.with_file(&format!("{SUPPLIES}/{name}/{file}"), format!("{says}\n").as_bytes(), 0);
                }
            }
            on_battery(&machine)
        };
        let draining: Supply<'_> = ("BAT0", "Battery", &[("status", "Discharging")]);
        let full: Supply<'_> = ("BAT1", "Battery", &[("status", "Full")]);
        assert_eq!(
            running(&[("AC", "Mains", &[("online", "0")]), draining, full]),
            Some(true)
        );
        assert_eq!(running(&[("AC", "Mains", &[("online", "1")]), full]), Some(false));
        assert_eq!(running(&[("ucsi", "USB", &[("online", "1")]), draining]), Some(false));
        assert_eq!(running(&[full]), Some(false));
        assert_eq!(running(&[]), Some(false));
        assert_eq!(on_battery(&Fixture::bare(OsFamily::Linux, "without sysfs")), None);
        for (file, kind) in [
            ("AC/online", "Mains"),
            ("BAT0/status", "Battery"),
            ("BAT0/type", "Battery"),
        ] {
            let name = file.split('/').next().unwrap();
            let mut denied = host(&[(name, kind, None)]);
            denied
                .files
                .insert(format!("{SUPPLIES}/{file}"), Answer::Denied("not yours".into()));
            assert_eq!(on_battery(&denied), None, "{file}");
        }
    }

    #[test]
    fn a_mac_tells_both_by_pmset() {
        let said = |out: &str| Fixture::bare(OsFamily::Macos, "mac").with_tool(Tool::PmsetBatteries, out, "");
        let laptop = said("Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t50%; discharging\n");
        assert_eq!((has_battery(&laptop), on_battery(&laptop)), (Some(true), Some(true)));
        let desk = said("Now drawing from 'AC Power'\n");
        assert_eq!((has_battery(&desk), on_battery(&desk)), (Some(false), Some(false)));
        let other = said("pmset: not this time\n");
        assert_eq!((has_battery(&other), on_battery(&other)), (None, None));
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
        let on = |on| Fixture::windows("power").with_reply(&Question::OnBattery, Reply::OnBattery(on));
        assert_eq!(
            (on_battery(&on(true)), on_battery(&on(false))),
            (Some(true), Some(false))
        );
        let failed = on(true).with_no_reply(&Question::OnBattery, Answer::Failed("it does not say".into()));
        assert_eq!(on_battery(&failed), None);
    }
}
