//! Events in words: one line each, for `why`, timelines and snapshots.

use cutover_proto::{ids::ProductId, record::RecordEvent};

use crate::{
    campaign::{span, zone::utc},
    catalog::RestartNeed,
    decide::{Event, Fact},
    judge::{Assessment, Condition},
    plan::{Drain, Known, OrderEnd, Origin, Personal, Plan, Reason, Verify},
    waiting::Waiting,
};

/// One line without the time.
#[must_use]
pub fn line(event: &Event) -> String {
    match &event.fact {
        Fact::Enrolled { wave, site, .. } if site.is_empty() => format!("enrolled, wave {wave}"),
        Fact::Enrolled { wave, site, .. } => format!("enrolled, wave {wave}, site {site}"),
        Fact::Described { known } => described(known),
        Fact::Grouped {
            wave,
            site,
            is_late_joiner,
        } => {
            let site = if site.is_empty() {
                String::new()
            } else {
                format!(", site {site}")
            };
            let late = if *is_late_joiner {
                ", which was open already"
            } else {
                ""
            };
            format!("now in wave {wave}{site}{late}")
        }
        Fact::Looked {
            assessment: Some(it), ..
        } => format!("looked: {}", seen(it)),
        Fact::Looked { assessment: None, .. } => "looked: as before".to_owned(),
        Fact::TargetSeen { products } => format!("first shown to carry {}", list(products)),
        Fact::TargetVanished => "the target vanished, not done by us".to_owned(),
        Fact::ProtectionTurned { grade, cover, .. } => format!("protection is {grade}: {cover}"),
        Fact::GapBegan { bound_ms } => {
            format!("a gap in protection began; the recipe bears {}", span::words(*bound_ms))
        }
        Fact::GapExceeded => "without protection for longer than the recipe bears".to_owned(),
        Fact::Moved { to, reason } => format!("moved to {to}{}", because(reason.as_ref())),
        Fact::ReasonTurned { reason: Some(reason) } => format!("stays: {}", reason.text()),
        Fact::ReasonTurned { reason: None } => "stays; the reason is gone".to_owned(),
        Fact::ReplacementChosen { product } => format!("to be replaced by {product}"),
        Fact::FetchSized { bytes } => format!("its next order fetches {}", crate::campaign::size_words(*bytes)),
        Fact::RecipesUntried { recipes } if recipes.is_empty() => {
            "nobody need go first with a recipe of its work".to_owned()
        }
        Fact::RecipesUntried { recipes } => format!("has not soaked here yet: {}", recipes.join(", ")),
        Fact::PlacesKept { places } if places.is_empty() => {
            "gives back the places of those that go first which it kept".to_owned()
        }
        Fact::PlacesKept { .. } => {
            "it failed, or was not heard of any more, and keeps its places among those that go first until that is decided".to_owned()
        }
        Fact::Approved { by, named: false } => format!("let start by {by}"),
        Fact::Approved { by, named: true } => format!("let start by {by}, by its name"),
        Fact::OrderIssued {
            number,
            attempt,
            steps,
            secrets,
            ..
        } => {
            let brings = secrets.iter().map(|it| format!(", secrets for {}", it.product));
            let brings: String = brings.collect();
            format!(
                "order {number} issued, attempt {attempt}, {} steps{brings}",
                steps.len()
            )
        }
        Fact::SecretsTried { product, digests } => format!(
            "{} not tried there again: {} of what was set for it",
            product,
            digests.len()
        ),
        Fact::OrderFetched { number } => format!("order {number} fetched"),
        Fact::StepReported {
            event: event @ (RecordEvent::RestartNoticed | RecordEvent::RestartDeferred),
            until_ms,
            ..
        } => restart_told(*event, *until_ms),
        Fact::StepReported {
            number,
            event,
            step,
            cause,
            detail,
            exit_code,
            ..
        } => {
            let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
            // A code of a step that was done says nothing that is not known.
            let code = exit_code.filter(|_| !cause.is_empty());
            let cause = cause + &code.map_or_else(String::new, |code| format!(", exit code {code}"));
            let detail = if detail.is_empty() {
                String::new()
            } else {
                format!(" ({detail})")
            };
            if is_about_a_step(*event) {
                format!("order {number} {event}, step {}{cause}{detail}", step + 1)
            } else {
                format!("order {number} {event}{cause}{detail}")
            }
        }
        Fact::OrderCancelling { number, why } => format!("order {number} asked to end: {why}"),
        Fact::OrderEnded {
            number,
            end,
            cause,
            detail,
            used_attempt,
            ..
        } => ended(
            *number,
            *end,
            cause.map(|cause| cause.to_string()),
            detail,
            *used_attempt,
        ),
        Fact::RetrySet { due_ms, .. } => format!("next try due at {}", utc(*due_ms)),
        Fact::RetryDue => "next try is due".to_owned(),
        Fact::RestartOwed { product, need, .. } => match need {
            RestartNeed::IfPending => format!("the removal of {product} may be complete only after a restart"),
            RestartNeed::Due | RestartNeed::None => {
                format!("the removal of {product} is complete only after a restart")
            }
        },
        Fact::RestartSeen { .. } => "came back from a restart".to_owned(),
        Fact::VerifyTurned { verify } => verifying(verify),
        Fact::NotConfirmed {
            why,
            used_attempt: true,
        } => format!("not confirmed, an attempt is used: {why}"),
        Fact::NotConfirmed {
            why,
            used_attempt: false,
        } => format!("not confirmed: {why}"),
        Fact::WorkSeen { origin } => match origin {
            Origin::Order => "the order's work is to be verified".to_owned(),
            Origin::External => "the work of others is to be verified, not done by us".to_owned(),
            Origin::Handwork => "a person's work is to be verified".to_owned(),
            Origin::Unclear => "the work is to be verified; who finished it is not known".to_owned(),
        },
        Fact::Regressed {
            products,
            suspect: Some(suspect),
        } => format!(
            "regression: {} came back; put back by: {}",
            list(products),
            suspect.text()
        ),
        Fact::Regressed {
            products,
            suspect: None,
        } => format!("regression: {} came back", list(products)),
        Fact::ProtectionDoubtful => "the replacement does not protect".to_owned(),
        Fact::ProtectionRestored => "the replacement protects again".to_owned(),
        Fact::ProtectionLost { reason } => format!("protection lost: {}", reason.text()),
        Fact::WentStale { last_seen_ms } => format!("went stale, last heard of at {}", utc(*last_seen_ms)),
        Fact::SeenAgain => "heard of again".to_owned(),
        Fact::AgentPerhapsLost { last_seen_ms, products } => format!(
            "silent since {}, right after enrolling: agent possibly removed by the product ({})",
            utc(*last_seen_ms),
            list(products)
        ),
        Fact::AgentBack => "heard of again: the agent was not removed".to_owned(),
        Fact::Forked { from, .. } => format!("enrolled anew; before, it was one of the machines that were {from}"),
        Fact::Pooled { pool } => format!(
            "stands for all machines of pool {}; {} answers for its image",
            pool.name, pool.owner
        ),
        Fact::HoldPlaced { hold } => hold.text(),
        Fact::HoldLifted { kind, by } => format!("hold ({kind}) {}", ended_by("lifted", by.as_ref())),
        Fact::HeldLocally { why } => format!("held by the host itself: {why}"),
        Fact::LocalHoldGone => "the host no longer holds itself".to_owned(),
        Fact::StepsLacking { kinds } if kinds.is_empty() => "the agent knows every step".to_owned(),
        Fact::StepsLacking { kinds } => {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            format!("the agent does not know {}", kinds.join(", "))
        }
        Fact::NoticeDue { number } => format!("notice {number} before the start is due"),
        Fact::NoticeGiven { number: 0, .. } => "its user was told that the work starts".to_owned(),
        Fact::NoticeGiven { number, somebody, .. } => {
            let seen = match somebody {
                Some(true) => "somebody was logged in",
                Some(false) => "nobody was logged in",
                None => "whether somebody was logged in could not be told",
            };
            format!("its user was told of the start, notice {number}; {seen}")
        }
        Fact::NoticesLapsed => "what its user was told of the start no longer holds; it is told anew".to_owned(),
        Fact::DrainTurned { turn } => Drain::turned(turn),
        Fact::StartPutOff { until_ms, .. } => format!("its user put the start off until {}", utc(*until_ms)),
        Fact::Exempted { exemption } => exemption.text(),
        Fact::ExemptionEnded { by, why } => {
            let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            format!("exemption {}{why}", ended_by("revoked", by.as_ref()))
        }
        Fact::DisksAttested { disks } => disks.text(),
        Fact::DisksDoubted { by_look: true, .. } => {
            "what was attested of its disks ended: a look shows that the product encrypts them".to_owned()
        }
        Fact::DisksDoubted { by, why, .. } => {
            let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            format!(
                "what was attested of its disks {}{why}",
                ended_by("taken back", by.as_ref())
            )
        }
        Fact::CampaignChanged { version, .. } => format!("campaign version {version} in force"),
        Fact::Retried { by } => format!("another try asked for by {by}"),
        Fact::HandworkAssigned {
            by,
            owner,
            reference,
            due_ms,
        } => {
            let reference = reference
                .as_ref()
                .map_or_else(String::new, |it| format!(", reference {it}"));
            let due = due_ms.map_or_else(String::new, |at| format!(", due {}", utc(at)));
            format!("handwork given to {owner}{reference}{due} by {by}")
        }
        Fact::HandworkOverdue { due_ms } => format!("handwork was due {}, and is not done", utc(*due_ms)),
        Fact::HandworkDone { by, evidence } => format!("handwork done by {by}: {evidence}"),
        Fact::JournalDistrusted { fault } => format!("the host's journal is {fault}"),
        Fact::JournalMarked { .. } => "the journal waits for a fresh look".to_owned(),
        Fact::JournalSettled => "the journal is settled".to_owned(),
        Fact::ScopeTurned { rule: Some(rule) } => format!("out of scope by rule `{rule}`"),
        Fact::ScopeTurned { rule: None } => "in scope".to_owned(),
        Fact::LateTurned { late: true } => "the forecast says late".to_owned(),
        Fact::LateTurned { late: false } => "the forecast says in time".to_owned(),
    }
}

/// The chain that led to where the plan stands, oldest first, and what it waits for: what `cutover why` prints. It begins
/// with the last enrolment, regression or loss of protection.
#[must_use]
pub fn why_chain(plan: &Plan, events: &[Event], waiting: Option<&Waiting>) -> Vec<String> {
    let is_telling = |event: &&Event| !matches!(event.fact, Fact::ProtectionTurned { .. } | Fact::LateTurned { .. });
    let begin = events
        .iter()
        .rposition(|event| {
            matches!(
                event.fact,
                Fact::Enrolled { .. } | Fact::Regressed { .. } | Fact::ProtectionLost { .. }
            )
        })
        .unwrap_or(0);
    let mut chain: Vec<String> = events[begin..]
        .iter()
        .filter(is_telling)
        .map(|event| format!("{}  {}", utc(event.at_ms), line(event)))
        .collect();
    chain.push(format!("is {} since {}", plan.phase, utc(plan.phase_since_ms)));
    if let Some(waiting) = waiting {
        chain.push(format!("waits: {} (owner: {})", waiting.text(), waiting.owner()));
        let remedy = waiting.remedy();
        if !remedy.is_empty() {
            chain.push(format!("remedy: {remedy}"));
        }
        if let Some(until_ms) = waiting.until_ms() {
            chain.push(format!("until: {}", utc(until_ms)));
        }
    }
    chain
}

fn list(products: &[ProductId]) -> String {
    products.iter().map(ProductId::as_str).collect::<Vec<_>>().join(", ")
}

fn described(known: &Known) -> String {
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let ownership = known
        .ownership
        .map_or_else(|| "unknown".to_owned(), |ownership| ownership.to_string());
    format!(
        "described: tags {}, site {}, ownership {ownership}",
        or_none(known.tags.join(", ")),
        or_none(known.site.clone())
    )
}

fn because(reason: Option<&Reason>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {}", reason.text()))
}

fn ended_by(verb: &str, by: Option<&Personal>) -> String {
    by.map_or_else(|| "ended".to_owned(), |by| format!("{verb} by {by}"))
}

fn seen(it: &Assessment) -> String {
    match it.condition {
        Condition::Carries => {
            let names: Vec<String> = it
                .targets
                .iter()
                .map(|target| match &target.version {
                    Some(version) => format!("{} {version}", target.product),
                    None => target.product.to_string(),
                })
                .collect();
            format!("carries {}", names.join(", "))
        }
        Condition::Unknown => {
            let why = it.unknown.first().map_or("", |look| look.why.as_str());
            format!("could not tell: {why}")
        }
        Condition::Embedded => format!("{} inside another product", list(&it.embedded)),
        Condition::Remnant => {
            let products: Vec<ProductId> = it.leftovers.iter().map(|leftover| leftover.product.clone()).collect();
            format!("only leftovers of {}", list(&products))
        }
        Condition::Free => "no target".to_owned(),
    }
}

fn ended(number: u64, end: OrderEnd, cause: Option<String>, detail: &str, used_attempt: bool) -> String {
    let cause = cause.map_or_else(String::new, |cause| format!(", {cause}"));
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    };
    let used = if used_attempt { ", an attempt is used" } else { "" };
    format!("order {number} {end}{cause}{used}{detail}")
}

fn verifying(verify: &Verify) -> String {
    match verify {
        Verify::FirstContact => "waits for the host to check in".to_owned(),
        Verify::FirstLook { .. } => "waits for a fresh look".to_owned(),
        Verify::Soaking { until_ms } => format!("both halves hold; soaks until {}", utc(*until_ms)),
        Verify::LastContact => "the soak is over; waits for the host to check in".to_owned(),
        Verify::LastLook { .. } => "the soak is over; waits for a fresh look".to_owned(),
    }
}

/// Times are the host's: they say to a person when to expect it.
fn restart_told(event: RecordEvent, until_ms: Option<i64>) -> String {
    let at = until_ms.map_or_else(|| "a time that the host did not say".to_owned(), utc);
    if event == RecordEvent::RestartDeferred {
        format!("the user put the restart off until {at}")
    } else {
        format!("a restart is due and users are told: it comes at {at}")
    }
}

const fn is_about_a_step(event: RecordEvent) -> bool {
    match event {
        RecordEvent::StepBegun
        | RecordEvent::StepDone
        | RecordEvent::StepFoundDone
        | RecordEvent::StepFailed
        | RecordEvent::StepInterrupted
        | RecordEvent::RestartNoticed
        | RecordEvent::RestartDeferred => true,
        RecordEvent::OrderAccepted
        | RecordEvent::OrderRefused
        | RecordEvent::OrderCompleted
        | RecordEvent::OrderFailed
        | RecordEvent::OrderCancelled => false,
    }
}

#[cfg(test)]
mod tests;
