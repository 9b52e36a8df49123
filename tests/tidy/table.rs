//! The table of arrows, read from the document that people read.

use std::collections::{BTreeMap, BTreeSet};

/// The table's header; the document holds exactly one such table.
const HEADER: [&str; 3] = ["crate", "module", "may import"];

/// Stands for every module of a crate, where its inner order is left to it.
pub(crate) const ANY: &str = "any";

/// What a module may import.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Line in the document.
    pub(crate) line: usize,
    /// Every module of its own crate, whatever `modules` says.
    pub(crate) own: bool,
    /// Modules of its own crate.
    pub(crate) modules: BTreeSet<String>,
    /// Other crates of the workspace.
    pub(crate) crates: BTreeSet<String>,
}

/// All rows by crate and module.
#[derive(Debug, Default)]
pub(crate) struct Arrows {
    /// Crate (`cutover-agent`), then module (`facts`, or [`ANY`]).
    pub(crate) crates: BTreeMap<String, BTreeMap<String, Row>>,
}

impl Arrows {
    /// The row of a module, or the crate's row for any.
    pub(crate) fn row(&self, krate: &str, module: &str) -> Option<&Row> {
        let rows = self.crates.get(krate)?;
        rows.get(module).or_else(|| rows.get(ANY))
    }

    /// Every crate of the workspace that some module of this crate may import.
    pub(crate) fn crates_of(&self, krate: &str) -> BTreeSet<&str> {
        self.crates
            .get(krate)
            .into_iter()
            .flatten()
            .flat_map(|(_, row)| &row.crates)
            .map(String::as_str)
            .collect()
    }
}

/// Reads the table out of a document.
///
/// # Errors
/// Says which line cannot be read: a name that has no row, a row that is there twice, no table or two.
pub(crate) fn parse(document: &str) -> Result<Arrows, String> {
    let mut lines = document.lines().enumerate().map(|(index, line)| (index + 1, line));
    let mut arrows = Arrows::default();
    lines
        .by_ref()
        .find(|(_, line)| is_header(line))
        .ok_or("there is no table `crate | module | may import`")?;
    for (number, line) in lines.by_ref().take_while(|(_, line)| line.starts_with('|')) {
        let cells = cells(line);
        if cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':'))) {
            continue;
        }
        let [krate, module, targets] = cells[..] else {
            return Err(format!("line {number}: {} cells, three are needed", cells.len()));
        };
        let row = parse_row(number, targets)?;
        let rows = arrows.crates.entry(plain(krate).to_owned()).or_default();
        if rows.insert(plain(module).to_owned(), row).is_some() {
            return Err(format!("line {number}: {krate} {module} has a row already"));
        }
    }
    if lines.any(|(_, line)| is_header(line)) {
        return Err("there are two tables of arrows".to_owned());
    }
    check_names(&arrows)?;
    Ok(arrows)
}

fn is_header(line: &str) -> bool {
    line.starts_with('|') && cells(line) == HEADER
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

fn plain(cell: &str) -> &str {
    cell.trim_matches('`')
}

fn parse_row(line: usize, targets: &str) -> Result<Row, String> {
    let mut row = Row { line, ..Row::default() };
    if targets == "nothing" {
        return Ok(row);
    }
    for target in targets.split(',').map(str::trim) {
        match target.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
            Some(name) if name.starts_with("cutover-") => drop(row.crates.insert(name.to_owned())),
            Some(name) if !name.is_empty() => drop(row.modules.insert(name.to_owned())),
            None if target == "own modules" => row.own = true,
            _ => {
                return Err(format!(
                    "line {line}: `{target}` is neither a name in backticks nor `own modules`"
                ));
            }
        }
    }
    Ok(row)
}

fn check_names(arrows: &Arrows) -> Result<(), String> {
    for (krate, rows) in &arrows.crates {
        for (module, row) in rows {
            if let Some(name) = row.modules.iter().find(|name| !rows.contains_key(*name)) {
                return Err(format!(
                    "line {}: {krate} {module} may import {name}, which has no row",
                    row.line
                ));
            }
            if let Some(name) = row.crates.iter().find(|name| !arrows.crates.contains_key(*name)) {
                return Err(format!(
                    "line {}: {krate} {module} may import {name}, which has no row",
                    row.line
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SAMPLE: &str = "\
# Words before

| crate | module | may import |
|---|---|---|
| `cutover-proto` | any | own modules |
| `cutover-agent` | `main` | `cli`, `facts` |
| `cutover-agent` | `cli` | `facts`, `cutover-proto` |
| `cutover-agent` | `facts` | nothing |

| another | table |
";

    #[test]
    fn a_table_is_read_as_it_stands() {
        let arrows = parse(SAMPLE).expect("the sample is right");
        assert!(arrows.row("cutover-proto", "ids").is_some_and(|row| row.own));
        let cli = arrows.row("cutover-agent", "cli").expect("has a row");
        assert_eq!(cli.modules, BTreeSet::from(["facts".to_owned()]));
        assert_eq!(cli.crates, BTreeSet::from(["cutover-proto".to_owned()]));
        assert_eq!(
            arrows.row("cutover-agent", "facts").map(|row| row.modules.len()),
            Some(0)
        );
        assert_eq!(arrows.row("cutover-agent", "link"), None);
        assert_eq!(arrows.crates_of("cutover-agent"), BTreeSet::from(["cutover-proto"]));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        let planted = [
            ("`cli`, `facts` |\n", "`cli`, `stray` |\n", "stray, which has no row"),
            (
                "`cutover-proto` |\n",
                "`cutover-core` |\n",
                "cutover-core, which has no row",
            ),
            ("| nothing |", "| everything |", "neither a name"),
            (
                "| `cutover-agent` | `cli` |",
                "| `cutover-agent` | `main` |",
                "a row already",
            ),
            ("| nothing |", "|", "three are needed"),
            ("| another | table |", "| crate | module | may import |", "two tables"),
            ("| crate |", "| crates |", "no table"),
        ];
        for (from, to, why) in planted {
            let broken = SAMPLE.replace(from, to);
            assert_ne!(broken, SAMPLE, "the plant `{to}` took no root");
            let refused = parse(&broken).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }
}
