//! A campaign's text comes into force: validated, versioned, audited, whole or not at all.

use std::sync::Arc;

use cutover_core::{
    campaign::{Campaign, DrainRule, Step, Warning, Wave},
    readiness::not_ready,
    rollout::RunState,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{Caller, Service, ServiceError, access::Role, dates::Dates, plan_edit::signed},
    CampaignPreview, InForce, Progress,
    passes::Pass,
};
use crate::store::{StreamName, WriteTx, campaigns, events};

/// Who applies the text that the configuration names.
const CONFIGURATION: &str = "configuration";
const INIT: &str = "init";

/// A campaign file that is to come into force.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyCampaign {
    /// What the file is called, for what is said of it.
    pub file: String,
    /// The file.
    pub text: String,
    /// The version that it was written against; another one in force refuses it.
    #[serde(default)]
    pub if_version: Option<i64>,
    /// Only say what would change.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CampaignApplied {
    /// The version in force.
    pub version: i64,
    /// Whether it came into force by this.
    pub applied: bool,
    /// Whether hosts are still being decided anew under it.
    pub is_going_on: bool,
    /// What it changes, or would.
    pub preview: CampaignPreview,
}

impl Service {
    /// Puts a campaign file in force, or says what it would change: key by key, and for how many hosts.
    ///
    /// # Errors
    /// When the caller may not, the text is no sound campaign, is another campaign's, was written against another version, or
    /// the campaign is closed. Nothing changes then.
    pub async fn apply_campaign(&self, caller: Caller, ask: ApplyCampaign) -> Result<CampaignApplied, ServiceError> {
        caller.must_be(Role::Administrator)?;
        let campaign = self.sound(&ask.file, &ask.text)?;
        let service = self.clone();
        self.0.store.read(move |tx| service.open_campaign(tx)).await?;
        let preview = self.preview_campaign(campaign, &ask.file, ask.text.clone()).await?;
        if ask.if_version.is_some_and(|version| version != preview.version) {
            let why = format!(
                "version {} is in force, and the file was written against version {}; look at what changed meanwhile \
                 (cutover campaign show) and apply it against that",
                preview.version,
                ask.if_version.unwrap_or_default()
            );
            return Err(ServiceError::Refused { why });
        }
        if ask.dry_run {
            return Ok(CampaignApplied {
                version: preview.version,
                applied: false,
                is_going_on: false,
                preview,
            });
        }
        let (service, text, by) = (self.clone(), ask.text, caller.name().to_owned());
        let seen = preview.version;
        let (version, applied) = self
            .0
            .store
            .write(move |tx| service.put_version(tx, &text, &by, Some(seen)))
            .await?;
        let is_going_on = self.run_passes().await?;
        Ok(CampaignApplied {
            version,
            applied,
            is_going_on,
            preview,
        })
    }

    /// Puts the text in force that the configuration names: the first version, or the next where the one in force came from
    /// there too. What an operator applied stays. Says which version is in force.
    ///
    /// # Errors
    /// When the store fails or the text is not a campaign.
    pub async fn configure_campaign(&self, text: String, by: String) -> Result<i64, ServiceError> {
        const FILE: &str = "campaign of the configuration";
        let campaign = self.runnable(FILE, &text)?;
        let service = self.clone();
        let (version, _) = self
            .0
            .store
            .write(move |tx| {
                let id = service.campaign_id().as_str();
                let newest = campaigns::versions(tx, id)?.pop();
                if let Some(newest) = &newest
                    && service.is_closed(tx)?
                {
                    if newest.body != text {
                        tracing::warn!(
                            version = newest.version,
                            "the campaign is closed; the text that the configuration names does not come into force"
                        );
                    }
                    return Ok((newest.version, false));
                }
                if let Some(newest) = newest.as_ref().filter(|it| ![CONFIGURATION, INIT].contains(&it.made_by.as_str())) {
                    if newest.body != text {
                        tracing::warn!(
                            version = newest.version,
                            by = newest.made_by.as_str(),
                            "the configuration names another campaign text than the one that was applied; the applied one \
                             stays in force, and `cutover campaign apply` puts another in its place"
                        );
                    }
                    return Ok((newest.version, false));
                }
                if newest.as_ref().is_none_or(|it| it.body != text) {
                    given(&campaign, FILE)?;
                }
                if let Some(newest) = newest.filter(|it| it.body != text) {
                    let (in_force, campaign) = (service.in_force(tx)?, parsed(&text, newest.version)?);
                    let (before, answers) = (&in_force.campaign.readiness, &in_force.progress.readiness);
                    let passed_over = answers.passed_over(before, &campaign.readiness);
                    if !passed_over.is_empty() {
                        tracing::warn!(
                            version = newest.version,
                            open = passed_over.join(", "),
                            "the configuration's campaign text no longer asks for what is open in the readiness list; the \
                             version in force stays: attest those items, or have two people waive them, and start again"
                        );
                        return Ok((newest.version, false));
                    }
                }
                service.put_version(tx, &text, &by, None)
            })
            .await?;
        let service = self.clone();
        self.0.store.write(move |tx| service.begin_causes(tx)).await?;
        self.run_passes().await?;
        Ok(version)
    }

    /// The campaign of a text that is given, such as this server may run.
    pub(in crate::service) fn sound(&self, file: &str, text: &str) -> Result<Campaign, ServiceError> {
        let campaign = self.runnable(file, text)?;
        given(&campaign, file)?;
        Ok(campaign)
    }

    /// The same of one that may have come into force before files were asked for all that they are today.
    fn runnable(&self, file: &str, text: &str) -> Result<Campaign, ServiceError> {
        let invalid = |why: String| ServiceError::Invalid { why };
        let campaign = Campaign::parse(file, text, 1).map_err(|error| invalid(error.to_string()))?;
        campaign.check_against(&self.0.catalog).map_err(|fault| {
            invalid(
                Warning {
                    line: campaign.line(&fault.way),
                    text: fault.why,
                }
                .of_file(file),
            )
        })?;
        for wave in &campaign.waves {
            let asked = wave.gate.as_ref().and_then(|gate| gate.approval.as_ref());
            if let Some(Err(error)) = asked.map(|role| Role::parse(role)) {
                let text = format!("gate of wave `{}`: approval: {error}", wave.name);
                let gate = [
                    Step::Key("wave"),
                    Step::Named(wave.name.clone()),
                    Step::Key("gate"),
                    Step::Key("approval"),
                ];
                return Err(invalid(campaign.warning(&gate, text).of_file(file)));
            }
        }
        let asks = |wave: &&Wave| {
            let external = wave.gate.as_ref().and_then(|gate| gate.external.as_ref());
            external.is_some_and(|external| external.url.is_some())
        };
        if let Some(wave) = campaign
            .waves
            .iter()
            .find(asks)
            .filter(|_| self.0.gates.secret.is_empty())
        {
            let text = format!(
                "gate of wave `{}`: external.url is given, and the server has nothing to sign questions with; set \
                 gates.secret_file in its configuration, or leave url out",
                wave.name
            );
            let gate = [
                Step::Key("wave"),
                Step::Named(wave.name.clone()),
                Step::Key("gate"),
                Step::Key("external"),
            ];
            return Err(invalid(campaign.warning(&gate, text).of_file(file)));
        }
        if campaign.detection_tests.tell.is_some() && self.0.gates.secret.is_empty() {
            let text = "detection_tests.tell is given, and the server has nothing to sign with what it tells; set \
                        gates.secret_file in its configuration, or leave tell out"
                .to_owned();
            let tell = [Step::Key("detection_tests"), Step::Key("tell")];
            return Err(invalid(campaign.warning(&tell, text).of_file(file)));
        }
        let asks = |(_, rule): &(usize, &DrainRule)| rule.url.is_some();
        let asked = campaign.drains.iter().enumerate().find(asks);
        if let Some((place, rule)) = asked.filter(|_| self.0.gates.secret.is_empty()) {
            let text = format!(
                "drain `{}`: url is given, and the server has nothing to sign questions with; set gates.secret_file in its \
                 configuration, or leave url out",
                rule.name
            );
            let url = [Step::Key("drain"), Step::Nth(place), Step::Key("url")];
            return Err(invalid(campaign.warning(&url, text).of_file(file)));
        }
        if campaign.id != *self.campaign_id() {
            return Err(invalid(format!(
                "{file} is of campaign `{}`, and this server runs `{}`; another campaign needs a server of its own",
                campaign.id,
                self.campaign_id()
            )));
        }
        Ok(campaign)
    }

    /// Makes the text the version in force, where it is another. `seen` is the version whose place it takes.
    fn put_version(
        &self,
        tx: &mut WriteTx<'_>,
        text: &str,
        by: &str,
        seen: Option<i64>,
    ) -> Result<(i64, bool), ServiceError> {
        let id = self.campaign_id().as_str();
        let Some(row) = campaigns::load(tx, id)? else {
            return self.put_first(tx, text, by);
        };
        if row.body == *text {
            return Ok((row.version, false));
        }
        if seen.is_some_and(|seen| seen != row.version) {
            let why = format!(
                "version {} came into force meanwhile; look at it and apply again",
                row.version
            );
            return Err(ServiceError::Refused { why });
        }
        let mut in_force = self.open_campaign(tx)?;
        let version = row.version + 1;
        let campaign = parsed(text, version)?;
        let answers = &in_force.progress.readiness;
        // What the configuration names comes into force as it is: it starts nobody before the list is settled.
        let by_a_person = seen.is_some();
        if let Some(why) = not_ready(answers, &in_force.campaign, &campaign).filter(|_| by_a_person) {
            return Err(ServiceError::Refused { why });
        }
        let (answers, reopened) = answers.under(&in_force.campaign.readiness, &campaign.readiness);
        in_force.progress.readiness = answers;
        in_force.row.version = version;
        in_force.row.mode = campaign.mode.as_str().to_owned();
        text.clone_into(&mut in_force.row.body);
        Pass::Anew.begin(&mut in_force.progress);
        self.put_campaign(
            tx,
            &in_force,
            Some(("version-applied", applied(version, by, &reopened))),
        )?;
        self.keep_version(tx, version, text, by)?;
        Ok((version, true))
    }

    fn put_first(&self, tx: &mut WriteTx<'_>, text: &str, by: &str) -> Result<(i64, bool), ServiceError> {
        let (id, now_ms) = (self.campaign_id().as_str(), self.now_ms());
        let campaign = parsed(text, 1)?;
        let event = events::NewEvent {
            kind: "version-applied".to_owned(),
            schema_version: 1,
            body: applied(1, by, &[]).to_string(),
            at_ms: now_ms,
            agent_at_ms: None,
        };
        events::append(tx, &StreamName::campaign(id), 0, &[event])?;
        let progress = Progress {
            dates: Some(Dates::from(now_ms)),
            ..Progress::default()
        };
        let progress =
            serde_json::to_string(&progress).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        let row = campaigns::CampaignRow {
            campaign_id: id.to_owned(),
            seq: 1,
            version: 1,
            epoch: 1,
            mode: campaign.mode.as_str().to_owned(),
            state: RunState::Running.as_str().to_owned(),
            body: text.to_owned(),
            progress,
            created_ms: now_ms,
            updated_ms: now_ms,
        };
        campaigns::compare_and_set(tx, 0, &row)?;
        self.keep_version(tx, 1, text, by)?;
        Ok((1, true))
    }

    fn keep_version(&self, tx: &mut WriteTx<'_>, version: i64, text: &str, by: &str) -> Result<(), ServiceError> {
        let made = campaigns::CampaignVersionRow {
            campaign_id: self.campaign_id().to_string(),
            version,
            catalog_revision: signed(self.0.catalog.revision),
            made_ms: self.now_ms(),
            made_by: by.to_owned(),
            body: text.to_owned(),
        };
        Ok(campaigns::add_version(tx, &made)?)
    }
}

/// What only those files are asked that are to come into force.
fn given(campaign: &Campaign, file: &str) -> Result<(), ServiceError> {
    campaign.check_given().map_err(|fault| ServiceError::Invalid {
        why: campaign.warning(&fault.way, fault.why).of_file(file),
    })
}

fn parsed(text: &str, version: i64) -> Result<Campaign, ServiceError> {
    let version = u32::try_from(version).unwrap_or(u32::MAX);
    Campaign::parse("campaign", text, version).map_err(|error| ServiceError::Invalid { why: error.to_string() })
}

fn applied(version: i64, by: &str, reopened: &[String]) -> serde_json::Value {
    let mut body = serde_json::json!({ "version": version, "by": by });
    if !reopened.is_empty() {
        body["readiness_forgotten"] = reopened.into();
    }
    body
}

/// The circumstances under another text than the one in force.
pub(in crate::service) fn under(in_force: &InForce, campaign: Campaign, text: String) -> InForce {
    let mut under = in_force.clone();
    under.row.version += 1;
    under.row.body = text;
    under.campaign = Arc::new(Campaign {
        version: u32::try_from(under.row.version).unwrap_or(u32::MAX),
        ..campaign
    });
    under
}
