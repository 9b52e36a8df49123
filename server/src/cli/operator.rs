//! Commands that speak to a running server, and the catalog that is built in.

use std::path::Path;

use anyhow::bail;

use super::{
    args::{Catalog, Clones, Connection, Hosts, Operator, Report, Token},
    artifacts,
    client::Client,
    output::{self, Format, done},
    pages,
};
use cutover_core::report::instant;

use crate::{
    api::{Ask, Retire},
    service::{
        ChangeTags, CloneIncident, MatrixView, NewToken, PoolImage, ProductView, SettleClones, TokenMade,
        views::{HostDetail, HostList, HostRow, NOT_KEPT, ReportRow, Summary},
    },
};

/// Runs one command against the server.
pub(crate) fn run(
    command: &Operator,
    connection: &Connection,
    config: Option<&Path>,
    format: Format,
) -> anyhow::Result<()> {
    super::serve::install_crypto();
    let client = Client::new(connection, config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(ask(command, &client, format))
}

async fn ask(command: &Operator, client: &Client, format: Format) -> anyhow::Result<()> {
    match command {
        Operator::Status { then } => {
            let summary: Summary = client.get("summary", &then.query()).await?;
            status(&summary, then.as_of.is_some(), format)
        }
        Operator::Hosts(hosts) => match hosts {
            Hosts::List {
                phase,
                standing,
                name,
                then,
            } => {
                let filter = [
                    ("phase", phase),
                    ("standing", standing),
                    ("name", name),
                    ("as_of", &then.as_of),
                ];
                let rows = all_hosts(client, filter).await?;
                host_rows(&rows, format)
            }
            Hosts::Show { host, then } => show(&client.get(&format!("hosts/{host}"), &then.query()).await?, format),
            Hosts::Retire { host, why, dry_run } => {
                let ask = Retire {
                    why: why.clone(),
                    dry_run: *dry_run,
                };
                done(&client.post(&format!("hosts/{host}/retire"), &ask).await?, format)
            }
            Hosts::ErasePersonal { host, dry_run } => {
                change(client, &format!("hosts/{host}/erase-personal"), *dry_run, format).await
            }
            Hosts::Tag {
                host,
                add,
                remove,
                dry_run,
            } => {
                let ask = ChangeTags {
                    add: add.clone(),
                    remove: remove.clone(),
                    dry_run: *dry_run,
                };
                done(&client.post(&format!("hosts/{host}/tags"), &ask).await?, format)
            }
            Hosts::AttestEncryption(attest) => super::encryption::attest(attest, client, format).await,
            Hosts::WithdrawEncryption(withdraw) => super::encryption::withdraw(withdraw, client, format).await,
            Hosts::Encryption { then } => super::encryption::list(then, client, format).await,
            Hosts::Hold(hold) => super::handwork::hold(hold, client, format).await,
            Hosts::Release(release) => super::handwork::release(release, client, format).await,
            Hosts::Drained(drained) => super::drains::drained(drained, client, format).await,
            Hosts::Released(released) => super::drains::released(released, client, format).await,
            Hosts::Retry { host, dry_run } => change(client, &format!("hosts/{host}/retry"), *dry_run, format).await,
        },
        Operator::Why { host, then } => why(&client.get(&format!("hosts/{host}"), &then.query()).await?, format),
        Operator::Blockers => super::blockers::list(client, format).await,
        Operator::Clones(Clones::List) => clones(&client.get("clones", &[]).await?, format),
        Operator::Clones(Clones::Settle {
            host,
            decision,
            why,
            dry_run,
        }) => {
            let ask = SettleClones {
                decision: *decision,
                why: why.clone(),
                dry_run: *dry_run,
            };
            done(&client.post(&format!("clones/{host}/settle"), &ask).await?, format)
        }
        Operator::Handwork(handwork) => super::handwork::ask(handwork, client, format).await,
        Operator::Exemption(exemption) => super::exemptions::ask(exemption, client, format).await,
        Operator::Campaign(campaign) => super::campaign::ask(campaign, client, format).await,
        Operator::Wave(wave) => super::campaign::ask_wave(wave, client, format).await,
        Operator::Readiness(readiness) => super::readiness::ask(readiness, client, format).await,
        Operator::Forecast(forecast) => super::forecast::ask(forecast, client, format).await,
        Operator::Simulate(simulate) => super::simulate::ask(simulate, client, format).await,
        Operator::Assets(assets) => super::assets::ask(assets, client, format).await,
        Operator::AgentRelease(release) => super::agent_releases::ask(release, client, format).await,
        Operator::Findings { action } => super::findings::ask(action.as_ref(), client, format).await,
        Operator::ImportScan(import) => super::import_scan::ask(import, client, format).await,
        Operator::Secret(secret) => super::secrets::ask(secret, client, format).await,
        Operator::Artifact(artifact) => artifacts::ask(artifact, client, format).await,
        Operator::Token(Token::Create {
            uses,
            hours,
            pool,
            image,
            owner,
            within_days,
        }) => {
            let names = pool.as_ref().zip(image.as_ref()).zip(owner.as_ref());
            let pool = names.map(|((pool, image), owner)| PoolImage {
                pool: pool.clone(),
                image: image.clone(),
                owner: owner.clone(),
                within_days: *within_days,
            });
            let ask = NewToken {
                uses: *uses,
                hours: *hours,
                pool,
            };
            let made: TokenMade = client.post("tokens", &ask).await?;
            if let Some(image) = &ask.pool {
                output::message(&format!(
                    "machines that enrol with it are of pool {}; prepare image {} by `cutover-agent seal --token-file FILE`",
                    image.pool, image.image
                ));
            }
            token(&made, format)
        }
        Operator::Report(Report::List) => reports(&client.get::<Vec<ReportRow>>("reports", &[]).await?, format),
        Operator::Report(Report::Run { then }) => {
            let nothing = serde_json::json!({});
            let row: ReportRow = client.post_asking("reports", &then.query(), &nothing).await?;
            reports(&[row], format)
        }
    }
}

async fn all_hosts(client: &Client, filter: [(&'static str, &Option<String>); 4]) -> anyhow::Result<Vec<HostRow>> {
    let query = filter
        .iter()
        .filter_map(|(key, value)| value.as_ref().map(|value| (*key, value.clone())));
    pages::all::<HostList>(client, "hosts", query.collect()).await
}

async fn change(client: &Client, path: &str, dry_run: bool, format: Format) -> anyhow::Result<()> {
    done(&client.post(path, &Ask { dry_run }).await?, format)
}

fn status(summary: &Summary, was: bool, format: Format) -> anyhow::Result<()> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    if was {
        rows.push(vec!["as of".into(), instant(summary.as_of_ms), String::new()]);
    }
    rows.push(vec![
        "campaign".into(),
        summary.title.clone(),
        if summary.halted.is_empty() {
            format!("{}, {}", summary.kind, summary.mode)
        } else {
            format!("{}, {}; {}", summary.kind, summary.mode, summary.halted)
        },
    ]);
    for milestone in &summary.milestones {
        rows.push(vec![
            "milestone".into(),
            milestone.name.clone(),
            milestone.distance.clone(),
        ]);
    }
    rows.push(vec!["hosts".into(), "all".into(), summary.hosts.to_string()]);
    if summary.expected > summary.hosts {
        let without = (summary.expected - summary.hosts).to_string();
        rows.push(vec!["assets".into(), "without agent".into(), without]);
    }
    let counted = [
        ("phase", &summary.phases),
        ("asset", &summary.assets),
        ("standing", &summary.standing),
    ];
    for (what, counts) in counted {
        for count in counts.iter().filter(|count| count.count > 0) {
            rows.push(vec![what.into(), count.name.clone(), count.count.to_string()]);
        }
    }
    let shares = [
        ("replaced", &summary.replaced),
        ("unknown", &summary.unknown),
        ("protected", &summary.protected),
    ];
    for (name, share) in shares {
        rows.push(vec![
            "headline".into(),
            name.into(),
            format!("{} ({} of {})", share.percent, share.part, share.whole),
        ]);
    }
    output::listing(format, &["what", "name", "figure"], &rows, summary)
}

fn host_rows(hosts: &[HostRow], format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = hosts
        .iter()
        .map(|host| {
            vec![
                host.name.clone(),
                host.phase.clone(),
                host.standing.clone(),
                host.protection.clone(),
                host.reason.clone(),
                last_contact(host.last_contact_ms),
                host.host_id.clone(),
            ]
        })
        .collect();
    output::listing(
        format,
        &["name", "phase", "standing", "protection", "why", "last contact", "id"],
        &rows,
        &hosts,
    )
}

/// What was is answered without it.
fn last_contact(ms: i64) -> String {
    if ms == NOT_KEPT { String::new() } else { instant(ms) }
}

/// Of a log so many lines are listed.
const LOG_LINES: usize = 20;

fn show(host: &HostDetail, format: Format) -> anyhow::Result<()> {
    let mut rows: Vec<Vec<String>> = vec![
        vec!["host".into(), host.row.name.clone(), host.row.host_id.clone()],
        vec!["system".into(), host.row.system.clone(), String::new()],
        vec!["phase".into(), host.row.phase.clone(), host.row.reason.clone()],
        vec!["standing".into(), host.row.standing.clone(), String::new()],
        vec!["protection".into(), host.row.protection.clone(), String::new()],
        vec!["restart pending".into(), host.restart_pending.clone(), String::new()],
        vec!["agent".into(), host.program.clone(), String::new()],
        vec!["reaches".into(), host.network.clone(), String::new()],
    ];
    for line in &host.ahead {
        rows.push(vec!["ahead".into(), line.clone(), String::new()]);
    }
    for line in &host.set {
        rows.push(vec!["set".into(), line.clone(), String::new()]);
    }
    for line in &host.identity {
        rows.push(vec!["identity".into(), line.clone(), String::new()]);
    }
    for line in &host.machine {
        rows.push(vec!["machine".into(), line.clone(), String::new()]);
    }
    for verdict in &host.verdicts {
        rows.push(vec![
            "verdict".into(),
            format!("{} {}", verdict.product, verdict.verdict),
            verdict.evidence.join("; "),
        ]);
    }
    if !host.grade.is_empty() {
        rows.push(vec!["evidence".into(), host.grade.clone(), String::new()]);
    }
    for proof in &host.proofs {
        let milestone = format!("{} {}", proof.milestone, instant(proof.at_ms));
        rows.push(vec!["date proof".into(), milestone, proof.proof.clone()]);
    }
    for finding in &host.findings {
        rows.push(vec!["finding".into(), finding.text.clone(), finding.remedy.clone()]);
    }
    for look in &host.looks {
        rows.push(vec!["imported look".into(), look.text.clone(), look.sha256.clone()]);
    }
    for step in &host.steps {
        let what = format!("order {} {}", step.order, step.step);
        rows.push(vec![
            "step".into(),
            what,
            format!("{} {} {}", instant(step.at_ms), step.event, step.detail),
        ]);
        // What a tool said is worth its room where the step did not go well; `--output json` has it of every step.
        if ["step-failed", "step-interrupted"].contains(&step.event.as_str()) {
            let lines: Vec<&str> = step.log_tail.lines().collect();
            for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
                rows.push(vec![String::new(), "log".into(), (*line).to_owned()]);
            }
        }
    }
    for event in &host.timeline {
        rows.push(vec!["event".into(), instant(event.at_ms), event.text.clone()]);
    }
    let chain = if host.chain_verified {
        "verifies"
    } else {
        "does NOT verify"
    };
    rows.push(vec!["chain".into(), chain.into(), String::new()]);
    output::listing(format, &["what", "", ""], &rows, host)
}

fn why(host: &HostDetail, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => output::json(&[host.why.as_slice(), host.ahead.as_slice(), host.set.as_slice()].concat()),
        Format::Table | Format::Csv => {
            output::text(&format!("{} is {}", host.row.name, host.row.phase));
            for line in &host.why {
                output::text(&format!("  {line}"));
            }
            for line in &host.ahead {
                output::text(&format!("  {line}"));
            }
            for line in &host.set {
                output::text(&format!("  set: {line}"));
            }
            Ok(())
        }
    }
}

fn clones(incidents: &Vec<CloneIncident>, format: Format) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for incident in incidents {
        let (at, sessions) = (instant(incident.opened_ms), incident.sessions.to_string());
        let state = match (incident.refused, incident.waiting) {
            (true, _) => "refused".to_owned(),
            (false, 0) if !incident.machines.is_empty() => "settled".to_owned(),
            (false, waiting) => format!("{waiting} wait"),
        };
        let name = incident.name.clone();
        rows.push(vec![name, incident.host_id.clone(), at, sessions, state]);
        for machine in &incident.machines {
            let state = if machine.settled { "settled" } else { "waits" };
            rows.push(vec![
                format!("  {}", machine.name),
                machine.host_id.clone(),
                instant(machine.at_ms),
                String::new(),
                state.to_owned(),
            ]);
        }
    }
    output::listing(format, &["name", "id", "since", "sessions", "state"], &rows, incidents)
}

fn token(made: &TokenMade, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => output::json(made),
        Format::Table | Format::Csv => {
            output::message(&format!(
                "good for {} hosts until {}; it is shown only now",
                made.uses,
                instant(made.ends_ms)
            ));
            output::message(&format!("CA fingerprint: {}", made.ca_fingerprint));
            output::text(&made.token);
            Ok(())
        }
    }
}

fn reports(reports: &[ReportRow], format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|report| {
            vec![
                report.schedule.clone(),
                report.period.clone(),
                instant(report.made_ms),
                report.delivery.clone(),
                report.files.join(" "),
            ]
        })
        .collect();
    output::listing(
        format,
        &["schedule", "period", "made", "delivery", "files"],
        &rows,
        &reports,
    )
}

/// Prints or checks the rules and recipes that are built in.
pub(crate) fn catalog(command: &Catalog, format: Format) -> anyhow::Result<()> {
    let found = crate::service::built_in_catalog();
    match command {
        Catalog::List { matrix: false } => {
            let rows: Vec<Vec<String>> = found.products.iter().map(ProductView::columns).collect();
            output::listing(format, &ProductView::HEADINGS, &rows, &found.products)
        }
        Catalog::List { matrix: true } => {
            let rows: Vec<Vec<String>> = found.matrix.iter().map(MatrixView::columns).collect();
            output::listing(format, &MatrixView::HEADINGS, &rows, &found.matrix)
        }
        Catalog::Check => {
            for note in &found.notes {
                output::text(note);
            }
            match found.faults.as_slice() {
                [] => {
                    output::message(&format!("{} products, no fault", found.products.len()));
                    Ok(())
                }
                faults => bail!("{}", faults.join("\n")),
            }
        }
    }
}
