//! Checks on manifests and on the lock file.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::{finding::Finding, table::Arrows, tree::Tree};

/// What the pure core must not know, not even for its tests.
const NOT_IN_THE_CORE: [&str; 8] = [
    "tokio",
    "rusqlite",
    "postgres",
    "tonic",
    "axum",
    "reqwest",
    "async-trait",
    "futures-util",
];

/// A second TLS stack, or the way to one (docs/decisions/0003).
const SECOND_TLS_STACK: [&str; 5] = ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls", "hyper-tls"];

/// A crate of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its package name.
    pub(crate) name: String,
    /// Relative to the workspace's root.
    pub(crate) directory: PathBuf,
    manifest: Table,
}

impl Member {
    /// One with an empty manifest, for tests.
    #[cfg(test)]
    pub(crate) fn bare(name: &str, directory: &str) -> Self {
        Self {
            name: name.to_owned(),
            directory: PathBuf::from(directory),
            manifest: Table::new(),
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.join("Cargo.toml")
    }
}

/// Reads the workspace's manifest and those of its members.
///
/// # Errors
/// Names the manifest that cannot be read.
pub(crate) fn members(tree: &Tree) -> Result<Vec<Member>, String> {
    let read = |directory: &Path| -> Result<Table, String> {
        let file = directory.join("Cargo.toml");
        let text = tree
            .text(&file)
            .ok_or_else(|| format!("{} is missing", file.display()))?;
        text.parse().map_err(|error| format!("{}: {error}", file.display()))
    };
    let workspace = read(Path::new(""))?;
    let members = workspace
        .get("workspace")
        .and_then(|table| table.get("members"))
        .and_then(Value::as_array);
    members
        .ok_or("Cargo.toml lists no members")?
        .iter()
        .map(|member| {
            let directory = PathBuf::from(member.as_str().ok_or("a member is no string")?);
            let manifest = read(&directory)?;
            let name = manifest
                .get("package")
                .and_then(|package| package.get("name"))
                .and_then(Value::as_str);
            let name = name
                .ok_or_else(|| format!("{} has no name", directory.display()))?
                .to_owned();
            Ok(Member {
                name,
                directory,
                manifest,
            })
        })
        .collect()
}

/// The crate that a file belongs to: the one with the longest directory above it.
pub(crate) fn owner<'a>(members: &'a [Member], file: &Path) -> Option<&'a Member> {
    let above = members.iter().filter(|member| file.starts_with(&member.directory));
    above.max_by_key(|member| member.directory.components().count())
}

/// A manifest against the arrows, the core's abstinence and the shared lints.
pub(crate) fn check(member: &Member, arrows: &Arrows) -> Vec<Finding> {
    let file = member.file();
    let allowed = arrows.crates_of(&member.name);
    let mut findings = Vec::new();
    for name in dependencies(&member.manifest) {
        if name.starts_with("cutover-") && !allowed.contains(name.as_str()) {
            findings.push(Finding::of(
                &file,
                format!("depends on {name}, and the table of arrows has no such arrow"),
            ));
        }
        if member.name == "cutover-core" && NOT_IN_THE_CORE.contains(&name.as_str()) {
            findings.push(Finding::of(
                &file,
                format!("the core is pure: it must not depend on {name}"),
            ));
        }
    }
    let shared = member.manifest.get("lints").and_then(|lints| lints.get("workspace"));
    if shared.and_then(Value::as_bool) != Some(true) {
        findings.push(Finding::of(
            &file,
            "takes no part in the shared lints: add `[lints] workspace = true`",
        ));
    }
    findings
}

/// Package names of all dependencies: plain, for tests, for the build, and by target, seen through renames.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    tables
        .flat_map(|table| ["dependencies", "dev-dependencies", "build-dependencies"].map(|kind| table.get(kind)))
        .filter_map(|dependencies| dependencies?.as_table())
        .flatten()
        .map(|(name, value)| value.get("package").and_then(Value::as_str).unwrap_or(name).to_owned())
        .collect()
}

/// Packages in a lock file that bring a second TLS stack.
pub(crate) fn second_tls_stack(file: &Path, lock: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in lock.lines().enumerate() {
        let name = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'));
        if let Some(name) = name.filter(|name| SECOND_TLS_STACK.contains(name)) {
            let what = format!("{name}: rustls with ring is the one TLS stack; switch off the feature that brings it");
            findings.push(Finding::at(file, index + 1, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    fn whats(name: &str, manifest: &str) -> Vec<String> {
        let manifest = manifest.parse().expect("the plant is TOML");
        let member = Member {
            name: name.to_owned(),
            directory: PathBuf::from("x"),
            manifest,
        };
        let document = table::tests::SAMPLE.replace(
            "| `cutover-proto` |",
            "| `cutover-core` | any | `cutover-proto` |\n| `cutover-proto` |",
        );
        let arrows = table::parse(&document).expect("still a table");
        check(&member, &arrows)
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    const LINTS: &str = "[lints]\nworkspace = true\n";

    #[test]
    fn the_core_may_not_name_what_does_io() {
        for name in NOT_IN_THE_CORE {
            for kind in ["dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"] {
                let manifest = format!("{LINTS}[{kind}]\n{name} = \"1\"");
                assert_eq!(
                    whats("cutover-core", &manifest),
                    [format!("the core is pure: it must not depend on {name}")]
                );
            }
        }
        let renamed = format!("{LINTS}[dependencies]\nquiet = {{ package = \"tokio\", version = \"1\" }}");
        assert_eq!(whats("cutover-core", &renamed).len(), 1);
        let fine = format!("{LINTS}[dependencies]\njiff.workspace = true\ncutover-proto.workspace = true");
        assert_eq!(whats("cutover-core", &fine), [""; 0]);
    }

    #[test]
    fn a_dependency_without_an_arrow_is_found() {
        let manifest = format!("{LINTS}[dependencies]\ncutover-agent = {{ workspace = true, optional = true }}");
        assert_eq!(whats("cutover-proto", &manifest).len(), 1);
        let allowed = format!("{LINTS}[dependencies]\ncutover-proto.workspace = true\ntokio = \"1\"");
        assert_eq!(whats("cutover-agent", &allowed), [""; 0]);
    }

    #[test]
    fn a_crate_without_the_shared_lints_is_found() {
        assert_eq!(whats("cutover-agent", "").len(), 1);
        assert_eq!(whats("cutover-agent", "[lints]\nworkspace = false").len(), 1);
    }

    #[test]
    fn each_way_to_a_second_tls_stack_is_found() {
        for name in SECOND_TLS_STACK {
            let lock = format!("[[package]]\nname = \"ring\"\n\n[[package]]\nname = \"{name}\"\n");
            let found = second_tls_stack(Path::new("Cargo.lock"), &lock);
            assert_eq!(
                found.iter().map(|finding| finding.line).collect::<Vec<_>>(),
                [5],
                "{name}"
            );
        }
        assert_eq!(
            second_tls_stack(Path::new("Cargo.lock"), "name = \"openssl-probe\"\n"),
            []
        );
    }

    #[test]
    fn a_file_belongs_to_the_nearest_crate() {
        let members = [
            Member::bare("cutover-server", "server"),
            Member::bare("cutover-core", "server/core"),
        ];
        let name = |file: &str| owner(&members, Path::new(file)).map(|member| member.name.as_str());
        assert_eq!(name("server/src/app.rs"), Some("cutover-server"));
        assert_eq!(name("server/core/src/lib.rs"), Some("cutover-core"));
        assert_eq!(name("stray.rs"), None);
    }
}
