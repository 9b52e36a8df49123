//! Orders: one at a time, each on a thread of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use cutover_proto::v1;

use super::{
    fetching::OrderArtifacts,
    life::{Input, Life},
};
use crate::{
    act::{self, DeferRefused, Deferral, End, ExecuteError, Executor, JournalState},
    host::HostView,
    session::Ticks,
};

/// An order that could not be run on, for example because the disk was full, is taken up again after so long.
const RESUME_AFTER: Duration = Duration::from_secs(60);

/// What an order thread does.
pub(super) enum OrderJob {
    /// A new order.
    Run(v1::Envelope),
    /// The one that the journal holds open.
    Resume,
    /// Begins a new journal in place of one that cannot be trusted.
    Settle,
}

/// How an order thread ended.
pub(super) enum OrderEnd {
    /// By an end of the order.
    Order(End),
    /// There was nothing to resume, or the journal is settled.
    Nothing,
    /// Neither; the journal knows whether an order is still open.
    Stuck(String),
}

impl Life {
    pub(super) fn resume_order(&mut self) {
        self.start_order(OrderJob::Resume);
    }

    pub(super) fn start_order(&mut self, job: OrderJob) {
        if self.order_at_work {
            // The session hands on one order at a time, so this is one that came while a journal is being settled.
            tracing::warn!("an order thread is at work; the server sends the order again");
            return;
        }
        let hands = match (*self.hands)() {
            Ok(hands) => hands,
            Err(why) => {
                let send = self.sender();
                send(Input::OrderEnded(OrderEnd::Stuck(format!(
                    "this host has no hands: {why}"
                ))));
                return;
            }
        };
        let (seen, recorded, ended) = (self.sender(), self.sender(), self.sender());
        let looker = self.looker(Box::new(move |inventory| {
            seen(Input::Seen(Box::new(inventory.clone())))
        }));
        let mut executor = Executor::new(act::Parts {
            hands,
            artifacts: Box::new(OrderArtifacts {
                fetching: self.fetching.clone(),
                runtime: tokio::runtime::Handle::current(),
            }),
            looker: Box::new(looker),
            clock: self.clock.clone(),
            journal: self.journal.clone(),
            control: self.control.clone(),
            identity: Arc::new(self.acting_identity()),
            rules: self.rules.clone(),
            on_record: Box::new(move || recorded(Input::Recorded)),
        });
        // The executor names order and attempt itself, as soon as it has read which they are.
        let span = tracing::Span::current();
        self.order_at_work = true;
        let work = move || {
            let _entered = span.enter();
            let end = catch_unwind(AssertUnwindSafe(|| carry_out(&mut executor, &job)));
            let end = end.unwrap_or_else(|_| OrderEnd::Stuck("the executor met a fault of the program".to_owned()));
            ended(Input::OrderEnded(end));
        };
        // Not a task of the runtime: the end of the agent must not wait for an installer.
        if let Err(error) = std::thread::Builder::new().name("order".to_owned()).spawn(work) {
            let send = self.sender();
            send(Input::OrderEnded(OrderEnd::Stuck(format!(
                "no thread can be started: {error}"
            ))));
        }
    }

    /// Forced to disk under the loop, as it is acknowledged: one line, once in a while.
    pub(super) fn defer(&mut self, length: Duration, now: Ticks) -> Result<Deferral, DeferRefused> {
        let boot_id = self.view.boot_id().found().unwrap_or_default();
        let now_ms = self.session.trusted().now_ms(now);
        let identity = self.acting_identity();
        let deferral = act::defer(&self.journal, &identity, now_ms, &boot_id, length)?;
        self.session.handle_records(now);
        Ok(deferral)
    }

    pub(super) fn order_ended(&mut self, end: OrderEnd, now: Ticks) {
        self.order_at_work = false;
        match &end {
            OrderEnd::Order(end) => tracing::info!(?end, "order ended"),
            OrderEnd::Nothing => {}
            OrderEnd::Stuck(why) => tracing::error!(why, "order not carried on"),
        }
        let (open, sound) = {
            let journal = self.journal();
            (journal.is_open(), journal.state() == JournalState::Sound)
        };
        match (open, sound) {
            (false, _) => self.session.handle_order_ended(now),
            (true, true) => self.resume_at = Some(now.after(RESUME_AFTER)),
            // Ends when the journal is settled.
            (true, false) => {}
        }
    }
}

fn carry_out(executor: &mut Executor, job: &OrderJob) -> OrderEnd {
    let result: Result<OrderEnd, ExecuteError> = match job {
        OrderJob::Run(envelope) => executor.run(envelope).map(OrderEnd::Order),
        OrderJob::Resume => executor
            .resume()
            .map(|end| end.map_or(OrderEnd::Nothing, OrderEnd::Order)),
        OrderJob::Settle => executor.settle().map(|()| OrderEnd::Nothing),
    };
    result.unwrap_or_else(|error| OrderEnd::Stuck(error.to_string()))
}
