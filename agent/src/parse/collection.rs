//! The file that the collector writes (`deploy/collector`) on a Windows that no agent runs on.
//!
//! | line | says |
//! |---|---|
//! | `cutover-collection 1` | the first one |
//! | `#fact NAME VALUE` | `by`, `computer`, `architecture`, `os`, `elevated` |
//! | `#folder NAME PATH` | `ProgramFiles`, `ProgramFilesX86`, `ProgramData`, `SystemRoot` |
//! | `#begin WHAT [OF]` … `#end CODE` | what a program of the system printed or wrote, and its exit code |
//! | `#done` | the last one: without it the file was cut |
//!
//! A part that ended with another code than 0 is known to have failed, one that is not there was not asked: neither says
//! that anything is absent. The text is UTF-16 as `reg export` writes it, or UTF-8.

use std::collections::BTreeMap;

use cutover_proto::rule::KnownFolder;

use super::registry_text::{self, TextKey};
use crate::facts::{
    Answer, Collection, Entry, EntryKind, Process, SecurityProduct, ServiceState, UninstallEntries, UninstallEntry,
    WindowsService,
};

/// More than this no machine fills.
pub const MAX_BYTES: u64 = 64 << 20;

const FIRST: &str = "cutover-collection 1";
const UNINSTALL: &str = r"Software\Microsoft\Windows\CurrentVersion\Uninstall";
const UNINSTALL_32: &str = r"Software\Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall";
const SERVICES: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services";
const MACHINE: &str = "HKEY_LOCAL_MACHINE";
/// Kernel driver, file system driver, recognizer (winnt.h, `SERVICE_DRIVER`).
const DRIVER_TYPES: u64 = 0x0b;
/// Processes of their own and shared ones (winnt.h, `SERVICE_WIN32`).
const SERVICE_TYPES: u64 = 0x30;

/// One part of the file.
struct Part {
    what: String,
    of: String,
    body: String,
    code: i64,
}

/// Reads a file of the collector.
///
/// # Errors
/// When it is none, or was cut.
pub fn parse(bytes: &[u8]) -> Result<Collection, String> {
    let text = decoded(bytes)?;
    let mut lines = text.lines();
    if lines.next().map(str::trim) != Some(FIRST) {
        return Err("is no collection: its first line is not `cutover-collection 1`".into());
    }
    let mut facts = BTreeMap::new();
    let mut folders = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut is_done = false;
    let mut open: Option<Part> = None;
    for line in lines {
        if let Some(part) = &mut open {
            if let Some(code) = line.strip_prefix("#end ") {
                part.code = code
                    .trim()
                    .parse()
                    .map_err(|_| format!("`{line}` names no exit code"))?;
                parts.extend(open.take());
            } else {
                part.body.push_str(line);
                part.body.push('\n');
            }
            continue;
        }
        let line = line.trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, value) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        match word {
            "" => {}
            "#fact" => drop(facts.insert(name.to_owned(), value.trim().to_owned())),
            "#folder" => folders.extend(folder(name).map(|folder| (folder, value.trim().to_owned()))),
            "#begin" => {
                open = Some(Part {
                    what: name.to_owned(),
                    of: value.trim().to_owned(),
                    body: String::new(),
                    code: 0,
                });
            }
            "#done" => is_done = true,
            other => {
                return Err(format!(
                    "has a line that begins with `{}`; collect it again",
                    short(other)
                ));
            }
        }
    }
    if !is_done {
        return Err("was cut: its last line `#done` is missing; collect it again".into());
    }
    Ok(assembled(&facts, folders, &parts))
}

fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

fn decoded(bytes: &[u8]) -> Result<String, String> {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.get(1) == Some(&0);
    if !is_utf16 {
        let text = std::str::from_utf8(bytes).map_err(|_| "is neither UTF-16 nor UTF-8 text".to_owned())?;
        return Ok(text.replace('\u{feff}', ""));
    }
    let mut units = bytes.chunks_exact(2);
    let text: String = char::decode_utf16(
        units
            .by_ref()
            .filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?))),
    )
    // Registry values need not be well-formed.
    .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
    // Every exported file begins with a mark of its own.
    .filter(|c| *c != '\u{feff}')
    .collect();
    if units.remainder().is_empty() {
        Ok(text)
    } else {
        Err("was cut in the middle of a character; collect it again".into())
    }
}

fn folder(name: &str) -> Option<KnownFolder> {
    Some(match name {
        "ProgramFiles" => KnownFolder::ProgramFiles,
        "ProgramFilesX86" => KnownFolder::ProgramFilesX86,
        "ProgramData" => KnownFolder::ProgramData,
        "SystemRoot" => KnownFolder::SystemRoot,
        _ => return None,
    })
}

fn assembled(facts: &BTreeMap<String, String>, folders: Vec<(KnownFolder, String)>, parts: &[Part]) -> Collection {
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
        by: fact("by"),
        computer: fact("computer"),
        os_version: fact("os"),
        is_elevated: fact("elevated") == "yes",
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
        listings: listings(parts),
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

fn whole(part: &Part) -> Result<&str, String> {
    if part.code == 0 {
        Ok(&part.body)
    } else {
        let of = if part.of.is_empty() {
            String::new()
        } else {
            format!(" of {}", part.of)
        };
        Err(format!(
            "the collector could not read {}{of}: exit code {}",
            part.what, part.code
        ))
    }
}

fn exported(part: &Part) -> Result<Vec<TextKey>, String> {
    registry_text::export(whole(part)?)
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
        let body = match whole(part) {
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
        .and_then(|part| whole(part).ok())
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
    let body = match whole(part) {
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
    let read = whole(part).and_then(|body| {
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
    match whole(part) {
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
            let answer = match whole(part) {
                Ok(body) => Answer::Found(names(body)),
                Err(why) => Answer::Failed(why),
            };
            (part.of.to_lowercase(), answer)
        })
        .collect()
}

/// `names` and `directories` of one directory as `dir /b` prints them, or of all below one (`tree`, `tree-directories`), as
/// `dir /b /s` does: whole paths.
fn listings(parts: &[Part]) -> BTreeMap<String, Answer<Vec<Entry>>> {
    let mut out = BTreeMap::new();
    let directories_of = |what: &str, of: &str| {
        // `dir` fails where there is none.
        let mut same = parts
            .iter()
            .filter(|part| part.what == what && part.of.eq_ignore_ascii_case(of));
        let body = same.next().map_or("", |part| part.body.as_str());
        body.lines().map(|line| line.trim().to_lowercase()).collect::<Vec<_>>()
    };
    let kind = |directories: &[String], name: &str| {
        if directories.contains(&name.to_lowercase()) {
            EntryKind::Directory
        } else {
            EntryKind::File
        }
    };
    for part in parts.iter().filter(|part| part.what == "names") {
        let directories = directories_of("directories", &part.of);
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            kind: kind(&directories, name),
        };
        let answer = match whole(part) {
            Ok(body) => Answer::Found(
                body.lines()
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(entry)
                    .collect(),
            ),
            Err(why) => Answer::Failed(why),
        };
        out.insert(part.of.to_lowercase(), answer);
    }
    for part in parts.iter().filter(|part| part.what == "tree" && part.code == 0) {
        let directories = directories_of("tree-directories", &part.of);
        let mut below: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        below.insert(part.of.to_lowercase(), Vec::new());
        below.extend(directories.iter().map(|directory| (directory.clone(), Vec::new())));
        for path in part.body.lines().map(str::trim).filter(|path| !path.is_empty()) {
            if let Some((parent, name)) = path.rsplit_once('\\') {
                below.entry(parent.to_lowercase()).or_default().push(Entry {
                    name: name.to_owned(),
                    kind: kind(&directories, path),
                });
            }
        }
        out.extend(
            below
                .into_iter()
                .map(|(directory, entries)| (directory, Answer::Found(entries))),
        );
    }
    out
}

#[cfg(test)]
mod tests;
