//! What the packaged server may know of the agent: its pure part, and nothing of its network side (docs/decisions/0018).

use std::path::Path;

use toml::Table;

use crate::finding::Finding;

/// The file that may import the agent without the demo.
pub(crate) const EXCEPTION: &str = "server/src/collected.rs";

/// Modules of the agent that only turn bytes into verdicts.
const PURE: [&str; 4] = ["detect", "host", "parse", "facts"];

/// Imports of the exception that are not of the pure part.
pub(crate) fn imports(file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (at, _) in code.match_indices("cutover_agent::") {
        let rest = &code[at + "cutover_agent::".len()..];
        let named: Vec<&str> = match rest.strip_prefix('{') {
            None => vec![first_word(rest)],
            Some(group) => top_level(group),
        };
        findings.extend(named.into_iter().filter(|name| !PURE.contains(name)).map(|name| {
            let line = code[..at].lines().count();
            Finding::at(
                file,
                line,
                format!("uses `{name}` of the agent; only {} are pure", PURE.join(", ")),
            )
        }));
    }
    findings
}

/// Manifests that would build the agent's network side into packages.
pub(crate) fn manifests(workspace: &Table, server: &Table) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = ["workspace", "dependencies", "cutover-agent"];
    let mut value = workspace.get(path[0]);
    for key in &path[1..] {
        value = value.and_then(|value| value.get(key));
    }
    if value.and_then(|value| value.get("default-features")) != Some(&toml::Value::Boolean(false)) {
        findings.push(Finding::of(
            Path::new("Cargo.toml"),
            "cutover-agent needs `default-features = false`: the packaged server has its pure part alone".to_owned(),
        ));
    }
    let own = server.get("dependencies").and_then(|it| it.get("cutover-agent"));
    if own.and_then(|own| own.get("features")).is_some() {
        findings.push(Finding::of(
            Path::new("server/Cargo.toml"),
            "only the feature `demo` may ask for features of cutover-agent".to_owned(),
        ));
    }
    findings
}

fn first_word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// The first word of each item of a group of imports.
fn top_level(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_u32, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(first_word(group[start..at].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(first_word(group[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_side_of_the_agent_is_found() {
        let file = Path::new(EXCEPTION);
        let pure =
            "use cutover_agent::{\n    detect::{RuleSet, scan},\n    host::Collected,\n    parse::collection,\n};\n";
        assert_eq!(imports(file, pure), []);
        assert_eq!(imports(file, "\nuse cutover_agent::link::Dial;").len(), 1);
        assert_eq!(
            imports(file, "use cutover_agent::{app::{A, B}, facts::C, act};").len(),
            2
        );
    }

    #[test]
    fn manifests_that_would_ship_it_are_found() {
        let table = |text: &str| text.parse::<Table>().expect("TOML");
        let sound = table("[workspace.dependencies]\ncutover-agent = { path = \"agent\", default-features = false }");
        let server = table("[dependencies]\ncutover-agent = { workspace = true }");
        assert_eq!(manifests(&sound, &server), []);
        let whole = table("[workspace.dependencies]\ncutover-agent = { path = \"agent\" }");
        assert_eq!(manifests(&whole, &server).len(), 1);
        let asking = table("[dependencies]\ncutover-agent = { workspace = true, features = [\"link\"] }");
        assert_eq!(manifests(&sound, &asking).len(), 1);
    }
}
