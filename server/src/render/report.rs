//! The deadline report as HTML for people and CSV for spreadsheets. Both say what the figures say, and no more.

use askama::Template;
use cutover_core::report::{Figures, StuckHost, csv_cell, distance, instant, percent};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template failed.
    #[error("report cannot be written as HTML: {0}")]
    Html(#[from] askama::Error),
    /// The writer failed.
    #[error("report cannot be written as CSV: {0}")]
    Csv(String),
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    figures: &'a Figures,
    at: String,
    late: bool,
    milestones: Vec<MilestoneRow<'a>>,
    standings: Vec<CountRow<'a>>,
    phases: Vec<CountRow<'a>>,
    migrated: i64,
    grades: Vec<CountRow<'a>>,
    stuck: Vec<StuckRow<'a>>,
}

struct MilestoneRow<'a> {
    name: &'a str,
    regime: &'a str,
    note: &'a str,
    at: String,
    distance: String,
}

struct CountRow<'a> {
    name: &'a str,
    count: i64,
    percent: String,
}

struct StuckRow<'a> {
    host: &'a StuckHost,
    since: String,
}

/// For people. `late` marks one that was made after its time.
///
/// # Errors
/// When the template fails.
pub fn report_html(figures: &Figures, late: bool) -> Result<String, RenderError> {
    let page = ReportPage {
        figures,
        at: instant(figures.at_ms),
        late,
        milestones: figures
            .milestones
            .iter()
            .map(|milestone| MilestoneRow {
                name: &milestone.name,
                regime: &milestone.regime,
                note: &milestone.note,
                at: instant(milestone.at_ms),
                distance: distance(milestone.days, milestone.past),
            })
            .collect(),
        standings: counts(&figures.standings, figures.hosts),
        phases: counts(&figures.phases, figures.hosts),
        migrated: migrated(figures),
        grades: counts(&figures.grades, migrated(figures)),
        stuck: figures
            .stuck
            .iter()
            .map(|host| StuckRow {
                host,
                since: instant(host.since_ms),
            })
            .collect(),
    };
    Ok(page.render()?)
}

/// For spreadsheets: one table with a column that says what each line is.
///
/// # Errors
/// When the writer fails.
pub fn report_csv(figures: &Figures) -> Result<String, RenderError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let hosts = figures.hosts.to_string();
    let mut lines: Vec<[String; 6]> = vec![
        line(
            "campaign",
            &figures.campaign_id,
            &figures.campaign_version.to_string(),
            "",
            "",
            &instant(figures.at_ms),
        ),
        line("headline", "replaced", &figures.replaced, "", "", ""),
        line("headline", "unknown", &figures.unknown, "", "", ""),
        line("hosts", "all", &hosts, &hosts, "", ""),
    ];
    for milestone in &figures.milestones {
        let distance = distance(milestone.days, milestone.past);
        lines.push(line(
            "milestone",
            &milestone.name,
            &distance,
            "",
            &milestone.note,
            &instant(milestone.at_ms),
        ));
    }
    for (what, rows) in [("standing", &figures.standings), ("phase", &figures.phases)] {
        lines.extend(
            rows.iter()
                .map(|(name, count)| line(what, name, &count.to_string(), &hosts, "", "")),
        );
    }
    let migrated = migrated(figures).to_string();
    lines.extend(
        figures
            .grades
            .iter()
            .map(|(name, count)| line("grade", name, &count.to_string(), &migrated, "", "")),
    );
    for host in &figures.stuck {
        lines.push(line(
            "stuck",
            &host.hostname,
            &host.phase,
            &host.reason,
            &host.remedy,
            &instant(host.since_ms),
        ));
    }
    lines.extend(figures.notes.iter().map(|note| line("note", "", "", "", note, "")));
    let failed = |error: csv::Error| RenderError::Csv(error.to_string());
    writer
        .write_record(["what", "name", "value", "of or why", "note or remedy", "at"])
        .map_err(failed)?;
    for cells in &lines {
        writer
            .write_record(cells.iter().map(|cell| csv_cell(cell).into_owned()))
            .map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| RenderError::Csv(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| RenderError::Csv(error.to_string()))
}

/// Of all of them, whatever their grade.
fn migrated(figures: &Figures) -> i64 {
    figures.grades.iter().map(|(_, hosts)| hosts).sum()
}

fn line(what: &str, name: &str, value: &str, of: &str, note: &str, at: &str) -> [String; 6] {
    [what, name, value, of, note, at].map(str::to_owned)
}

fn counts(rows: &[(String, i64)], whole: i64) -> Vec<CountRow<'_>> {
    rows.iter()
        .map(|(name, count)| CountRow {
            name,
            count: *count,
            percent: percent(*count, whole),
        })
        .collect()
}
