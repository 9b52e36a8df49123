//! What whoever works at a machine is told before work begins there, and how they may put it off.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{
    selector::{HostClass, HostUse, Selector, Traits},
    span,
    waves::Flaw,
};

/// More notices than this nobody reads.
const NOTICES_MAX: usize = 5;

/// What is told before work begins, of whom and when. Told is who works at a workstation, or beside others at a machine of many:
/// nobody sits at a server or a kiosk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which workstations it is for.
    pub hosts: Selector,
    /// How long before the start, the longest first: one notice each.
    pub before: Vec<Duration>,
    /// Who does the work, as people at the machines know them.
    pub from: String,
    /// Why it is done.
    pub why: String,
    /// Whom to ask.
    pub contact: String,
    /// How they may put the start off.
    pub deferral: Budget,
}

/// How often, and by how long, the start may be put off. Nothing of it where a campaign gives none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// So many times in all.
    pub count: u32,
    /// By so long at a time.
    pub longest: Duration,
    /// What holds nearer to the target, the farthest first.
    pub ladder: Vec<Rung>,
}

/// A part of the time before the target in which less is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// From so long before the target on.
    pub within: Duration,
    /// So many times in all.
    pub count: u32,
    /// By so long at a time; nothing: not at all.
    pub longest: Duration,
}

impl Notice {
    /// Whether somebody works at this host who is told.
    #[must_use]
    pub fn is_for(&self, host: &Traits<'_>) -> bool {
        let is_sat_at = match host.usage() {
            None => host.class() == HostClass::Workstation,
            // All of them are told; whoever lets it start decides.
            Some(HostUse::MultiSession) => true,
            Some(HostUse::Kiosk) => false,
        };
        is_sat_at && self.hosts.fits(host)
    }
}

impl Budget {
    /// How often in all, and by how long, so long before the target; `None` without a target ahead.
    #[must_use]
    pub fn at(&self, before_target_ms: Option<i64>) -> (u32, Duration) {
        let rung = before_target_ms.and_then(|left_ms| {
            let rungs = self.ladder.iter().rev();
            rungs.into_iter().find(|rung| left_ms <= span::ms(rung.within))
        });
        rung.map_or((self.count, self.longest), |rung| (rung.count, rung.longest))
    }
}

/// The table in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeInFile {
    before: Spanned<Vec<String>>,
    from: Spanned<String>,
    why: Spanned<String>,
    contact: Spanned<String>,
    #[serde(default, rename = "match")]
    hosts: Selector,
    #[serde(default)]
    deferral: Option<DeferralInFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeferralInFile {
    count: Spanned<u32>,
    longest: Spanned<String>,
    #[serde(default)]
    ladder: Vec<Spanned<RungInFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RungInFile {
    within: String,
    #[serde(default)]
    count: Option<u32>,
    longest: String,
}

pub(super) fn read(file: NoticeInFile) -> Result<Notice, Flaw> {
    let at = file.before.span().start;
    let before = before(file.before.get_ref()).map_err(|why| Flaw {
        at,
        why: format!("notice.before: {why}"),
    })?;
    for (key, text, what) in [
        (
            "from",
            &file.from,
            "who does the work, as people at the machines know them",
        ),
        ("why", &file.why, "why it is done, in one sentence"),
        (
            "contact",
            &file.contact,
            "whom they ask: a number, a mail address, a page",
        ),
    ] {
        if text.get_ref().trim().is_empty() {
            return Err(Flaw {
                at: text.span().start,
                why: format!("notice.{key} is empty; write {what}"),
            });
        }
    }
    file.hosts.check("notice.match").map_err(|why| Flaw { at, why })?;
    Ok(Notice {
        hosts: file.hosts,
        before,
        from: file.from.into_inner(),
        why: file.why.into_inner(),
        contact: file.contact.into_inner(),
        deferral: file.deferral.map(budget).transpose()?.unwrap_or_default(),
    })
}

fn before(texts: &[String]) -> Result<Vec<Duration>, String> {
    let before = texts
        .iter()
        .map(|text| span::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    if before.is_empty() || before.len() > NOTICES_MAX {
        return Err(format!(
            "{} notices; write one to {NOTICES_MAX}, such as [\"3d\", \"1d\"], or leave [notice] out",
            before.len()
        ));
    }
    if before.iter().any(Duration::is_zero) {
        return Err("a notice at the start itself is given anyhow; leave the zero out".to_owned());
    }
    if !before.is_sorted_by(|a, b| a > b) {
        return Err("each notice is nearer to the start than the one before; write the longest first".to_owned());
    }
    Ok(before)
}

fn budget(file: DeferralInFile) -> Result<Budget, Flaw> {
    let flaw = |at: usize, why: String| Flaw {
        at,
        why: format!("notice.deferral: {why}"),
    };
    let (count_at, longest_at) = (file.count.span().start, file.longest.span().start);
    let count = file.count.into_inner();
    if count == 0 {
        let why = "count is nothing; leave [notice.deferral] out where the start may not be put off";
        return Err(flaw(count_at, why.to_owned()));
    }
    let longest = span::parse(file.longest.get_ref()).map_err(|why| flaw(longest_at, format!("longest: {why}")))?;
    if longest.is_zero() {
        let why = "longest is nothing; leave [notice.deferral] out where the start may not be put off";
        return Err(flaw(longest_at, why.to_owned()));
    }
    let mut budget = Budget {
        count,
        longest,
        ladder: Vec::new(),
    };
    for rung in file.ladder {
        let at = rung.span().start;
        let rung = rung.into_inner();
        let length = |key: &str, text: &str| span::parse(text).map_err(|why| flaw(at, format!("ladder: {key}: {why}")));
        let rung = Rung {
            within: length("within", &rung.within)?,
            longest: length("longest", &rung.longest)?,
            count: rung
                .count
                .unwrap_or(budget.ladder.last().map_or(count, |last| last.count)),
        };
        check_rung(&rung, &budget).map_err(|why| flaw(at, format!("ladder: {why}")))?;
        budget.ladder.push(rung);
    }
    Ok(budget)
}

/// Nearer to the target nobody may more.
fn check_rung(rung: &Rung, above: &Budget) -> Result<(), String> {
    let last = above.ladder.last();
    if rung.within.is_zero() {
        return Err("within is nothing, so it never holds; write for example 7d".to_owned());
    }
    if last.is_some_and(|last| last.within <= rung.within) {
        return Err(
            "each part lies nearer to the target than the one before; write the longest `within` first".to_owned(),
        );
    }
    let (count, longest) = last.map_or((above.count, above.longest), |last| (last.count, last.longest));
    if rung.longest > longest || rung.count > count {
        return Err("it allows more than what holds farther from the target; nearer to it less is allowed".to_owned());
    }
    Ok(())
}

/// What is left in brackets of a preset's text: people would read it as it stands.
pub(super) fn unfilled(notice: &Notice) -> Option<&'static str> {
    let texts = [
        ("from", &notice.from),
        ("why", &notice.why),
        ("contact", &notice.contact),
    ];
    let is_left = |text: &str| text.contains('[') && text.contains(']');
    texts.into_iter().find(|(_, text)| is_left(text)).map(|(key, _)| key)
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
