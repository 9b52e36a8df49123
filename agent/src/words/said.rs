//! What can be said, and how it is told.

use super::{Language, de, en, es, fr, ja};

/// Each thing that can be said, with the texts that belong into it. Tests get one of each.
macro_rules! said {
    ($($(#[$meta:meta])* $name:ident $({ $($place:ident),+ })?,)+) => {
        /// Something that people at a machine are told. Instants come in as they are spoken (`parse::instant::spoken`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names say what belongs into each place")]
        pub enum Said<'a> { $($(#[$meta])* $name $({ $($place: &'a str),+ })?,)+ }

        /// One of each, every place filled with its own name.
        #[cfg(test)]
        pub(super) fn each() -> Vec<(Said<'static>, Vec<&'static str>)> {
            vec![$((
                Said::$name $({ $($place: concat!("<", stringify!($place), ">")),+ })?,
                vec![$($(concat!("<", stringify!($place), ">")),+)?],
            )),+]
        }
    };
}

said! {
    /// To all: a restart comes.
    RestartComes { when, reason },
    /// How to put it off.
    HowToPutRestartOff { latest },
    /// To all: it does not come after all.
    RestartCalledOff,
    /// To all: work begins, not before then.
    WorkComes { when },
    /// To all: work begins.
    WorkBegins,
    /// Whom to ask, and what to name.
    WhomToAsk { contact, code },
    /// That a restart would be announced.
    RestartWouldBeTold,
    /// How to put the start off.
    HowToPutStartOff { longest },
    /// To all: a deferral that was acknowledged does not hold.
    StartComesAnyhow { until },
    /// To who asked from here on: it was nothing that is known.
    NotUnderstood,
    /// Neither a restart nor work.
    NothingDue,
    /// A restart whose time was not told yet.
    RestartDue { reason, latest },
    /// One whose time was told.
    RestartDueAt { when, reason, latest },
    /// One that was put off.
    RestartDuePutOff { when, reason, latest },
    /// It is put off.
    RestartIsPutOff { until, latest },
    /// It is put off, for the last time.
    StartIsPutOffLast { until },
    /// It is put off, and may be again.
    StartIsPutOff { until, left },
    /// What work comes; `may` says whether it can be put off.
    WorkAhead { when, from, why, contact, code, may },
    /// What work comes, where it was put off.
    WorkAheadPutOff { when, from, why, contact, code, may },
    /// It can be.
    StartMayBePutOff { left, longest },
    /// Not again.
    StartUsedUp,
    /// Not at all; why, in the server's words.
    StartHolds { why },
    /// The order allows no deferral.
    RestartHolds,
    /// It was asked for already.
    RestartIsAtWork,
    /// Further than is allowed.
    TooLong { latest },
    /// It comes later anyhow.
    RestartComesLater { comes, latest },
    /// The deferral is not on disk.
    NotKept { why },
    /// The work has begun.
    WorkHasBegun,
    /// The server has not heard of the deferral before.
    DeferralBeforeIsPending,
    /// Who asks is not at the machine.
    OnlyWhoIsHere,
    /// Whether they are cannot be told.
    WhoIsHereUnknown { why },
}

impl Said<'_> {
    /// In a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => en::text(self),
            Language::German => de::text(self),
            Language::French => fr::text(self),
            Language::Spanish => es::text(self),
            Language::Japanese => ja::text(self),
        }
    }
}

/// What goes to all sessions alike: in the machine's language, and then in English. Several people may sit there, and a
/// console without letters for a language shows boxes.
pub fn to_all(language: Language, text: impl Fn(Language) -> String) -> String {
    let english = text(Language::English);
    match language {
        Language::English => english,
        Language::German | Language::French | Language::Spanish | Language::Japanese => {
            format!("{}\n\n{english}", text(language))
        }
    }
}
