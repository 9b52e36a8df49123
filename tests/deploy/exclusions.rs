//! The lists that let the agent in, made from packages of the test's own.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use cutover_tests::harness::{
    process::{Finished, find, run, tool},
    requirement,
};

use crate::shipped::path;

const LIMIT: Duration = Duration::from_secs(120);
const INSTALLED: &str = r"C:\Program Files\Cutover\cutover-agent.exe";

const WXS: &str = r#"<?xml version="1.0"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="*" Name="Cutover agent" Language="1033" Version="0.1.0" Manufacturer="Cutover" UpgradeCode="3f0a6c1e-2222-4333-8444-555555555555">
<Package InstallerVersion="200" Compressed="yes"/><Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFiles64Folder"><Directory Id="D" Name="Cutover">
<Component Id="C" Guid="3f0a6c1e-2222-4333-8444-555555555556"><File Id="F" Source="cutover-agent.exe"/></Component>
</Directory></Directory></Directory><Feature Id="E" Level="1"><ComponentRef Id="C"/></Feature></Product></Wix>
"#;

/// The smallest program of Windows that tools take for one: headers, and one section of nothing.
fn program() -> Vec<u8> {
    let mut bytes = vec![0_u8; 1024];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, b"MZ");
    put(0x3c, &64_u32.to_le_bytes());
    put(64, b"PE\0\0");
    // COFF header: x86-64, one section, 240 bytes of optional header, executable.
    put(68, &0x8664_u16.to_le_bytes());
    put(70, &1_u16.to_le_bytes());
    put(84, &240_u16.to_le_bytes());
    put(86, &0x22_u16.to_le_bytes());
    // Optional header, PE32+: alignments, sizes, console, 16 directories.
    put(88, &0x20b_u16.to_le_bytes());
    put(88 + 32, &4096_u32.to_le_bytes());
    put(88 + 36, &512_u32.to_le_bytes());
    put(88 + 56, &8192_u32.to_le_bytes());
    put(88 + 60, &512_u32.to_le_bytes());
    put(88 + 68, &3_u16.to_le_bytes());
    put(88 + 108, &16_u32.to_le_bytes());
    // The section: 512 bytes at 512.
    put(328, b".text");
    for (at, value) in [(336, 512_u32), (340, 4096), (344, 512), (348, 512)] {
        put(at, &value.to_le_bytes());
    }
    bytes
}

fn works(program: &str, dir: &Path, args: &[&str]) -> Result<Finished> {
    said(program, dir, args)?.succeeded()
}

fn said(program: &str, dir: &Path, args: &[&str]) -> Result<Finished> {
    let mut command = tool(program);
    command.current_dir(dir).args(args);
    run(command, LIMIT)
}

fn sha256(dir: &Path, file: &str) -> Result<String> {
    let said = works("sha256sum", dir, &[file])?.stdout;
    Ok(said.split(' ').next().unwrap_or_default().to_owned())
}

/// Packages: `agent.deb`, `plain.msi`, and `signed.msi` by a key that is thrown away.
fn packages(dir: &Path) -> Result<()> {
    let root = dir.join("deb");
    fs::create_dir_all(root.join("DEBIAN"))?;
    fs::create_dir_all(root.join("usr/bin"))?;
    fs::write(root.join("usr/bin/cutover-agent"), "a program of Linux\n")?;
    fs::write(
        root.join("DEBIAN/control"),
        "Package: cutover-agent\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\nDescription: a test\n",
    )?;
    works("dpkg-deb", dir, &["--root-owner-group", "-b", "deb", "agent.deb"])?;
    fs::write(dir.join("cutover-agent.wxs"), WXS)?;
    fs::write(dir.join("cutover-agent.exe"), program())?;
    works("wixl", dir, &["-a", "x64", "-o", "plain.msi", "cutover-agent.wxs"])?;
    let subject = "/C=US/ST=New York/O=Cutover Test, Inc/CN=Test";
    let key = [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject,
    ];
    works(
        "openssl",
        dir,
        &[&key[..], &["-keyout", "key.pem", "-out", "signer.pem"]].concat(),
    )?;
    fs::rename(dir.join("cutover-agent.exe"), dir.join("unsigned.exe"))?;
    let sign = ["sign", "-h", "sha256", "-certs", "signer.pem", "-key", "key.pem"];
    works(
        "osslsigncode",
        dir,
        &[&sign[..], &["-in", "unsigned.exe", "-out", "cutover-agent.exe"]].concat(),
    )?;
    works("wixl", dir, &["-a", "x64", "-o", "signed.msi", "cutover-agent.wxs"])?;
    Ok(())
}

/// Whether what the test needs is there.
fn can_run() -> Result<bool> {
    let needs = [
        ("wixl", "wixl"),
        ("msiextract", "msitools"),
        ("osslsigncode", "osslsigncode"),
        ("openssl", "openssl"),
    ];
    let missing = needs.iter().find(|(program, _)| find(program).is_none());
    requirement::met(missing.map_or(Ok(()), |(program, package)| {
        Err(anyhow::anyhow!("{program} is missing: apt-get install {package}"))
    }))
}

fn lists(dir: &Path, out: &str, packages: &[&str]) -> Result<BTreeMap<String, String>> {
    let script = path("exclusions");
    works(
        script.to_str().context("a path")?,
        dir,
        &[&["--out", out], packages].concat(),
    )?;
    let mut lists = BTreeMap::new();
    for entry in fs::read_dir(dir.join(out))? {
        let entry = entry?;
        lists.insert(
            entry.file_name().to_string_lossy().into_owned(),
            fs::read_to_string(entry.path())?,
        );
    }
    Ok(lists)
}

/// The hash in an attribute of this name.
fn attribute<'t>(text: &'t str, name: &str) -> &'t str {
    let from = text.split_once(&format!("{name}=\"")).map_or("", |(_, from)| from);
    from.split('"').next().unwrap_or_default()
}

#[test]
fn exclusions_bear_the_paths_hashes_and_signer_of_the_packages() -> Result<()> {
    if !can_run()? {
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    packages(dir)?;
    let signed = lists(dir, "signed", &["agent.deb", "signed.msi"])?;
    let (linux, windows) = (
        sha256(dir, "deb/usr/bin/cutover-agent")?,
        sha256(dir, "cutover-agent.exe")?,
    );

    let falcon: serde_json::Value = serde_json::from_str(&signed["falcon.json"])?;
    let indicator = |at: usize| {
        (
            &falcon["indicators"][at]["value"],
            &falcon["indicators"][at]["description"],
        )
    };
    assert_eq!(indicator(0), (&windows.as_str().into(), &INSTALLED.into()));
    assert_eq!(indicator(1), (&linux.as_str().into(), &"/usr/bin/cutover-agent".into()));
    assert!(signed["defender.ps1"].contains(&format!("-ExclusionProcess '{INSTALLED}'")));
    assert!(signed["defender-linux.sh"].contains("--path '/usr/bin/cutover-agent'"));

    // What Windows' policies go by is what the signature covers, and no signature changes it.
    let image = attribute(&signed["applocker.xml"], "Data").to_owned();
    let covered = said("osslsigncode", dir, &["verify", "-in", "cutover-agent.exe"])?.stdout;
    let covered = covered
        .lines()
        .find_map(|line| line.trim().strip_prefix("Current message digest"));
    let covered = covered
        .and_then(|rest| rest.split(':').nth(1))
        .context("it is signed")?;
    assert_eq!(image, format!("0x{}", covered.trim()));
    assert_eq!(format!("0x{}", attribute(&signed["wdac.xml"], " Hash")), image);
    assert_eq!(
        attribute(&signed["applocker.xml"], "PublisherName"),
        "O=&quot;CUTOVER TEST, INC&quot;, S=NEW YORK, C=US"
    );
    assert!(!signed["exclusions.txt"].contains("NOT SIGNED"));

    let plain = lists(dir, "plain", &["plain.msi"])?;
    assert_eq!(attribute(&plain["applocker.xml"], "Data"), image);
    assert!(!plain["applocker.xml"].contains("FilePublisherRule"));
    assert!(plain["exclusions.txt"].contains("NOT SIGNED"));
    assert!(plain["exclusions.txt"].contains(&sha256(dir, "unsigned.exe")?));
    Ok(())
}

#[test]
fn a_package_of_another_kind_is_refused_with_words() -> Result<()> {
    let dir = tempfile::tempdir()?;
    fs::write(dir.path().join("agent.zip"), "x")?;
    let script = path("exclusions");
    let said = said(
        script.to_str().context("a path")?,
        dir.path(),
        &["--out", "out", "agent.zip"],
    )?;
    assert_eq!(said.code(), Some(2));
    assert!(said.stderr.contains("is no .deb, .rpm or .msi"), "{}", said.stderr);
    Ok(())
}
