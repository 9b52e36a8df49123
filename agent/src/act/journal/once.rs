//! Which steps that must not run twice were begun, once more beside the journal.
//!
//! A journal that lost its end looks like one whose last lines were never written, and then a step that had begun would
//! begin again. For most steps that does no harm: they are safe to repeat, or a look shows how far they came. For the few
//! that must not run twice this file has to be lost too before one does.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::medium::{FileMedium, Medium};

pub(super) const NAME: &str = "begun-once";
/// An order has few steps of the kind; a file that is longer was not written here.
const MAX_BYTES: u64 = 64 * 1024;

/// The directory of the file. Its lines are `ORDER STEP`.
pub(super) struct Once(PathBuf);

/// What it says of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// These of its steps were begun; none where it speaks of other orders or is not there.
    Steps(Vec<u32>),
    /// It cannot be read.
    Damaged,
}

impl Once {
    pub(super) fn in_directory(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    fn file(&self) -> FileMedium {
        FileMedium::new(&self.0, NAME)
    }

    /// Notes that a step is about to begin. On return it is durable.
    pub(super) fn note(&self, order: u64, step: u32) -> io::Result<()> {
        let mut steps = match self.of(order)? {
            Said::Steps(steps) => steps,
            // What it said is settled by now: a step of this order begins.
            Said::Damaged => Vec::new(),
        };
        steps.push(step);
        let lines: String = steps.iter().map(|step| format!("{order} {step}\n")).collect();
        self.file().replace(lines.as_bytes())
    }

    /// Whether a step was begun. A file that cannot be read says yes to everything: unknown is not absent.
    pub(super) fn has(&self, order: u64, step: u32) -> bool {
        match self.of(order) {
            Ok(Said::Steps(steps)) => steps.contains(&step),
            Ok(Said::Damaged) => {
                tracing::error!(order, step, "{NAME} cannot be read; the step is taken for begun");
                true
            }
            Err(error) => {
                tracing::error!(%error, order, step, "{NAME} cannot be read; the step is taken for begun");
                true
            }
        }
    }

    /// A new order is taken on: what is damaged says nothing of it. Lines about the very order stay, since then it is the
    /// journal that forgot.
    pub(super) fn begin(&self, order: u64) -> io::Result<()> {
        match self.of(order)? {
            Said::Steps(_) => Ok(()),
            Said::Damaged => self.file().replace(b""),
        }
    }

    fn of(&self, order: u64) -> io::Result<Said> {
        let Some(bytes) = self.file().read(MAX_BYTES)? else {
            return Ok(Said::Steps(Vec::new()));
        };
        let parsed = || {
            if u64::try_from(bytes.len()).ok()? > MAX_BYTES {
                return None;
            }
            let text = std::str::from_utf8(&bytes).ok()?;
            if !text.is_empty() && !text.ends_with('\n') {
                return None;
            }
            let pair = |line: &str| {
                let (order, step) = line.split_once(' ')?;
                Some((order.parse().ok()?, step.parse().ok()?))
            };
            text.lines().map(pair).collect::<Option<Vec<(u64, u32)>>>()
        };
        let Some(lines) = parsed() else {
            return Ok(Said::Damaged);
        };
        let steps = lines.into_iter().filter(|(of, _)| *of == order).map(|(_, step)| step);
        Ok(Said::Steps(steps.collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_step_is_noted_for_its_order_alone_and_outlives_the_agent() {
        let directory = tempfile::tempdir().unwrap();
        let once = || Once::in_directory(directory.path());
        assert!(!once().has(1, 5));
        once().note(1, 5).unwrap();
        once().note(1, 7).unwrap();
        assert!(once().has(1, 5) && once().has(1, 7) && !once().has(1, 6) && !once().has(2, 5));
        once().begin(1).unwrap();
        assert!(once().has(1, 5), "the journal forgot the order, this did not");
        let same = once();
        same.begin(1).unwrap();
        assert!(same.has(1, 5) && same.has(1, 5), "asked again, it answers the same");
        once().note(2, 5).unwrap();
        assert!(once().has(2, 5) && !once().has(1, 5), "it stays short");
    }

    #[test]
    fn a_damaged_file_says_yes_until_a_new_order_begins() {
        let directory = tempfile::tempdir().unwrap();
        let once = Once::in_directory(directory.path());
        for damaged in [&b"1"[..], b"1 5", b"1 5\nx", b"\xff\n", b"1 5\n\n", &[b'1'; 70_000]] {
            fs::write(directory.path().join(NAME), damaged).unwrap();
            assert!(Once::in_directory(directory.path()).has(1, 9), "{damaged:?}");
            once.begin(2).unwrap();
            assert!(!Once::in_directory(directory.path()).has(2, 9));
        }
    }
}
