//! Keeps the house in order: reads the tree as text and fails on what the compiler and clippy cannot see.
//!
//! Each checker is a function over text with tests of its own on planted violations; this file only walks the tree and
//! asks them. What a finding means and what to do about it stands in the finding.

mod arrows;
mod finding;
mod hosts;
mod imports;
mod links;
mod manifests;
mod matrix;
mod pure_agent;
mod rust_source;
mod sources;
mod table;
mod tree;
mod wmi;

use std::path::Path;

use finding::Finding;
use table::Arrows;
use tree::Tree;

/// Where the table of arrows stands.
const ARROWS: &str = "docs/ARCHITECTURE.md";

fn arrows(tree: &Tree) -> Arrows {
    let text = tree
        .text(Path::new(ARROWS))
        .expect("docs/ARCHITECTURE.md holds the table of arrows");
    table::parse(&text).expect("the table of arrows can be read")
}

/// Every Rust file with the crate it belongs to and its path inside that crate.
fn checked_sources(
    tree: &Tree,
    check: impl Fn(&manifests::Member, &Path, &Path, &str) -> Vec<Finding>,
) -> Vec<Finding> {
    let members = manifests::members(tree).expect("the workspace's manifests can be read");
    let mut findings = Vec::new();
    let mut seen = 0;
    for file in tree.with_extension("rs") {
        let member = manifests::owner(&members, file).expect("every Rust file lies in a crate of the workspace");
        let inside = file
            .strip_prefix(&member.directory)
            .expect("the owner's directory is a prefix");
        let text = tree.text(file).expect("a Rust file is UTF-8");
        findings.extend(check(member, file, inside, &text));
        seen += 1;
    }
    assert!(seen > 20, "only {seen} Rust files found: the walk is broken");
    findings
}

fn expect_none(findings: &[Finding]) {
    assert!(
        findings.is_empty(),
        "\n{}\n",
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn the_table_of_arrows_has_no_circle() {
    expect_none(&arrows::circles(&arrows(&Tree::of_the_workspace()), Path::new(ARROWS)));
}

#[test]
fn the_table_of_arrows_names_what_there_is() {
    let tree = Tree::of_the_workspace();
    let members = manifests::members(&tree).expect("the workspace's manifests can be read");
    expect_none(&arrows::strays(&arrows(&tree), &members, &tree, Path::new(ARROWS)));
}

#[test]
fn imports_follow_the_arrows() {
    let tree = Tree::of_the_workspace();
    let arrows = arrows(&tree);
    expect_none(&checked_sources(&tree, |member, file, inside, text| {
        arrows::check(&arrows, &member.name, file, inside, text)
    }));
}

#[test]
fn manifests_follow_the_arrows() {
    let tree = Tree::of_the_workspace();
    let arrows = arrows(&tree);
    let members = manifests::members(&tree).expect("the workspace's manifests can be read");
    expect_none(
        &members
            .iter()
            .flat_map(|member| manifests::check(member, &arrows))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn only_clock_files_read_clocks() {
    expect_none(&checked_sources(&Tree::of_the_workspace(), |_, file, _, text| {
        sources::clock_reads(file, text)
    }));
}

#[test]
fn rust_files_stay_short() {
    expect_none(&checked_sources(&Tree::of_the_workspace(), |_, file, _, text| {
        sources::too_long(file, text)
    }));
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    expect_none(&checked_sources(&Tree::of_the_workspace(), |_, file, _, text| {
        sources::allowed_lints(file, text)
    }));
}

#[test]
fn nothing_is_left_to_do_at_run_time() {
    expect_none(&checked_sources(&Tree::of_the_workspace(), |_, file, _, text| {
        sources::unfinished(file, text)
    }));
}

#[test]
fn no_test_is_left_out() {
    expect_none(&checked_sources(&Tree::of_the_workspace(), |_, file, _, text| {
        sources::ignored_tests(file, text)
    }));
}

#[test]
fn modules_have_names_of_their_own() {
    expect_none(&checked_sources(&Tree::of_the_workspace(), |_, file, _, _| {
        sources::nameless(file)
    }));
}

#[test]
fn one_tls_stack_is_in_the_lock_file() {
    let tree = Tree::of_the_workspace();
    let lock = tree.text(Path::new("Cargo.lock")).expect("Cargo.lock is committed");
    expect_none(&manifests::second_tls_stack(Path::new("Cargo.lock"), &lock));
}

#[test]
fn no_file_names_a_package_registry() {
    let tree = Tree::of_the_workspace();
    let mut findings = Vec::new();
    // Lock files are cargo's own and name the registry in every entry.
    for file in tree.files().filter(|file| !file.ends_with("Cargo.lock")) {
        findings.extend(hosts::named(file, &tree.bytes(file)));
    }
    expect_none(&findings);
}

#[test]
fn nobody_asks_windows_for_its_class_of_installed_programs() {
    let tree = Tree::of_the_workspace();
    let mut findings = Vec::new();
    // Documents say why.
    for file in tree.files().filter(|file| file.extension().is_none_or(|it| it != "md")) {
        findings.extend(wmi::named(file, &tree.bytes(file)));
    }
    expect_none(&findings);
}

#[test]
fn what_the_matrix_says_ran_is_a_test_that_is_there() {
    let tree = Tree::of_the_workspace();
    let text = tree
        .text(Path::new(matrix::FILE))
        .expect("the matrix is there, and UTF-8");
    expect_none(&matrix::check(&text, &|path| tree.text(path)));
}

#[test]
fn relative_links_lead_somewhere() {
    let tree = Tree::of_the_workspace();
    let mut findings = Vec::new();
    for file in tree.with_extension("md") {
        let text = tree.text(file).expect("a document is UTF-8");
        findings.extend(links::dead(file, &text, &|path| tree.look_up(path)));
    }
    expect_none(&findings);
}

#[test]
fn the_packaged_server_knows_only_the_pure_part_of_the_agent() {
    let tree = Tree::of_the_workspace();
    let text = |path: &str| tree.text(Path::new(path)).expect("there, and UTF-8");
    let manifest = |path: &str| text(path).parse::<toml::Table>().expect("TOML");
    expect_none(&pure_agent::manifests(
        &manifest("Cargo.toml"),
        &manifest("server/Cargo.toml"),
    ));
    let file = Path::new(pure_agent::EXCEPTION);
    expect_none(&pure_agent::imports(file, &text(pure_agent::EXCEPTION)));
}
