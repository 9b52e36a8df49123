//! One pass over what the service does by itself: one look at what is due, then only the steps that have something to do.

use cutover_core::rollout::RunState;

use super::{Service, ServiceError};
use crate::store::{Reader, assets, plans};

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Recipes that are as any other now.
    pub soaked: usize,
    /// Whether a pass over many plans went on by a batch.
    pub went_on: bool,
    /// Plans that were due.
    pub woken: usize,
    /// Attestations of assets that ended.
    pub ended: usize,
    /// Queued plans that were put off or came forward.
    pub moved: usize,
    /// Waves that were halted, opened or brought a step further by what their hosts came to.
    pub judged: usize,
    /// Duties to report that were called for, or are overdue.
    pub duties: usize,
    /// Dates of the campaign that passed.
    pub dates: usize,
    /// Hosts that were started.
    pub started: usize,
}

impl Passed {
    fn changed_something(&self) -> bool {
        *self != Self::default()
    }
}

/// The steps that have something to do, by one state of the store.
#[derive(Debug, Clone, Copy)]
struct Due {
    soaks: bool,
    goes_on: bool,
    wakes: bool,
    ends: bool,
    moves: bool,
    judges: bool,
    duties: bool,
    dates: bool,
    starts: bool,
}

impl Service {
    /// Does what is due, in this order: tends recipes, goes on with what was begun, wakes plans, ends attestations, tends queues,
    /// judges waves, tends duties, keeps dates that passed, starts hosts. Most passes find nothing, so all of it is looked for in one
    /// reading; after a step that changed something those that follow look for themselves. What others commit meanwhile is found by
    /// the next pass.
    ///
    /// # Errors
    /// When the store fails, or what is stored cannot be read; what was done before stays done.
    pub async fn pass(&self) -> Result<Passed, ServiceError> {
        let service = self.clone();
        let due = self.0.store.read(move |tx| service.due_steps(tx)).await?;
        let mut passed = Passed::default();
        if due.soaks {
            passed.soaked = self.tend_recipes().await?;
        }
        if due.goes_on || passed.changed_something() {
            passed.went_on = self.go_on().await?;
        }
        if due.wakes || passed.changed_something() {
            passed.woken = self.wake_due().await?;
        }
        if due.ends || passed.changed_something() {
            passed.ended = self.end_attestations().await?;
        }
        if due.moves || passed.changed_something() {
            passed.moved = self.tend_queues().await?;
        }
        if due.judges || passed.changed_something() {
            passed.judged = self.judge_waves().await?;
        }
        if due.duties || passed.changed_something() {
            passed.duties = self.tend_duties().await?;
        }
        if due.dates || passed.changed_something() {
            passed.dates = self.tend_dates().await?;
        }
        if due.starts || passed.changed_something() {
            passed.started = self.start_hosts().await?;
        }
        Ok(passed)
    }

    fn due_steps(&self, db: &mut impl Reader) -> Result<Due, ServiceError> {
        let (in_force, now_ms) = (self.in_force(db)?, self.now_ms());
        let is_open = in_force.run != RunState::Closed;
        Ok(Due {
            soaks: !self.soaked(db, &in_force)?.is_empty(),
            goes_on: !in_force.progress.passes.is_empty(),
            wakes: is_open && !plans::due(db, now_ms, 1)?.is_empty(),
            ends: is_open && !assets::due(db, now_ms, 1)?.is_empty(),
            moves: or_unreadable(self.queue_work(db, &in_force).map(|work| !work.is_empty()))?,
            judges: or_unreadable(self.waves_turn(db, &in_force))?,
            duties: or_unreadable(self.turned(db, &in_force).map(|turned| !turned.is_empty()))?,
            dates: is_open && self.dates_are_due(&in_force),
            starts: or_unreadable(self.chosen(db, &in_force).map(|hosts| !hosts.is_empty()))?,
        })
    }
}

/// A step that stumbles over what it reads is taken, and says so in its place: it holds up none of those before it.
fn or_unreadable(due: Result<bool, ServiceError>) -> Result<bool, ServiceError> {
    match due {
        Err(error @ ServiceError::Store(_)) => Err(error),
        Err(_) => Ok(true),
        Ok(due) => Ok(due),
    }
}
