//! Imports against the table of arrows.

use std::{collections::BTreeSet, path::Path};

use crate::{
    finding::Finding,
    imports::{Target, imports},
    manifests::Member,
    table::{ANY, Arrows, Row},
    tree::Tree,
};

/// Where a file stands in its crate.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// `src/lib.rs`: declares and re-exports every module.
    Library,
    /// A module below `src`, and how many modules lie between the file and the root.
    Module { name: String, depth: usize },
    /// Tests, benches, examples and the build script: what the crate as a whole may import.
    Beside,
}

/// Checks every import of one file. `inside` is its path inside its crate's directory.
pub(crate) fn check(arrows: &Arrows, krate: &str, file: &Path, inside: &Path, source: &str) -> Vec<Finding> {
    let (row, depth) = match place(inside) {
        Place::Library => (crate_row(arrows, krate), 0),
        Place::Beside => (crate_row(arrows, krate), 0),
        Place::Module { name, depth } => match arrows.row(krate, &name) {
            Some(row) => (
                Row {
                    modules: with_itself(row, &name),
                    ..row.clone()
                },
                depth,
            ),
            None => {
                return vec![Finding::of(
                    file,
                    format!("{krate} has no row for `{name}` in the table of arrows"),
                )];
            }
        },
    };
    let mut findings = Vec::new();
    for import in imports(source, krate, depth) {
        let why = match &import.target {
            Target::Own(name) if !row.own && !row.modules.contains(name) => {
                format!("imports `{name}`, and the table of arrows has no such arrow")
            }
            Target::OwnRoot if !row.own => "imports the crate's root as a whole: name the module".to_owned(),
            Target::Crate(name) if !row.crates.contains(name) => {
                format!("imports {name}, and the table of arrows has no such arrow")
            }
            Target::Own(_) | Target::OwnRoot | Target::Crate(_) => continue,
        };
        findings.push(Finding::at(file, import.line, why));
    }
    findings
}

fn with_itself(row: &Row, name: &str) -> BTreeSet<String> {
    row.modules.iter().cloned().chain([name.to_owned()]).collect()
}

/// What a file outside the crate's modules may import: everything of its own, and every crate that a module may.
fn crate_row(arrows: &Arrows, krate: &str) -> Row {
    let crates = arrows.crates_of(krate).into_iter().map(str::to_owned).collect();
    Row {
        own: true,
        crates,
        ..Row::default()
    }
}

fn place(inside: &Path) -> Place {
    let parts: Vec<_> = inside.iter().filter_map(|part| part.to_str()).collect();
    // `config_tests.rs` is `config::tests` under another name.
    let last = parts.last().map_or("", |last| last.trim_end_matches(".rs"));
    let module = last.strip_suffix("_tests").unwrap_or(last);
    let below = usize::from(module != last);
    match parts[..] {
        ["src", "lib.rs"] => Place::Library,
        ["src", "main.rs"] | ["src", "bin", ..] => Place::Module {
            name: "main".to_owned(),
            depth: 0,
        },
        ["src", _] => Place::Module {
            name: module.to_owned(),
            depth: 1 + below,
        },
        ["src", directory, ..] => {
            // `store/mod.rs` is the module itself, `store/rows.rs` lies one below.
            let depth = parts.len() - 1 - usize::from(last == "mod") + below;
            Place::Module {
                name: directory.to_owned(),
                depth,
            }
        }
        _ => Place::Beside,
    }
}

/// Modules that import each other, however long the way round.
pub(crate) fn circles(arrows: &Arrows, document: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (krate, rows) in &arrows.crates {
        for (module, row) in rows {
            let mut reached = BTreeSet::new();
            let mut open: Vec<&str> = row.modules.iter().map(String::as_str).collect();
            while let Some(next) = open.pop() {
                if reached.insert(next) {
                    open.extend(
                        rows.get(next)
                            .into_iter()
                            .flat_map(|row| &row.modules)
                            .map(String::as_str),
                    );
                }
            }
            if reached.contains(module.as_str()) {
                findings.push(Finding::at(
                    document,
                    row.line,
                    format!("{krate}: the arrows lead from {module} back to it"),
                ));
            }
        }
    }
    findings
}

/// Rows without a crate or a module, and crates without a row.
pub(crate) fn strays(arrows: &Arrows, members: &[Member], tree: &Tree, document: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let Some(rows) = arrows.crates.get(&member.name) else {
            findings.push(Finding::of(
                document,
                format!("{} has no row in the table of arrows", member.name),
            ));
            continue;
        };
        let sources = member.directory.join("src");
        for (module, row) in rows.iter().filter(|(module, _)| *module != ANY) {
            if !tree.holds(&sources.join(format!("{module}.rs"))) && !tree.holds(&sources.join(module).join("mod.rs")) {
                findings.push(Finding::at(
                    document,
                    row.line,
                    format!("{} has no module {module}", member.name),
                ));
            }
        }
    }
    for krate in arrows
        .crates
        .keys()
        .filter(|krate| !members.iter().any(|member| member.name == **krate))
    {
        findings.push(Finding::of(document, format!("the workspace has no crate {krate}")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    fn sample() -> Arrows {
        table::parse(table::tests::SAMPLE).expect("the sample is right")
    }

    fn findings(inside: &str, source: &str) -> Vec<String> {
        let file = Path::new("agent").join(inside);
        let found = check(&sample(), "cutover-agent", &file, Path::new(inside), source);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_of_the_table_passes_and_its_reverse_does_not() {
        assert_eq!(
            findings("src/cli.rs", "use crate::facts::Answer; use cutover_proto::ids;"),
            [""; 0]
        );
        let reverse = findings("src/facts/mod.rs", "\nuse crate::cli::Arguments;");
        assert_eq!(
            reverse,
            ["agent/src/facts/mod.rs:2: imports `cli`, and the table of arrows has no such arrow"]
        );
    }

    #[test]
    fn a_module_may_import_itself() {
        assert_eq!(
            findings("src/facts/linux.rs", "use crate::facts::Answer; use super::Answer;"),
            [""; 0]
        );
    }

    #[test]
    fn another_crate_needs_an_arrow() {
        assert_eq!(findings("src/facts/mod.rs", "use cutover_proto::ids;").len(), 1);
        assert_eq!(findings("src/cli.rs", "fn a() { cutover_server::app::run() }").len(), 1);
        assert_eq!(
            findings("tests/whole.rs", "use cutover_agent::facts; use cutover_server::app;").len(),
            1
        );
        assert_eq!(
            findings("src/lib.rs", "pub use facts::Answer; use cutover_server::app;").len(),
            1
        );
    }

    #[test]
    fn a_module_without_a_row_is_told() {
        assert_eq!(
            findings("src/stray/mod.rs", ""),
            ["agent/src/stray/mod.rs: cutover-agent has no row for `stray` in the table of arrows"]
        );
    }

    #[test]
    fn climbing_out_of_a_deep_file_is_seen() {
        assert_eq!(findings("src/facts/linux/mod.rs", "use super::super::cli::x;").len(), 1);
        assert_eq!(
            findings("src/facts/linux/mounts.rs", "use super::super::super::cli::x;").len(),
            1
        );
        assert_eq!(
            findings("src/facts/linux/mounts.rs", "use super::super::cli::x;").len(),
            0
        );
    }

    #[test]
    fn a_program_imports_its_library_by_name() {
        assert_eq!(
            findings("src/main.rs", "fn main() { cutover_agent::cli::run() }"),
            [""; 0]
        );
        let broken = table::tests::SAMPLE.replace("`cli`, `facts` |", "`facts` |");
        let arrows = table::parse(&broken).expect("still a table");
        let main = Path::new("src/main.rs");
        assert_eq!(
            check(&arrows, "cutover-agent", main, main, "cutover_agent::cli::run()").len(),
            1
        );
    }

    #[test]
    fn a_circle_is_found_however_long() {
        let document = Path::new("d.md");
        assert_eq!(circles(&sample(), document), []);
        let broken = table::tests::SAMPLE.replace("| `facts` | nothing |", "| `facts` | `main` |");
        assert_eq!(
            circles(&table::parse(&broken).expect("still a table"), document).len(),
            3
        );
    }

    #[test]
    fn a_row_for_nothing_and_a_crate_without_a_row_are_found() {
        let root = tempfile::tempdir().expect("a directory for the test");
        let sources = root.path().join("agent/src");
        std::fs::create_dir_all(&sources).expect("can be made");
        for file in ["main.rs", "cli.rs"] {
            std::fs::write(sources.join(file), "").expect("can be written");
        }
        let tree = Tree::walk(root.path().to_owned()).expect("can be read");
        let member = |name: &str, directory: &str| Member::bare(name, directory);
        let members = [member("cutover-agent", "agent"), member("cutover-core", "core")];
        let found = strays(&sample(), &members, &tree, Path::new("d.md"));
        let texts: Vec<_> = found.iter().map(|finding| finding.what.as_str()).collect();
        let expected = [
            "cutover-agent has no module facts",
            "cutover-core has no row in the table of arrows",
            "the workspace has no crate cutover-proto",
        ];
        assert_eq!(texts, expected);
    }
}
