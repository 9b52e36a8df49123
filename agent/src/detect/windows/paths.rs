//! Files and folders below the known ones.

use cutover_proto::{
    rule::{PathPart, Pattern, WindowsPath},
    verdict::Showing,
};

use super::{WindowsGround, any};
use crate::{
    detect::{ends::seen, trail::End},
    facts::Answer,
    host::{HostPath, Links},
};

/// More folders of one pattern are not gone into.
const MAX_BRANCHES: usize = 64;

/// Where a path of a rule leads.
#[derive(Default)]
struct Led {
    /// What is there.
    found: Vec<HostPath>,
    /// What could not be looked at.
    trouble: Vec<String>,
}

impl WindowsGround<'_> {
    pub(super) fn paths(&self, paths: &[WindowsPath], shows: Showing) -> Vec<End> {
        self.each(paths, |path| Some(seen(shows, shown(path))))
    }

    pub(super) fn files(&self, paths: &[WindowsPath], signers: &[Pattern], shows: Showing) -> Vec<End> {
        self.each(paths, |path| {
            let file = shown(path);
            let identity = match self.identity(&file) {
                Answer::Found(identity) => identity,
                Answer::Absent | Answer::Unsupported => return None,
                Answer::Denied(why) | Answer::Failed(why) => return Some(End::NotChecked(why)),
            };
            match identity.signer {
                _ if signers.is_empty() => {}
                Answer::Found(signer) if any(signers, &signer) => {}
                Answer::Found(_) | Answer::Absent | Answer::Unsupported => return None,
                Answer::Denied(why) | Answer::Failed(why) => return Some(End::NotChecked(why)),
            }
            let version = identity.version.found();
            let told = version
                .as_deref()
                .map_or(String::new(), |version| format!(" {version}"));
            Some(End::Seen {
                shows,
                detail: format!("{file}{told}"),
                version,
            })
        })
    }

    /// Whether something certainly lies there.
    pub(crate) fn is_there(&self, path: &WindowsPath) -> bool {
        !self.led(path).found.is_empty()
    }

    fn each(&self, paths: &[WindowsPath], end: impl Fn(&HostPath) -> Option<End>) -> Vec<End> {
        let mut ends: Vec<End> = Vec::new();
        for path in paths {
            let led = self.led(path);
            let trouble = led.trouble.into_iter().map(End::NotChecked);
            for end in led.found.iter().filter_map(&end).chain(trouble) {
                if !ends.contains(&end) {
                    ends.push(end);
                }
            }
        }
        ends
    }

    fn led(&self, path: &WindowsPath) -> Led {
        let mut led = Led::default();
        match self.folder(path.folder) {
            Answer::Found(folder) => led.found.push(HostPath::windows(&folder)),
            Answer::Absent | Answer::Unsupported => return led,
            Answer::Denied(why) | Answer::Failed(why) => {
                led.trouble.push(why);
                return led;
            }
        }
        for part in &path.parts {
            let from = std::mem::take(&mut led.found);
            for dir in from {
                match part {
                    PathPart::Name(name) => self.step(&mut led, dir.join(name)),
                    PathPart::Like(pattern) => self.steps(&mut led, &dir, |name| pattern.matches(name)),
                    PathPart::Any => self.steps(&mut led, &dir, |_| true),
                }
            }
        }
        led
    }

    fn step(&self, led: &mut Led, path: HostPath) {
        match self.view.stat(&path, Links::Followed) {
            Answer::Found(_) => led.found.push(path),
            Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(why) | Answer::Failed(why) => led.trouble.push(why),
        }
    }

    fn steps(&self, led: &mut Led, dir: &HostPath, is_meant: impl Fn(&str) -> bool) {
        match self.view.list(dir) {
            Answer::Found(names) => {
                let meant = names.iter().filter(|entry| is_meant(&entry.name));
                let meant: Vec<HostPath> = meant.map(|entry| dir.join(&entry.name)).collect();
                if led.found.len() + meant.len() > MAX_BRANCHES {
                    led.trouble
                        .push(format!("{} has more than {MAX_BRANCHES} such folders", shown(dir)));
                }
                let room = MAX_BRANCHES.saturating_sub(led.found.len());
                led.found.extend(meant.into_iter().take(room));
            }
            // A file has nothing below it.
            Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(why) | Answer::Failed(why) => led.trouble.push(why),
        }
    }
}

/// As Windows spells it.
pub(super) fn shown(path: &HostPath) -> String {
    path.parts().collect::<Vec<_>>().join("\\")
}
