//! Keeps what a host answers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cutover_proto::inventory::OsFamily;

use super::{
    Fixture, HostPath, HostView, Links,
    fixture::{Content, Said},
    redact::Redaction,
};
use crate::facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput};

/// Wraps any view. Whoever looks gets the true answers; what is kept has no user's names and no home directories, no
/// host's name and no machine id.
#[derive(Debug)]
pub struct Recorder<V> {
    view: V,
    kept: Mutex<(Fixture, Redaction)>,
}

impl<V: HostView> Recorder<V> {
    /// Begins a recording; `about` says where it comes from.
    pub fn new(view: V, about: &str) -> Self {
        let fixture = Fixture::unasked(view.os_family(), about);
        Self {
            view,
            kept: Mutex::new((fixture, Redaction::default())),
        }
    }

    /// The recording so far.
    pub fn fixture(&self) -> Fixture {
        self.lock().0.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (Fixture, Redaction)> {
        // What another thread kept before it panicked is still true.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Redacts the words of an answer that was none, and its value by `change`.
fn kept<T: Clone, U>(
    answer: &Answer<T>,
    redaction: &mut Redaction,
    change: impl FnOnce(T, &mut Redaction) -> U,
) -> Answer<U> {
    match answer {
        Answer::Found(value) => Answer::Found(change(value.clone(), redaction)),
        Answer::Absent => Answer::Absent,
        Answer::Unsupported => Answer::Unsupported,
        Answer::Denied(why) => Answer::Denied(redaction.text(why)),
        Answer::Failed(why) => Answer::Failed(redaction.text(why)),
    }
}

fn redacted(process: Process, redaction: &mut Redaction) -> Process {
    Process {
        exe: process.exe.map(|exe| redaction.text(&exe)),
        ..process
    }
}

impl<V: HostView> HostView for Recorder<V> {
    fn os_family(&self) -> OsFamily {
        self.view.os_family()
    }

    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        let answer = self.view.read(file, max);
        let (fixture, redaction) = &mut *self.lock();
        let content = kept(&answer, redaction, |bytes, redaction| {
            Content::of(&redaction.file(file.as_str(), bytes))
        });
        fixture.files.insert(redaction.text(file.as_str()), content);
        answer
    }

    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        let answer = self.view.list(dir);
        let (fixture, redaction) = &mut *self.lock();
        let names = kept(&answer, redaction, |names, _| names);
        fixture.lists.insert(redaction.text(dir.as_str()), names);
        answer
    }

    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        let answer = self.view.stat(path, links);
        let (fixture, redaction) = &mut *self.lock();
        let stat = kept(&answer, redaction, |stat, _| stat);
        let stats = match links {
            Links::Followed => &mut fixture.stats,
            Links::AsTheyAre => &mut fixture.link_stats,
        };
        stats.insert(redaction.text(path.as_str()), stat);
        answer
    }

    fn link(&self, path: &HostPath) -> Answer<String> {
        let answer = self.view.link(path);
        let (fixture, redaction) = &mut *self.lock();
        let target = kept(&answer, redaction, |target, redaction| redaction.text(&target));
        fixture.links.insert(redaction.text(path.as_str()), target);
        answer
    }

    fn processes(&self) -> Answer<Vec<Process>> {
        let answer = self.view.processes();
        let (fixture, redaction) = &mut *self.lock();
        fixture.processes = Some(kept(&answer, redaction, |processes, redaction| {
            processes
                .into_iter()
                .map(|process| redacted(process, redaction))
                .collect()
        }));
        answer
    }

    fn listeners(&self) -> Answer<Vec<Listener>> {
        let answer = self.view.listeners();
        let (fixture, redaction) = &mut *self.lock();
        fixture.listeners = Some(kept(&answer, redaction, |listeners, redaction| {
            let listener = |it: Listener| Listener {
                process: redacted(it.process, redaction),
                groups: it.groups,
            };
            listeners.into_iter().map(listener).collect()
        }));
        answer
    }

    fn group(&self, name: &str) -> Answer<u32> {
        let answer = self.view.group(name);
        let (fixture, redaction) = &mut *self.lock();
        let number = kept(&answer, redaction, |number, _| number);
        fixture.groups.insert(name.to_owned(), number);
        answer
    }

    fn mounts(&self) -> Answer<Vec<u8>> {
        let answer = self.view.mounts();
        let (fixture, redaction) = &mut *self.lock();
        fixture.mounts = Some(kept(&answer, redaction, |bytes, redaction| {
            Content::of(&redaction.bytes(&bytes))
        }));
        answer
    }

    fn kernel(&self) -> Answer<Kernel> {
        let answer = self.view.kernel();
        let (fixture, redaction) = &mut *self.lock();
        fixture.kernel = Some(kept(&answer, redaction, |kernel, _| Kernel {
            hostname: super::redact::HOSTNAME.into(),
            ..kernel
        }));
        answer
    }

    fn boot_id(&self) -> Answer<String> {
        let answer = self.view.boot_id();
        let (fixture, redaction) = &mut *self.lock();
        fixture.boot_id = Some(kept(&answer, redaction, |id, _| id));
        answer
    }

    fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        let answer = self.view.free_disk(path);
        let (fixture, redaction) = &mut *self.lock();
        let free = kept(&answer, redaction, |free, _| free);
        fixture.free_disk.insert(redaction.text(path.as_str()), free);
        answer
    }

    fn tool(&self, tool: Tool) -> Answer<ToolOutput> {
        let answer = self.view.tool(tool);
        let (fixture, redaction) = &mut *self.lock();
        let said = kept(&answer, redaction, |output, redaction| {
            Said::of(&redaction.tool(tool, &output))
        });
        fixture.tools.insert(tool.as_str().to_owned(), said);
        answer
    }

    fn ask(&self, question: &Question) -> Answer<Reply> {
        let answer = self.view.ask(question);
        let (fixture, redaction) = &mut *self.lock();
        let reply = kept(&answer, redaction, |reply, redaction| redaction.reply(reply));
        fixture.replies.insert(redaction.text(&question.to_string()), reply);
        answer
    }
}
