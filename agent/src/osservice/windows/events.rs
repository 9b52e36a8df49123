//! The Application log of Windows: warnings, errors and the events of the agent's life, for whoever looks there or
//! collects it. Everything else goes where other logs go.
#![expect(
    unsafe_code,
    reason = "windows-sys has these calls and no safe crate does; each says what makes it sound"
)]

use std::{
    ffi::OsStr,
    fmt::{self, Write as _},
    io, ptr,
    sync::Mutex,
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};
use windows_sys::Win32::{
    Foundation::HANDLE,
    System::EventLog::{
        DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
        RegisterEventSourceW, ReportEventW,
    },
};

use super::control::SERVICE;
use crate::{disk::owner::wide, osservice::LIFE};

/// Windows takes no more of one text.
const LONGEST: usize = 30_000;

/// Writes to the Application log, under the source that the installer registers.
///
/// The text of each event is its only insertion: the source's message file is the system's own `EventCreate.exe`, whose
/// messages 1 to 1000 are just that.
#[derive(Debug)]
pub struct EventLog {
    source: HANDLE,
    last: Mutex<String>,
}

// SAFETY: the handle of an event source may be used from every thread.
unsafe impl Send for EventLog {}
// SAFETY: as above; `ReportEventW` changes nothing behind it.
unsafe impl Sync for EventLog {}

/// What kind of event it is: its number, by which it can be filtered, and its type.
type Kind = (u32, u16);
const OF_LIFE: Kind = (1, EVENTLOG_INFORMATION_TYPE);
const WARNING: Kind = (2, EVENTLOG_WARNING_TYPE);
const ERROR: Kind = (3, EVENTLOG_ERROR_TYPE);

impl EventLog {
    /// Opens it. A source that nobody registered works too: its events then say that their description is missing.
    ///
    /// # Errors
    /// When the event log's service does not answer.
    pub fn open() -> io::Result<Self> {
        let name = wide(OsStr::new(SERVICE));
        // SAFETY: the name ends with a zero; null is this machine.
        let source = unsafe { RegisterEventSourceW(ptr::null(), name.as_ptr()) };
        if source.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            source,
            last: Mutex::default(),
        })
    }

    fn write(&self, (number, kind): Kind, text: &str) {
        // What repeats itself, as a server that is not reached does, is told once.
        if let Ok(mut last) = self.last.lock() {
            if *last == text {
                return;
            }
            text.clone_into(&mut last);
        }
        let end = (0..=LONGEST.min(text.len()))
            .rev()
            .find(|end| text.is_char_boundary(*end));
        let text = wide(OsStr::new(text.get(..end.unwrap_or(0)).unwrap_or_default()));
        let strings = [text.as_ptr()];
        // SAFETY: the source is open, and the one text ends with a zero and outlives the call. There is nobody to tell
        // when the log itself fails.
        unsafe {
            ReportEventW(
                self.source,
                kind,
                0,
                number,
                ptr::null_mut(),
                1,
                0,
                strings.as_ptr(),
                ptr::null(),
            );
        }
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        // SAFETY: it is open, and only this closes it.
        unsafe { DeregisterEventSource(self.source) };
    }
}

/// Writes an error before there is a log: what is wrong may be why there is none.
pub fn tell_error(text: &str) {
    // Without the event log's service there is nobody to tell.
    if let Ok(log) = EventLog::open() {
        log.write(ERROR, text);
    }
}

fn kind_of(level: Level, target: &str) -> Option<Kind> {
    match level {
        Level::ERROR => Some(ERROR),
        Level::WARN => Some(WARNING),
        Level::INFO if target == LIFE => Some(OF_LIFE),
        _ => None,
    }
}

impl<S: Subscriber> Layer<S> for EventLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if let Some(kind) = kind_of(*metadata.level(), metadata.target()) {
            let mut said = Said::default();
            event.record(&mut said);
            self.write(kind, &(said.message + &said.fields));
        }
    }
}

/// The message, then its fields.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn warnings_errors_and_events_of_life_are_written_and_nothing_else() {
        assert_eq!(kind_of(Level::ERROR, "any"), Some(ERROR));
        assert_eq!(kind_of(Level::WARN, "any"), Some(WARNING));
        assert_eq!(kind_of(Level::INFO, LIFE), Some(OF_LIFE));
        assert_eq!(kind_of(Level::INFO, "any"), None);
        assert_eq!(kind_of(Level::DEBUG, LIFE), None);
    }

    #[test]
    fn an_event_says_its_message_and_its_fields() {
        let log = EventLog::open().unwrap();
        let logged = tracing_subscriber::registry().with(log);
        tracing::subscriber::with_default(logged, || tracing::warn!(path = "C:\\x", number = 7, "ä is missing"));
        let log = EventLog::open().unwrap();
        log.write(WARNING, &"\u{e4}".repeat(LONGEST));
    }
}
