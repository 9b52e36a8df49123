//! `cutover assets`: what other systems know of machines.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, bail};
use base64::Engine as _;
use clap::Subcommand;
use cutover_core::{
    coverage::{
        Ownership,
        import::{DiskReport, Field, MAX_BYTES},
    },
    report::instant,
};

use super::{
    client::Client,
    import_scan::verdict_rows,
    output::{self, Format},
    pages,
};
use crate::{
    api::{Ask, Done},
    service::{AssetDetail, AssetImport, AssetList, AssetView, AssetsImported, AttestAsset, MatchAsset},
};

/// Assets.
#[derive(Debug, Subcommand)]
pub enum Assets {
    /// Takes an export: all of its lines or, with --skip-bad, the good ones. The same source again updates its assets.
    Import {
        /// CSV in UTF-8 or UTF-16, separated by commas, semicolons or tabs.
        file: PathBuf,
        /// What the export is called from now on, such as ad or ksc-berlin [default: the preset's name].
        #[arg(long, required_unless_present = "preset")]
        source: Option<String>,
        /// The columns of a known export: active-directory, crowdstrike, intune, kaspersky-security-center.
        #[arg(long)]
        preset: Option<String>,
        /// Which column says what, such as serial=SerialNumber; without a column the field is left out. May be given several
        /// times, and goes before the mapping file and the preset.
        #[arg(long = "map", value_name = "FIELD=COLUMN")]
        map: Vec<String>,
        /// A mapping as TOML: `[columns]`, `[values.FIELD]`, `[fixed]`, `date_format`, `zone`.
        #[arg(long, value_name = "FILE")]
        mapping: Option<PathBuf>,
        /// What all of them are: workstation, server, phone, appliance, svm, ot.
        #[arg(long)]
        class: Option<String>,
        /// How instants are written, in the signs of strftime, such as '%m/%d/%Y %I:%M:%S %p'.
        #[arg(long)]
        date_format: Option<String>,
        /// The zone of instants that carry none, such as America/New_York.
        #[arg(long)]
        zone: Option<String>,
        /// It is a record from before, such as a report of the old console from before the cutoff: what it says of the product
        /// is attested evidence for what was so then, and not what is so now. Needs --dated.
        #[arg(long, requires = "dated")]
        as_evidence: bool,
        /// When that record was made, with its zone.
        #[arg(long, value_name = "INSTANT", requires = "as_evidence")]
        dated: Option<String>,
        /// Leaves lines out that are wrong, and lists them.
        #[arg(long)]
        skip_bad: bool,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Every asset, or those that match.
    List {
        /// Only those that a person must match.
        #[arg(long, conflicts_with = "unmatched")]
        ambiguous: bool,
        /// Only those without agent.
        #[arg(long)]
        unmatched: bool,
        /// Only those that their source no longer names.
        #[arg(long)]
        missing: bool,
        /// Only this source's.
        #[arg(long)]
        source: Option<String>,
    },
    /// One asset with the looks that were imported of its machine, and the verdict on each product.
    Show {
        /// Asset id or name.
        asset: String,
    },
    /// Says what no agent can see, until an end.
    Attest {
        /// Asset id or name.
        asset: String,
        /// What is so: clear (never had it), replaced, carries, gone.
        #[arg(long = "as", value_name = "CLAIM")]
        claim: String,
        /// Until when, with its zone, such as 2027-01-31T00:00:00Z.
        #[arg(long)]
        until: String,
        /// By what it is known.
        #[arg(long)]
        why: String,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Says which host an asset is. Without --host and --no-host its identifiers decide again.
    Match {
        /// Asset id or name.
        asset: String,
        /// Host id or name.
        #[arg(long, conflicts_with = "no_host")]
        host: Option<String>,
        /// It is none of the hosts.
        #[arg(long)]
        no_host: bool,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Erases who owns an asset, and who attested it and why.
    ErasePersonal {
        /// Asset id or name.
        asset: String,
        /// Only says how much there is.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn ask(command: &Assets, client: &Client, format: Format) -> anyhow::Result<()> {
    match command {
        Assets::Import {
            file,
            source,
            preset,
            map,
            mapping,
            class,
            date_format,
            zone,
            as_evidence: _,
            dated,
            skip_bad,
            dry_run,
        } => {
            let size = fs::metadata(file)
                .with_context(|| format!("cannot read {}", file.display()))?
                .len();
            if size > MAX_BYTES as u64 {
                bail!("{} has {size} bytes; {MAX_BYTES} are read at most", file.display());
            }
            let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let preset = preset.clone().unwrap_or_default();
            let own = OwnMapping {
                map,
                file: mapping.as_ref(),
                class: class.as_deref(),
                date_format: date_format.as_deref(),
                zone: zone.as_deref(),
            };
            let import = AssetImport {
                source: source.clone().unwrap_or_else(|| preset.clone()),
                preset,
                mapping: own.toml()?,
                content: base64::engine::general_purpose::STANDARD.encode(content),
                evidence_of: dated.clone().unwrap_or_default(),
                skip_bad: *skip_bad,
                dry_run: *dry_run,
            };
            imported(&client.post("assets/imports", &import).await?, format)
        }
        Assets::List {
            ambiguous,
            unmatched,
            missing,
            source,
        } => {
            let mut query = Vec::new();
            if *ambiguous || *unmatched {
                let is = if *ambiguous { "ambiguous" } else { "alone" };
                query.push(("is", is.to_owned()));
            }
            if *missing {
                query.push(("missing", "true".to_owned()));
            }
            query.extend(source.clone().map(|source| ("source", source)));
            list(&pages::all::<AssetList>(client, "assets", query).await?, format)
        }
        Assets::Show { asset } => show(&client.get(&format!("assets/{asset}"), &[]).await?, format),
        Assets::Attest {
            asset,
            claim,
            until,
            why,
            dry_run,
        } => {
            let ask = AttestAsset {
                claim: claim.clone(),
                until: until.clone(),
                why: why.clone(),
                dry_run: *dry_run,
            };
            said(&client.post(&format!("assets/{asset}/attest"), &ask).await?, format)
        }
        Assets::Match {
            asset,
            host,
            no_host,
            dry_run,
        } => {
            let ask = MatchAsset {
                host: host.clone(),
                no_host: *no_host,
                dry_run: *dry_run,
            };
            said(&client.post(&format!("assets/{asset}/match"), &ask).await?, format)
        }
        Assets::ErasePersonal { asset, dry_run } => {
            let ask = Ask { dry_run: *dry_run };
            said(
                &client.post(&format!("assets/{asset}/erase-personal"), &ask).await?,
                format,
            )
        }
    }
}

/// What the command line says of columns.
struct OwnMapping<'a> {
    map: &'a [String],
    file: Option<&'a PathBuf>,
    class: Option<&'a str>,
    date_format: Option<&'a str>,
    zone: Option<&'a str>,
}

impl OwnMapping<'_> {
    /// All of it as one mapping; the command line goes before the file.
    fn toml(&self) -> anyhow::Result<String> {
        let text = match self.file {
            Some(file) => fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
            None => String::new(),
        };
        let mut table: toml::Table = text.parse().context("the mapping file is no TOML")?;
        let mut columns: BTreeMap<Field, Vec<String>> = BTreeMap::new();
        for said in self.map {
            let Some((field, column)) = said.split_once('=') else {
                bail!("`{said}` maps nothing; write FIELD=COLUMN, such as serial=SerialNumber");
            };
            let field = Field::parse(field.trim())?;
            let column = column.trim();
            columns
                .entry(field)
                .or_default()
                .extend((!column.is_empty()).then(|| column.to_owned()));
        }
        put(
            &mut table,
            "columns",
            columns
                .into_iter()
                .map(|(field, names)| (field.to_string(), names.into())),
        )?;
        put(
            &mut table,
            "fixed",
            self.class.map(|class| (Field::Class.to_string(), class.into())),
        )?;
        for (key, value) in [("date_format", self.date_format), ("zone", self.zone)] {
            if let Some(value) = value {
                table.insert(key.to_owned(), value.into());
            }
        }
        Ok(toml::to_string(&table)?)
    }
}

fn put(
    table: &mut toml::Table,
    section: &str,
    entries: impl IntoIterator<Item = (String, toml::Value)>,
) -> anyhow::Result<()> {
    for (key, value) in entries {
        let inner = table
            .entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut();
        let Some(inner) = inner else {
            bail!("`{section}` of the mapping file is no table");
        };
        inner.insert(key, value);
    }
    Ok(())
}

fn said(done: &Done, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => output::json(done),
        Format::Table | Format::Csv => {
            output::text(&done.done);
            Ok(())
        }
    }
}

fn imported(done: &AssetsImported, format: Format) -> anyhow::Result<()> {
    for unsure in &done.unconfirmed {
        output::message(&format!("not confirmed: {unsure}"));
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (field, column) in &done.columns {
        rows.push(vec!["column".into(), field.clone(), column.clone()]);
    }
    for note in &done.notes {
        rows.push(vec!["note".into(), String::new(), note.clone()]);
    }
    for fault in &done.faults {
        rows.push(vec![
            "left out".into(),
            format!("line {}", fault.line),
            fault.why.clone(),
        ]);
    }
    for name in &done.missing {
        rows.push(vec!["no longer named".into(), name.clone(), "stays, and counts".into()]);
    }
    output::message(&done.done);
    output::listing(format, &["what", "", ""], &rows, done)
}

fn list(assets: &[AssetView], format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = assets
        .iter()
        .map(|asset| {
            vec![
                asset.name.clone(),
                asset.source.clone(),
                asset.class.clone(),
                asset.why.clone(),
                asset.counts.clone(),
                asset.attested.clone(),
                asset.owner.clone(),
                asset.missing_ms.map_or_else(String::new, instant),
                asset.seen.clone(),
                asset.asset_id.clone(),
            ]
        })
        .collect();
    output::listing(
        format,
        &[
            "name",
            "source",
            "class",
            "is",
            "counts as",
            "attested",
            "owner",
            "not named since",
            "seen",
            "id",
        ],
        &rows,
        &assets,
    )
}

fn show(detail: &AssetDetail, format: Format) -> anyhow::Result<()> {
    let it = &detail.asset;
    let row = |what: &str, one: &str, other: &str| vec![what.to_owned(), one.to_owned(), other.to_owned()];
    let mut rows = vec![
        row("asset", &it.name, &it.asset_id),
        row("named by", &it.source, &it.class),
        row("is", &it.why, &it.host_id),
        row("counts as", &it.counts, &it.seen),
        row("attested", &it.attested, &it.owner),
        row("ownership", it.said.ownership.map_or("unknown", Ownership::as_str), ""),
        row(
            "disks, says the source",
            it.said.encryption.map_or("", DiskReport::as_str),
            "",
        ),
    ];
    for (source, id) in &detail.same {
        rows.push(row("the same machine", source, id));
    }
    for proof in &detail.proofs {
        rows.push(row(
            "date proof",
            &format!("{} {}", proof.milestone, instant(proof.at_ms)),
            &proof.proof,
        ));
    }
    for finding in &detail.findings {
        rows.push(row("finding", &finding.text, &finding.remedy));
    }
    for look in &detail.looks {
        rows.push(row("imported look", &look.text, &look.sha256));
        let judged = format!(
            "rules revision {}, catalog revision {}, campaign version {}",
            look.rules_revision, look.catalog_revision, look.campaign_version
        );
        rows.push(row("judged by", &judged, &look.file_name));
        rows.extend(verdict_rows(&look.verdicts));
    }
    output::listing(format, &["what", "", ""], &rows, detail)
}
