//! What the parts of a collection say.

use std::collections::BTreeMap;

use cutover_proto::rule::KnownFolder;

use super::{
    super::registry_text::{self, TextKey},
    Part, listings, short,
};
use crate::facts::{
    Answer, Collection, Process, SecurityProduct, ServiceState, UninstallEntries, UninstallEntry, WindowsService,
};

const UNINSTALL: &str = r"Software\Microsoft\Windows\CurrentVersion\Uninstall";
const UNINSTALL_32: &str = r"Software\Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall";
const SERVICES: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services";
const MACHINE: &str = "HKEY_LOCAL_MACHINE";
/// Kernel driver, file system driver, recognizer (winnt.h, `SERVICE_DRIVER`).
const DRIVER_TYPES: u64 = 0x0b;
/// Processes of their own and shared ones (winnt.h, `SERVICE_WIN32`).
const SERVICE_TYPES: u64 = 0x30;

pub(super) fn assembled(
    facts: &BTreeMap<String, String>,
    folders: Vec<(KnownFolder, String)>,
    parts: &[Part],
) -> Collection {
    let fact = |name: &str| facts.get(name).cloned().unwrap_or_default();
    let architecture = fact("architecture");
    let is_32 = architecture.eq_ignore_ascii_case("x86");
    let uninstall = |what: &str, below: &str| {
        let root = format!(r"{MACHINE}\{below}");
        let part = one(parts, what)?;
        match exported(part) {
            Ok(keys) => Some(Answer::Found(entries(&keys, &root))),
            Err(why) => Some(Answer::Failed(why)),
        }
    };
    Collection {
        computer: fact("computer"),
        taken: fact("taken"),
        os_version: fact("os"),
        folders,
        machine: uninstall("uninstall-machine", UNINSTALL).unwrap_or_else(|| not_asked("uninstall entries")),
        machine_32: match uninstall("uninstall-machine-32", UNINSTALL_32) {
            Some(answer) => answer,
            None if is_32 => Answer::Unsupported,
            None => not_asked("uninstall entries of programs of 32 bits"),
        },
        users: users(parts),
        services: services(parts),
        processes: processes(parts),
        security_center: security_center(parts, &fact("security-center")),
        tasks: tasks(parts),
        subkeys: subkeys(parts),
        listings: listings::listings(parts),
        architecture,
    }
}

fn not_asked<T>(what: &str) -> Answer<T> {
    Answer::Failed(format!("the collector did not ask for {what}"))
}

/// The last one of this name: what is gathered later knows more.
fn one<'p>(parts: &'p [Part], what: &str) -> Option<&'p Part> {
    parts.iter().rev().find(|part| part.what == what)
}

fn exported(part: &Part) -> Result<Vec<TextKey>, String> {
    registry_text::export(part.whole()?)
}

fn entries(keys: &[TextKey], root: &str) -> UninstallEntries {
    let entries = keys.iter().filter_map(|key| {
        Some(UninstallEntry {
            key: key.name_below(root)?.to_owned(),
            name: key.text("DisplayName"),
            publisher: key.text("Publisher"),
            version: key.text("DisplayVersion"),
            location: key.text("InstallLocation"),
            is_msi: key.number("WindowsInstaller") == Some(1),
            installed: key.text("InstallDate"),
            source: key.text("InstallSource"),
        })
    });
    UninstallEntries {
        entries: entries.collect(),
        unread: Vec::new(),
    }
}

/// Of the users who were logged on. No user is named.
fn users(parts: &[Part]) -> Answer<UninstallEntries> {
    let mut found = UninstallEntries {
        entries: Vec::new(),
        unread: vec!["programs of users who were not logged on were not looked at".into()],
    };
    for part in parts.iter().filter(|part| part.what == "uninstall-user") {
        match exported(part) {
            Ok(keys) => {
                for key in &keys {
                    // `HKEY_USERS\SID\Software\...`
                    let below = key.path.splitn(3, '\\').nth(2).unwrap_or_default();
                    let plain = TextKey {
                        path: below.to_owned(),
                        values: key.values.clone(),
                    };
                    found.entries.extend(entries(&[plain], UNINSTALL).entries);
                }
            }
            Err(_) => found
                .unread
                .push("a user has no uninstall entries, or they could not be read".into()),
        }
    }
    found.unread.dedup();
    Answer::Found(found)
}

fn services(parts: &[Part]) -> Answer<Vec<WindowsService>> {
    let keys: Vec<&Part> = parts.iter().filter(|part| part.what == "services").collect();
    if keys.is_empty() {
        return not_asked("services");
    }
    let mut known: BTreeMap<String, (String, Option<u64>, String)> = BTreeMap::new();
    for part in keys {
        let body = match part.whole() {
            Ok(body) => body,
            Err(why) => return Answer::Failed(why),
        };
        for key in registry_text::query(body) {
            let Some(name) = key.name_below(SERVICES) else {
                continue;
            };
            let (_, kind, image) = known
                .entry(name.to_lowercase())
                .or_insert_with(|| (name.to_owned(), None, String::new()));
            *kind = kind.or(key.number("Type"));
            if image.is_empty() {
                *image = key.text("ImagePath");
            }
        }
    }
    let states = states(parts);
    let services = known.into_iter().filter_map(|(lower, (name, kind, image))| {
        // What has no type, or one of neither kind, is no service but its settings.
        let kind = kind?;
        (kind & (DRIVER_TYPES | SERVICE_TYPES) != 0).then(|| WindowsService {
            name,
            is_driver: kind & DRIVER_TYPES != 0,
            image,
            state: states.get(&lower).copied(),
        })
    });
    Answer::Found(services.collect())
}

/// `Running AVP`, one a line, by name in lower case.
fn states(parts: &[Part]) -> BTreeMap<String, ServiceState> {
    let body = one(parts, "states")
        .and_then(|part| part.whole().ok())
        .unwrap_or_default();
    let said = body.lines().filter_map(|line| line.trim().split_once(' '));
    said.filter_map(|(state, name)| {
        let state = match state {
            "Stopped" => ServiceState::Stopped,
            "Running" | "StartPending" | "StopPending" | "Paused" | "PausePending" | "ContinuePending" => {
                ServiceState::Running
            }
            _ => return None,
        };
        Some((name.trim().to_lowercase(), state))
    })
    .collect()
}

/// `ID|NAME|PATH`, one a line; or what `tasklist /fo csv /nh` prints, which names no path.
fn processes(parts: &[Part]) -> Answer<Vec<Process>> {
    let with_paths = one(parts, "processes").filter(|part| part.code == 0);
    let Some(part) = with_paths.or_else(|| one(parts, "tasklist")) else {
        return not_asked("processes");
    };
    let body = match part.whole() {
        Ok(body) => body,
        Err(why) => return Answer::Failed(why),
    };
    let mut found = Vec::new();
    for line in body.lines().filter(|line| !line.trim().is_empty()) {
        let read = if part.what == "tasklist" {
            listed(line)
        } else {
            told(line)
        };
        match read {
            Some(process) => found.push(process),
            None => return Answer::Failed(format!("the list of processes has the line `{}`", short(line))),
        }
    }
    if found.is_empty() {
        // Windows itself is always there.
        return Answer::Failed("the list of processes is empty".into());
    }
    Answer::Found(found)
}

fn told(line: &str) -> Option<Process> {
    let (pid, rest) = line.split_once('|')?;
    let (name, path) = rest.split_once('|')?;
    Some(Process {
        pid: pid.trim().parse().ok()?,
        comm: name.to_owned(),
        exe: Some(path.trim().to_owned()).filter(|path| !path.is_empty()),
    })
}

fn listed(line: &str) -> Option<Process> {
    let mut columns = line.trim().trim_matches('"').split("\",\"");
    let name = columns.next()?.to_owned();
    Some(Process {
        pid: columns.next()?.parse().ok()?,
        comm: name,
        exe: None,
    })
}

/// `STATE NAME`, one a line.
fn security_center(parts: &[Part], said: &str) -> Answer<Vec<SecurityProduct>> {
    if said == "none" {
        return Answer::Unsupported;
    }
    let Some(part) = one(parts, "security-center") else {
        return not_asked("Security Center");
    };
    let read = part.whole().and_then(|body| {
        let lines = body.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(|line| {
                let (state, name) = line.trim().split_once(' ')?;
                Some(SecurityProduct {
                    name: name.trim().to_owned(),
                    state: state.parse().ok()?,
                })
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| "what Security Center lists cannot be read".to_owned())
    });
    match read {
        Ok(products) => Answer::Found(products),
        Err(why) => Answer::Failed(why),
    }
}

/// The keys of the task cache are the tasks' paths, and the folders above them.
fn tasks(parts: &[Part]) -> Answer<Vec<String>> {
    const TREE: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree";
    let Some(part) = one(parts, "tasks") else {
        return not_asked("scheduled tasks");
    };
    match part.whole() {
        Ok(body) => Answer::Found(
            registry_text::query(body)
                .iter()
                .filter_map(|key| key.path.get(TREE.len()..))
                .filter(|task| task.starts_with('\\'))
                .map(str::to_owned)
                .collect(),
        ),
        Err(why) => Answer::Failed(why),
    }
}

fn subkeys(parts: &[Part]) -> BTreeMap<String, Answer<Vec<String>>> {
    let asked = parts.iter().filter(|part| part.what == "subkeys");
    asked
        .map(|part| {
            let names = |body: &str| {
                let root = format!(r"{MACHINE}\{}", part.of);
                let keys = registry_text::query(body);
                keys.iter()
                    .filter_map(|key| key.name_below(&root))
                    .map(str::to_owned)
                    .collect()
            };
            let answer = match part.whole() {
                Ok(body) => Answer::Found(names(body)),
                Err(why) => Answer::Failed(why),
            };
            (part.of.to_lowercase(), answer)
        })
        .collect()
}
