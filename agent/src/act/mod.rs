//! Carries out signed work orders: checked before the first step, journalled before and after each, judged by a look.
//!
//! ```text
//! signed order -> checks -> journal: taken on -> for each step: look, journal: begun, hands, look, journal: done
//! ```
//!
//! **Invariant:** an exit code never decides success; the look after it does. **Invariant:** what is not on disk in the
//! journal has not happened. **Invariant:** a step that must not run twice is never begun twice.

mod artifacts;
mod attribution;
mod cause;
mod clock;
mod control;
mod executor;
mod identity;
mod journal;
mod language;
mod looker;
mod safe_points;
mod scrub;

pub use artifacts::{ArtifactCache, Artifacts, FetchError, Partial};
#[cfg(feature = "link")]
pub(crate) use artifacts::{artifacts_of, hashed};
pub use clock::Clock;
pub use control::Control;
pub use executor::{DeferRefused, Deferral, End, ExecuteError, Executor, Parts, RestartState, defer, restart_state};
pub use identity::{Identity, known_steps};
pub use journal::{Journal, JournalError, JournalState, SharedJournal, examine as examine_journal};
pub use language::language;
pub use looker::{HostLooker, Looker, session_seconds, somebody, zone};
