//! How targets are kept up.

use cutover_proto::upkeep::Upkeep;

use super::{
    plants::{DAY_MS, NOW_MS, debian, fedora, installed, looked},
    windows_plants::{LAB, MACHINE_32, kes, laptop, nagent_on},
};
use crate::{
    facts::{Answer, Question, RegistryKey, RegistryValue, Reply, Tool},
    host::{Fixture, HostView},
};

const AV_STATE: &str = r"SOFTWARE\KasperskyLab\Components\34\1103\1.0.0.0\Statistics\AVState";

fn nagent(about: &str) -> Fixture {
    nagent_on(laptop(about), "Kaspersky Security Center 14.2 Network Agent", LAB)
}

fn state(is_32: bool) -> Question {
    Question::Registry {
        is_32,
        key: AV_STATE.to_owned(),
        values: [
            "Protection_AdmServer",
            "Protection_LastConnected",
            "Protection_BasesDate",
        ]
        .map(str::to_owned)
        .to_vec(),
    }
}

fn with_state(host: Fixture, is_32: bool, values: &[(&str, &str)]) -> Fixture {
    let values = values
        .iter()
        .map(|(name, text)| ((*name).to_owned(), RegistryValue::Text((*text).to_owned())));
    let key = RegistryKey {
        values: values.collect(),
    };
    host.with_reply(&state(is_32), Reply::Registry(key))
}

fn upkeep(host: &dyn HostView, product: &str) -> Upkeep {
    let inventory = looked(host);
    let sighting = inventory.sighting(&product.into()).unwrap();
    assert!(sighting.is_present(), "{sighting:?}");
    sighting.upkeep.clone().unwrap_or_default()
}

/// The look is made on 2024-09-20, a Friday.
const MONDAY_MS: i64 = NOW_MS - 4 * DAY_MS - DAY_MS / 2;

#[test]
fn the_network_agent_tells_server_contact_and_bases_from_either_view_of_the_registry() {
    for is_32 in [true, false] {
        let host = with_state(
            nagent("windows, network agent that tells its server"),
            is_32,
            &[
                ("Protection_AdmServer", "ksc01.corp.example"),
                ("Protection_LastConnected", "20-09-2024 11-58-03"),
                ("Protection_BasesDate", "01-08-2024 06-00-00"),
            ],
        );
        let told = upkeep(&host, "klnagent-windows");
        assert_eq!(told.management_server.as_deref(), Some("ksc01.corp.example"));
        // date -u -d '2024-08-01 06:00' +%s: it stands still, and is told as it is.
        assert_eq!(told.bases_ms, Some(1_722_492_000_000));
        // It moves, and is told as the beginning of its week.
        assert_eq!(told.last_contact_ms, Some(MONDAY_MS));
    }
}

#[test]
fn what_moves_every_hour_leaves_the_inventory_the_same_until_the_week_ends() {
    let at = |contact: &str| {
        let values = [("Protection_LastConnected", contact), ("Protection_BasesDate", contact)];
        upkeep(
            &with_state(nagent("windows, network agent at work"), true, &values),
            "klnagent-windows",
        )
    };
    let monday = at("16-09-2024 00-00-00");
    assert_eq!(monday.bases_ms, Some(MONDAY_MS));
    assert_eq!(at("20-09-2024 12-00-00"), monday);
    assert_ne!(at("15-09-2024 23-59-59"), monday);
}

#[test]
fn what_the_network_agent_does_not_tell_is_left_out() {
    let denied = nagent("windows, network agent behind a denied key")
        .with_no_reply(&state(true), Answer::Denied("not yours".into()));
    assert_eq!(upkeep(&denied, "klnagent-windows"), Upkeep::default());
    let odd = [
        ("Protection_AdmServer", "C:\\Users\\alice\\a file.txt"),
        ("Protection_LastConnected", "yesterday"),
        ("Protection_BasesDate", ""),
    ];
    let odd = with_state(nagent("windows, network agent that tells nonsense"), true, &odd);
    assert_eq!(upkeep(&odd, "klnagent-windows"), Upkeep::default());
}

#[test]
fn the_day_of_the_newest_uninstall_entry_is_when_it_was_installed_or_changed() {
    let name = "Kaspersky Endpoint Security for Windows";
    let dated = |date: &str| kes("windows, kes with a date").with_install_date(MACHINE_32, name, date);
    // date -u -d 2024-08-01 +%s / 86400
    assert_eq!(upkeep(&dated("20240801"), "kes-windows").installed_day, Some(19_936));
    assert_eq!(upkeep(&dated("8/1/2024"), "kes-windows").installed_day, None);
}

#[test]
fn linux_tells_the_day_by_dpkgs_list_of_files_and_by_rpms_own_word() {
    let list = |host: Fixture, name: &str| host.with_file(name, b"/opt\n", NOW_MS - 30 * DAY_MS);
    let day = i32::try_from((NOW_MS - 30 * DAY_MS) / DAY_MS).unwrap();
    let kesl = || debian("kesl with a list", &[installed("kesl", "12.1.0-1297")]);
    for name in ["/var/lib/dpkg/info/kesl.list", "/var/lib/dpkg/info/kesl:amd64.list"] {
        assert_eq!(upkeep(&list(kesl(), name), "kesl").installed_day, Some(day));
    }
    assert_eq!(upkeep(&kesl(), "kesl").installed_day, None);
    let line = format!("kesl\t12.1.0-1297\tx86_64\t{}\n", (NOW_MS - 30 * DAY_MS) / 1000);
    assert_eq!(upkeep(&fedora("kesl by rpm", &[line]), "kesl").installed_day, Some(day));
}

#[test]
fn kesl_control_is_asked_only_of_a_daemon_that_runs() {
    let said = "Version: 12.1.0.1297\nLast release date of databases:  2024-08-01 20:00:00\n";
    let stopped = debian("kesl stopped", &[installed("kesl", "12.1.0-1297")]).with_tool(Tool::KeslAppInfo, said, "");
    assert_eq!(upkeep(&stopped, "kesl").bases_ms, None);
    let running = stopped.with_process(77, "kesl", Some("/opt/kaspersky/kesl/libexec/kesl"));
    // date -u -d '2024-08-01 06:00' +%s: fourteen hours earlier, for nobody says in which zone.
    assert_eq!(upkeep(&running, "kesl").bases_ms, Some(1_722_492_000_000));
    let failing = running.with_failing_tool(Tool::KeslAppInfo, "did not answer within 30 s and was ended");
    assert_eq!(upkeep(&failing, "kesl").bases_ms, None);
}
