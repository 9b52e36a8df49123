//! How a target that is there is kept up: by which server, how fresh, since when, put there by what. Nothing here changes a verdict, and what
//! cannot be told is left out: no finding follows from it.

use cutover_proto::{
    rule::Rule,
    upkeep::{Upkeep, UpkeepSource},
};

use super::{linux::LinuxGround, placed, windows::WindowsGround};
use crate::{
    facts::{Answer, Package, Question, RegistryKey, RegistryValue, Reply, Tool},
    host::{HostPath, HostView, Links},
    parse::upkeep,
};

const DAY_MS: i64 = 86_400_000;
/// The epoch was a Thursday.
const FIRST_MONDAY_MS: i64 = -3 * DAY_MS;
const WEEK_MS: i64 = 7 * DAY_MS;

/// Where the Network Agent keeps what it knows of the product that it manages. It is a program of 32 bits.
const AV_STATE: &str = r"SOFTWARE\KasperskyLab\Components\34\1103\1.0.0.0\Statistics\AVState";
const SERVER: &str = "Protection_AdmServer";
const CONTACT: &str = "Protection_LastConnected";
const BASES: &str = "Protection_BasesDate";

/// dpkg writes a package's list of files when it unpacks it, and not again.
const FILE_LISTS: &str = "/var/lib/dpkg/info";

/// On Windows.
pub(super) fn on_windows(view: &dyn HostView, ground: &WindowsGround<'_>, rule: &Rule, now_ms: i64) -> Option<Upkeep> {
    let mut told = Upkeep::default();
    match rule.upkeep {
        Some(UpkeepSource::NetworkAgent) => network_agent(view, now_ms, &mut told),
        Some(UpkeepSource::KeslControl) | None => {}
    }
    let days = ground.installed_days(rule);
    told.installed_day = days.iter().filter_map(|day| upkeep::installer_day(day)).max();
    told.placed = placed::on_windows(view, ground, rule);
    Some(told).filter(|told| !told.is_empty())
}

/// On Linux.
pub(super) fn on_linux(
    view: &dyn HostView,
    ground: &LinuxGround<'_>,
    rule: &Rule,
    is_running: bool,
    now_ms: i64,
) -> Option<Upkeep> {
    let mut told = Upkeep::default();
    match rule.upkeep {
        // Its daemon is what answers.
        Some(UpkeepSource::KeslControl) if is_running => {
            let said = view.tool(Tool::KeslAppInfo).found();
            let bases = said.and_then(|said| upkeep::kesl_bases(&said.stdout));
            told.bases_ms = bases.map(|at_ms| settled(at_ms, now_ms));
        }
        Some(UpkeepSource::KeslControl | UpkeepSource::NetworkAgent) | None => {}
    }
    let packages = ground.packages_of(rule).found().unwrap_or_default();
    let present = packages.iter().filter(|package| package.state.is_present());
    told.installed_day = present.filter_map(|package| installed_day(view, package)).max();
    told.placed = placed::on_linux(view, rule);
    Some(told).filter(|told| !told.is_empty())
}

/// On macOS: nothing is confirmed but the list of what was installed.
pub(super) fn on_macos(view: &dyn HostView, rule: &Rule) -> Option<Upkeep> {
    let (placed, installed_day) = placed::on_macos(view, rule);
    let told = Upkeep {
        installed_day,
        placed,
        ..Upkeep::default()
    };
    Some(told).filter(|told| !told.is_empty())
}

fn network_agent(view: &dyn HostView, now_ms: i64, told: &mut Upkeep) {
    let question = |is_32| Question::Registry {
        is_32,
        key: AV_STATE.to_owned(),
        values: [SERVER, CONTACT, BASES].map(str::to_owned).to_vec(),
    };
    let ask = |is_32| view.ask(&question(is_32)).parsed(Reply::registry);
    let key = match ask(true) {
        // A Windows of 32 bits has one view.
        Answer::Absent | Answer::Unsupported => ask(false),
        answer @ (Answer::Found(_) | Answer::Denied(_) | Answer::Failed(_)) => answer,
    };
    let Some(key) = key.found() else { return };
    let instant = |name| {
        let at_ms = upkeep::network_agent_instant(text(&key, name)?)?;
        Some(settled(at_ms, now_ms))
    };
    told.management_server = text(&key, SERVER).and_then(upkeep::server);
    told.last_contact_ms = instant(CONTACT);
    told.bases_ms = instant(BASES);
}

fn text<'k>(key: &'k RegistryKey, name: &str) -> Option<&'k str> {
    match key.values.get(name) {
        Some(RegistryValue::Text(text)) => Some(text),
        Some(RegistryValue::Number(_) | RegistryValue::Hex(_)) | None => None,
    }
}

/// What moves from look to look is told as the beginning of its week, so that the inventory moves once a week; what has
/// stood for a week is told as it is.
fn settled(at_ms: i64, now_ms: i64) -> i64 {
    if now_ms.saturating_sub(at_ms) >= WEEK_MS {
        return at_ms;
    }
    at_ms - (at_ms - FIRST_MONDAY_MS).rem_euclid(WEEK_MS)
}

fn installed_day(view: &dyn HostView, package: &Package) -> Option<i32> {
    let at_ms = match package.installed_s {
        Some(seconds) => seconds.checked_mul(1000)?,
        None => {
            let Package { name, architecture, .. } = package;
            let lists = HostPath::unix(FILE_LISTS);
            // Of packages that may be there in two architectures, each has a list of its own.
            let names = [format!("{name}.list"), format!("{name}:{architecture}.list")];
            let stat = |file: &String| view.stat(&lists.join(file), Links::AsTheyAre).found();
            names.iter().find_map(stat)?.modified_ms
        }
    };
    i32::try_from(at_ms.div_euclid(DAY_MS)).ok().filter(|day| *day > 0)
}
