//! A closure on its way through the threads of the store, with the place its answer goes to.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::StoreError;
use super::tx::{Finished, ReadTx, WriteTx};

/// A queued closure that writes.
pub(super) trait WriteJob: Send {
    /// Runs the closure and writes what it gathered. `None` means that its transaction must not be committed.
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Option<Finished>;
    /// Answers: with what the closure returned, or with the failure of the transaction around it.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// A queued closure that reads.
pub(super) trait ReadJob: Send {
    /// Runs the closure. `false` means that the connection broke and that the closure may run on another.
    fn run(&mut self, tx: &mut ReadTx<'_>) -> bool;
    /// As [`WriteJob::answer`].
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// The one implementation of both.
pub(super) struct Closure<F, T, E> {
    closure: F,
    result: Option<Result<T, E>>,
    pos: Option<i64>,
    reply: Box<dyn FnOnce(Result<T, E>) + Send>,
    // What the closure logs belongs to the request that queued it.
    span: tracing::Span,
}

impl<F, T, E: From<StoreError>> Closure<F, T, E> {
    pub(super) fn new(closure: F, reply: impl FnOnce(Result<T, E>) + Send + 'static) -> Self {
        Self {
            closure,
            result: None,
            pos: None,
            reply: Box::new(reply),
            span: tracing::Span::current(),
        }
    }

    fn finish(self, outcome: Result<(), StoreError>) {
        let result = match (outcome, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(StoreError::Aborted)),
            (Err(error), _) => Err(E::from(error)),
        };
        (self.reply)(result);
    }
}

impl<F, T, E> WriteJob for Closure<F, T, E>
where
    F: Fn(&mut WriteTx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Option<Finished> {
        let _entered = self.span.enter();
        let result = catch_unwind(AssertUnwindSafe(|| (self.closure)(tx)))
            .unwrap_or_else(|panic| Err(E::from(panicked(panic.as_ref()))))
            .and_then(|value| Ok((value, tx.finish()?)));
        match result {
            Ok((value, finished)) => {
                self.result = Some(Ok(value));
                self.pos = finished.pos;
                Some(finished)
            }
            Err(error) => {
                self.result = Some(Err(error));
                None
            }
        }
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        if outcome.is_ok() && matches!(self.result, Some(Ok(_))) {
            self.span.in_scope(|| tracing::debug!(pos = self.pos, "committed"));
        }
        (*self).finish(outcome);
    }
}

impl<F, T, E> ReadJob for Closure<F, T, E>
where
    F: Fn(&mut ReadTx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut ReadTx<'_>) -> bool {
        let _entered = self.span.enter();
        let result = catch_unwind(AssertUnwindSafe(|| (self.closure)(tx)))
            .unwrap_or_else(|panic| Err(E::from(panicked(panic.as_ref()))));
        self.result = Some(result);
        !tx.is_broken()
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        (*self).finish(outcome);
    }
}

fn panicked(panic: &(dyn Any + Send)) -> StoreError {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    StoreError::Panicked { what }
}
