//! The kept answers of a Windows machine with as many entries under Uninstall and services as asked for, and one product
//! that must go. A scan replays them: reading the answers and judging them is the agent's real work, asking Windows is not
//! in it. Names are made up; lengths are those of usual programs.

use cutover_agent::{facts::UninstallPlace, host::Fixture};

/// Makes the machine.
pub(crate) fn plant(uninstall_keys: usize, services: usize) -> Fixture {
    let program = r"C:\Program Files (x86)\Kaspersky Lab\KES.12.9.0\avp.exe";
    let mut host = Fixture::windows("made up for a measurement")
        .with_uninstall(
            UninstallPlace::Machine32,
            "Kaspersky Endpoint Security for Windows",
            "AO Kaspersky Lab",
            "12.9.0.384",
            r"C:\Program Files (x86)\Kaspersky Lab\KES.12.9.0\",
        )
        .with_service("AVP.KES.21.19", &format!("\"{program}\" -r"), true);
    for n in 1..uninstall_keys {
        // Half of what is installed on a machine of 64 bits is of 32.
        let place = [UninstallPlace::Machine, UninstallPlace::Machine32][n % 2];
        host = host.with_uninstall(
            place,
            &format!("Made Up Office Component {n:04} (x64) en-us"),
            "Made Up Software Corporation",
            &format!("16.0.{n}.20142"),
            &format!(r"C:\Program Files\Made Up Software\Component {n:04}\"),
        );
    }
    for n in 1..services {
        let image = format!(r"C:\Windows\system32\svchost.exe -k MadeUpGroup{:02} -p", n % 40);
        host = host.with_service(&format!("MadeUpSvc{n:04}"), &image, n % 3 != 0);
    }
    host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_as_many_entries_and_services_as_asked_for() {
        let text = plant(50, 20).to_json().expect("a fixture is JSON");
        assert_eq!(text.matches("\"publisher\":").count(), 50);
        // Windows' own are its event log and its file system.
        assert_eq!(text.matches("\"image\":").count(), 20 + 2);
    }
}
