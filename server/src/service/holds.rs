//! Holds: nothing starts on a host while one is set on it.

use cutover_core::{
    decide::Input,
    plan::{Hold, HoldKind, Plan},
};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::Role,
    named::{Change, future_ms, said},
};

/// The kinds of holds that people set. The third is set where one identity is on several machines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum HoldKindAsked {
    /// Whoever runs the campaign wants nothing to start for now.
    #[default]
    Operator,
    /// Nothing may be changed on the machine.
    Legal,
}

impl From<HoldKindAsked> for HoldKind {
    fn from(asked: HoldKindAsked) -> Self {
        match asked {
            HoldKindAsked::Operator => Self::Operator,
            HoldKindAsked::Legal => Self::Legal,
        }
    }
}

/// A hold that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldHost {
    /// Which.
    #[serde(default)]
    pub kind: HoldKindAsked,
    /// Why.
    pub why: String,
    /// Its end: an instant with its offset or zone. A legal one may have none.
    #[serde(default)]
    pub until: Option<String>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// The end of a hold before its time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReleaseHost {
    /// Which; may be left out where a person set only one.
    pub kind: Option<HoldKindAsked>,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Service {
    /// Sets a hold; one of the same kind that was there gives way to it. Says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, the caller may not, no reason is given, or its end is missing or past.
    pub async fn hold_host(&self, caller: Caller, wanted: String, ask: HoldHost) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        said("why", &ask.why, "the reason for which nothing may start there")?;
        let until_ms = match (&ask.until, ask.kind) {
            (Some(until), _) => Some(future_ms("until", until, self.now_ms())?),
            (None, HoldKindAsked::Legal) => None,
            (None, HoldKindAsked::Operator) => {
                let why = "`until` is missing: an operator's hold ends by itself; write an instant, such as \
                           2027-01-31T00:00:00Z. Only one of kind legal may stay until it is lifted";
                return Err(ServiceError::Invalid { why: why.to_owned() });
            }
        };
        let (who, why) = (self.personal_user(caller.name())?, self.personal_note(&ask.why)?);
        let placed = Input::HoldPlaced(Hold {
            kind: ask.kind.into(),
            who: who.mention(),
            why: why.mention(),
            until_ms,
        });
        let change = Change {
            input: Box::new(move |_| Ok(placed.clone())),
            personal: vec![who, why],
            words: ("would hold", "holds"),
            audit: "host-held",
            audited: self.personal_user(caller.name())?,
            dry_run: ask.dry_run,
        };
        self.change_named(wanted, change).await
    }

    /// Lifts a hold that a person set; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, the caller may not, or it is not clear which hold is meant.
    pub async fn release_host(&self, caller: Caller, wanted: String, ask: ReleaseHost) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let by = self.personal_user(caller.name())?;
        let mention = by.mention();
        let input = move |plan: &Plan| {
            Ok(Input::HoldLifted {
                kind: match ask.kind {
                    Some(kind) => kind.into(),
                    None => the_only_one(plan)?,
                },
                by: mention.clone(),
            })
        };
        let change = Change {
            input: Box::new(input),
            personal: vec![by],
            words: ("would release", "released"),
            audit: "host-released",
            audited: self.personal_user(caller.name())?,
            dry_run: ask.dry_run,
        };
        self.change_named(wanted, change).await
    }
}

/// The hold that people set on it, where there is one such.
fn the_only_one(plan: &Plan) -> Result<HoldKind, ServiceError> {
    let by_people = [HoldKind::Operator, HoldKind::Legal];
    let set: Vec<HoldKind> = by_people
        .into_iter()
        .filter(|kind| plan.holds.contains_key(kind))
        .collect();
    let why = match set.as_slice() {
        [one] => return Ok(*one),
        [] if plan.holds.contains_key(&HoldKind::Clone) => {
            "its identity is on several machines, and that hold is lifted by `cutover clones settle`"
        }
        [] => "nobody holds it",
        [_, ..] => "there is one of each kind; say which: --kind operator or --kind legal",
    };
    Err(ServiceError::Refused { why: why.to_owned() })
}
