//! Reading campaign files.

use std::collections::BTreeSet;

use cutover_proto::ids::CampaignId;
use toml::Spanned;

use super::{
    Campaign, Duty, External, Milestone, Policy, ReplacementRule, ScopeRule, Term, detection_tests,
    document::{CampaignInFile, DutyInFile, PRESETS, ReplacementInFile, SCHEMA, ScopeInFile},
    drain,
    instant::{self, NotAnInstant},
    notice,
    place::{self, Step},
    priority, rate, readiness, timetable,
    waves::{self, Flaw},
};

/// Why a campaign file is refused. Nothing of it takes effect.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// Not TOML of this format. The text names line and key.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser says.
        source: Box<toml::de::Error>,
    },
    /// A date without a time and a zone.
    #[error(
        "{file}, line {line}: {key} = {value} names no instant; write it with a time and an offset, for example \"{example}\""
    )]
    BareDate {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// Which key.
        key: String,
        /// What stands there.
        value: String,
        /// What could stand there.
        example: String,
    },
    /// Well formed, but it makes no sense.
    #[error("{file}{}: {why}", line.map_or_else(String::new, |line| format!(", line {line}")))]
    Invalid {
        /// The file.
        file: String,
        /// From 1, where it is one place.
        line: Option<usize>,
        /// What to change.
        why: String,
    },
}

/// What makes no sense, and the way to where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub way: place::Way,
    /// What, and what to write instead.
    pub why: String,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn fault(&self, fault: Fault) -> CampaignError {
        CampaignError::Invalid {
            file: self.file.to_owned(),
            line: place::line(self.text, &fault.way),
            why: fault.why,
        }
    }

    fn invalid_at(&self, at: usize, why: String) -> CampaignError {
        CampaignError::Invalid {
            file: self.file.to_owned(),
            line: Some(self.line(at)),
            why,
        }
    }

    fn flawed(&self, flaw: Flaw) -> CampaignError {
        self.invalid_at(flaw.at, flaw.why)
    }

    /// The line of an offset in bytes, from 1.
    fn line(&self, at: usize) -> usize {
        place::line_of(self.text, at)
    }

    fn instant(&self, key: &str, value: &Spanned<toml::Value>) -> Result<i64, CampaignError> {
        instant::parse(value.get_ref()).map_err(|why| CampaignError::BareDate {
            file: self.file.to_owned(),
            line: self.line(value.span().start),
            key: key.to_owned(),
            value: value.get_ref().to_string(),
            example: match why {
                NotAnInstant::Bare(example) => example,
                NotAnInstant::Unreadable => "2024-09-29T00:00:00-04:00".to_owned(),
            },
        })
    }

    fn milestones(&self, file: Vec<super::document::MilestoneInFile>) -> Result<Vec<Milestone>, CampaignError> {
        let mut milestones = Vec::new();
        let mut names = BTreeSet::new();
        for (place, it) in file.into_iter().enumerate() {
            if !names.insert(it.name.clone()) {
                return Err(self.fault(Fault {
                    way: vec![Step::Key("milestone"), Step::Nth(place), Step::Key("name")],
                    why: format!("two milestones are named `{}`; rename one", it.name),
                }));
            }
            milestones.push(Milestone {
                at_ms: self.instant(&format!("milestone `{}`.at", it.name), &it.at)?,
                name: it.name,
                regime: it.regime,
                note: it.note,
                cutoff: it.cutoff,
            });
        }
        milestones.sort_by_key(|milestone| milestone.at_ms);
        Ok(milestones)
    }

    fn replacements(&self, file: Vec<ReplacementInFile>) -> Result<Vec<ReplacementRule>, CampaignError> {
        let mut rules = Vec::new();
        for it in file {
            let at = it.product.span().start;
            let product = it.product.into_inner();
            let mut hosts = it.hosts;
            // The two commonest keys may stand outside of `match`, once.
            for (key, is_twice) in [
                ("os_family", !it.os_family.is_empty() && !hosts.os_family.is_empty()),
                ("os_id", !it.os_id.is_empty() && !hosts.os_id.is_empty()),
            ] {
                if is_twice {
                    let why = format!("replacement `{product}` has {key} in `match` and beside it; write it once");
                    return Err(self.invalid_at(at, why));
                }
            }
            hosts.os_family.extend(it.os_family);
            hosts.os_id.extend(it.os_id);
            hosts
                .check(&format!("replacement `{product}`: match"))
                .map_err(|why| self.invalid_at(at, why))?;
            if it.second.as_ref() == Some(&product) {
                let why = format!("replacement `{product}` is its own `second`; name another product or leave it out");
                return Err(self.invalid_at(at, why));
            }
            if it.use_second && it.second.is_none() {
                let why = format!("replacement `{product}`: use_second is set and there is no `second`; name one");
                return Err(self.invalid_at(at, why));
            }
            let download = it.download.as_deref().map(rate::parse_size).transpose();
            let download =
                download.map_err(|why| self.invalid_at(at, format!("replacement `{product}`: download: {why}")))?;
            rules.push(ReplacementRule {
                hosts,
                product,
                second: it.second,
                use_second: it.use_second,
                tenant: it.tenant,
                settings: it.settings,
                source: it.source,
                download,
            });
        }
        Ok(rules)
    }

    fn duties(&self, file: Vec<DutyInFile>) -> Result<Vec<Duty>, CampaignError> {
        let mut duties: Vec<Duty> = Vec::new();
        for it in file {
            let at = it.name.span().start;
            let name = it.name.into_inner();
            let refuse = |why: String| self.invalid_at(at, format!("duty `{name}`: {why}"));
            if !is_plain(&name) || duties.iter().any(|duty| duty.name == name) {
                return Err(refuse(
                    "its name is not made of lower-case letters, digits and `-`, or another duty has it".to_owned(),
                ));
            }
            if it.to.trim().is_empty() {
                return Err(refuse("`to` is empty; write who is to be told".to_owned()));
            }
            let term = |key: &str, text: Option<String>| {
                let term = text.map(|text| Term::parse(&text)).transpose();
                term.map_err(|why| refuse(format!("{key}: {why}")))
            };
            let (within, follow_up) = (term("within", it.within)?, term("follow_up", it.follow_up)?);
            if follow_up.is_some() && within.is_none() {
                return Err(refuse(
                    "follow_up counts from `within`, which is not given; give both".to_owned(),
                ));
            }
            duties.push(Duty {
                on: it.on,
                to: it.to,
                within,
                follow_up,
                note: it.note,
                name: name.clone(),
            });
        }
        Ok(duties)
    }

    fn out_of_scope(&self, file: Vec<ScopeInFile>) -> Result<Vec<ScopeRule>, CampaignError> {
        let mut rules: Vec<ScopeRule> = Vec::new();
        for it in file {
            let at = it.name.span().start;
            let name = it.name.into_inner();
            let refuse = |why: String| Err(self.invalid_at(at, format!("out_of_scope `{name}`: {why}")));
            if !is_plain(&name) {
                return refuse("its name is not made of lower-case letters, digits and `-`, at most 64".to_owned());
            }
            if rules.iter().any(|rule| rule.name == name) {
                return refuse("two rules have this name; rename one".to_owned());
            }
            if it.why.trim().is_empty() {
                return refuse("`why` is empty; write why the duty does not reach these hosts".to_owned());
            }
            if it.hosts.is_everything() {
                return refuse("`match` is empty, so it would leave every host out; say which".to_owned());
            }
            if let Err(why) = it.hosts.check("match") {
                return refuse(why);
            }
            rules.push(ScopeRule {
                name,
                why: it.why,
                hosts: it.hosts,
            });
        }
        Ok(rules)
    }
}

/// Whether a name is fit for commands, rows and pages.
pub(super) fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain)
}

impl Campaign {
    /// Reads and checks a file; `version` comes from the store, 1 for a new one.
    ///
    /// # Errors
    /// When it is not of this format, an instant lacks an offset, or it makes no sense.
    pub fn parse(file: &str, text: &str, version: u32) -> Result<Self, CampaignError> {
        let reader = Reader { file, text };
        let it: CampaignInFile = toml::from_str(text).map_err(|source| CampaignError::Syntax {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        if it.schema != SCHEMA {
            return Err(reader.fault(Fault {
                way: vec![Step::Key("schema")],
                why: format!(
                    "schema {} is not known here; this version reads schema {SCHEMA}",
                    it.schema
                ),
            }));
        }
        let recovery_target_ms = match &it.recovery_target {
            None => None,
            Some(value) => Some(reader.instant("recovery_target", value)?),
        };
        let campaign = Self {
            id: CampaignId::new(it.id),
            version,
            title: it.title,
            kind: it.kind,
            scope: it.scope,
            no_cutoff: it.no_cutoff,
            duties: reader.duties(it.duty)?,
            targets: it.targets,
            milestones: reader.milestones(it.milestone)?,
            recovery_target_ms,
            mode: it.mode,
            replacements: reader.replacements(it.replacement)?,
            accepted_grades: it.accepted_grades,
            policy: Policy::from_file(it.policy).map_err(|fault| reader.fault(fault))?,
            executor: it.executor.map(|it| External {
                name: it.name,
                owner: it.owner,
                within: it.within,
            }),
            out_of_scope: reader.out_of_scope(it.out_of_scope)?,
            priorities: priority::read(it.priority).map_err(|flaw| reader.flawed(flaw))?,
            sites: timetable::sites(it.site).map_err(|flaw| reader.flawed(flaw))?,
            windows: timetable::windows(it.window).map_err(|flaw| reader.flawed(flaw))?,
            blackouts: timetable::blackouts(it.blackout).map_err(|flaw| reader.flawed(flaw))?,
            waves: waves::read(it.wave).map_err(|flaw| reader.flawed(flaw))?,
            readiness: readiness::read(it.readiness).map_err(|flaw| reader.flawed(flaw))?,
            notice: it
                .notice
                .map(notice::read)
                .transpose()
                .map_err(|flaw| reader.flawed(flaw))?,
            detection_tests: it
                .detection_tests
                .map(detection_tests::read)
                .transpose()
                .map_err(|flaw| reader.flawed(flaw))?
                .unwrap_or_default(),
            drains: drain::read(it.drain).map_err(|flaw| reader.flawed(flaw))?,
            source: text.to_owned(),
        };
        campaign.check().map_err(|fault| reader.fault(fault))?;
        Ok(campaign)
    }

    /// The preset that new installations start with, version 1.
    ///
    /// # Errors
    /// When the compiled-in file is not sound; a test keeps it so.
    pub fn preset() -> Result<Self, CampaignError> {
        let (file, text) = PRESETS[0];
        Self::parse(file, text, 1)
    }
}
