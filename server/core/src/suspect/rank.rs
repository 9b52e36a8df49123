//! The ranking. Of what names somebody the surest comes first:
//!
//! | what is known | sure | named |
//! |---|---|---|
//! | the package lay where one of `proto/deployers.toml` puts its own, or its program installed | recorded | it, and its server where that is known; before others what brought the management agent, which brings the rest |
//! | somebody who was logged in asked apt for it, or a user has the entry in his own registry | recorded | a person, without a name |
//! | the package lay in another share, or in a user's folder | likely | the share; a person |
//! | a management agent of the product is there | likely | its console |
//! | a package manager or macOS's installer was called by nobody that the record names | likely | the call |
//! | the package lay in another folder of the machine | suspected | the folder |
//! | what installs software is on the machine | suspected | it |
//! | nothing | unknown | nobody |

use cutover_proto::{
    deployer::{Deployer, deployer, deployers},
    ids::ProductId,
    placed::{PlacedBy, PlacedRecord, PlacedTrace, plain},
    rule::Pattern,
};

use super::{Sureness, Suspect};
use crate::judge::TargetSeen;

/// The longest key of a suspect, in characters: it is a part of a cause's, which has a limit of its own.
const LONGEST_KEY: usize = 120;

/// What is known besides records, of all targets together.
struct Known<'a> {
    /// Management agents that are there.
    agents: Vec<&'a ProductId>,
    /// The server that one of them names.
    server: Option<&'a str>,
}

/// One that could have done it, and its place in the order.
struct Clue {
    place: u8,
    suspect: Suspect,
}

impl Clue {
    fn new(place: u8, sure: Sureness, key: &str, name: String, why: String, remedy: &str) -> Self {
        Self {
            place,
            suspect: Suspect {
                key: key.to_lowercase().chars().take(LONGEST_KEY).collect(),
                name,
                sure,
                why: vec![why],
                remedy: remedy.to_owned(),
            },
        }
    }

    /// What the table of deployers has, and what it works for where that is known.
    fn deployer(place: u8, sure: Sureness, it: &Deployer, server: Option<&str>, why: String) -> Self {
        let (key, name) = match server {
            Some(server) => (format!("{}/{server}", it.name), format!("{} at {server}", it.title)),
            None => (it.name.clone(), it.title.clone()),
        };
        Self::new(place, sure, &key, name, why, &it.remedy)
    }
}

/// Ranks what looks told of these targets. `agents` are those among them that install what their console tells them.
#[must_use]
pub fn rank(targets: &[TargetSeen], agents: &[ProductId]) -> Suspect {
    let known = Known {
        agents: agents.iter().collect(),
        server: targets.iter().find_map(|target| target.server.as_deref()),
    };
    let mut clues: Vec<Clue> = Vec::new();
    for target in targets {
        let is_agent = agents.contains(&target.product);
        for trace in target.placed.iter().flat_map(|placed| &placed.traces) {
            clues.extend(of_trace(target, trace, is_agent, &known));
        }
    }
    clues.extend(of_agents(&known));
    let there = targets.iter().filter_map(|target| target.placed.as_ref());
    let names = there.flat_map(|placed| &placed.deployers).map(|name| plain(name));
    for name in names.filter(|name| !name.is_empty()) {
        let why = "it is on the machine, and whether it did this is not known".to_owned();
        clues.push(match deployer(&name) {
            Some(it) => Clue::deployer(9, Sureness::Suspected, it, None, why),
            None => {
                let remedy = "see whether it installs the product, and stop that";
                Clue::new(9, Sureness::Suspected, &name, name.clone(), why, remedy)
            }
        });
    }
    // Stable: among equals the first target's record leads.
    clues.sort_by_key(|clue| clue.place);
    named(clues)
}

/// The first of them, with what else there is.
fn named(clues: Vec<Clue>) -> Suspect {
    let mut clues = clues.into_iter().map(|clue| clue.suspect);
    let Some(mut first) = clues.next() else {
        return Suspect {
            key: "unknown".to_owned(),
            name: "unknown".to_owned(),
            sure: Sureness::Unknown,
            why: vec![
                "no record of the installation told anything, and nothing that installs software was seen".to_owned(),
            ],
            remedy:
                "find what installs it (the old console's tasks and rules, a group policy, another deployment tool, an \
                     image) and stop that"
                    .to_owned(),
        };
    };
    let mut said = vec![first.key.clone()];
    for other in clues {
        let is_new = !said.contains(&other.key);
        if is_new {
            first.why.push(match other.sure {
                Sureness::Suspected => format!("also there: {}", other.name),
                Sureness::Recorded | Sureness::Likely | Sureness::Unknown => other.text(),
            });
            said.push(other.key);
        } else if other.key == first.key {
            let news = other.why.into_iter().find(|why| !first.why.contains(why));
            first.why.extend(news);
        }
    }
    first.why.truncate(MOST_WHY);
    first
}

/// More reasons than these are no help to a reader.
const MOST_WHY: usize = 6;

fn of_agents(known: &Known<'_>) -> Option<Clue> {
    let agent = known.agents.first()?;
    let works_for = |it: &&Deployer| it.agents.iter().any(|name| name == agent.as_str());
    let names: Vec<&str> = known.agents.iter().map(|agent| agent.as_str()).collect();
    let why = format!("{} is there and installs what its console tells it", names.join(", "));
    Some(match deployers().iter().find(works_for) {
        Some(it) => Clue::deployer(5, Sureness::Likely, it, known.server, why),
        None => {
            let key = format!("console/{agent}");
            let remedy = "stop what its console has it install, or take the agent away with the product";
            Clue::new(
                5,
                Sureness::Likely,
                &key,
                format!("the console of {agent}"),
                why,
                remedy,
            )
        }
    })
}

fn of_trace(target: &TargetSeen, trace: &PlacedTrace, is_agent: bool, known: &Known<'_>) -> Option<Clue> {
    let what = plain(&trace.what);
    let product = &target.product;
    match trace.record {
        PlacedRecord::UninstallKey if what.is_empty() => (trace.by == Some(PlacedBy::Person))
            .then(|| person(3, Sureness::Recorded, format!("the entry of {product} is a user's own"))),
        PlacedRecord::UninstallKey => Some(of_folder(product, &what, is_agent, known)),
        PlacedRecord::InstallHistory => {
            if what.is_empty() {
                return None;
            }
            let why = format!("macOS wrote down that it installed {product}");
            Some(match deployers().iter().find(|it| fits(&it.processes, &what)) {
                Some(it) => Clue::deployer(first_place(is_agent), Sureness::Recorded, it, None, why),
                None => call(&format!("macos/{what}"), format!("macOS: `{what}`"), why),
            })
        }
        PlacedRecord::AptHistory => Some(called("apt", product, &what, trace.by)),
        PlacedRecord::ZyppHistory => Some(called("zypper", product, &what, trace.by)),
        PlacedRecord::RpmLog => Some(called("dnf or yum", product, &what, trace.by)),
        PlacedRecord::DpkgLog => Some(called("dpkg, without apt", product, &what, trace.by)),
    }
}

const fn first_place(is_agent: bool) -> u8 {
    if is_agent { 1 } else { 2 }
}

/// By the folder in which Windows Installer found the package.
fn of_folder(product: &ProductId, folder: &str, is_agent: bool, known: &Known<'_>) -> Clue {
    let why = format!("{product} was installed from {folder}");
    if let Some(it) = deployers().iter().find(|it| fits(&it.sources, folder)) {
        let server = if it.agents.is_empty() {
            None
        } else {
            known.server.or_else(|| host_of(folder))
        };
        return Clue::deployer(first_place(is_agent), Sureness::Recorded, it, server, why);
    }
    if let Some(share) = share_of(folder) {
        let remedy = "find what installs from that share (a start script, a group policy, another tool) and stop that";
        return Clue::new(
            4,
            Sureness::Likely,
            &format!("share/{share}"),
            format!("the share {share}"),
            why,
            remedy,
        );
    }
    if folder.to_lowercase().contains(r"\users\") {
        return person(4, Sureness::Likely, why);
    }
    let remedy = "find what brings the package there and installs it, and stop that";
    Clue::new(
        8,
        Sureness::Suspected,
        &format!("folder/{folder}"),
        format!("a package in {folder}"),
        why,
        remedy,
    )
}

fn person(place: u8, sure: Sureness, why: String) -> Clue {
    let remedy = "ask who works at the machine, and take the right to install away where it is not needed";
    Clue::new(place, sure, "person", "somebody at the machine".to_owned(), why, remedy)
}

fn called(tool: &str, product: &ProductId, what: &str, by: Option<PlacedBy>) -> Clue {
    let name = if what.is_empty() {
        tool.to_owned()
    } else {
        format!("{tool}: `{what}`")
    };
    match by {
        Some(PlacedBy::Person) => {
            let remedy = "ask who administers the machine, and stop the script or the habit that installs it";
            let why = format!("somebody who was logged in asked for {product}");
            Clue::new(
                3,
                Sureness::Recorded,
                &format!("{tool}/person"),
                format!("{name} by a person"),
                why,
                remedy,
            )
        }
        Some(PlacedBy::System) => {
            let why = format!("{product} was installed by a script, a service, or a person as root");
            call(&format!("{tool}/{what}"), name, why)
        }
        None => call(
            &format!("{tool}/{what}"),
            name,
            format!("{product} was installed so; who called it is not recorded"),
        ),
    }
}

fn call(key: &str, name: String, why: String) -> Clue {
    let remedy = "find the script, the service or the person that calls it, and stop that";
    Clue::new(6, Sureness::Likely, key, name, why, remedy)
}

fn fits(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

/// `\\host\share` of a path in a network.
fn share_of(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix(r"\\")?.split('\\');
    match (parts.next(), parts.next()) {
        (Some(host), Some(share)) if !host.is_empty() && !share.is_empty() => Some(format!(r"\\{host}\{share}")),
        _ => None,
    }
}

fn host_of(path: &str) -> Option<&str> {
    path.strip_prefix(r"\\")?
        .split('\\')
        .next()
        .filter(|host| !host.is_empty())
}
