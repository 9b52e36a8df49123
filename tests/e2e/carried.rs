//! Looks that a person carries to the server: a machine without a network, and a Windows that no agent runs on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use cutover_tests::harness::debian_root::{DebianRoot, readiness};
use cutover_tests::harness::{binaries, packages, release, requirement};
use serde_json::Value;

use crate::server::Server;

const LIMIT: Duration = Duration::from_secs(60);
const AGENT: &str = "/usr/bin/cutover-agent";

/// Made by hand as the collector writes it; the product's names are genuine.
fn collection(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/collections").join(name)
}

fn json(server: &Server, line: &[&str]) -> Result<Value> {
    let said = server.cutover(&[line, &["--output", "json"]].concat())?.succeeded()?;
    serde_json::from_str(&said.stdout).with_context(|| said.stdout.clone())
}

fn import(server: &Server, file: &Path) -> Result<Value> {
    json(server, &["import-scan", file.to_str().context("a path in UTF-8")?])
}

fn verdict<'v>(look: &'v Value, product: &str) -> Option<&'v str> {
    let verdicts = look["verdicts"].as_array()?;
    verdicts.iter().find(|it| it["product"] == product)?["verdict"].as_str()
}

#[test]
fn a_machine_without_a_network_signs_its_look_and_the_server_takes_it_in() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("carried")?;
    packages::plant(&root)?;
    release::install(&root, "agent", &binaries::agent()?)?;
    let looked = root.run(&[AGENT, "scan", "--sign", "--out", "/root/look.signed"], LIMIT)?;
    assert_eq!(looked.code(), Some(10), "{looked:?}");
    let signed = root.outside("/root/look.signed");

    let server = Server::start()?;
    let done = import(&server, &signed)?;
    assert_eq!(
        (&done["vouched"], &done["found"]),
        (&"signed".into(), &"carries".into()),
        "{done}"
    );
    assert!(
        verdict(&done, "kesl").is_some_and(|it| it == "installed" || it == "running"),
        "{done}"
    );
    let name = done["name"].as_str().context("a name")?;
    let listed = json(&server, &["assets", "list"])?;
    let rows: Vec<_> = listed.as_array().into_iter().flatten().collect();
    assert_eq!(rows.len(), 1, "{listed}");
    assert_eq!(
        (&rows[0]["name"], &rows[0]["counts"]),
        (&name.into(), &"seen-carries".into())
    );
    let shown = server.cutover(&["assets", "show", name])?.succeeded()?.stdout;
    for part in ["seen carrying at", "self-reported", "not watched", "verdict", "kesl"] {
        assert!(shown.contains(part), "no `{part}` in {shown}");
    }

    let again = import(&server, &signed)?;
    assert!(
        again["done"].as_str().is_some_and(|done| done.contains("already")),
        "{again}"
    );
    let text = fs::read_to_string(&signed)?;
    let changed = server.data_dir().join("changed.signed");
    let digit = if text.trim_end().ends_with('0') { "1" } else { "0" };
    fs::write(
        &changed,
        format!("{}{digit}\n", &text.trim_end()[..text.trim_end().len() - 1]),
    )?;
    let refused = server.cutover(&["import-scan", changed.to_str().context("a path in UTF-8")?])?;
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused.stderr.contains("changed after it was signed"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        json(&server, &["assets", "show", name])?["looks"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    Ok(())
}

#[test]
fn what_the_collector_wrote_is_judged_as_an_agent_would_and_a_later_look_takes_its_place() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let server = Server::start()?;
    let kes = collection("old-7-with-kes.txt");
    let dry = server.cutover(&["import-scan", kes.to_str().context("a path in UTF-8")?, "--dry-run"])?;
    assert!(dry.succeeded()?.stderr.contains("would import"));
    assert_eq!(
        json(&server, &["assets", "list"])?,
        Value::Array(Vec::new()),
        "nothing was imported"
    );

    let done = import(&server, &kes)?;
    assert_eq!(
        (&done["vouched"], &done["found"]),
        (&"collected".into(), &"carries".into()),
        "{done}"
    );
    assert_eq!(verdict(&done, "kes-windows"), Some("running"), "{done}");
    let clean = import(&server, &collection("old-7-clean.txt"))?;
    assert_eq!(
        (&clean["found"], &clean["is_newest"]),
        (&"free".into(), &true.into()),
        "{clean}"
    );
    let shown = json(&server, &["assets", "show", "OLD-7"])?;
    assert_eq!(shown["counts"], "seen-unreplaced", "{shown}");
    assert_eq!(shown["looks"].as_array().map(Vec::len), Some(2));
    Ok(())
}
